"""Stepped time: one story per seed however threads are scheduled; events before parties; nobody is skipped."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.sandbox.core.clock import SandboxClock
from connector.sandbox.core.moments import ClockOptions, Mode

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
Minutes = int
Story = list[tuple[Minutes, str]]


def make_clock(mode: Mode = "stepped", **more: object) -> SandboxClock:
    return SandboxClock(ClockOptions(start=START, mode=mode, **more))  # type: ignore[arg-type]


def minutes(moment: datetime) -> Minutes:
    return int((moment - START).total_seconds() // 60)


def play(waits: dict[str, list[Minutes]], events: list[Minutes]) -> Story:
    """Let each party work at its moments in a thread of its own and tell what happened."""
    clock, story = make_clock(), Story()
    for at in events:
        clock.at(START + timedelta(minutes=at), f"event {at}", lambda: story.append((minutes(clock.now()), "event")))
    for name in waits:
        clock.join(name)

    def live(name: str) -> None:
        clock.wait(name, START)
        for pause in waits[name]:
            until = clock.now() + timedelta(minutes=pause)
            assert clock.wait(name, until).reached
            assert clock.now() == until
            story.append((minutes(clock.now()), name))
        clock.leave(name)

    threads = [threading.Thread(target=live, args=(name,)) for name in waits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    return story


@given(
    waits=st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1),
    events=st.lists(st.integers(0, 20), max_size=5),
)
@settings(max_examples=30)
def test_parties_and_events_happen_in_the_order_of_their_moments_and_names(
    waits: dict[str, list[Minutes]], events: list[Minutes]
) -> None:
    story = play(waits, events)
    assert [at for at, _ in story] == sorted(at for at, _ in story)
    assert story == play(waits, events)
    expected = {name: [sum(pauses[: n + 1]) for n in range(len(pauses))] for name, pauses in waits.items()}
    assert {name: [at for at, who in story if who == name] for name in waits} == expected
    last = max(at for pauses in expected.values() for at in pauses)
    told = [at for at, who in story if who == "event"]
    assert told == sorted(at for at in events if at <= last)


def test_an_event_comes_before_a_party_of_the_same_moment() -> None:
    assert play({"a": [10]}, [10]) == [(10, "event"), (10, "a")]


def test_time_stands_still_while_a_party_works() -> None:
    clock = make_clock()
    clock.join("busy")
    clock.join("idle")
    woken = clock.wait("idle", START + timedelta(minutes=5), patience=0.05)
    assert not woken.reached
    assert clock.now() == START


def test_time_stands_still_while_a_request_is_in_flight() -> None:
    clock = make_clock()
    clock.join("a")
    with clock.request():
        assert not clock.wait("a", START + timedelta(minutes=5), patience=0.05).reached
    assert clock.wait("a", START + timedelta(minutes=5)).reached


def test_a_poke_releases_now_and_is_kept_for_the_next_wait() -> None:
    clock = make_clock()
    clock.join("a")
    clock.poke("a")
    woken = clock.wait("a", START + timedelta(hours=1))
    assert (woken.now, woken.reached, woken.poked) == (START, False, True)
    assert clock.wait("a", START + timedelta(hours=1)).reached


def test_a_party_that_is_gone_does_not_hold_up_the_others() -> None:
    clock = make_clock()
    clock.join("site/zendesk")
    clock.join("other")
    clock.wait("site/zendesk", START + timedelta(minutes=1), present=lambda: False)
    assert clock.parties() == {"other": None}
    clock.join("site/jira")
    assert clock.leave("site/*") == ("site/jira",)
    assert clock.wait("other", START + timedelta(minutes=9)).reached


def test_setting_runs_what_falls_due_at_its_own_moment_and_never_goes_back() -> None:
    clock, seen = make_clock("manual"), list[Minutes]()
    first = clock.at(START + timedelta(minutes=2), "first", lambda: seen.append(minutes(clock.now())))

    def chain() -> None:
        clock.after(timedelta(minutes=3), "link", lambda: seen.append(minutes(clock.now())))

    clock.after(timedelta(minutes=1), "chain", chain)
    first.cancelled = True
    clock.at(START + timedelta(minutes=3), "second", lambda: seen.append(minutes(clock.now())))
    clock.set(START + timedelta(minutes=5))
    assert seen == [3, 4]
    assert clock.now() == START + timedelta(minutes=5)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.set(START)


def test_requests_cost_time_only_where_asked() -> None:
    clock = make_clock("stepped", request_cost=timedelta(seconds=2))
    with clock.request():
        assert clock.now() == START + timedelta(seconds=2)


def test_running_time_passes_by_itself_and_runs_events() -> None:
    clock = make_clock("running", speed=6000.0)
    seen = threading.Event()
    clock.after(timedelta(minutes=5), "event", seen.set)
    threading.Thread(target=clock.pace, daemon=True).start()
    woken = clock.wait("a", START + timedelta(minutes=10))
    clock.stop()
    assert woken.reached
    assert seen.is_set()
    assert clock.now() >= START + timedelta(minutes=10)
