"""What may have happened to a ticket that nobody has told us yet, and what has to wait until it is known.

A delta shows a ticket as it is. What people did before it was first seen, and what they wrote, only the vendor's
history tells. Until that is in, what may be a person's choice is left alone, and so is the whole ticket while a comment
is unread that may be a command. Nothing waits for a history that is given up.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.domain.change import Field
from connector.domain.derive import AT_ONCE
from connector.domain.events import EventKind, EventSource, History, Role, TicketEvent
from connector.domain.situation import Situation
from connector.domain.ticket import Priority, Ticket

COMMENT = "a comment that is not read yet and may be a command"


def unseen_until(ticket: Ticket, history: History) -> datetime | None:
    """Return until when people may have acted on a ticket unseen; ``None`` where all that they did is known.

    Since its first sight deltas tell of every change, though not who made it.
    """
    if history.complete or history.read_until is not None:
        return None
    created = next((e for e in history.events if e.kind is EventKind.CREATED), None)
    until = ticket.updated_at
    if created is not None and created.before is not None:
        until = datetime.fromisoformat(created.before)
    return until if until - ticket.opened_at > AT_ONCE else None


def unread_comment(situation: Situation, *, released_at: datetime | None) -> TicketEvent | None:
    """Return a comment that is known to exist, is not read, and may hold the ticket; a release answers for it."""
    history = situation.history
    if history.complete or history.unreadable:
        return None
    known = max((at for at in (history.read_until, released_at) if at is not None), default=None)
    unread = (e for e in history.events if _may_command(e) and (known is None or e.at > known))
    return next(unread, None)


def _may_command(event: TicketEvent) -> bool:
    is_unread = event.source is EventSource.DELTA and event.actor.role is Role.UNKNOWN and not event.is_elsewhere
    return is_unread and event.kind is EventKind.COMMENT and event.public is not True


def why_unread(situation: Situation, wanted: Priority) -> str:
    """Return why a priority is not to be written yet, empty where the live one is known to be nobody's choice.

    A history that cannot be read at all keeps nothing urgent from being raised; it only lowers nothing.
    """
    live, ours = situation.ticket.priority, situation.applied.get(Field.PRIORITY)
    is_ours = ours is not None and not ours.baseline and ours.value == str(live)
    if situation.unseen_until is None or live is None or is_ours:
        return ""
    if not situation.history.unreadable:
        return f"its history is not in yet: a person may have chosen {live}"
    return "" if wanted.is_above(live) else f"its history cannot be read: a person may have chosen {live}"


def why_unassigned(situation: Situation, entered_at: datetime, hands_off: timedelta) -> str:
    """Return why a level may not set group and assignee yet: somebody may have done so shortly before; else empty."""
    until, ticket = situation.unseen_until, situation.ticket
    if until is None or situation.history.unreadable or until <= entered_at - hands_off:
        return ""
    return "its history is not in yet: a person may have assigned it" if ticket.group or ticket.assignee else ""
