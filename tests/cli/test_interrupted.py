"""Ctrl-C before a command has begun."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

import pytest

from connector.__main__ import main


class Interrupted(MetaPathFinder):
    """The key is pressed while the command line's modules are loaded."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "connector.cli.main":
            raise KeyboardInterrupt


def test_ctrl_c_while_modules_are_loaded_is_130_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "connector.cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"
