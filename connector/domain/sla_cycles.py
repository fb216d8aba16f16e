"""Where each clock's present cycle begins and when it was met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from connector.domain.events import EventKind, History, Role, TicketEvent
from connector.domain.sla_timeline import Course, Phase
from connector.domain.ticket import ClockName, Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """The present cycle of one clock: named by its start, met or still waiting."""

    start: datetime
    met_at: datetime | None = None


class _Turn(IntEnum):
    REQUEST = 0
    RESTART = 1
    ANSWER = 2


def cycle_of(clock: ClockName, *, ticket: Ticket, history: History, course: Course, now: datetime) -> Cycle:
    """The present cycle of a clock.

    * `first_response`: from the opening to the first public comment of an agent; it never begins again.
    * `update`: from the first unanswered message of the requester (opening the ticket is one) to the next public
      comment of an agent. A message to a finished ticket waits for the reopening.
    * `resolution`: from the opening, or the last reopening that begins anew, until the ticket is finished.
    """
    if clock is ClockName.RESOLUTION:
        return Cycle(start=max((ticket.opened_at, *course.restarts)), met_at=course.finished_at)
    answers = _answers(ticket, history, now)
    if clock is ClockName.FIRST_RESPONSE:
        return Cycle(start=ticket.opened_at, met_at=min(answers, default=None))
    return _waiting(ticket.opened_at, sorted(_turns(answers, ticket, history, course, now)))


def _answers(ticket: Ticket, history: History, now: datetime) -> list[datetime]:
    """When agents wrote to the requester; before the history is in, what the helpdesk's counters tell."""
    found = [e.at for e in _comments(history, Role.AGENT, now) if e.public and e.at > ticket.opened_at]
    activity = ticket.activity
    if found or history.complete or activity is None:
        return found
    ours = sum(1 for e in history.events if e.kind is EventKind.COMMENT and e.public and e.actor.role is Role.OURS)
    if (activity.public_replies or 0) <= ours:
        return []
    return [min(activity.agent_at or ticket.updated_at, now)]


def _comments(history: History, role: Role, now: datetime) -> Iterator[TicketEvent]:
    for event in history.events:
        if event.kind is EventKind.COMMENT and event.actor.role is role and not event.reaction and event.at <= now:
            yield event


def _turns(
    answers: list[datetime], ticket: Ticket, history: History, course: Course, now: datetime
) -> Iterator[tuple[datetime, _Turn]]:
    yield ticket.opened_at, _Turn.REQUEST
    for event in _comments(history, Role.CUSTOMER, now):
        asked_at = _heard_at(max(event.at, ticket.opened_at), course) if event.public is not False else None
        if asked_at is not None:
            yield asked_at, _Turn.REQUEST
    for at in course.restarts:
        yield at, _Turn.RESTART
    for at in answers:
        yield at, _Turn.ANSWER


def _heard_at(at: datetime, course: Course) -> datetime | None:
    """`at`, or the reopening after it where the ticket was finished then; None if it never reopened."""
    for stretch in course.stretches:
        if stretch.phase is Phase.FINISHED and stretch.start <= at < stretch.end:
            return None if stretch is course.stretches[-1] else stretch.end
    return None if course.finished_at is not None and at >= course.finished_at else at


def _waiting(opened_at: datetime, turns: list[tuple[datetime, _Turn]]) -> Cycle:
    cycle = Cycle(start=opened_at)
    for at, turn in turns:
        if turn is _Turn.ANSWER:
            cycle = cycle if cycle.met_at else Cycle(start=cycle.start, met_at=at)
        elif cycle.met_at or turn is _Turn.RESTART:
            cycle = Cycle(start=at)
    return cycle
