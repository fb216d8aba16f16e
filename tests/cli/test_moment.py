"""Moments that are typed: what is accepted, and that the rest is wrong usage, never a fault of the program."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.cli.context import Moment

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=offsets))
def test_a_moment_is_told_in_utc_or_refused_with_its_years(typed: datetime) -> None:
    if 1970 <= typed.year <= 2100:
        assert Moment().convert(typed.isoformat(), None, None) == typed.astimezone(UTC)
    else:
        with pytest.raises(click.BadParameter, match="is not in the years 1970 to 2100"):
            Moment().convert(typed.isoformat(), None, None)


@pytest.mark.parametrize("typed", ["yesterday", "2026-11-23T10:00", "2026-13-01T00:00Z", "", "0001-01-01T00:00+14:00"])
def test_what_is_no_moment_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter):
        Moment().convert(typed, None, None)
