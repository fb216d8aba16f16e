"""Every reason behind a decision, in words for people and as plain data for machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import Enum
from typing import Any

from connector.domain.approvals import level_of
from connector.domain.change import FieldChange
from connector.domain.clocks import ClockReading, Crossing, Segment
from connector.domain.decision import (
    Decision,
    Hold,
    InputVerdict,
    PathVerdict,
    PriorityVerdict,
    TicketPlan,
    TriggerState,
    TriggerVerdict,
)
from connector.domain.durations import length
from connector.domain.occasion import Occasion
from connector.domain.site import Effect
from connector.domain.ticket import NativeClock
from connector.domain.view import owed_name

SCHEMA_VERSION = 1


def explain_lines(decision: Decision, ticket_plan: TicketPlan | None = None, *, zone: tzinfo = UTC) -> list[str]:
    """Return the explanation line by line; moments are shown in ``zone``."""
    told = decision.explanation
    show = _Moments(zone, decision.now)
    lines = [
        _inputs(told.priority),
        _priority(told.priority),
        *map(_trigger, _worth_telling(told.triggers)),
        *(line for reading in told.clocks for line in _clock(reading, show, decision)),
        *_path(told.path, show),
        *(_hold(hold, show) for hold in told.holds),
        *(f"left alone: {each}" for each in told.left_alone),
        *(f"note: {each}" for each in told.findings),
        *(f"alarm: {each}" for each in decision.alarms),
        *(_plan_lines(ticket_plan) if ticket_plan is not None else ()),
        *_next(decision, show),
    ]
    return [line for line in lines if line]


class _Moments:
    """Shows moments in one zone, on the day of ``now`` without the date."""

    def __init__(self, zone: tzinfo, now: datetime) -> None:
        self._zone = zone
        self._today = now.astimezone(zone).date()

    def __call__(self, at: datetime | None) -> str:
        return "never" if at is None else self._after(self._today, at)

    def stretch(self, start: datetime, end: datetime) -> str:
        """Return a stretch of time; its end has a date where that is not the start's."""
        return f"{self(start)} - {self._after(start.astimezone(self._zone).date(), end)}"

    def _after(self, told: date, at: datetime) -> str:
        """Return a moment for a reader who has just been told a day, or takes it for granted."""
        local = at.astimezone(self._zone)
        clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
        return clock if local.date() == told else f"{local:%Y-%m-%d} {clock}"

    @property
    def zone(self) -> str:
        """Return the zone's name."""
        return str(self._zone)

    def offset(self, at: datetime) -> str:
        """Return how far the zone is from UTC at a moment, where it is."""
        told = f"{at.astimezone(self._zone):%z}"
        return "" if told == "+0000" else f" (UTC{told[:3]}:{told[3:]})"


# ---- priority


def _inputs(verdict: PriorityVerdict) -> str:
    if not verdict.inputs:
        return ""
    told = " | ".join(map(_input, verdict.inputs))
    score = f" | = {verdict.score:.1f}" if verdict.score is not None else ""
    return f"inputs: {told}{score}"


def _input(verdict: InputVerdict) -> str:
    if verdict.value is None:
        return f"{verdict.name} missing"
    if verdict.points is None:
        return f"{verdict.name} {verdict.value}"
    return f"{verdict.name} {verdict.value} = {verdict.points:.1f} of weight {verdict.weight:g}"


def _priority(verdict: PriorityVerdict) -> str:
    reasons = "; ".join(verdict.lines)
    wanted = verdict.wanted or "none"
    drives = "" if verdict.effective is verdict.wanted else f", {verdict.effective or 'none'} drives clock and path"
    return f"priority: {reasons + ' -> ' if reasons else ''}wanted {wanted}{drives}"


def _worth_telling(verdicts: Iterable[TriggerVerdict]) -> Iterator[TriggerVerdict]:
    return (verdict for verdict in verdicts if verdict.state is not TriggerState.NO)


def _trigger(verdict: TriggerVerdict) -> str:
    return f"trigger {verdict.name}: {verdict.state.value}" + (f" ({verdict.why})" if verdict.why else "")


# ---- clocks


def _clock(reading: ClockReading, show: _Moments, decision: Decision) -> Iterator[str]:
    native = reading.native
    promised = _promised(reading) if native is None else _native_goal(reading, native)
    marks = ", ".join(filter(None, (_share(reading), _standing(reading, show), _next_marks(reading, show))))
    provisional = " provisional" if reading.provisional else ""
    yield f"{reading.clock.value}: {promised}{provisional}: {marks}"
    if native is not None:
        yield f"  our own measure beside it, {_promised(reading)}: {_measured(reading, show)}"
    yield from (f"  {_segment(segment, show)}" for segment in reading.segments)
    yield from (
        _passed_over(crossing, decision) for crossing in reading.crossings if crossing.superseded and crossing.at
    )


def _passed_over(crossing: Crossing, decision: Decision) -> str:
    """Return why a mark does not speak, and what it had asked for before that and is still to come."""
    names = {Effect.NOTES: "its note", Effect.PUBLIC: "its message to the customer"}
    state, owed = decision.state, decision.explanation.owed
    if level_of(crossing.threshold, state) > state.level:
        names = {Effect.FIELDS: f"its step to level {crossing.threshold.escalate_to}", **names}
    still = [name for effect, name in names.items() if owed_name(effect, crossing.occasion) in owed]
    told = f"  {crossing.threshold.mark} passed over: {crossing.superseded}"
    return told + (f"; {' and '.join(still)} had been asked for before and still comes" if still else "")


def _promised(reading: ClockReading) -> str:
    if reading.target is None:
        return "no target"
    extended = _extended(reading) if reading.native is None else ""
    return f"{reading.target} on {reading.calendar!r}{extended}"


def _native_goal(reading: ClockReading, native: NativeClock) -> str:
    goal = "goal not stated" if native.goal is None else f"goal {length(native.goal)}"
    return f"deadline of the helpdesk's clock {native.name!r}, {goal}{_extended(reading)}"


def _extended(reading: ClockReading) -> str:
    return "" if reading.extended is None else f", extended to {length(reading.extended)}"


def _measured(reading: ClockReading, show: _Moments) -> str:
    """Return what our own clock says where the helpdesk's counts: its segments follow."""
    used = length(sum((segment.business for segment in reading.segments), timedelta()))
    if reading.drift is None or reading.deadline is None:
        return f"{used} used"
    drift = length(abs(reading.drift))
    than = "later than" if reading.drift > timedelta() else "earlier than"
    apart = "the same deadline" if not reading.drift else f"the helpdesk's is {drift} {than} ours"
    return f"{used} used, due {show(reading.deadline - reading.drift)}, {apart}"


def _share(reading: ClockReading) -> str:
    if reading.native is not None and reading.native.elapsed is None:
        return ""  # the helpdesk states a deadline and nothing of what is used
    percent = "" if reading.percent is None else f" = {reading.percent:.0f} %"
    return f"{length(reading.elapsed)}{percent}"


def _standing(reading: ClockReading, show: _Moments) -> str:
    if reading.met_at is not None:
        return f"met {show(reading.met_at)}" + (" too late" if reading.breached else "")
    if reading.paused:
        return "paused"
    due = "" if reading.deadline is None else f" {show(reading.deadline)}"
    return f"breached{due}" if reading.breached else f"due{due}" if due else ""


def _next_marks(reading: ClockReading, show: _Moments) -> str:
    if reading.met_at is not None or reading.next_at is None:
        return ""
    ahead = [(c.at, str(c.threshold.mark)) for c in reading.crossings if c.at is not None and c.at >= reading.next_at]
    at, mark = min(ahead, default=(None, ""))
    return f"next {mark} {show(at)}" if at is not None else ""


def _segment(segment: Segment, show: _Moments) -> str:
    why = f" ({segment.why})" if segment.why else ""
    return f"{segment.kind.value} {show.stretch(segment.start, segment.end)}, counted {length(segment.business)}{why}"


# ---- path, holds, plan


def _path(verdict: PathVerdict, show: _Moments) -> Iterator[str]:
    if verdict.path is None or not verdict.level:
        yield f"path: not started ({verdict.why})" if verdict.why else "path: not started"
        return
    since = f" since {show(verdict.entered_at)}" if verdict.entered_at is not None else ""
    seen = verdict.stepped_at is not None and show(verdict.stepped_at) != show(verdict.entered_at)
    entered = f" (entered {show(verdict.stepped_at)})" if seen else ""
    yield f"path {verdict.path}, level {verdict.level}{since}{entered}: {verdict.why}"
    if verdict.acknowledged:
        yield f"  acknowledged: {verdict.acknowledged}"
    elif verdict.timer_due_at is not None:
        yield f"  next step {show(verdict.timer_due_at)} unless acknowledged"
    yield from (f"  skipped: {each}" for each in verdict.skipped)


def _hold(hold: Hold, show: _Moments) -> str:
    until = f" until {show(hold.until)}" if hold.until is not None else ""
    value = f" {hold.value}" if hold.value is not None else ""
    return f"held: {hold.field}{value} since {show(hold.since)} by {hold.by}{until} ({hold.reason})"


def _plan_lines(ticket_plan: TicketPlan) -> Iterator[str]:
    yield from (f"would write: {_changed(change)}" for change in ticket_plan.fields)
    for notice in ticket_plan.notices:
        yield f"would say: {notice.template} to {notice.audience.value}, {notice.locale}: {notice.reason}"
    yield from (f"would tell: {each.target}: {each.why}" for each in ticket_plan.notifications)


def _changed(change: FieldChange) -> str:
    return f"{change.field} {change.before or '(none)'} -> {change.after} ({change.reason})"


def _next(decision: Decision, show: _Moments) -> Iterator[str]:
    yield from (f"next: {show(item.at)} {item.what}" for item in decision.explanation.upcoming)
    if decision.next_due_at is None:
        yield "next: nothing by itself; only a change in the helpdesk makes a difference"
    decided = f"decided {decision.now:%Y-%m-%d %H:%M:%S} UTC under policy {decision.policy_hash[:7]}"
    yield f"{decided}, moments in {show.zone}{show.offset(decision.now)}"


# ---- for machines


def explain_dict(decision: Decision, ticket_plan: TicketPlan | None = None) -> dict[str, Any]:
    """Return the explanation as plain data that ``json`` takes; ``schema_version`` changes when its shape does."""
    found: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "now": decision.now.isoformat(),
        "policy": decision.policy_hash,
        **_plain(decision.explanation),
        "wanted": [_plain(want) for want in decision.fields],
        "notices": [_plain(notice) for notice in decision.notices],
        "alarms": list(decision.alarms),
        "next_due_at": _plain(decision.next_due_at),
    }
    if ticket_plan is not None:
        found["changes"] = [_plain(change) for change in ticket_plan.fields]
        found["left"] = [_plain(left) for left in ticket_plan.left]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Occasion):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, ClockReading):
        return {_SHOWN_AS.get(name, name): held for name, held in _named(value) if name != "silences"}
    if hasattr(value, "_fields"):
        return dict(_named(value))
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(held) for key, held in value.items()}
    if isinstance(value, tuple | list | frozenset):
        items = [_plain(item) for item in value]
        return sorted(items) if isinstance(value, frozenset) else items
    return _scalar(value)


_SHOWN_AS = {"marks": "crossings"}


def _named(value: Any) -> Iterator[tuple[str, Any]]:
    for name in value._fields:
        yield name, _plain(getattr(value, _SHOWN_AS.get(name, name)))


def _scalar(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, str) else value.name
    return value
