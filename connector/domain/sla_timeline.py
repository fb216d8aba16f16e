"""From a ticket's events to the stretches in which a clock ran, was paused or had nothing to count.

What counts is somebody's own act: comments and pauses of our own, and reactions to them, change no clock. A pause that
ends, and a ticket that is finished, are facts whoever brought them about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from connector.domain.calendar import Calendar
from connector.domain.events import Actor, EventKind, History, Role, TicketEvent
from connector.domain.policy import Reopen, ReopenThen
from connector.domain.ticket import Status, Ticket

_STATUSES = {str(status): status for status in Status}
_STATUS, _CREATED = EventKind.STATUS, EventKind.CREATED
_NOBODY = Actor("", Role.UNKNOWN)


class Phase(StrEnum):
    """What a clock does in a stretch."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


class StatusChange(NamedTuple):
    """From `at` on the ticket stands in `status`; `counts` says that somebody, not we, brought it there."""

    at: datetime
    status: Status
    actor: Actor = _NOBODY
    counts: bool = True


class Stretch(NamedTuple):
    """A phase from `start` to `end`, with the status that it began with and who began it."""

    phase: Phase
    start: datetime
    end: datetime
    status: Status
    actor: Actor = _NOBODY


class Course(NamedTuple):
    """What a clock went through until now.

    Attributes:
        stretches: Gapless, oldest first; none is empty, but the last may be when it begins just now.
        restarts: Reopenings that begin a new cycle.
        settles_at: When a reopening that is too young to count will count, if the ticket is still open then.
    """

    stretches: tuple[Stretch, ...]
    restarts: tuple[datetime, ...] = ()
    settles_at: datetime | None = None

    @property
    def finished_at(self) -> datetime | None:
        """When the ticket was finished, if it still is."""
        last = self.stretches[-1]
        return last.start if last.phase is Phase.FINISHED else None


def status_changes(ticket: Ticket, history: History, now: datetime) -> tuple[StatusChange, ...]:
    """Statuses since the ticket was opened, closed by the one that the helpdesk shows now.

    Where the history is not in yet, everything before the observed status counts as open.
    """
    events = [e for e in history.events if e.kind is _STATUS and e.after in _STATUSES and e.at <= now]
    found = [StatusChange(ticket.opened_at, _first_status(ticket, history, events))]
    for event in events:
        status, at = _STATUSES[event.after or ""], max(event.at, found[-1].at)
        if status is not found[-1].status:
            found.append(StatusChange(at, status, event.actor, event.counts))
    if ticket.status is not found[-1].status and ticket.updated_at <= now:
        found.append(StatusChange(at=max(ticket.updated_at, found[-1].at), status=ticket.status))
    return tuple(found)


def _first_status(ticket: Ticket, history: History, events: Sequence[TicketEvent]) -> Status:
    for event in history.events:
        if event.kind is _CREATED and event.after in _STATUSES:
            return _STATUSES[event.after or ""]
    if events:
        return _STATUSES.get(events[0].before or "", Status.OPEN)
    return ticket.status if history.complete else Status.OPEN


def stretches(changes: Sequence[StatusChange], pauses: frozenset[Status], now: datetime) -> tuple[Stretch, ...]:
    """The phases of a clock that `pauses` pause, up to `now`; neighbours of the same phase are one."""
    found: list[Stretch] = []
    phase = Phase.RUNNING
    for change in changes:
        phase = _phase(change, pauses, phase)
        if found:
            last = found[-1]
            if last.phase is phase:
                continue
            found[-1] = Stretch(last.phase, last.start, change.at, last.status, last.actor)
        found.append(Stretch(phase, change.at, now, change.status, change.actor))
    if len(found) == 1:
        return (found[0],)
    return tuple(_joined([s for s in found if s.start < s.end or s is found[-1]]))


def _joined(found: Sequence[Stretch]) -> Iterator[Stretch]:
    held = found[0]
    for stretch in found[1:]:
        if stretch.phase is held.phase:
            held = held._replace(end=stretch.end)
        else:
            yield held
            held = stretch
    yield held


def _phase(change: StatusChange, pauses: frozenset[Status], before: Phase) -> Phase:
    if change.status.is_finished:
        return Phase.FINISHED
    if change.status not in pauses:
        return Phase.RUNNING
    return Phase.PAUSED if change.counts or before is Phase.PAUSED else Phase.RUNNING


def reopened(found: Sequence[Stretch], *, rule: Reopen, calendar: Calendar, history: History) -> Course:
    """Apply a reopening rule: young and short reopenings by the requester never happened, late ones begin anew.

    Anybody else's reopening resumes the clock at once.
    """
    if all(stretch.phase is not Phase.FINISHED for stretch in found):
        return Course(tuple(found))
    kept: list[Stretch] = []
    restarts: list[datetime] = []
    settles_at: datetime | None = None
    for finish, opened in _by_finish(found):
        if finish:
            kept = [*kept, finish] if not kept or kept[-1].phase is not Phase.FINISHED else _extended(kept, finish.end)
        if finish and opened and _is_requesters(finish, opened[0], history):
            if calendar.elapsed(opened[0].start, opened[-1].end) < rule.ignore_shorter_than:
                kept = _extended(kept, opened[-1].end)
                last = opened[-1] is found[-1]
                settles_at = calendar.add(opened[0].start, rule.ignore_shorter_than) if last else None
                continue
            if _starts_anew(kept[-1].start, opened[0].start, rule, calendar):
                restarts.append(opened[0].start)
        kept.extend(opened)
    return Course(stretches=tuple(kept), restarts=tuple(restarts), settles_at=settles_at)


def _by_finish(found: Sequence[Stretch]) -> Iterator[tuple[Stretch | None, tuple[Stretch, ...]]]:
    """Each finished stretch with the open ones after it; what came before the first one has none in front."""
    marks = [-1, *(n for n, s in enumerate(found) if s.phase is Phase.FINISHED), len(found)]
    for first, last in pairwise(marks):
        yield (found[first] if first >= 0 else None), tuple(found[first + 1 : last])


def _extended(kept: list[Stretch], end: datetime) -> list[Stretch]:
    return [*kept[:-1], kept[-1]._replace(end=end)]


def _is_requesters(finish: Stretch, opened: Stretch, history: History) -> bool:
    """Whether the requester reopened: by name, or because a rule or somebody unknown answered their comment."""
    if opened.actor.role in {Role.CUSTOMER, Role.AGENT, Role.OURS}:
        return opened.actor.role is Role.CUSTOMER
    between = [
        e.actor.role
        for e in history.events
        if e.kind is EventKind.COMMENT and e.counts and finish.start < e.at <= opened.start
    ]
    return bool(between) and between[-1] is Role.CUSTOMER


def _starts_anew(solved_at: datetime, reopened_at: datetime, rule: Reopen, calendar: Calendar) -> bool:
    in_time = reopened_at <= calendar.deadline(solved_at, rule.within)
    return (rule.then if in_time else rule.after) is ReopenThen.NEW_CYCLE
