"""What the later steps of a decision look at: the situation together with what the earlier steps found out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from connector.domain.acts import Acts
from connector.domain.clocks import ClockReading, Crossing
from connector.domain.ownership import Holding
from connector.domain.policy import Policy
from connector.domain.priority import Judgement
from connector.domain.situation import EscalationState, Situation
from connector.domain.ticket import ClockName, Priority
from connector.domain.triggers import TriggerReading


@dataclass(frozen=True, slots=True)
class Passed:
    """A threshold that its clock has passed in the present cycle, and that may still matter."""

    reading: ClockReading
    crossing: Crossing
    at: datetime

    @property
    def stands(self) -> bool:
        """True when nothing took the crossing back: neither superseded nor fulfilled since."""
        return not self.crossing.superseded and self.reading.met_at is None

    @property
    def name(self) -> str:
        """Return the threshold as people call it."""
        return f"{self.reading.clock.value} {self.crossing.threshold.mark}"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One ticket at one moment.

    Attributes:
        state: What is remembered, with priority and policy of this decision already in it.
        priority: The effective priority.
        passed: Thresholds passed so far, in the order of their crossing.
        ahead: The next crossing of any clock that nothing supersedes.
    """

    situation: Situation
    policy: Policy
    now: datetime
    state: EscalationState
    acts: Acts
    triggers: TriggerReading
    holding: Holding
    judgement: Judgement
    readings: tuple[ClockReading, ...]
    passed: tuple[Passed, ...] = ()
    ahead: datetime | None = None

    @property
    def priority(self) -> Priority | None:
        """Return the priority that drives clock and path."""
        return self.judgement.verdict.effective

    @property
    def paused(self) -> bool:
        """True while the ticket waits for its customer; its timers and cadence wait as well."""
        reading = self.clock(ClockName.RESOLUTION)
        if reading is not None:
            return reading.paused
        return self.situation.ticket.status in self.policy.sla.pauses(ClockName.RESOLUTION)

    def clock(self, name: ClockName) -> ClockReading | None:
        """Return the reading of one clock, where the policy has it."""
        return next((reading for reading in self.readings if reading.clock is name), None)

    def enforces(self, at: datetime) -> bool:
        """True when what happened at ``at`` is not older than the site's ``enforce_from``."""
        enforce_from = self.situation.rules.enforce_from
        return enforce_from is None or at >= enforce_from


def sort_crossings(readings: Iterable[ClockReading], now: datetime) -> tuple[tuple[Passed, ...], datetime | None]:
    """Return what has been passed at ``now``, earliest first, and the next crossing ahead."""
    passed: list[Passed] = []
    ahead: datetime | None = None
    for reading in readings:
        for crossing in reading.crossings:
            at = crossing.at
            if at is None:
                continue
            if at <= now:
                passed.append(Passed(reading, crossing, at))
            elif (ahead is None or at < ahead) and not crossing.superseded and reading.met_at is None:
                ahead = at
    passed.sort(key=lambda each: (each.at, str(each.crossing.occasion)))
    return tuple(passed), ahead
