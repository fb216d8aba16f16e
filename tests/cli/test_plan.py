"""``plan``: where its file may go, and how it is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connector.cli.plan import check_place
from connector.errors import WrongUse


def test_a_plan_goes_into_a_file_new_or_old(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text("{}")
    for place in (tmp_path / "new.json", old):
        check_place(place)


def test_a_link_that_leads_to_itself_is_no_file(tmp_path: Path) -> None:
    place = tmp_path / "link"
    place.symlink_to(place)
    with pytest.raises(WrongUse, match="no ordinary file"):
        check_place(place)


@pytest.mark.parametrize("linked", [False, True])
def test_a_plan_never_takes_the_place_of_a_device_or_a_pipe(tmp_path: Path, *, linked: bool) -> None:
    """As root ``--out /dev/stdout`` would put a file where the whole machine has a device."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    place = tmp_path / "link" if linked else pipe
    if linked:
        place.symlink_to(pipe)
    with pytest.raises(WrongUse, match="no ordinary file"):
        check_place(place)
