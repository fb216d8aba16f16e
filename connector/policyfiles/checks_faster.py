"""``targets: NAME`` asks for a faster clock only; a target of such a name that is slower anywhere is refused.

It is compared with every target that the same tickets get without the name: those below it, for the same priority,
with no condition or the same one, down to the first that takes all of them. Which of `4h` around the clock and `1h` of
an office is sooner depends on when it begins, so deadlines are compared from every hour of a week without holidays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connector.documents import KeyPath, Refused
from connector.domain.calendar import Calendar
from connector.domain.policy import CalendarChoice, Span
from connector.domain.ticket import ClockName, Priority
from connector.policyfiles.build import calendar_choice
from connector.policyfiles.calendars import never_closes
from connector.policyfiles.checks import Known
from connector.policyfiles.model import PolicyFile
from connector.policyfiles.model_sla import SlaTargetFile

_WEEK = tuple(datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(7 * 24))


def check_faster(file: PolicyFile, known: Known, refused: Refused) -> None:
    """Note every clock of a named target that is slower than without the name, or that it leaves out."""
    regular = {name: replace(c, holidays=frozenset(), breaks=(), dated_hours=()) for name, c in known.calendars.items()}
    for index, named in enumerate(file.sla.targets):
        if named.targets:
            for place in sorted(set(_instead_of(named, index, file.sla.targets))):
                for clock in ClockName:
                    _clock(clock, index, place, file=file, calendars=regular, refused=refused)


def _instead_of(named: SlaTargetFile, index: int, targets: tuple[SlaTargetFile, ...]) -> Iterator[int]:
    """Yield the places of what the tickets of ``named`` get without its name; one may come once per priority."""
    for priority in [named.priority] if named.priority else Priority:
        for place, usual in enumerate(targets[index + 1 :], start=index + 1):
            if usual.targets or usual.priority not in {None, priority}:
                continue
            takes_all = usual.when is None or usual.when == named.when
            if takes_all or named.when is None:
                yield place
            if takes_all:
                break


def _clock(
    clock: ClockName, index: int, place: int, *, file: PolicyFile, calendars: Mapping[str, Calendar], refused: Refused
) -> None:
    named, usual = file.sla.targets[index], file.sla.targets[place]
    fast: Span | None = getattr(named, clock)
    slow: Span | None = getattr(usual, clock)
    path: KeyPath = ("sla", "targets", index)
    if slow is None:
        return
    if fast is None:
        message = f"promises no {clock}, which the same tickets have at sla.targets.{place} without {named.targets}"
        refused.add(path, message, f"add {clock}: {slow} or less")
        return
    default = file.defaults.calendar
    for ours, theirs in _pairs(calendar_choice(named.calendar, default), calendar_choice(usual.calendar, default)):
        if ours in calendars and theirs in calendars and _is_slower((calendars[ours], fast), (calendars[theirs], slow)):
            message = (
                f"{fast} on {ours} may be slower than {slow} on {theirs}, which the same tickets have at "
                f"sla.targets.{place}; targets by name are faster only"
            )
            refused.add((*path, str(clock)), message, f"promise at most {slow}, on {theirs} or around the clock")
            return


def _pairs(named: CalendarChoice, usual: CalendarChoice) -> Iterator[tuple[str, str]]:
    """Yield which two calendars one ticket can have."""
    if named.by == usual.by:
        for value in sorted({*named.map, *usual.map}):
            yield named.map.get(value, named.default), usual.map.get(value, usual.default)
        yield named.default, usual.default
        return
    for ours in (named.default, *named.map.values()):
        yield from ((ours, theirs) for theirs in (usual.default, *usual.map.values()))


def _is_slower(named: tuple[Calendar, Span], usual: tuple[Calendar, Span]) -> bool:
    """True when ``named`` falls due later than ``usual`` from some hour of the week."""
    (calendar, fast), (_, slow) = named, usual
    if never_closes(calendar) and not fast.days and fast.time <= slow.time:
        return False  # no calendar can be sooner with as much open time or more
    try:
        return any(calendar.deadline(at, fast) > usual[0].deadline(at, slow) for at in _WEEK)
    except OverflowError:  # longer than any calendar reaches
        return False
