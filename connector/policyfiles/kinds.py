"""Kinds of value in policy documents: how people write them → the domain's own values."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from connector.documents import closest, read_duration
from connector.domain.policy import Mark, Span
from connector.domain.ticket import Priority, Status

_SPAN = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?")
_PERCENT = re.compile(r"(\d{1,4})\s?%")
_BEFORE = re.compile(r"before\s+(\S.*)")

STATUS_WORDS = {**{status.value: status for status in Status}, "resolved": Status.SOLVED}
PAUSING = frozenset({Status.WAITING_CUSTOMER, Status.WAITING_OUTSIDE})


def _read_priority(value: Any) -> Priority:
    if isinstance(value, Priority):
        return value
    name = str(value).strip().upper()
    if name not in Priority.__members__:
        raise ValueError(f"{value!r} is no priority; use P1, P2, P3 or P4")
    return Priority[name]


def _read_span(value: Any) -> Span:
    if isinstance(value, Span):
        return value
    match = _SPAN.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if not match or not any(match.groups()):
        raise ValueError(f"{value!r} is not a length of business time; write 30m, 4h, 1h30m or 3d (working days)")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    if not days + hours + minutes:
        raise ValueError("must be longer than nothing")
    return Span(days=days, time=timedelta(hours=hours, minutes=minutes))


def _read_open_time(value: Any) -> timedelta:
    if isinstance(value, str) and "d" in value:
        raise ValueError(f"{value!r}: a level's time has no days, because open days differ in length; write hours")
    length = read_duration(value)
    if not length:
        raise ValueError("must be longer than nothing")
    return length


def _read_positive(value: Any) -> timedelta:
    length = read_duration(value)
    if not length:
        raise ValueError("must be longer than nothing")
    return length


def _read_status(value: Any) -> Status:
    if isinstance(value, Status):
        return value
    status = STATUS_WORDS.get(str(value).strip().lower())
    if status is None:
        raise ValueError(f"{value!r} is no status; {closest(str(value), STATUS_WORDS)}")
    return status


def _read_pausing(value: Any) -> Status:
    status = _read_status(value)
    if status not in PAUSING:
        raise ValueError(f"{status} never pauses a clock; only waiting_customer and waiting_outside do")
    return status


def _read_date(value: Any) -> date:
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is no date; write 2026-12-24") from None


def read_mark(value: Any) -> Mark:
    """Read ``75%`` or ``before 30m``.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, Mark):
        return value
    text = str(value).strip()
    if match := _PERCENT.fullmatch(text):
        if not 0 < int(match[1]) <= 1000:
            raise ValueError(f"{text} is out of range; use 1% to 1000%")
        return Mark(percent=int(match[1]))
    if match := _BEFORE.fullmatch(text):
        return Mark(before=_read_positive(match[1]))
    raise ValueError(f"{text!r} is no mark; write 75% or before 30m")


_LENGTH = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$"

PriorityName = Annotated[
    Priority, BeforeValidator(_read_priority), WithJsonSchema({"type": "string", "enum": list(Priority.__members__)})
]
SpanText = Annotated[
    Span, BeforeValidator(_read_span), WithJsonSchema({"type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?$"})
]
"""A length of business time; ``3d`` are working days of the calendar it is read on."""

OpenTime = Annotated[
    timedelta, BeforeValidator(_read_open_time), WithJsonSchema({"type": "string", "pattern": _LENGTH})
]
"""A length of open time without days."""

Positive = Annotated[
    timedelta,
    BeforeValidator(_read_positive),
    WithJsonSchema({"type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$"}),
]
"""A length of wall time above zero."""

StatusName = Annotated[
    Status, BeforeValidator(_read_status), WithJsonSchema({"type": "string", "enum": [*STATUS_WORDS]})
]
PausingStatus = Annotated[
    Status, BeforeValidator(_read_pausing), WithJsonSchema({"type": "string", "enum": sorted(PAUSING)})
]
DateText = Annotated[
    date, BeforeValidator(_read_date), WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
]
MarkText = Annotated[
    Mark, BeforeValidator(read_mark), WithJsonSchema({"type": "string", "pattern": "^([0-9]+ ?%|before .+)$"})
]
