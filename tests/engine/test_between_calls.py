"""A process that dies after any call of its journal or writer, and comes back: nothing that it had seen is forgotten.

What one transaction raises and another settles is lost between the two. So every call of a pass is tried, one by one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from connector.engine.passes import PassOutcome
from connector.helpdesks.memory import AGENT, Fault
from connector.ports import OpStatus
from tests.engine.stage import MONDAY, READS, Desk, Killed, Stage
from tests.engine.test_passes import OUTAGE, P1, P3
from tests.helpdesks.stopped_clock import StoppedClock

Story = Callable[[Stage, Desk], None]
"""Plays up to the pass in which the process is to die."""

MOST_CALLS = 400


def _dies(stage: Stage, call: int, spares: Callable[[str], bool]) -> bool:
    """Pass, and die after so many calls; return whether it came to that."""
    stage.death.comes_at(call, after=True)
    stage.death.spares = spares
    try:
        stage.run("desk")
    except Killed:
        stage.restart()
        return True
    stage.death.never()
    return False


@pytest.fixture
def each_death(empty_state, full: bool) -> Callable[[Story, Callable[[Stage, Desk], None]], int]:
    """Tells a story once for every call of its last pass, goes on and judges; returns how many calls there were."""

    def spares(name: str) -> bool:
        return not full and READS.fullmatch(name) is not None

    def tell(story: Story, judge: Callable[[Stage, Desk], None]) -> int:
        for call in itertools.count():
            clock = StoppedClock(MONDAY)
            desk = Desk("desk", clock)
            stage = Stage(empty_state, desk, clock=clock)
            try:
                story(stage, desk)
                died = _dies(stage, call, spares)
                judge(stage, desk)
            finally:
                stage.close()
            if not died:
                return call
            assert call < MOST_CALLS
        raise AssertionError

    return tell


def _later(stage: Stage, **time: float) -> None:
    stage.clock.move(timedelta(**time))


def _answered(stage: Stage, desk: Desk) -> None:
    """A member of the level's group answers on a ticket whose first level has not run out yet."""
    id_ = desk.world.create(facts=OUTAGE, priority=P3).id
    stage.run("desk")
    _later(stage, seconds=30)
    stage.run("desk")
    assert desk.live(id_).level == 1
    _later(stage, minutes=1)
    desk.world.comment(id_, "I am on it", AGENT, public=True)
    _later(stage, seconds=10)


def test_an_agents_answer_is_not_forgotten(each_death):
    def judge(stage: Stage, desk: Desk) -> None:
        _later(stage, seconds=1)
        stage.run("desk")
        for _ in range(4):
            _later(stage, minutes=5)
            stage.run("desk", fetch=False)  # the timer runs out before anything else is read
        state = stage.stored("desk", "1").state
        assert (state.level, state.acknowledged_by) == (1, "agent (id agent), commented")

    assert each_death(_answered, judge) > 4


def _lost_answer(stage: Stage, desk: Desk) -> None:
    """The answer to a write with a note is lost; the next pass looks for it."""
    desk.world.create(facts=OUTAGE, priority=P3, labels=frozenset({"security"}))
    desk.world.write_faults.append(Fault.LOST_ANSWER)
    stage.run("desk")
    assert len(stage.ops("desk", OpStatus.SENDING)) == 1
    _later(stage, seconds=30)


def test_a_note_that_is_found_stands_once_and_its_ticket_is_as_it_should_be(each_death):
    def judge(stage: Stage, desk: Desk) -> None:
        for _ in range(3):
            _later(stage, seconds=40)
            assert stage.run("desk").outcome is PassOutcome.OK
        assert set(desk.world.keys_posted().values()) == {1}
        assert desk.live("1").priority is P1
        assert stage.stored("desk", "1").history.complete
        assert stage.wanted("desk") == {}

    assert each_death(_lost_answer, judge) > 6
