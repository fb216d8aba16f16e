"""Jira's changelog into events. Pure.

An automation that acts within a minute after one of our own changes is taken for a reaction to it (JSM's preset rules
move the status when a team member comments); it never counts as anybody's own act.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connector.domain.events import Actor, EventKind, Role, TicketEvent
from connector.domain.site import BindingSource, FieldMap
from connector.domain.ticket import Status, Ticket
from connector.helpdesks.jira.facts import mapped
from connector.helpdesks.jira.normalise import status_of
from connector.helpdesks.jira.people import actor_of
from connector.helpdesks.jira.shape import Shape, moment
from connector.helpdesks.jira.structs import Category, ChangeHistory, ChangeItem, StatusValue

REACTS_WITHIN = timedelta(minutes=1)
GRAIN = timedelta(seconds=1)


def history_fields(names: FieldMap) -> tuple[str, ...]:
    """Return the ids of fields whose changes matter, at most ten (Jira's limit)."""
    urgent = sorted(names.inputs.items(), key=lambda item: item[0] not in {"impact", "urgency"})
    inputs = [b.id for _, b in urgent if b.source is BindingSource.FIELD and b.id.startswith("customfield_")]
    group = [names.group_field.id] if names.group_field else []
    return tuple(dict.fromkeys(["status", "priority", "assignee", "labels", *group, *inputs]))[:10]


def history_events(
    ticket: Ticket, histories: Iterable[ChangeHistory], comments: Iterable[TicketEvent], shape: Shape
) -> tuple[TicketEvent, ...]:
    """Return a ticket's events, oldest first: created, changes and comments, with reactions marked."""
    changes = [event for history in histories for event in _changes(history, ticket, shape)]
    created = TicketEvent(
        id="created",
        at=ticket.opened_at,
        kind=EventKind.CREATED,
        actor=Actor(ticket.requester or "", Role.CUSTOMER),
        after=_first(changes, EventKind.STATUS) or str(ticket.status),
    )
    events = sorted([*changes, *comments], key=lambda e: (e.at, e.id))
    return (created, *mark_reactions(events))


def mark_reactions(events: Sequence[TicketEvent]) -> Iterator[TicketEvent]:
    """Yield the events in order, those that automations did in answer to us marked as reactions."""
    ours = sorted(event.at for event in events if event.actor.role is Role.OURS)
    for event in events:
        is_reaction = event.actor.role is Role.AUTOMATION and _follows(event.at, ours)
        yield replace(event, reaction=True) if is_reaction else event


def _follows(at: datetime, ours: Sequence[datetime]) -> bool:
    """True when one of our acts was shortly before; the changelog leaves out parts of a second."""
    last = bisect_right(ours, at + GRAIN) - 1
    return last >= 0 and at - ours[last] <= REACTS_WITHIN


def _first(changes: Sequence[TicketEvent], kind: EventKind) -> str | None:
    return next((e.before for e in sorted(changes, key=lambda e: (e.at, e.id)) if e.kind is kind), None)


def _changes(history: ChangeHistory, ticket: Ticket, shape: Shape) -> Iterator[TicketEvent]:
    at = max(_when(history.created), ticket.opened_at)  # whole seconds can lie before the creation
    actor = actor_of(history.author, shape, requester=ticket.requester)
    for index, item in enumerate(history.items or ()):
        read = _values(item, shape.fields)
        if read is not None:
            kind, name, before, after = read
            yield TicketEvent(
                id=f"change:{history.id}:{index}",
                at=at,
                kind=kind,
                actor=actor,
                before=before,
                after=after,
                name=name,
            )


def _values(item: ChangeItem, names: FieldMap) -> tuple[EventKind, str, str | None, str | None] | None:
    """Return kind, input name, before and after in our words; ``None`` for a field that does not matter."""
    field = item.field_id or item.field or ""
    if field == "status":
        return (
            EventKind.STATUS,
            "",
            _status(item.from_, item.from_string, names),
            _status(item.to, item.to_string, names),
        )
    if field == "priority":
        before, after = names.priority_of(item.from_), names.priority_of(item.to)
        return EventKind.PRIORITY, "", str(before) if before else None, str(after) if after else None
    if field == "assignee":
        return EventKind.ASSIGNEE, "", names.person_name(item.from_ or None), names.person_name(item.to or None)
    if field == "labels":
        return EventKind.LABELS, "", _labels(item.from_string), _labels(item.to_string)
    if names.group_field and field == names.group_field.id:
        before_name, after_name = item.from_string or None, item.to_string or None
        return EventKind.GROUP, "", names.group_name(before_name), names.group_name(after_name)
    return _input(field, item, names)


def _input(field: str, item: ChangeItem, names: FieldMap) -> tuple[EventKind, str, str | None, str | None] | None:
    for name, binding in names.inputs.items():
        if binding.source is BindingSource.FIELD and binding.id == field:
            before = mapped((item.from_string, item.from_), binding.values)
            return EventKind.FACT, name, before, mapped((item.to_string, item.to), binding.values)
    return None


def _status(id_: str | None, name: str | None, names: FieldMap) -> str:
    value = StatusValue(id=id_ or "", name=name or "", status_category=Category(key=""))
    return str(status_of(value, names) if id_ or name else Status.NEW)


def _labels(text: str | None) -> str:
    return " ".join(sorted((text or "").split()))


def _when(created: float | str) -> datetime:
    """Return a changelog's moment: text, or a number of seconds or milliseconds."""
    if isinstance(created, str):
        return moment(created)
    seconds = created / 1000 if created > 100_000_000_000 else created
    return datetime.fromtimestamp(seconds, UTC)
