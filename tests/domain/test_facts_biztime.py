"""Business-time answers of five public systems, under our own conventions where theirs differ.

Exactly at closing time ours is the closing time; a case tagged `next_open` is compared as the opening that follows.
Backwards in time ours is negative; a source that reports nothing there is compared at nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connector.domain.calendar import Calendar
from connector.domain.calendar_hours import Hours
from connector.domain.calendar_table import wall_instant
from tests.domain.fact_values import Case, calendar_of

NO_NEGATIVE_TIME = ("glpi-project/glpi", "zendesk/biz")


def _at(case: Case, name: str) -> datetime:
    return datetime.fromisoformat(case[name])


def _time(case: Case) -> timedelta:
    return timedelta(seconds=case["seconds"])


def _settled(calendar: Calendar, case: Case, answer: datetime) -> datetime:
    return calendar.next_open(answer) if case.get("boundary") == "next_open" else answer


def _add(calendar: Calendar, case: Case) -> bool:
    return _settled(calendar, case, calendar.add(_at(case, "start"), _time(case))) == _at(case, "expected")


def _sub(calendar: Calendar, case: Case) -> bool:
    return calendar.subtract(_at(case, "start"), _time(case)) == _at(case, "expected")


def _days(sign: int) -> Callable[[Calendar, Case], bool]:
    def check(calendar: Calendar, case: Case) -> bool:
        reached = calendar.add_days(_at(case, "start"), sign * case["days"])
        answer = calendar.day_close(reached) if case.get("end_of_working_day") else reached
        return answer == _at(case, "expected")

    return check


def _elapsed(calendar: Calendar, case: Case) -> bool:
    passed = calendar.elapsed(_at(case, "start"), _at(case, "end"))
    if passed < timedelta() and case["source"]["repo"] in NO_NEGATIVE_TIME:
        passed = timedelta()
    return passed == timedelta(seconds=case["expected_seconds"])


def _is_open(calendar: Calendar, case: Case) -> bool:
    return calendar.is_open(_at(case, "at")) == case["expected"]


def _closed_for(reason: str) -> Callable[[Calendar, Case], bool]:
    return lambda calendar, case: (calendar.closed_because(_at(case, "at")) == reason) == case["expected"]


def _pairs(case: Case) -> list[tuple[datetime, datetime]]:
    return [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in case["expected"]]


def _after(calendar: Calendar, case: Case) -> bool:
    wanted, origin = _pairs(case), _at(case, "origin")
    return list(calendar.windows(origin, origin + timedelta(days=60)))[: len(wanted)] == wanted


def _before(calendar: Calendar, case: Case) -> bool:
    wanted, origin = _pairs(case), _at(case, "origin")
    return list(calendar.windows(origin - timedelta(days=60), origin))[::-1][: len(wanted)] == wanted


CHECKS: dict[str, Callable[[Calendar, Case], bool]] = {
    "add": _add,
    "sub": _sub,
    "add_business_days": _days(+1),
    "sub_business_days": _days(-1),
    "elapsed": _elapsed,
    "is_open": _is_open,
    "on_break": _closed_for("break"),
    "on_holiday": _closed_for("holiday"),
    "open_periods_after": _after,
    "open_periods_before": _before,
}


def _local_to_utc(case: Case) -> bool:
    day, minutes = date.fromisoformat(case["date"]), Hours.parse(f"00:00-{case['time']}").end
    wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes)
    return wall_instant(wall, ZoneInfo(case["calendar"]["tz"])) == _at(case, "expected")


def _holds(facts: Case, case: Case) -> bool:
    if case["op"] == "local_to_utc":
        return _local_to_utc(case)
    return CHECKS[case["op"]](calendar_of(facts, case), case)


def test_every_business_time_fact_holds(shared: Path) -> None:
    facts = json.loads((shared / "data/facts/biztime_cases.json").read_text(encoding="utf-8"))
    wrong = [case["id"] for case in facts["cases"] if not _holds(facts, case)]
    assert wrong == []
    assert len(facts["cases"]) >= 113


@pytest.mark.parametrize("op", sorted(CHECKS))
def test_every_kind_of_question_is_asked(shared: Path, op: str) -> None:
    facts = json.loads((shared / "data/facts/biztime_cases.json").read_text(encoding="utf-8"))
    assert any(case["op"] == op for case in facts["cases"])
