"""What a ticket's past is told as is what was decided then: priority, deadlines, level, and since when."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.decide import decide
from connector.domain.decision import Decision
from connector.domain.explain import explain_lines
from connector.domain.past import InForce, Past
from connector.domain.retrace import retrace
from connector.domain.rewind import OwnWrite
from connector.domain.situation import Reach
from connector.domain.ticket import Priority, Status
from tests.domain import strategies as some
from tests.domain.desk import ANNA, CARLA, MONDAY, Desk
from tests.domain.policies import lowering

Told = tuple[Any, list[str]]
"""A moment, and the explanation that was given at it."""


class Chronicle(Desk):
    """A desk that keeps what the journal keeps of its past, and what was explained at each pass."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.told: list[Told] = []

    def sync(self):
        planned = super().sync()
        self.told.append((self.now, lines(self.look()[0])))
        return planned

    @property
    def past(self) -> Past:
        writes = [
            OwnWrite(at=at, fields=planned.fields, speaks=bool(planned.notices))
            for at, planned in self.plans
            if planned.fields or planned.notices
        ]
        first = InForce(self.policy_since or self.ticket.opened_at, self.policy)
        looks = tuple(at for at, _ in self.plans)
        return Past(situation=self.situation, policies=(first,), writes=tuple(writes), looks=looks)


def lines(decision: Decision) -> list[str]:
    return explain_lines(decision)


def retold(desk: Chronicle, at) -> list[str]:
    found = retrace(desk.past, at)
    assert found.unknown == ()
    return lines(decide(found.situation, found.policy, at))


def assert_told_alike(desk: Chronicle) -> None:
    for at, told in desk.told:
        assert retold(desk, at) == told, at


def test_before_our_own_raise_the_ticket_had_the_priority_and_the_deadline_that_it_had():
    desk = Chronicle(facts={"impact": "department", "urgency": "inconvenient"}, priority=Priority.P3)
    desk.run(hours=4)
    desk.wait(hours=1)
    desk.fact("urgency", "blocked")
    desk.run(hours=2)
    assert desk.ticket.priority is Priority.P1
    then = decide(retrace(desk.past, MONDAY + timedelta(hours=1)).situation, desk.policy, MONDAY + timedelta(hours=1))
    assert (then.severity, then.state.path) == (Priority.P3, None)
    assert_told_alike(desk)


def test_a_lower_answer_stands_since_it_was_first_given():
    desk = Chronicle(lowering(), facts={"impact": "user", "urgency": "inconvenient"}, priority=Priority.P2)
    desk.sync()
    desk.wait(minutes=20)
    desk.sync()
    desk.run(hours=2)
    assert any("must stand until 2026-11-23 09:30 UTC" in line for line in desk.told[1][1])
    assert_told_alike(desk)


def test_a_path_that_was_left_for_another_one_is_told_with_its_level_and_since_when():
    desk = Chronicle(facts={"impact": "site", "urgency": "blocked"}, priority=Priority.P3)
    desk.run(minutes=20)
    desk.wait(minutes=3)
    desk.label("security")
    desk.run(hours=1)
    assert any(line.startswith("path default, level 2 since 09:15") for line in desk.told[-1][1]) is False
    assert_told_alike(desk)


def test_an_acknowledgement_and_a_reopening_are_told_as_they_were():
    desk = Chronicle(facts={"impact": "site", "urgency": "blocked"}, priority=Priority.P3)
    desk.sync()
    desk.wait(minutes=5)
    desk.command("/esc ack", ANNA)
    desk.run(minutes=20)
    desk.wait(minutes=1)
    desk.status(Status.SOLVED)
    desk.sync()
    desk.wait(hours=1)
    desk.says(CARLA)
    desk.status(Status.OPEN, CARLA)
    desk.run(hours=3)
    assert_told_alike(desk)


def test_who_acknowledged_is_told_from_the_state_where_members_are_not_stored():
    desk = Chronicle(facts={"impact": "site", "urgency": "blocked"}, priority=Priority.P3)
    desk.sync()
    desk.wait(minutes=5)
    desk.says(ANNA)
    desk.run(minutes=50)
    desk.reach = dict.fromkeys(desk.reach, Reach())
    assert any("commented" in line for line in retold(desk, desk.now))


def test_a_level_that_nothing_stored_explains_is_told_and_its_reason_is_not_invented():
    desk = Chronicle(facts={"type": "security-incident"}, priority=Priority.P3)
    desk.wait(minutes=5).sync()
    desk.wait(minutes=1)
    desk.ticket = dataclasses.replace(desk.ticket, facts={})  # the kind of ticket changed, of which no event tells
    at = MONDAY + timedelta(minutes=5)
    found = retrace(desk.past, at)
    assert found.unknown == ("why level 1 of path security was entered, and when its timer ends",)
    then = lines(decide(found.situation, found.policy, at))
    told = "path security, level 1 since 09:00 (entered 09:05): the reason is not known any more"
    assert any(line.startswith(told) for line in then)


def test_what_a_late_pass_left_to_people_is_told_as_it_was():
    """The level's cause is as old as the ticket, and what lies between it and the pass is no reason any more."""
    desk = Chronicle(facts={"impact": "department", "urgency": "degraded"}, priority=Priority.P2)
    desk.wait(minutes=5).assign(group="billing")
    desk.wait(minutes=30).sync()
    desk.wait(minutes=1).assign(group="billing")
    desk.run(minutes=20)
    assert desk.told[0][1].count("path default, level 1 since 09:00 (entered 09:35): P2 starts at once (route 1)") == 1
    assert_told_alike(desk)


def test_a_step_that_never_came_shows_that_somebody_had_acknowledged():
    desk = Chronicle(facts={"impact": "site", "urgency": "blocked"}, priority=Priority.P3)
    desk.sync()
    desk.wait(minutes=5)
    desk.says(ANNA)
    desk.run(minutes=50)
    at = desk.now
    desk.run(hours=6)
    assert desk.state.level > 1
    desk.reach = dict.fromkeys(desk.reach, Reach())
    found = retrace(desk.past, at)
    assert found.unknown == ("who acknowledged level 1, and when",)
    assert found.situation.state.level == 1


def test_what_a_helpdesk_shows_late_is_known_from_the_pass_that_acted_on_it():
    desk = Chronicle(facts={"impact": "department", "urgency": "inconvenient"}, priority=Priority.P3)
    desk.sync()
    desk.wait(minutes=30, seconds=3)
    early = desk.now + timedelta(seconds=7)
    desk.fact("urgency", "blocked")
    desk.wait(seconds=67)
    desk.sync()
    past = dataclasses.replace(desk.past, looks=(MONDAY, early, desk.now), delay=timedelta(minutes=2))
    assert retrace(past, early).situation.state.priority is Priority.P3
    assert retrace(past, desk.now).situation.state.priority_since == desk.now


@given(data=st.data())
def test_the_past_is_told_as_it_was_explained_then(data: st.DataObject):
    desk = data.draw(chronicles())
    assert_told_alike(desk)


@st.composite
def chronicles(draw: st.DrawFn) -> Chronicle:
    made = draw(some.desks())
    desk = Chronicle(made.policy, rules=made.rules)
    desk.__dict__.update({k: v for k, v in vars(made).items() if k != "told"})
    waits = some.waits.filter(bool)
    steps = st.lists(st.tuples(waits, some.acts, st.sampled_from(["none", "sync", "run"])), max_size=6)
    for wait, act, passes in draw(steps):
        desk.now += wait
        act(desk)
        if passes == "sync":
            desk.sync()
        elif passes == "run":
            desk.run(minutes=40)
    desk.now += draw(waits)
    desk.sync()
    return desk
