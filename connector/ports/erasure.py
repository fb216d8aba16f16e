"""The part of the journal that forgets: by order, and by age."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.ports.stored import JournalEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure did: rows deleted or rewritten, operations whose key alone was kept, audit lines emptied."""

    rows: int
    kept: int
    lines: int


class Forgetting(Protocol):
    """What goes, goes from the disk as well; what keeps us from speaking twice stays."""

    def erase(
        self,
        site: str,
        *,
        ticket: str = "",
        account: str = "",
        names: Collection[str] = (),
        line: JournalEvent | None = None,
    ) -> Erased:
        """Delete a ticket's data, or replace a person by a word; ``compact`` then overwrites what is freed.

        ``account`` is the vendor's id, ``names`` are those that the site's map gives the person. ``line`` goes into
        the audit with it, and tells how much it was.
        """

    def compact(self) -> None:
        """Overwrite what was freed; raises ``ConnectorError`` where it may still be read, as the disk is full."""

    def purge(self, *, now: datetime, most: int) -> int:
        """Delete what is past its time, a bounded number of rows; return how many."""
