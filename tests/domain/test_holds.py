"""Holding a ticket: by label, by field, by an agent's note; what it stops, how it ends, and who may not."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.decide import decide
from connector.domain.events import Actor, EventKind, EventSource, Role
from connector.domain.site import HOLD_UNTIL
from connector.domain.situation import Situation
from connector.domain.ticket import Priority, Status
from tests.domain.desk import ANNA, CARLA, OURS, ROBOT, SOMEBODY, Desk

OUTAGE = {"impact": "site", "urgency": "blocked"}
P1, P2, P3, P4 = Priority
LOU = Actor("lou-id", Role.COLLABORATOR)
NOBODYS = st.sampled_from([CARLA, LOU, ROBOT, OURS, Actor("", Role.UNKNOWN)])


def fill(desk: Desk, until: timedelta | None, actor: Actor = ANNA) -> None:
    """Somebody sets the field that holds the ticket."""
    before, after = desk.ticket.held_until, None if until is None else desk.now + until
    told = [None if at is None else at.isoformat() for at in (before, after)]
    desk.event(EventKind.FACT, actor, name=HOLD_UNTIL, before=told[0], after=told[1])
    desk.ticket = dataclasses.replace(desk.ticket, held_until=after)


def held_by(desk: Desk) -> list[str]:
    return sorted({hold.by for hold in desk.look()[0].explanation.holds if hold.reason == "whole ticket"})


@given(hours=st.integers(1, 30 * 24), later=st.integers(1, 60))
def test_a_field_holds_until_its_moment_and_not_longer(hours: int, later: int) -> None:
    desk = Desk(facts=OUTAGE)
    fill(desk.wait(minutes=1), timedelta(hours=hours))
    ends_at = desk.now + timedelta(hours=hours)
    desk.sync()
    assert desk.written == []
    assert held_by(desk) == ["field hold until by agent (id anna-id)"]
    desk.now = ends_at - timedelta(seconds=1)
    desk.sync()
    assert (desk.written, desk.spoken) == ([], [])
    assert desk.look()[0].next_due_at == ends_at
    desk.now = ends_at + timedelta(seconds=later)
    desk.sync()
    assert desk.ticket.priority is P1


@given(days=st.integers(31, 4000), how=st.sampled_from(["field", "command"]))
def test_a_hold_of_more_than_thirty_days_is_refused_and_said(days: int, how: str) -> None:
    desk = Desk(facts=OUTAGE)
    desk.wait(minutes=1)
    if how == "field":
        fill(desk, timedelta(days=days))
    else:
        desk.command(f"/esc hold {days}d")
    desk.sync()
    assert desk.ticket.priority is P1
    assert any("30 days" in line for line in desk.look()[0].explanation.findings)
    desk.now += timedelta(days=days - 1)
    assert held_by(desk) == [], "nor does it begin once thirty days are left of it"


@given(actor=NOBODYS, line=st.sampled_from(["hold 4h", "release", "ack", "dismiss security-form"]))
def test_nobody_but_an_agent_commands(actor: Actor, line: str) -> None:
    said, unsaid = Desk(facts=OUTAGE), Desk(facts=OUTAGE)
    for desk in (said, unsaid):
        desk.wait(minutes=1)
    said.command(f"/esc {line}", actor)
    for desk in (said, unsaid):
        desk.run(hours=1)
    assert (said.written, said.spoken) == (unsaid.written, unsaid.spoken)
    assert said.state.acknowledged_at is None


def test_what_was_asked_by_somebody_who_may_not_is_told() -> None:
    desk = Desk(facts=OUTAGE)
    desk.wait(minutes=1).command("/esc hold 4h", LOU)
    assert any("may not command" in line for line in desk.look()[0].explanation.findings)


def test_a_customer_holds_nothing_by_field() -> None:
    desk = Desk(facts=OUTAGE)
    fill(desk.wait(minutes=1), timedelta(hours=4), CARLA)
    assert held_by(desk) == []


def test_what_a_customers_form_put_into_the_field_holds_nothing() -> None:
    desk = Desk(facts=OUTAGE, held_until=None)
    desk.ticket = dataclasses.replace(desk.ticket, held_until=desk.now + timedelta(hours=4))
    assert held_by(desk) == []
    desk.complete = False
    assert held_by(desk) == [], "who opened it is known, whatever is unread since"
    desk.events[0] = dataclasses.replace(desk.events[0], source=EventSource.DELTA)
    assert held_by(desk) == ["field hold until"], "until the history tells who, it counts"


@pytest.mark.parametrize("ends", ["/esc release", "emptied"])
def test_a_field_is_released(ends: str) -> None:
    desk = Desk(facts=OUTAGE)
    fill(desk.wait(minutes=1), timedelta(days=3))
    desk.wait(minutes=1)
    if ends == "emptied":
        fill(desk, None)
    else:
        desk.command(ends)
    desk.wait(minutes=1).sync()
    assert desk.ticket.priority is P1


def test_the_longest_of_several_holds_counts() -> None:
    desk = Desk(facts=OUTAGE)
    fill(desk.wait(minutes=1), timedelta(hours=8))
    desk.command("/esc hold 2h")
    assert held_by(desk) == ["field hold until by agent (id anna-id)"]
    desk.label("esc-hold")
    assert held_by(desk) == ["label esc-hold"]


def test_the_label_has_the_name_that_the_map_gives_it() -> None:
    desk = Desk(facts=OUTAGE, labels=frozenset({"esc-hold"}))
    desk.rules = dataclasses.replace(desk.rules, hold_label="hands-off")
    assert held_by(desk) == []
    desk.wait(minutes=1).label("hands-off")
    assert held_by(desk) == ["label hands-off"]
    desk.wait(minutes=1).unlabel("hands-off")
    desk.wait(minutes=1).sync()
    assert desk.ticket.priority is P1


UNKNOWN = Actor("gone-id", Role.UNKNOWN)


@pytest.mark.parametrize(
    ("actor", "source", "holds"),
    [
        pytest.param(ANNA, EventSource.HISTORY, True, id="an agent"),
        pytest.param(ROBOT, EventSource.HISTORY, True, id="a rule of the helpdesk"),
        pytest.param(CARLA, EventSource.HISTORY, False, id="the customer"),
        pytest.param(LOU, EventSource.HISTORY, False, id="a light agent"),
        pytest.param(UNKNOWN, EventSource.HISTORY, False, id="nobody whom the helpdesk knows"),
        pytest.param(SOMEBODY, EventSource.DELTA, True, id="whoever it was, until the history tells"),
    ],
)
def test_a_label_holds_only_where_somebody_put_it_on_who_may(actor: Actor, source: EventSource, holds: bool) -> None:
    desk = Desk(facts=OUTAGE)
    desk.wait(minutes=1).label("esc-hold", actor=actor)
    desk.events[-1] = dataclasses.replace(desk.events[-1], source=source)
    desk.wait(minutes=1).sync()
    assert held_by(desk) == (["label esc-hold"] if holds else [])
    assert (desk.ticket.priority is P1) is not holds
    findings = [each for each in desk.look()[0].explanation.findings if each.startswith("label esc-hold by ")]
    assert len(findings) == (0 if holds else 1), "explain says why it does not hold"


@pytest.mark.parametrize(
    ("creator", "source", "holds"),
    [
        (ANNA, EventSource.HISTORY, True),
        (CARLA, EventSource.HISTORY, False),
        (LOU, EventSource.HISTORY, False),
        (CARLA, EventSource.DELTA, True),
    ],
)
@pytest.mark.parametrize("complete", [True, False])
def test_a_label_from_the_beginning_is_its_creators(
    creator: Actor, source: EventSource, holds: bool, complete: bool
) -> None:
    desk = Desk(facts=OUTAGE, labels=frozenset({"esc-hold"}))
    desk.events[0] = dataclasses.replace(desk.events[0], actor=creator, source=source)
    desk.complete = complete
    assert held_by(desk) == (["label esc-hold"] if holds else [])


def test_a_label_that_a_rule_put_on_while_the_ticket_was_opened_is_the_rules() -> None:
    desk = Desk(facts=OUTAGE)
    desk.label("esc-hold", actor=ROBOT)
    assert held_by(desk) == ["label esc-hold"]


def test_a_light_agents_field_holds_nothing() -> None:
    desk = Desk(facts=OUTAGE)
    fill(desk.wait(minutes=1), timedelta(hours=4), LOU)
    assert held_by(desk) == []


def test_a_collaborators_acts_acknowledge_nothing() -> None:
    desk = Desk(facts=OUTAGE)
    desk.sync()
    desk.wait(minutes=1).says(LOU, public=False)
    desk.assign(assignee="id:lou-id", actor=LOU)
    desk.sync()
    assert desk.state.acknowledged_at is None


# ---- what held a ticket holds the one that it was merged into


def merged(into: Desk, source: Desk) -> Situation:
    """Return what is known of a ticket into which another, as it stands, was merged and so closed a minute later."""
    source.wait(minutes=1).status(Status.CLOSED)
    into.now = max(into.now, source.now)
    return dataclasses.replace(into.situation, merged=(source.situation,))


def held(situation: Situation, desk: Desk, **time: float) -> list[str]:
    reasons = decide(situation, desk.policy, desk.now + timedelta(**time)).explanation.holds
    return sorted({hold.by for hold in reasons if hold.reason == "whole ticket"})


def test_a_hold_goes_on_after_a_merge_until_its_own_moment_and_says_whose_it_was() -> None:
    target, source = Desk(facts=OUTAGE), Desk(key="#77")
    source.wait(minutes=1).command("/esc hold 4h")
    situation = merged(target, source)
    by = ["/esc hold by agent (id anna-id) on #77, merged into this one"]
    assert held(situation, target) == held(situation, target, hours=3, minutes=58) == by
    assert held(situation, target, hours=4) == []


@pytest.mark.parametrize(("minutes", "holds"), [(-1, True), (0, False), (1, False)])
def test_only_a_release_since_the_merge_ends_what_came_with_it(minutes: int, holds: bool) -> None:
    """And the merge is when the other ticket was finished: what happened on it before, or since, is not."""
    target, source = Desk(facts=OUTAGE), Desk(key="#77")
    source.wait(minutes=1).command("/esc hold 4h")
    source.wait(minutes=1).status(Status.WAITING_CUSTOMER)
    merged(target, source)
    target.wait(minutes=minutes).command("/esc release")
    source.wait(minutes=30).fact("impact", "closed")
    situation = dataclasses.replace(target.situation, merged=(source.situation,))
    assert bool(held(situation, target, minutes=5)) == holds


def test_a_release_on_the_merged_ticket_was_one_there() -> None:
    target, source = Desk(facts=OUTAGE), Desk(key="#77")
    source.wait(minutes=1).command("/esc hold 4h")
    source.wait(minutes=1).command("/esc release")
    assert held(merged(target, source), target) == []


@given(minutes=st.integers(0, 400))
def test_a_merge_of_a_ticket_that_nobody_held_holds_nothing(minutes: int) -> None:
    target = Desk(facts=OUTAGE)
    assert held(merged(target, Desk(key="#77")), target, minutes=minutes) == []
