"""A clock that is wrong as a process begins: nothing shows it but the helpdesk's own time. Nothing is lost to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.ticket import Status
from connector.engine.passes import PassOutcome
from connector.engine.pull import pull
from connector.engine.timekeeping import Timekeeper
from connector.helpdesks.memory import CUSTOMER, MemoryReader
from connector.ports import AsideKind, Progress, RunRow, RunSummary, SetAside
from tests.engine.stage import MINUTE, POLICY
from tests.faults.two_clocks import Watched

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SMALL = {"impact": "person", "urgency": "minor"}
OUTAGE = {"impact": "site", "urgency": "blocked"}

WRONG = [16 * MINUTE, DAY, -DAY, datetime(2099, 1, 1, tzinfo=UTC), datetime(1970, 1, 2, tzinfo=UTC)]


def at_rest(watched: Watched, count: int = 1) -> list[str]:
    """Open small requests and let them be decided."""
    ids = [watched.desk.world.create(facts=SMALL, group="service-desk").id for _ in range(count)]
    for _ in range(4):
        assert watched.run().outcome is PassOutcome.OK
        watched.world.move(MINUTE)
    return ids


def off_by(watched: Watched, wrong: timedelta | datetime) -> timedelta:
    return wrong if isinstance(wrong, timedelta) else wrong - watched.world.now()


def becomes_an_outage(watched: Watched, id_: str) -> None:
    watched.desk.world.update(id_, CUSTOMER, facts=OUTAGE)
    watched.world.move(timedelta(seconds=5))


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_fault_53_a_clock_that_was_wrong_as_the_process_began_swallows_no_change(
    watched: Watched, wrong: timedelta | datetime
) -> None:
    """A reboot, or a ``sync`` by cron: an outage that is reported meanwhile is acted upon as soon as the clock is."""
    (small,) = at_rest(watched)
    watched.begin_anew(off_by(watched, wrong))
    becomes_an_outage(watched, small)
    assert watched.run().outcome is PassOutcome.HELD
    watched.begin_anew()
    watched.world.move(MINUTE)
    assert watched.run().outcome is PassOutcome.OK
    assert str(watched.desk.live(small).priority) == "P1"


def test_fault_53_a_process_that_goes_on_with_a_wrong_clock_swallows_nothing_either(watched: Watched) -> None:
    """Refused again and again: whatever changed meanwhile is decided once the clock is right, in the same process."""
    ids = at_rest(watched, 4)
    watched.begin_anew(DAY)
    for id_ in ids[:3]:
        becomes_an_outage(watched, id_)
        assert watched.run().outcome is PassOutcome.HELD
        watched.world.move(MINUTE)
    watched.ours.off = timedelta(0)
    watched.stage.journal.resume("desk", allow=0, now=watched.world.now(), actor="anna")
    assert watched.run().outcome is PassOutcome.OK
    assert {id_ for id_ in ids if str(watched.desk.live(id_).priority) == "P1"} == set(ids[:3])


def test_fault_53_a_time_that_was_refused_is_asked_for_before_anything_is_read_again(watched: Watched) -> None:
    """The helpdesk's clock goes wrong under ours, which is steady: the next pass asks it first, and twice."""
    at_rest(watched)
    watched.sleep(DAY)
    watched.ours.off = -DAY
    assert watched.run().outcome is PassOutcome.HELD
    asked = watched.desk.world.requests.copy()
    assert watched.run().outcome is PassOutcome.HELD
    assert watched.desk.world.requests - asked == {"cursor": 2}


def test_fault_53_what_a_wrong_clock_stored_falls_due_once_it_is_refused(watched: Watched) -> None:
    """The clock leaps between being found sound and the reading of changes: they are not put off until it is right."""
    (small,) = at_rest(watched)
    becomes_an_outage(watched, small)
    state = watched.stage.journal.open_site("desk", fingerprint=watched.desk.rules.fingerprint)
    pull(watched.desk.reading, watched.around, state, now=watched.world.now() + DAY)
    watched.begin_anew(DAY)
    assert watched.run().outcome is PassOutcome.HELD
    watched.begin_anew()
    assert watched.run().outcome is PassOutcome.OK
    assert str(watched.desk.live(small).priority) == "P1"


def test_fault_53_a_refused_pass_leaves_no_moment_that_is_yet_to_come(watched: Watched) -> None:
    """A run, a line or an alarm of next year would stand before all that is told until then."""
    at_rest(watched)
    watched.begin_anew(400 * DAY)
    watched.run()
    records, now = watched.stage.journal.records(), watched.world.now()
    assert [alarm.at for alarm in watched.stage.ears.alarms if "frozen" in alarm.message] == [now]
    assert max(event.at for event in records.events(limit=100)) <= now
    assert max(max(run.started_at, run.ended_at or now) for run in records.runs(limit=100)) <= now


def test_fault_53_a_clock_that_is_a_little_ahead_dates_no_run_ahead(watched: Watched) -> None:
    """Ten minutes are corrected before the run's own moments are stored."""
    watched.begin_anew(10 * MINUTE)
    assert watched.run().outcome is PassOutcome.OK
    (run,) = watched.stage.journal.records().runs(limit=1)
    assert run.started_at <= watched.world.now()
    assert run.ended_at is not None
    assert run.ended_at >= run.started_at


class Stranger(MemoryReader):
    """A reader as the vendors' are: it knows the helpdesk's time and its own account once it was answered."""

    def __init__(self, watched: Watched) -> None:
        super().__init__(watched.desk.world)
        self._watched = watched
        self._known = False
        self.asked: list[str] = []

    @property
    def account(self) -> str:
        return self._world.account if self._known else ""

    def _request(self, kind: str) -> None:
        self.asked.append(kind)
        super()._request(kind)
        self._known = True

    def server_now(self) -> datetime:
        return super().server_now() if self._known else self._watched.ours.now()


def test_fault_53_the_first_answer_tells_the_time_and_none_is_asked_for_twice(watched: Watched) -> None:
    """A ``sync`` by the minute asks who it is anyway: that answer is judged, and nothing more is asked for it."""
    at_rest(watched)
    watched.begin_anew()
    watched.desk.reader = reader = Stranger(watched)
    assert watched.run().outcome is PassOutcome.OK
    assert reader.asked == ["check", "delta"]
    watched.begin_anew(DAY)
    watched.desk.reader = reader = Stranger(watched)
    assert watched.run().outcome is PassOutcome.HELD
    assert reader.asked == ["check"]


def test_fault_53_a_process_that_begins_asks_no_helpdesk_that_wants_to_be_left_alone(watched: Watched) -> None:
    """The time of the helpdesk is not worth what it costs to ask for it against its wish."""
    at_rest(watched)
    now = watched.world.now()
    rest = SetAside(kind=AsideKind.SITE, why="it asked for it", since=now, until=now + HOUR)
    watched.stage.journal.set_aside("desk", (rest,))
    watched.keeper = Timekeeper(watched.ours)
    watched.desk.reader = reader = Stranger(watched)
    assert watched.run().outcome is PassOutcome.FAILED
    assert reader.asked == []


def test_fault_53_a_sweep_of_the_future_keeps_no_sweep_back(watched: Watched) -> None:
    """What closed unseen is found with the next sweep, whatever a wrong clock said of the last one."""
    at_rest(watched)
    watched.stage.journal.advance("desk", Progress(last_sweep_at=watched.world.now() + 400 * DAY))
    before = watched.desk.world.requests.copy()
    watched.run()
    state = watched.stage.journal.open_site("desk", fingerprint=watched.desk.rules.fingerprint)
    asked = watched.desk.world.requests - before
    assert asked["sweep"] + asked["load"] > 0
    assert state.last_sweep_at == watched.world.now()


def test_fault_53_a_ticket_set_aside_in_the_future_is_looked_for_again(watched: Watched) -> None:
    """It was not shown to a clock that was ahead: it is not left alone until that moment comes."""
    (small,) = at_rest(watched)
    later = watched.world.now() + 400 * DAY
    unseen = SetAside(kind=AsideKind.TICKET, ticket=small, why="not shown", since=later)
    watched.stage.journal.set_aside("desk", (unseen,))
    watched.run()
    assert watched.stage.journal.aside("desk") == ()
    assert watched.stage.stored("desk", small).ticket.status is not Status.GONE


def test_fault_53_a_run_of_the_future_hides_nothing_that_is_held(watched: Watched) -> None:
    """A run that a wrong clock dated is not the latest: what is held is shown, and told once."""
    at_rest(watched)
    journal, later = watched.stage.journal, watched.world.now() + 400 * DAY
    row = RunRow(id="later", site="desk", kind="sync", policy=POLICY.hash, started_at=later)
    journal.begin_run(row)
    journal.end_run(replace(row, ended_at=later, outcome="held", summary=RunSummary(failed=1)))
    journal.pause("desk", "a change of the network", now=watched.world.now(), actor="anna")
    watched.desk.world.create(facts=OUTAGE, group="service-desk")
    for _ in range(3):
        watched.run()
        watched.world.move(MINUTE)
    records = journal.records()
    told = [line for line in records.events(limit=1000) if line.kind == "held"]
    assert told
    assert len(told) == len({line.data["effect"] for line in told})
    assert list(records.held(site="desk", until=watched.world.now())) == told
