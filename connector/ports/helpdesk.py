"""The helpdesk's ports: a reader, a writer and who stands behind names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from connector.domain.change import Change, Write
from connector.domain.copying import drafted
from connector.domain.events import TicketEvent
from connector.domain.marks import Mark
from connector.domain.policy import LevelTarget
from connector.domain.situation import Reach
from connector.domain.ticket import Ticket, TicketRef

Version = str
Cursor = str


@drafted
@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One ticket from a page, with the events that the page itself carried (comments in a Jira search, …).

    Attributes:
        unshown: The page shows some of the ticket's comments and not all: where it changed, one may be new.
    """

    ticket: Ticket
    events: tuple[TicketEvent, ...] = ()
    unshown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A payload that could not be read: which ticket where that is known, why, and a digest of the sample."""

    id: str
    why: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some tickets.

    Attributes:
        cursor: What to store with them; empty where nothing is to be stored.
        malformed: What could not be read. It exists: a ticket that cannot be read is never taken for gone.
        gone: Ids of tickets that the helpdesk no longer shows.
        elsewhere: Those of ``gone`` that it does show, outside of what the site looks after.
        moved_to: The scope in which those of ``elsewhere`` are shown now, where the helpdesk tells.
        doubtful: Ids of tickets that are not among what the site looks after any more, and nobody says why: they are
            looked for again.
        unwanted: Ids of tickets that we know and must not: all that is kept of them is deleted.
    """

    observations: tuple[Observation, ...]
    cursor: Cursor
    malformed: tuple[Quarantined, ...] = ()
    gone: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    moved_to: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    doubtful: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()


def fetched(ids: Sequence[str], observations: Iterable[Observation], malformed: Iterable[Quarantined] = ()) -> Page:
    """Return what ``TicketReader.get`` promises for ``ids``, of which these were found."""
    found = {o.ticket.ref.id: o for o in observations}
    unreadable = tuple(malformed)
    known = found.keys() | {q.id for q in unreadable}
    gone = () if "" in known else tuple(id_ for id_ in ids if id_ not in known)
    shown = tuple(found[id_] for id_ in dict.fromkeys(ids) if id_ in found)
    return Page(observations=shown, cursor="", malformed=unreadable, gone=gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketHistory:
    """The vendor's history of one ticket, oldest first, complete up to ``read_until``.

    ``unreadable`` says why there is none: the helpdesk refuses it, or it cannot be understood. It is not stored then.
    ``marks`` are the writes of our own account, as far as the helpdesk shows them.
    """

    ref: TicketRef
    events: tuple[TicketEvent, ...]
    read_until: datetime
    unreadable: str = ""
    marks: tuple[Mark, ...] = ()


class Presence(StrEnum):
    """Answer of a look-up for one of our own writes."""

    FOUND = "found"
    ABSENT = "absent"
    UNPROVABLE = "unprovable"  # the helpdesk does not show enough to tell


class Guard(StrEnum):
    """May a copy of a write that is still on its way be applied when it arrives?"""

    NONE = "none"  # nothing is compared: it is applied whenever it arrives
    STANDS = "stands"  # the ticket is as it was seen: one copy is applied, and every later one is refused
    MOVED = "moved"  # the ticket changed since: every copy is refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Was a write applied?

    Attributes:
        remote_id: The comment or audit, when it was found; of several copies the oldest.
        version: The ticket's version after the write, where it was found and the helpdesk says so.
        guard: What becomes of a copy that arrives after this look; read *before* the look for the write itself.
        at: The helpdesk's own time of the answer.
        ticket: The ticket as it stood just before the look, where ``guard`` was read from it.
        copies: Comment ids of newer copies of ours that should not be there.
        exposed: Comment ids of an internal note of ours that customers can read.
    """

    presence: Presence
    remote_id: str = ""
    version: Version = ""
    guard: Guard = Guard.NONE
    at: datetime | None = None
    ticket: Ticket | None = None
    copies: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """What is left of the vendor's limits right now, for logs and ``status``: name → (remaining, limit)."""

    remaining: Mapping[str, tuple[int, int]]


class TicketReader(Protocol):
    """Everything that is read from one site. Not thread-safe: the site's thread owns it.

    Every method raises ``Unavailable`` when the helpdesk cannot be read after its retries, and ``Denied`` for
    credentials or permissions.
    """

    @property
    def account(self) -> str:
        """Return the vendor's id of the account that we write as (known after ``check``)."""

    def check(self) -> None:
        """Prove that the credentials work and learn our own account; raises ``Denied`` when they do not."""

    def start_cursor(self) -> Cursor:
        """Return a delta cursor for *now*; taken before a full load, so that nothing falls between."""

    def load_open(self, *, cursor: Cursor) -> Iterator[Page]:
        """Yield every open ticket in pages; each page carries ``cursor`` unchanged."""

    def changes(self, cursor: Cursor) -> Iterator[Page]:
        """Yield what changed since ``cursor``; each page carries the cursor that covers it. May repeat tickets."""

    def open_ids(self) -> Iterator[Mapping[str, Version]]:
        """Yield the ids of all open tickets with their versions, in chunks: the slow sweep.

        A version is empty where the helpdesk's deltas miss nothing, or where none is told.
        """

    def get(self, ids: Sequence[str]) -> Page:
        """Return the tickets as they are now, never from an index that lags, in the order asked; no cursor.

        ``gone`` names those of ``ids`` that the helpdesk does not show (deleted, or hidden from us). While something
        could not be read and does not say which ticket it is, nothing is called gone.
        """

    def history(self, ids: Sequence[str], *, probe: bool = False) -> Iterator[TicketHistory]:
        """Yield the vendor's history of tickets, in the order asked; counted apart from other reads.

        One ticket's history that cannot be read never costs the others theirs. ``probe``: reading failed before, so
        each request is tried once and not for long, as everything else of the site waits for it.
        """

    def history_allowance(self) -> int:
        """Return how many histories may be read now within the share of the read budget that is kept for them."""

    def look_up(self, write: Write, *, since: datetime, probe: bool = False) -> Lookup:
        """Look for a write in the helpdesk, in what our own account did since ``since`` (the helpdesk's time).

        Its marker tells; where the helpdesk kept no marker, our very words do. What we are not shown enough of to tell
        is ``UNPROVABLE``, never ``ABSENT``. ``probe``: it failed before, and is tried briefly.
        """

    def server_now(self) -> datetime:
        """Return the helpdesk's present time, as its last answer lets us reckon."""

    def requests_made(self) -> int:
        """Return how many requests this reader's and its writer's transport have made so far."""

    def budgets(self) -> Budgets:
        """Return what is left of the vendor's limits."""

    def pause_before_reads(self) -> timedelta:
        """Return how long to wait before the next poll so that the read budget holds; zero when there is room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof of one write.

    Attributes:
        remote_id: Comment id, audit id or job id.
        version: The ticket's version after the write, where the answer states it.
        at: The helpdesk's own time of the answer.
        overwritten: What people did between our last look and the write, and the write undid: a lost race.
        found: The write was found in the helpdesk afterwards: no answer told which version was ours.
        ignored: Names of its fields that the helpdesk has not, and passed over; the rest of the write stands.
    """

    key: str
    remote_id: str
    version: Version
    at: datetime
    overwritten: tuple[TicketEvent, ...] = ()
    found: bool = False
    ignored: tuple[str, ...] = ()


class Failure(StrEnum):
    """Why one write of a bulk failed; the single forms raise the error of the same name instead."""

    CONFLICT = "conflict"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """Outcome of one write of a bulk: a receipt or a failure with its reason."""

    key: str
    receipt: Receipt | None = None
    failure: Failure | None = None
    why: str = ""


class TicketWriter(Protocol):
    """Everything that is written to one site; handed to ``apply`` alone."""

    def split(self, change: Change) -> tuple[Write, ...]:
        """Return the writes that one change takes, in order: fields first. Pure."""

    def request_digest(self, write: Write, *, seen: Ticket) -> str:
        """Return SHA-256 hex of the request that ``send`` would make; journalled before sending. Pure."""

    def send(self, write: Write, *, seen: Ticket) -> Receipt:
        """Make exactly one write, provided that the ticket is still as it was when ``seen``.

        Raises ``NotSent``, ``Throttled``, ``Unknown``, ``Conflict``, ``Rejected`` or ``Denied``. An internal note that
        came out public is taken out of customers' sight at once and raises ``Exposed`` (the site's notes are to be
        frozen).
        """

    def server_now(self) -> datetime:
        """Return the helpdesk's own present time, as its latest answer lets us reckon. Pure."""

    def retract(self, ref: TicketRef, comment: str) -> bool:
        """Take a comment of our own out of customers' sight: remove it, or make it private where it cannot be removed.

        Returns whether colleagues still see it. Raises as ``send`` does.
        """

    @property
    def bulk_size(self) -> int:
        """Return how many field-only writes one bulk takes; 0 where the helpdesk has no bulk."""

    def submit(self, writes: Sequence[tuple[Write, Ticket]]) -> str:
        """Send up to ``bulk_size`` field-only writes as one job; return its id (journalled before polling).

        Raises as ``send`` does; ``Rejected`` also where only single writes tell what becomes of the fields.
        """

    def collect(self, job_ids: Sequence[str]) -> Mapping[str, tuple[BulkResult, ...] | None]:
        """Return the results per job; ``None`` while one still runs. A lost job answers ``UNKNOWN`` per write."""


class Directory(Protocol):
    """Who stands behind bound names on one site."""

    def reach(self, target: LevelTarget, *, at: datetime) -> Reach:
        """Return who can be reached for ``target`` at ``at``; never raises for a missing target, it says so."""
