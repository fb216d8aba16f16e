"""The part of the journal that forgets: by order, and by age."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure did: rows deleted or rewritten, operations whose key alone was kept, audit lines emptied."""

    rows: int
    kept: int
    lines: int


class Forgetting(Protocol):
    """What goes, goes from the disk as well; what keeps us from speaking twice stays."""

    def erase(self, site: str, *, ticket: str = "", account: str = "", names: Collection[str] = ()) -> Erased:
        """Delete a ticket's data, or replace a person by a word; what is freed is overwritten.

        ``account`` is the vendor's id, ``names`` are those that the site's map gives the person.
        """

    def purge(self, *, now: datetime, most: int) -> int:
        """Delete what is past its time, a bounded number of rows; return how many."""
