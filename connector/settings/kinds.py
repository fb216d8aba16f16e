"""Kinds of value that may be written in one way only, as what a number was meant to be cannot be told from it."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

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


Moment = Annotated[AwareDatetime, BeforeValidator(_read_moment)]
"""Date and time with an offset, such as ``2026-12-01T09:00+01:00``."""

Day = Annotated[date, BeforeValidator(_read_day)]
"""A date, such as ``2026-12-01``."""
