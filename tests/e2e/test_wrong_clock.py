"""The machine's own clock beside the helpdesks': by a wrong one nothing is deleted that cannot be brought back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connector.bootstrap.clock import RealClock
from tests.e2e.desk import Desk, open_desk

YEAR = timedelta(days=365)


def on_the_machines_clock(desk: Desk) -> None:
    desk.configure(lambda document: document.pop("clock_url"))


def old_copies(desk: Desk) -> list[Path]:
    """Return what any clock takes for past its time: a state that was set aside, and two backups."""
    folder = desk.folder / "state.db.backups"
    folder.mkdir(exist_ok=True)
    copies = [desk.folder / "state.db.replaced-20200101T000000Z"]
    copies += [folder / f"state-2020010{day}T000000Z.db" for day in (1, 2)]
    for copy in copies:
        copy.write_bytes(b"rows")
    return copies


@pytest.mark.parametrize("off", [timedelta(0), YEAR], ids=["right", "a year ahead"])
def test_a_sync_deletes_by_a_clock_alone_that_a_helpdesk_has_found_right(tmp_path: Path, off: timedelta) -> None:
    start = RealClock().now() - off
    with open_desk(tmp_path / "desk", "--scenario", "empty", "--mode", "running", "--start", start.isoformat()) as desk:
        on_the_machines_clock(desk)
        copies = old_copies(desk)
        ran = desk.run("-v", "sync")
        assert (ran.code == 0) is not bool(off), ran
        assert [copy.exists() for copy in copies] == [bool(off)] * 3
        assert len(ran.events("deleting_put_off")) == bool(off)
        assert len(ran.events("backed_up")) == 1
        again = desk.run("-v", "sync")
        assert again.events("backed_up") == [], "it is young"
