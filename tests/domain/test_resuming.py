"""A path after a reopening or a pause: when it goes on, from when its timer counts, and who is still at work."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.policy import Policy
from connector.domain.ticket import Priority, Status
from tests.domain import strategies as some
from tests.domain.desk import ANNA, BEN, CARLA, MONDAY, ROBOT, SOMEBODY, Desk
from tests.domain.policies import POLICY, changed

P1, P2, P3, P4 = Priority
OUTAGE = {"impact": "site", "urgency": "blocked"}
TIMER_ONLY = changed(sla=dataclasses.replace(POLICY.sla, thresholds=()), cadence={})


def running(policy: Policy = TIMER_ONLY) -> Desk:
    """An outage on level 1 since ten minutes."""
    desk = Desk(policy, facts=OUTAGE)
    desk.sync()
    return desk.wait(minutes=10)


def acknowledged_and_solved() -> Desk:
    desk = running()
    desk.says(ANNA)
    desk.wait(minutes=10).status(Status.SOLVED, ANNA)
    desk.sync()
    desk.wait(hours=20)
    return desk


class TestReopening:
    @pytest.mark.parametrize(
        ("actor", "minutes"), [(CARLA, 60), (ANNA, 30), (ROBOT, 30)], ids=["requester", "agent", "automation"]
    )
    def test_the_present_level_has_a_fresh_interval_and_is_to_be_acknowledged_anew(self, actor, minutes):
        desk = acknowledged_and_solved()
        desk.status(Status.OPEN, actor)
        desk.run(minutes=minutes - 1)
        assert (desk.ticket.level, desk.state.acknowledged_at) == (1, None)
        desk.run(minutes=1)
        assert (desk.ticket.level, desk.ticket.group) == (2, "second-line")

    def test_whoever_is_assigned_has_to_acknowledge_it_anew_too(self):
        desk = running()
        desk.assign(assignee="id:anna-id", actor=ANNA)
        desk.wait(minutes=10).status(Status.SOLVED, ANNA)
        desk.wait(hours=20).status(Status.OPEN, CARLA)
        desk.run(minutes=60)
        assert desk.ticket.level == 2

    @pytest.mark.parametrize("minutes", [5, 45], ids=["before it counts", "after it counts"])
    def test_what_an_agent_does_after_it_acknowledges_the_level(self, minutes):
        desk = acknowledged_and_solved()
        reopened_at = desk.now
        desk.status(Status.OPEN, CARLA)
        desk.run(minutes=minutes)
        desk.says(ANNA)
        desk.run(hours=5)
        assert desk.ticket.level == 1
        assert desk.state.acknowledged_at == reopened_at + timedelta(minutes=minutes)

    @given(looks=st.lists(st.integers(1, 40), max_size=8), solver=st.sampled_from([ANNA, ROBOT]))
    def test_it_goes_on_the_same_way_however_often_one_looks(self, looks, solver):
        desk = running()
        desk.status(Status.SOLVED, solver)
        desk.wait(hours=3).status(Status.OPEN, CARLA)
        until = desk.now + timedelta(minutes=60)
        for minutes in looks:
            desk.wait(minutes=minutes)
            if desk.now >= until:
                break
            desk.sync()
            assert desk.state.level == 1
        desk.now = until
        desk.sync()
        assert desk.state.level == 2


class TestThanks:
    @given(looks=st.lists(st.integers(1, 29), max_size=4), labels=st.sampled_from([frozenset(), {"security"}]))
    def test_a_running_path_does_not_move_before_a_reopening_counts(self, looks, labels):
        desk = Desk(facts=OUTAGE, labels=frozenset(labels))
        desk.sync()
        desk.wait(minutes=5).status(Status.SOLVED, ROBOT)
        desk.wait(hours=5).status(Status.OPEN, CARLA)
        reopened_at = desk.now
        for minutes in sorted(looks):
            desk.now = reopened_at + timedelta(minutes=minutes)
            desk.sync()
        desk.now = reopened_at + timedelta(minutes=29)
        desk.sync()
        assert (desk.state.level, desk.state.stepped_at) == (1, MONDAY)
        desk.status(Status.SOLVED, ANNA)
        desk.run(days=1)
        assert desk.state.level == 1

    def test_a_ticket_that_was_never_seen_starts_no_path_before_it_counts(self):
        desk = Desk(facts=OUTAGE, priority=P1)
        desk.wait(hours=1).status(Status.SOLVED, ROBOT)
        desk.wait(hours=20).says(CARLA)
        desk.status(Status.OPEN, CARLA)
        desk.run(minutes=29)
        assert desk.state.path is None
        assert desk.look()[0].explanation.path.why.startswith("reopened by the requester")
        desk.run(minutes=1)
        assert desk.state.path is not None
        assert desk.ticket.group is not None

    def test_how_long_that_takes_is_counted_on_the_calendar_of_the_priority_found_at_first_sight(self):
        evening = MONDAY + timedelta(hours=11)
        desk = Desk(facts=OUTAGE, priority=P4, opened_at=evening)
        desk.wait(minutes=5).status(Status.SOLVED, ROBOT)
        desk.wait(hours=1).status(Status.OPEN, CARLA)
        desk.wait(minutes=31).sync()
        assert (desk.ticket.priority, desk.ticket.path) == (P1, "default"), (
            "the office is closed, P1 is around the clock"
        )
        assert desk.look()[0].state == desk.state

    def test_what_rises_meanwhile_shows_that_it_is_none(self):
        desk = Desk(TIMER_ONLY, facts=OUTAGE)
        desk.sync()
        desk.wait(minutes=5).status(Status.SOLVED, ROBOT)
        desk.wait(hours=5).status(Status.OPEN, CARLA)
        desk.wait(minutes=10).label("security")
        desk.sync()
        assert (desk.ticket.path, desk.ticket.level) == ("security", 1)
        desk.run(minutes=10)
        assert desk.ticket.level == 2

    @given(desk=some.stories(), minutes=st.integers(0, 29))
    def test_nobody_is_called_by_it_whatever_happened_before(self, desk, minutes):
        desk.complete = True
        desk.status(Status.SOLVED, ROBOT)
        desk.sync()
        desk.wait(hours=1).status(Status.OPEN, CARLA)
        before = desk.state
        desk.wait(minutes=minutes)
        decision, _ = desk.look()
        rose_at = decision.state.rose_at
        if rose_at is None or rose_at < desk.now - timedelta(minutes=minutes):
            ended = 0, None  # by a dismissal that came after it was solved
            assert (decision.state.level, decision.state.started_at) in {(before.level, before.started_at), ended}


class TestPause:
    def waiting(self, assignee: str | None) -> Desk:
        """A customer who was asked something by Anna, at ten past nine."""
        desk = running()
        if assignee is not None:
            desk.assign(assignee=assignee, actor=ROBOT)
        desk.says(ANNA)
        desk.status(Status.WAITING_CUSTOMER, ANNA)
        desk.run(hours=20)
        assert (desk.ticket.level, desk.state.acknowledged_by) == (1, "agent (id anna-id), commented")
        return desk

    @pytest.mark.parametrize("actor", [CARLA, ROBOT, SOMEBODY], ids=["customer", "automation", "unknown"])
    @pytest.mark.parametrize("assignee", [None, "id:ben-id"], ids=["nobody is assigned", "another is assigned"])
    def test_an_answer_that_nobody_takes_up_goes_on_with_a_fresh_interval(self, actor, assignee):
        desk = self.waiting(assignee)
        desk.status(Status.OPEN, actor)
        desk.run(minutes=29)
        assert (desk.ticket.level, desk.state.acknowledged_at) == (1, None)
        desk.run(minutes=1)
        assert desk.ticket.level == 2

    def test_whoever_is_assigned_is_at_it_still(self):
        desk = self.waiting("id:anna-id")
        desk.status(Status.OPEN, CARLA)
        desk.run(hours=3)
        assert (desk.ticket.level, desk.state.acknowledged_by) == (1, "agent (id anna-id), commented")
        desk.assign(assignee="id:ben-id", actor=ANNA)
        desk.run(hours=3)
        assert desk.ticket.level == 1, "handing it over later takes nothing back"

    def test_an_agent_who_ends_the_pause_is_at_it_still(self):
        desk = self.waiting(None)
        desk.status(Status.OPEN, BEN)
        desk.run(hours=3)
        assert desk.ticket.level == 1

    def test_what_an_agent_does_after_the_answer_acknowledges_the_level(self):
        desk = self.waiting(None)
        desk.status(Status.OPEN, CARLA)
        desk.run(minutes=20)
        desk.says(ANNA)
        desk.run(hours=3)
        assert desk.ticket.level == 1
