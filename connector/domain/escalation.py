"""Walking a path: how it starts, what moves it, and that it never moves faster than people can follow.

One pass makes at most one step, and one step at most per ``min_step``. A timer and a threshold that fall due together
make the higher of their two steps, never their sum. The path's levels are those of the moment when it started;
everything else is current.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from connector.domain.acknowledgement import acknowledged, needs_history
from connector.domain.approvals import approved_at
from connector.domain.baseline import without_path
from connector.domain.copying import changed
from connector.domain.decision import PathVerdict
from connector.domain.falsealarm import answered, false_alarm
from connector.domain.occasion import Occasion, Record
from connector.domain.ownership import has_new_trigger, latest
from connector.domain.policy import Path, StartWhen
from connector.domain.pushed import Push, has_pushed, pushed
from connector.domain.reaching import land, missing_targets, nobody_reachable
from connector.domain.reason import Reason, ReasonKind, reason
from connector.domain.resuming import is_settling, reopened_cycle, resumed, without_old_cycle
from connector.domain.routing import choose_path
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.timer import is_late, next_level, present_level, timer_due_at
from connector.domain.unheard import left_by, taken_back
from connector.domain.view import View, mark_reason

__all__ = ["Escalated", "escalate", "needs_history"]


HALTED_LOOK = timedelta(minutes=5)
"""Tickets of a site that may not be written, or that follow a problem, are looked at this often: they go on soon."""


class Escalated(NamedTuple):
    """Where the path stands after this pass.

    Attributes:
        state: With everything about the path in it.
        wakes: Future moments at which the path may move by itself.
        unread: A route's condition needs the ticket's text.
        alarms: Nobody can be reached, or a target does not exist.
        records: Rows of thresholds that have had their level: each asks for it once.
    """

    state: EscalationState
    verdict: PathVerdict
    wakes: tuple[datetime, ...] = ()
    unread: bool = False
    alarms: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()


class _Cause(NamedTuple):
    """Why something moves, and the moment that did it; for a threshold also which one."""

    why: Reason
    at: datetime
    level: int = 0
    about: Occasion | None = None


def escalate(view: View) -> Escalated:
    """Return the path's next state at ``view.now``; deciding again on that state changes nothing.

    A level is entered at the instant of its cause, so what people did since then may acknowledge it at once.
    """
    state = taken_back(view, _without_false_alarm(view, without_old_cycle(view)))
    if state.path is None:
        started, why, unread = _started(view, state)
        if started is None:
            wakes = (view.now + HALTED_LOOK,) if view.leader is not None else ()
            return Escalated(state=state, verdict=PathVerdict(path=None, why=why), wakes=wakes, unread=unread)
        return _told(view, acknowledged(view, started), unread=unread)
    if view.holding.ticket is None and view.leader is None:
        state = _switched(view, state)
    state = resumed(view, state)
    return _told(view, acknowledged(view, _stepped(view, acknowledged(view, state))))


# ---- starting


def _without_false_alarm(view: View, state: EscalationState) -> EscalationState:
    """Return the state without a path whose trigger was dismissed or taken back.

    What else asks for a path starts it at once. Where that is the same path, it goes on at its level.
    """
    trigger = false_alarm(view, state)
    if not trigger:
        return state
    ended = without_path(state)
    anew, _, _ = _started(view, ended)
    if anew is None or anew.path is None or state.path is None:
        return ended
    return answered(view, state if anew.path.name == state.path.name else anew, trigger)


def _started(view: View, state: EscalationState) -> tuple[EscalationState | None, str, bool]:
    """Return the state on the first level, or ``None`` with the reason why the path has not started."""
    cause, why = _start_cause(view)
    if cause is None:
        return None, why, False
    choice = choose_path(view.situation, view.policy, triggers=view.triggers)
    if choice.path is None:
        return None, choice.why, choice.unread
    return _on_path(view, state, choice.path, cause=cause, chosen=choice.why), choice.why, choice.unread


def _on_path(view: View, state: EscalationState, path: Path, *, cause: _Cause, chosen: str) -> EscalationState:
    begun = changed(state, path=path, path_reason=f"{cause.why} ({chosen})", started_at=cause.at, level=0)
    first = path.levels[0].level
    push = max(_pushes(view), key=lambda push: push.level, default=None)
    if push is None or min(push.level, path.levels[-1].level) <= first:
        return _entered(view, begun, first, cause)
    return _entered(view, begun, push.level, cause._replace(why=push.why))


def _start_cause(view: View) -> tuple[_Cause | None, str]:
    if view.holding.ticket is not None:
        return None, f"held: {view.holding.ticket.by}"
    if view.leader is not None:
        return None, f"follows {view.leader.key}"
    if is_settling(view):
        return None, "reopened by the requester: that counts if the ticket is still open after a while"
    starts_itself = view.priority is not None and view.policy.escalation.start.get(view.priority) is _AT_ONCE
    if not starts_itself and not view.passed and not view.triggers.hits:
        return None, "waits for a threshold"
    causes = tuple(_start_causes(view))
    in_force = next((cause for cause in causes if view.enforces(cause.at)), None)
    if in_force is not None:
        return in_force, ""
    if causes:
        return None, f"{causes[0].why}, but before enforce_from or in shadow: only what comes later starts a path"
    return None, "waits for a threshold"


_AT_ONCE = StartWhen.AT_ONCE


def _start_causes(view: View) -> Iterator[_Cause]:
    state, begun_at = view.state, reopened_cycle(view)
    priority = view.priority
    starts = view.policy.escalation.start.get(priority, StartWhen.THRESHOLD) if priority else StartWhen.THRESHOLD
    if view.triggers.path is not None:
        at = latest(view.holding.rose_at, begun_at) or view.situation.ticket.opened_at
        yield _Cause(reason(ReasonKind.TRIGGER, trigger=view.triggers.path.name), at)
    if starts is StartWhen.AT_ONCE and state.priority_since is not None:
        at = latest(state.priority_since, begun_at) or state.priority_since
        yield _Cause(reason(ReasonKind.AT_ONCE, priority=priority), at)
    yield from _pushes(view)


def _pushes(view: View) -> Iterator[_Cause]:
    """Yield the thresholds that ask for a level now, earliest first."""
    for passed in view.passed:
        number = passed.crossing.threshold.escalate_to
        if number is None or not passed.asks(Effect.FIELDS) or not view.enforces(passed.at):
            continue
        about = passed.crossing.occasion
        if passed.crossing.threshold.approval is None:
            yield _Cause(mark_reason(ReasonKind.THRESHOLD, passed), passed.at, number, about)
        elif (let_through_at := approved_at(view, passed)) is not None:
            yield _Cause(mark_reason(ReasonKind.APPROVED, passed), let_through_at, number, about)


def _switched(view: View, state: EscalationState) -> EscalationState:
    """Return the state on another path, where a trigger that names one hits for the first time.

    An edited policy moves no running path by itself.
    """
    trigger, before = view.triggers.path, view.situation.state
    if trigger is None or state.path is None or trigger.path in {None, state.path.name}:
        return state
    path = view.policy.escalation.paths.get(trigger.path or "")
    is_new = trigger.name not in before.active_triggers and has_new_trigger(view.situation, view.policy, view.triggers)
    if path is None or not is_new:
        return state
    at = view.holding.rose_at or view.now
    began = changed(state, path=path, path_reason=f"trigger {trigger.name}", started_at=at, level=0)
    return _entered(view, began, path.levels[0].level, _Cause(reason(ReasonKind.TRIGGER, trigger=trigger.name), at))


# ---- moving


def _entered(view: View, state: EscalationState, number: int, cause: _Cause) -> EscalationState:
    """Return the state on level ``number`` or the next one that can be reached, with a timer that starts now."""
    path = state.path
    if path is None:
        return state
    wanted = min(number, path.levels[-1].level)
    landing = land(path, wanted, situation=view.situation, policy=view.policy, now=view.now)
    over = [level.level for level in path.levels if wanted <= level.level < landing.level.level]
    why = cause.why.passing_over(over, landing.skipped)
    return changed(
        state,
        level=landing.level.level,
        level_reason=str(why),
        level_why=why,
        skipped=landing.skipped,
        entered_at=latest(cause.at, state.entered_at if state.level else None),
        timer_from=view.now,
        stepped_at=view.now,
        repeats=0,
        acknowledged_at=None,
        acknowledged_by=None,
        refreshed=False,
        left_level=left_by(state, cause.why.kind),
    )


def _stepped(view: View, state: EscalationState) -> EscalationState:
    """Return the state after the one step that timer and thresholds ask for, if any; unheard steps are not made."""
    if view.holding.ticket is not None or view.situation.halted or view.leader is not None or is_settling(view):
        return state
    timed, state = _timed(view, state)
    step = _step_wanted(view, state, timed)
    if step is None or _too_soon(view, state) is not None:
        return state
    return _entered(view, state, step.level, step)


def _timed(view: View, state: EscalationState) -> tuple[_Cause | None, EscalationState]:
    """Return the step that the timer asks for; a repeat or a fresh interval is no step and is in the state."""
    due_at = timer_due_at(view, state)
    level = present_level(state)
    if due_at is None or due_at > view.now or level is None or state.path is None:
        return None, state
    if is_late(state, due_at, view.now):
        return None, changed(state, timer_from=view.now, refreshed=True)
    if state.repeats < level.repeat:
        return None, changed(state, timer_from=view.now, repeats=state.repeats + 1)
    following = next_level(state.path, level.level)
    why = reason(ReasonKind.TIMER, left=level.level)
    return (_Cause(why, due_at, following.level) if following else None), state


def _step_wanted(view: View, state: EscalationState, timed: _Cause | None) -> _Cause | None:
    """Return the higher of what timer and thresholds ask for, where it is above the present level.

    A threshold that has had its level does not ask for it once more.
    """
    last = state.path.levels[-1].level if state.path else 0
    fresh = (push for push in _pushes(view) if push.about is None or not has_pushed(view, push.about))
    asked = [cause for cause in (timed, *fresh) if cause is not None and min(cause.level, last) > state.level]
    return max(asked, key=lambda cause: min(cause.level, last), default=None)


def _too_soon(view: View, state: EscalationState) -> datetime | None:
    """Return until when ``min_step`` keeps the ticket on its level, ``None`` when it may move."""
    if state.stepped_at is None:
        return None
    free_at = state.stepped_at + view.policy.escalation.min_step
    return free_at if free_at > view.now else None


# ---- telling


def _told(view: View, state: EscalationState, *, unread: bool = False) -> Escalated:
    due_at, deferred = timer_due_at(view, state), _deferred(view, state)
    waits = view.situation.halted or view.leader is not None
    steps = () if waits or view.holding.ticket is not None else (due_at, deferred)
    verdict = PathVerdict(
        path=state.path.name if state.path else None,
        level=state.level,
        why=state.path_reason,
        entered_at=state.entered_at,
        stepped_at=state.stepped_at,
        timer_due_at=min((at for at in steps if at is not None and at > view.now), default=None),
        acknowledged=state.acknowledged_by or "",
        skipped=state.skipped,
    )
    moments = due_at, deferred, view.now + HALTED_LOOK if waits else None
    wakes = tuple(moment for moment in moments if moment is not None and moment > view.now)
    asked = (Push(push.about, push.at, push.level) for push in _pushes(view) if push.about is not None)
    return Escalated(state, verdict, wakes, unread, _alarms(view, state), records=pushed(view, state, asked))


def _deferred(view: View, state: EscalationState) -> datetime | None:
    """Return when a step that ``min_step`` holds back may be made."""
    timed, _ = _timed(view, state)
    return _too_soon(view, state) if _step_wanted(view, state, timed) is not None else None


def _alarms(view: View, state: EscalationState) -> tuple[str, ...]:
    path = state.path
    if path is None or state.acknowledged_at is not None or view.leader is not None:
        return ()
    absent = missing_targets(path, view.situation)
    nobody = nobody_reachable(path, state.level, situation=view.situation, policy=view.policy, now=view.now)
    told = (f"nobody can be reached on path {path.name} from level {state.level}: {nobody}",) if nobody else ()
    return (*told, *absent)
