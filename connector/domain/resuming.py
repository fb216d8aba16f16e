"""Going on after a reopening or a pause: a fresh interval at the present level, which somebody has to acknowledge anew.

A requester's reopening counts once it is no mere "thanks"; until then the path neither starts nor moves. What
acknowledged the level before a reopening was said of work that was thought to be done. After an answer to a pause only
the agent who is assigned is presumed to be at it still.
"""

from __future__ import annotations

from datetime import datetime

from connector.domain.baseline import without_path
from connector.domain.copying import changed
from connector.domain.ownership import latest
from connector.domain.situation import EscalationState
from connector.domain.ticket import ClockName
from connector.domain.view import View


def counts_from(view: View) -> datetime | None:
    """Return since when the last reopening counts, ``None`` while it does not or where there was none.

    Something that rises after it shows that it is none to be ignored.
    """
    acts, rose_at = view.acts, view.holding.rose_at
    if acts.reopened_at is None or acts.settles_at is None:
        return acts.counted_at
    return rose_at if rose_at is not None and rose_at >= acts.reopened_at else None


def reopened_at(view: View) -> datetime | None:
    """Return the last reopening, if it counts."""
    return view.acts.reopened_at if counts_from(view) is not None else None


def is_settling(view: View) -> bool:
    """True while a requester's reopening may be a mere "thanks"."""
    return view.acts.settles_at is not None and counts_from(view) is None


def resumed(view: View, state: EscalationState) -> EscalationState:
    """Return the state with a timer that starts afresh after a reopening or an answered pause, once for each."""
    reopening = reopened_at(view)
    ended_at = latest(reopening, view.acts.answered_at)
    if state.path is None or ended_at is None:
        return state
    is_new = state.timer_from is None or state.timer_from < ended_at
    if is_new:
        state = changed(state, timer_from=latest(counts_from(view), view.acts.answered_at))
    return _unacknowledged(state, ended_at if is_new else reopening)


def _unacknowledged(state: EscalationState, before: datetime | None) -> EscalationState:
    """Return the state without an acknowledgement that is older than ``before``."""
    if before is None or state.acknowledged_at is None or state.acknowledged_at >= before:
        return state
    return changed(state, acknowledged_at=None, acknowledged_by=None)


def without_old_cycle(view: View) -> EscalationState:
    """Return the state without a path that belongs to a cycle before the last reopening."""
    state, begun_at = view.state, reopened_cycle(view)
    if state.path is None or state.started_at is None or begun_at is None or begun_at <= state.started_at:
        return state
    return without_path(state)


def reopened_cycle(view: View) -> datetime | None:
    """Return the start of the present cycle where a reopening began it."""
    reading = view.clock(ClockName.RESOLUTION)
    reopened_at = view.acts.reopened_at
    if reading is None or reopened_at is None or reading.cycle_start < reopened_at:
        return None
    return reading.cycle_start
