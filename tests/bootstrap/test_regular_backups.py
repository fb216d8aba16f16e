"""The backups that a daemon or a ``sync`` makes by itself: when one is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.bootstrap.backups import RegularBackups
from connector.bootstrap.certainty import Certainty
from connector.journal import backup_folder, backup_name, backups_in
from tests.bootstrap.conftest import Compose

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
MINUTE, YEAR = timedelta(minutes=1), timedelta(days=365)


@pytest.mark.parametrize(
    ("ages", "due"),
    [
        pytest.param([], True, id="there is none"),
        pytest.param([14 * MINUTE], False, id="the last one is young"),
        pytest.param([15 * MINUTE], True, id="the last one is old"),
        pytest.param([-YEAR], True, id="there is one alone, and it is from the future"),
        pytest.param([-YEAR, timedelta(0)], False, id="one from the future stands in no other's place"),
        pytest.param([-YEAR, 15 * MINUTE], True, id="one from the future makes nothing young"),
    ],
)
def test_one_is_due_when_the_last_that_was_made_is_old(
    compose: Compose, tmp_path: Path, ages: list[timedelta], due: bool
) -> None:
    program, state = compose(), tmp_path / "state.db"
    backup_folder(state).mkdir()
    for age in ages:
        (backup_folder(state) / backup_name(state, AT - age)).write_text("")
    assert RegularBackups(program, Certainty([None], program.observer)).due(AT) is due


def test_one_from_the_future_causes_no_other_at_every_look(compose: Compose, tmp_path: Path) -> None:
    program, state = compose(), tmp_path / "state.db"
    with program.journal():
        pass
    backup_folder(state).mkdir()
    ahead = backup_folder(state) / backup_name(state, AT + YEAR)
    ahead.write_text("")
    for minute in range(20):
        regular = RegularBackups(program, Certainty([None], program.observer))
        if regular.due(AT + minute * MINUTE):
            regular.make(AT + minute * MINUTE)
    made = [at for at, _ in backups_in(state, backup_folder(state))]
    assert made == [AT + YEAR, AT + 15 * MINUTE, AT]
