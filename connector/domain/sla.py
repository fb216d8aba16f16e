"""SLA clocks: what each one says at a moment, from our own event log or from the helpdesk's clock.

Pure and total: a reading depends on the situation, the policy and `now` alone. How a clock runs is settled in three
steps, each in a module of its own: the ticket's course (`sla_timeline`), the present cycle (`sla_cycles`) and the meter
(`sla_meter`); what was promised in `sla_targets`, the marks in `sla_thresholds`, the helpdesk's clock in `sla_native`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from connector.domain.clocks import ClockReading, Silence
from connector.domain.events import CLOCKS_DIFFER
from connector.domain.policy import Policy, SlaSource, Span, Threshold
from connector.domain.situation import Situation
from connector.domain.sla_cycles import Cycle, Talk, cycle_of, talk_of
from connector.domain.sla_meter import Meter, pause_over_at, segments, used_in
from connector.domain.sla_names import cycle_named, told_otherwise
from connector.domain.sla_native import (
    Due,
    is_late,
    is_native_late,
    native_deadline,
    native_elapsed,
    native_mark,
    native_met_at,
    native_of,
    native_total,
)
from connector.domain.sla_targets import Promise, Rescore, Terms, promise_of, rescored, rise_written, share_of
from connector.domain.sla_thresholds import silences
from connector.domain.sla_timeline import Course, Phase, StatusChange, Stretch, reopened, status_changes, stretches
from connector.domain.ticket import ClockName, NativeClock, NativeStage, Priority

_CLOCKS = tuple(ClockName)
_OWN, _THEIRS, _FIRST_RESPONSE = SlaSource.OWN, SlaSource.HELPDESK, ClockName.FIRST_RESPONSE


class _Case(NamedTuple):
    """What the clocks of one ticket have in common; courses, meters and pauses are kept for clocks that share them."""

    situation: Situation
    policy: Policy
    promise: Promise
    rescore: Rescore | None
    written: Rescore | None
    silences: tuple[Silence, ...]
    changes: Sequence[StatusChange]
    talk: Talk
    now: datetime
    courses: dict[ClockName | None, Course]
    meters: list[tuple[Course, Cycle, Meter]]
    pauses: list[tuple[Stretch, datetime | None]]


def read_clocks(
    situation: Situation, policy: Policy, *, priority: Priority | None, variant: str | None, now: datetime
) -> tuple[ClockReading, ...]:
    """The three clocks of a ticket at `now`: first response, update, resolution.

    Args:
        situation: Ticket, event log and what we remember. `state.priority_since` and `state.variant_since` say since
            when the present targets apply; `state.policy_hash` is that of the last stored decision, so that another
            policy is seen to be new.
        policy: Targets, pauses, reopening, thresholds, calendars.
        priority: The effective priority; it chooses the target.
        variant: Name of the faster targets that a trigger asks for.
        now: Aware, UTC.
    """
    promise = promise_of(policy, situation, priority=priority, variant=variant)
    rescore = rescored(situation, policy, priority=priority, variant=variant, now=now)
    quiet = silences(situation, policy, rescore, now)
    changes = status_changes(situation.ticket, situation.history, now)
    talk = talk_of(situation.ticket, situation.history, now)
    written = rise_written(situation) if situation.ticket.native else None
    case = _Case(situation, policy, promise, rescore, written, quiet, changes, talk, now, {}, [], [])
    own = tuple([_own(case, clock) for clock in _CLOCKS])
    return own if policy.sla.source is not SlaSource.HELPDESK else tuple(_preferred(case, reading) for reading in own)


def _preferred(case: _Case, own: ClockReading) -> ClockReading:
    """The helpdesk's clock where it has one; what one of the two has told the other does not tell again."""
    native = native_of(own.clock, case.situation.ticket.native)
    reading = _by_helpdesk(case, own, native) if native else own
    told = told_otherwise(reading, case.situation.said, ours=own.cycle_start)
    return reading._replace(silences=(*reading.silences, *told)) if told else reading


def _own(case: _Case, clock: ClockName) -> ClockReading:
    course = _course(case, clock)
    cycle = cycle_of(clock, ticket=case.situation.ticket, talk=case.talk, course=course)
    meter = _meter(case, course, cycle)
    terms = case.promise.terms[clock]
    promised = None if terms.span is None else _promised(terms.span, meter)
    total = None if promised is None else _total(case, promised, meter)
    deadline, marks = (None, ()) if total is None or promised is None else _marks(terms, meter, (total, promised))
    over_at = None if cycle.met_at else _pause_over_at(case, course.stretches[-1])
    # by position: these are made three times per ticket, and names would double the cost
    return ClockReading(
        clock,
        _OWN,
        cycle.start,
        terms.span,
        meter.calendar.name,
        deadline if meter.is_counting else None,
        meter.used,
        share_of(meter.used, total, promised),
        meter.is_paused,
        cycle.met_at,
        is_late(deadline, cycle.met_at, case.now),
        meter.segments,
        marks,
        not case.situation.history.complete,
        over_at if over_at and over_at <= case.now else None,
        next_at=_next(case.now, (deadline, over_at, course.settles_at), marks),
        silences=case.silences,
        extended=None if total == promised else total,
    )


def _course(case: _Case, clock: ClockName) -> Course:
    """The course under a clock's rules for pauses and reopenings; clocks without rules of their own share one."""
    sla = case.policy.sla
    key = clock if clock in sla.pause_on_by_clock or clock in sla.reopen_by_clock else None
    course = case.courses.get(key)
    if course is None:
        found = stretches(case.changes, sla.pauses(clock), case.now)
        history, calendar = case.situation.history, case.promise.calendar
        course = reopened(found, rule=sla.reopening(clock), calendar=calendar, history=history)
        case.courses[key] = course
    return course


def _meter(case: _Case, course: Course, cycle: Cycle) -> Meter:
    for measured, of, meter in case.meters:
        if measured is course and of == cycle:
            return meter
    calendar = case.promise.calendar
    end = cycle.met_at or case.now
    limit = case.policy.sla.max_pause
    found = segments(course.stretches, start=cycle.start, end=end, calendar=calendar, max_pause=limit)
    meter = Meter(calendar, cycle.start, found, cycle.met_at is not None, used_in(found))
    case.meters.append((course, cycle, meter))
    return meter


def _pause_over_at(case: _Case, last: Stretch) -> datetime | None:
    """When the present pause reaches its limit; reckoned once for the clocks that share it."""
    if last.phase is not Phase.PAUSED:
        return None
    for stretch, over_at in case.pauses:
        if stretch is last:
            return over_at
    found = pause_over_at(last, case.promise.calendar, case.policy.sla.max_pause)
    case.pauses.append((last, found))
    return found


def _promised(span: Span, meter: Meter) -> timedelta:
    """Open time that a target promises."""
    return meter.length(span, meter.start) if span.days else span.time


def _total(case: _Case, promised: timedelta, meter: Meter) -> timedelta:
    """Open time until the deadline: the target, but after a re-score at least a first response's time from then on."""
    least = None if case.rescore is None else _least(case, case.rescore, meter)
    return promised if least is None else max(promised, least)


def _least(case: _Case, rise: Rescore, meter: Meter) -> timedelta | None:
    """Open time that a stricter target leaves at least: what was used before it and a first response's time."""
    span = case.promise.terms[_FIRST_RESPONSE].span
    if span is None or not meter.start < rise.at <= case.now:
        return None
    return meter.used_at(rise.at) + (meter.length(span, rise.at) if span.days else span.time)


_Marks = tuple[tuple[Threshold, datetime | None], ...]


def _marks(terms: Terms, meter: Meter, lengths: tuple[timedelta, timedelta]) -> tuple[datetime | None, _Marks]:
    """When the target is used up, and when each threshold is crossed; `lengths` as in `Terms.amounts`."""
    deadline, *reached = meter.reached_each(terms.amounts(*lengths))
    return deadline, tuple(zip(terms.thresholds, reached, strict=True))


def _by_helpdesk(case: _Case, own: ClockReading, native: NativeClock) -> ClockReading:
    calendar, now = case.promise.calendar, case.now
    start = cycle_named(native, opened_at=case.situation.ticket.opened_at, ours=own.cycle_start)
    met_at = native_met_at(native, own)
    due = _native_due(case, own, native, case.written)
    deadline = due.at
    marks = tuple(
        (threshold, native_mark(threshold.mark, native, due, calendar))
        for threshold in case.promise.terms[own.clock].thresholds
    )
    elapsed = native_elapsed(native, calendar, now)
    total = native_total(native, due, elapsed, calendar, now)
    drift = deadline - own.deadline if deadline and own.deadline else None
    # by position, as in `_own`: copying the own reading with its changes by name would cost three times as much
    return ClockReading(
        own.clock,
        _THEIRS,
        start,
        own.target,
        own.calendar,
        deadline,
        own.elapsed if elapsed is None else elapsed,
        None if elapsed is None else share_of(elapsed, total, native.goal),
        native.stage is NativeStage.PAUSED,
        met_at,
        is_late(deadline, met_at, now) if due.is_later else is_native_late(native, own, now),
        own.segments,
        marks,
        own.provisional and native.started_at is None,
        own.max_pause_over_at,
        native,
        drift,
        _next(now, (deadline, own.next_at), marks),
        (*case.silences, *_silenced_by(case.written)),
        total if due.is_later else None,
    )


def _native_due(case: _Case, own: ClockReading, native: NativeClock, written: Rescore | None) -> Due:
    """The helpdesk's deadline, but after a re-score at least a first response's time from then on.

    Our own write counts as one where it moved the deadline into the past: what it passed is nobody's lateness, and what
    follows is somebody's. That is so where our own clock's deadline is no old news, passed before the policy was loaded
    or ``enforce_from``: to switch the connector on announces no old breach.
    """
    stated = native_deadline(native, case.promise.calendar)
    if stated is None:
        return Due(stated, stated)
    is_moved = written is not None and stated <= written.at + CLOCKS_DIFFER and _is_news(case, own.deadline)
    rises = case.rescore, written if is_moved else None
    left = (_left_until(case, own.clock, native, rise) for rise in rises if rise is not None)
    return Due(stated, max((stated, *(at for at in left if at is not None))))


def _is_news(case: _Case, at: datetime | None) -> bool:
    situation = case.situation
    since = situation.policy_since, situation.rules.enforce_from, situation.state.baseline_at
    return at is not None and all(begun_at is None or at >= begun_at for begun_at in since)


def _left_until(case: _Case, clock: ClockName, native: NativeClock, rise: Rescore) -> datetime | None:
    """Until when a stricter target leaves time; by the calendar alone where our own clock does not run."""
    course = _course(case, clock)
    meter = _meter(case, course, cycle_of(clock, ticket=case.situation.ticket, talk=case.talk, course=course))
    span, begun_at = case.promise.terms[_FIRST_RESPONSE].span, native.started_at or meter.start
    if span is None or not begun_at < rise.at <= case.now:
        return None
    least = _least(case, rise, meter)
    reached = None if least is None else meter.reached_at(least)
    return reached or meter.calendar.deadline(rise.at, span)


def _silenced_by(written: Rescore | None) -> tuple[Silence, ...]:
    """Our own priority moves the helpdesk's deadline; the marks that it passes by that are nobody's lateness."""
    return () if written is None else (Silence(at=written.at + CLOCKS_DIFFER, why=f"passed when {written.why}"),)


def _next(now: datetime, moments: tuple[datetime | None, ...], marks: _Marks) -> datetime | None:
    found: datetime | None = None
    for at in (*moments, *[at for _, at in marks]):
        if at is not None and at > now and (found is None or at < found):
            found = at
    return found
