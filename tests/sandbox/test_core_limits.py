"""Rate limits never let more through than they say, and their advice on waiting is good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.core.limits import FixedWindow, KeyedBuckets, TokenBucket
from connector.sandbox.core.strict import unknown_members, unknown_params
from tests.sandbox.note_site import START

gaps = st.lists(st.integers(0, 5000), min_size=1, max_size=60)  # milliseconds between calls


@given(size=st.integers(1, 10), gaps=gaps)
def test_a_bucket_lets_at_most_its_size_plus_the_refill_through(size: int, gaps: list[int]) -> None:
    bucket, now = TokenBucket(size, timedelta(seconds=10)), START
    passed = 0
    for gap in gaps:
        now += timedelta(milliseconds=gap)
        grant = bucket.take(now)
        passed += grant.allowed
        assert grant.allowed == (grant.retry_after == timedelta(0))
        assert 0 <= grant.remaining <= size
    assert passed <= size + size * (now - START) / timedelta(seconds=10)


@given(size=st.integers(1, 10), gaps=gaps)
def test_whoever_waits_as_told_gets_in(size: int, gaps: list[int]) -> None:
    for limit in (TokenBucket(size, timedelta(seconds=10)), FixedWindow(size, timedelta(seconds=10))):
        now = START
        for gap in gaps:
            now += timedelta(milliseconds=gap)
            grant = limit.take(now)
            if not grant.allowed:
                now += timedelta(seconds=grant.retry_after_seconds)
                assert limit.take(now).allowed


@given(size=st.integers(1, 5), gaps=gaps)
def test_a_window_never_holds_more_than_its_size(size: int, gaps: list[int]) -> None:
    window, now, passed = FixedWindow(size, timedelta(seconds=10)), START, dict[int, int]()
    for gap in gaps:
        now += timedelta(milliseconds=gap)
        if window.take(now).allowed:
            number = int(now.timestamp()) // 10
            passed[number] = passed.get(number, 0) + 1
    assert all(count <= size for count in passed.values())


def test_keys_do_not_share() -> None:
    buckets = KeyedBuckets(1, timedelta(seconds=1))
    assert [buckets.take(key, START).allowed for key in ("a", "a", "b")] == [True, False, True]


SHAPE = {"ticket": {"priority": None, "fields": {"id": None, "value": None}, "metadata": {"*": {"x": None}}}}


@pytest.mark.parametrize(
    ("body", "strange"),
    [
        ({"ticket": {"priority": "x"}}, ()),
        ({"tickets": {}}, ("tickets",)),
        ({"ticket": {"fields": [{"id": 1}, {"id": 2, "name": "x"}]}}, ("ticket.fields.name",)),
        ({"ticket": {"metadata": {"any": {"x": 1, "y": 2}}}}, ("ticket.metadata.any.y",)),
        ({"ticket": {"priority": {"anything": 1}}}, ()),
    ],
)
def test_strange_members_are_named_by_their_path(body: object, strange: tuple[str, ...]) -> None:
    assert unknown_members(body, SHAPE) == strange


def test_strange_parameters_are_named_once() -> None:
    assert unknown_params((("a", "1"), ("z", "1"), ("b", ""), ("z", "2")), {"a"}) == ("b", "z")
