"""Moments as Jira writes them: in the reading account's zone, offset without a colon."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

SECOND = timedelta(seconds=1)
MILLI = timedelta(milliseconds=1)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floor_ms(moment: datetime) -> datetime:
    """Cut to milliseconds, the vendor's resolution."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def millis(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return (moment - EPOCH) // MILLI


def stamp(moment: datetime, zone: tzinfo) -> str:
    """``2026-11-22T02:00:00.000+0100``."""
    return _without_colon(moment.astimezone(zone).isoformat(timespec="milliseconds"))


def read_stamp(text: str) -> datetime:
    """Read what a client sends for a date-time field: milliseconds, and an offset without a colon.

    Raises:
        ValueError: Another form, whatever ISO 8601 says of it.
    """
    if not SENT.fullmatch(text):
        raise ValueError(f"{text!r} is not of the form 2011-10-19T10:29:29.908+1100")
    return datetime.fromisoformat(text).astimezone(UTC)


def date_dto(moment: datetime, zone: tzinfo) -> dict[str, Any]:
    """A moment as the service desk API shows it, four ways at once."""
    local = moment.astimezone(zone)
    return {
        "iso8601": _without_colon(local.isoformat(timespec="seconds")),
        "jira": _without_colon(local.isoformat(timespec="milliseconds")),
        "friendly": _in_words(local),
        "epochMillis": millis(moment),
    }


def _without_colon(text: str) -> str:
    return text[:-3] + text[-2:]


def _in_words(local: datetime) -> str:
    """``23/Nov/26 9:00 AM``."""
    half = "AM" if local.hour < 12 else "PM"
    day = f"{local.day}/{MONTHS[local.month - 1]}/{local.year % 100:02d}"
    return f"{day} {local.hour % 12 or 12}:{local.minute:02d} {half}"


def duration_dto(span: timedelta) -> dict[str, Any]:
    """A duration as the service desk API shows it; negative once overdue."""
    return {"millis": span // MILLI, "friendly": friendly(span)}


def friendly(span: timedelta) -> str:
    """``4h``, ``57h 51m``, ``-36m``."""
    sign = "-" if span < timedelta(0) else ""
    minutes = abs(span) // timedelta(minutes=1)
    hours, rest = divmod(minutes, 60)
    parts = [f"{sign}{hours}h"] if hours else []
    if rest or not hours:
        parts.append(f"{sign}{rest}m")
    return " ".join(parts)
