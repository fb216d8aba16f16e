"""How a site's changes come in: load, delta, sweep, history, and what is not believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.events import EventKind
from connector.domain.site import Effect
from connector.domain.ticket import Priority, Status
from connector.engine.passes import PassOutcome, run_pass
from connector.engine.pull import take_in
from connector.errors import ConfigError
from connector.helpdesks.memory import AGENT, Fault
from connector.ports import AlarmKind, Page, Progress, Quarantined
from tests.engine.stage import MINUTE, POLICY, SECOND, Desk, IndexedReader, Stage
from tests.engine.test_passes import DEGRADED, P1, P3, P4, at_rest, opened
from tests.helpdesks.stopped_clock import StoppedClock

SWEEP = timedelta(hours=6)


class TestOurAccount:
    @pytest.mark.parametrize("people", [{"connector": "anna"}, {"agent": "anna", "connector": "ben"}])
    def test_one_that_a_person_works_with_is_refused_before_anything_is_read(
        self, stage: Stage, desk: Desk, people: dict[str, str]
    ) -> None:
        opened(desk)
        shared = replace(desk.site, reading=replace(desk.reading, people=people))
        with pytest.raises(ConfigError, match="own account connector is bound to"):
            run_pass(shared, stage.around, kind="sync")
        assert desk.world.requests.total() == 0

    def test_other_peoples_accounts_are_none_of_ours(self, stage: Stage, desk: Desk) -> None:
        opened(desk)
        fine = replace(desk.site, reading=replace(desk.reading, people={"agent": "anna"}))
        assert run_pass(fine, stage.around, kind="sync").outcome is PassOutcome.OK


class TestLoad:
    def test_the_first_load_reads_what_is_open_and_the_delta_what_changes(self, stage: Stage, desk: Desk) -> None:
        first, second, closed = opened(desk, 3, facts={})
        desk.world.update(closed, AGENT, status=Status.CLOSED)
        assert stage.run("desk").summary.read == 2
        assert stage.journal.known_open("desk") == {first, second}
        stage.clock.move(SECOND)
        desk.world.comment(second, "Any news?")
        assert stage.run("desk").summary.read == 1

    def test_a_load_that_was_cut_short_begins_anew(self, stage: Stage, desk: Desk) -> None:
        desk.world.page_size = 1
        ids = opened(desk, 3, facts={})
        desk.world.read_faults.extend([None, None, Fault.UNAVAILABLE])
        assert stage.run("desk").outcome is PassOutcome.FAILED
        assert stage.journal.known_open("desk") == {ids[0]}
        stage.run("desk")
        assert stage.journal.known_open("desk") == set(ids)

    def test_what_closed_during_a_broken_load_is_found_out(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        desk.world.page_size = 1
        ids = opened(desk, 2, facts={})
        desk.world.read_faults.extend([None, None, Fault.UNAVAILABLE])
        stage.run("desk")
        clock.move(SECOND)
        desk.world.update(ids[0], AGENT, status=Status.CLOSED)
        stage.run("desk")
        clock.move(SECOND)
        stage.run("desk")
        assert stage.journal.known_open("desk") == {ids[1]}

    def test_what_changes_while_the_load_runs_is_in_the_first_delta(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk, 1, facts={})
        stage.run("desk")
        state = stage.journal.open_site("desk", fingerprint=desk.rules.fingerprint)
        assert (state.loaded, state.cursor) == (True, "1")
        stage.clock.move(SECOND)
        desk.world.update(id_, AGENT, priority=P4)
        stage.run("desk")
        assert stage.stored("desk", id_).ticket.priority is P4


class TestSweep:
    def test_a_sweep_finds_what_deltas_missed(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        gone, closed, kept = opened(desk, 3, facts={})
        stage.run("desk")
        clock.move(SECOND)
        del desk.world.rows[gone]
        row = desk.world.rows[closed]
        row.ticket = replace(row.ticket, status=Status.CLOSED, version="x", updated_at=clock.now())
        stage.run("desk")
        assert stage.journal.known_open("desk") == {gone, closed, kept}
        clock.move(SWEEP)
        stage.run("desk")
        assert stage.journal.known_open("desk") == {gone, kept}  # not shown once is no proof
        clock.move(MINUTE)
        stage.run("desk")
        assert stage.journal.known_open("desk") == {kept}
        assert stage.stored("desk", gone).ticket.status is Status.GONE

    def test_a_deleted_ticket_is_gone_with_the_delta(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        stage.run("desk")
        stage.clock.move(SECOND)
        desk.world.delete(id_)
        stage.run("desk")
        assert stage.journal.known_open("desk") == set()


class TestOutage:
    @pytest.mark.parametrize("after_hours", [6, 0])
    def test_an_empty_site_is_an_outage(self, stage: Stage, desk: Desk, clock: StoppedClock, after_hours: int) -> None:
        opened(desk, 51, facts={})
        stage.run("desk")
        desk.world.rows.clear()
        if after_hours:
            clock.move(timedelta(hours=after_hours))
        else:
            stage.journal.advance("desk", Progress(loaded=False))
        result = stage.run("desk")
        assert result.outcome is PassOutcome.HELD
        assert len(stage.journal.known_open("desk")) == 51
        assert set(stage.journal.records().sites()[0].frozen) == set(Effect)
        assert [alarm.kind for alarm in stage.ears.alarms] == [AlarmKind.FREEZE]

    @pytest.mark.parametrize("full", [False, True], ids=["sweep", "full load"])
    def test_an_operator_may_say_that_it_is_empty_indeed(
        self, stage: Stage, desk: Desk, clock: StoppedClock, full: bool
    ) -> None:
        """A project was deleted, which no delta tells: the alarm's own command lets it go, and nothing less does."""
        opened(desk, 60, facts={})
        stage.run("desk")
        desk.world.rows.clear()
        clock.move(SWEEP)
        if full:
            stage.journal.advance("desk", Progress(loaded=False))
        for allow, is_held in ((None, True), (0, True), (60, False)):
            if allow is not None:
                stage.journal.resume("desk", allow=allow, now=clock.now(), actor="ops")
            clock.move(MINUTE)
            assert (stage.run("desk").outcome is PassOutcome.HELD) is is_held
        assert "connector resume desk --allow 60" in stage.ears.alarms[0].remedy
        clock.move(SWEEP)  # a full load tells nothing of what is gone
        for _ in range(3):
            stage.journal.resume("desk", allow=60, now=clock.now(), actor="ops")
            clock.move(MINUTE)
            assert stage.run("desk").outcome is not PassOutcome.HELD
        assert stage.journal.known_open("desk") == set()

    def test_a_small_site_may_empty_itself(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        opened(desk, 2, facts={})
        stage.run("desk")
        desk.world.rows.clear()
        clock.move(SWEEP)
        assert stage.run("desk").outcome is PassOutcome.OK
        clock.move(MINUTE)
        assert stage.run("desk").outcome is PassOutcome.OK
        assert stage.journal.known_open("desk") == set()


class TestLaggingIndex:
    @pytest.fixture
    def desk(self, clock: StoppedClock) -> Desk:
        return Desk("desk", clock, indexed=True)

    def test_what_stood_before_our_write_is_no_news(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        (id_,) = opened(desk)
        clock.move(MINUTE * 10)
        stage.run("desk")
        assert isinstance(desk.reader, IndexedReader)
        desk.reader.lag = MINUTE * 5
        before, sent = stage.rows(), len(desk.writer.sent)
        clock.move(MINUTE)
        stage.run("desk")
        assert (stage.stored("desk", id_).ticket.priority, len(desk.writer.sent)) == (P1, sent)
        assert stage.rows() == before

    def test_a_second_change_in_the_same_moment_is_news(self, stage: Stage, desk: Desk) -> None:
        desk.allow()
        (id_,) = opened(desk, facts=DEGRADED)
        stage.run("desk")
        desk.world.update(id_, AGENT, group="id:99")
        stage.run("desk")
        assert stage.stored("desk", id_).ticket.group == "id:99"

    def test_what_stood_before_somebodys_change_is_no_news(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        (id_,) = opened(desk, facts=DEGRADED)
        at_rest(stage)
        clock.move(MINUTE)
        desk.world.update(id_, AGENT, group="id:99")
        at_rest(stage)
        assert isinstance(desk.reader, IndexedReader)
        desk.reader.lag = MINUTE * 5
        before = stage.rows()
        clock.move(MINUTE)
        stage.run("desk")
        assert stage.rows() == before
        groups = [e for e in stage.stored("desk", id_).history.events if e.kind is EventKind.GROUP]
        assert [e.after for e in groups] == ["service-desk", "id:99"]


def test_a_ticket_that_could_not_be_read_once_and_reads_as_it_was_is_no_longer_listed(stage: Stage, desk: Desk) -> None:
    """A payload that was cut short on its way: the ticket itself had not changed, and a sweep reads it."""
    (id_,) = opened(desk, 1)
    at_rest(stage)
    bad = Page(observations=(), cursor="", malformed=(Quarantined(id=id_, why="cut short", digest="d"),))
    take_in(desk.reading, stage.around, POLICY, bad, now=stage.clock.now())
    assert [line.ticket for line in stage.journal.records().quarantined()] == [id_]
    stage.clock.move(timedelta(hours=6))
    stage.run("desk")
    assert stage.journal.records().quarantined() == ()


class TestHistory:
    def test_histories_are_read_within_their_allowance_most_urgent_first(self, stage: Stage, desk: Desk) -> None:
        desk.world.page_size = 2
        for priority in (P4, P3, P1):
            opened(desk, 1, facts={}, priority=priority)
        stage.run("desk")
        complete = {id_: stage.stored("desk", id_).history.complete for id_ in ("1", "2", "3")}
        assert complete == {"1": False, "2": True, "3": True}
        stage.clock.move(SECOND)
        stage.run("desk")
        assert stage.stored("desk", "1").history.complete
        assert desk.world.requests["history"] == 3

    def test_a_ticket_without_history_speaks_to_nobody_outside(self, stage: Stage, desk: Desk) -> None:
        opened(desk, priority=Priority.P1)
        desk.world.page_size = 1
        stage.run("desk")
        assert all(not c.public for c in desk.world.comments)
