"""How a ticket stands after one of our writes, before the helpdesk shows it to us again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from connector.domain.change import Field, FieldChange, Write
from connector.domain.ticket import Priority, Ticket


def as_written(ticket: Ticket, write: Write, *, version: str) -> Ticket:
    """Return ``ticket`` with what ``write`` set; ``version`` is the one after it, empty where that is not known."""
    return replace(ticket, version=version or ticket.version, **_values(ticket, write.fields))


def _values(ticket: Ticket, changes: Sequence[FieldChange]) -> dict[str, Any]:
    return {item.field.value: _value(ticket, item) for item in changes if item.field is not Field.NEXT_DUE}


def _value(ticket: Ticket, item: FieldChange) -> Any:
    match item.field:
        case Field.PRIORITY:
            return Priority[item.after] if item.after else None
        case Field.LEVEL:
            return int(item.after) if item.after else None
        case Field.LABELS:
            return ticket.labels | frozenset((item.after or "").split())
    return item.after


def live_value(ticket: Ticket, field: Field) -> str | None:
    """Return the live value of a field in the words of ``FieldChange``."""
    match field:
        case Field.PRIORITY:
            return str(ticket.priority) if ticket.priority else None
        case Field.LEVEL:
            return None if ticket.level is None else str(ticket.level)
        case Field.LABELS:
            return " ".join(sorted(ticket.labels))
        case Field.PATH:
            return ticket.path
        case Field.GROUP:
            return ticket.group
        case Field.ASSIGNEE:
            return ticket.assignee
    return None
