"""Did somebody slip in between our last look and our edit? Pure.

Jira has no compare-and-set, so an edit may overwrite what a person set a moment before. The answer to the edit carries
the latest changes: where our own began from another value than the one that we had seen, somebody was in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connector.domain.change import Field, Write
from connector.domain.events import EventKind, Role, TicketEvent
from connector.domain.ticket import Ticket
from connector.domain.written import live_value
from connector.helpdesks.jira.changelog import changes_in
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import Issue

_KINDS: Mapping[Field, EventKind] = {
    Field.PRIORITY: EventKind.PRIORITY,
    Field.GROUP: EventKind.GROUP,
    Field.ASSIGNEE: EventKind.ASSIGNEE,
}


def overwritten(answer: Issue, write: Write, *, seen: Ticket, shape: Shape) -> tuple[TicketEvent, ...]:
    """Return the changes by people that our edit has just overwritten; ``seen`` is the issue as we last saw it."""
    log = answer.changelog
    if log is None:
        return ()
    ordered = sorted(log.histories, key=lambda entry: int(entry.id) if entry.id.isdecimal() else 0)
    events = [event for entry in ordered for event in changes_in(entry, seen, shape)]
    return tuple(_lost(events, write, seen))


def _lost(events: Sequence[TicketEvent], write: Write, seen: Ticket) -> Iterator[TicketEvent]:
    for change in write.fields:
        on_field = [event for event in events if event.kind is _KINDS.get(change.field)]
        if len(on_field) < 2:
            continue
        theirs, ours = on_field[-2:]
        is_our_edit = ours.actor.role is Role.OURS and ours.after == change.after
        if is_our_edit and ours.before != live_value(seen, change.field) and _is_a_persons(theirs, ours):
            yield theirs


def _is_a_persons(theirs: TicketEvent, ours: TicketEvent) -> bool:
    return theirs.actor.is_person and theirs.after == ours.before
