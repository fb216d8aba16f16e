"""What one support request looks like at one moment, in our words and not a vendor's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from types import MappingProxyType

from connector.domain.copying import drafted

Fact = str | float | bool | frozenset[str]
"""A normalised input of the policy; a missing input is absent, never an empty string."""

_NO_OFFSET = timedelta(0)
EMPTY: Mapping[str, Fact] = MappingProxyType({})


class Priority(IntEnum):
    """Four levels; P1 is the highest, so the *smallest* number wins."""

    P1 = 1
    P2 = 2
    P3 = 3
    P4 = 4

    def __str__(self) -> str:
        return self.name

    def is_above(self, other: Priority | None) -> bool:
        """True when this priority is higher than ``other``; anything is above none."""
        return other is None or self < other

    def raised(self, by: int, *, cap: Priority) -> Priority:
        """Return the priority ``by`` levels higher, at most ``cap``; never lower than now."""
        return min(self, max(Priority(max(self - by, 1)), cap))


def highest(*priorities: Priority | None) -> Priority | None:
    """Return the highest of the priorities that are given, ``None`` when none is."""
    return min((p for p in priorities if p is not None), default=None)


class Status(StrEnum):
    """Where a ticket stands. A site's map says which vendor status means which of these."""

    NEW = "new"
    OPEN = "open"
    WAITING_CUSTOMER = "waiting_customer"
    WAITING_OUTSIDE = "waiting_outside"  # "on hold" where the site's map says that it means an outside party
    ON_HOLD = "on_hold"  # never pauses a clock
    SOLVED = "solved"
    CLOSED = "closed"  # closed for good: never written, follow-ups count as reopenings
    GONE = "gone"  # deleted, spam or merged away

    @property
    def is_finished(self) -> bool:
        """True when no clock runs and nothing is written."""
        return self in _FINISHED


_FINISHED = frozenset({Status.SOLVED, Status.CLOSED, Status.GONE})


class LinkKind(StrEnum):
    """How a ticket hangs together with another."""

    MERGED_INTO = "merged_into"
    ABSORBED = "absorbed"  # the other end of it: the ticket that was merged into this one
    TWIN = "twin"  # the same case in another helpdesk
    WORK = "work"  # internal work of our own; never pauses a clock
    WORKS_FOR = "works_for"  # the other end of it: the customer's ticket that this one is internal work for
    FOLLOW_UP = "follow_up"  # the closed ticket that this one goes on with
    PROBLEM = "problem"  # the problem or major incident that this ticket is attached to


@dataclass(frozen=True, slots=True)
class TicketRef:
    """Where a ticket lives; never changes, not even when its key does.

    Attributes:
        site: Name of the site in ``connector.yaml``.
        id: The vendor's immutable id as text (Jira's numeric issue id, Zendesk's ticket id).
    """

    site: str
    id: str

    def __str__(self) -> str:
        return f"{self.site}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A relation to another ticket; ``target`` is a vendor id or key, in ``site`` where that is known."""

    kind: LinkKind
    target: str
    site: str = ""


class ClockName(StrEnum):
    """The three clocks of an SLA."""

    FIRST_RESPONSE = "first_response"
    UPDATE = "update"
    RESOLUTION = "resolution"


class NativeStage(StrEnum):
    """What the helpdesk says that its own clock is doing."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    NONE = "none"


@drafted
@dataclass(frozen=True, slots=True, kw_only=True)
class NativeClock:
    """The helpdesk's own reading of one SLA clock, as a snapshot.

    Only what the vendor states is set: Zendesk gives ``stage`` and ``breach_at``, Jira gives the cycle as well
    (``breach_at`` may be missing there). ``elapsed`` and ``remaining`` are snapshots at ``read_at`` (negative after a
    breach); they move by themselves, so two readings that differ only in them are the same reading.
    """

    clock: ClockName
    name: str
    stage: NativeStage
    read_at: datetime = field(compare=False)
    started_at: datetime | None = None
    breach_at: datetime | None = None
    goal: timedelta | None = None
    elapsed: timedelta | None = field(default=None, compare=False)
    remaining: timedelta | None = field(default=None, compare=False)
    within_hours: bool | None = None


@drafted
@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Free text that triggers read; it stays in memory and never reaches the journal.

    Attributes:
        subject: The subject line.
        first_message: The requester's first message, plain text.
    """

    subject: str
    first_message: str = ""

    def __repr__(self) -> str:
        return "Text(…)"


@drafted
@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What a delta says about comments when it carries no comments (Zendesk metric sets).

    Attributes:
        public_replies: Number of public comments by agents so far; ``None`` when not stated.
        last_comment_at: Any comment.
        requester_at: The requester's last update.
        agent_at: The assignee's last update.
    """

    public_replies: int | None = None
    last_comment_at: datetime | None = None
    requester_at: datetime | None = None
    agent_at: datetime | None = None


@drafted
@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One support request as observed at one moment.

    Moments are aware and in UTC. Groups and people are the *bound names* of the site's map where it binds them and
    ``id:<vendor id>`` where it does not, so an unmapped value is never mistaken for an empty one.

    Attributes:
        ref: Where the ticket lives.
        key: What people call it (``SUP-14``, ``#123``); display only, may change.
        version: The vendor's token for this observation; a writer refuses a stale one.
        priority: The live priority; ``None`` when the helpdesk has none or the value is unknown to the map.
        level: The escalation level shown in our field, ``None`` when empty or not mapped.
        path: The escalation path shown in our field.
        facts: The inputs that the site's map binds, by the policy's names (``impact``, ``org.tier``, …).
        locale: The requester's language as the helpdesk knows it (ticket, then requester, then organization).
        text: Subject and first message when this observation carries them; ``None`` for a stored ticket.
        scope: The project key, brand, group or form that this ticket belongs to, for scoped effects.
        foreign_priority: The helpdesk's priority is one that the map does not know; it is never overwritten.
        restricted: The helpdesk hides this ticket from most (issue security); nothing about it leaves the ticket.
        url: Where a person opens it.
        held_until: What the field that holds a ticket says.
        involved: Accounts of others who take part in it, are in copy or follow it; kept where it is restricted alone.
    """

    ref: TicketRef
    key: str
    version: str
    status: Status
    opened_at: datetime
    updated_at: datetime
    priority: Priority | None = None
    group: str | None = None
    assignee: str | None = None
    labels: frozenset[str] = frozenset()
    level: int | None = None
    path: str | None = None
    requester: str | None = None
    locale: str | None = None
    facts: Mapping[str, Fact] = field(default_factory=lambda: EMPTY)
    text: Text | None = None
    native: tuple[NativeClock, ...] = ()
    links: tuple[Link, ...] = ()
    activity: Activity | None = None
    scope: str = ""
    foreign_priority: bool = False
    restricted: bool = False
    url: str = ""
    held_until: datetime | None = None
    involved: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.opened_at.tzinfo is self.updated_at.tzinfo is UTC:  # nearly always, and told without a call
            return
        if self.opened_at.utcoffset() != _NO_OFFSET or self.updated_at.utcoffset() != _NO_OFFSET:
            raise ValueError(f"{self.ref}: opened_at and updated_at must be aware and in UTC")

    @property
    def is_open(self) -> bool:
        """True while clocks may run and we may write."""
        return not self.status.is_finished
