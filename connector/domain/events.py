"""Our own append-only log of what happened to a ticket; the clocks' and the ownership rules' only input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

CLOCKS_DIFFER = timedelta(seconds=5)
"""How far a helpdesk's stamps and the moments of its answers may lie apart: the latter are known to the second."""


class Role(StrEnum):
    """Who acted, as far as the helpdesk tells."""

    OURS = "ours"  # the connector's own account
    AGENT = "agent"
    COLLABORATOR = "collaborator"  # reads and notes inside without an agent's seat: answers and commands nothing
    CUSTOMER = "customer"  # requester, follower or anybody else outside
    AUTOMATION = "automation"  # a rule, trigger, another app
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Actor:
    """An account; ``id`` is the vendor's account id, never a name or an address."""

    id: str
    role: Role

    @property
    def is_person(self) -> bool:
        """True unless it is a program; an unknown actor is treated as a person, which is the careful side."""
        return self.role not in {Role.OURS, Role.AUTOMATION}


class EventKind(StrEnum):
    """What changed."""

    CREATED = "created"  # before, where a delta tells of it: until when people may have acted on it unseen
    STATUS = "status"  # before, after: Status values
    PRIORITY = "priority"  # before, after: Priority names; after None when unknown
    GROUP = "group"  # before, after: bound names or id:…
    ASSIGNEE = "assignee"
    COMMENT = "comment"  # public says who could read it
    FACT = "fact"  # name says which input; before, after: text of the value
    LABELS = "labels"  # before, after: space separated, sorted
    COMMAND = "command"  # after: an agent's "/esc …" line; name: its verb
    MERGED = "merged"  # after: id of the ticket merged into this one (name: absorbed), or of what this one went into


ABSORBED = "absorbed"
"""The name of the event that another ticket was merged into this one."""

ELSEWHERE = "elsewhere:"
"""Before the id of an event that happened on another ticket, which this one goes on for."""


class EventSource(StrEnum):
    """Where we know it from; vendor history replaces what a delta only implies."""

    DELTA = "delta"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketEvent:
    """One thing that happened.

    Attributes:
        id: Stable within the ticket: the vendor's id where there is one, else derived from kind, moment and value, so
            that the same event read twice is one row.
        at: Aware, UTC.
        actor: Who did it.
        reaction: It happened in the same audit as one of our writes, or an automation did it in answer to one; it never
            counts as response, update, acknowledgement, pause or a person's decision.
        public: For comments: could the requester read it?
    """

    id: str
    at: datetime
    kind: EventKind
    actor: Actor
    before: str | None = None
    after: str | None = None
    name: str = ""
    public: bool | None = None
    reaction: bool = False
    source: EventSource = EventSource.HISTORY

    def __post_init__(self) -> None:
        if self.at.utcoffset() != timedelta(0):
            raise ValueError(f"event {self.id}: at must be aware and in UTC")

    @property
    def counts(self) -> bool:
        """True when the event is somebody's own act: neither ours nor a reaction to us."""
        return self.actor.role is not Role.OURS and not self.reaction

    @property
    def is_elsewhere(self) -> bool:
        """True when it happened on another ticket: nothing about it can be learned from this one's history."""
        return self.id.startswith(ELSEWHERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A ticket's events, oldest first.

    Attributes:
        events: Ordered by (at, id), no two with the same id.
        complete: The vendor's history up to ``read_until`` is in; until then clocks are *provisional*.
        read_until: Moment up to which the history is known to be complete.
        unreadable: The vendor's history could not be read and is not asked for any more: nothing may wait for it.
    """

    events: tuple[TicketEvent, ...] = ()
    complete: bool = False
    read_until: datetime | None = None
    unreadable: bool = False

    def until(self, at: datetime) -> History:
        """Return the history as it was known to be at ``at``."""
        return replace(self, events=tuple(e for e in self.events if e.at <= at))
