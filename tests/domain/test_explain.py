"""How moments are told: a reader who knows nothing but the line and the day finds the moment that was meant."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.explain import explain_lines
from tests.domain import strategies as some
from tests.domain.desk import Desk

MOMENT = r"(?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d(?::\d\d)?)"
SEGMENT = re.compile(rf"  (?:\w+) {MOMENT} - {MOMENT}, counted")


def read(date: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{date} {clock}").replace(tzinfo=UTC)


def to_the_second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def stretches(desk: Desk) -> list[tuple[datetime, datetime]]:
    """Return the stretches of the clocks as a reader understands them: without a date the last one that was told."""
    found = []
    for start_date, start, end_date, end in (m.groups() for m in map(SEGMENT.match, explain_lines(*desk.look())) if m):
        day = start_date or f"{desk.now:%Y-%m-%d}"
        found.append((read(day, start), read(end_date or day, end)))
    return found


@given(desk=some.stories(), days=st.integers(0, 3))
def test_a_stretch_is_told_so_that_it_is_found_again(desk: Desk, days: int):
    desk.sync()
    desk.wait(hours=24 * days)
    meant = [(s.start, s.end) for reading in desk.look()[0].explanation.clocks for s in reading.segments]
    assert stretches(desk) == [(to_the_second(start), to_the_second(end)) for start, end in meant]
