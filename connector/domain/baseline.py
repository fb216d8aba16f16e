"""Leaving shadow: the path goes on from what really stands in the helpdesk, not from the level that shadow reached."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime

from connector.domain.occasion import Outcome
from connector.domain.situation import EscalationState

_AFRESH = EscalationState()
PATH_FIELDS = (
    *("path", "path_reason", "started_at", "level", "entered_at", "timer_from", "stepped_at", "repeats"),
    *("acknowledged_at", "acknowledged_by", "level_reason", "level_why", "skipped", "refreshed", "left_level"),
)
"""What a state says about its path."""


def without_path(state: EscalationState) -> EscalationState:
    """Return the state as if no path had ever started."""
    return dataclasses.replace(state, **{name: getattr(_AFRESH, name) for name in PATH_FIELDS})


def rebased(state: EscalationState, levels: Mapping[str, Outcome], *, at: datetime) -> EscalationState:
    """Return the state with which a ticket leaves shadow at ``at``; what began before stays unsaid.

    ``levels`` are the names of its level occasions with what became of them in the helpdesk's fields. The last level
    that was really written is the present one, else the path's first: nobody has heard of those above. It has a fresh
    interval, and whoever took the ticket over since the path started has acknowledged it.
    """
    if state.path is None or state.started_at is None:
        return state
    written = [name for name, outcome in levels.items() if outcome is Outcome.DONE]
    first = state.started_at, state.path.levels[0].level
    entered_at, number = max((found for name in written if (found := _level(name, state)) is not None), default=first)
    kept = dataclasses.replace(state, level=number, entered_at=entered_at, timer_from=at, stepped_at=at, repeats=0)
    return dataclasses.replace(
        kept, acknowledged_at=None, acknowledged_by=None, refreshed=False, left_level=None, baseline_at=at
    )


def _level(name: str, state: EscalationState) -> tuple[datetime, int] | None:
    """Return when which level of the state's path was entered, from its occasion's name."""
    kind, _, rest = name.partition(":")
    path, entered_at, number = rest.rsplit(":", 2)
    if kind != "level" or state.path is None or path != state.path.name:
        return None
    return datetime.strptime(entered_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC), int(number)
