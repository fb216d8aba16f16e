"""Retrace how a ticket came to stand as it stood at an earlier moment: decide again, from its opening on.

Of a ticket's state only the latest is stored. What it was before follows from the arguments of the decisions that made
it: the event log, our own writes and rows with their moments, and the policy in force. So they are made again, one
after another, at the moments at which something could change, and their state is carried on. What was written and said
are facts: they are taken from the rows and never decided anew, and where a retraced state does not fit them that is
said instead. Clocks of the helpdesk are not kept: by our own measure a step may fall due at another moment. It is made
when its row says that it was.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from connector.domain.baseline import rebased
from connector.domain.decide import decide
from connector.domain.decision import Decision
from connector.domain.entered import entry_of
from connector.domain.events import ABSORBED, EventKind
from connector.domain.past import InForce, Past
from connector.domain.policy import Policy, SlaSource
from connector.domain.rewind import LevelEntry, first_told, last_level, rewind
from connector.domain.site import Effect
from connector.domain.situation import EscalationState, Situation
from connector.domain.steps_made import LOST, StepsMade, path_of, untold

MOST_DECISIONS = 1500
"""Decisions that are made again at most: a second of work; what is older is not known any more."""

_IDLE = 40
"""After so many due moments in a row that changed nothing the next event is waited for: nothing goes on of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraced:
    """How a ticket stood, and in words what of it is not known any more."""

    situation: Situation
    policy: Policy
    unknown: tuple[str, ...] = ()


def retrace(past: Past, at: datetime) -> Retraced:
    """Return the situation of ``past`` as it stood at ``at``, and what of it is not known.

    Deciding on it at ``at`` gives the explanation that was given then. Facts other than impact and urgency, results of
    word lists, linked tickets and who can be reached keep their present values: no earlier ones are stored.
    """
    course = _Course(past, at)
    state, unknown = course.followed()
    found = past.policy_at(at)
    then = _standing(past, at, at, found)
    then = replace(then, state=state, said={**course.steps.passed_over(at), **then.said})
    fitting, doubts = _fitted(past, then, at, course.steps.entered)
    return Retraced(situation=fitting, policy=found.policy, unknown=(*unknown, *doubts, *_readings(past, then, found)))


def _is_unchanged(past: Past, at: datetime) -> bool:
    """True when no decision has changed the state since ``at``, nor has the ticket left shadow: it stood so then.

    What waited for the ticket's history leaves no trace once the ticket is finished.
    """
    now = past.situation
    decided_at, left_at = now.state.decided_at, now.state.baseline_at
    if decided_at is None or decided_at > at or (left_at is not None and left_at > at):
        return False
    return now.ticket.is_open or now.history.complete or not rewind(now, at, past.writes).ticket.is_open


# ---- deciding again


@dataclass
class _Course:
    """Decisions made again one after another."""

    past: Past
    at: datetime
    made: int = 0
    idle: int = 0
    given: list[datetime] = field(default_factory=list)

    def followed(self) -> tuple[EscalationState, tuple[str, ...]]:
        """Return the state that the last decision by ``at`` left behind, and what is not known of it."""
        if _is_unchanged(self.past, self.at):
            state = self.past.situation.state
            self.steps.entered |= self.steps.levels.named
        else:
            state, lost = self._decided_again()
            if lost:
                return state, (lost,)
        state, _ = self.steps.fitting(state, self.at)
        doubt = self.steps.doubts.get(entry_of(state))
        return state, () if doubt is None else (doubt,)

    def _decided_again(self) -> tuple[EscalationState, str]:
        """Return the state after all decisions by ``at``, or the one from which on they are too many to be made."""
        self.given = sorted(set(self._given()))
        state, now = EscalationState(), next(iter(self.given), None)
        while now is not None and now <= self.at:
            if self.made >= MOST_DECISIONS:
                return state, f"what happened after {now:%Y-%m-%d %H:%M} UTC: too much did to be gone through again"
            before, (_, decision) = state, self.steps.fitting(self._left_shadow(self._merged(state, now), now), now)
            state = self._as_acknowledged(decision.state, now)
            self.steps.entered.add(entry_of(state))
            self.idle = self.idle + 1 if state == before else 0
            now = self._next(now, decision)
        return state, ""

    def _as_acknowledged(self, after: EscalationState, now: datetime) -> EscalationState:
        """Return the state with what is stored of its level's acknowledgement."""
        live, entry = self.past.situation.state, entry_of(after)
        if entry is None or entry != entry_of(live) or after.acknowledged_at is not None:
            return after
        is_due = live.acknowledged_at is not None and live.acknowledged_at <= now
        known: dict[str, Any] = {"acknowledged_at": live.acknowledged_at, "acknowledged_by": live.acknowledged_by}
        return replace(after, **known) if is_due else after

    @cached_property
    def steps(self) -> StepsMade:
        """Return what holds the decisions to the steps that were made."""
        return StepsMade(self.past, self.at, decide=self._decided)

    def _given(self) -> Iterator[datetime]:
        """Yield when something happened from outside a decision: seen by the first pass from then on."""
        past, opened_at = self.past, self.past.situation.ticket.opened_at
        known_at = past.known(opened_at)
        outside = [known for _, known in past.events]
        outside += [each.since for each in past.policies[1:]] + [each.at for each in past.halts]
        outside += [each.until for each in past.ruled]
        seen = (past.seen(max(moment, known_at)) for moment in (known_at, *outside))
        yield from (moment for moment in seen if moment is not None)
        yield from (past.looked_before(moment) for moment in past.acted if moment >= opened_at)

    def _decided(self, state: EscalationState, now: datetime) -> Decision:
        self.made += 1
        found = self.past.policy_at(now)
        before = now.replace(microsecond=0) - timedelta(microseconds=1)  # helpdesks name whole seconds
        then = _standing(self.past, now, before, found)
        return decide(replace(then, state=state, said={**self.steps.passed_over(now), **then.said}), found.policy, now)

    def _merged(self, state: EscalationState, now: datetime) -> EscalationState:
        """Return the state with what it goes on with of tickets that were merged into it, where that is done by now."""
        live, events = self.past.situation.state, self.past.situation.history.events
        merged_at = (e.at for e in events if e.kind is EventKind.MERGED and e.name == ABSORBED)
        first = min(merged_at, default=None)
        if first is not None and self.past.known(first) > now:
            return state
        return replace(state, began_at=live.began_at, floor=live.floor)

    def _left_shadow(self, state: EscalationState, now: datetime) -> EscalationState:
        """Return the state as leaving shadow made it, where that had happened by now."""
        left_at = self.past.situation.state.baseline_at
        if left_at is None or left_at > now or state.baseline_at is not None:
            return state
        said = self.past.situation.said.items()
        levels = {name: row.outcome for (name, audience), row in said if audience is Effect.FIELDS and row.at < left_at}
        return rebased(state, {n: o for n, o in levels.items() if n.startswith("level:")}, at=left_at)

    def _next(self, now: datetime, decision: Decision) -> datetime | None:
        following = bisect_right(self.given, now)
        given = self.given[following] if following < len(self.given) else None
        due = decision.next_due_at if self.idle < _IDLE else None
        seen = self.past.seen(due) if due is not None else None
        return min((moment for moment in (given, seen) if moment is not None and moment > now), default=None)


def _standing(past: Past, at: datetime, acted: datetime, found: InForce) -> Situation:
    """Return the situation at ``at`` with what we had written and said by ``acted``, on the present state."""
    now = past.situation
    then = rewind(_unknown_later(past, at) if past.delay else now, at, past.writes, acted=acted)
    halt = next((each for each in reversed(past.halts) if each.at <= at), None)
    return replace(
        then,
        policy_since=None if now.policy_since is None else found.applied or found.since,
        rules=next((each.rules for each in past.ruled if at < each.until), now.rules),
        halted="" if halt is None else halt.why,
        resumed_at=None if halt is None else halt.resumed_at,
    )


def _unknown_later(past: Past, at: datetime) -> Situation:
    """Return the situation in which events that were not known at ``at`` happen after it."""
    history, later = past.situation.history, at + timedelta(microseconds=1)
    pairs = zip(history.events, past.events, strict=True)
    events = tuple(e if since <= at else replace(e, at=max(e.at, later)) for e, (_, since) in pairs)
    return replace(past.situation, history=replace(history, events=events))


# ---- what does not fit


def _fitted(
    past: Past, then: Situation, at: datetime, entered: set[LevelEntry | None]
) -> tuple[Situation, tuple[str, ...]]:
    """Return the situation with the level that the rows tell of, where retracing never came by it."""
    told = last_level(past.situation.said, at)
    if told in entered or told is None:
        return then, ()
    path = path_of(past, told, at)
    if path is None:
        return then, (f"path {told.path}, whose level {told.number} was entered: no policy that is kept has it",)
    state = replace(
        then.state,
        path=path,
        path_reason=LOST,
        started_at=then.state.started_at or told.entered_at,
        level=told.number,
        entered_at=told.entered_at,
        timer_from=told.entered_at,
        stepped_at=first_told(past.situation.said, told),
        acknowledged_at=None,
        acknowledged_by=None,
        level_reason="",
    )
    return replace(then, state=state), (untold(told),)


def _readings(past: Past, then: Situation, found: InForce) -> Iterator[str]:
    """Yield that readings of the helpdesk's own clock are missing, of which only the latest is kept."""
    lost = len(then.ticket.native) < len(past.situation.ticket.native)
    if lost and found.policy.sla.source is SlaSource.HELPDESK:
        yield "what the helpdesk's own clocks said: deadlines are by our own measure"
