"""Regular updates: which cadence is in force on a ticket, from when it counts, and when the next one falls due."""

from __future__ import annotations

from datetime import datetime

from connector.domain.ownership import latest
from connector.domain.policy import Cadence
from connector.domain.ticket import ClockName, Status
from connector.domain.view import View


def next_update_at(view: View) -> datetime | None:
    """Return when the next regular update falls due."""
    cadence, base = cadence_of(view)
    if cadence is None or base is None:
        return None
    return base + ((view.now - base) // cadence.every + 1) * cadence.every


def cadence_of(view: View) -> tuple[Cadence | None, datetime | None]:
    """Return the cadence in force and the moment that it counts from; a pause starts it afresh."""
    cadence = view.policy.cadence.get(view.priority) if view.priority is not None else None
    if cadence is None or view.paused or view.holding.ticket is not None or _over(view, cadence):
        return None, None
    reading = view.clock(ClockName.RESOLUTION)
    base = latest(
        view.situation.ticket.opened_at,
        reading.cycle_start if reading is not None else None,
        view.state.priority_since,
        view.acts.resumed_at,
        view.holding.freed_at,
    )
    return cadence, base


_RANK = {Status.NEW: 0, Status.OPEN: 1, Status.ON_HOLD: 1, Status.WAITING_OUTSIDE: 2, Status.WAITING_CUSTOMER: 2}


def _over(view: View, cadence: Cadence) -> bool:
    rank = _RANK.get(view.situation.ticket.status, 3)
    return rank >= _RANK.get(cadence.until, 3)
