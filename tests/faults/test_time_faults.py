"""Faults of time, with clocks that are stepped by hand. What was written, and when, judges."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, update

from connector.bootstrap.listening import listen
from connector.domain.calendar import Calendar
from connector.domain.calendar_hours import WEEKDAYS, week
from connector.domain.decide import decide
from connector.engine.daemon import Limits, SiteLoop
from connector.engine.gather import situation
from connector.engine.passes import PassOutcome
from connector.engine.planfile import PlanFile, apply_changes, read_plan_file, write_plan_file
from connector.engine.reconcile import reconcile
from connector.errors import Busy, NotSent, UnsafePlan
from connector.helpdesks.transport import Client, Dialect, Endpoint, Origin, Pin, PinnedAdapter, Request
from connector.helpdesks.transport import Surroundings as Surroundings_
from connector.helpdesks.transport.outcome import http_date
from connector.journal import open_scratch
from connector.journal.lease import Lease
from connector.journal.tables import lease
from connector.ports import Fence, Page, Progress
from connector.web.receiver import Asked
from tests.bootstrap.conftest import Compose, compose
from tests.domain.calendar_strategies import counted_minutes
from tests.engine.ledger import nothing_is_said_twice
from tests.engine.stage import MONDAY, POLICY
from tests.faults.two_clocks import Watched
from tests.helpdesks.scripted_server import ScriptedServer, answer, scripted_server
from tests.helpdesks.stopped_clock import StoppedClock

__all__ = ["compose"]

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


STEPS = [10 * MINUTE, -10 * MINUTE, DAY, -DAY, datetime(1970, 1, 2, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)]


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_fault_52_a_clock_that_is_stepped_decides_nothing_by_the_wrong_time(
    watched: Watched, step: timedelta | datetime
) -> None:
    """NTP steps the clock: by minutes, the helpdesk's time is used; by more, nothing is written until it is right."""
    watched.urgent()
    assert watched.run().outcome is PassOutcome.OK
    writes = len(watched.desk.writer.sent)
    watched.world.move(MINUTE)
    watched.ours.off = step if isinstance(step, timedelta) else step - watched.world.now()
    far = abs(watched.ours.off) > 15 * MINUTE
    result = watched.run()
    assert (result.outcome is PassOutcome.HELD) is far
    assert len(watched.desk.writer.sent) == writes, "a minute after the first level nothing is due"
    watched.ours.off = timedelta(0)
    watched.stage.journal.resume("desk", allow=0, now=watched.world.now(), actor="anna")
    watched.world.move(14 * MINUTE)
    watched.run()
    watched.world.move(20 * MINUTE)
    watched.run()
    assert len(watched.said()) == 1, "the first level's 15 minutes are over, once"
    nothing_is_said_twice(watched.desk)


def test_fault_52_a_leap_in_the_middle_of_a_pass_stops_its_writes(watched: Watched) -> None:
    """The clock leaps between two writes: the second waits until the helpdesk has told the time twice."""
    watched.urgent()
    watched.urgent()

    def leap(_write: object) -> None:
        watched.ours.off = 30 * timedelta(seconds=1)

    watched.desk.writer.before_send = leap
    watched.run()
    assert len(watched.desk.writer.sent) == 1
    watched.desk.writer.before_send = lambda _write: None
    asked = watched.desk.world.requests["cursor"]
    assert watched.run().outcome is PassOutcome.OK
    assert watched.desk.world.requests["cursor"] == asked + 2
    assert len(watched.desk.writer.sent) == 2


def test_fault_52_answers_that_do_not_agree_keep_the_clock_in_doubt(watched: Watched) -> None:
    """Two samples of the helpdesk's time differ by a minute: nothing is written and nothing is decided."""
    watched.run()
    watched.urgent()
    watched.ours.off = MINUTE
    start = watched.desk.reader.start_cursor

    def late() -> str:
        cursor = start()
        watched.world.move(MINUTE)
        watched.ours.off -= MINUTE
        return cursor

    watched.desk.reader.start_cursor = late  # type: ignore[method-assign]
    assert watched.run().outcome is PassOutcome.FAILED
    assert watched.desk.writer.sent == []


def test_fault_53_a_clock_that_is_off_is_corrected_and_one_that_is_far_off_freezes(watched: Watched) -> None:
    """Three minutes off: the helpdesk's time is used and an alarm raised. Twenty: nothing is written at all."""
    watched.ours.off = 3 * MINUTE
    watched.urgent()
    result = watched.run()
    assert result.plan is not None
    assert result.plan.now == watched.world.now()
    assert [a for a in watched.stage.ears.alarms if "the helpdesk's time is used" in a.message]
    assert watched.stage.stored("desk", "1").state.entered_at <= watched.world.now()
    writes = len(watched.desk.writer.sent)
    watched.ours.off = 20 * MINUTE
    watched.world.move(30 * MINUTE)
    assert watched.run().outcome in {PassOutcome.HELD, PassOutcome.FAILED}
    assert len(watched.desk.writer.sent) == writes
    assert watched.stage.journal.open_site("desk", fingerprint=watched.desk.rules.fingerprint).frozen


@pytest.mark.parametrize("leaps", [False, True], ids=["while ours is steady", "when ours leapt"])
def test_fault_53_a_helpdesks_time_that_is_refused_is_used_for_nothing(watched: Watched, leaps: bool) -> None:
    """One wrong ``Date`` header: a line far in the future would keep the same alarm back until then."""
    watched.run()
    (watched.world.move if leaps else watched.sleep)(400 * DAY)
    watched.ours.off = -400 * DAY
    assert watched.run().outcome is PassOutcome.HELD
    assert watched.keeper.clock.now() == watched.ours.now()
    assert [alarm.at for alarm in watched.stage.ears.alarms] == [watched.ours.now()]
    records = watched.stage.journal.records()
    assert max(run.ended_at or run.started_at for run in records.runs(limit=10)) == watched.ours.now()
    assert max(event.at for event in records.events(limit=100)) == watched.ours.now()


ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Australia/Adelaide",  # half-hour offset
    "Pacific/Chatham",  # quarter-hour offset
    "America/St_Johns",  # half-hour offset
]


def changes(zone: ZoneInfo, year: int = 2026) -> list[date]:
    """Return the days on which a zone's clocks are changed."""
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    at = [datetime.combine(day, time(12), zone).utcoffset() for day in days]
    return [day for before, after, day in zip(at, at[1:], days[1:], strict=False) if before != after]


@pytest.mark.parametrize("name", ZONES)
@settings(max_examples=min(20, settings().max_examples))
@given(start=st.integers(0, 3 * 24 * 60), length=st.integers(0, 20 * 60))
def test_fault_54_both_clock_changes_leave_deadlines_exact(name: str, start: int, length: int) -> None:
    """Hours across both changes of a year: what was added has elapsed, and a wall clock read by the minute agrees."""
    days = changes(ZoneInfo(name))
    assert len(days) == 2
    calendar = Calendar(
        name="nights", timezone=name, hours=week({day: ["00:00-05:00", "09:00-17:30"] for day in WEEKDAYS})
    )
    for day in days:
        begun = datetime.combine(day - DAY, time(0), ZoneInfo(name)).astimezone(UTC) + start * MINUTE
        ends = calendar.add(begun, length * MINUTE)
        assert calendar.elapsed(begun, ends) == length * MINUTE
        assert counted_minutes(calendar, begun, ends) == length * MINUTE


@pytest.mark.parametrize("name", ZONES)
def test_fault_54_a_threshold_across_a_clock_change_is_crossed_to_the_second(name: str) -> None:
    """Around the clock, eight hours are eight hours, whatever the wall says meanwhile."""
    calendar = Calendar.always(timezone=name)
    for day in changes(ZoneInfo(name)):
        begun = datetime.combine(day, time(0), ZoneInfo(name)).astimezone(UTC)
        assert calendar.add(begun, 8 * HOUR) == begun + 8 * HOUR


def test_fault_55_a_machine_that_slept_goes_on_as_after_an_outage(watched: Watched) -> None:
    """Suspended for eight hours: two answers tell the time, then one latest note per ticket and nothing twice."""
    watched.urgent()
    watched.run()
    watched.sleep(8 * HOUR)
    assert watched.run().outcome is PassOutcome.OK
    assert watched.desk.world.requests["cursor"] >= 2
    assert len(watched.said()) <= 1
    watched.world.move(10 * MINUTE)
    watched.run()
    nothing_is_said_twice(watched.desk)


def test_fault_55_a_lease_does_not_outlive_a_long_sleep(watched: Watched) -> None:
    """Where machines share a state, the one that slept finds that its turn is over and stops."""
    thread = watched.stage.journal._thread
    slept = thread.run(lambda c: Lease(c, holder="slept", shared=True) if _expired(c) else None)
    assert slept is not None
    thread.run(_expired)
    thread.run(lambda c: Lease(c, holder="awake", shared=True))
    with pytest.raises(Busy, match="took this state over"):
        thread.run(slept.check)


def _expired(connection: Connection) -> bool:
    return connection.execute(update(lease).values(renewed_at=0)).rowcount == 1


def test_fault_56_a_leap_second_is_no_moment_and_harms_nothing() -> None:
    """A ``Date`` header in a leap second cannot be read as a moment: our own time stands in for it."""
    assert http_date("Sat, 31 Dec 2016 23:59:60 GMT") is None
    assert http_date("Sat, 31 Dec 2016 23:59:59 GMT") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_fault_56_a_decision_depends_on_its_arguments_alone(watched: Watched) -> None:
    """Holidays that change are another policy with another hash; under one hash the answer is always the same."""
    watched.urgent()
    watched.run()
    stored = watched.stage.stored("desk", "1")
    seen = situation(watched.desk.rules, stored, {}, policy_since=MONDAY, people={})
    first = decide(seen, POLICY, MONDAY + HOUR)
    assert first == decide(seen, POLICY, MONDAY + HOUR)
    assert str(seen) == str(situation(watched.desk.rules, stored, {}, policy_since=MONDAY, people={}))


def test_fault_57_a_pass_that_outlasts_its_tick_is_not_overtaken(watched: Watched) -> None:
    """Passes of five minutes under a poll every minute: one after another, none missed the delta, none overlaps."""
    reader, running, seen, lags = watched.desk.reader, [], [], []
    changes_, cursor = reader.changes, reader.start_cursor

    def slow(cursor_: str) -> Iterator[Page]:
        assert not running, "two passes at once"
        running.append(True)
        watched.world.move(5 * MINUTE)
        yield from changes_(cursor_)
        good = watched.stage.journal.records().sites()[0].last_good_at
        lags.extend([watched.world.now() - good] if good else [])
        running.clear()
        seen.append(watched.world.now())
        if len(seen) == 4:
            loop.stop()

    reader.changes = slow  # type: ignore[method-assign]
    reader.start_cursor = cursor  # type: ignore[method-assign]
    loop = SiteLoop(watched.desk.site, dataclasses.replace(watched.stage.around, clock=watched.world), Limits())
    watched.urgent()
    loop.run()
    gaps = [after - before for before, after in pairwise(seen)]
    assert min(gaps) >= 5 * MINUTE
    nothing_is_said_twice(watched.desk)
    assert watched.desk.live("1").level
    assert min(lags) >= 5 * MINUTE, "the age of the last good pass tells how far the site lags"


def test_fault_57_how_far_a_site_lags_is_a_metric(compose: Compose) -> None:
    """The age of its last good pass, in seconds, for every site that had one."""
    program, good = compose(), datetime.now(UTC) - 23 * MINUTE  # noqa: TID251 - the program runs on the machine's clock
    with program.journal() as journal:
        journal.open_site("zendesk", fingerprint=program.rules("zendesk").fingerprint)
        journal.advance("zendesk", Progress(last_good_at=good))
    server = listen(program, "127.0.0.1:0", {}, is_well=lambda: True)
    with contextlib.closing(server.socket):
        told = server.receiver.answer(Asked("GET", "/metrics", {})).text
    most = datetime.now(UTC) - good  # noqa: TID251 - likewise
    ((site, age),) = re.findall(r'^\w*last_good_pass_age_seconds\{site="([\w-]+)"\} (\S+)$', told, re.MULTILINE)
    assert site == "zendesk"
    assert 23 * 60 <= float(age) <= most.total_seconds() + 0.01, "it is rounded to a hundredth"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.mark.parametrize("stopped", [timedelta(seconds=10), timedelta(seconds=70), 10 * MINUTE], ids=str)
def test_fault_60_a_process_that_stood_still_does_not_send_what_it_armed(
    server: ScriptedServer, stopped: timedelta
) -> None:
    """SIGSTOP between arming and the first byte: after ten seconds it goes on, after a minute nothing may leave."""
    clock = StoppedClock()
    fence = Fence(clock.elapsed)
    endpoint = Endpoint(name="write", method="PUT", path=re.compile("/.*"), safe=False)
    around = Surroundings_(clock=clock, rng=random.Random(1), may_begin=fence.may_begin)
    adapter = PinnedAdapter(Pin(Origin.parse(server.url)), None, Dialect(endpoints=(endpoint,)), around)
    server.will(answer(b"{}"))
    fence.arm()
    clock.move(stopped)
    if stopped < MINUTE:
        Client(adapter).call(Request("PUT", "/ticket", body={"comment": "x"}))
        assert len(server.requests) == 1
    else:
        with pytest.raises(NotSent):
            Client(adapter).call(Request("PUT", "/ticket", body={"comment": "x"}))
        assert server.requests == []


def planned(watched: Watched, folder: Path) -> PlanFile:
    watched.urgent()
    with open_scratch(str(watched.stage.state)) as scratch:
        plan = reconcile(watched.desk.reading, dataclasses.replace(watched.around, journal=scratch), run="plan")
    write_plan_file(folder / "plan.json", [plan], fingerprints={"desk": watched.desk.rules.fingerprint})
    return read_plan_file(folder / "plan.json")


@pytest.mark.parametrize("off", [20 * MINUTE, -20 * MINUTE], ids=str)
def test_fault_53_a_plan_file_is_not_applied_by_a_clock_that_is_far_off(
    watched: Watched, tmp_path: Path, off: timedelta
) -> None:
    file = planned(watched, tmp_path)
    watched.ours.off = off
    with pytest.raises(UnsafePlan, match="clock differs"):
        apply_changes(watched.desk.site, watched.around, file)
    assert watched.desk.writer.sent == []
    known = watched.stage.journal.open_site("desk", fingerprint=watched.desk.rules.fingerprint)
    assert not known.effects, "nothing is switched on by a wrong clock either"
    watched.ours.off = timedelta(0)
    applied, refused = apply_changes(watched.desk.site, watched.around, file)
    assert (applied.written, refused) == (1, ())


def test_fault_53_a_plan_file_is_not_applied_where_the_helpdesks_time_went_wrong_under_a_steady_clock(
    watched: Watched, tmp_path: Path
) -> None:
    file = planned(watched, tmp_path)
    watched.keeper.sound(watched.desk.reading)
    watched.sleep(20 * MINUTE)
    watched.ours.off = -20 * MINUTE
    with pytest.raises(UnsafePlan, match="clock differs"):
        apply_changes(watched.desk.site, watched.around, file)
    assert watched.desk.writer.sent == []
