"""The ports between the engine and everything that has effects.

Three words are used throughout:

VERSION
    The vendor's token for one observation of a ticket (Zendesk ``updated_at``, Jira ``updated``). Opaque; equal tokens
    mean the same observation. A writer refuses a stale one where the vendor lets it.
CURSOR
    Where the next delta of a site begins. Opaque text that only the adapter reads; stored in the same transaction as
    the rows that it covers.
RECEIPT
    What the helpdesk answered to one write: proof that it was applied, by id and by marker.

Reading and writing are two ports: what plans is handed a reader and *cannot* write. Every method may raise the errors
of ``connector.errors`` that its docstring names. Everything that crosses a port is frozen.
"""

from __future__ import annotations

from connector.ports.erasure import Erased
from connector.ports.helpdesk import (
    Budgets,
    BulkResult,
    Cursor,
    Directory,
    Failure,
    Guard,
    Lookup,
    Observation,
    Page,
    Presence,
    Quarantined,
    Receipt,
    TicketHistory,
    TicketReader,
    TicketWriter,
    Version,
    fetched,
)
from connector.ports.intents import Op, OpStatus
from connector.ports.journal import Journal
from connector.ports.links import Alike, Links, Named
from connector.ports.outbox import Delivery, Outbox, Queued
from connector.ports.recall import Recall
from connector.ports.records import Records
from connector.ports.setaside import AsideKind, Asides, SetAside
from connector.ports.stored import (
    Awaited,
    Candidate,
    JournalEvent,
    Previous,
    Progress,
    RunRow,
    RunSummary,
    SiteState,
    Spent,
    Stored,
    Verdict,
)
from connector.ports.surroundings import Alarm, AlarmKind, Clock, Fence, Notifier, Observer, Policies, Renderer

__all__ = [
    "Alarm",
    "AlarmKind",
    "Alike",
    "AsideKind",
    "Asides",
    "Awaited",
    "Budgets",
    "BulkResult",
    "Candidate",
    "Clock",
    "Cursor",
    "Delivery",
    "Directory",
    "Erased",
    "Failure",
    "Fence",
    "Guard",
    "Journal",
    "JournalEvent",
    "Links",
    "Lookup",
    "Named",
    "Notifier",
    "Observation",
    "Observer",
    "Op",
    "OpStatus",
    "Outbox",
    "Page",
    "Policies",
    "Presence",
    "Previous",
    "Progress",
    "Quarantined",
    "Queued",
    "Recall",
    "Receipt",
    "Records",
    "Renderer",
    "RunRow",
    "RunSummary",
    "SetAside",
    "SiteState",
    "Spent",
    "Stored",
    "TicketHistory",
    "TicketReader",
    "TicketWriter",
    "Verdict",
    "Version",
    "fetched",
]
