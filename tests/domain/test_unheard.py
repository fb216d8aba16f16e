"""Steps that a threshold asked for, before it is known that its clock had been met or paused in time."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.events import EventKind, TicketEvent
from connector.domain.policy import SlaSource, StartWhen
from connector.domain.ticket import ClockName, NativeClock, NativeStage, Priority, Status
from tests.domain.desk import ANNA, CARLA, Desk
from tests.domain.policies import ESCALATION, changed, threshold

OUTAGE = {"impact": "site", "urgency": "blocked"}
AT_ONCE = {Priority.P1: StartWhen.AT_ONCE}
LATER = {Priority.P1: StartWhen.THRESHOLD}
STARTS = pytest.mark.parametrize("start", [AT_ONCE, LATER], ids=["a running path", "a path that the mark began"])
TARGET = 15
"""Minutes within which a P1 is to be answered."""


def watched(start: dict[Priority, StartWhen]) -> Desk:
    """Return a desk with a P1 whose only mark calls level 2 in when nobody has answered in time."""
    policy = changed(escalation=dataclasses.replace(ESCALATION, start=start))
    mark = threshold(ClockName.FIRST_RESPONSE, 100, escalate_to=2, note="overdue")
    desk = Desk(dataclasses.replace(policy, sla=dataclasses.replace(policy.sla, thresholds=(mark,))), facts=OUTAGE)
    desk.sync()
    return desk


def stepped(start: dict[Priority, StartWhen], *, heard: bool = False) -> tuple[Desk, datetime]:
    """Return a desk that stored the step at the mark, and a moment a minute before; nothing was written for it yet."""
    desk = watched(start)
    desk.wait(minutes=TARGET - 1)
    shortly_before = desk.now
    desk.wait(minutes=1)
    decision, planned = desk.look()
    desk.store(decision, planned)
    assert desk.state.level == 2, "the clock runs on what is known"
    if heard:
        desk.write(planned)
    return desk, shortly_before


def answered(desk: Desk, at: datetime) -> None:
    """Let it be known only now that somebody answered."""
    desk.events.append(TicketEvent(id="late", at=at, kind=EventKind.COMMENT, actor=ANNA, public=True))


def paused(desk: Desk, at: datetime) -> None:
    """Let it be known only now that the ticket waits for its customer."""
    desk.ticket = dataclasses.replace(desk.ticket, status=Status.WAITING_CUSTOMER)
    waits = Status.WAITING_CUSTOMER
    desk.events.append(TicketEvent(id="late", at=at, kind=EventKind.STATUS, actor=ANNA, before="new", after=waits))


@STARTS
@pytest.mark.parametrize("act", [answered, paused], ids=["answered", "paused"])
def test_a_mark_that_was_not_reached_after_all_moves_nobody(start, act):
    desk, before = stepped(start)
    act(desk, before)
    desk.run(minutes=10)
    level = 1 if start is AT_ONCE else 0
    assert (desk.state.level, desk.ticket.level) == (level, level or None)
    assert not any("overdue" in said for said in desk.spoken)
    assert not any(line.startswith("level") and line.endswith("2") for line in desk.written)


@STARTS
def test_what_was_said_is_not_unsaid(start):
    desk, before = stepped(start, heard=True)
    answered(desk, before)
    desk.sync()
    assert (desk.state.level, desk.ticket.level) == (2, 2)


@STARTS
@given(minutes=st.integers(0, 29))
def test_a_mark_that_was_reached_moves_the_path_whatever_came_after_it(start, minutes):
    desk, _ = stepped(start)
    desk.wait(minutes=minutes)
    answered(desk, desk.now)
    desk.sync()
    assert (desk.state.level, desk.ticket.level) == (2, 2)


@STARTS
@given(pause=st.integers(1, 60))
def test_a_mark_that_is_reached_after_a_pause_calls_its_level_and_speaks(start, pause):
    """What was taken back counts as never asked for: the same mark asks again once it is really reached."""
    desk, before = stepped(start)
    paused(desk, before)
    desk.run(minutes=pause)
    desk.status(Status.OPEN)
    desk.sync()
    assert desk.state.level < 2
    desk.run(minutes=5)
    assert (desk.state.level, desk.ticket.level) == (2, 2)
    assert "overdue (notes)" in desk.spoken


def acknowledged(start: dict[Priority, StartWhen], mark: object, *, source: SlaSource = SlaSource.OWN) -> Desk:
    """Return a desk whose only mark is this one, with a P1 that somebody has taken over: no timer runs."""
    policy = changed(escalation=dataclasses.replace(ESCALATION, start=start))
    sla = dataclasses.replace(policy.sla, thresholds=(mark,), source=source)
    desk = Desk(dataclasses.replace(policy, sla=sla), facts=OUTAGE, priority=Priority.P1)
    desk.sync()
    desk.command("/esc ack")
    desk.sync()
    return desk


def unwritten(desk: Desk, **time: float) -> Desk:
    """Let a step be made that nothing is written for yet."""
    desk.wait(**time)
    desk.store(*desk.look())
    assert desk.state.level == 2
    return desk


@STARTS
@pytest.mark.parametrize("stage", [NativeStage.PAUSED, NativeStage.MET])
def test_a_helpdesks_clock_that_shows_no_mark_any_more_takes_nothing_back(start, stage):
    """It was reached; Zendesk and Jira tell no deadline of a clock that is paused or met, however late."""
    mark = threshold(ClockName.RESOLUTION, 90, escalate_to=2, note="breached")
    desk = acknowledged(start, mark, source=SlaSource.HELPDESK)
    clock = NativeClock(
        clock=ClockName.RESOLUTION,
        name="time to resolution",
        stage=NativeStage.RUNNING,
        read_at=desk.now,
        breach_at=desk.now + timedelta(hours=4),
        goal=timedelta(hours=4),
    )
    desk.ticket = dataclasses.replace(desk.ticket, native=(clock,))
    unwritten(desk, hours=3, minutes=40)
    desk.wait(minutes=5)
    desk.status(Status.WAITING_CUSTOMER)
    ended = dataclasses.replace(clock, stage=stage, breach_at=None, read_at=desk.now)
    desk.ticket = dataclasses.replace(desk.ticket, native=(ended,))
    assert desk.look()[0].state.level == 2


@STARTS
def test_another_cycle_of_the_clock_takes_nothing_back(start):
    """An update was missed; half an hour later the customer is answered, asks back and is answered again."""
    desk = acknowledged(start, threshold(ClockName.UPDATE, 100, escalate_to=2, note="overdue"))
    unwritten(desk, hours=1, minutes=1)
    for actor in (ANNA, CARLA, ANNA):
        desk.wait(minutes=9).says(actor)
    assert desk.look()[0].state.level == 2


@STARTS
@pytest.mark.parametrize("pauses", [False, True])
def test_a_lower_priority_takes_nothing_back(start, pauses):
    desk = acknowledged(start, threshold(ClockName.RESOLUTION, 90, escalate_to=2, note="overdue"))
    unwritten(desk, hours=3, minutes=40)
    desk.wait(minutes=5)
    desk.priority(Priority.P3)
    if pauses:
        desk.status(Status.WAITING_CUSTOMER)
    assert desk.look()[0].state.level == 2


@STARTS
def test_a_pause_that_is_over_when_it_becomes_known_counts_as_well(start):
    desk = acknowledged(start, threshold(ClockName.RESOLUTION, 90, escalate_to=2, note="overdue"))
    began = desk.now
    unwritten(desk, hours=3, minutes=37)
    waits, goes_on = Status.WAITING_CUSTOMER, Status.OPEN
    for hours, before, after, who in ((1, goes_on, waits, ANNA), (3, waits, goes_on, CARLA)):
        at = began + timedelta(hours=hours)
        acted = TicketEvent(id=f"late{hours}", at=at, kind=EventKind.STATUS, actor=who, before=before, after=after)
        desk.events.append(acted)
    desk.ticket = dataclasses.replace(desk.ticket, status=goes_on)
    assert desk.look()[0].state.level == (1 if start is AT_ONCE else 0)


@STARTS
def test_deciding_again_before_anything_is_known_changes_nothing(start):
    desk, _ = stepped(start)
    assert desk.look()[0].state == desk.state
