"""A level's timer: from when it counts, on whose calendar, and when it falls due.

It counts on the calendar of the ticket's SLA target, for P1 around the clock; a level's own calendar only says who can
be reached. Waiting for the customer, an acknowledgement and a hold stop it, and so does a site that may not be written:
nobody would hear of the step. Afterwards it starts afresh. While a ticket follows a problem its timer stands still too,
and while a reopening may be a mere "thanks".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from connector.domain.calendar import Calendar
from connector.domain.clocks import ClockReading
from connector.domain.ownership import latest
from connector.domain.policy import Level, Path, Policy
from connector.domain.resuming import is_settling
from connector.domain.situation import EscalationState
from connector.domain.ticket import ClockName, Priority
from connector.domain.view import View

_OUTAGE = timedelta(hours=1)


def present_level(state: EscalationState) -> Level | None:
    """Return the level that the ticket is on, ``None`` before the start."""
    if state.path is None:
        return None
    for level in state.path.levels:  # asked for several times per decision
        if level.level == state.level:
            return level
    return None


def next_level(path: Path, number: int) -> Level | None:
    """Return the level after ``number``."""
    return next((level for level in path.levels if level.level > number), None)


def timer_due_at(view: View, state: EscalationState) -> datetime | None:
    """Return when the next step of the path falls due; ``None`` while its timer is stopped or nothing follows."""
    level = present_level(state)
    if level is None or state.path is None or level.within is None or state.acknowledged_at is not None:
        return None
    if _stands_still(view) or not _anything_left(state.path, level, state.repeats):
        return None
    start = latest(
        state.timer_from, state.entered_at, view.acts.resumed_at, view.holding.freed_at, view.situation.resumed_at
    )
    return None if start is None else _add(view, start, level.within)


def _stands_still(view: View) -> bool:
    waits = view.paused or is_settling(view) or view.leader is not None
    return waits or view.holding.ticket is not None or bool(view.situation.halted)


def is_late(state: EscalationState, due_at: datetime, now: datetime) -> bool:
    """True when the timer ran out unseen, during an outage; the level then has one fresh interval, once."""
    level = present_level(state)
    within = level.within if level is not None and level.within is not None else timedelta()
    return not state.refreshed and now - due_at > max(_OUTAGE, within)


def _anything_left(path: Path, level: Level, repeats: int) -> bool:
    return repeats < level.repeat or next_level(path, level.level) is not None


def _add(view: View, start: datetime, within: timedelta) -> datetime:
    calendar = timer_calendar(view.policy, view.readings, view.priority)
    return start + within if calendar is None else calendar.add(start, within)


def timer_calendar(policy: Policy, readings: Sequence[ClockReading], priority: Priority | None) -> Calendar | None:
    """Return the calendar on which the timers of a ticket's levels count; ``None``: around the clock."""
    if priority is Priority.P1:
        return None
    first = next(iter(readings), None)
    reading = next((each for each in readings if each.clock is ClockName.RESOLUTION), first)
    return policy.calendars.get(policy.defaults.calendar if reading is None else reading.calendar)
