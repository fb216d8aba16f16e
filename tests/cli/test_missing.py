"""A newcomer's first mistake: another Python than the one that the libraries were installed for."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("there", [(), ("click",)])
def test_a_library_that_is_not_there_is_named_with_what_to_do(tmp_path: Path, there: tuple[str, ...]) -> None:
    for name in there:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (tmp_path / name).symlink_to(Path(spec.origin).parent)
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "connector", "status"],  # no packages but those that the path names
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    told, remedy = ran.stderr.splitlines()
    assert (ran.returncode, ran.stdout) == (1, "")
    assert told.startswith("error: this Python has no library ")
    assert remedy.startswith("  -> ")
