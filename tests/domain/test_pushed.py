"""A threshold moves a running path once, whatever path the ticket is on by then."""

from __future__ import annotations

import dataclasses

from connector.domain.events import EventKind, TicketEvent
from connector.domain.occasion import Outcome
from connector.domain.policy import StartWhen
from connector.domain.reason import ReasonKind
from connector.domain.site import Effect
from connector.domain.ticket import ClockName, Priority
from tests.domain.desk import ANNA, Desk
from tests.domain.policies import ESCALATION, changed, threshold

FIELDS_ROW = "threshold:first_response:20261123T090000Z:100%", Effect.FIELDS
OUTAGE = {"impact": "site", "urgency": "blocked"}
MINOR = {"impact": "department", "urgency": "inconvenient"}


def walked(desk: Desk) -> list[str]:
    return [line for line in desk.written if line.startswith(("level", "path"))]


def with_thresholds(*thresholds: object, **escalation: object):
    policy = changed(escalation=dataclasses.replace(ESCALATION, **escalation))
    return dataclasses.replace(policy, sla=dataclasses.replace(policy.sla, thresholds=thresholds))


def test_a_path_that_comes_later_is_not_moved_by_what_moved_the_one_before():
    desk = Desk(facts=MINOR, priority=Priority.P3)
    desk.run(days=6)
    assert desk.said[FIELDS_ROW].outcome is Outcome.DONE
    desk.label("security")
    desk.sync()
    desk.wait(minutes=2)
    desk.command("/esc ack", ANNA)
    desk.run(hours=1)
    assert walked(desk)[-2:] == ["path default -> security", "level 4 -> 1"]


def test_a_level_that_the_timer_had_reached_already_is_not_asked_for_again():
    rules = with_thresholds(threshold(ClockName.FIRST_RESPONSE, 300, escalate_to=2))
    desk = Desk(rules, facts=OUTAGE, priority=Priority.P1)
    desk.run(minutes=50)
    assert (desk.state.level, desk.state.level_why.kind) == (2, ReasonKind.TIMER)
    desk.label("security")
    desk.sync()
    desk.wait(minutes=1)
    desk.command("/esc ack", ANNA)
    desk.run(hours=3)
    assert (desk.state.path.name, desk.state.level) == ("security", 1)


def test_a_threshold_passed_after_the_switch_moves_the_path_that_is_there():
    desk = Desk(facts=OUTAGE, priority=Priority.P1)
    desk.run(minutes=5)
    desk.label("security")
    desk.sync()
    desk.wait(minutes=1)
    desk.command("/esc ack", ANNA)
    desk.run(minutes=11)
    assert (desk.state.path.name, desk.state.level) == ("security", 2)
    assert desk.state.level_why.kind is ReasonKind.THRESHOLD


def test_a_timers_step_that_is_taken_back_leaves_the_threshold_its_own():
    """Both ask for the same level at the same moment, and somebody had acknowledged just before."""
    rules = with_thresholds(threshold(ClockName.FIRST_RESPONSE, 200, escalate_to=2))
    desk = Desk(rules, facts=OUTAGE, priority=Priority.P1)
    desk.sync()
    desk.wait(minutes=20)
    acknowledged = desk.now
    desk.wait(minutes=10)
    desk.store(*desk.look())
    assert desk.state.level_why.kind is ReasonKind.TIMER
    desk.events.append(TicketEvent(id="late", at=acknowledged, kind=EventKind.COMMENT, actor=ANNA, public=False))
    desk.sync()
    assert (desk.state.level, desk.state.level_why.kind) == (2, ReasonKind.THRESHOLD)


def test_a_path_that_begins_anew_begins_at_the_level_that_a_breach_asks_for():
    """What has had its level still is a reason to start: a ticket is not left without a path while it is late."""
    rules = with_thresholds(
        threshold(ClockName.FIRST_RESPONSE, 100, escalate_to=2), start=dict.fromkeys(Priority, StartWhen.THRESHOLD)
    )
    desk = Desk(rules, facts=MINOR, priority=Priority.P3)
    desk.run(hours=6)
    assert desk.said[FIELDS_ROW].outcome is Outcome.DONE
    fresh = Desk(rules).state
    desk.state = dataclasses.replace(
        desk.state, **{name: getattr(fresh, name) for name in ("path", "started_at", "level", "entered_at")}
    )
    desk.sync()
    assert (desk.state.path.name, desk.state.level) == ("default", 2)
