"""What a look at everything that is open brought: what became of it, and what may be sent again."""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.domain.ticket import Ticket
from connector.ports import Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An open write that may be sent again, if the plan wants it.

    Attributes:
        ticket: As it stands, where the helpdesk compares it.
        dead: No copy under way is applied any more: it may be given up and planned anew another time.
    """

    op: Op
    why: str
    ticket: Ticket | None = None
    dead: bool = False


@dataclass(slots=True)
class Recovered:
    """What became of open intents; ``ready`` is by ticket id: a ticket has one open comment.

    ``stumbled`` are those that could not be looked for, because the answer cannot be read or our own code fails on it,
    or because there is no answer for that ticket alone.
    """

    found: int = 0
    failed: int = 0
    parked: int = 0
    waiting: int = 0
    stumbled: int = 0
    ready: dict[str, Ready] = field(default_factory=dict)
