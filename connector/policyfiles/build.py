"""The checked policy file → ``domain.Policy``. Nothing here can fail: whatever is wrong was reported before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from connector.domain.calendar import Calendar
from connector.domain.conditions import ALWAYS, Op, Test, When, Words
from connector.domain.matching import spelled
from connector.domain.policy import (
    AssignMode,
    Cadence,
    CalendarChoice,
    Defaults,
    Escalation,
    Factor,
    Level,
    LevelTarget,
    Mark,
    Matrix,
    Path,
    Policy,
    PriorityRules,
    Quiet,
    Reopen,
    Route,
    Score,
    Sla,
    StartWhen,
    StormRules,
    Target,
    TargetKind,
    Threshold,
    Trigger,
)
from connector.domain.ticket import ClockName, Priority, Status
from connector.policyfiles import model, model_sla

Key = TypeVar("Key")
Value = TypeVar("Value")


def build_policy(
    file: model.PolicyFile, *, calendars: Mapping[str, Calendar], digest: str, sources: Mapping[str, str]
) -> Policy:
    """Return the policy that ``file`` describes, with its calendars, the digest of its document and its sources."""
    return Policy(
        name=file.name,
        hash=digest,
        defaults=Defaults(**file.defaults.model_dump()),
        calendars=_frozen(dict(calendars)),
        priority=_priority(file.priority),
        triggers=tuple(map(_trigger, file.triggers)),
        sla=_sla(file.sla, file.defaults.calendar),
        escalation=_escalation(file.escalation),
        cadence=_frozen({priority: _cadence(cadence) for priority, cadence in file.communication.items()}),
        quiet=Quiet(notes_per_day=file.quiet.notes_per_day, min_interval=file.quiet.min_interval),
        storm=StormRules(**file.storm.model_dump()),
        sources=_frozen(dict(sources)),
    )


def _frozen(values: dict[Key, Value]) -> Mapping[Key, Value]:
    return MappingProxyType(values)


def build_when(file: model_sla.WhenFile | None) -> When:
    """Return a condition; none at all is always yes."""
    if file is None:
        return ALWAYS
    return When(all=_tests(file.all), any=_tests(file.any), none=_tests(file.none))


def _tests(files: tuple[model_sla.TestFile, ...]) -> tuple[Test, ...]:
    return tuple(Test(field=file.field, op=file.op, value=_value(file)) for file in files)


def _value(file: model_sla.TestFile) -> str | float | bool | tuple[str, ...] | Words | None:
    value = file.value
    if file.op is Op.HAS_WORDS:
        return _words(value)
    if isinstance(value, list):
        return tuple(map(str, value))
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _words(by_locale: Any) -> Words:
    canonical = json.dumps(by_locale, sort_keys=True, ensure_ascii=False)
    words = {locale: tuple(map(str, listed)) for locale, listed in by_locale.items()}
    return Words(key=hashlib.sha256(canonical.encode()).hexdigest()[:16], by_locale=_frozen(words))


def _priority(file: model.PriorityFile) -> PriorityRules:
    return PriorityRules(
        matrix=Matrix(impact=file.matrix.impact, urgency=file.matrix.urgency, cells=file.matrix.cells)
        if file.matrix
        else None,
        score=_score(file.score) if file.score else None,
        lower=file.lower,
        dwell=file.dwell,
        hold_cap=file.hold_cap,
    )


def _score(file: model.ScoreFile) -> Score:
    heaviest_first = sorted(file.factors.items(), key=lambda item: (-item[1].weight, item[0]))
    factors = tuple(Factor(name=n, weight=f.weight, values=_frozen(dict(f.values))) for n, f in heaviest_first)
    bounds = {priority: float(bound) for priority, bound in sorted(file.bounds.items())}
    return Score(factors=factors, bounds=_frozen(bounds), min_known=file.min_known, hysteresis=file.hysteresis)


def _trigger(file: model.TriggerFile) -> Trigger:
    return Trigger(
        name=file.name,
        when=build_when(file.when),
        unless=build_when(file.unless) if file.unless else None,
        at_least=file.at_least,
        raise_by=file.raise_by,
        cap=file.cap or Priority.P1,
        targets=file.targets,
        path=file.path,
        notify=file.notify,
        ask=file.ask,
    )


def _pausing(statuses: Iterable[Status]) -> frozenset[Status]:
    return frozenset(statuses)


def _per_clock(given: Any, default: Value, make: Callable[[Any], Value]) -> tuple[Value, Mapping[ClockName, Value]]:
    """Return what holds for all clocks and what holds for single ones."""
    if not isinstance(given, Mapping):
        return make(given), _frozen({})
    single = {ClockName(name): make(value) for name, value in given.items() if name != "else"}
    return (make(given["else"]) if "else" in given else default), _frozen(single)


def _sla(file: model_sla.SlaFile, default_calendar: str) -> Sla:
    pause, pause_by_clock = _per_clock(file.pause_on, frozenset({Status.WAITING_CUSTOMER}), _pausing)
    reopen, reopen_by_clock = _per_clock(file.reopen, Reopen(), _reopen)
    return Sla(
        targets=tuple(_target(target, default_calendar) for target in file.targets),
        thresholds=tuple(t for clock in ClockName for t in _thresholds(clock, file.thresholds.get(clock, ()))),
        source=file.source,
        pause_on=pause,
        pause_on_by_clock=pause_by_clock,
        max_pause=file.max_pause,
        reopen=reopen,
        reopen_by_clock=reopen_by_clock,
    )


def _reopen(file: model_sla.ReopenFile) -> Reopen:
    return Reopen(within=file.within, then=file.then, after=file.after, ignore_shorter_than=file.ignore_shorter_than)


def _target(file: model_sla.SlaTargetFile, default_calendar: str) -> Target:
    given = {ClockName(name): getattr(file, name) for name in ("first_response", "update", "resolution")}
    return Target(
        calendar=calendar_choice(file.calendar, default_calendar),
        durations=_frozen({clock: span for clock, span in given.items() if span is not None}),
        priority=file.priority,
        variant=file.targets,
        when=build_when(file.when),
    )


def calendar_choice(file: model_sla.CalendarByFile | None, default: str) -> CalendarChoice:
    """Return the calendar of a target, its values spelled as they are compared; without one the policy's default."""
    if file is None:
        return CalendarChoice(default=default)
    by_value = {spelled(value): name for value, name in file.map.items()}
    return CalendarChoice(default=file.default, by=file.by, map=_frozen(by_value))


def _thresholds(clock: ClockName, marks: model_sla.Thresholds) -> Iterator[Threshold]:
    for mark, action in sorted(each_mark(marks), key=lambda pair: _by_time(pair[0])):
        yield Threshold(
            clock=clock,
            mark=mark,
            note=action.note,
            tell_customer=action.tell_customer,
            notify=action.notify,
            escalate_to=action.escalate_to,
            approval=action.approval,
        )


def _by_time(mark: Mark) -> tuple[int, timedelta]:
    """Order lead times before percentages, each from early to late; the order in the file says nothing."""
    return (0, -mark.before) if mark.before is not None else (mark.percent or 0, timedelta())


def each_mark(marks: model_sla.Thresholds) -> Iterator[tuple[Mark, model_sla.ActionFile]]:
    """Yield every mark with its action, whichever form the file has."""
    if isinstance(marks, Mapping):
        yield from marks.items()
        return
    for item in marks:
        yield from ((mark, item) for mark in (*item.at, *item.before))


def _escalation(file: model.EscalationFile) -> Escalation:
    otherwise = file.start.get("else", StartWhen.THRESHOLD)
    start = {p: file.start.get(p.name, otherwise) for p in Priority}  # type: ignore[call-overload]
    return Escalation(
        paths=_frozen({n: Path(name=n, levels=tuple(map(_level, levels))) for n, levels in file.paths.items()}),
        routes=tuple(Route(path=route.path, when=build_when(route.when)) for route in file.routes),
        start=_frozen(start),
        min_step=file.min_step,
        hands_off=file.hands_off,
    )


def _level(file: model.LevelFile) -> Level:
    target = level_target(file.target)
    by_kind = AssignMode.PERSON if target.kind is TargetKind.USER else AssignMode.GROUP
    return Level(
        level=file.level,
        target=target,
        within=file.within,
        repeat=file.repeat,
        assign=file.assign or by_kind,
        calendar=file.calendar,
        note=file.note,
        labels=frozenset(file.labels),
        fallback=level_target(file.fallback) if file.fallback else None,
    )


def level_target(file: model.TargetFile) -> LevelTarget:
    """Return the one target that is given."""
    given = ((kind, getattr(file, kind)) for kind in TargetKind)
    return next(LevelTarget(kind, name) for kind, name in given if name is not None)


def _cadence(file: model.CadenceFile) -> Cadence:
    return Cadence(every=file.update.every, note=file.update.note, public=file.update.public, until=file.until)
