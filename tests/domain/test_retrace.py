"""What a ticket's past is told as is what was decided then: priority, deadlines, level, and since when."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.decide import decide
from connector.domain.decision import Decision
from connector.domain.explain import explain_lines
from connector.domain.past import InForce, Past
from connector.domain.policy import SlaSource
from connector.domain.retrace import retrace
from connector.domain.rewind import OwnWrite
from connector.domain.situation import EscalationState, Reach, Situation
from connector.domain.ticket import ClockName, NativeClock, NativeStage, Priority, Status
from tests.domain import strategies as some
from tests.domain.desk import ANNA, CARLA, MONDAY, Desk
from tests.domain.policies import POLICY, lowering

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
    desk.state = EscalationState(decided_at=desk.now)  # and the path came to an end
    unwritten = dataclasses.replace(desk.past, writes=())
    at = MONDAY + timedelta(minutes=5)
    found = retrace(unwritten, at)
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


def test_a_level_that_only_its_write_explains_is_told_with_the_reason_that_was_written():
    desk = Chronicle(facts={"type": "security-incident"}, priority=Priority.P3)
    desk.sync()
    desk.wait(minutes=1)
    desk.ticket = dataclasses.replace(desk.ticket, facts={})
    desk.state = EscalationState(decided_at=desk.now)
    found = retrace(desk.past, MONDAY)
    assert found.unknown == ()
    assert found.situation.state.level_reason == "trigger security-form"


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


BY_HELPDESK = dataclasses.replace(POLICY, sla=dataclasses.replace(POLICY.sla, source=SlaSource.HELPDESK))
CLOCKS_LOST = "what the helpdesk's own clocks said: deadlines are by our own measure"


def clock(name: ClockName, **stated: Any) -> NativeClock:
    return NativeClock(**{"clock": name, "name": name, "stage": NativeStage.RUNNING, "read_at": MONDAY, **stated})


def read_again(desk: Chronicle) -> Past:
    """Return the past once the helpdesk's clocks have been read anew: of its readings only the latest is kept."""
    native = tuple(dataclasses.replace(reading, read_at=desk.now) for reading in desk.ticket.native)
    desk.ticket = dataclasses.replace(desk.ticket, native=native)
    return desk.past


def about_path(told: list[str]) -> list[str]:
    return [line for line in told if line.startswith("path") or "acknowledged: " in line or "next step" in line]


def assert_path_told_alike(desk: Chronicle, past: Past) -> None:
    """The path, its level, reason, acknowledgement and timer are those of then, and none of it is said to be lost."""
    for at, told in desk.told:
        found = retrace(past, at)
        assert set(found.unknown) <= {CLOCKS_LOST}, at
        assert about_path(lines(decide(found.situation, found.policy, at))) == about_path(told), at


@pytest.mark.parametrize("hours", [1, 6])
def test_steps_on_the_helpdesks_clock_are_told_when_they_were_made_and_nobody_has_acknowledged(hours: int):
    """Its deadline is three hours earlier than ours, or an hour and more later; then two levels by their timers."""
    native = clock(ClockName.FIRST_RESPONSE, breach_at=MONDAY + timedelta(hours=hours))
    desk = Chronicle(
        BY_HELPDESK, facts={"impact": "user", "urgency": "blocked"}, priority=Priority.P3, native=(native,)
    )
    for _ in range(18):
        desk.run(minutes=30)
    assert desk.state.level == 4
    assert desk.state.path_reason.startswith("threshold first_response 100%")
    assert_path_told_alike(desk, read_again(desk))


def test_a_timer_that_began_with_a_later_pass_ends_when_it_did_and_nobody_has_acknowledged():
    desk = Chronicle(facts={"impact": "department", "urgency": "degraded"}, priority=Priority.P3)
    desk.wait(minutes=2)  # an earlier pass had not been shown the ticket
    for _ in range(6):
        desk.run(minutes=32)
    assert desk.state.level == 4
    past = dataclasses.replace(desk.past, looks=(MONDAY, *desk.past.looks))
    for minutes in (29, 30, 31):
        found = retrace(past, MONDAY + timedelta(minutes=minutes))
        assert (found.unknown, found.situation.state.level, found.situation.state.acknowledged_by) == ((), 1, None)
    assert_path_told_alike(desk, dataclasses.replace(past, delay=timedelta(minutes=2)))


def test_a_timer_that_stood_still_by_the_helpdesks_clock_is_no_acknowledgement():
    desk = Chronicle(
        BY_HELPDESK,
        facts={"impact": "department", "urgency": "degraded"},
        priority=Priority.P3,
        native=(clock(ClockName.RESOLUTION, stage=NativeStage.PAUSED),),
    )
    desk.run(minutes=50)
    assert (desk.state.level, desk.state.acknowledged_by) == (1, None)
    at = desk.now - timedelta(minutes=10)
    past = read_again(desk)
    for kept in (past, dataclasses.replace(past, situation=later(past.situation, desk.now))):
        found = retrace(kept, at)
        assert found.unknown == ("when the timer of level 1 ends", CLOCKS_LOST)
        then = about_path(lines(decide(found.situation, found.policy, at)))
        assert any(line.startswith("path default, level 1 since 09:00") for line in then)
        assert not [line for line in then if "acknowledged: " in line]


def later(situation: Situation, at: datetime) -> Situation:
    """Return the situation with a state that something else has changed since."""
    return dataclasses.replace(situation, state=dataclasses.replace(situation.state, decided_at=at, rose_at=at))


def test_after_the_last_decision_that_changed_it_the_state_is_told_as_it_is_stored():
    desk = Chronicle(facts={"impact": "site", "urgency": "blocked"}, priority=Priority.P3)
    desk.run(hours=5)
    assert desk.state.decided_at is not None
    desk.wait(hours=3)
    desk.says(CARLA)
    desk.reach = dict.fromkeys(desk.reach, Reach())
    found = retrace(dataclasses.replace(desk.past, writes=(), looks=()), desk.now - timedelta(minutes=1))
    assert (found.unknown, found.situation.state) == ((), desk.state)


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
