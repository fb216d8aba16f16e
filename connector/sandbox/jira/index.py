"""The search index: shows each change only after a while, not in order between issues."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from connector.sandbox.jira.model import Issue

Sorted = list[tuple[Any, int]]


@dataclass(slots=True)
class Index:
    """What searches see.

    Attributes:
        shown: Issues as indexed, by id.
        generation: Counts up whenever a search could answer differently.
    """

    shown: dict[int, Issue] = field(default_factory=dict)
    generation: int = 0
    _pending: list[tuple[datetime, int, int, Issue | None]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _known: dict[Any, Sorted] = field(default_factory=dict)

    def note(self, issue_id: int, issue: Issue | None, visible_at: datetime) -> None:
        """Show this version (or that the issue is gone) from ``visible_at`` on."""
        heapq.heappush(self._pending, (visible_at, next(self._order), issue_id, issue))

    def settle(self, now: datetime) -> None:
        """Take in what has become visible; an older version never replaces a newer one."""
        while self._pending and self._pending[0][0] <= now:
            _, _, issue_id, issue = heapq.heappop(self._pending)
            known = self.shown.get(issue_id)
            if issue is None:
                self.shown.pop(issue_id, None)
            elif known is None or known.version <= issue.version:
                self.shown[issue_id] = issue
            self.generation += 1
            self._known.clear()

    def show(self, issue: Issue) -> None:
        """Show an issue at once (loaders)."""
        self.shown[issue.id] = issue
        self.generation += 1
        self._known.clear()

    def sorted(self, key: Any, make: Callable[[Mapping[int, Issue]], Sorted]) -> Sorted:
        """The sorted matches of a query, computed once as long as nothing changes."""
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= 16:
                self._known.clear()
            found = self._known[key] = make(self.shown)
        return found
