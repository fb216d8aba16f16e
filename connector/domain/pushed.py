"""Thresholds that have had their level: each moves a running path once, whatever path the ticket is on by then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from connector.domain.occasion import Occasion, Outcome, Record
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.view import View


class Push(NamedTuple):
    """A threshold that asks for a level since ``at``."""

    about: Occasion
    at: datetime
    level: int


def has_pushed(view: View, about: Occasion) -> bool:
    """Return whether a threshold has had its level."""
    row = view.situation.said.get((str(about), Effect.FIELDS))
    return row is not None and row.outcome is Outcome.DONE


def pushed(view: View, state: EscalationState, pushes: Iterable[Push]) -> tuple[Record, ...]:
    """Return rows for the thresholds that have their level with ``state``, or had it on the path before."""
    had = (push for push in pushes if not has_pushed(view, push.about) and _is_had(view, state, push))
    return tuple(Record(occasion=p.about, audience=Effect.FIELDS, outcome=Outcome.DONE, at=view.now) for p in had)


def sure_level(state: EscalationState) -> int:
    """Return the level that stays, whatever is still read: the one below a step that may be taken back."""
    return state.level if state.left_level is None else state.left_level.level


def _is_had(view: View, state: EscalationState, push: Push) -> bool:
    before = view.situation.state
    was_older = state.started_at is not None and push.at <= state.started_at
    switched = before.path is not None and before.started_at != state.started_at
    return _reaches(state, push) or (switched and was_older and _reaches(before, push, left=False))


def _reaches(state: EscalationState, push: Push, *, left: bool = True) -> bool:
    """Return whether the path stands at the level asked for; with ``left``, also if the last step is taken back."""
    if state.path is None:
        return False
    level = sure_level(state) if left else state.level
    return level >= min(push.level, state.path.levels[-1].level)
