"""Ten tickets, told as stories: what is written and said, at stated times. Monday 09:00 UTC is 10:00 in Berlin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.domain.change import Field
from connector.domain.ticket import ClockName, Link, LinkKind, Priority, Status
from tests.domain.desk import ANNA, BEN, CARLA, MONDAY, Desk

FRIDAY_EVENING = datetime(2026, 11, 27, 17, tzinfo=UTC)
P1, P2, P3, P4 = Priority


def clock(desk: Desk, name: ClockName = ClockName.RESOLUTION):
    return next(reading for reading in desk.look()[0].explanation.clocks if reading.clock is name)


def test_an_outage_without_inputs_is_left_as_stated_until_they_are_filled():
    desk = Desk(priority=P3)
    desk.sync()
    decision, _ = desk.look()
    assert decision.explanation.priority.sufficient is False
    assert desk.written == []
    desk.wait(minutes=5)
    desk.fact("impact", "site")
    desk.fact("urgency", "blocked")
    desk.sync()
    assert desk.written == [
        "priority P3 -> P1",
        "path - -> default",
        "level - -> 1",
        "group - -> service-desk",
    ]


def test_a_vip_with_a_cosmetic_question_at_night_is_raised_by_one_and_no_further():
    desk = Desk(
        priority=P4, opened_at=datetime(2026, 11, 24, 2, tzinfo=UTC),
        facts={"impact": "user", "urgency": "inconvenient", "org.tier": "platinum"},
    )  # fmt: skip
    desk.run(hours=5)
    assert desk.ticket.priority is P3
    assert desk.state.path is None
    assert desk.spoken == []


def test_a_french_security_report_on_friday_evening_is_confirmed_by_a_person_and_then_takes_its_own_path():
    desk = Desk(priority=P4, opened_at=FRIDAY_EVENING, text_hits={"security-words-1": True}, locale="fr")
    desk.sync()
    assert desk.ticket.priority is P2
    assert desk.spoken == ["confirm-security (notes)"]
    assert (desk.ticket.path, desk.ticket.group) == ("default", "service-desk")
    desk.wait(minutes=12)
    desk.label("security")
    desk.sync()
    assert desk.ticket.priority is P1
    assert (desk.ticket.path, desk.ticket.level, desk.ticket.assignee) == ("security", 1, "ben")
    desk.run(minutes=10)
    assert (desk.ticket.level, desk.ticket.group) == (2, "security-incident")


def test_thanks_does_not_reopen_but_a_real_reopening_goes_on_at_the_same_level():
    desk = Desk(facts={"impact": "department", "urgency": "degraded"}, priority=P2)
    desk.run(minutes=35)
    assert desk.ticket.level == 2
    desk.says(ANNA)
    desk.status(Status.SOLVED)
    desk.wait(hours=2)
    desk.status(Status.OPEN, CARLA)
    desk.sync()
    desk.wait(minutes=5)
    desk.status(Status.SOLVED)
    assert desk.sync().fields == ()
    desk.wait(hours=1)
    desk.status(Status.OPEN, CARLA)
    desk.run(minutes=31)
    assert desk.state.level >= 2
    assert [line for line in desk.written if line.startswith("level")] == ["level - -> 1", "level 1 -> 2"]


def test_waiting_for_the_customer_for_five_days_stops_clock_and_path():
    desk = Desk(facts={"impact": "department", "urgency": "degraded"}, priority=P2)
    desk.sync()
    desk.wait(minutes=10)
    desk.status(Status.WAITING_CUSTOMER)
    desk.sync()
    before, said = list(desk.written), list(desk.spoken)
    desk.run(days=5)
    assert (desk.written, desk.spoken) == (before, said)
    assert clock(desk).paused
    desk.status(Status.OPEN, CARLA)
    decision, _ = desk.look()
    due_at = MONDAY + timedelta(days=7, minutes=-30)
    assert decision.explanation.path.timer_due_at == due_at, "nobody is assigned: half an hour from Monday morning on"
    desk.assign(assignee="id:anna-id", actor=ANNA)
    assert desk.look()[0].explanation.path.timer_due_at is None


def test_a_ticket_that_was_merged_away_ends_everything():
    desk = Desk(facts={"impact": "site", "urgency": "blocked"})
    desk.sync()
    desk.status(Status.GONE)
    desk.wait(hours=8)
    decision, planned = desk.look()
    assert (planned.fields, planned.notices, decision.next_due_at) == ((), (), None)


def test_an_agent_who_lowers_the_priority_on_purpose_is_told_once_and_obeyed():
    desk = Desk(facts={"impact": "site", "urgency": "blocked"})
    desk.run(minutes=5)
    assert desk.ticket.priority is P1
    desk.priority(P3, BEN)
    desk.run(hours=6)
    assert desk.ticket.priority is P3
    assert desk.spoken.count("hold (notes)") == 1
    hold = desk.look()[0].explanation.holds[0]
    assert (hold.field, hold.value, hold.since) == (Field.PRIORITY, "P3", MONDAY + timedelta(minutes=5))
    desk.label("security")
    desk.sync()
    assert desk.ticket.priority is P1, "a new trigger is a new reason"


def test_linked_work_of_our_own_pauses_nothing():
    link = Link(kind=LinkKind.WORK, target="DEV-7", site="jsm")
    desk = Desk(facts={"impact": "site", "urgency": "blocked"}, links=(link,))
    desk.run(hours=3)
    assert not clock(desk).paused
    assert "at-risk (notes)" in desk.spoken


def test_a_confidential_complaint_stays_inside_the_ticket():
    desk = Desk(facts={"category": "legal-hold"}, restricted=True, priority=P4)
    desk.run(hours=2)
    assert (desk.ticket.path, desk.ticket.group, desk.ticket.priority) == ("legal", "legal", P2)
    assert all(notice.audience == "notes" for _, planned in desk.plans for notice in planned.notices)


def test_an_office_clock_stands_still_outside_office_hours():
    desk = Desk(facts={"impact": "team", "urgency": "degraded"}, opened_at=FRIDAY_EVENING)
    desk.run(days=2)
    assert clock(desk).elapsed == timedelta()
    assert desk.spoken == []
    assert desk.ticket.priority is P3
