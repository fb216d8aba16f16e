"""Progress: a person at a terminal sees how far each site is; nobody else does, and the log stays whole."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.cli.context import Options
from connector.cli.log import Log
from connector.cli.progress import ProgressLine, Watched
from connector.cli.show import Output
from connector.ports import RunSummary
from tests.bootstrap.conftest import Compose

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Terminal(io.StringIO):
    """A terminal as far as one line is concerned: what is erased is gone."""

    def isatty(self) -> bool:
        return True

    @property
    def screen(self) -> list[str]:
        lines = [line.rpartition("\r\x1b[K")[2] for line in self.getvalue().split("\n")]
        return lines if lines[-1] else lines[:-1]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_each_site_tells_how_far_it_is_below_the_log(terminal: Terminal) -> None:
    line = ProgressLine(terminal)
    watched = Watched(Log(lambda: NOW, stream=line), line)
    watched.event("page_read", site="jsm-eu", tickets=100, read=1200)
    assert terminal.screen == ["jsm-eu: reading, 1,200 tickets"]
    watched.event("decided", site="zendesk", tickets=500)
    watched.event("writing", site="jsm-eu", tickets=2)
    assert terminal.screen == ["jsm-eu: writing, 0 of 2 tickets · zendesk: deciding, 500 ti"]
    watched.event("held", site="zendesk", effect="notes", count=3)
    assert [part for part in terminal.screen if "WARNING" in part] == terminal.screen[:-1]
    assert terminal.screen[-1].startswith("jsm-eu: writing")
    watched.event("run_finished", site="zendesk", **finished())
    assert terminal.screen[-1] == "jsm-eu: writing, 0 of 2 tickets"
    line.show("")
    assert [part[:8] for part in terminal.screen] == ["09:00:00", "09:00:00"]


def finished() -> dict[str, Any]:
    return {"run": "r1", "outcome": "ok", "why": "", "summary": RunSummary(), "policy": "a1", "took": 1.0}


def test_a_terminal_that_is_gone_stops_nothing(terminal: Terminal) -> None:
    line = ProgressLine(terminal)
    watched = Watched(Log(lambda: NOW, stream=line), line)
    terminal.close()
    watched.event("page_read", site="jsm-eu", tickets=100, read=1200)
    watched.event("held", site="zendesk", effect="notes", count=3)


@pytest.mark.parametrize(
    ("stream", "output", "verbosity", "shown"),
    [
        pytest.param(Terminal, Output.TEXT, 0, True, id="a person watches"),
        pytest.param(io.StringIO, Output.TEXT, 0, False, id="piped"),
        pytest.param(Terminal, Output.JSON, 0, False, id="for machines"),
        pytest.param(Terminal, Output.TEXT, -1, False, id="quiet"),
    ],
)
@pytest.mark.usefixtures("terminal")
def test_nothing_is_shown_where_nobody_watches(
    compose: Compose,
    monkeypatch: pytest.MonkeyPatch,
    *,
    stream: type[io.StringIO],
    output: Output,
    verbosity: int,
    shown: bool,
) -> None:
    config = compose().places.paused.with_name("connector.yaml")
    said = stream()
    monkeypatch.setattr(sys, "stderr", said)
    with Options(config, output, verbosity, False).watching() as program:
        program.observer.event("page_read", site="jsm-eu", tickets=100, read=1200)
        assert ("reading, 1,200 tickets" in said.getvalue()) is shown
    assert said.getvalue().endswith("\r\x1b[K") is shown
