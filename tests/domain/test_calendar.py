"""Business calendars by example: one row, one rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from connector.domain.calendar import Calendar
from connector.domain.calendar_hours import Hours, Span, week

WEEK = ("mon", "tue", "wed", "thu", "fri")
OFFICE = Calendar(
    name="office",
    timezone="Europe/Berlin",
    hours=week(dict.fromkeys(WEEK, ("09:00-12:30", "13:15-18:00"))),
    holidays=frozenset({date(2026, 12, 25), date(2026, 12, 28)}),
    breaks=((date(2026, 11, 24), (Hours.parse("10:00-11:00"),)),),
    dated_hours=((date(2026, 12, 24), (Hours.parse("09:00-12:00"),)),),
)
NIGHTS = Calendar(name="nights", timezone="Europe/Berlin", hours=week(dict.fromkeys(WEEK, ("22:00-06:00",))))
ALWAYS = Calendar.always()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def only(zone: str, day: str, hours: str) -> Calendar:
    return Calendar(name="one", timezone=zone, hours=week({day: [hours]}))


@pytest.mark.parametrize(
    ("calendar", "start", "span", "deadline"),
    [
        pytest.param(OFFICE, "2026-11-23T08:00", "30m", "2026-11-23T08:30", id="inside-the-hours"),
        pytest.param(OFFICE, "2026-11-23T11:00", "1h", "2026-11-23T12:45", id="over-lunch"),
        pytest.param(OFFICE, "2026-11-23T16:00", "1h", "2026-11-23T17:00", id="exactly-at-closing-is-the-closing-time"),
        pytest.param(OFFICE, "2026-11-23T16:00", "1h1m", "2026-11-24T08:01", id="a-minute-more-is-tomorrow"),
        pytest.param(OFFICE, "2026-11-20T17:00", "4h", "2026-11-23T12:45", id="after-closing-on-friday-is-monday"),
        pytest.param(OFFICE, "2026-11-21T12:00", "0m", "2026-11-23T08:00", id="no-time-at-all-is-the-next-opening"),
        pytest.param(OFFICE, "2026-11-24T08:30", "1h", "2026-11-24T10:30", id="a-break-does-not-count"),
        pytest.param(OFFICE, "2026-12-23T17:00", "3h", "2026-12-24T11:00", id="short-hours-of-one-date"),
        pytest.param(OFFICE, "2026-12-24T10:00", "2h", "2026-12-29T09:00", id="holidays-and-weekend-are-closed"),
        pytest.param(OFFICE, "2026-11-23T13:00", "3d", "2026-11-26T13:00", id="three-working-days-same-wall-time"),
        pytest.param(OFFICE, "2026-12-23T13:00", "2d", "2026-12-29T13:00", id="working-days-skip-holidays"),
        pytest.param(OFFICE, "2026-12-23T13:00", "1d", "2026-12-29T08:00", id="past-that-days-close-is-next-opening"),
        pytest.param(OFFICE, "2026-11-20T18:30", "1d", "2026-11-24T08:00", id="arrived-in-the-evening-is-next-morning"),
        pytest.param(OFFICE, "2026-11-23T13:00", "1d 2h", "2026-11-24T15:00", id="days-first-then-hours"),
        pytest.param(
            OFFICE, "2026-11-23T16:00", "1d 2h", "2026-11-25T09:00", id="hours-after-days-run-on-the-calendar"
        ),
        pytest.param(OFFICE, "2026-03-27T13:00", "1d", "2026-03-30T12:00", id="same-wall-time-over-spring-change"),
        pytest.param(OFFICE, "2026-10-23T12:00", "1d", "2026-10-26T13:00", id="same-wall-time-over-autumn-change"),
        pytest.param(
            NIGHTS, "2026-11-28T02:00", "1d", "2026-12-01T02:00", id="friday-night-plus-a-day-is-monday-night"
        ),
        pytest.param(NIGHTS, "2026-11-27T20:00", "8h", "2026-11-28T05:00", id="a-whole-night-ends-at-its-close"),
        pytest.param(NIGHTS, "2026-11-28T04:00", "2h", "2026-11-30T22:00", id="a-night-goes-on-after-the-weekend"),
        pytest.param(ALWAYS, "2026-11-21T12:00", "4h", "2026-11-21T16:00", id="always-is-plain-time"),
        pytest.param(ALWAYS, "2026-11-21T12:00", "2d", "2026-11-23T12:00", id="always-has-seven-working-days"),
    ],
)
def test_deadline(calendar: Calendar, start: str, span: str, deadline: str) -> None:
    assert calendar.deadline(utc(start), Span.parse(span)) == utc(deadline)


@pytest.mark.parametrize(
    ("zone", "hours", "near", "window"),
    [
        pytest.param("Europe/Berlin", "01:00-02:30", "2026-03-29", ("00:00", "01:00"), id="skipped-end-is-the-change"),
        pytest.param(
            "Europe/Berlin", "02:30-05:00", "2026-03-29", ("01:00", "03:00"), id="skipped-start-is-the-change"
        ),
        pytest.param("Europe/Berlin", "02:10-02:50", "2026-03-29", None, id="wholly-skipped-does-not-open"),
        pytest.param(
            "Europe/Berlin", "01:00-02:30", "2026-10-25", ("23:00-1", "01:00"), id="repeated-end-is-the-change"
        ),
        pytest.param(
            "Europe/Berlin", "02:30-05:00", "2026-10-25", ("01:00", "04:00"), id="repeated-start-is-the-change"
        ),
        pytest.param("Europe/Berlin", "01:00-02:00", "2026-10-25", ("23:00-1", "00:00"), id="up-to-the-first-of-two"),
        pytest.param("Europe/Berlin", "02:00-05:00", "2026-10-25", ("00:00", "04:00"), id="from-the-first-of-two"),
        pytest.param(
            "Europe/Berlin", "00:00-24:00", "2026-10-25", ("22:00-1", "23:00"), id="the-long-day-has-25-hours"
        ),
        pytest.param(
            "Europe/Berlin", "00:00-24:00", "2026-03-29", ("23:00-1", "22:00"), id="the-short-day-has-23-hours"
        ),
        pytest.param(
            "Australia/Lord_Howe", "01:00-01:45", "2026-04-05", ("14:00-1", "15:00-1"), id="half-an-hour-twice"
        ),
    ],
)
def test_window_on_the_night_of_a_clock_change(
    zone: str, hours: str, near: str, window: tuple[str, str] | None
) -> None:
    day = utc(near)
    found = only(zone, "sun", hours).windows(day - timedelta(days=2), day + timedelta(days=2))
    assert found == (tuple(_near(day, edge) for edge in window),) if window else found == ()


def test_a_clock_change_around_midnight_two_days_on_is_seen() -> None:
    friday = only("America/St_Johns", "fri", "23:30-23:15")
    found = friday.windows(utc("2010-11-05T12:00"), utc("2010-11-08T00:00"))
    assert found == ((utc("2010-11-06T02:00"), utc("2010-11-07T02:31")),)


def _near(day: datetime, edge: str) -> datetime:
    """`23:00-1` is 23:00 UTC on the day before."""
    clock, before = edge[:5], edge.endswith("-1")
    return datetime.combine(day.date() - timedelta(days=int(before)), time.fromisoformat(clock), UTC)


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("2026-11-23T08:00", None),
        ("2026-11-23T12:00", "hours"),
        ("2026-11-24T09:30", "break"),
        ("2026-12-25T10:00", "holiday"),
        ("2026-12-24T12:00", "hours"),
    ],
)
def test_why_it_is_closed(at: str, why: str | None) -> None:
    assert OFFICE.closed_because(utc(at)) == why


def test_a_zone_that_skipped_a_whole_date_does_not_open_on_it() -> None:
    samoa = Calendar(name="apia", timezone="Pacific/Apia", hours=week(dict.fromkeys(WEEK, ("09:00-17:00",))))
    assert samoa.elapsed(utc("2011-12-29T12:00"), utc("2012-01-01T12:00")) == timedelta(hours=8)
    assert samoa.add_days(utc("2011-12-29T20:00"), 1) == utc("2012-01-01T20:00")


def test_a_shift_that_runs_into_the_next_days_hours_counts_once() -> None:
    both = Calendar(name="both", timezone="UTC", hours=week({"mon": ["22:00-10:00"], "tue": ["09:00-17:00"]}))
    assert both.windows(utc("2026-11-23T00:00"), utc("2026-11-25T00:00")) == (
        (utc("2026-11-23T22:00"), utc("2026-11-24T17:00")),
    )


def test_a_break_that_begins_the_evening_before_cuts_the_night_shift() -> None:
    cut = Calendar(
        name="cut", timezone="UTC", hours=NIGHTS.hours, breaks=((date(2026, 11, 23), (Hours.parse("23:00-01:00"),)),)
    )
    assert cut.elapsed(utc("2026-11-23T22:00"), utc("2026-11-24T06:00")) == timedelta(hours=6)
    assert cut.closed_because(utc("2026-11-24T00:30")) == "break"


def test_open_time_is_the_same_across_the_years_that_tables_are_built_for() -> None:
    start, end = utc("2025-12-31T23:00"), utc("2032-01-01T01:00")
    assert ALWAYS.elapsed(start, end) == end - start
    assert ALWAYS.add(start, end - start) == end
    assert ALWAYS.subtract(end, end - start) == start
    assert ALWAYS.windows(start, end) == ((start, end),)
    assert NIGHTS.add_days(utc("2027-12-31T23:30"), 1) == utc("2028-01-03T23:30")
    assert NIGHTS.add_days(utc("2028-01-03T23:30"), -1) == utc("2027-12-31T23:30")


def test_counting_backwards_is_adding_less_than_nothing() -> None:
    assert OFFICE.add(utc("2026-11-23T10:00"), -timedelta(hours=3)) == utc("2026-11-20T16:00")
    assert OFFICE.subtract(utc("2026-11-23T10:00"), -timedelta(hours=1)) == utc("2026-11-23T11:00")


def test_the_closing_before_a_table_begins_is_in_the_one_before() -> None:
    assert OFFICE.previous_close(utc("2028-01-01T06:00")) == utc("2027-12-31T17:00")


def test_closing_on_the_last_instant_of_a_table_is_still_a_closing_time() -> None:
    late = Calendar(name="late", timezone="UTC", hours=week({"sat": ["18:00-24:00"], "fri": ["18:00-24:00"]}))
    end = utc("2028-01-01T00:00")
    assert late.add(utc("2027-12-31T23:00"), timedelta(hours=1)) == end
    assert late.add(end, timedelta()) == end
    assert late.previous_close(utc("2028-01-01T12:00")) == end
    assert late.next_open(end) == utc("2028-01-01T18:00")
    assert late.day_close(end) == end


def test_memory_stays_bounded_however_far_apart_the_questions_are() -> None:
    calendar = only("UTC", "mon", "09:00-17:00")
    calendar.elapsed(utc("1950-01-01T00:00"), utc("2150-01-01T00:00"))
    assert len(calendar._tables) <= 16


def test_equal_calendars_are_equal_whatever_they_have_been_asked() -> None:
    asked, fresh = Calendar.always(), Calendar.always()
    asked.is_open(utc("2026-01-01T00:00"))
    assert asked == fresh
    assert hash(asked) == hash(fresh)
    assert repr(asked) == repr(fresh)


def test_other_zones_instants_are_the_same_instants() -> None:
    berlin = datetime.fromisoformat("2026-11-23T09:00:00+01:00")
    assert OFFICE.is_open(berlin)
    assert OFFICE.add(berlin, timedelta(hours=1)) == utc("2026-11-23T09:00")
    assert OFFICE.add(berlin, timedelta(hours=1)).tzinfo is UTC


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Calendar(name="shut", timezone="UTC", hours=week({})), "never opens"),
        (lambda: Calendar(name="odd", timezone="UTC", hours=((),) * 6), "seven days"),
        (lambda: only("Europe/Atlantis", "mon", "09:00-17:00"), "time zone"),
        (lambda: only("../../etc/passwd", "mon", "09:00-17:00"), "time zone"),
        (lambda: week({"mon": ["09:00-12:00", "11:00-13:00"]}), "overlap"),
        (lambda: week({"monday": []}), "unknown weekday"),
        (lambda: Hours.parse("09:00"), "of the form"),
        (lambda: Hours.parse("09:00-25:00"), "time of day"),
        (lambda: Hours.parse("09:60-11:00"), "time of day"),
        (lambda: Hours.parse("00:00-00:00"), "00:00-24:00"),
        (lambda: Hours.parse("24:00-06:00"), "start between"),
        (lambda: Span.parse("soon"), "not a span"),
        (lambda: Span.parse(""), "not a span"),
        (lambda: Span.parse("-4h"), "not a span"),
        (lambda: Span(days=-1), "negative"),
        (lambda: OFFICE.is_open(datetime(2026, 1, 1)), "no time zone"),  # noqa: DTZ001
    ],
)
def test_what_makes_no_sense_is_refused(make: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        make()


def test_hours_that_overlap_are_refused_however_a_calendar_is_made() -> None:
    nine, ten = Hours.parse("09:00-11:00"), Hours.parse("10:00-12:00")
    with pytest.raises(ValueError, match="overlap"):
        Calendar(name="x", timezone="UTC", hours=((nine, ten), *((),) * 6))
    with pytest.raises(ValueError, match="overlap"):
        Calendar(name="x", timezone="UTC", hours=OFFICE.hours, dated_hours=((date(2026, 1, 1), (nine, ten)),))


def test_a_question_outside_the_years_of_reckoning_says_so() -> None:
    with pytest.raises(OverflowError, match="beyond the years"):
        only("UTC", "mon", "09:00-17:00").add(utc("2390-01-01T00:00"), timedelta(hours=10_000))
    with pytest.raises(OverflowError, match="beyond the years"):
        OFFICE.is_open(utc("1850-01-01T00:00"))


@pytest.mark.parametrize("text", ["09:00-12:30", "22:00-06:00", "00:00-24:00", "18:00-24:00"])
def test_hours_read_back_as_they_are_written(text: str) -> None:
    assert str(Hours.parse(text)) == text
