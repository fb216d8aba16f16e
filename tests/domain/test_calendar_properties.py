"""What must hold for every calendar, before any example of one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.calendar import Calendar
from connector.domain.calendar_hours import Span, week
from tests.domain.calendar_strategies import MINUTE, calendars, counted_minutes, moments, wall_says_open

SIZED = settings(max_examples=min(300, settings().max_examples))
"""Every example builds the tables of a new calendar, so the largest runs stay smaller than elsewhere."""

durations = st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=200))
some_time = st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(hours=200))


@SIZED
@given(st.data())
def test_elapsed_is_what_the_wall_clock_counts(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    start = data.draw(moments(calendar))
    end = start + data.draw(st.integers(0, 3000)) * MINUTE
    assert calendar.elapsed(start, end) == counted_minutes(calendar, start, end)


@SIZED
@given(st.data())
def test_open_is_what_the_wall_clock_says(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    at = data.draw(moments(calendar))
    assert calendar.is_open(at) == wall_says_open(calendar, at)
    assert (calendar.closed_because(at) is None) == calendar.is_open(at)


@SIZED
@given(st.data(), durations)
def test_a_deadline_is_reached_after_exactly_its_duration(data: st.DataObject, time: timedelta) -> None:
    calendar = data.draw(calendars())
    start = data.draw(moments(calendar))
    assert calendar.elapsed(start, calendar.add(start, time)) == time
    assert calendar.elapsed(calendar.subtract(start, time), start) == time


@SIZED
@given(st.data(), some_time)
def test_a_deadline_is_the_earliest_such_instant_and_its_mirror_the_latest(
    data: st.DataObject, time: timedelta
) -> None:
    calendar = data.draw(calendars())
    start = data.draw(moments(calendar))
    moment = timedelta(microseconds=1)
    assert calendar.elapsed(start, calendar.add(start, time) - moment) == time - moment
    assert calendar.elapsed(calendar.subtract(start, time) + moment, start) == time - moment


@SIZED
@given(st.data(), durations, durations)
def test_durations_add_up(data: st.DataObject, one: timedelta, other: timedelta) -> None:
    calendar = data.draw(calendars())
    start = data.draw(moments(calendar))
    assert calendar.add(calendar.add(start, one), other) == calendar.add(start, one + other)


@SIZED
@given(st.data(), st.lists(durations, max_size=4))
def test_several_deadlines_at_once_are_those_one_by_one(data: st.DataObject, times: list[timedelta]) -> None:
    calendar = data.draw(calendars())
    start = data.draw(moments(calendar))
    wanted = [timedelta(), *times]
    assert calendar.add_each(start, wanted) == [calendar.add(start, time) for time in wanted]


@SIZED
@given(st.data())
def test_elapsed_is_additive_signed_and_never_more_than_the_time_that_passed(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    first, second, third = (data.draw(moments(calendar)) for _ in range(3))
    assert calendar.elapsed(first, second) + calendar.elapsed(second, third) == calendar.elapsed(first, third)
    assert calendar.elapsed(second, first) == -calendar.elapsed(first, second)
    assert abs(calendar.elapsed(first, second)) <= abs(second - first)


@SIZED
@given(st.data(), durations, durations)
def test_a_later_start_or_a_longer_span_never_ends_earlier(
    data: st.DataObject, shorter: timedelta, more: timedelta
) -> None:
    calendar = data.draw(calendars())
    early, late = sorted(data.draw(moments(calendar)) for _ in range(2))
    assert calendar.add(early, shorter) <= calendar.add(late, shorter)
    assert calendar.add(early, shorter) <= calendar.add(early, shorter + more)


@SIZED
@given(st.data(), st.integers(0, 12))
def test_working_days_keep_their_order_and_end_inside_the_hours(data: st.DataObject, days: int) -> None:
    calendar = data.draw(calendars(("Asia/Kolkata",)))
    early, late = sorted(data.draw(moments(calendar)) for _ in range(2))
    reached = calendar.add_days(early, days)
    assert reached <= calendar.add_days(late, days)
    assert reached <= calendar.add_days(early, days + 1)
    assert calendar.add(reached, timedelta()) == reached
    assert calendar.subtract(reached, timedelta()) == reached


@SIZED
@given(st.data(), st.integers(-12, 12))
def test_working_days_end_inside_the_hours_in_every_zone(data: st.DataObject, days: int) -> None:
    calendar = data.draw(calendars())
    start = data.draw(moments(calendar))
    reached = calendar.add_days(start, days)
    assert calendar.add(reached, timedelta()) == reached
    assert (reached >= start) if days >= 0 else (reached <= start)


@SIZED
@given(st.data())
def test_windows_hold_the_open_time_and_nothing_else(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    start = data.draw(moments(calendar))
    end = start + data.draw(st.timedeltas(timedelta(), timedelta(days=40)))
    windows = calendar.windows(start, end)
    assert sum((b - a for a, b in windows), timedelta()) == calendar.elapsed(start, end)
    edges = [edge for window in windows for edge in window]
    assert edges == sorted(set(edges))
    assert all(start <= edge <= end for edge in edges)
    assert all(calendar.is_open(a) for a, _ in windows)
    assert all(not calendar.is_open(b) or b == end for _, b in windows)


@SIZED
@given(st.data())
def test_the_next_opening_and_the_previous_closing_enclose_closed_time_only(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    at = data.draw(moments(calendar))
    after, before = calendar.next_open(at), calendar.previous_close(at)
    assert before <= at <= after
    assert calendar.is_open(after)
    assert calendar.elapsed(before, after) == timedelta()
    assert before == at or not calendar.is_open(before)


@SIZED
@given(st.data())
def test_a_night_shift_written_as_two_days_is_the_same_open_time(data: st.DataObject) -> None:
    shift = week({"mon": ["22:00-06:00"], "thu": ["22:00-06:00"]})
    halves = week({"mon": ["22:00-24:00"], "tue": ["00:00-06:00"], "thu": ["22:00-24:00"], "fri": ["00:00-06:00"]})
    free = frozenset(data.draw(st.sets(st.dates(date(2018, 3, 1), date(2018, 4, 30)), max_size=20)))
    one, two = (Calendar(name="night", timezone="Europe/Berlin", hours=h, holidays=free) for h in (shift, halves))
    span = datetime(2018, 3, 1, tzinfo=UTC), datetime(2018, 4, 30, tzinfo=UTC)
    assert one.windows(*span) == two.windows(*span)


@given(st.integers(0, 4000), st.integers(0, 500), st.integers(0, 59))
def test_spans_read_back_as_they_are_written(days: int, hours: int, minutes: int) -> None:
    span = Span(days=days, time=timedelta(hours=hours, minutes=minutes))
    assert Span.parse(str(span)) == span
