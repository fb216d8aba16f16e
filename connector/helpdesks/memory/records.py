"""What the helpdesk in memory keeps: tickets with their past, comments, audits; and the faults that can be ordered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.domain.events import Actor, TicketEvent
from connector.domain.marks import Mark
from connector.domain.ticket import Ticket


class Fault(StrEnum):
    """What can happen to the next request."""

    NOT_SENT = "not sent"
    THROTTLED = "throttled"
    THROTTLED_TICKET = "throttled ticket"
    REFUSED = "refused"
    DENIED = "denied"
    CONFLICT = "conflict"
    LOST_REQUEST = "lost request"  # not applied, and we cannot tell
    LOST_ANSWER = "lost answer"  # applied, and we cannot tell
    LATE = "late"  # applied only after ``MemoryHelpdesk.lateness``, and we cannot tell
    UNAVAILABLE = "unavailable"  # reads only


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Ground truth: a comment as it stands in the helpdesk. ``key`` is our marker, empty for people's."""

    ticket: str
    at: datetime
    by: Actor
    body: str
    public: bool
    key: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One update: everything in it happened at once. ``values`` are the ticket's attributes that it set."""

    version: str
    at: datetime
    by: Actor
    marker: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    mark: Mark | None = None


@dataclass(slots=True)
class Row:
    """A ticket with its past."""

    ticket: Ticket
    events: list[TicketEvent] = field(default_factory=list)
    audits: list[Audit] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What one audit is to do. ``values`` are attributes of ``Ticket`` and their new values."""

    by: Actor
    values: Mapping[str, Any] = field(default_factory=dict)
    comment: str | None = None
    public: bool = True
    marker: str = ""
    also: tuple[str, ...] = ()
    riders: Mapping[str, str] = field(default_factory=dict)
