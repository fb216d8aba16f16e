"""Kinds of value that are taken more strictly here: what was meant must be plain, and no guard ends unnoticed."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from connector.documents import Duration

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\S.*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _read_moment(value: Any) -> Any:
    """Pass what may be a moment; pydantic would take a number, or digits, for seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _MOMENT.fullmatch(value.strip())):
        return value
    raise ValueError("is no moment; write one such as 2026-12-01T09:00+01:00")


def _read_day(value: Any) -> Any:
    """Pass what may be a date; pydantic would take seconds since 1970 and moments at midnight as well."""
    is_text = isinstance(value, str) and _DAY.fullmatch(value.strip())
    if is_text or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise ValueError("is no date; write one such as 2026-12-01")


def _longer_than_nothing(length: timedelta) -> timedelta:
    if not length:
        raise ValueError("must be longer than nothing; write 30s, 15m or 4h")
    return length


Moment = Annotated[AwareDatetime, BeforeValidator(_read_moment)]
"""Date and time with an offset, such as ``2026-12-01T09:00+01:00``."""

Day = Annotated[date, BeforeValidator(_read_day)]
"""A date, such as ``2026-12-01``."""

Length = Annotated[Duration, AfterValidator(_longer_than_nothing)]
"""A length of time that is waited for or counted in: one of nothing would switch off what it is for."""
