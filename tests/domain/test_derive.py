"""What two observations of a ticket tell, and how carefully it is attributed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from connector.domain.change import Field
from connector.domain.derive import derive
from connector.domain.events import EventKind, EventSource, Role
from connector.domain.situation import Applied
from connector.domain.ticket import Activity, Priority, Status, Ticket, TicketRef
from tests.domain.values import tickets

OPENED = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LATER = OPENED + timedelta(hours=1)
BEFORE = Ticket(
    ref=TicketRef("desk", "1"),
    key="#1",
    version="1",
    status=Status.OPEN,
    opened_at=OPENED,
    updated_at=OPENED,
    priority=Priority.P3,
    group="service-desk",
    facts={"impact": "user"},
    activity=Activity(public_replies=0, last_comment_at=OPENED, requester_at=OPENED),
)


def after(**changes: Any) -> Ticket:
    return replace(BEFORE, version="2", updated_at=LATER, **changes)


def test_the_first_sight_tells_creation_and_present_status_and_asks_for_history() -> None:
    derived = derive(None, BEFORE)
    assert [(e.kind, e.at, e.after) for e in derived.events] == [
        (EventKind.CREATED, OPENED, "new"),
        (EventKind.STATUS, OPENED, "open"),
    ]
    assert derived.ask


@pytest.mark.parametrize("previous", [None, replace(BEFORE, activity=None)], ids=["first sight", "later"])
def test_comments_that_are_not_shown_may_hold_a_command(previous: Ticket | None) -> None:
    current = after(activity=None)
    shown, unshown = derive(previous, current), derive(previous, current, unshown=True)
    assert [e for e in shown.events if e.kind is EventKind.COMMENT] == []
    (said,) = (e for e in unshown.events if e.kind is EventKind.COMMENT)
    assert (said.at, said.actor.role, said.public) == (LATER, Role.UNKNOWN, False)
    assert unshown.ask
    assert shown.ask == (previous is None)


def test_nothing_is_said_where_nothing_changed_or_only_we_did() -> None:
    assert derive(BEFORE, BEFORE, unshown=True) == derive(BEFORE, BEFORE)
    assert derive(BEFORE, after(), own_version="2", unshown=True) == derive(BEFORE, after(), own_version="2")


@given(tickets)
def test_the_same_observation_twice_tells_nothing(ticket: Ticket) -> None:
    derived = derive(ticket, ticket)
    assert derived.events == ()
    assert not derived.ask


@given(tickets, tickets)
def test_whatever_is_derived_is_marked_as_such_and_named_once(one: Ticket, other: Ticket) -> None:
    derived = derive(one, other)
    assert all(e.source is EventSource.DELTA for e in derived.events)
    assert len({e.id for e in derived.events}) == len(derived.events)
    assert derived == derive(one, other)


CHANGES = {
    "a stranger raises the priority": ({"priority": Priority.P1}, EventKind.PRIORITY, "P1", Role.UNKNOWN, True),
    "a stranger moves the group": ({"group": "legal"}, EventKind.GROUP, "legal", Role.UNKNOWN, True),
    "somebody takes it": ({"assignee": "anna"}, EventKind.ASSIGNEE, "anna", Role.UNKNOWN, True),
    "a status alone asks nobody": ({"status": Status.ON_HOLD}, EventKind.STATUS, "on_hold", Role.UNKNOWN, False),
    "an input rises": ({"facts": {"impact": "site"}}, EventKind.FACT, "site", Role.UNKNOWN, False),
}


@pytest.mark.parametrize(("changes", "kind", "value", "role", "ask"), CHANGES.values(), ids=CHANGES)
def test_one_change_is_one_event(changes: Any, kind: EventKind, value: str, role: Role, ask: bool) -> None:
    derived = derive(BEFORE, after(**changes))
    assert [(e.kind, e.after, e.actor.role, e.reaction) for e in derived.events] == [(kind, value, role, False)]
    assert derived.ask is ask


def test_a_value_that_we_wrote_last_is_ours_and_nobody_is_asked() -> None:
    applied = {Field.PRIORITY: Applied(value="P1", at=LATER)}
    derived = derive(BEFORE, after(priority=Priority.P1), applied=applied)
    assert [e.actor.role for e in derived.events] == [Role.OURS]
    assert not derived.ask


def test_what_came_together_with_our_own_write_is_a_reaction() -> None:
    derived = derive(BEFORE, after(status=Status.WAITING_CUSTOMER), own_version="2")
    assert [(e.actor.role, e.reaction, e.counts) for e in derived.events] == [(Role.AUTOMATION, True, False)]


COMMENTS = {
    "an agent replied": (Activity(public_replies=1, last_comment_at=LATER, agent_at=LATER), Role.AGENT, True),
    "the requester wrote": (Activity(public_replies=0, last_comment_at=LATER, requester_at=LATER), Role.CUSTOMER, True),
    "somebody noted": (Activity(public_replies=0, last_comment_at=LATER, requester_at=OPENED), Role.UNKNOWN, False),
}


@pytest.mark.parametrize(("activity", "role", "public"), COMMENTS.values(), ids=COMMENTS)
def test_counters_imply_a_comment_and_ask_who(activity: Activity, role: Role, public: bool) -> None:
    derived = derive(BEFORE, after(activity=activity))
    assert [(e.kind, e.at, e.actor.role, e.public) for e in derived.events] == [
        (EventKind.COMMENT, LATER, role, public)
    ]
    assert derived.ask


def test_our_own_comment_is_not_taken_for_an_agents_reply() -> None:
    activity = Activity(public_replies=1, last_comment_at=LATER, agent_at=LATER)
    assert derive(BEFORE, after(activity=activity), own_version="2").events == ()


def test_a_hold_field_that_changed_is_told_and_the_history_is_asked_who_did_it() -> None:
    derived = derive(BEFORE, after(held_until=LATER + timedelta(days=1)))
    (event,) = derived.events
    told = (event.kind, event.name, event.before, event.after)
    assert told == (EventKind.FACT, "hold_until", None, (LATER + timedelta(days=1)).isoformat())
    assert event.actor.role is Role.UNKNOWN
    assert derived.ask
