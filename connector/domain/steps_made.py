"""The steps that were made, and those that were not: what holds a decision that is made again to the rows.

Clocks of the helpdesk are not kept, nor is who is a member of a level's target. So a step may fall due at another
moment than it did then, or where it never did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from connector.domain.baseline import PATH_FIELDS
from connector.domain.decision import Decision
from connector.domain.entered import Entered, Why, entry_of
from connector.domain.occasion import Outcome, Said
from connector.domain.past import Past
from connector.domain.policy import Path
from connector.domain.reason import ReasonKind
from connector.domain.rewind import LevelEntry
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.timer import present_level, timer_calendar

LOST = "the reason is not known any more"

_TRIES = 4
"""Steps that one decision asks for and that were not made, at most: several thresholds, and a timer."""

_AFRESH = EscalationState()
_NEVER = datetime.max.replace(tzinfo=UTC)


def untold(entry: LevelEntry) -> str:
    """Return in words that nothing stored tells the reason for a level."""
    return f"why level {entry.number} of path {entry.path} was entered, and when its timer ends"


@dataclass
class StepsMade:
    """Decisions held to the steps that were made.

    Attributes:
        past: What is stored.
        at: The moment that is asked about.
        decide: Decides on a state at a moment.
        entered: The levels that the decisions have come by.
        doubts: What is not known of a level.
        early: Thresholds that our own measure passes before the helpdesk's did, each with the pass that found it.
    """

    past: Past
    at: datetime
    decide: Callable[[EscalationState, datetime], Decision]
    entered: set[LevelEntry | None] = field(default_factory=lambda: {None})
    doubts: dict[LevelEntry | None, str] = field(default_factory=dict)
    early: dict[str, datetime] = field(default_factory=dict)

    @cached_property
    def levels(self) -> Entered:
        """Return what is stored of the levels that were entered."""
        return Entered(self.past, self.at)

    def passed_over(self, now: datetime) -> dict[tuple[str, Effect], Said]:
        """Return rows of thresholds that had not been passed at a moment, as what was written later tells."""
        over = Said(outcome=Outcome.SUPERSEDED, at=now)
        return {(name, Effect.FIELDS): over for name, until in self.early.items() if now < until}

    def fitting(self, state: EscalationState, now: datetime) -> tuple[EscalationState, Decision]:
        """Return the decision of a moment and the state that it is made on, so that it makes no step that was not made.

        The step that was made is taken from its row.
        """
        decision, told = self.decide(state, now), self.levels.by(now)
        if told not in self.entered and told != entry_of(decision.state):
            state = self._taken_over(state, told, now)
            decision = self.decide(state, now)
        for _ in range(_TRIES):
            fitting = self._unmade(state, decision, now)
            if fitting is None:
                break
            state, decision = fitting, self.decide(fitting, now)
        return state, decision

    def _taken_over(self, state: EscalationState, told: LevelEntry | None, now: datetime) -> EscalationState:
        """Return the state on the level of which a row tells, with the reason that is stored."""
        path = None if told is None else path_of(self.past, told, now)
        if told is None or path is None:
            return state
        self.entered.add(told)
        why, live = self.levels.why(told) or Why(None, ""), self.past.situation.state
        if not why.words:
            self.doubts[told] = untold(told)
        begun = {"path": path, "path_reason": why.words or LOST, "started_at": told.entered_at}
        of = live if _is_of_run(live, told) else state
        if of.path is not None and of.path.name == told.path:
            begun = {name: getattr(of, name) for name in begun}
        stands = {"level": told.number, "entered_at": told.entered_at, "timer_from": now, "stepped_at": now}
        tells = {"level_reason": why.words, "level_why": why.kind, "skipped": why.skipped}
        anew: dict[str, Any] = {name: getattr(_AFRESH, name) for name in PATH_FIELDS} | begun | stands | tells
        return replace(state, **anew)

    def _unmade(self, state: EscalationState, decision: Decision, now: datetime) -> EscalationState | None:
        """Return the state with which a step that was not made is not made; ``None`` where nothing speaks against it.

        Without any rows, as of a ticket whose state was lost, nothing does.
        """
        stood, entry = entry_of(state), entry_of(decision.state)
        if entry == stood or not self.levels.named or entry in self.levels.named:
            return None
        kind, following = decision.state.level_why.kind, self.levels.after(now)
        if kind is ReasonKind.TIMER and stood in self.levels.named:
            return self._not_yet(state, decision, following, now)
        if kind is not ReasonKind.THRESHOLD or not self._stays(state, following):
            return None
        name = _asked_by(decision)
        if not name or name in self.early:
            return None
        self.early[name] = _NEVER if following is None else self.levels.passes[following]
        return state

    def _stays(self, state: EscalationState, following: LevelEntry | None) -> bool:
        """Return whether the ticket stayed on the level of ``state`` until it entered the following one, or stays."""
        if following is None:
            return entry_of(state) == entry_of(self.past.situation.state)
        why = self.levels.why(following)
        return why is not None and why.left == state.level

    def _not_yet(
        self, state: EscalationState, decision: Decision, following: LevelEntry | None, now: datetime
    ) -> EscalationState:
        """Return the state in which the level's timer has not ended: it did later, or somebody had acknowledged.

        Who is a member of a level's target is not stored, so an acknowledgement by a comment is not found again. It
        shows in a timer's step that was never written, unless the next level that was entered says that nobody had.
        """
        why = None if following is None else self.levels.why(following)
        stood, live = entry_of(state), self.past.situation.state
        if following is None and stood == entry_of(live):  # nobody has, or later
            self.doubts[stood] = f"when the timer of level {state.level} ends"
            return replace(state, timer_from=now)
        if following is None or (why is not None and not why.is_timer_of(state.level)):
            self.doubts[stood] = f"who acknowledged level {state.level}, and when"
            return replace(state, acknowledged_at=now, acknowledged_by="somebody (not known any more)")
        if why is None:
            self.doubts[stood] = f"whether level {state.level} was acknowledged"
        level, policy = present_level(state), self.past.policy_at(now).policy
        within = timedelta() if level is None or level.within is None else level.within
        calendar = timer_calendar(policy, decision.clocks, decision.severity)
        ended_at = following.entered_at
        began_at = ended_at - within if calendar is None else calendar.subtract(ended_at, within)
        return replace(state, timer_from=now if state.timer_from and began_at <= state.timer_from else began_at)


def _asked_by(decision: Decision) -> str:
    """Return the name of the threshold that asked for the level of a decision, empty where it is not found."""
    asked = decision.state.level_why.values
    crossings = (c for each in decision.clocks if each.clock.value == asked.get("clock") for c in each.crossings)
    return next((str(c.occasion) for c in crossings if str(c.threshold.mark) == asked.get("mark")), "")


def _is_of_run(live: EscalationState, told: LevelEntry) -> bool:
    """True when a level belongs to the run of its path that the ticket is on now."""
    if live.path is None or live.path.name != told.path or live.started_at is None:
        return False
    return live.started_at.replace(microsecond=0) <= told.entered_at


def path_of(past: Past, told: LevelEntry, at: datetime) -> Path | None:
    """Return the path of a level that was entered, where a policy that is kept has it."""
    live = past.situation.state.path
    if live is not None and live.name == told.path:
        return live
    return past.policy_at(at).policy.escalation.paths.get(told.path)
