"""A follow-up of a closed ticket counts as a reopening of it, where the earlier ticket is known.

Helpdesks that do not let go of "closed" open a new ticket instead. For the clocks it goes on where the earlier one
ended: what both have is one course of statuses and comments, in which the follow-up is the reopening. The rest (what
people held, the path, the fields) begins afresh, as a reopening ends it anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from connector.domain.events import ELSEWHERE, Actor, EventKind, History, Role, TicketEvent
from connector.domain.occasion import SaidRows
from connector.domain.situation import Situation
from connector.domain.ticket import LinkKind, Status, Ticket

_READ_BY_CLOCKS = frozenset({EventKind.CREATED, EventKind.STATUS, EventKind.COMMENT})


def followed(ticket: Ticket) -> str | None:
    """Return the id of the ticket that this one follows up, if it does."""
    return next((link.target for link in ticket.links if link.kind is LinkKind.FOLLOW_UP), None)


def continued(situation: Situation, earlier: Ticket, *, history: History, said: SaidRows) -> Situation:
    """Return the situation with the earlier ticket's course before its own, and the marks that fired then."""
    ticket = situation.ticket
    if earlier.opened_at >= ticket.opened_at:
        return situation
    events = (*_before(earlier, history, ticket), *_after(situation))
    fired = {name: row for name, row in said.items() if name[0].startswith("threshold:")}
    return replace(
        situation,
        ticket=replace(ticket, opened_at=earlier.opened_at),
        history=replace(situation.history, events=events, complete=situation.history.complete and history.complete),
        said={**fired, **situation.said},
        opened_at=situation.opened_at or ticket.opened_at,
        unread=situation.unread if history.complete else (*situation.unread, earlier.ref.id),
    )


def _before(earlier: Ticket, history: History, ticket: Ticket) -> Iterator[TicketEvent]:
    """Yield the earlier ticket's course; it was closed before, also where we have not seen it."""
    last = str(Status.NEW)
    for event in history.events:
        if event.at < ticket.opened_at and event.kind in _READ_BY_CLOCKS:
            last = event.after if event.kind is EventKind.STATUS and event.after else last
            yield replace(event, id=f"{ELSEWHERE}{event.id}")
    if not Status(last).is_finished:
        at = min(earlier.updated_at, ticket.opened_at)
        yield _status(f"{ELSEWHERE}closed", last, Status.CLOSED, at=at, actor=Actor("", Role.UNKNOWN))


def _after(situation: Situation) -> Iterator[TicketEvent]:
    """Yield the follow-up's own log, its creation as a reopening by whoever created it."""
    ticket = situation.ticket
    for event in situation.history.events:
        if event.kind is EventKind.CREATED:
            first = event.after or str(Status.NEW)
            yield _status("follow-up", str(Status.CLOSED), first, at=ticket.opened_at, actor=event.actor)
        else:
            yield event


def _status(id_: str, before: str, after: str, *, at: datetime, actor: Actor) -> TicketEvent:
    return TicketEvent(id=id_, at=at, kind=EventKind.STATUS, actor=actor, before=before, after=after)
