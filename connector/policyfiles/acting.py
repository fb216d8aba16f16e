"""People acting on a case's ticket: every update changes the ticket and leaves events, as in a helpdesk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connector.domain.events import Actor, EventKind, Role, TicketEvent
from connector.domain.ticket import Fact, Link, Status, Text, Ticket, TicketRef
from connector.policyfiles.cases_file import EventFile, TicketFile, verb_of

_ROLES: Mapping[str, Role] = {"customer": Role.CUSTOMER, "automation": Role.AUTOMATION}


def opened(file: TicketFile) -> Ticket:
    """Return the ticket as it is opened."""
    at = file.opened.astimezone(UTC)
    return Ticket(
        ref=TicketRef("case", file.key),
        key=file.key,
        version="1",
        status=file.status,
        opened_at=at,
        updated_at=at,
        priority=file.priority,
        group=file.group,
        assignee=file.assignee,
        labels=frozenset(file.labels),
        requester="customer",
        locale=file.locale,
        facts={name: as_fact(value) for name, value in file.facts.items()},
        text=Text(subject=file.text.subject, first_message=file.text.message) if file.text else None,
        links=tuple(Link(kind=link.kind, target=link.target) for link in file.links),
        scope="case",
        restricted=file.restricted,
    )


def as_fact(value: Any) -> Fact:
    """Return a value of a case file as an input: text case-folded, lists as sets, numbers as they are."""
    if isinstance(value, list):
        return frozenset(str(item).casefold() for item in value)
    if isinstance(value, bool):
        return value
    return float(value) if isinstance(value, (int, float)) else str(value).casefold()


class Acting:
    """The ticket and its event log."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.events: list[TicketEvent] = []
        self.note(EventKind.CREATED, ticket.opened_at, Actor("customer", Role.CUSTOMER))

    def note(self, kind: EventKind, at: datetime, actor: Actor, **values: Any) -> None:
        """Add one event to the log."""
        number = f"{len(self.events):05}"
        self.events.append(TicketEvent(id=number, at=at, kind=kind, actor=actor, **values))

    def act(self, file: EventFile, at: datetime) -> None:
        """Let somebody update the ticket."""
        actor = Actor(file.by, _ROLES.get(file.by, Role.AGENT))
        for kind, values in _events(file, self.ticket):
            self.note(kind, at, actor, **values)
        self.ticket = _updated(self.ticket, file, at)


def _events(file: EventFile, ticket: Ticket) -> Iterator[tuple[EventKind, dict[str, Any]]]:
    for kind in (EventKind.STATUS, EventKind.PRIORITY, EventKind.GROUP, EventKind.ASSIGNEE):
        after = getattr(file, kind)
        if after is not None:
            before = getattr(ticket, kind)
            yield kind, {"before": None if before is None else str(before), "after": str(after)}
    for name, value in file.facts.items():
        before = ticket.facts.get(name)
        yield EventKind.FACT, {"name": name, "before": _spelled(before), "after": _spelled(as_fact(value))}
    labels = _labels(ticket, file)
    if labels != ticket.labels:
        yield EventKind.LABELS, {"before": " ".join(sorted(ticket.labels)), "after": " ".join(sorted(labels))}
    if file.comment:
        yield EventKind.COMMENT, {"public": file.comment == "public"}
    if file.command:
        yield EventKind.COMMAND, {"after": file.command, "name": verb_of(file.command), "public": False}
    if file.merged_into:
        yield EventKind.MERGED, {"after": file.merged_into}


def _spelled(fact: Fact | None) -> str | None:
    if isinstance(fact, frozenset):
        return " ".join(sorted(fact))
    return None if fact is None else str(fact)


def _labels(ticket: Ticket, file: EventFile) -> frozenset[str]:
    return (ticket.labels | frozenset(file.add_labels)) - frozenset(file.remove_labels)


def _updated(ticket: Ticket, file: EventFile, at: datetime) -> Ticket:
    given = {name: getattr(file, name) for name in ("status", "priority", "group", "assignee")}
    facts = {**ticket.facts, **{name: as_fact(value) for name, value in file.facts.items()}}
    links = ticket.links + ((Link(kind=file.link.kind, target=file.link.target),) if file.link else ())
    changed = {name: value for name, value in given.items() if value is not None}
    if file.merged_into:
        changed["status"] = Status.GONE
    return replace(
        ticket, **changed, facts=facts, links=links, labels=_labels(ticket, file), updated_at=at, version=at.isoformat()
    )
