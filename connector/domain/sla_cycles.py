"""Where each clock's present cycle begins and when it was met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from connector.domain.events import EventKind, History, Role, TicketEvent
from connector.domain.sla_timeline import Course, Phase
from connector.domain.ticket import ClockName, Ticket


class Cycle(NamedTuple):
    """The present cycle of one clock: named by its start, met or still waiting."""

    start: datetime
    met_at: datetime | None = None


class Talk(NamedTuple):
    """Public comments that count: `answers` by agents, `requests` by the requester's side."""

    answers: tuple[datetime, ...] = ()
    requests: tuple[datetime, ...] = ()


_COMMENT = EventKind.COMMENT
_SILENCE = Talk()


class _Turn(IntEnum):
    REQUEST = 0
    RESTART = 1
    ANSWER = 2


def cycle_of(clock: ClockName, *, ticket: Ticket, talk: Talk, course: Course) -> Cycle:
    """The present cycle of a clock.

    * `first_response`: from the opening to the first public comment of an agent; it never begins again.
    * `update`: from the first unanswered message of the requester (opening the ticket is one) to the next public
      comment of an agent. A message to a finished ticket waits for the reopening.
    * `resolution`: from the opening, or the last reopening that begins anew, until the ticket is finished.
    """
    if clock is ClockName.RESOLUTION:
        return Cycle(max(course.restarts) if course.restarts else ticket.opened_at, course.finished_at)
    if clock is ClockName.FIRST_RESPONSE:
        return Cycle(ticket.opened_at, min(talk.answers) if talk.answers else None)
    if not (talk.requests or talk.answers or course.restarts):
        return Cycle(ticket.opened_at)
    return _waiting(ticket.opened_at, sorted(_turns(ticket, talk, course)))


def talk_of(ticket: Ticket, history: History, now: datetime) -> Talk:
    """Who wrote when, as far as it counts."""
    comments = [e for e in history.events if e.kind is _COMMENT and not e.reaction and e.at <= now]
    if not comments and (history.complete or ticket.activity is None):
        return _SILENCE
    return Talk(
        answers=_answers(ticket, history, comments, now),
        requests=tuple(e.at for e in comments if e.actor.role is Role.CUSTOMER and e.public is not False),
    )


def _answers(ticket: Ticket, history: History, comments: Sequence[TicketEvent], now: datetime) -> tuple[datetime, ...]:
    """When agents wrote to the requester; before the history is in, what the helpdesk's counters tell."""
    found = tuple(e.at for e in comments if e.actor.role is Role.AGENT and e.public and e.at > ticket.opened_at)
    activity = ticket.activity
    if found or history.complete or activity is None:
        return found
    ours = sum(1 for e in comments if e.public and e.actor.role is Role.OURS)
    if (activity.public_replies or 0) <= ours:
        return ()
    return (min(activity.agent_at or ticket.updated_at, now),)


def _turns(ticket: Ticket, talk: Talk, course: Course) -> Iterator[tuple[datetime, _Turn]]:
    yield ticket.opened_at, _Turn.REQUEST
    for at in talk.requests:
        heard_at = _heard_at(max(at, ticket.opened_at), course)
        if heard_at is not None:
            yield heard_at, _Turn.REQUEST
    for at in course.restarts:
        yield at, _Turn.RESTART
    for at in talk.answers:
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
