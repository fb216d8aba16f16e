"""Jira's own SLA clocks. Pure."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

from connector.domain.copying import maker
from connector.domain.ticket import ClockName, NativeClock, NativeStage
from connector.helpdesks.jira.shape import Shape, moment
from connector.helpdesks.jira.structs import Cycle, Fields, Instant, SlaValue

_MILLISECOND = timedelta(milliseconds=1)
_RUNNING, _PAUSED = NativeStage.RUNNING, NativeStage.PAUSED
_MET, _BREACHED = NativeStage.MET, NativeStage.BREACHED
_new_clock = maker(NativeClock)
_from_timestamp = datetime.fromtimestamp


def natives(fields: Fields, shape: Shape, *, now: datetime) -> tuple[NativeClock, ...]:
    """Return what each bound SLA field of an issue says; one without any cycle says nothing."""
    found: list[NativeClock] = []
    for id_, clock in shape.clocks.items():
        value: SlaValue | None = getattr(fields, id_, None)
        native = None if value is None else native_clock(value, clock, now=now)
        if native is not None:
            found.append(native)
    return tuple(found)


def native_clock(value: SlaValue, clock: ClockName, *, now: datetime) -> NativeClock | None:
    """Return what an SLA field says now: the ongoing cycle where there is one, else the last completed one."""
    ongoing = value.ongoing_cycle
    cycle = ongoing or (value.completed_cycles[-1] if value.completed_cycles else None)
    if cycle is None:
        return None
    breach, start, goal = cycle.breach_time, cycle.start_time, cycle.goal_duration
    elapsed, remaining = cycle.elapsed_time, cycle.remaining_time
    breach_at = None if breach is None else _instant(breach)
    return _new_clock(
        clock=clock,
        name=value.name or "",
        stage=_ongoing_stage(cycle, breach_at, now) if ongoing else _BREACHED if cycle.breached else _MET,
        read_at=now,
        started_at=None if start is None else _instant(start),
        breach_at=breach_at,
        goal=None if goal is None or goal.millis is None else _goal(goal.millis),
        elapsed=None if elapsed is None or elapsed.millis is None else elapsed.millis * _MILLISECOND,
        remaining=None if remaining is None or remaining.millis is None else remaining.millis * _MILLISECOND,
        within_hours=cycle.within_calendar_hours,
    )


def _ongoing_stage(cycle: Cycle, breach_at: datetime | None, now: datetime) -> NativeStage:
    """A reading from the search index may be older than the breach that it foretells."""
    left = cycle.remaining_time.millis if cycle.remaining_time else None
    if cycle.breached or (left is not None and left < 0):
        return _BREACHED
    if cycle.paused:
        return _PAUSED
    passed = breach_at is not None and breach_at <= now
    return _BREACHED if passed else _RUNNING


def _instant(given: Instant) -> datetime | None:
    """Return a moment from whichever of its three forms Jira gave; a breach time may have none of them."""
    if millis := given.epoch_millis:
        return _from_timestamp(millis / 1000, UTC)
    text = given.jira or given.iso8601
    return moment(text) if text else None


@functools.lru_cache(maxsize=256)
def _goal(millis: int) -> timedelta:
    """Return a goal's length: a site has a handful of them, and every ticket states some."""
    return millis * _MILLISECOND
