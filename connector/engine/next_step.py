"""What to do next with a write whose outcome is not known. Pure: a row, what the helpdesk showed, and its own time.

====================================  ===================================================================
what the helpdesk shows               then
====================================  ===================================================================
the write                             done
not enough to tell, a comment         parked: a person looks; it is never sent on a guess
not there or cannot tell, and ordered sent again: the person has looked
not there, or cannot tell, no comment planned again: a field has the same value however often it is set
not there, the ticket moved on        planned again: every copy under way is refused by compare-and-set
not there, the ticket stands          sent again with the same stamp: of all copies at most one is applied
not there, nothing is compared        looked for until its quarantine is over, then twice in vain, then sent
                                      once more; a second copy that is not there either is parked
====================================  ===================================================================

The last line rests on an assumption: no request is applied later than ``QUARANTINE`` after its connection closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from connector.domain.site import Effect
from connector.ports import Guard, Op, Presence

QUARANTINE: Mapping[Effect, timedelta] = MappingProxyType(
    {Effect.PUBLIC: timedelta(seconds=300), Effect.NOTES: timedelta(seconds=60)}
)
"""Since the sending, where nothing is compared: a customer's mail is worth a longer wait than a colleague's note."""

APART = timedelta(seconds=65)
"""Between the two looks in vain: at least a minute, and no less than a whole exchange may take."""

BACK_OFF_FROM, BACK_OFF_TO = timedelta(seconds=5), timedelta(minutes=5)
"""Between two copies under compare-and-set; they cost requests and nothing else."""

MOST_COPIES = 1
"""Copies after the first one, where nothing is compared."""


class Step(StrEnum):
    """What is to be done."""

    DONE = "done"
    PLAN_AGAIN = "plan again"  # certainly not applied, and never will be
    WAIT = "wait"
    RESEND = "resend"
    PARK = "park"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRow:
    """What matters of an open intent; moments by the helpdesk's clock.

    Attributes:
        audience: Of its comment; ``None`` for fields alone.
        absent_at: When it was first looked for in vain after its quarantine.
    """

    sent_at: datetime
    audience: Effect | None
    resent: int = 0
    absent_at: datetime | None = None
    ordered: bool = False

    @classmethod
    def of(cls, op: Op) -> OpenRow:
        """Return what matters of a row of the journal."""
        said = op.write.comment.notice.audience if op.write.comment else None
        ordered = bool(op.ordered_by)
        return cls(sent_at=op.sent_at, audience=said, resent=op.resent, absent_at=op.absent_at, ordered=ordered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the helpdesk showed at ``at``, its own time; ``guard`` was read before ``presence``."""

    presence: Presence
    guard: Guard
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The step, and why in words for the audit.

    Attributes:
        until: ``WAIT``: when to look again, by the helpdesk's clock.
        absent_at: When it was first looked for in vain; to be stored.
    """

    step: Step
    why: str = ""
    until: datetime | None = None
    absent_at: datetime | None = None


def next_step(row: OpenRow, seen: Evidence) -> Next:
    """Return what to do with ``row`` after a look that showed ``seen``."""
    if seen.presence is Presence.FOUND:
        return Next(step=Step.DONE)
    if row.audience is None:
        return Next(step=Step.PLAN_AGAIN, why="looked for and not found")
    if row.ordered:
        return Next(step=Step.RESEND, why="a person ordered it", absent_at=row.absent_at)
    if seen.presence is Presence.UNPROVABLE:
        return Next(step=Step.PARK, why="the outcome is unknown and the helpdesk does not show enough to tell")
    if seen.guard is Guard.MOVED:
        return Next(step=Step.PLAN_AGAIN, why="the ticket moved on, so the earlier request is refused if it arrives")
    if seen.guard is Guard.STANDS:
        return _compared(row, seen.at)
    return _quarantined(row, seen.at, QUARANTINE[row.audience])


def is_dead(row: OpenRow, at: datetime) -> bool:
    """Return whether no copy under way is applied any more at ``at``, whatever the helpdesk compares.

    It rests on the assumption above alone, with a whole exchange to spare.
    """
    return row.audience is None or at >= row.sent_at + QUARANTINE[row.audience] + APART


def _compared(row: OpenRow, at: datetime) -> Next:
    """Compare-and-set: a copy is safe at any time; only their number is kept down."""
    wait = min(BACK_OFF_FROM * (1 << min(row.resent, 10)), BACK_OFF_TO) if row.resent else timedelta(0)
    if at < row.sent_at + wait:
        return Next(step=Step.WAIT, until=row.sent_at + wait)
    return Next(step=Step.RESEND, why="it is not there, and the ticket is as it was seen")


def _quarantined(row: OpenRow, at: datetime, quarantine: timedelta) -> Next:
    over = row.sent_at + quarantine
    if at < over:
        return Next(step=Step.WAIT, until=over)
    absent_at = row.absent_at or at
    if at < absent_at + APART:
        return Next(step=Step.WAIT, until=absent_at + APART, absent_at=absent_at)
    if row.resent >= MOST_COPIES:
        return Next(step=Step.PARK, why="two copies were sent, and neither is there")
    why = f"looked for twice, {int(quarantine.total_seconds())} s after the sending and later, and not there"
    return Next(step=Step.RESEND, why=why, absent_at=absent_at)
