"""What must hold in the SLA section: calendars, targets, marks and how high they escalate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from connector.documents import KeyPath, Refused, closest
from connector.domain.matching import spelled
from connector.domain.policy import Mark, Span
from connector.domain.ticket import ClockName
from connector.policyfiles.build import calendar_choice
from connector.policyfiles.checks import Known, unknown
from connector.policyfiles.checks_conditions import BUILT_IN, USUAL, check_when
from connector.policyfiles.kinds import read_mark
from connector.policyfiles.model import PolicyFile
from connector.policyfiles.model_sla import ActionFile, CalendarByFile, SlaTargetFile

_PATH: KeyPath = ("sla", "targets")


def check_sla(file: PolicyFile, known: Known, refused: Refused) -> None:
    """Note every problem of targets, thresholds and the calendars of both."""
    if not file.sla.targets:
        refused.add(_PATH, "is empty", "promise something, at least for P1")
    for index, target in enumerate(file.sla.targets):
        _target(target, index, file, refused)
        _calendar(target, index, file, known, refused)
        check_when(target.when, (*_PATH, index, "when"), known.inputs, refused, paths=file.escalation.paths)
    for clock in file.sla.thresholds:
        _thresholds(clock, file, known, refused)


def _target(target: SlaTargetFile, index: int, file: PolicyFile, refused: Refused) -> None:
    if target.first_response is None and target.update is None and target.resolution is None:
        refused.add((*_PATH, index), "promises nothing", "give it first_response, update or resolution")
    for earlier in file.sla.targets[:index]:
        if (earlier.priority, earlier.targets, earlier.when) == (target.priority, target.targets, target.when):
            refused.add(
                (*_PATH, index), "is for the same tickets as one before it: two rules tie", "remove one of them"
            )
            break
        if earlier.priority in {None, target.priority} and not (earlier.when or earlier.targets):
            refused.add((*_PATH, index), "never applies, because a target before it takes its tickets", "move it up")
            break
    first, last = target.first_response, target.resolution
    if first and last and _longer(first, last):
        refused.add((*_PATH, index, "first_response"), f"{first} is longer than the resolution in {last}", "swap them")


def _longer(first: Span, last: Span) -> bool:
    comparable = not (first.days and last.time) and not (last.days and first.time)
    return comparable and (first.days, first.time) > (last.days, last.time)


def _calendar(target: SlaTargetFile, index: int, file: PolicyFile, known: Known, refused: Refused) -> None:
    path: KeyPath = (*_PATH, index, "calendar")
    choice = calendar_choice(target.calendar, file.defaults.calendar)
    if choice.map and choice.by is None:
        refused.add(path, "does not say by which input", "add by: …")
    if choice.by and known.inputs is not None and choice.by not in BUILT_IN | USUAL | known.inputs:
        message = f"no site binds the input {choice.by}"
        refused.add((*path, "by"), message, closest(choice.by, known.inputs) or "bind it in a site's map")
    if target.calendar is not None:
        for first, second in _alike(target.calendar.map):
            message = f"{second} is the same value as {first}: case does not count"
            refused.add((*path, "map", second), message, "keep one of them")
        for at, name in named_calendars(target.calendar, file.defaults.calendar, path, refused):
            if name not in file.calendars:
                unknown(refused, at, "calendar", name, file.calendars)


def _alike(values: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each value that is compared as one before it is, after that one."""
    seen: dict[str, str] = {}
    for value in values:
        first = seen.setdefault(spelled(value), value)
        if first != value:
            yield first, value


def named_calendars(
    choice: CalendarByFile | None, default: str, path: KeyPath, refused: Refused
) -> Iterator[tuple[KeyPath, str]]:
    """Yield every calendar that ``choice`` may take, with its place in the document; no choice takes ``default``."""
    inner = (*path, "default")
    yield (inner if refused.document.holds(inner) else path), choice.default if choice else default
    yield from (((*path, "map", value), name) for value, name in (choice.map.items() if choice else ()))


def _thresholds(clock: ClockName, file: PolicyFile, known: Known, refused: Refused) -> None:
    path: KeyPath = ("sla", "thresholds", str(clock))
    highest = max((len(levels) for levels in file.escalation.paths.values()), default=0)
    if not any(getattr(target, clock) for target in file.sla.targets):
        refused.add(path, f"no target promises {clock}", "add it to a target or remove these")
    seen: list[str] = []
    for at, mark, action in _places(clock, file, refused):
        if str(mark) in seen:
            refused.add(at, f"{mark} is given twice: two rules tie", "keep one of them")
        seen.append(str(mark))
        if action.escalate_to and action.escalate_to > highest:
            message = f"no path has a level {action.escalate_to}"
            refused.add((*at, "escalate_to"), message, f"use at most {highest}")
        for key in ("note", "tell_customer"):
            name = getattr(action, key)
            if name and known.templates is not None and name not in known.templates:
                unknown(refused, (*at, key), "template", name, known.templates)


def _places(clock: ClockName, file: PolicyFile, refused: Refused) -> Iterator[tuple[KeyPath, Mark, ActionFile]]:
    """Yield every mark as it is written, with its place; two spellings of one mark come twice."""
    path: KeyPath = ("sla", "thresholds", str(clock))
    marks = file.sla.thresholds[clock]
    if isinstance(marks, Mapping):
        for written in refused.document.value["sla"]["thresholds"][str(clock)]:
            mark = read_mark(written)
            yield (*path, written), mark, marks[mark]
        return
    for index, item in enumerate(marks):
        if not item.at and not item.before:
            refused.add((*path, index), "has no mark", "add at: 75% or before: 30m")
        yield from (((*path, index), mark, item) for mark in (*item.at, *item.before))
