"""One row of intent: a write from before it is sent until nobody has to ask any more what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.domain.change import Write
from connector.ports.helpdesk import Version


class OpStatus(StrEnum):
    """Life of one intent; it only moves forward."""

    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"  # certainly not applied: not sent, throttled, conflict, rejected
    PARKED = "parked"  # outcome unknown and not found: never sent again by itself, a person settles it


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One row of intent. ``write`` carries the rendered body only until the row settles.

    Attributes:
        sent_at: By the helpdesk's own clock.
        stamp: The version that the request named as seen.
        fence: Epoch of the process that armed the row; whoever holds an older reading of it cannot move it.
        resent: Copies that were sent after one whose outcome was unknown.
        absent_at: When the write was first looked for and not there, by the helpdesk's clock, after its quarantine.
        look_at: When to look (again), by our clock.
        ordered_by: Who ordered a parked write to be sent again.
    """

    id: int
    write: Write
    run: str
    status: OpStatus
    request_digest: str
    attempts: int
    sent_at: datetime
    settled_at: datetime | None = None
    remote_id: str = ""
    why: str = ""
    job: str = ""
    stamp: Version = ""
    fence: int = 0
    resent: int = 0
    absent_at: datetime | None = None
    look_at: datetime | None = None
    ordered_by: str = ""
