"""How far a lost memory has been read back from the helpdesk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.domain.ticket import TicketRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """How far what was written on a site has been read back from the helpdesk.

    Attributes:
        why: What the state has forgotten; empty for a site that is only seen for the first time.
        since: Histories read after this moment are read back.
        done_at: When every open ticket had been read back.
        is_over: Nothing on the site waits for being read back.
        blind: Ids of tickets whose history could not be read: what was said there is not known.
        left: Open tickets still to be read.
        read_at: When a history was last read here; before the first one, when the first pass began.
        lost_at: When the first pass after the loss began; ``None``: not known.
    """

    why: str = ""
    since: datetime | None = None
    done_at: datetime | None = None
    is_over: bool = True
    blind: frozenset[str] = frozenset()
    left: int = 0
    read_at: datetime | None = None
    lost_at: datetime | None = None

    @property
    def freezes(self) -> bool:
        """True while the whole site's comments wait."""
        return bool(self.why) and not self.is_over


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A write by our own account that the state knows nothing of: when, by the helpdesk's time, and where."""

    ref: TicketRef
    at: datetime
