"""The log as a command composes it: masked, fed by the libraries, and told of what nobody caught."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.cli.context import Options
from connector.cli.show import Output
from tests.bootstrap.conftest import SECRETS, Compose


@pytest.fixture
def untouched() -> Iterator[None]:
    """What is global in a process as it was before."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers = list(root.handlers)
    yield
    root.handlers[:] = handlers
    sys.excepthook, threading.excepthook = hooks


@pytest.mark.usefixtures("untouched")
def test_no_secret_gets_through_the_composed_log(
    compose: Compose, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compose(log={"format": "json"})
    capsys.readouterr()
    program = Options(tmp_path / "connector.yaml", Output.TEXT, 1, False).load(need_secrets=True)
    for secret in SECRETS.values():
        program.observer.event("ping_failed", why=f"token {secret}")
        logging.getLogger("urllib3").warning("retrying with %s", secret)
    thread = threading.Thread(target=lambda: int(SECRETS["jsm_eu"]))
    thread.start()
    thread.join()
    said = capsys.readouterr()
    assert "canary" not in said.err + said.out
    events = [json.loads(line)["event"] for line in said.err.splitlines()]
    assert events == ["ping_failed", "library"] * 3 + ["crashed"]
