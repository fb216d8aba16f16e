"""No P1 or security ticket may wait for an office to open; what could make one wait is refused.

Any ticket may become P1 on the path that it is on, by an input, a trigger or a person. So on every path each level can
be reached at any hour: its calendar never closes, or it has a fallback, whom no calendar binds. Every SLA target that a
P1 ticket can get stands on a calendar that never closes; where one may get none, so does the policy's default. And a
path that starts at a threshold only needs one that a P1 ticket is sure to reach.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.documents import KeyPath, Refused
from connector.domain.calendar import Calendar
from connector.domain.policy import StartWhen
from connector.domain.ticket import Priority
from connector.policyfiles.calendars import never_closes
from connector.policyfiles.checks import Known
from connector.policyfiles.checks_sla import named_calendars
from connector.policyfiles.model import LevelFile, PolicyFile
from connector.policyfiles.model_sla import SlaTargetFile, Thresholds

_TARGETS: KeyPath = ("sla", "targets")


def check_sleep(file: PolicyFile, known: Known, refused: Refused) -> None:
    """Note every level, target and default by which a P1 or security ticket could sleep."""
    for name, levels in file.escalation.paths.items():
        for index, level in enumerate(levels):
            if level.fallback is None and _closes(level.calendar, known.calendars):
                why = _why(name, level, file)
                remedy = "take a calendar that never closes, add a fallback, or remove it"
                refused.add(("escalation", "paths", name, index, "calendar"), why, remedy)
    for index, target in enumerate(file.sla.targets):
        if _may_be_p1(target, file.sla.targets[:index]):
            _target(target, index, file, known, refused)
    if not any(_takes_every_p1(target) for target in file.sla.targets):
        _without_target(file, known, refused)
    _start(file, refused)


def _closes(name: str | None, calendars: Mapping[str, Calendar]) -> bool:
    return name is not None and name in calendars and not never_closes(calendars[name])


# ---- levels


def _why(path: str, level: LevelFile, file: PolicyFile) -> str:
    trigger = next((t for t in file.triggers if t.path == path and t.at_least), None)
    if trigger:
        return f"can sleep, and the trigger {trigger.name} sends {trigger.at_least} tickets here"
    if level is file.escalation.paths[path][-1]:
        return "the last level can sleep, so that nobody may be reachable"
    return "can sleep, and a ticket on this path may be or become P1"


# ---- targets


def _target(target: SlaTargetFile, index: int, file: PolicyFile, known: Known, refused: Refused) -> None:
    path: KeyPath = (*_TARGETS, index, "calendar")
    for at, name in named_calendars(target.calendar, file.defaults.calendar, path, refused):
        if _closes(name, known.calendars):
            message = f"{name} closes, so that a P1 ticket can sleep"
            refused.add(at, message, "give P1 a target of its own on a calendar that never closes")


def _may_be_p1(target: SlaTargetFile, earlier: tuple[SlaTargetFile, ...]) -> bool:
    return target.priority is Priority.P1 or (
        target.priority is None and not any(_takes_every_p1(other) for other in earlier)
    )


def _takes_every_p1(target: SlaTargetFile) -> bool:
    return target.priority in {None, Priority.P1} and not (target.when or target.targets)


def _without_target(file: PolicyFile, known: Known, refused: Refused) -> None:
    if _closes(file.defaults.calendar, known.calendars):
        message = f"leave P1 tickets to the default calendar {file.defaults.calendar}, which closes: they can sleep"
        refused.add(_TARGETS, message, "add {priority: P1, …} on a calendar that never closes")


# ---- start


def _start(file: PolicyFile, refused: Refused) -> None:
    start = file.escalation.start
    if start.get("P1", start.get("else")) is StartWhen.AT_ONCE:
        return
    escalating = [clock for clock, marks in file.sla.thresholds.items() if _escalates(marks)]
    possible = [t for n, t in enumerate(file.sla.targets) if _may_be_p1(t, file.sla.targets[:n])]
    is_covered = any(_takes_every_p1(target) for target in possible)
    if not is_covered or not all(any(getattr(t, clock) for clock in escalating) for t in possible):
        message = "a P1 ticket waits for a threshold that it may never reach, so that nobody is called"
        refused.add(("escalation", "start"), message, "write P1: at_once")


def _escalates(marks: Thresholds) -> bool:
    actions = marks.values() if isinstance(marks, Mapping) else marks
    return any(action.escalate_to for action in actions)
