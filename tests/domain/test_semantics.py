"""Rules of the decision, a sentence each: what counts as somebody's act, and what an edited policy may not do."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from connector.domain.change import Field
from connector.domain.decide import decide
from connector.domain.policy import SlaSource, Trigger
from connector.domain.sla import read_clocks
from connector.domain.ticket import ClockName, NativeClock, NativeStage, Priority
from tests.domain.desk import ANNA, BEN, Desk
from tests.domain.policies import POLICY, SECURITY, changed

P1, P2, P3, P4 = Priority
OUTAGE = {"impact": "site", "urgency": "blocked"}
QUIET = {"impact": "team", "urgency": "degraded"}


def edited(*triggers: Trigger):
    return changed(triggers=triggers, hash="e" * 64)


def renamed(name: str):
    return edited(
        *(dataclasses.replace(t, name=f"new-{t.name}" if t.name == name else t.name) for t in POLICY.triggers)
    )


class TestAnEditedPolicy:
    def test_that_only_renames_a_trigger_ends_nobodys_hold(self):
        desk = Desk(facts=QUIET, labels=frozenset({"security"}))
        desk.sync()
        desk.wait(minutes=5).priority(P4, ANNA)
        desk.wait(minutes=1).sync()
        desk.policy = renamed("security-form")
        planned = desk.wait(minutes=1).sync()
        assert not planned.fields
        assert desk.look()[0].explanation.holds

    def test_may_raise_what_nobody_holds(self):
        desk = Desk(edited(), facts=QUIET, labels=frozenset({"security"}))
        desk.sync()
        desk.policy = POLICY
        desk.wait(minutes=1).sync()
        assert desk.ticket.priority is P1

    def test_moves_no_running_path(self):
        desk = Desk(edited(), facts=OUTAGE, labels=frozenset({"security"}))
        desk.sync()
        assert desk.state.path.name == "default"
        desk.policy = POLICY
        desk.wait(minutes=1).sync()
        assert desk.state.path.name == "default"

    def test_does_not_hide_a_label_set_in_the_meantime(self):
        desk = Desk(edited(), facts=OUTAGE)
        desk.sync()
        desk.wait(minutes=1).label("security")
        desk.policy = POLICY
        desk.wait(minutes=1).sync()
        assert desk.state.path == SECURITY


class TestAPriorityThatTheMapDoesNotKnow:
    def test_is_never_overwritten_and_drives_nothing_wrong(self):
        desk = Desk(facts=OUTAGE, priority=None, foreign_priority=True)
        decision, planned = desk.look()
        assert Field.PRIORITY not in [c.field for c in planned.fields]
        assert decision.explanation.priority.effective is P1, "clock and path follow the policy's own answer"
        assert any("map" in line for line in decision.explanation.left_alone)
        assert any("map" in line for line in decision.explanation.findings)

    def test_is_not_the_same_as_none(self):
        desk = Desk(facts=OUTAGE, priority=None)
        desk.sync()
        assert desk.ticket.priority is P1


class TestCommands:
    @pytest.mark.parametrize(
        "line",
        [
            pytest.param("/esc hold 4h", id="as documented"),
            pytest.param("/esc Hold 4h", id="a capital letter"),
            pytest.param("/esc   hold   4h", id="more spaces"),
        ],
    )
    def test_a_hold_is_a_hold_however_it_is_typed(self, line):
        desk = Desk(facts=OUTAGE)
        desk.wait(minutes=1).command(line)
        desk.wait(minutes=1).sync()
        assert desk.written == []

    def test_an_acknowledgement_in_capitals(self):
        desk = Desk(facts=OUTAGE)
        desk.sync()
        desk.wait(minutes=1).command("/esc ACK on it", BEN)
        desk.sync()
        assert desk.state.acknowledged_at == desk.now


class TestASiteThatMayNotBeWritten:
    def desk(self) -> Desk:
        desk = Desk(changed(sla=dataclasses.replace(POLICY.sla, thresholds=())), facts=OUTAGE)
        desk.sync()
        assert desk.state.level == 1
        return desk

    def look(self, desk: Desk, **also):
        return decide(dataclasses.replace(desk.situation, **also), desk.policy, desk.now)

    def test_makes_no_step_that_nobody_would_hear_of(self):
        desk = self.desk()
        desk.wait(minutes=35)
        found = self.look(desk, halted="paused: maintenance")
        assert found.state.level == 1
        assert desk.now < found.next_due_at <= desk.now + timedelta(minutes=10)

    def test_goes_on_at_the_same_level_with_a_fresh_interval(self):
        desk = self.desk()
        resumed_at = desk.wait(minutes=35).now
        desk.wait(minutes=5)
        assert self.look(desk, resumed_at=resumed_at).state.level == 1
        desk.wait(minutes=25)
        assert self.look(desk, resumed_at=resumed_at).state.level == 2


class TestTheHelpdesksClock:
    def test_marks_that_a_bare_deadline_cannot_place_are_told(self):
        policy = changed(sla=dataclasses.replace(POLICY.sla, source=SlaSource.HELPDESK))
        desk = Desk(policy, facts=QUIET)
        native = NativeClock(
            clock=ClockName.RESOLUTION,
            name="total_resolution_time",
            stage=NativeStage.RUNNING,
            read_at=desk.now,
            breach_at=desk.now + timedelta(hours=8),
        )
        desk.ticket = dataclasses.replace(desk.ticket, native=(native,))
        (told,) = [line for line in desk.look()[0].explanation.findings if "resolution" in line]
        assert "75%, 90%, 150% cannot be placed" in told
        desk.ticket = dataclasses.replace(desk.ticket, native=(dataclasses.replace(native, goal=timedelta(hours=8)),))
        assert not [line for line in desk.look()[0].explanation.findings if "resolution" in line]


class TestFirstResponse:
    def test_a_late_answer_ends_the_helpdesks_breached_clock(self):
        policy = changed(sla=dataclasses.replace(POLICY.sla, source=SlaSource.HELPDESK))
        desk = Desk(policy, facts=QUIET)
        opened_at = desk.now
        desk.wait(hours=5).says(ANNA)
        answered_at = desk.now
        native = NativeClock(
            clock=ClockName.FIRST_RESPONSE, name="ttfr", stage=NativeStage.BREACHED, read_at=desk.now,
            started_at=opened_at, breach_at=opened_at,
        )  # fmt: skip
        desk.ticket = dataclasses.replace(desk.ticket, native=(native,))
        desk.wait(minutes=1)
        reading = read_clocks(desk.situation, policy, priority=P3, variant=None, now=desk.now)[0]
        assert (reading.met_at, reading.breached) == (answered_at, True)
