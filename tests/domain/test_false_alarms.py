"""A trigger that turned out to be false: what an agent writes to say so, and what becomes of the path that it named."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from connector.domain.conditions import Op, When
from connector.domain.decision import TriggerState
from connector.domain.policy import Policy, Route, Trigger
from connector.domain.ticket import Priority
from tests.domain.desk import ANNA, BEN, MONDAY, ROBOT, Desk
from tests.domain.policies import ESCALATION, POLICY, changed, check, lowering

P1, P2, P3, P4 = Priority
OUTAGE = {"impact": "site", "urgency": "blocked"}
COSMETIC = {"impact": "user", "urgency": "inconvenient"}
FALSE = frozenset({"security"})
SECURITY = When(any=(check("labels", Op.INCLUDES, "security"),))


def timers_only(policy: Policy = POLICY, **changes: object) -> Policy:
    return changed(policy, sla=dataclasses.replace(policy.sla, thresholds=()), cadence={}, **changes)


def taking_back(**changes: object) -> Policy:
    """A policy whose trigger names a path and is taken back by a label."""
    unless = When(any=(check("labels", Op.INCLUDES, "not-security"),))
    trigger = Trigger(name="security-form", at_least=P1, path="security", when=SECURITY, unless=unless)
    return timers_only(triggers=(trigger,), hash="t" * 64, **changes)


def alarmed(policy: Policy, facts: dict[str, str] = COSMETIC) -> Desk:
    """A ticket on the security path three minutes after it was opened."""
    desk = Desk(policy, facts=facts, labels=FALSE, priority=P4)
    desk.sync()
    assert (desk.ticket.path, desk.ticket.level) == ("security", 1)
    return desk.wait(minutes=3)


class TestSayingSo:
    @pytest.mark.parametrize("name", ["security-form", "Security-Form", "security-form,", "SECURITY-FORM:"])
    def test_a_trigger_is_known_whatever_the_case_of_its_name(self, name):
        desk = alarmed(POLICY)
        desk.command(f"/esc dismiss {name} wrong form")
        verdict = desk.look()[0].explanation.triggers[0]
        assert verdict.state is TriggerState.DISMISSED
        assert verdict.why.endswith("wrong form")
        assert desk.look()[0].explanation.findings == ()

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("/esc dismiss security false alarm", "/esc dismiss security by agent (id anna-id): the policy has no"),
            ("/esc dismiss", "/esc dismiss by agent (id anna-id): the policy has no trigger of this name"),
            ("/esc dismis security-form", "/esc dismis by agent (id anna-id): not a command, there are ack,"),
        ],
    )
    def test_what_is_not_understood_is_told(self, line, told):
        desk = alarmed(POLICY)
        desk.command(line)
        decision, _ = desk.look()
        assert decision.explanation.triggers[0].state is TriggerState.HIT
        assert decision.explanation.findings[0].startswith(told)

    @pytest.mark.parametrize("line", ["/esc ack", "/esc ACK", "/esc hold 1h", "/esc release"])
    def test_what_is_understood_is_no_finding(self, line):
        desk = alarmed(POLICY)
        desk.command(line)
        assert desk.look()[0].explanation.findings == ()


class TestThePath:
    def test_nobody_is_called_after_the_trigger_was_dismissed(self):
        desk = alarmed(timers_only())
        desk.command("/esc dismiss security-form wrong form")
        desk.run(hours=3)
        assert (desk.ticket.priority, desk.ticket.path, desk.ticket.level) == (P1, "default", 1)
        assert desk.ticket.group == "security-incident", "who is at work on the ticket decides about its group"
        assert desk.spoken == []
        assert desk.state.acknowledged_by == "agent (id anna-id), dismissed trigger security-form"

    def test_a_threshold_then_calls_those_of_the_other_path(self):
        desk = alarmed(POLICY)
        desk.command("/esc dismiss security-form")
        desk.run(minutes=20)
        assert (desk.ticket.path, desk.ticket.level, desk.ticket.group) == ("default", 2, "second-line")

    def test_a_path_that_a_route_names_as_well_goes_on_acknowledged(self):
        route = Route(path="security", when=SECURITY)
        escalation = dataclasses.replace(ESCALATION, routes=(route, *ESCALATION.routes))
        desk = alarmed(timers_only(escalation=escalation)).wait(minutes=7)
        desk.sync()
        assert desk.ticket.level == 2
        desk.wait(minutes=1).command("/esc dismiss security-form")
        desk.run(hours=3)
        assert (desk.state.level, desk.state.repeats, desk.spoken) == (2, 0, ["escalated (notes)"])
        assert desk.state.acknowledged_at == MONDAY + timedelta(minutes=11)

    def test_a_path_for_which_nothing_else_asks_is_over_and_a_later_outage_begins_its_own(self):
        desk = alarmed(timers_only(lowering(dwell=timedelta())))
        desk.command("/esc dismiss security-form")
        desk.run(hours=3)
        assert (desk.ticket.priority, desk.state.path) == (P4, None)
        desk.fact("impact", "site")
        desk.fact("urgency", "blocked")
        desk.run(minutes=30)
        assert (desk.ticket.path, desk.ticket.level, desk.ticket.group) == ("default", 2, "second-line")

    def test_a_path_that_another_trigger_names_goes_on(self):
        form = POLICY.triggers[0]
        desk = alarmed(timers_only(triggers=(form, dataclasses.replace(form, name="security-mail"))))
        desk.command("/esc dismiss security-form", BEN)
        desk.run(minutes=7)
        assert (desk.ticket.path, desk.ticket.level) == ("security", 2)

    def test_a_hold_keeps_the_path_until_it_ends(self):
        desk = alarmed(timers_only())
        desk.command("/esc hold 1h")
        desk.wait(minutes=1).command("/esc dismiss security-form")
        desk.run(minutes=30)
        assert (desk.state.path.name, desk.state.acknowledged_at) == ("security", None)
        desk.run(hours=3)
        assert (desk.state.path.name, desk.ticket.level) == ("default", 1)
        assert desk.state.acknowledged_by == "agent (id anna-id), dismissed trigger security-form"

    def test_an_agent_who_takes_the_trigger_back_is_at_work_on_the_ticket(self):
        desk = alarmed(taking_back())
        desk.label("not-security", actor=ANNA)
        desk.run(hours=3)
        assert (desk.ticket.path, desk.ticket.level) == ("default", 1)
        assert desk.state.acknowledged_by == "agent (id anna-id), took back trigger security-form"

    def test_where_a_program_takes_it_back_an_outage_goes_on_by_its_own_path(self):
        desk = alarmed(taking_back(), OUTAGE)
        desk.label("not-security", actor=ROBOT)
        desk.run(minutes=29)
        assert (desk.ticket.path, desk.ticket.level, desk.ticket.group) == ("default", 1, "service-desk")
        desk.run(minutes=1)
        assert (desk.ticket.level, desk.ticket.group) == (2, "second-line")
