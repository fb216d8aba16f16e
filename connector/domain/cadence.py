"""Regular updates: which cadence is in force on a ticket, from when it counts, and when the next one falls due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connector.domain.occasion import Outcome, update_of
from connector.domain.ownership import latest
from connector.domain.policy import Cadence
from connector.domain.site import Effect
from connector.domain.ticket import ClockName, Status
from connector.domain.view import View


def next_update_at(view: View) -> datetime | None:
    """Return when the next regular update falls due."""
    cadence, base = cadence_of(view)
    if cadence is None or base is None:
        return None
    return base + ((view.now - base) // cadence.every + 1) * cadence.every


def cadence_of(view: View) -> tuple[Cadence | None, datetime | None]:
    """Return the cadence in force and the moment that it counts from; a pause starts it afresh.

    That a pause ended may be known only after the next update was said: it then counts from that update, so that two
    are never nearer to one another than the cadence says.
    """
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
    return cadence, base if base is None else _after_the_last(view, cadence, base.replace(microsecond=0))


def _after_the_last(view: View, cadence: Cadence, base: datetime) -> datetime:
    """Return ``base``, or the moment of the last update said since, where that one counted from another."""
    last = max(_said(view, cadence), default=base)
    return last if last > base and (last - base) % cadence.every else base


def _said(view: View, cadence: Cadence) -> Iterator[datetime]:
    audience = Effect.PUBLIC if cadence.public else Effect.NOTES
    for (name, of), row in view.situation.said.items():
        would = row.outcome is Outcome.WOULD_DO and not view.allows(audience)
        if of is audience and (would or row.outcome in {Outcome.DONE, Outcome.PARKED}):
            told = update_of(name)
            if told is not None:
                yield told[0] + told[1] * cadence.every


_RANK = {Status.NEW: 0, Status.OPEN: 1, Status.ON_HOLD: 1, Status.WAITING_OUTSIDE: 2, Status.WAITING_CUSTOMER: 2}


def _over(view: View, cadence: Cadence) -> bool:
    rank = _RANK.get(view.situation.ticket.status, 3)
    return rank >= _RANK.get(cadence.until, 3)
