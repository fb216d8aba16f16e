"""Priority: matrix and score, missing inputs, triggers, holds, lowering."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.change import Field
from connector.domain.decision import TriggerState
from connector.domain.inputs import compute
from connector.domain.occasion import Outcome, Said
from connector.domain.policy import PriorityRules
from connector.domain.site import Effect
from connector.domain.ticket import Priority, Status
from tests.domain import strategies as some
from tests.domain.desk import ANNA, BEN, CARLA, MONDAY, OURS, ROBOT, SOMEBODY, Desk
from tests.domain.policies import POLICY, SCORE, SCORED, changed, lowering

P1, P2, P3, P4 = Priority
OUTAGE = {"impact": "site", "urgency": "blocked"}


def wanted(desk: Desk) -> Priority | None:
    return desk.look()[0].explanation.priority.wanted


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        pytest.param(OUTAGE, P1, id="site-wide and blocked is P1 whoever reports it"),
        pytest.param({"impact": "team", "urgency": "degraded"}, P3, id="a cell of the matrix"),
        pytest.param({"impact": "SITE", "urgency": "Blocked"}, P1, id="case does not matter"),
        pytest.param({"impact": "site"}, None, id="one input missing is insufficient, not low"),
        pytest.param({}, None, id="nothing known"),
        pytest.param({"impact": "galaxy", "urgency": "blocked"}, None, id="an answer that is not listed is missing"),
    ],
)
def test_the_matrix(facts, answer):
    assert compute(POLICY, facts).priority is answer


@pytest.mark.parametrize(
    ("facts", "answer", "points"),
    [
        pytest.param({"impact": "site", "urgency": "blocked", "risk": 1.0}, P1, 100.0, id="everything at its worst"),
        pytest.param({"impact": "team", "urgency": "degraded", "risk": 0.2}, P3, 40.0, id="weights add up"),
        pytest.param({"impact": "department", "urgency": "blocked"}, P1, 100 * 58 / 70, id="known weights are scaled"),
        pytest.param({"urgency": "blocked", "risk": 1.0}, P1, 100.0, id="sixty percent of the weight are enough"),
        pytest.param({"impact": "site"}, None, None, id="forty percent are not"),
        pytest.param({"risk": 7.0, "urgency": "blocked"}, P1, 100.0, id="a number is clamped"),
    ],
)
def test_the_score(facts, answer, points):
    computed = compute(SCORED, facts)
    assert computed.priority is answer
    assert computed.score == (None if points is None else pytest.approx(points))


def test_without_a_form_there_is_no_answer():
    assert compute(changed(priority=PriorityRules()), OUTAGE).priority is None


@given(
    facts=st.dictionaries(st.sampled_from(["impact", "urgency"]), st.sampled_from(["site", "user", "blocked"])),
    stated=st.none() | st.sampled_from(list(Priority)),
)
def test_a_trigger_never_lowers(facts, stated):
    plain, vip = (
        wanted(Desk(priority=stated, facts={**facts, **more})) or stated for more in ({}, {"org.tier": "platinum"})
    )
    assert plain is None or (vip is not None and vip <= plain)


class TestInsufficient:
    def test_nothing_is_written_for_it(self):
        desk = Desk(priority=P2)
        assert [c.field for c in desk.sync().fields if c.field is Field.PRIORITY] == []
        assert wanted(desk) is None

    def test_the_stated_priority_is_what_a_trigger_raises(self):
        assert wanted(Desk(priority=P4, facts={"org.tier": "platinum"})) is P3

    def test_raising_by_one_is_not_repeated_on_what_we_wrote(self):
        desk = Desk(priority=P4, facts={"org.tier": "platinum"})
        for _ in range(4):
            desk.sync()
            desk.wait(minutes=30)
        assert desk.ticket.priority is P3

    def test_the_cap_holds(self):
        assert wanted(Desk(priority=P2, facts={"org.tier": "platinum"})) is P2


class TestTriggers:
    def test_a_lower_floor_is_shown_as_also_matched(self):
        desk = Desk(labels=frozenset({"security"}), facts={"category": "legal-hold"})
        states = {v.name: v.state for v in desk.look()[0].explanation.triggers}
        assert states["security-form"] is TriggerState.HIT
        assert states["legal"] is TriggerState.ALSO_MATCHED

    def test_unless_takes_a_trigger_back(self):
        desk = Desk(text_hits={"security-words-1": True}, labels=frozenset({"not-security"}))
        assert wanted(desk) is None

    def test_unread_text_is_unknown_and_asks_to_be_read(self):
        decision, _ = Desk(text_hits={}).look()
        assert decision.unread_text
        assert decision.explanation.triggers[1].state is TriggerState.UNKNOWN

    def test_text_need_not_be_read_where_it_cannot_matter(self):
        assert not Desk(text_hits={}, labels=frozenset({"not-security"})).look()[0].unread_text

    def test_a_trigger_whose_text_became_unknown_stays_in_force(self):
        desk = Desk(lowering(), text_hits={"security-words-1": True})
        desk.sync()
        desk.text_hits = {}
        desk.wait(hours=5)
        decision, _ = desk.look()
        assert decision.unread_text
        assert decision.explanation.priority.wanted is P2

    def test_an_agent_dismisses_a_false_one_with_a_reason(self):
        desk = Desk(text_hits={"security-words-1": True}, facts={"impact": "user", "urgency": "inconvenient"})
        desk.wait(minutes=1)
        desk.command("/esc dismiss security-words a newsletter")
        verdict = desk.look()[0].explanation.triggers[1]
        assert verdict.state is TriggerState.DISMISSED
        assert verdict.why == "by agent (id anna-id) on 2026-11-23 09:01 UTC: a newsletter"

    @pytest.mark.parametrize(
        ("actor", "public"),
        [
            pytest.param(CARLA, False, id="a customer's command"),
            pytest.param(ROBOT, False, id="an automation's command"),
            pytest.param(SOMEBODY, False, id="a command of somebody unknown"),
            pytest.param(ANNA, True, id="a command that the requester could read"),
        ],
    )
    def test_is_no_command(self, actor, public):
        desk = Desk(text_hits={"security-words-1": True})
        desk.wait(minutes=1)
        desk.command("/esc dismiss security-words", actor, public=public)
        assert desk.look()[0].explanation.triggers[1].state is TriggerState.HIT


class TestPeople:
    def held(self, actor=BEN, **said) -> Desk:
        desk = Desk(facts=OUTAGE)
        desk.sync()
        desk.wait(minutes=5)
        desk.priority(P4, actor, **said)
        return desk

    def test_the_value_at_creation_is_nobodys_decision(self):
        desk = Desk(priority=P4, facts=OUTAGE)
        desk.sync()
        assert desk.ticket.priority is P1

    @pytest.mark.parametrize(
        "actor", [ANNA, CARLA, ROBOT, SOMEBODY], ids=["agent", "customer", "automation", "unknown"]
    )
    def test_a_later_change_by_anyone_but_us_holds(self, actor):
        desk = self.held(actor)
        desk.wait(days=2)
        desk.sync()
        assert desk.ticket.priority is P4
        assert desk.state.priority is P4, "the live priority drives clock and path"

    def test_our_own_change_holds_nothing(self):
        desk = Desk(facts=OUTAGE, priority=P2)
        desk.wait(minutes=1)
        desk.priority(P3, OURS)
        desk.sync()
        assert desk.ticket.priority is P1

    def test_an_automation_that_undoes_our_write_is_not_fought(self):
        desk = self.held(ROBOT, reaction=True)
        desk.wait(minutes=5)
        decision, planned = desk.look()
        assert [c.field for c in planned.fields if c.field is Field.PRIORITY] == []
        assert "changed by somebody since we wrote it" in decision.left[0].why

    @pytest.mark.parametrize(
        "ends",
        [
            pytest.param(lambda desk: desk.label("security"), id="a new trigger"),
            pytest.param(lambda desk: desk.command("/esc release"), id="a release"),
            pytest.param(lambda desk: (desk.fact("impact", "user"), desk.fact("impact", "site")), id="impact goes up"),
            pytest.param(lambda desk: (desk.status(Status.SOLVED), desk.status(Status.OPEN, ANNA)), id="a reopening"),
        ],
    )
    def test_a_hold_ends_with(self, ends):
        desk = self.held()
        desk.sync()
        desk.wait(minutes=5)
        ends(desk)
        desk.sync()
        assert desk.ticket.priority is P1

    def test_the_requesters_reopening_ends_a_hold_once_it_is_no_mere_thanks(self):
        desk = self.held()
        desk.sync()
        desk.wait(minutes=5).status(Status.SOLVED)
        desk.wait(minutes=5).status(Status.OPEN, CARLA)
        desk.sync()
        assert desk.ticket.priority is P4, "the policy ignores reopenings of less than half an hour"
        due_at = desk.look()[0].next_due_at
        assert due_at is not None
        assert due_at <= desk.now + timedelta(minutes=30)
        desk.run(minutes=29)
        assert desk.ticket.priority is P4
        desk.run(minutes=1)
        assert desk.ticket.priority is P1

    def test_a_thanks_that_is_solved_again_ends_no_hold(self):
        desk = self.held()
        desk.sync()
        desk.wait(minutes=5).status(Status.SOLVED)
        for _ in range(3):
            desk.wait(minutes=5).status(Status.OPEN, CARLA)
            desk.wait(minutes=20).status(Status.SOLVED)
        desk.wait(minutes=5).status(Status.OPEN, CARLA)
        desk.run(minutes=25)
        assert desk.ticket.priority is P4

    def test_a_falling_input_ends_no_hold(self):
        desk = self.held()
        desk.wait(minutes=5)
        desk.fact("urgency", "degraded")
        desk.sync()
        assert desk.ticket.priority is P4

    def test_a_cap_ends_a_hold(self):
        rules = PriorityRules(matrix=POLICY.priority.matrix, hold_cap=timedelta(days=2))
        desk = self.held()
        desk.policy = changed(priority=rules)
        desk.run(days=1)
        assert desk.ticket.priority is P4
        desk.run(days=1)
        assert desk.ticket.priority is P1


class TestHoldOfTheWholeTicket:
    @pytest.mark.parametrize(
        "hold",
        [
            pytest.param(lambda desk: desk.command("/esc hold 4h"), id="by command"),
            pytest.param(lambda desk: desk.label("esc-hold"), id="by label"),
        ],
    )
    def test_nothing_is_raised_assigned_or_said(self, hold):
        desk = Desk(facts=OUTAGE)
        desk.wait(minutes=1)
        hold(desk)
        desk.run(hours=3)
        assert (desk.written, desk.spoken) == ([], [])
        assert any("breached while the ticket is held" in alarm for alarm in desk.look()[0].alarms)

    def test_it_ends_by_itself_and_the_path_begins(self):
        desk = Desk(facts=OUTAGE)
        desk.wait(minutes=1)
        desk.command("/esc hold 1h")
        assert desk.look()[0].next_due_at is not None
        desk.run(hours=2)
        assert desk.ticket.priority is P1
        assert desk.ticket.level is not None

    @pytest.mark.parametrize(
        "line", ["/esc hold 31d", "/esc hold tomorrow", "/esc hold please 4h"], ids=["too long", "no length", "late"]
    )
    def test_what_is_no_hold_is_told(self, line):
        desk = Desk(facts=OUTAGE)
        desk.wait(minutes=1)
        desk.command(line)
        decision, _ = desk.look()
        assert decision.explanation.holds == ()
        assert line in decision.explanation.findings[0]


class TestLowering:
    def lower(self, policy=None) -> Desk:
        desk = Desk(policy or lowering(), facts=OUTAGE)
        desk.sync()
        desk.fact("impact", "user")
        desk.fact("urgency", "inconvenient")
        return desk

    def test_the_starter_never_does(self):
        desk = self.lower(POLICY)
        desk.run(days=2)
        assert desk.ticket.priority is P1

    def test_a_lower_answer_has_to_stand_for_its_dwell_time(self):
        desk = self.lower()
        desk.wait(minutes=5)
        desk.sync()
        assert desk.look()[0].explanation.priority.wanted is P1
        assert MONDAY + timedelta(minutes=35) in [u.at for u in desk.look()[0].explanation.upcoming]
        desk.wait(minutes=30)
        desk.sync()
        assert desk.ticket.priority is P4

    def test_an_answer_that_changed_starts_its_dwell_anew(self):
        desk = self.lower()
        desk.sync()
        desk.wait(minutes=20)
        desk.fact("urgency", "blocked")
        desk.sync()
        desk.wait(minutes=20)
        desk.sync()
        assert desk.ticket.priority is P1

    @pytest.mark.parametrize(
        ("risk", "answer"), [(0.75, P2), (0.30, P3)], ids=["within the hysteresis", "beyond the hysteresis"]
    )
    def test_a_score_has_to_fall_beyond_its_hysteresis(self, risk, answer):
        desk = Desk(SCORED, priority=P3, facts={"impact": "team", "urgency": "degraded", "risk": 1.0})
        desk.sync()
        assert desk.ticket.priority is P2, SCORE.bounds
        desk.ticket = dataclasses.replace(desk.ticket, facts={**desk.ticket.facts, "risk": risk})
        desk.sync()
        desk.wait(minutes=31)
        desk.sync()
        assert desk.ticket.priority is answer

    def test_taking_the_lower_answer_is_remembered_the_same_way_twice(self):
        desk = self.lower()
        desk.sync()
        desk.wait(minutes=31)
        desk.sync()
        assert desk.ticket.priority is P4
        assert desk.look()[0].state == desk.state

    def test_nothing_is_lowered_while_text_is_unread(self):
        desk = self.lower()
        desk.sync()
        desk.text_hits = {}
        desk.wait(hours=1)
        desk.sync()
        assert desk.ticket.priority is P1

    def test_reading_text_again_does_not_begin_the_dwell_time_anew(self):
        desk = self.lower()
        desk.sync()
        desk.wait(minutes=20)
        desk.text_hits = {}
        desk.says(CARLA)
        desk.sync()
        desk.text_hits = {"security-words-1": False}
        desk.run(minutes=9)
        assert desk.ticket.priority is P1
        desk.run(minutes=1)
        assert desk.ticket.priority is P4

    @pytest.mark.parametrize(
        ("policy", "missing"),
        [
            pytest.param(lowering(), ["impact"], id="one input of the matrix"),
            pytest.param(lowering(), ["impact", "urgency"], id="both inputs of the matrix"),
            pytest.param(SCORED, ["impact", "urgency"], id="most of the weight"),
        ],
    )
    @given(stated=st.none() | some.priorities, triggers=st.sets(st.sampled_from(["legal", "vip", "security"])))
    def test_what_became_unknown_lowers_nothing(self, policy, missing, stated, triggers):
        desk = Desk(policy, facts={**OUTAGE, "risk": 1.0}, priority=stated)
        desk.sync()
        assert desk.ticket.priority is P1
        desk.wait(hours=1)
        for name in missing:
            desk.fact(name, None)
        desk.fact("org.tier", "platinum" if "vip" in triggers else None)
        desk.fact("category", "legal-hold" if "legal" in triggers else None)
        desk.label(*({"security"} & triggers))
        desk.run(hours=2)
        assert desk.ticket.priority is P1

    def test_it_is_looked_at_when_the_dwell_time_ends(self):
        desk = self.lower(lowering(dwell=timedelta(minutes=5)))
        desk.sync()
        assert desk.look()[0].next_due_at == MONDAY + timedelta(minutes=5)


class TestSettled:
    def test_what_was_silenced_is_not_written_until_something_rises(self):
        desk = Desk(facts=OUTAGE)
        desk.said["set:priority:P1", Effect.FIELDS] = Said(outcome=Outcome.SILENCED, at=MONDAY)
        desk.sync()
        assert desk.ticket.priority is P3
        assert desk.state.priority is P3, "live values are the baseline"
        desk.wait(minutes=5)
        desk.label("security")
        desk.sync()
        assert desk.ticket.priority is P1
