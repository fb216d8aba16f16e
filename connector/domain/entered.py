"""The levels that were entered, as rows and writes tell: the facts that deciding again is held against."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from connector.domain.change import Field
from connector.domain.past import Past
from connector.domain.policy import Path
from connector.domain.reason import Reason, ReasonKind, reason
from connector.domain.rewind import TOLD, LevelEntry, entry_order, level_entries
from connector.domain.site import Effect
from connector.domain.situation import EscalationState, LevelLeft

_OWN = frozenset({Effect.FIELDS, Effect.ASSIGN})
"""Audiences of a ticket's own levels: what a merged ticket had said is taken over, never what stood in its fields."""


class Why(NamedTuple):
    """Why a level was entered, and from which one; what is not stored of it is ``None``.

    Attributes:
        left: The level that the ticket stood on; 0: on none.
        words: As the state kept them.
        kind: The same as a value, as far as it is known.
        skipped: Who was passed over.
    """

    left: int | None
    words: str
    kind: Reason = Reason()
    skipped: tuple[str, ...] = ()

    def is_timer_of(self, number: int) -> bool:
        """True when nobody had acknowledged a level: its timer led to this one."""
        return self.words.startswith(str(reason(ReasonKind.TIMER, left=number)))


class Entered:
    """What the rows of a ticket tell of its levels, with the reasons that its state and our writes carry."""

    def __init__(self, past: Past, until: datetime) -> None:
        self._past, self._until = past, until  # passes after that are not looked up

    @cached_property
    def named(self) -> frozenset[LevelEntry]:
        """Return every level of which there is a row, whatever became of it."""
        return frozenset(level_entries(name for name, _ in self._past.situation.said))

    @cached_property
    def passes(self) -> dict[LevelEntry, datetime]:
        """Return each level with the pass that first wrote or settled anything for it."""
        found: dict[LevelEntry, datetime] = {}
        for (name, audience), row in self._past.situation.said.items():
            for entry in level_entries([name]) if audience in _OWN and row.outcome in TOLD else ():
                at = self._past.looked_before(row.at) if row.at <= self._until else row.at
                found[entry] = min(at, found.get(entry, at))
        return found

    def by(self, now: datetime) -> LevelEntry | None:
        """Return the level on which the pass of a moment, or the last one before it that wrote a level, left it."""
        return max((entry for entry, at in self.passes.items() if at <= now), key=entry_order, default=None)

    def after(self, now: datetime) -> LevelEntry | None:
        """Return the next level that a pass after a moment entered."""
        later = (entry for entry, at in self.passes.items() if at > now)
        return min(later, key=entry_order, default=None)

    def why(self, entry: LevelEntry) -> Why | None:
        """Return why a level was entered: as the state says of its last two, else as what was written for it does."""
        live, written = self._past.situation.state, self._written.get(entry)
        before, left = live.left_level, None if written is None else written.left
        if entry == entry_of(live) and live.level_reason:
            left = left if before is None else before.level
            return Why(left, live.level_reason, live.level_why, live.skipped)
        if before is not None and entry == _entry(live.path, before) and before.level_reason:
            return Why(left, before.level_reason, before.level_why, before.skipped)
        return written

    @cached_property
    def _written(self) -> dict[LevelEntry, Why]:
        return dict(self._of_writes())

    def _of_writes(self) -> Iterator[tuple[LevelEntry, Why]]:
        """Yield why levels were entered, one line per write that tells; ``path default, level 2: <why>``."""
        for write in self._past.writes:
            for change in write.fields:
                for entry in level_entries([str(change.occasion)]):
                    _, _, words = change.reason.partition(f", level {entry.number}: ")
                    numbers = (c.before or "0" for c in write.fields if c.field is Field.LEVEL)
                    left = next((int(number) for number in numbers if number.isdecimal()), None)
                    timer = reason(ReasonKind.TIMER, left=left)
                    if words:
                        yield entry, Why(left, words, timer if words == str(timer) else Reason())


def entry_of(state: EscalationState) -> LevelEntry | None:
    """Return the level that a state is on as its row names it."""
    return _entry(state.path, state)


def _entry(path: Path | None, level: EscalationState | LevelLeft) -> LevelEntry | None:
    if path is None or level.entered_at is None:
        return None
    return LevelEntry(path.name, level.level, level.entered_at.replace(microsecond=0))
