"""Values made safe for a text, and the filters that templates have: moments and lengths for a reader."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_skeleton, format_time, format_timedelta, get_timezone_name

from connector.domain.invisible import HIDING, TURNING

MAX_VALUE = 200
_INVISIBLE = re.compile(f"[{TURNING}{HIDING}]")
_DROPPED = frozenset({"Cc", "Cs", "Co", "Cn"})
_LENGTH = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
Unit = Literal["day", "hour", "minute", "second"]
_UNITS: tuple[Unit, ...] = ("day", "hour", "minute", "second")


def clean(value: object) -> str:
    """Return ``value`` as one harmless line of at most ``MAX_VALUE`` characters.

    Control, bidirectional, invisible, tag and unassigned characters are removed; white space becomes single spaces,
    a line's end a semicolon.
    """
    lines = (" ".join(line.split()) for line in str(value).splitlines())
    shown = _INVISIBLE.sub("", "; ".join(filter(None, lines)))
    text = "".join(character for character in shown if unicodedata.category(character) not in _DROPPED)
    text = " ".join(text.split())
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1].rstrip()}…"


def tell_moment(value: str, *, locale: Locale, zone: ZoneInfo) -> str:
    """Return an ISO moment as ``Mon, Nov 23, 17:00 CET`` in the reader's language; other text stays as it is."""
    try:
        at = datetime.fromisoformat(value).astimezone(zone)
    except ValueError:
        return value
    day = format_skeleton("MMMEd", at, tzinfo=zone, locale=locale)
    return f"{day}, {format_time(at, 'short', tzinfo=zone, locale=locale)} {_zone_name(at, locale)}"


def _zone_name(at: datetime, locale: Locale) -> str:
    """Return ``MEZ`` where the language has a name of its own, else the zone's usual one, else ``UTC+01:00``."""
    names = (get_timezone_name(at, width="short", locale=locale), at.tzname() or "")
    return next((name for name in names if name.isalpha()), f"UTC{at.isoformat()[-6:]}")


def tell_length(value: str, *, locale: Locale) -> str:
    """Return a length such as ``1h30m`` in the reader's language; other text stays as it is."""
    match = _LENGTH.fullmatch(value)
    if not match or not any(match.groups()):
        return value
    counts = zip(match.groups(), _UNITS, strict=True)
    return " ".join(_count(int(n), unit, locale) for n, unit in counts if n and int(n)) or _count(0, "minute", locale)


def _count(count: int, unit: Unit, locale: Locale) -> str:
    """Return ``8 Stunden``; the threshold keeps babel from changing the unit."""
    length = timedelta(**{f"{unit}s": count})
    return format_timedelta(length, granularity=unit, threshold=1e9, locale=locale)
