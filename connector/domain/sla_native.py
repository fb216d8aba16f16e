"""The helpdesk's own clock as a reading: deadline and stage are the vendor's, the marks are derived from them.

Jira states the goal, so percentages can be placed. Zendesk states a deadline and a stage only: there a mark is the
deadline itself or a lead time before it, and every other percentage stays without an instant.

A helpdesk counts a target that became stricter from the ticket's start, often into the past. What the policy leaves
from the change on is kept here as well: the deadline, and the marks at and after it, are never earlier.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from connector.domain.calendar import Calendar
from connector.domain.clocks import ClockReading
from connector.domain.policy import Mark
from connector.domain.ticket import ClockName, NativeClock, NativeStage

_FAR = datetime.max.replace(tzinfo=UTC)
_LIVE = frozenset({NativeStage.RUNNING, NativeStage.PAUSED, NativeStage.BREACHED})


def native_of(clock: ClockName, found: tuple[NativeClock, ...]) -> NativeClock | None:
    """The helpdesk's clock that counts: one that is going before one that was met, then the earliest deadline."""
    ours = [n for n in found if n.clock is clock and n.stage is not NativeStage.NONE]
    if len(ours) < 2:  # nearly always
        return ours[0] if ours else None
    return min(ours, key=lambda n: (n.stage not in _LIVE, n.breach_at or _FAR, n.name))


def native_deadline(native: NativeClock, calendar: Calendar) -> datetime | None:
    """When the helpdesk will call it breached; from the remaining time where it does not say."""
    if native.stage not in {NativeStage.RUNNING, NativeStage.BREACHED}:
        return None
    if native.breach_at is None and native.remaining is not None:
        return calendar.add(native.read_at, native.remaining)
    return native.breach_at


class Due(NamedTuple):
    """When the helpdesk calls its clock breached, and when it is due after what a stricter target leaves."""

    stated: datetime | None
    at: datetime | None

    @property
    def is_later(self) -> bool:
        """Whether a stricter target leaves more time than the helpdesk says."""
        return self.at != self.stated


def native_mark(mark: Mark, native: NativeClock, due: Due, calendar: Calendar) -> datetime | None:
    """Instant of a mark on the helpdesk's clock; None where its data cannot tell.

    Marks before the deadline are the helpdesk's own; those at it and after it count from when it is due.
    """
    if due.stated is None or due.at is None:
        return None
    if mark.percent is None:
        return calendar.subtract(due.stated, mark.before or timedelta())
    if mark.percent == 100:
        return due.at
    counted_from = due.stated if mark.percent < 100 else due.at
    return calendar.add(counted_from, native.goal * (mark.percent - 100) / 100) if native.goal else None


def native_elapsed(native: NativeClock, calendar: Calendar, now: datetime) -> timedelta | None:
    """Time used on the helpdesk's clock; its snapshot grows while the clock runs."""
    if native.elapsed is None:
        return None
    running = native.stage in {NativeStage.RUNNING, NativeStage.BREACHED}
    return native.elapsed + (calendar.elapsed(native.read_at, now) if running else timedelta())


def native_total(
    native: NativeClock, due: Due, elapsed: timedelta | None, calendar: Calendar, now: datetime
) -> timedelta | None:
    """Time until it is due on the helpdesk's clock: its goal, or what a stricter target leaves; None if not stated."""
    if elapsed is None or due.at is None or not due.is_later:
        return native.goal
    return elapsed - calendar.elapsed(due.at, now)


def native_met_at(native: NativeClock, own: ClockReading) -> datetime | None:
    """When the helpdesk's clock was met; one that was answered late says only that it was breached."""
    if native.stage is NativeStage.MET:
        return own.met_at or native.read_at
    answered_late = native.stage is NativeStage.BREACHED and own.clock is ClockName.FIRST_RESPONSE
    return own.met_at if answered_late else None


def is_native_late(native: NativeClock, own: ClockReading, now: datetime) -> bool:
    """A clock that was met is late only where that is known; that we read of it later proves nothing."""
    if native.stage is not NativeStage.MET:
        return native.stage is NativeStage.BREACHED or is_late(native.breach_at, None, now)
    overrun = native.remaining is not None and native.remaining < timedelta()
    return overrun or (own.met_at is not None and is_late(native.breach_at, own.met_at, now))


def is_late(deadline: datetime | None, met_at: datetime | None, now: datetime) -> bool:
    """Unmet at its deadline, or met after it; met exactly at it is in time."""
    if deadline is None:
        return False
    return deadline < met_at if met_at else deadline <= now
