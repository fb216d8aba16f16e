"""Jira's changelog into events. Pure.

An automation that acts within a minute after one of our own changes is taken for a reaction to it (JSM's preset rules
move the status when a team member comments), unless a person has acted since; it never counts as anybody's own act.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connector.domain.events import Actor, EventKind, Role, TicketEvent
from connector.domain.site import HOLD_UNTIL, BindingSource, FieldMap
from connector.domain.ticket import Status, Ticket
from connector.helpdesks.jira.facts import mapped
from connector.helpdesks.jira.normalise import status_bound, status_in_category
from connector.helpdesks.jira.people import actor_of
from connector.helpdesks.jira.shape import Shape, moment
from connector.helpdesks.jira.structs import ChangeHistory, ChangeItem
from connector.helpdesks.until import until_text

REACTS_WITHIN = timedelta(minutes=1)
GRAIN = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY = Actor("", Role.UNKNOWN)


def history_fields(names: FieldMap) -> tuple[str, ...]:
    """Return the ids of fields whose changes matter, at most ten (Jira's limit)."""
    urgent = sorted(names.inputs.items(), key=lambda item: item[0] not in {"impact", "urgency"})
    inputs = [b.id for _, b in urgent if b.source is BindingSource.FIELD and b.id.startswith("customfield_")]
    own = [b.id for b in (names.group_field, names.hold_until) if b is not None]
    return tuple(dict.fromkeys(["status", "priority", "assignee", "labels", *own, *inputs]))[:10]


def history_events(
    ticket: Ticket,
    histories: Iterable[ChangeHistory],
    comments: Iterable[TicketEvent],
    shape: Shape,
    *,
    creator: Actor = _NOBODY,
) -> tuple[TicketEvent, ...]:
    """Return a ticket's events, oldest first: created, changes and comments, with reactions marked.

    ``creator`` is who typed it in, be it for the requester.
    """
    changes = [event for history in histories for event in changes_in(history, ticket, shape)]
    created = TicketEvent(
        id="created",
        at=ticket.opened_at,
        kind=EventKind.CREATED,
        actor=Actor(ticket.requester or "", Role.CUSTOMER),
        after=_first(changes, EventKind.STATUS) or str(ticket.status),
    )
    events = sorted([*changes, *comments], key=lambda e: (e.at, e.id))
    return (created, *_labelled(ticket, changes, creator), *mark_reactions(events))


def _labelled(ticket: Ticket, changes: Sequence[TicketEvent], creator: Actor) -> Iterator[TicketEvent]:
    """Yield the labels that an agent or a program gave an issue that it opened: they are not the requester's."""
    relabelled = any(event.kind is EventKind.LABELS for event in changes)
    labels = _first(changes, EventKind.LABELS) if relabelled else " ".join(sorted(ticket.labels))
    if labels and creator.role in {Role.AGENT, Role.AUTOMATION}:
        yield TicketEvent(
            id="created:labels", at=ticket.opened_at, kind=EventKind.LABELS, actor=creator, before="", after=labels
        )


def mark_reactions(events: Sequence[TicketEvent]) -> Iterator[TicketEvent]:
    """Yield the events in order, those that automations did in answer to us marked as reactions."""
    ours = sorted(event.at for event in events if event.actor.role is Role.OURS)
    people = sorted(event.at for event in events if event.actor.role not in {Role.OURS, Role.AUTOMATION})
    for event in events:
        is_reaction = event.actor.role is Role.AUTOMATION and _follows(event.at, ours, people)
        yield replace(event, reaction=True) if is_reaction else event


def _follows(at: datetime, ours: Sequence[datetime], people: Sequence[datetime]) -> bool:
    """True when one of our acts was shortly before, and nobody's after it; the changelog leaves out parts of a second.

    Where a person and we acted in the same second, the answer counts as one to us: it stops no clock then.
    """
    act, somebody = _last(ours, at + GRAIN), _last(people, at)
    return act is not None and at - act <= REACTS_WITHIN and (somebody is None or somebody <= act)


def _last(moments: Sequence[datetime], at: datetime) -> datetime | None:
    """Return the latest of ordered moments that is not after ``at``."""
    found = bisect_right(moments, at)
    return moments[found - 1] if found else None


def _first(changes: Sequence[TicketEvent], kind: EventKind) -> str | None:
    return next((e.before for e in sorted(changes, key=lambda e: (e.at, e.id)) if e.kind is kind), None)


def changes_in(history: ChangeHistory, ticket: Ticket, shape: Shape) -> Iterator[TicketEvent]:
    """Yield the changes of one entry that matter, in our words."""
    at = max(_when(history.created), ticket.opened_at)  # whole seconds can lie before the creation
    actor = actor_of(history.author, shape, requester=ticket.requester)
    for index, item in enumerate(history.items or ()):
        read = _values(item, shape)
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


def _values(item: ChangeItem, shape: Shape) -> tuple[EventKind, str, str | None, str | None] | None:
    """Return kind, input name, before and after in our words; ``None`` for a field that does not matter."""
    field, names = item.field_id or item.field or "", shape.fields
    if field == "status":
        before, after = _status(item.from_, item.from_string, shape), _status(item.to, item.to_string, shape)
        return EventKind.STATUS, "", before, after
    if names.hold_until and field == names.hold_until.id:
        return EventKind.FACT, HOLD_UNTIL, _until(item.from_, item.from_string), _until(item.to, item.to_string)
    if field == "priority":
        lower, higher = names.priority_of(item.from_), names.priority_of(item.to)
        return EventKind.PRIORITY, "", _text(lower), _text(higher)
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


def needs_categories(histories: Iterable[ChangeHistory], shape: Shape) -> bool:
    """True when a status changed that the map does not bind: only its category says what it means."""
    items = (item for history in histories for item in history.items or () if item.field_id == "status")
    ends = (end for item in items for end in ((item.from_, item.from_string), (item.to, item.to_string)))
    return any(id_ and status_bound(id_, name, shape.fields) is None for id_, name in ends)


def _status(id_: str | None, name: str | None, shape: Shape) -> str:
    if not (id_ or name):
        return str(Status.NEW)
    bound = status_bound(id_, name, shape.fields)
    return str(bound or status_in_category(shape.categories.get(id_ or "", "")))


def _until(id_: str | None, shown: str | None) -> str | None:
    """Return a moment as text; where Jira only shows it in somebody's format, that somebody set one is what counts."""
    return until_text(id_) or until_text(shown) or (shown or None)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _labels(text: str | None) -> str:
    return " ".join(sorted((text or "").split()))


def _when(created: float | str) -> datetime:
    """Return a changelog's moment: text, or a number of seconds or milliseconds.

    Raises:
        ValueError, OverflowError: It is none. (``fromtimestamp`` raises ``OSError`` as well, where the system refuses.)
    """
    if isinstance(created, str):
        return moment(created)
    seconds = created / 1000 if created > 100_000_000_000 else created
    return _EPOCH + timedelta(seconds=seconds)
