"""The daemon's loop on a clock that stands still: when it reads, when it only wakes, and how it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from connector.domain.site import Budget, Effect
from connector.domain.ticket import Priority, Status
from connector.engine.daemon import DUE_GRAIN, Limits, SiteLoop
from connector.engine.kit import Surroundings
from connector.engine.passes import Site
from connector.engine.signs import LifeSigns
from connector.engine.threads import Daemon
from connector.errors import Busy, UnsafePlan
from connector.helpdesks.memory import Fault
from connector.ports import AlarmKind, RunRow
from tests.canaries import SUBJECT, found_in
from tests.engine.stage import MINUTE, MONDAY, Desk, Stage
from tests.engine.test_passes import AGENT, DEGRADED, OUTAGE, P1, P3, opened
from tests.helpdesks.stopped_clock import StoppedClock


class EndingClock(StoppedClock):
    """Time jumps to each wake; what is planned happens on the way, and after ``until`` the loop is told to stop."""

    def __init__(self, now: datetime, *, until: datetime) -> None:
        super().__init__(now)
        self.until = until
        self.at_the_end: Callable[[], None] = lambda: None
        self.events: list[tuple[datetime, Callable[[], None]]] = []
        self.wakes: list[datetime] = []

    def wait(self, until: datetime | None) -> bool:
        assert until is not None
        if until > self.now():
            self.wakes.append(until)
        if until > self.until:
            self.at_the_end()
            return False
        for event in [e for e in self.events if e[0] <= until]:
            self.events.remove(event)
            self.move(max(event[0] - self.now(), timedelta(0)))
            event[1]()
        return super().wait(until)


@pytest.fixture
def clock() -> EndingClock:
    return EndingClock(MONDAY, until=MONDAY + MINUTE * 12)


def run(stage: Stage, desk: Desk, clock: EndingClock, limits: Limits | None = None) -> SiteLoop:
    loop = SiteLoop(desk.site, stage.around, limits or Limits())
    clock.at_the_end = loop.stop
    loop.run()
    return loop


def passes(stage: Stage) -> list[bool]:
    """Return, for every pass, whether it read the helpdesk."""
    fetched = []
    for name, _ in stage.ears.events:
        if name == "run_started":
            fetched.append(False)
        elif name == "page_read":
            fetched[-1] = True
    return fetched


def test_it_polls_at_its_cadence(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    run(stage, desk, clock)
    assert desk.world.requests["delta"] == 12
    assert clock.wakes == [MONDAY + MINUTE * n for n in range(1, 14)]


def test_it_wakes_for_a_deadline_without_reading(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    opened(desk)
    clock.move(timedelta(seconds=5))
    run(stage, desk, clock)
    due = MONDAY + timedelta(minutes=11, seconds=15)
    assert due in clock.wakes
    (woken,) = [n for n, fetched in enumerate(passes(stage)) if not fetched]
    assert stage.journal.records().runs(limit=100)[::-1][woken].started_at == due
    assert desk.world.requests["delta"] == len(passes(stage)) - 2


def test_what_is_held_waits_for_the_next_poll_and_does_not_spin(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    tight = Budget(least=1, window=timedelta(hours=1))
    desk.rules = replace(desk.rules, budgets={Effect.FIELDS: tight}, effects=frozenset({Effect.FIELDS}))
    opened(desk, 3, facts=DEGRADED)
    run(stage, desk, clock)
    assert len(desk.writer.sent) == 1
    assert len(passes(stage)) == 13


def test_a_site_in_trouble_is_asked_less_and_less_often(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    desk.world.read_faults.extend([Fault.UNAVAILABLE] * 4)
    run(stage, desk, clock)
    waits = [after - before for before, after in zip([MONDAY, *clock.wakes], clock.wakes, strict=False)]
    assert waits[:5] == [timedelta(seconds=s) for s in (15, 30, 60, 120, 60)]


def test_the_helpdesks_own_wish_is_heeded(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    opened(desk)
    desk.world.write_faults.append(Fault.THROTTLED)
    run(stage, desk, clock)
    assert clock.wakes[0] == MONDAY + timedelta(seconds=60)
    assert desk.live("1").priority is P1


def test_a_ticket_that_changed_under_a_write_is_looked_at_again_soon(
    stage: Stage, desk: Desk, clock: EndingClock
) -> None:
    (id_,) = opened(desk)

    def slip_in(_write: object) -> None:
        desk.writer.before_send = lambda _: None
        clock.move(timedelta(seconds=1))
        desk.world.update(id_, AGENT, group="id:99")

    desk.writer.before_send = slip_in
    seldom = replace(desk.site, reading=replace(desk.site.reading, poll_every=MINUTE * 10))
    loop = SiteLoop(seldom, stage.around, Limits())
    clock.at_the_end = loop.stop
    loop.run()
    assert clock.wakes[:2] == [MONDAY + timedelta(seconds=16), MONDAY + timedelta(minutes=10, seconds=16)]
    assert (desk.live(id_).priority, desk.live(id_).group) == (P1, "id:99")


def test_what_a_history_tells_that_was_read_after_the_decisions_is_decided_at_once(
    stage: Stage, desk: Desk, clock: EndingClock
) -> None:
    """Not with the next poll: a level's timer runs meanwhile, and a note that waits would wait on."""
    (id_,) = opened(desk, facts=DEGRADED)
    clock.events.append((MONDAY + MINUTE * 5, lambda: desk.world.update(id_, AGENT, status=Status.OPEN)))
    seldom = replace(desk.site, reading=replace(desk.site.reading, poll_every=MINUTE * 10))
    loop = SiteLoop(seldom, stage.around, Limits())
    clock.at_the_end = loop.stop
    loop.run()
    seen = MONDAY + timedelta(minutes=10)
    assert clock.wakes[clock.wakes.index(seen) + 1] == seen + DUE_GRAIN
    assert stage.stored("desk", id_).state.acknowledged_at == MONDAY + MINUTE * 5
    assert len(clock.wakes) < 6, "and then it rests"


def test_silence_for_too_long_is_one_alarm(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    desk.world.read_faults.extend([Fault.UNAVAILABLE] * 50)
    loop = run(stage, desk, clock, Limits(stale_after=MINUTE * 5))
    assert [alarm.kind for alarm in stage.ears.alarms] == [AlarmKind.STALE]
    assert loop.pulse.failures >= 5


def test_an_alarm_may_come_again_after_a_good_pass(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    clock.until = MONDAY + MINUTE * 40
    desk.world.read_faults.extend([Fault.UNAVAILABLE] * 6)
    clock.events.append((MONDAY + MINUTE * 20, lambda: desk.world.read_faults.extend([Fault.UNAVAILABLE] * 6)))
    run(stage, desk, clock, Limits(stale_after=MINUTE * 5))
    assert [alarm.kind for alarm in stage.ears.alarms] == [AlarmKind.STALE, AlarmKind.STALE]


def test_a_pause_is_heeded_before_every_write(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    opened(desk, 3)
    paused = clock.now() + MINUTE * 5
    run(stage, desk, clock, Limits(may_write=lambda: clock.now() >= paused))
    assert [sent.at for sent in desk.writer.sent] == [paused] * 3


def test_a_stop_finishes_the_write_in_hand_and_begins_no_other(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    opened(desk, 3)
    loop = SiteLoop(desk.site, stage.around, Limits())
    desk.writer.before_send = lambda _: loop.stop()
    loop.run()
    assert len(desk.writer.sent) == 1
    assert stage.journal.sending("desk") == ()
    assert desk.live("1").priority is P1
    assert desk.live("2").priority is P3


def test_a_poll_may_be_asked_for(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    loop = SiteLoop(desk.site, stage.around, Limits())
    clock.at_the_end = loop.stop
    clock.events.append((MONDAY + timedelta(seconds=30), loop.poll_now))
    loop.run()
    assert passes(stage)[:3] == [False, True, True]
    assert stage.journal.records().runs(limit=100)[-2].started_at == MONDAY + timedelta(seconds=30)


def test_a_clock_that_is_set_back_by_hours_keeps_no_site_unread(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    """It was wrong as the machine started, before anybody could tell: the first poll found no network."""
    desk.world.read_faults.append(Fault.UNAVAILABLE)
    loop = SiteLoop(desk.site, stage.around, Limits())
    loop.turn()
    clock.move(timedelta(hours=-3))
    wake = loop.turn()
    asked = [values["summary"].requests for name, values in stage.ears.events if name == "run_finished"]
    assert asked == [1, 1]
    assert wake - clock.now() == MINUTE
    assert loop.pulse.last_good_at == clock.now()


@pytest.mark.parametrize("asked", ["stop", "poll", "work"])
def test_what_is_asked_while_a_pass_waits_is_not_forgotten_by_its_end(
    stage: Stage, desk: Desk, clock: EndingClock, asked: str
) -> None:
    turns: list[datetime] = []
    pool = ThreadPoolExecutor(1)

    def within_the_pass() -> tuple[str, ...]:
        turns.append(clock.now())
        if len(turns) == 1:
            if asked == "work":
                pool.submit(loop.do, lambda *_: loop.stop())
                while not clock.is_woken():
                    pass
            else:
                {"stop": loop.stop, "poll": loop.poll_now}[asked]()
            assert not clock.wait(clock.now() + MINUTE), "a wait that the order ends: for a budget, or before a retry"
        elif asked == "poll":
            loop.stop()
        return ()

    loop = SiteLoop(with_hints(desk.site, within_the_pass), stage.around, Limits())
    clock.at_the_end = loop.stop
    loop.run()
    pool.shutdown()
    assert clock.now() == turns[0]
    assert len(turns) == (2 if asked == "poll" else 1)


def test_a_hint_ends_no_wait_within_a_pass_and_is_followed_after_it(
    stage: Stage, desk: Desk, clock: EndingClock
) -> None:
    turns: list[datetime] = []

    def within_the_pass() -> tuple[str, ...]:
        turns.append(clock.now())
        if len(turns) == 1:
            loop.poll_soon()
            assert clock.wait(clock.now() + timedelta(seconds=2)), "a wait for a budget, or before a retry"
        else:
            loop.stop()
        return ()

    loop = SiteLoop(with_hints(desk.site, within_the_pass), stage.around, Limits())
    clock.at_the_end = loop.stop
    loop.run()
    assert turns[1] - turns[0] == timedelta(seconds=17), "the grain of hints after the end of the pass"


def test_a_reloaded_policy_is_in_force_at_the_next_pass(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    opened(desk, 1, facts={}, priority=Priority.P4)
    strict = replace(stage.policies.policy, hash="strict" * 10 + "beef")

    def reload() -> None:
        stage.policies.policy = strict

    clock.events.append((MONDAY + MINUTE * 2, reload))
    run(stage, desk, clock)
    assert stage.journal.undecided("desk", policy_hash=strict.hash, limit=10) == ()


def test_one_sites_outage_does_not_delay_another(set_up: Callable[..., Stage]) -> None:
    clocks = [EndingClock(MONDAY, until=MONDAY + MINUTE * 5) for _ in range(2)]
    one, two = (Desk(name, clock) for name, clock in zip(("one", "two"), clocks, strict=True))
    stage = set_up(one, two)
    one.world.read_faults.extend([Fault.UNAVAILABLE] * 50)
    opened(two, facts=OUTAGE)
    loops = []
    for desk, clock in zip((one, two), clocks, strict=True):
        loop = SiteLoop(desk.site, replace(stage.around, clock=clock), Limits())
        clock.at_the_end = loop.stop
        loops.append(loop)
    crashed: list[str] = []
    daemon = Daemon(loops=loops, on_crash=lambda site, _: crashed.append(site))
    daemon.start()
    assert daemon.join(timeout=60)
    assert two.live("1").priority is P1
    assert two.world.requests["delta"] == 5
    assert crashed == []
    assert (loops[0].pulse.last_outcome, loops[1].pulse.last_outcome) == ("failed", "ok")


def _side_by_side(
    set_up: Callable[..., Stage], hint: Callable[[Stage], None]
) -> tuple[Stage, tuple[Desk, Desk], list[SiteLoop], list[str]]:
    """Run two sites' threads for five minutes; ``hint`` is called where the first asks for hints. Who crashed is last.

    The second site has a ticket to escalate.
    """
    clocks = [EndingClock(MONDAY, until=MONDAY + MINUTE * 5) for _ in range(2)]
    one, two = (Desk(name, clock) for name, clock in zip(("one", "two"), clocks, strict=True))
    stage = set_up(one, two)
    opened(two, facts=OUTAGE)

    def asked_for() -> tuple[str, ...]:
        hint(stage)
        return ()

    loops = []
    for site, clock in zip((with_hints(one.site, asked_for), two.site), clocks, strict=True):
        loop = SiteLoop(site, replace(stage.around, clock=clock), Limits())
        clock.at_the_end = loop.stop
        loops.append(loop)
    crashed: list[str] = []
    daemon = Daemon(loops=loops, on_crash=lambda site, _: crashed.append(site))
    daemon.start()
    assert daemon.join(timeout=60)
    return stage, (one, two), loops, crashed


def with_hints(site: Site, asked_for: Callable[[], tuple[str, ...]]) -> Site:
    return replace(site, reading=replace(site.reading, asked_for=asked_for))


def test_a_fault_of_ours_on_one_site_rests_that_site_and_the_others_go_on(set_up: Callable[..., Stage]) -> None:
    def wrong(_stage: Stage) -> None:
        raise KeyError(SUBJECT)

    stage, (_, two), loops, crashed = _side_by_side(set_up, wrong)
    assert crashed == []
    assert (two.live("1").priority, two.world.requests["delta"]) == (P1, 5)
    assert loops[0].pulse.last_outcome == "failed"
    first, *runs = sorted(stage.journal.records().runs(site="one", limit=100), key=lambda run: run.started_at)
    assert first.outcome == "ok", "hints are asked for from the second pass on"
    pauses = [after.started_at - before.started_at for before, after in pairwise(runs)]
    assert pauses == [timedelta(seconds=s) for s in (15, 30, 60, 120)]
    assert {(run.outcome, run.why) for run in runs} == {("failed", "KeyError")}
    assert {(alarm.kind, alarm.site) for alarm in stage.ears.alarms} == {(AlarmKind.FINDING, "one")}
    told = stage.ears.heard("pass_crashed")
    assert ["wrong" in str(values["where"]) for values in told] == [True] * len(runs)
    assert found_in(f"{told} {stage.ears.alarms} {runs}") == []


def test_a_row_that_the_state_does_not_take_is_a_fault_of_that_site_alone(set_up: Callable[..., Stage]) -> None:
    def wrong(stage: Stage) -> None:
        nothing: Any = None
        stage.journal.begin_run(RunRow(id="r", site="one", kind="run", policy=nothing, started_at=stage.clock.now()))

    stage, (_, two), loops, crashed = _side_by_side(set_up, wrong)
    assert crashed == []
    assert two.live("1").priority is P1
    assert loops[0].pulse.last_outcome == "failed"
    assert {(alarm.kind, alarm.site) for alarm in stage.ears.alarms} == {(AlarmKind.FINDING, "one")}


def test_a_state_that_cannot_be_written_ends_the_thread(set_up: Callable[..., Stage]) -> None:
    """Nobody goes on beside it: what cannot be stored must not be sent."""
    *_, crashed = _side_by_side(set_up, lambda stage: stage.journal.close())
    assert "one" in crashed


def _turn_until(answer: Future[Any], loop: SiteLoop) -> None:
    for _ in range(5000):
        if answer.done():
            return
        loop.turn()


class TestWorkInBetween:
    """What others ask of a site's thread is done there, between two passes."""

    def test_it_is_done_in_the_sites_own_thread_and_its_answer_comes_back(
        self, stage: Stage, desk: Desk, clock: EndingClock
    ) -> None:
        loop = SiteLoop(desk.site, stage.around, Limits())
        clock.at_the_end = loop.stop
        named: list[str] = []

        def work(site: Site, _around: Surroundings, may_write: Callable[[], bool]) -> str:
            named.append(threading.current_thread().name)
            return f"{site.name} {may_write()}"

        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(loop.do, work)
            _turn_until(answer, loop)
            assert answer.result(1) == "desk True"
        assert named == [threading.current_thread().name]

    def test_its_errors_belong_to_whoever_asked(self, stage: Stage, desk: Desk) -> None:
        loop = SiteLoop(desk.site, stage.around, Limits())

        def work(*_: object) -> None:
            raise UnsafePlan("not like this")

        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(loop.do, work)
            _turn_until(answer, loop)
            with pytest.raises(UnsafePlan, match="not like this"):
                answer.result(1)

    def test_a_thread_that_has_ended_says_so(self, stage: Stage, desk: Desk, clock: EndingClock) -> None:
        loop = run(stage, desk, clock)
        with pytest.raises(Busy, match="nothing was done"):
            loop.do(lambda *_: None)


def test_a_long_pass_that_goes_on_asking_is_not_stuck(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    loop = SiteLoop(desk.site, stage.around, Limits())
    signs = LifeSigns([loop])
    for _ in range(30):
        clock.move(MINUTE * 3)
        desk.world.requests["export"] += 1
        assert signs.all_there()
    clock.move(MINUTE * 6)
    assert not signs.all_there()
    loop.turn()
    clock.move(MINUTE * 6)
    assert signs.all_there(), "it waits, as it said"
