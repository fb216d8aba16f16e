"""What may have happened to a ticket that nobody has told us yet, and what has to wait until it is known.

A delta shows a ticket as it is. What people did before it was first seen, and what they wrote, only the vendor's
history tells. Until that is in, what may be a person's choice is left alone, and so is the whole ticket while a comment
is unread that may be a command. Nothing waits for a history that is given up. What is urgent waits only so long before
people are told, and its priority no longer than an hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.domain.change import Field
from connector.domain.copying import changed
from connector.domain.derive import AT_ONCE
from connector.domain.events import EventKind, EventSource, History, Role, TicketEvent
from connector.domain.situation import EscalationState, Situation
from connector.domain.ticket import Priority, Ticket

COMMENT = "a comment that is not read yet and may be a command"
NOT_IN = "its history is not in yet"

TOLD_AFTER = timedelta(minutes=15)
"""How long something may wait for a ticket's history before people are to know: by then it is no passing shortage."""

RAISED_AFTER = timedelta(hours=1)
"""How long a priority that is urgent waits for a history: one that cannot be read for so long keeps nothing down."""


def waits_since(state: EscalationState, now: datetime) -> datetime:
    """Return since when something waits for the ticket's history, where it does at ``now``."""
    return now if state.unread_since is None else state.unread_since


def has_waited(state: EscalationState, how_long: timedelta, now: datetime) -> bool:
    """Return whether something that waits for the ticket's history at ``now`` has waited for so long."""
    return now - waits_since(state, now) >= how_long


def waiting_lines(state: EscalationState) -> tuple[str, ...]:
    """Return in words what was left last time because it waits for the ticket's history."""
    return tuple(line for line in state.left if NOT_IN in line or COMMENT in line)


def no_longer_waiting(state: EscalationState) -> EscalationState:
    """Return the state of a ticket on which nothing waits any more: it is finished, and waits anew if it comes back."""
    return state if state.unread_since is None else changed(state, unread_since=None, unread_told=False)


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


def waits_to_be_written(situation: Situation) -> bool:
    """Return whether a priority waits for the ticket's history: the live one may be a person's choice.

    One that has waited too long and is written all the same still does, until it stands there as ours.
    """
    return _may_be_chosen(situation) and not situation.history.unreadable


def _may_be_chosen(situation: Situation) -> bool:
    live = situation.ticket.priority
    return (
        situation.unseen_until is not None and live is not None and not _is_ours(situation, Field.PRIORITY, str(live))
    )


def _is_ours(situation: Situation, field: Field, live: str) -> bool:
    ours = situation.applied.get(field)
    return ours is not None and not ours.baseline and ours.value == live


def why_unread(situation: Situation, wanted: Priority, *, overdue: bool) -> str:
    """Return why a priority is not to be written yet, empty where the live one is known to be nobody's choice.

    A history that cannot be read at all, or that is ``overdue``, keeps nothing urgent from being raised; it only lowers
    nothing.
    """
    live, unreadable = situation.ticket.priority, situation.history.unreadable
    if not _may_be_chosen(situation) or ((unreadable or overdue) and wanted.is_above(live)):
        return ""
    return f"{'its history cannot be read' if unreadable else NOT_IN}: a person may have chosen {live}"


def why_unassigned(
    situation: Situation, entered_at: datetime, hands_off: timedelta, *, released_at: datetime | None
) -> str:
    """Return why a level may not set group and assignee yet: somebody may have done so shortly before; else empty.

    It counts from the level's cause and not from the pass that entered it: what was done since may acknowledge it.
    What we assigned ourselves is nobody's, and a release after that answers for the rest.
    """
    until, ticket = situation.unseen_until, situation.ticket
    if until is None or situation.history.unreadable or until <= entered_at - hands_off:
        return ""
    if released_at is not None and released_at >= until:
        return ""
    live = ((Field.GROUP, ticket.group), (Field.ASSIGNEE, ticket.assignee))
    theirs = any(value and not _is_ours(situation, field, value) for field, value in live)
    return f"{NOT_IN}: a person may have assigned it" if theirs else ""
