"""Reading of transcribed cases: the calendars that they name or spell out."""

from __future__ import annotations

from datetime import date
from typing import Any

from connector.domain.calendar import Calendar
from connector.domain.calendar_hours import DatedHours, stretches, week

Case = dict[str, Any]


def _dated(listed: dict[str, list[list[str]]]) -> DatedHours:
    return tuple(
        (date.fromisoformat(day), stretches("-".join(pair) for pair in pairs)) for day, pairs in listed.items()
    )


def calendar_of(facts: Case, case: Case) -> Calendar:
    """The calendar that a case names or spells out."""
    said = case["calendar"] if isinstance(case["calendar"], dict) else facts["calendars"][case["calendar"]]
    return Calendar(
        name="fact",
        timezone=said["tz"],
        hours=week({day: ["-".join(pair) for pair in pairs] for day, pairs in said["hours"].items()}),
        holidays=frozenset(date.fromisoformat(day) for day in said.get("holidays", ())),
        breaks=_dated(said.get("breaks", {})),
        dated_hours=_dated(said.get("shifts", {})),
    )
