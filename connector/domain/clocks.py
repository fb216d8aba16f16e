"""SLA clock readings: what a clock says at one moment, with its segments.

``sla.read_clocks(situation, policy, *, priority, variant, now) -> tuple[ClockReading, ...]`` computes them, where
``priority`` is the effective priority (``situation.state.priority_since`` says since when) and ``variant`` the name of
the faster targets that a trigger asks for.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from connector.domain import occasion
from connector.domain.occasion import Occasion
from connector.domain.policy import Mark, SlaSource, Span, Threshold
from connector.domain.ticket import ClockName, NativeClock


class SegmentKind(StrEnum):
    """Why time did or did not count."""

    RUNNING = "running"
    PAUSED = "paused"
    SOLVED = "solved"  # left out between solving and a resuming reopening
    MAX_PAUSE = "max_pause"  # paused beyond max_pause: running again, with a note to the owner


class Segment(NamedTuple):
    """A stretch of wall time; ``business`` is the open time in it that counted. ``end`` is ``now`` for the last one."""

    kind: SegmentKind
    start: datetime
    end: datetime
    business: timedelta
    why: str = ""


class Crossing(NamedTuple):
    """A threshold of this cycle and the exact instant at which the clock passes (or would pass) it.

    ``at`` is ``None`` while the clock is paused before the mark. ``superseded`` holds the reason when a re-score, a
    policy load or our own write moved the deadline across the mark, or when another clock has told it: it must never
    speak.
    """

    threshold: Threshold
    occasion: Occasion
    at: datetime | None
    superseded: str = ""


class Silence(NamedTuple):
    """Marks reached up to ``at`` were passed by something else than the passing of time: ``why``.

    Where it names a ``mark``, as it is written, that one alone is silent, whenever it is reached.
    """

    at: datetime
    why: str
    mark: str = ""

    def covers(self, mark: Mark, at: datetime) -> bool:
        """Return whether it keeps a mark that is reached at ``at`` from speaking."""
        return self.mark == str(mark) if self.mark else at <= self.at


class ClockReading(NamedTuple):
    """One clock at ``now``.

    Attributes:
        source: Whose clock counts here.
        cycle_start: Names the cycle.
        target: Promised length; ``None``: the policy has no target, the clock never breaches (a finding).
        calendar: Name of the business calendar.
        deadline: When the target is used up if nothing pauses it further; ``None`` while paused or without target.
        elapsed: Business time used.
        percent: Used share of the target, 0…; ``None`` without target.
        met_at: When the clock was fulfilled; a fulfilled clock crosses nothing more.
        breached: The target was or is overrun.
        provisional: The ticket's history is not in yet: shown, never the reason of a public comment.
        native: The helpdesk's own reading, and ``drift`` = its deadline − ours, where both are known.
        next_at: Next instant at which this reading changes by itself (a mark, the deadline, the end of a max pause).
        marks: The cycle's thresholds, each with the instant of its crossing; ``crossings`` names them.
        silences: What keeps crossings from speaking.
        extended: Business time until the deadline where a stricter target left more than it promises; ``percent`` and
            the marks up to 100 % are shares of it, what goes beyond is counted in shares of the target.
    """

    clock: ClockName
    source: SlaSource
    cycle_start: datetime
    target: Span | None
    calendar: str
    deadline: datetime | None
    elapsed: timedelta
    percent: float | None
    paused: bool
    met_at: datetime | None
    breached: bool
    segments: tuple[Segment, ...]
    marks: tuple[tuple[Threshold, datetime | None], ...]
    provisional: bool = False
    max_pause_over_at: datetime | None = None
    native: NativeClock | None = None
    drift: timedelta | None = None
    next_at: datetime | None = None
    silences: tuple[Silence, ...] = ()
    extended: timedelta | None = None

    @property
    def crossings(self) -> tuple[Crossing, ...]:
        """Return every threshold of the cycle with its name; made when asked for, since most are never looked at."""
        return tuple(self.crossing(threshold, at) for threshold, at in self.marks)

    def crossing(self, threshold: Threshold, at: datetime | None) -> Crossing:
        """Return the crossing of one of ``marks``; superseded where it lies before a silence."""
        quiet = ""
        if at is not None and self.silences:
            quiet = next((s.why for s in self.silences if s.covers(threshold.mark, at)), "")
        return Crossing(threshold, occasion.threshold(self.clock, self.cycle_start, threshold.mark), at, quiet)

    def passed(self, now: datetime) -> tuple[Crossing, ...]:
        """Return the crossings at or before ``now``, earliest first."""
        return tuple(
            sorted(
                (c for c in self.crossings if c.at is not None and c.at <= now), key=lambda c: (c.at, str(c.occasion))
            )
        )
