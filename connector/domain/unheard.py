"""A step that nobody has heard of yet can be taken back: nothing was written for it, and nothing was said.

What people did may be known only after a step was decided: between two polls time runs on what the last one showed, and
the write that announces the step is refused because the ticket has changed. So a timer's step is taken back where its
level had been acknowledged in time, and a threshold's where its clock had been met or paused before the mark. What a
person let through, and what a trigger asked for, stands.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from connector.domain import occasion
from connector.domain.acknowledgement import acknowledged
from connector.domain.baseline import without_path
from connector.domain.copying import changed
from connector.domain.occasion import Outcome, SaidRows
from connector.domain.policy import SlaSource
from connector.domain.reason import ReasonKind
from connector.domain.situation import EscalationState, LevelLeft
from connector.domain.view import View

_MAY_BE_MISTAKEN = frozenset({ReasonKind.TIMER, ReasonKind.THRESHOLD})
_STANDING = tuple(field.name for field in fields(LevelLeft))


def left_by(state: EscalationState, why: ReasonKind) -> LevelLeft | None:
    """Return what it takes to go back to the present level of ``state``, where a step for ``why`` can be taken back."""
    if why not in _MAY_BE_MISTAKEN:
        return None
    return LevelLeft(**{name: getattr(state, name) for name in _STANDING})


def taken_back(view: View, state: EscalationState) -> EscalationState:
    """Return the state before the last step, if nobody has heard of it and there was no reason for it after all.

    Where the path began with that step, it has not begun. A hold, or a case that another ticket leads, keeps it.
    """
    left = None if view.holding.ticket is not None or view.leader is not None else state.left_level
    if left is None or state.entered_at is None or _is_heard(state, view.situation.said):
        return state
    if state.level_why.kind is ReasonKind.THRESHOLD:
        return _before(view, state, left) if _was_not_reached(view, state) else state
    before = _before(view, state, left)
    in_time = before.acknowledged_at is not None and before.acknowledged_at <= state.entered_at
    return before if in_time else state


def _before(view: View, state: EscalationState, left: LevelLeft) -> EscalationState:
    if not left.level:
        return without_path(state)
    back = {name: getattr(left, name) for name in _STANDING}
    return acknowledged(view, changed(state, **back, left_level=None))


def _was_not_reached(view: View, state: EscalationState) -> bool:
    """True when the clock whose mark made the step had been met or paused before it.

    Only our own clock tells, in the cycle of the step, and while what it counts against is as it was: another target or
    another policy moves marks, and a helpdesk's clock shows none once it is met or paused.
    """
    values, since = state.level_why.values, state.entered_at
    reading = next((each for each in view.readings if each.clock.value == values.get("clock")), None)
    if reading is None or since is None or reading.source is not SlaSource.OWN or reading.cycle_start >= since:
        return False
    if not _counts_as_before(view, state, since):
        return False
    marks = [at for threshold, at in reading.marks if str(threshold.mark) == values.get("mark")]
    return bool(marks) and all(at is None or at > view.now for at in marks)


def _counts_as_before(view: View, state: EscalationState, since: datetime) -> bool:
    """Return whether targets and policy are those by which the step was made."""
    moments = (state.priority_since, state.variant_since, view.situation.policy_since)
    unmoved = all(at is None or at <= since for at in moments)
    return unmoved and state.policy_hash in {"", view.policy.hash}


def _is_heard(state: EscalationState, said: SaidRows) -> bool:
    """True when the present level was written, said, or noted as what would be; only a budget leaves it unheard."""
    if state.path is None or state.entered_at is None:
        return True
    name = str(occasion.level(state.path.name, state.entered_at, state.level))
    return any(about == name and row.outcome is not Outcome.HELD for (about, _), row in said.items())
