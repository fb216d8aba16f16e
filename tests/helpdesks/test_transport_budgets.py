"""Budgets leave room for people, whatever order requests come in."""

from __future__ import annotations

import socket
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Denied, NotSent
from connector.helpdesks.transport.breaker import FAILURES, FIRST_REST, REFUSAL_WINDOW, REFUSALS, Breaker, Lockout
from connector.helpdesks.transport.budgets import LONGEST_RESET, Allowance, Limit
from connector.helpdesks.transport.wire import Watch, refuse_internal
from tests.helpdesks.stopped_clock import START

MINUTE = timedelta(minutes=1)
UPDATES = Limit(name="updates", count=100, window=MINUTE, share=0.25, urgent=0.7)
EXPORT = Limit(name="export", count=10, window=MINUTE)
TICKET = Limit(name="ticket", count=30, window=10 * MINUTE, share=1 / 3, urgent=1 / 3, per_ticket=True)


@given(st.lists(st.integers(0, 30), max_size=80))
def test_no_window_ever_holds_more_than_our_share(gaps: list[int]) -> None:
    allowance, now, sent = Allowance(), START, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        now += allowance.delay([EXPORT], now)
        allowance.spend([EXPORT], now)
        sent.append(now)
    for n, began in enumerate(sent):
        assert sum(1 for at in sent[n:] if at - began < MINUTE) <= 7


@given(st.lists(st.integers(0, 30), max_size=60))
def test_after_the_delay_there_is_room(gaps: list[int]) -> None:
    allowance, now = Allowance(), START
    for gap in gaps:
        now += timedelta(seconds=gap)
        delay = allowance.delay([EXPORT], now)
        assert allowance.delay([EXPORT], now + delay) == timedelta(0)
        if not delay:
            allowance.spend([EXPORT], now)


def test_urgent_writes_have_the_larger_share() -> None:
    allowance = Allowance()
    for _ in range(25):
        assert not allowance.delay([UPDATES], START)
        allowance.spend([UPDATES], START)
    assert allowance.delay([UPDATES], START) == MINUTE
    for _ in range(45):
        assert not allowance.delay([UPDATES], START, urgent=True)
        allowance.spend([UPDATES], START)
    assert allowance.delay([UPDATES], START, urgent=True) == MINUTE


def test_what_others_need_is_left_to_them() -> None:
    allowance = Allowance()
    allowance.feed(UPDATES, START, count=100, left=30, resets_in=timedelta(seconds=20))
    assert allowance.delay([UPDATES], START) == timedelta(seconds=20)
    assert not allowance.delay([UPDATES], START, urgent=True)
    assert not allowance.delay([UPDATES], START + timedelta(seconds=20))


def test_an_exhausted_limit_stops_urgent_ones_as_well() -> None:
    allowance = Allowance()
    allowance.feed(UPDATES, START, count=100, left=0)
    assert allowance.delay([UPDATES], START, urgent=True) == MINUTE


def test_a_larger_plan_is_learned_from_the_headers() -> None:
    allowance = Allowance()
    allowance.feed(EXPORT, START, count=30, left=30)
    for _ in range(21):
        assert not allowance.delay([EXPORT], START)
        allowance.spend([EXPORT], START)
    assert allowance.delay([EXPORT], START)
    assert allowance.remaining(START)["export"] == (0, 21)


def test_tickets_are_counted_one_by_one() -> None:
    allowance = Allowance()
    for _ in range(10):
        allowance.spend([TICKET], START, ticket="1")
    assert allowance.delay([TICKET], START, ticket="1") == 10 * MINUTE
    assert not allowance.delay([TICKET], START, ticket="2")
    assert allowance.remaining(START) == {}


def test_a_refusal_blocks_until_its_time() -> None:
    allowance = Allowance()
    allowance.block(EXPORT, START + timedelta(seconds=93))
    waits = [allowance.delay([EXPORT], START + timedelta(seconds=s)) for s in (0, 50, 93)]
    assert waits == [timedelta(seconds=93), timedelta(seconds=43), timedelta(0)]
    assert all(a > b for a, b in pairwise(waits))


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1%eth0",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
    ],
)
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    with pytest.raises(Denied):
        refuse_internal(address, may_be_here=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_this_machine_is_fine_where_the_configuration_says_so(address: str) -> None:
    refuse_internal(address, may_be_here=True)


@pytest.mark.parametrize("address", ["104.16.51.111", "10.1.2.3", "2606:4700::1", "fd12:3456::1"])
def test_other_addresses_are_not_refused(address: str) -> None:
    refuse_internal(address, may_be_here=False)


def test_a_watch_runs_out() -> None:
    now = [0.0]
    watch = Watch(lambda: now[0])
    watch.start(5)
    assert watch.left() == 5
    now[0] = 5
    with pytest.raises(TimeoutError):
        watch.left()
    assert issubclass(TimeoutError, OSError)
    assert issubclass(socket.timeout, TimeoutError)


class TestClockThatIsSetBack:
    """What was reckoned by a clock that was hours fast is not waited for once it is right."""

    RIGHT = START - timedelta(hours=3)

    def test_a_budget_waits_no_longer_than_before(self) -> None:
        allowance = Allowance()
        allowance.delay([EXPORT, UPDATES], START)
        for _ in range(7):
            allowance.spend([EXPORT], START)
        allowance.block(UPDATES, START + timedelta(seconds=93))
        allowance.block_all(START + timedelta(seconds=5))
        assert allowance.delay([EXPORT], self.RIGHT) == MINUTE
        assert allowance.delay([UPDATES], self.RIGHT) == timedelta(seconds=93)
        assert not allowance.delay([EXPORT], self.RIGHT + MINUTE)

    def test_a_silent_helpdesk_is_tried_after_its_rest(self) -> None:
        breaker = Breaker()
        for _ in range(FAILURES):
            breaker.hear(NotSent("nobody is there"), START)
        assert breaker.rest(self.RIGHT, probe=True) == FIRST_REST
        assert not breaker.rest(self.RIGHT + FIRST_REST, probe=True)

    def test_credentials_are_tried_after_their_time_and_not_before(self) -> None:
        lockout = Lockout()
        for _ in range(REFUSALS):
            lockout.refused(START)
        for moment in (self.RIGHT, self.RIGHT + REFUSAL_WINDOW - MINUTE):
            with pytest.raises(Denied):
                lockout.stop(moment, what="GET export")
        lockout.stop(self.RIGHT + REFUSAL_WINDOW, what="GET export")


def test_a_windows_end_that_is_years_away_is_not_waited_for() -> None:
    allowance = Allowance()
    allowance.feed(EXPORT, START, count=10, left=0, resets_in=timedelta(seconds=1_795_000_000))
    assert allowance.delay([EXPORT], START) == LONGEST_RESET
    assert not allowance.delay([EXPORT], START + LONGEST_RESET)
