"""A site that nobody reads well any more, under ``sync`` by cron."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connector.bootstrap.stale import tell_of_silence
from connector.helpdesks.memory import Fault
from connector.ports import AlarmKind
from tests.engine.stage import MINUTE, MONDAY, Desk, Ears, Stage
from tests.helpdesks.stopped_clock import StoppedClock


@pytest.fixture
def stage(empty_state: Path) -> Iterator[Stage]:
    clock = StoppedClock(MONDAY)
    opened = Stage(empty_state, Desk("desk", clock), Desk("other", clock), clock=clock)
    yield opened
    opened.close()


def _sync(stage: Stage, *, dead: bool) -> list[str]:
    """Sync both sites as a process of its own would; return what it says aloud."""
    if dead:
        stage.desks["desk"].world.read_faults.append(Fault.UNAVAILABLE)
    results = [stage.run(name) for name in stage.desks]
    stage.desks["desk"].world.read_faults.clear()
    ears = Ears()
    tell_of_silence(stage.journal, results, ears, stale_after=timedelta(minutes=15), now=stage.clock.now())
    assert {alarm.kind for alarm in ears.alarms} <= {AlarmKind.STALE}
    return [f"{alarm.site} {alarm.message.split(';')[0]}" for alarm in ears.alarms]


def test_a_dead_site_is_told_once_for_each_length_of_silence(stage: Stage) -> None:
    assert _sync(stage, dead=False) == []
    told = []
    for _ in range(50):
        stage.clock.move(MINUTE)
        told += _sync(stage, dead=True)
    assert told == [f"desk desk: no good pass for {minutes} minutes" for minutes in (15, 30, 45)]
    stage.clock.move(MINUTE)
    assert _sync(stage, dead=False) == []
    stage.clock.move(MINUTE)
    assert _sync(stage, dead=True) == []


def test_a_sync_once_an_hour_tells_every_time(stage: Stage) -> None:
    _sync(stage, dead=False)
    for _ in range(3):
        stage.clock.move(timedelta(hours=1))
        assert len(_sync(stage, dead=True)) == 1
