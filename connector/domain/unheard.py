"""A timer's step that nobody has heard of yet can be taken back: nothing was written for it, and nothing was said.

A step that a threshold asked for cannot: nothing that people do keeps it from being made.
"""

from __future__ import annotations

from dataclasses import fields

from connector.domain import occasion
from connector.domain.acknowledgement import acknowledged
from connector.domain.copying import changed
from connector.domain.occasion import Outcome, SaidRows
from connector.domain.reason import ReasonKind
from connector.domain.situation import EscalationState, LevelLeft
from connector.domain.view import View

_STANDING = tuple(field.name for field in fields(LevelLeft))


def left_by(state: EscalationState, why: ReasonKind) -> LevelLeft | None:
    """Return what it takes to go back to the present level of ``state``, where a step for ``why`` can be taken back."""
    if why is not ReasonKind.TIMER:
        return None
    return LevelLeft(**{name: getattr(state, name) for name in _STANDING})


def taken_back(view: View, state: EscalationState) -> EscalationState:
    """Return the state before the timer's last step, if nobody has heard of it and the level was acknowledged in time.

    What people did may be known only after a step was decided: between two polls the timer runs on what the last one
    showed, and the write that announces the step is refused because the ticket has changed.
    """
    left = state.left_level
    if left is None or state.entered_at is None or _is_heard(state, view.situation.said):
        return state
    back = {name: getattr(left, name) for name in _STANDING}
    before = acknowledged(view, changed(state, **back, acknowledged_at=None, acknowledged_by=None, left_level=None))
    in_time = before.acknowledged_at is not None and before.acknowledged_at <= state.entered_at
    return before if in_time else state


def _is_heard(state: EscalationState, said: SaidRows) -> bool:
    """True when the present level was written, said, or noted as what would be; only a budget leaves it unheard."""
    if state.path is None or state.entered_at is None:
        return True
    name = str(occasion.level(state.path.name, state.entered_at, state.level))
    return any(about == name and row.outcome is not Outcome.HELD for (about, _), row in said.items())
