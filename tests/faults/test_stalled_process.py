"""A real process that is stopped by ``SIGSTOP`` with a write armed, and continued ten minutes later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.desk import GIVE_UP_SECONDS, ROOT, ZENDESK, Desk, open_desk

TEN_MINUTES = "600"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path / "desk") as opened:
        opened.only(ZENDESK)
        opened.site(ZENDESK, effects=["fields", "notes"])
        yield opened


@pytest.fixture
def stalled(desk: Desk) -> Iterator[subprocess.Popen[str]]:
    """A pass in a process of its own that stands still, its write stored and not begun."""
    desk.ok("sync")
    desk.ticket(ZENDESK)
    desk.later(minutes=40)
    command = [sys.executable, "-m", "tests.faults.stalled", TEN_MINUTES, "-c", str(desk.config), "sync"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "it ended without arming a write"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_fault_60_a_process_that_is_stopped_with_a_write_armed_leaves_it_to_the_next_pass(
    desk: Desk, stalled: subprocess.Popen[str]
) -> None:
    """After ten minutes the write is not its own any more: not a byte of it leaves, and the pass after it says it once.

    Meanwhile the state is held, and whoever else wants to write is turned away.
    """
    assert desk.run("sync").code == 75
    stalled.send_signal(signal.SIGCONT)
    _, log = stalled.communicate(timeout=GIVE_UP_SECONDS)
    assert desk.writes() == [], log
    for _ in range(3):
        desk.ok("sync")
    (ticket,) = {row["ticket"] for row in desk.client.view(ZENDESK)}
    texts = [comment["body"] for comment in desk.ours(ZENDESK, ticket)]
    assert texts
    assert len(texts) == len(set(texts))
    assert desk.view(ZENDESK, ticket)["priority"] == "P1"
