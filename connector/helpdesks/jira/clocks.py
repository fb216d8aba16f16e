"""Jira's own SLA clocks. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.domain.ticket import ClockName, NativeClock, NativeStage
from connector.helpdesks.jira.shape import Shape, moment
from connector.helpdesks.jira.structs import Cycle, Fields, Instant, Millis, SlaValue

_MILLISECOND = timedelta(milliseconds=1)


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
    breach_at = _instant(cycle.breach_time)
    return NativeClock(
        clock=clock,
        name=value.name or "",
        stage=_ongoing_stage(cycle, breach_at, now) if ongoing else _completed_stage(cycle),
        read_at=now,
        started_at=_instant(cycle.start_time),
        breach_at=breach_at,
        goal=_span(cycle.goal_duration),
        elapsed=_span(cycle.elapsed_time),
        remaining=_span(cycle.remaining_time),
        within_hours=cycle.within_calendar_hours,
    )


def _completed_stage(cycle: Cycle) -> NativeStage:
    return NativeStage.BREACHED if cycle.breached else NativeStage.MET


def _ongoing_stage(cycle: Cycle, breach_at: datetime | None, now: datetime) -> NativeStage:
    """A reading from the search index may be older than the breach that it foretells."""
    left = cycle.remaining_time.millis if cycle.remaining_time else None
    if cycle.breached or (left is not None and left < 0):
        return NativeStage.BREACHED
    if cycle.paused:
        return NativeStage.PAUSED
    passed = breach_at is not None and breach_at <= now
    return NativeStage.BREACHED if passed else NativeStage.RUNNING


def _instant(given: Instant | None) -> datetime | None:
    """Return a moment from whichever of its three forms Jira gave; a breach time may have none of them."""
    if given is None:
        return None
    if given.epoch_millis:
        return datetime.fromtimestamp(given.epoch_millis / 1000, UTC)
    text = given.jira or given.iso8601
    return moment(text) if text else None


def _span(length: Millis | None) -> timedelta | None:
    return None if length is None or length.millis is None else length.millis * _MILLISECOND
