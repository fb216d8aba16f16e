"""What became of the planned writes of one site: counts, and what the rest of the pass has to know of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(slots=True)
class Applied:
    """Counts of what became of the planned writes.

    Attributes:
        retry_after: How long the helpdesk asked to be left alone, where it did.
        stopped: Why the rest of the plan was not tried; empty when all of it was.
        conflicted: Ids of tickets that had changed since they were seen.
        complete: Ids of tickets whose every planned write is settled.
        broken: What went wrong by ticket id where no request could be made.
    """

    written: int = 0
    conflicted: set[str] = field(default_factory=set)
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    retry_after: timedelta | None = None
    stopped: str = ""
    denied: bool = False
    unreachable: bool = False
    complete: set[str] = field(default_factory=set)
    broken: dict[str, Exception] = field(default_factory=dict)
