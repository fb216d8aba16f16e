"""A follow-up of a closed ticket goes on where that one ended."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.decide import decide
from connector.domain.events import EventKind
from connector.domain.followups import continued, followed
from connector.domain.occasion import Outcome, Said
from connector.domain.site import Effect
from connector.domain.situation import Situation
from connector.domain.ticket import ClockName, Link, LinkKind, Status, TicketRef
from tests.domain.desk import ANNA, CARLA, Desk

CALM = {"impact": "team", "urgency": "degraded"}


def pair(*, answered: bool, solved_for: timedelta) -> tuple[Desk, Desk]:
    """A ticket that was closed, and the one that the requester opened about it later."""
    first = Desk(facts=CALM)
    if answered:
        first.wait(minutes=30).says(ANNA)
    first.wait(hours=1).status(Status.SOLVED)
    first.wait(hours=1).status(Status.CLOSED)
    link = Link(kind=LinkKind.FOLLOW_UP, target="1")
    later = Desk(facts=CALM, ref=TicketRef("demo", "2"), links=(link,), opened_at=first.now + solved_for)
    return first, later


def joined(first: Desk, later: Desk) -> Situation:
    return continued(later.situation, first.ticket, history=first.situation.history, said=first.said)


def clock(situation: Situation, desk: Desk, name: ClockName):
    (found,) = [c for c in decide(situation, desk.policy, desk.now).clocks if c.clock is name]
    return found


def test_a_first_response_that_was_given_is_not_owed_again() -> None:
    first, later = pair(answered=True, solved_for=timedelta(days=1))
    later.wait(hours=2)
    assert clock(later.situation, later, ClockName.FIRST_RESPONSE).met_at is None
    assert clock(joined(first, later), later, ClockName.FIRST_RESPONSE).met_at is not None


@given(days=st.integers(1, 30))
def test_within_the_span_the_clock_resumes_and_later_it_begins_anew(days: int) -> None:
    first, later = pair(answered=True, solved_for=timedelta(days=days))
    later.wait(days=4)  # it is no mere "thanks" by then, whatever the weekday
    reading = clock(joined(first, later), later, ClockName.RESOLUTION)
    resumed = reading.cycle_start == first.ticket.opened_at
    assert resumed or reading.cycle_start == later.ticket.opened_at
    assert resumed == (days <= 7) or days in {8, 9, 10, 11}, "seven working days at most"


def test_marks_that_fired_stay_fired_and_nothing_else_is_taken_over() -> None:
    first, later = pair(answered=False, solved_for=timedelta(days=1))
    row = Said(outcome=Outcome.DONE, at=first.now)
    first.said["threshold:resolution:20261123T090000Z:75%", Effect.NOTES] = row
    first.said["level:default:20261123T090000Z:1", Effect.NOTES] = row
    names = [name for name, _ in joined(first, later).said]
    assert names == ["threshold:resolution:20261123T090000Z:75%"]


def test_what_people_held_before_is_over() -> None:
    first, later = pair(answered=False, solved_for=timedelta(days=1))
    kinds = {e.kind for e in joined(first, later).history.events}
    assert EventKind.PRIORITY not in kinds
    found = decide(joined(first, later.wait(hours=2)), later.policy, later.now)
    assert found.explanation.holds == ()


def test_a_ticket_that_we_did_not_see_close_is_taken_for_closed() -> None:
    first, later = pair(answered=False, solved_for=timedelta(days=1))
    first.events = [e for e in first.events if e.kind is not EventKind.STATUS]
    statuses = [e.after for e in joined(first, later).history.events if e.kind is EventKind.STATUS]
    assert statuses[0] == Status.CLOSED
    assert joined(first, later).history.events[-1].actor == CARLA


def test_no_ticket_follows_a_later_one() -> None:
    first, later = pair(answered=True, solved_for=timedelta(days=1))
    assert continued(first.situation, later.ticket, history=later.situation.history, said={}) == first.situation
    assert (followed(first.ticket), followed(later.ticket)) == (None, "1")
    assert dataclasses.replace(later.ticket, links=()).links == ()
