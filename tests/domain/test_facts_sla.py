"""SLA clocks of three public systems, each family under a policy of ours that says what that system does.

The sources keep some moments in fields that they set independently of one another, even out of order; so each of our
clocks is shown the events that its counterpart is computed from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from connector.domain.calendar_hours import Span
from connector.domain.clocks import ClockReading, SegmentKind
from connector.domain.events import TicketEvent
from connector.domain.policy import CalendarChoice, Mark, Policy, Reopen, Target, Threshold
from connector.domain.ticket import ClockName, Priority, Status
from tests.domain.fact_values import Case, calendar_of
from tests.domain.sla_values import (
    CUSTOMER,
    FIRST,
    RESOLUTION,
    UPDATE,
    clocks,
    created,
    policy,
    says,
    situation,
    status,
)

NEEDS_OPTION = MappingProxyType(
    {
        ("sla035", "escalation"): "a mark so many working days after the deadline; ours are shares or lead times",
        ("sla037", "due_first_response"): "a target that ends with the working day it falls on",
        ("sla037", "escalation"): "a lead time in working days, from such a target",
        ("sla039", "due_first_response"): "a target that ends with the working day it falls on",
        ("sla039", "escalation"): "a mark after such a target",
    }
)
"""(case, expectation) that rest on something that our policies cannot say, with what it is."""

STATUSES = {
    "new": Status.NEW,
    "open": Status.OPEN,
    "pending": Status.WAITING_CUSTOMER,
    "replied(paused)": Status.WAITING_CUSTOMER,
    "closed": Status.SOLVED,
    "resolved": Status.SOLVED,
}
MINUTE = timedelta(minutes=1)
PAUSES_RESOLUTION_ONLY = {FIRST: frozenset[Status](), UPDATE: frozenset[Status]()}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _target_span(case: Case, clock: ClockName) -> Span | None:
    minutes, days = case["targets_min"].get(str(clock)), case["targets_min"].get(f"{clock}_days")
    if days:
        return Span(days=days)
    return Span(time=minutes * MINUTE) if minutes else None


def _mark(case: Case) -> Mark:
    """`-10min` is a lead time; `+10h` on a target of 4 h is 350 %; an offset in working days we cannot say."""
    offset = re.match(r"([+-])(\d+)(m|h)", case["expected"].get("escalation", {}).get("offset", ""))
    if not offset:
        return Mark(percent=100)
    amount = Span.parse(offset[2] + offset[3]).time
    if offset[1] == "-":
        return Mark(before=amount)
    length = _target_span(case, _escalating(case))
    return Mark(percent=100 + round(100 * amount / length.time) if length and length.time else 100)


def _escalating(case: Case) -> ClockName:
    return RESOLUTION if any(name.startswith("resolution") for name in case["targets_min"]) else FIRST


def policy_of(facts: Case, case: Case) -> Policy:
    """The policy of a case's family: what pauses, and that a reopening resumes whenever it comes."""
    durations = {clock: span for clock in ClockName if (span := _target_span(case, clock))}
    per_clock = PAUSES_RESOLUTION_ONLY if "glpi" in case["source"]["repo"] else {}
    return policy(
        Target(calendar=CalendarChoice(default="fact"), durations=durations, priority=Priority.P2),
        calendar=calendar_of(facts, case),
        thresholds=tuple(Threshold(clock=clock, mark=_mark(case)) for clock in ClockName),
        reopen=Reopen(within=Span(days=1000)),
        pause_on_by_clock=per_clock,
    )


def _status_events(told: Case) -> Iterator[TicketEvent]:
    moment = at(told["at"])
    yield status(moment, STATUSES[told["status"]])
    if told["status"] == "replied(paused)":
        yield says(moment)


def _paused_events(told: Case) -> Iterator[TicketEvent]:
    moment = at(told["at"])
    yield status(moment, Status.WAITING_CUSTOMER)
    yield status(moment + timedelta(seconds=told["seconds"]), Status.OPEN)


TRANSLATED: dict[str, Callable[[Case], Iterable[TicketEvent]]] = {
    "created": lambda told: (created(at(told["at"]), STATUSES[told.get("status", "open")]),),
    "status": _status_events,
    "closed": lambda told: (status(at(told["at"]), Status.SOLVED),),
    "paused_total_seconds": _paused_events,
    "customer_message": lambda told: (says(at(told["at"]), CUSTOMER),),
    "agent_message": lambda told: (says(at(told["at"])),),
    "first_response": lambda told: (says(at(told["at"])),),
    "priority_changed": lambda _: (),
}


def _unseen(case: Case, clock: ClockName) -> frozenset[str]:
    """Kinds of events that the counterpart of a clock is not computed from."""
    if clock is not FIRST:
        return frozenset({"first_response"} if clock is RESOLUTION else {"first_response", "closed"})
    states_it = any(told["type"] == "first_response" for told in case["events"])
    return frozenset({"closed", "agent_message" if states_it else ""})


def _events_for(case: Case, clock: ClockName) -> tuple[TicketEvent, ...]:
    unseen = _unseen(case, clock)
    seen = (told for told in case["events"] if told["type"] not in unseen)
    return tuple(event for told in seen for event in TRANSLATED[told["type"]](told))


class Told:
    """A case with its readings, by default at its last event."""

    def __init__(self, facts: Case, case: Case) -> None:
        self.case, self.policy = case, policy_of(facts, case)
        self.end = max(at(case["expected"].get("at", e["at"])) for e in case["events"])
        changed = any(e["type"] == "priority_changed" for e in case["events"])
        self.priority = None if changed else Priority.P2

    def read(self, clock: ClockName, now: datetime | None = None) -> ClockReading:
        events = _events_for(self.case, clock)
        end = now or max(self.end, *(e.at for e in events))
        told = situation(*(e for e in events if e.at <= end))
        return clocks(told, self.policy, end, priority=self.priority)[clock]

    def due(self, clock: ClockName) -> datetime | None:
        """The deadline, cut to the whole minute where the source does so."""
        deadline = self.read(clock).deadline
        cut = "seconds_truncated" in self.case["tags"]
        return deadline.replace(second=0) if cut and deadline else deadline

    def minutes(self, clock: ClockName) -> float | None:
        """Minutes used when the clock was met; of an update clock, those of the last answer."""
        answers = [at(e["at"]) for e in self.case["events"] if e["type"] == "agent_message"]
        reading = self.read(clock, max(answers) if clock is UPDATE and answers else None)
        return reading.elapsed / MINUTE if reading.met_at else None

    def slack(self, clock: ClockName) -> float | None:
        used, span = self.minutes(clock), _target_span(self.case, clock)
        return None if used is None or span is None else span.time / MINUTE - used


def _moment(value: str | None) -> datetime | None:
    return at(value) if value else None


def _next_due(told: Told) -> datetime | None:
    return min((due for clock in ClockName if (due := told.due(clock))), default=None)


def _state(told: Told) -> str:
    first, resolution = told.read(FIRST), told.read(RESOLUTION)
    if resolution.met_at:
        return "failed" if resolution.breached else "fulfilled"
    if resolution.paused:
        return "paused"
    if resolution.breached:
        return "failed"
    return "resolution_due" if first.met_at else "first_response_due"


def _paused_seconds(told: Told) -> float:
    reading, calendar = told.read(_escalating(told.case)), told.policy.calendars["fact"]
    paused = (calendar.elapsed(s.start, s.end) for s in reading.segments if s.kind is SegmentKind.PAUSED)
    return sum(paused, timedelta()).total_seconds()


def _escalates(told: Told, wanted: Case) -> bool:
    (crossing,) = told.read(_escalating(told.case)).crossings
    return crossing.at == at(wanted["at"])


def _windows_hold(told: Told, wanted: list[list[str | float]]) -> bool:
    segments = [s for s in told.read(RESOLUTION).segments if s.kind is SegmentKind.RUNNING]
    elapsed = told.policy.calendars["fact"].elapsed

    def counted(start: datetime, end: datetime) -> float:
        cut = [(max(s.start, start), min(s.end, end)) for s in segments]
        return sum(elapsed(a, b) / MINUTE for a, b in cut if a < b)

    return all(counted(at(str(a)), at(str(b))) == minutes for a, b, minutes in wanted)


CHECKS: dict[str, Callable[[Told, object], bool]] = {
    **{f"due_{c}": lambda t, v, c=c: t.due(c) == _moment(v) for c in ClockName},
    **{f"{c}_min": lambda t, v, c=c: t.minutes(c) == v for c in ClockName},
    **{f"{c}_slack_min": lambda t, v, c=c: t.slack(c) == v for c in ClockName},
    "next_due": lambda t, v: _next_due(t) == _moment(v),
    "first_response_at": lambda t, v: t.read(FIRST).met_at == _moment(v),
    "first_response_late_seconds": lambda t, v: t.read(FIRST).breached is (v is not None),
    "resolution_seconds": lambda t, v: t.read(RESOLUTION).elapsed.total_seconds() == v,
    "paused_seconds": lambda t, v: _paused_seconds(t) == v,
    "escalation": _escalates,
    "state": lambda t, v: _state(t) == v,
    "open_min_in_window": _windows_hold,
    "at": lambda t, v: t.end == _moment(v),
}


def _facts(shared: Path) -> Case:
    facts: Case = json.loads((shared / "data/facts/sla_cases.json").read_text(encoding="utf-8"))
    return facts


def test_every_sla_fact_holds_under_a_policy_for_its_family(shared: Path) -> None:
    facts = _facts(shared)
    wrong = [
        (case["id"], name)
        for case in facts["cases"]
        for name, value in case["expected"].items()
        if (case["id"], name) not in NEEDS_OPTION and not CHECKS[name](Told(facts, case), value)
    ]
    assert wrong == []
    assert len(facts["cases"]) >= 37


def test_what_needs_an_option_that_we_lack_does_need_it(shared: Path) -> None:
    facts = _facts(shared)
    cases = {case["id"]: case for case in facts["cases"]}
    for case_id, name in NEEDS_OPTION:
        case = cases[case_id]
        assert not CHECKS[name](Told(facts, case), case["expected"][name]), (case_id, name)
