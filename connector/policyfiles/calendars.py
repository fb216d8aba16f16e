"""Calendars of the policy file → domain calendars, public holidays expanded to dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from zoneinfo import available_timezones

from connector.documents import KeyPath, Refused, closest
from connector.domain.calendar import Calendar
from connector.domain.calendar_hours import WEEKDAYS, DatedHours, Hours, Week, stretches
from connector.domain.calendar_table import zone_named
from connector.policyfiles.model import CalendarFile, HolidaysFile, Stretches

_YEARS = (-1, 0, 1, 2)
_FAR = 10
_LANGUAGE = "en_US"


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What calendars are made with: today's date, the default zone, and where problems go."""

    today: date
    timezone: str
    refused: Refused


def build_calendars(files: Mapping[str, CalendarFile], making: Making) -> dict[str, Calendar]:
    """Return every calendar that is right; the problems of the others are noted."""
    built = {name: _calendar(name, file, making) for name, file in files.items()}
    return {name: calendar for name, calendar in built.items() if calendar is not None}


def never_closes(calendar: Calendar) -> bool:
    """True when the calendar is open at every instant."""
    whole = all(_covers_day(day) for day in calendar.hours)
    return whole and not (calendar.holidays or calendar.breaks or calendar.dated_hours)


def _covers_day(hours: tuple[Hours, ...]) -> bool:
    reached = 0
    for stretch in hours:
        if stretch.start > reached:
            return False
        reached = stretch.end
    return reached >= 24 * 60


def _calendar(name: str, file: CalendarFile, making: Making) -> Calendar | None:
    path: KeyPath = ("calendars", name)
    hours = _week(file.hours, (*path, "hours"), making.refused)
    dated = _dated(file.dates, (*path, "dates"), making.refused)
    breaks = _dated(file.breaks, (*path, "breaks"), making.refused)
    holidays = _holidays(file.holidays, (*path, "holidays"), making)
    if hours is None or dated is None or breaks is None or holidays is None:
        return None
    _hours_on_holidays(file, (*path, "dates"), making.refused)
    if not _has_zone(file, path, making):
        return None
    try:
        return Calendar(
            name=name,
            timezone=file.timezone or making.timezone,
            hours=hours,
            holidays=holidays,
            breaks=breaks,
            dated_hours=dated,
        )
    except ValueError as error:
        never = "never opens" in str(error)
        message, remedy = ("never opens", "give it open hours") if never else (str(error), "")
        making.refused.add((*path, "hours"), message, remedy)
        return None


def _has_zone(file: CalendarFile, path: KeyPath, making: Making) -> bool:
    """True when the zone is one; a wrong default one is noted where it stands, not once more for every calendar."""
    if file.timezone is not None:
        return check_zone(file.timezone, (*path, "timezone"), making.refused)
    return _is_zone(making.timezone)


def check_zone(name: str, path: KeyPath, refused: Refused) -> bool:
    """Note a name that is no time zone; True for one that is."""
    if not _is_zone(name):
        remedy = closest(name, available_timezones()) or "use a name such as Europe/Berlin"
        refused.add(path, f"{name!r} is not a time zone of the IANA database", remedy)
        return False
    return True


def _is_zone(name: str) -> bool:
    try:
        zone_named(name)
    except ValueError:
        return False
    return True


def _week(hours: Mapping[str, Stretches], path: KeyPath, refused: Refused) -> Week | None:
    week: dict[str, tuple[Hours, ...]] = {}
    before = len(refused.problems)
    for days, texts in hours.items():
        try:
            found = stretches(texts)
            named = tuple(_days(days))
        except ValueError as error:
            refused.add((*path, days), str(error))
            continue
        for day in named:
            if day in week:
                refused.add((*path, days), f"gives {day} hours a second time", "name every day once")
            week[day] = found
    return tuple(week.get(day, ()) for day in WEEKDAYS) if len(refused.problems) == before else None


def _days(text: str) -> Iterator[str]:
    for part in text.replace(" ", "").lower().split(","):
        first, _, last = part.partition("-")
        for day in (first, last or first):
            if day not in WEEKDAYS:
                raise ValueError(f"{day!r} is no day of the week; {closest(day, WEEKDAYS)}")
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        yield from (WEEKDAYS[n % 7] for n in range(start, (end if end >= start else end + 7) + 1))


def _dated(dates: Mapping[date, Stretches], path: KeyPath, refused: Refused) -> DatedHours | None:
    built: list[tuple[date, tuple[Hours, ...]]] = []
    for day, texts in sorted(dates.items()):
        try:
            built.append((day, stretches(texts)))
        except ValueError as error:
            refused.add((*path, day.isoformat()), str(error))
    return tuple(built) if len(built) == len(dates) else None


def _hours_on_holidays(file: CalendarFile, path: KeyPath, refused: Refused) -> None:
    """Note hours of single dates that nobody would keep, because holidays are stronger; each in its own year."""
    for day, hours in sorted(file.dates.items()):
        if file.holidays and hours and (remedy := _why_closed(day, file.holidays)):
            refused.add((*path, day.isoformat()), "is a holiday, on which the calendar stays closed", remedy)


def _why_closed(day: date, file: HolidaysFile) -> str:
    """Return how a date would be open although it is a holiday; nothing where it is none."""
    if day in file.add:
        return "take it out of holidays.add"
    held = public_holidays(file.country.upper(), file.subdiv, (day.year,)).get(day, ())
    removed = set(file.remove)
    return "add it to holidays.remove" if any(not _is_removed(day, holiday, removed) for holiday in held) else ""


def _holidays(file: HolidaysFile | None, path: KeyPath, making: Making) -> frozenset[date] | None:
    if file is None:
        return frozenset()
    years = tuple(making.today.year + shift for shift in _YEARS)
    try:
        named = public_holidays(file.country.upper(), file.subdiv, years)
    except LookupError as error:
        key, remedy = error.args
        making.refused.add((*path, key), f"{getattr(file, key)} is not known", remedy)
        return None
    for index, item in enumerate(file.remove):
        if not _names_one(item, named) and not _names_one(item, _around(item, file, making.today)):
            every = {name for _, holiday in _each(named) for name in holiday}
            making.refused.add((*path, "remove", index), f"{item} is no holiday there", closest(item, every))
    removed = set(file.remove)
    return frozenset({day for day, holiday in _each(named) if not _is_removed(day, holiday, removed)} | set(file.add))


def _around(item: str, file: HolidaysFile, today: date) -> Mapping[date, tuple[Holiday, ...]]:
    """Return the holidays among which one stands that today's years leave out: what was right once stays right.

    A date stands in its own year; a holiday that is not kept every year is looked for some years around.
    """
    try:
        years: tuple[int, ...] = (date.fromisoformat(item).year,)
    except ValueError:
        years = tuple(range(today.year - _FAR, today.year + _FAR + 1))
    return public_holidays(file.country.upper(), file.subdiv, years)


def _names_one(item: str, named: Mapping[date, tuple[Holiday, ...]]) -> bool:
    return any(_is_removed(day, holiday, {item}) for day, holiday in _each(named))


Holiday = tuple[str, ...]
"""The names of one holiday, in the local language and in English."""


def _each(named: Mapping[date, tuple[Holiday, ...]]) -> Iterator[tuple[date, Holiday]]:
    return ((day, holiday) for day, held in named.items() for holiday in held)


def _is_removed(day: date, holiday: Holiday, removed: set[str]) -> bool:
    """A holiday is removed by its date, or by its name together with the day on which it is observed."""
    return day.isoformat() in removed or any(name in removed or name.partition(" (")[0] in removed for name in holiday)


def _parts(country: str) -> Sequence[str]:
    """Return the parts of a country that have holidays of their own; raises ``LookupError`` for no country.

    The list of all countries loads each of them, so it is only made for who names a country in another way, or wrongly.
    """
    import holidays  # noqa: PLC0415  # slow to import, and only needed where a policy names a country

    if len(country) == 2 and country.isalpha() and (found := getattr(holidays, country, None)) is not None:
        return tuple(found.subdivisions)
    places: Mapping[str, list[str]] = holidays.list_supported_countries()
    if country not in places:
        raise LookupError("country", closest(country, places) or "use a two-letter country code such as DE")
    return places[country]


@lru_cache(maxsize=64)
def public_holidays(country: str, subdiv: str | None, years: tuple[int, ...]) -> Mapping[date, tuple[Holiday, ...]]:
    """Return the public holidays of a place by date.

    Raises:
        LookupError: with the key that is not known (``country`` or ``subdiv``) and a remedy.
    """
    import holidays  # noqa: PLC0415  # slow to import, and only needed where a policy names a country

    known = _parts(country)
    if subdiv is not None and subdiv not in known:
        raise LookupError("subdiv", f"use one of {', '.join(known)}" if known else "remove it")
    own = holidays.country_holidays(country, subdiv=subdiv).default_language  # else $LANG says: a service has another
    local, english = (
        holidays.country_holidays(country, subdiv=subdiv, years=years, language=language)
        for language in (own, _LANGUAGE)
    )
    return {day: tuple(zip(names.split("; "), english[day].split("; "), strict=False)) for day, names in local.items()}
