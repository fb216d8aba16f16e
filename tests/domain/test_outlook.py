"""What is announced comes: a next step, the end of a hold, a reopening that counts."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from hypothesis import assume, given

from connector.domain.decision import Decision
from connector.domain.explain import explain_lines
from connector.domain.ticket import ClockName, Priority, Status
from tests.domain import strategies as some
from tests.domain.desk import ANNA, CARLA, MONDAY, ROBOT, Desk
from tests.domain.policies import POLICY, changed, threshold

OUTAGE = {"impact": "site", "urgency": "blocked"}


def steps(desk: Desk) -> list[str]:
    return [line for line in explain_lines(*desk.look()) if "next step" in line]


def started() -> Desk:
    desk = Desk(facts=OUTAGE, priority=Priority.P3)
    desk.sync()
    desk.wait(minutes=3)
    return desk


def test_an_acknowledged_level_announces_no_step():
    desk = started()
    desk.command("/esc ack", ANNA)
    desk.sync()
    assert steps(desk) == []


def test_a_mark_whose_level_the_path_has_passed_announces_no_step():
    marks = (threshold(ClockName.RESOLUTION, 75, escalate_to=2, note="at-risk"),)
    policy = changed(sla=dataclasses.replace(POLICY.sla, thresholds=marks), cadence={})
    desk = Desk(policy, facts=OUTAGE, priority=Priority.P1)
    desk.sync()

    def announced() -> list[str]:
        told = [item.what for item in desk.look()[0].explanation.upcoming]
        return [what for what in told if what.startswith("resolution 75%")]

    assert announced() == ["resolution 75%: escalate to level 2, note at-risk"]
    desk.run(hours=1)
    assert desk.state.level >= 2
    assert announced() == ["resolution 75%: note at-risk"]


def test_a_paused_ticket_announces_no_step():
    desk = started()
    desk.status(Status.WAITING_CUSTOMER, ROBOT)
    desk.sync()
    assert steps(desk) == []


def test_the_last_level_announces_no_step():
    desk = Desk(facts=OUTAGE, priority=Priority.P3).run(hours=1, minutes=46)
    assert desk.state.level == 4
    assert steps(desk) == []


def test_a_requesters_reopening_that_is_yet_to_count_is_no_hold():
    desk = started()
    desk.status(Status.SOLVED)
    desk.sync()
    desk.wait(hours=2)
    desk.says(CARLA)
    desk.status(Status.OPEN, CARLA)
    desk.sync()
    told = [item.what for item in desk.look()[0].explanation.upcoming]
    assert "the reopening counts, if the ticket is still open" in told
    assert "a hold ends" not in told


def test_what_began_before_it_counted_is_said_to_stay_without_a_path():
    desk = Desk(facts=OUTAGE, priority=Priority.P1)
    desk.rules = dataclasses.replace(desk.rules, enforce_from=MONDAY + timedelta(days=1))
    desk.sync()
    assert desk.look()[0].explanation.path.why.endswith("only what comes later starts a path")


def stands(decision: Decision):
    state = decision.state
    return state.level, state.entered_at, state.repeats, state.timer_from, state.acknowledged_at


@given(desk=some.stories())
def test_an_announced_step_comes_if_nobody_does_anything(desk: Desk):
    desk.sync()
    before = desk.look()[0]
    due_at = before.explanation.path.timer_due_at
    assume(due_at is not None)
    desk.run(seconds=(due_at - desk.now).total_seconds())
    assert stands(desk.look()[0]) != stands(before)
