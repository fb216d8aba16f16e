"""The values that the journal stores and hands out: sites, tickets, runs, lines of the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from connector.domain.change import Field, Notification
from connector.domain.decision import Decision
from connector.domain.events import History, TicketEvent
from connector.domain.occasion import Record, SaidRows
from connector.domain.site import Effect
from connector.domain.situation import Applied, EscalationState
from connector.domain.ticket import Ticket
from connector.ports.helpdesk import Cursor, Version
from connector.ports.recall import Recall


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteState:
    """What is known about a site between runs.

    Attributes:
        cursor: ``None`` until a full load has begun.
        loaded: The full load ended; until then an interrupted load starts anew.
        effects: Effects per scope (``""`` is the site's default) as they were at the last run, to notice a switch.
        frozen: Effect → reason, set by a guard and cleared by ``resume``.
        allowance: Effect → writes that ``resume --allow`` still lets through.
        open_tickets: Known open tickets.
        recall: How far what was written here has been read back from the helpdesk.
    """

    site: str
    fingerprint: str
    cursor: Cursor | None = None
    loaded: bool = False
    paused: str = ""
    effects: Mapping[str, frozenset[Effect]] = field(default_factory=lambda: MappingProxyType({}))
    frozen: Mapping[Effect, str] = field(default_factory=lambda: MappingProxyType({}))
    allowance: Mapping[Effect, int] = field(default_factory=lambda: MappingProxyType({}))
    open_tickets: int = 0
    last_good_at: datetime | None = None
    last_sweep_at: datetime | None = None
    recall: Recall = Recall()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """All that the journal knows about one ticket; the journal's half of a ``Situation``.

    ``marks`` are the refs of what was said there and read back from the helpdesk, because the state had forgotten it.
    """

    ticket: Ticket
    history: History = History()
    state: EscalationState = EscalationState()
    said: SaidRows = field(default_factory=lambda: MappingProxyType({}))
    applied: Mapping[Field, Applied] = field(default_factory=lambda: MappingProxyType({}))
    text_hits: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    text_version: str = ""
    notes_today: int = 0
    last_note_at: datetime | None = None
    next_due_at: datetime | None = None
    own_version: Version = ""
    marks: frozenset[str] = frozenset()


class Awaited(NamedTuple):
    """A ticket on which something waits for its own history, and the policy that it was last decided under."""

    urgency: int
    id: str
    policy_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """What deriving events from two observations needs of the earlier one.

    Attributes:
        own_version: The version after our latest write; an observation with this version holds only our own change
            and what automations did in answer to it.
    """

    ticket: Ticket
    applied: Mapping[Field, Applied] = field(default_factory=lambda: MappingProxyType({}))
    own_version: Version = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A ticket as it is to be stored from a page: facts without free text, events, text results for this version.

    Attributes:
        ask_history: Only the vendor's history tells what happened since the last observation.
    """

    ticket: Ticket
    events: tuple[TicketEvent, ...] = ()
    text_hits: Mapping[str, bool] | None = None
    ask_history: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One decision as it is to be stored, with the rows it settles and the fields it adopts.

    Attributes:
        unwritten: Something is still to be written: the ticket stays due until ``move_on`` says that it is done.
        notifications: What goes to the outbox together with the verdict: operation key → notification.
        would_do: What shadow recorded this time, in words for the audit: field → old and new, ``comment``, ``why``.
        ask_history: Only the vendor's history tells what the next decision has to know.
        awaits: How urgently the ticket's own history is awaited, the smallest first; ``None``: nothing waits for it.
    """

    decision: Decision
    records: tuple[Record, ...] = ()
    adopted: Mapping[Field, str | None] = field(default_factory=lambda: MappingProxyType({}))
    unwritten: bool = False
    notifications: Mapping[str, Notification] = field(default_factory=lambda: MappingProxyType({}))
    would_do: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    ask_history: bool = False
    awaits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """How much of an effect's budget a site has used in the present window, and per ticket in its own window."""

    used: Mapping[Effect, int]
    by_ticket: Mapping[tuple[Effect, str], int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """Counts of one pass over one site, as they stand in the log line per run.

    Attributes:
        insufficient: Open tickets decided upon whose inputs are too few for a priority.
    """

    read: int = 0
    decided: int = 0
    written: int = 0
    held: int = 0
    left: int = 0
    failed: int = 0
    parked: int = 0
    would_do: int = 0
    insufficient: int = 0
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One pass over one site."""

    id: str
    site: str
    kind: str  # sync, run, apply
    policy: str
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""  # ok, partial, failed, stopped
    why: str = ""
    summary: RunSummary = RunSummary()


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEvent:
    """One line of the audit: what happened, to which ticket, why. Append-only and hash-chained."""

    at: datetime
    kind: str  # write, would-do, held, left, parked, frozen, resumed, paused, edit-held, gone, back, alarm, policy, …
    site: str
    ticket: str = ""
    key: str = ""
    run: str = ""
    actor: str = "connector"
    data: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Site's bookkeeping to move in one go; ``None`` leaves a value as it is."""

    cursor: Cursor | None = None
    loaded: bool | None = None
    last_good_at: datetime | None = None
    last_sweep_at: datetime | None = None
