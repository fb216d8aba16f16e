"""What the later steps of a decision look at: the situation together with what the earlier steps found out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from connector.domain.acts import Acts
from connector.domain.cases import leader
from connector.domain.clocks import ClockReading, Crossing
from connector.domain.durations import spelled
from connector.domain.marks import ref_of
from connector.domain.occasion import Occasion, Outcome, SaidRows
from connector.domain.ownership import Holding
from connector.domain.policy import Policy, Threshold
from connector.domain.priority import Judgement
from connector.domain.reason import Reason, ReasonKind, reason
from connector.domain.site import Effect
from connector.domain.situation import EscalationState, Situation, Twin
from connector.domain.ticket import ClockName, Priority
from connector.domain.triggers import TriggerReading

NO_EFFECTS: frozenset[Effect] = frozenset()
_NOTHING_OWED: frozenset[str] = frozenset()


class Passed(NamedTuple):
    """A threshold with the moment at which its clock passes it in the present cycle.

    Attributes:
        stands: Nothing took the crossing back: it is neither superseded, now or earlier, nor fulfilled since.
        owed: Effects that it asked for before something superseded it, and that are still to come.
    """

    reading: ClockReading
    crossing: Crossing
    at: datetime
    stands: bool
    owed: frozenset[Effect] = NO_EFFECTS

    def asks(self, effect: Effect) -> bool:
        """Return whether the mark may have this effect, now or still."""
        return self.stands or effect in self.owed

    @property
    def name(self) -> str:
        """Return the threshold as people call it."""
        return f"{self.reading.clock.value} {self.crossing.threshold.mark}"


class Ahead(NamedTuple):
    """The threshold that a clock passes next, and when it will if nothing changes."""

    reading: ClockReading
    threshold: Threshold
    at: datetime


class View(NamedTuple):
    """One ticket at one moment.

    Attributes:
        state: What is remembered, with priority and policy of this decision already in it.
        priority: The effective priority.
        passed: Thresholds passed so far, in the order of their crossing.
        ahead: The next crossing of any clock.
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
    ahead: Ahead | None = None

    @property
    def priority(self) -> Priority | None:
        """Return the priority that drives clock and path."""
        return self.judgement.verdict.effective

    @property
    def leader(self) -> Twin | None:
        """Return the ticket that speaks for this one, where it follows a problem, a customer's or the first alike."""
        hangs_together = self.situation.twins or self.situation.storm is not None
        return leader(self.situation, self.priority) if hangs_together else None

    @property
    def paused(self) -> bool:
        """True while the ticket waits for its customer; its timers and cadence wait as well."""
        reading = self.clock(ClockName.RESOLUTION)
        if reading is not None:
            return reading.paused
        return self.situation.ticket.status in self.policy.sla.pauses(ClockName.RESOLUTION)

    def clock(self, name: ClockName) -> ClockReading | None:
        """Return the reading of one clock, where the policy has it."""
        for reading in self.readings:  # asked for several times per decision
            if reading.clock is name:
                return reading
        return None

    def is_said(self, occasion: Occasion, audience: Effect) -> bool:
        """True when the occasion is settled for this audience; in shadow that it would be said is enough."""
        row = self.situation.said.get((str(occasion), audience))
        if row is None:
            return bool(self.situation.marks) and self._is_marked(occasion, audience)
        return row.outcome.is_final or (row.outcome is Outcome.WOULD_DO and not self.allows(audience))

    def _is_marked(self, occasion: Occasion, audience: Effect) -> bool:
        """True when our mark for the occasion was read back from the helpdesk."""
        situation = self.situation
        key = occasion.key(situation.rules.fingerprint, situation.ticket.ref.id, audience)
        return ref_of(key) in situation.marks

    def allows(self, effect: Effect) -> bool:
        """True when the effect is on for this ticket."""
        return self.situation.rules.allows(effect, self.situation.ticket.scope)

    def enforces(self, at: datetime) -> bool:
        """True when what happened at ``at`` is older neither than ``enforce_from`` nor than the end of shadow."""
        enforce_from, baseline_at = self.situation.rules.enforce_from, self.state.baseline_at
        return (enforce_from is None or at >= enforce_from) and (baseline_at is None or at >= baseline_at)

    def is_news(self, at: datetime) -> bool:
        """True when what happened at ``at`` is neither older than ``enforce_from`` nor than this policy's loading."""
        loaded_at = self.situation.policy_since
        return self.enforces(at) and (loaded_at is None or at >= loaded_at)


def mark_reason(kind: ReasonKind, passed: Passed) -> Reason:
    """Return the crossing of a threshold as a reason."""
    mark, deadline = passed.crossing.threshold.mark, passed.reading.deadline
    return reason(
        kind,
        clock=passed.reading.clock.value,
        mark=mark,
        percent=mark.percent,
        before=None if mark.before is None else spelled(mark.before),
        deadline=None if deadline is None else deadline.isoformat(),
        late="yes" if (mark.percent or 0) >= 100 else "",
    )


def sort_crossings(
    readings: Iterable[ClockReading], said: SaidRows, now: datetime, *, owed: frozenset[str] = _NOTHING_OWED
) -> tuple[tuple[Passed, ...], Ahead | None]:
    """Return what has been passed at ``now``, earliest first, and the next crossing ahead; ``owed`` as remembered."""
    passed: list[Passed] = []
    ahead: Ahead | None = None
    for reading in readings:
        for threshold, at in reading.marks:
            if at is None:
                continue
            if at <= now:
                crossing = reading.crossing(threshold, at)
                stands = not crossing.superseded and reading.met_at is None and not _passed_over(crossing, said)
                still = _owed(crossing, owed) if owed and reading.met_at is None else NO_EFFECTS
                passed.append(Passed(reading, crossing, at, stands, still))
            elif (ahead is None or at < ahead.at) and reading.met_at is None:
                ahead = Ahead(reading, threshold, at)
    if len(passed) > 1:
        passed.sort(key=lambda each: (each.at, str(each.crossing.occasion)))
    return tuple(passed), ahead


def owed_name(effect: Effect, about: Occasion | str) -> str:
    """Return how a state remembers that an occasion asked for an effect."""
    return f"{effect} {about}"


def _owed(crossing: Crossing, owed: frozenset[str]) -> frozenset[Effect]:
    return frozenset(effect for effect in Effect if owed_name(effect, crossing.occasion) in owed)


def _passed_over(crossing: Crossing, said: SaidRows) -> bool:
    row = said.get((str(crossing.occasion), Effect.FIELDS))
    return row is not None and row.outcome in {Outcome.SUPERSEDED, Outcome.SILENCED}
