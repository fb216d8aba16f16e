"""What is foreseen for a moment is what then is, if nobody does anything until then."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.decide import decide
from connector.domain.explain import explain_lines
from connector.domain.foresee import foresee
from connector.domain.ticket import Priority
from tests.domain import strategies as some
from tests.domain.desk import MONDAY, Desk


def foreseen(desk: Desk, at) -> list[str]:
    found, until = foresee(desk.situation, desk.policy, since=desk.now, at=at)
    assert until == at
    return explain_lines(decide(found, desk.policy, at))


def test_two_hours_ahead_nobody_has_reacted_and_the_last_level_has_been_called():
    desk = Desk(facts={"impact": "site", "urgency": "blocked"}, priority=Priority.P1)
    desk.sync()
    told = foreseen(desk, MONDAY + timedelta(hours=2))
    assert any(line.startswith("path default, level 4 since 10:45") for line in told)


def test_what_room_a_note_finds_is_foreseen_from_when_each_of_the_day_was_written():
    """The first of two notes is more than a day old by then."""
    desk = Desk(labels=frozenset({"security"}), priority=None)
    desk.complete = False
    desk.wait(minutes=30).sync()
    desk.wait(hours=1).sync()
    desk.wait(hours=8)
    told = foreseen(desk, desk.now + timedelta(hours=15))
    desk.run(hours=15)
    assert explain_lines(desk.look()[0]) == told
    assert desk.spoken[-1] == "escalated (notes)"


@given(desk=some.stories(), hours=st.integers(1, 60))
def test_what_is_foreseen_comes_about(desk: Desk, hours: int):
    told = foreseen(desk, desk.now + timedelta(hours=hours))
    desk.run(hours=hours)
    assert explain_lines(desk.look()[0]) == told
