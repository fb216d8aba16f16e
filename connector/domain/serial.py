"""Plain JSON-able forms of the values that plan files and the journal keep; every form reads back exactly.

Each pair is ``X_to_dict(value) -> dict`` and ``X_from_dict(data) -> value``; the latter raises ``ValueError`` that
names the place of what it cannot read. The forms carry no version of their own: the file or table around them does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.change import Change, FieldChange, Notice, Write
from connector.domain.codec import dataclass_codec
from connector.domain.events import TicketEvent
from connector.domain.occasion import Record
from connector.domain.policy import Path
from connector.domain.situation import EscalationState
from connector.domain.ticket import Ticket

Plain = dict[str, Any]

_change = dataclass_codec(Change)
_write = dataclass_codec(Write)
_field_change = dataclass_codec(FieldChange)
_notice = dataclass_codec(Notice)
_record = dataclass_codec(Record)
_state = dataclass_codec(EscalationState)
_path = dataclass_codec(Path)
_event = dataclass_codec(TicketEvent)
_ticket = dataclass_codec(Ticket, without=frozenset({"text"}))


def change_to_dict(change: Change) -> Plain:
    """Return a change with its comments' texts."""
    return _plain(_change.encode(change))


def change_from_dict(data: Mapping[str, Any]) -> Change:
    """Read what ``change_to_dict`` wrote."""
    return _change.decode(data)


def write_to_dict(write: Write) -> Plain:
    """Return one intended write, with the comment's text where it has one."""
    return _plain(_write.encode(write))


def write_from_dict(data: Mapping[str, Any]) -> Write:
    """Read what ``write_to_dict`` wrote."""
    return _write.decode(data)


def field_change_to_dict(change: FieldChange) -> Plain:
    """Return one field's change."""
    return _plain(_field_change.encode(change))


def field_change_from_dict(data: Mapping[str, Any]) -> FieldChange:
    """Read what ``field_change_to_dict`` wrote."""
    return _field_change.decode(data)


def notice_to_dict(notice: Notice) -> Plain:
    """Return a notice before it is rendered."""
    return _plain(_notice.encode(notice))


def notice_from_dict(data: Mapping[str, Any]) -> Notice:
    """Read what ``notice_to_dict`` wrote."""
    return _notice.decode(data)


def record_to_dict(record: Record) -> Plain:
    """Return one occasion's row."""
    return _plain(_record.encode(record))


def record_from_dict(data: Mapping[str, Any]) -> Record:
    """Read what ``record_to_dict`` wrote."""
    return _record.decode(data)


def state_to_dict(state: EscalationState) -> Plain:
    """Return what is remembered about a ticket between passes, the path's snapshot included."""
    return _plain(_state.encode(state))


def state_from_dict(data: Mapping[str, Any]) -> EscalationState:
    """Read what ``state_to_dict`` wrote."""
    return _state.decode(data)


def path_to_dict(path: Path) -> Plain:
    """Return a path, as it is stored when a ticket starts on it."""
    return _plain(_path.encode(path))


def path_from_dict(data: Mapping[str, Any]) -> Path:
    """Read what ``path_to_dict`` wrote."""
    return _path.decode(data)


def event_to_dict(event: TicketEvent) -> Plain:
    """Return one event of a ticket's log."""
    return _plain(_event.encode(event))


def event_from_dict(data: Mapping[str, Any]) -> TicketEvent:
    """Read what ``event_to_dict`` wrote."""
    return _event.decode(data)


def ticket_to_dict(ticket: Ticket) -> Plain:
    """Return a ticket's normalised facts, *without* its text: free text never leaves memory."""
    return _plain(_ticket.encode(ticket))


def ticket_from_dict(data: Mapping[str, Any]) -> Ticket:
    """Read what ``ticket_to_dict`` wrote; ``text`` is ``None``."""
    return _ticket.decode(data)


def _plain(data: Any) -> Plain:
    found: Plain = data
    return found
