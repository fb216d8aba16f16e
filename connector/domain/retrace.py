"""Retrace how a ticket came to stand as it stood at an earlier moment: decide again, from its opening on.

Of a ticket's state only the latest is stored. What it was before follows from the arguments of the decisions that made
it: the event log, our own writes and rows with their moments, and the policy in force. So they are made again, one
after another, at the moments at which something could change, and their state is carried on. What was written and said
are facts: they are taken from the rows and never decided anew, and where a retraced state does not fit them that is
said instead.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from connector.domain.baseline import PATH_FIELDS, rebased
from connector.domain.decide import decide
from connector.domain.decision import Decision
from connector.domain.past import InForce, Past
from connector.domain.policy import Path, Policy, SlaSource
from connector.domain.reason import ReasonKind
from connector.domain.rewind import LevelEntry, first_told, last_level, level_entries, rewind
from connector.domain.site import Effect
from connector.domain.situation import EscalationState, Situation

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
    then = replace(_standing(past, at, at, found), state=state)
    fitting, doubts = _fitted(past, then, at, course.entered)
    return Retraced(situation=fitting, policy=found.policy, unknown=(*unknown, *doubts, *_readings(past, then, found)))


# ---- deciding again


@dataclass
class _Course:
    """Decisions made again one after another."""

    past: Past
    at: datetime
    made: int = 0
    idle: int = 0
    given: list[datetime] = field(default_factory=list)
    entered: set[LevelEntry | None] = field(default_factory=lambda: {None})
    doubts: dict[LevelEntry | None, str] = field(default_factory=dict)

    def followed(self) -> tuple[EscalationState, tuple[str, ...]]:
        """Return the state that the last decision by ``at`` left behind, and what is not known of it."""
        self.given = sorted(set(self._given()))
        live = self.past.situation.state
        state = EscalationState(began_at=live.began_at, floor=live.floor)
        now = next(iter(self.given), None)
        while now is not None and now <= self.at:
            if self.made >= MOST_DECISIONS:
                return state, (f"what happened after {now:%Y-%m-%d %H:%M} UTC: too much did to be gone through again",)
            decision = self._decided(self._left_shadow(state, now), now)
            before, state = state, self._as_acknowledged(state, decision.state, now)
            self.entered.add(_entry(state))
            self.idle = self.idle + 1 if state == before else 0
            now = self._next(now, decision)
        doubt = self.doubts.get(_entry(state))
        return state, () if doubt is None else (doubt,)

    def _as_acknowledged(self, before: EscalationState, after: EscalationState, now: datetime) -> EscalationState:
        """Return the state with what is stored of its level's acknowledgement.

        Who is a member of a level's target is not stored, so one by a comment is not found again. Of an earlier level
        it shows in a timer's step that was never written: somebody had acknowledged it.
        """
        live, entry = self.past.situation.state, _entry(after)
        if entry is not None and entry == _entry(live) and after.acknowledged_at is None:
            known_at = live.acknowledged_at
            by = live.acknowledged_by
            is_due = known_at is not None and known_at <= now
            return replace(after, acknowledged_at=known_at, acknowledged_by=by) if is_due else after
        is_step = entry != _entry(before) and after.level_why.kind is ReasonKind.TIMER
        if not is_step or not self._levels or entry in self._levels or _entry(before) not in self._levels:
            return after
        kept = {name: getattr(before, name) for name in PATH_FIELDS}
        self.doubts[_entry(before)] = f"who acknowledged level {before.level}, and when"
        return replace(after, **kept | {"acknowledged_at": now, "acknowledged_by": "somebody (not known any more)"})

    @cached_property
    def _levels(self) -> frozenset[LevelEntry]:
        return frozenset(level_entries(name for name, _ in self.past.situation.said))

    def _given(self) -> Iterator[datetime]:
        """Yield when something happened from outside a decision: seen by the first pass from then on."""
        past, opened_at = self.past, self.past.situation.ticket.opened_at
        outside = [known for _, known in past.events]
        outside += [each.since for each in past.policies[1:]] + [each.at for each in past.halts]
        outside += [each.until for each in past.ruled]
        seen = (past.seen(max(moment, opened_at)) for moment in (opened_at, *outside))
        yield from (moment for moment in seen if moment is not None)
        yield from (past.looked_before(moment) for moment in past.acted if moment >= opened_at)

    def _decided(self, state: EscalationState, now: datetime) -> Decision:
        self.made += 1
        found = self.past.policy_at(now)
        before = now.replace(microsecond=0) - timedelta(microseconds=1)  # helpdesks name whole seconds
        return decide(replace(_standing(self.past, now, before, found), state=state), found.policy, now)

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
    path = _path(past, told, at)
    if path is None:
        return then, (f"path {told.path}, whose level {told.number} was entered: no policy that is kept has it",)
    state = replace(
        then.state,
        path=path,
        path_reason="the reason is not known any more",
        started_at=then.state.started_at or told.entered_at,
        level=told.number,
        entered_at=told.entered_at,
        timer_from=told.entered_at,
        stepped_at=first_told(past.situation.said, told),
        acknowledged_at=None,
        acknowledged_by=None,
        level_reason="",
    )
    why = f"why level {told.number} of path {told.path} was entered, and when its timer ends"
    return replace(then, state=state), (why,)


def _entry(state: EscalationState) -> LevelEntry | None:
    if state.path is None or state.entered_at is None:
        return None
    return LevelEntry(state.path.name, state.level, state.entered_at.replace(microsecond=0))


def _path(past: Past, told: LevelEntry, at: datetime) -> Path | None:
    live = past.situation.state.path
    if live is not None and live.name == told.path:
        return live
    return past.policy_at(at).policy.escalation.paths.get(told.path)


def _readings(past: Past, then: Situation, found: InForce) -> Iterator[str]:
    """Yield that readings of the helpdesk's own clock are missing, of which only the latest is kept."""
    lost = len(then.ticket.native) < len(past.situation.ticket.native)
    if lost and found.policy.sla.source is SlaSource.HELPDESK:
        yield "what the helpdesk's own clocks said: deadlines are by our own measure"
