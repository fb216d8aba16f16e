"""What is past its time is deleted by a clock alone that a helpdesk has found right, and that has not leapt since."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.bootstrap.backups import RegularBackups
from connector.bootstrap.certainty import Certainty
from connector.bootstrap.erasing import LOOK_AT_TIME, Retention
from connector.engine.passes import PassOutcome, run_pass
from connector.engine.timekeeping import Timekeeper
from connector.journal import back_up, backup_folder, backup_name, backups_in, make_backup
from tests.bootstrap.conftest import Compose, Heard
from tests.engine.stage import MONDAY, Desk, Stage
from tests.helpdesks.stopped_clock import StoppedClock

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SECOND, MINUTE, DAY, YEAR = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1), timedelta(days=365)


class OurClock(StoppedClock):
    """The machine's clock, whose wall can be stepped; its monotonic seconds go with the world."""

    def __init__(self, world: StoppedClock) -> None:
        super().__init__()
        self._world = world
        self.off = timedelta(0)

    def now(self) -> datetime:
        return self._world.now() + self.off

    def monotonic(self) -> float:
        return self._world.monotonic()


class Machine:
    """A machine beside a helpdesk, and what its processes know about their clock."""

    def __init__(self, empty_state: Path) -> None:
        self.world = StoppedClock(MONDAY)
        self.ours = OurClock(self.world)
        self.desk = Desk("desk", self.world)
        self.stage = Stage(empty_state, self.desk, clock=self.world)
        self.keeper = Timekeeper(self.ours)

    def passes(self) -> PassOutcome:
        around = dataclasses.replace(self.stage.around, clock=self.keeper.clock, time=self.keeper)
        return run_pass(self.desk.site, around, kind="run").outcome


@pytest.fixture
def machine(empty_state: Path) -> Iterator[Machine]:
    opened = Machine(empty_state)
    yield opened
    opened.stage.close()


class Told:
    """A site's clock, known or not as a test says."""

    def __init__(self, *, knows: bool = False) -> None:
        self.knows = knows

    def certain(self) -> bool:
        return self.knows


# ---- when a clock is known


def test_a_clock_is_known_once_a_helpdesk_has_found_it_right_and_until_it_leaps(machine: Machine) -> None:
    known = [machine.keeper.certain()]
    for step in (timedelta(0), timedelta(0), YEAR, -YEAR):
        machine.ours.off += step
        known.append(machine.keeper.certain())
        machine.passes()
        known.append(machine.keeper.certain())
        machine.world.move(MINUTE)
    assert known == [False, False, True, True, True, False, False, False, True]


@pytest.mark.parametrize(
    ("off", "known"), [(3 * MINUTE, True), (-3 * MINUTE, True), (YEAR, False), (-YEAR, False)], ids=str
)
def test_one_that_was_wrong_from_the_beginning_is_known_where_the_helpdesk_corrects_it(
    machine: Machine, off: timedelta, known: bool
) -> None:
    machine.ours.off = off
    assert (machine.passes() is PassOutcome.OK) is known
    assert machine.keeper.certain() is known


def test_asking_changes_nothing_of_what_a_pass_finds(machine: Machine) -> None:
    machine.passes()
    machine.ours.off = MINUTE
    assert not machine.keeper.certain()
    machine.ours.off = timedelta(0)
    assert machine.keeper.certain()
    assert machine.keeper.steady()


@pytest.mark.parametrize(
    ("times", "certain"),
    [
        pytest.param([], False, id="no site has begun"),
        pytest.param([Told()], False, id="nobody knows"),
        pytest.param([Told(), Told(knows=True)], True, id="one knows"),
        pytest.param([None], True, id="time is stepped"),
    ],
)
def test_one_site_that_knows_is_enough(times: list[Told | None], certain: bool) -> None:
    found = Certainty(times, Heard())  # type: ignore[arg-type]
    assert (found.is_there(), found.may_delete()) == (certain, certain)


def test_what_is_put_off_is_told_once_until_the_clock_is_known_again() -> None:
    heard, site = Heard(), Told()
    certainty = Certainty([site], heard)  # type: ignore[list-item]
    told = []
    for site.knows in (False, False, True, False, False):
        certainty.may_delete()
        told.append(len(heard.events))
    assert told == [1, 1, 1, 2, 2]
    assert {name for name, _ in heard.events} == {"deleting_put_off"}


# ---- what waits for it


def test_retention_waits_for_it_and_looks_again_a_minute_later(compose: Compose, tmp_path: Path) -> None:
    program, site, now = compose(), Told(), AT
    with program.journal() as journal:
        aside = make_backup(tmp_path / "state.db", tmp_path / f"state.db.replaced-{AT - 20 * DAY:%Y%m%dT%H%M%SZ}")
        certainty = Certainty([site], Heard())  # type: ignore[list-item]
        retention = Retention(lambda: now, journal, program.settings.state_url, certainty)
        for site.knows in (False, True):
            now += MINUTE
            for _ in range(LOOK_AT_TIME):
                retention.step()
            assert aside.exists() is not site.knows


@pytest.mark.parametrize("knows", [False, True])
def test_a_backup_is_made_and_no_other_deleted(compose: Compose, tmp_path: Path, knows: bool) -> None:
    program, state = compose(), tmp_path / "state.db"
    with program.journal():
        pass
    for age in (30, 31):
        back_up(state, backup_folder(state), now=AT - age * DAY, thin=False)
    RegularBackups(program, Certainty([Told(knows=knows)], program.observer)).make(AT)  # type: ignore[list-item]
    assert len(backups_in(state, backup_folder(state))) == (1 if knows else 3)


@pytest.mark.parametrize(
    ("knows", "age", "due"),
    [(True, 15 * MINUTE, True), (False, 15 * MINUTE, False), (False, DAY - SECOND, False), (False, DAY, True)],
)
def test_as_none_is_deleted_one_a_day_is_made(
    compose: Compose, tmp_path: Path, knows: bool, age: timedelta, due: bool
) -> None:
    program, state = compose(), tmp_path / "state.db"
    backup_folder(state).mkdir()
    (backup_folder(state) / backup_name(state, AT - age)).write_text("")
    certainty = Certainty([Told(knows=knows)], program.observer)  # type: ignore[list-item]
    assert RegularBackups(program, certainty).due(AT) is due
