"""While a ticket's history is not in: what may be a person's choice is left alone, and what cannot be one goes on."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.change import Field
from connector.domain.decide import decide
from connector.domain.decision import Decision
from connector.domain.derive import derive
from connector.domain.events import ELSEWHERE, EventKind, EventSource, History
from connector.domain.plan import plan
from connector.domain.situation import Applied, Situation
from connector.domain.ticket import Activity, Priority, Status, Ticket
from connector.domain.unread import COMMENT, unread_comment, unseen_until, why_unassigned
from tests.domain.desk import ANNA, MONDAY, SOMEBODY, Desk

P1, P2, P3, P4 = Priority
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
OUTAGE = {"impact": "site", "urgency": "blocked"}
LEVELS = [Field.PATH, Field.LEVEL]


def first_seen(*, changed: timedelta = timedelta(0), now: timedelta = MINUTE, **ticket: Any) -> Desk:
    """A ticket of which a delta tells for the first time, last changed so long after its opening."""
    desk = Desk(**{"facts": OUTAGE, **ticket})
    desk.complete = False
    desk.ticket = dataclasses.replace(desk.ticket, updated_at=MONDAY + changed)
    desk.events = list(derive(None, desk.ticket).events)
    desk.now = MONDAY + now
    return desk


def seen(desk: Desk, **history: Any) -> Situation:
    known = dataclasses.replace(desk.situation.history, **history)
    return dataclasses.replace(desk.situation, history=known, unseen_until=unseen_until(desk.ticket, known))


def wanted(desk: Desk, **history: Any) -> dict[Field, str | None]:
    situation = seen(desk, **history)
    decision = decide(situation, desk.policy, desk.now)
    return {change.field: change.after for change in plan(decision, situation).fields}


class TestWhatNobodySaw:
    @pytest.mark.parametrize("changed", [timedelta(0), SECOND])
    def test_a_ticket_seen_as_it_was_opened_hides_nothing(self, changed: timedelta) -> None:
        desk = first_seen(changed=changed)
        assert unseen_until(desk.ticket, desk.situation.history) is None
        assert wanted(desk)[Field.PRIORITY] == "P1"

    def test_one_that_was_changed_before_may_hide_anything_until_then(self) -> None:
        desk = first_seen(changed=20 * SECOND)
        desk.ticket = dataclasses.replace(desk.ticket, updated_at=MONDAY + HOUR)
        assert unseen_until(desk.ticket, desk.situation.history) == MONDAY + 20 * SECOND

    def test_one_that_is_stored_from_before_may_hide_anything_up_to_its_last_change(self) -> None:
        desk = first_seen(changed=20 * SECOND)
        old = [dataclasses.replace(desk.events[0], before=None)]
        assert unseen_until(desk.ticket, History(events=tuple(old))) == MONDAY + 20 * SECOND

    def test_once_its_history_has_been_in_deltas_tell_the_rest(self) -> None:
        desk = first_seen(changed=20 * SECOND)
        told = dataclasses.replace(desk.situation.history, read_until=MONDAY + MINUTE)
        assert unseen_until(desk.ticket, told) is None


class TestPriority:
    def test_what_may_be_a_persons_is_left_with_the_reason(self) -> None:
        desk = first_seen(changed=20 * SECOND)
        assert Field.PRIORITY not in wanted(desk)
        decision = decide(seen(desk), desk.policy, desk.now)
        assert decision.unread_history
        assert "priority: its history is not in yet: a person may have chosen P3" in decision.explanation.left_alone
        assert decision.severity is P3, "clocks and path go by what stands"

    def test_a_persons_choice_that_the_history_tells_is_never_overruled(self) -> None:
        desk = first_seen(changed=20 * SECOND)
        decision = decide(seen(desk), desk.policy, desk.now)
        desk.store(decision, plan(decision, seen(desk)))
        desk.now, at = MONDAY + 20 * SECOND, desk.now
        desk.event(EventKind.PRIORITY, ANNA, before="P4", after="P3")
        desk.now, desk.complete = at, True
        assert Field.PRIORITY not in wanted(desk)

    def test_where_nobody_chose_it_the_wait_costs_no_time(self) -> None:
        """The answer after the history is in counts from the opening, as the first one does."""
        desk, prompt = first_seen(changed=20 * SECOND), first_seen()
        decision = decide(seen(desk), desk.policy, desk.now)
        desk.store(decision, plan(decision, seen(desk)))
        desk.wait(minutes=10)
        prompt.wait(minutes=10)
        desk.complete = prompt.complete = True
        late, first = (decide(seen(each), each.policy, each.now) for each in (desk, prompt))
        assert late.deadline == first.deadline
        assert late.state.priority_since == MONDAY
        assert not late.state.unread
        assert wanted(desk)[Field.PRIORITY] == "P1"

    def test_a_ticket_without_a_priority_has_none_that_a_person_chose(self) -> None:
        assert wanted(first_seen(changed=20 * SECOND, priority=None))[Field.PRIORITY] == "P1"

    def test_what_we_wrote_ourselves_is_ours(self) -> None:
        desk = first_seen(changed=20 * SECOND)
        desk.applied[Field.PRIORITY] = Applied(value="P3", at=MONDAY + MINUTE)
        desk.said.clear()
        assert not decide(seen(desk), desk.policy, desk.now).unread_history

    def test_a_new_reason_ends_whatever_a_person_may_have_chosen(self) -> None:
        desk = first_seen(changed=20 * SECOND, facts={"impact": "user", "urgency": "inconvenient"})
        desk.state = decide(seen(desk), desk.policy, desk.now).state
        desk.wait(minutes=5)
        desk.event(EventKind.FACT, SOMEBODY, name="impact", before="user", after="site", source=EventSource.DELTA)
        desk.event(EventKind.FACT, SOMEBODY, name="urgency", before="inconvenient", after="blocked")
        desk.ticket = dataclasses.replace(desk.ticket, facts=OUTAGE)
        assert wanted(desk)[Field.PRIORITY] == "P1"

    def test_a_release_lets_it_be_written(self) -> None:
        desk = first_seen(changed=20 * SECOND)
        desk.command("/esc release")
        assert wanted(desk)[Field.PRIORITY] == "P1"

    def test_a_history_that_cannot_be_read_keeps_nothing_from_being_raised(self) -> None:
        desk = first_seen(changed=20 * SECOND)
        assert wanted(desk, unreadable=True)[Field.PRIORITY] == "P1"
        assert not decide(seen(desk, unreadable=True), desk.policy, desk.now).unread_history

    def test_a_history_that_cannot_be_read_lowers_nothing(self) -> None:
        desk = first_seen(changed=20 * SECOND, facts={"impact": "user", "urgency": "inconvenient"}, priority=P1)
        rules = dataclasses.replace(desk.policy.priority, lower=True, dwell=timedelta(0))
        desk.policy = dataclasses.replace(desk.policy, priority=rules)
        assert Field.PRIORITY not in wanted(desk, unreadable=True)
        assert wanted(desk, complete=True)[Field.PRIORITY] == "P4"

    @given(
        live=st.sampled_from(Priority),
        lower=st.booleans(),
        changed=st.integers(2, 3600),
        later=st.integers(0, 3600),
        impact=st.sampled_from(["site", "department", "team", "user"]),
    )
    def test_whatever_the_policy_says_it_is_not_written_before_the_history_is_in(
        self, live: Priority, lower: bool, changed: int, later: int, impact: str
    ) -> None:
        now = timedelta(seconds=changed + later)
        facts = {"impact": impact, "urgency": "degraded"}
        desk = first_seen(changed=changed * SECOND, now=now, facts=facts, priority=live)
        rules = dataclasses.replace(desk.policy.priority, lower=lower, dwell=timedelta(0))
        desk.policy = dataclasses.replace(desk.policy, priority=rules)
        situation = seen(desk)
        decision = decide(situation, desk.policy, desk.now)
        assert Field.PRIORITY not in {change.field for change in plan(decision, situation).fields}
        again = dataclasses.replace(situation, state=decision.state)
        assert decide(again, desk.policy, desk.now).state == decision.state


class TestLevel:
    def test_the_level_goes_on_and_leaves_group_and_person(self) -> None:
        desk = first_seen(changed=20 * SECOND, facts={"type": "security-incident"}, group="front", priority=P1)
        found = wanted(desk)
        assert [field for field in found if field in LEVELS] == LEVELS
        assert not found.keys() & {Field.GROUP, Field.ASSIGNEE}
        left = decide(seen(desk), desk.policy, desk.now).explanation.left_alone
        assert any("its history is not in yet: a person may have assigned it" in each for each in left)
        assert wanted(desk, complete=True).keys() & {Field.GROUP, Field.ASSIGNEE}

    def test_what_we_assigned_ourselves_is_nobodys(self) -> None:
        desk = first_seen(changed=20 * SECOND, facts={"type": "security-incident"}, group="front", priority=P1)
        desk.applied[Field.GROUP] = Applied(value="front", at=MONDAY + MINUTE)
        assert Field.GROUP in wanted(desk)

    def test_a_release_lets_it_be_assigned(self) -> None:
        desk = first_seen(changed=20 * SECOND, facts={"type": "security-incident"}, group="front", priority=P1)
        desk.command("/esc release")
        assert Field.GROUP in wanted(desk)

    def test_where_nobody_is_assigned_nobody_was(self) -> None:
        desk = first_seen(changed=20 * SECOND, facts={"type": "security-incident"}, priority=P1)
        assert wanted(desk).keys() & {Field.GROUP, Field.ASSIGNEE}

    @pytest.mark.parametrize(("later", "left"), [(-SECOND, True), (timedelta(0), False)])
    def test_a_level_entered_when_hands_off_is_just_over_sets_them(self, later: timedelta, left: bool) -> None:
        desk = first_seen(changed=20 * SECOND, group="front")
        entered_at = MONDAY + 20 * SECOND + HOUR + later
        assert bool(why_unassigned(seen(desk), entered_at, HOUR, released_at=None)) == left

    def test_what_lies_longer_back_than_hands_are_kept_off_is_no_reason(self) -> None:
        desk = first_seen(changed=20 * SECOND, facts={}, group="front")
        desk.state = decide(seen(desk), desk.policy, desk.now).state
        desk.wait(hours=1)
        desk.fact("type", "security-incident", SOMEBODY)
        assert wanted(desk).keys() & {Field.GROUP, Field.ASSIGNEE}


class TestComments:
    def commented(self, **ticket: Any) -> Desk:
        """An internal comment of which only the ticket's stamps tell."""
        desk = first_seen(activity=Activity(public_replies=0, last_comment_at=MONDAY), **ticket)
        later = dataclasses.replace(
            desk.ticket,
            version="2",
            updated_at=MONDAY + MINUTE,
            activity=Activity(public_replies=0, last_comment_at=MONDAY + MINUTE),
        )
        desk.events += derive(desk.ticket, later).events
        desk.ticket = later
        return desk.wait(minutes=1)

    def test_the_whole_ticket_waits_for_one_that_may_be_a_command(self) -> None:
        desk = self.commented()
        decision = decide(seen(desk), desk.policy, desk.now)
        assert wanted(desk) == {}
        assert decision.notices == ()
        assert decision.unread_history
        assert f"everything: held: {COMMENT}" in decision.explanation.left_alone
        assert decision.state.silent == "", "nobody else speaks in its place for so short a time"

    def test_one_that_stands_there_at_first_sight_is_waited_for_as_well(self) -> None:
        desk = first_seen(
            changed=MINUTE, activity=Activity(public_replies=1, agent_at=MONDAY, last_comment_at=MONDAY + MINUTE)
        )
        assert wanted(desk) == {}

    @pytest.mark.parametrize(
        "history",
        [{"complete": True}, {"unreadable": True}, {"read_until": MONDAY + MINUTE}],
        ids=lambda h: next(iter(h)),
    )
    def test_nothing_waits_for_one_that_is_read_or_never_will_be(self, history: dict[str, Any]) -> None:
        assert wanted(self.commented(), **history)[Field.PRIORITY] == "P1"

    def test_a_release_after_it_goes_on(self) -> None:
        desk = self.commented()
        desk.wait(seconds=1).command("/esc release")
        assert wanted(desk)[Field.PRIORITY] == "P1"

    def test_a_breach_is_told_meanwhile(self) -> None:
        desk = self.commented(priority=P1).wait(hours=9)
        assert any(
            text.endswith(f"breached while the ticket is held by {COMMENT}")
            for text in decide(seen(desk), desk.policy, desk.now).alarms
        )

    def test_an_answer_to_the_requester_is_no_command(self) -> None:
        desk = first_seen(activity=Activity(public_replies=0, last_comment_at=MONDAY))
        later: Ticket = dataclasses.replace(
            desk.ticket,
            version="2",
            activity=Activity(public_replies=1, agent_at=MONDAY + MINUTE, last_comment_at=MONDAY + MINUTE),
        )
        desk.events += derive(desk.ticket, later).events
        desk.ticket = later
        assert wanted(desk)[Field.PRIORITY] == "P1"

    @pytest.mark.parametrize(
        ("told", "waits"),
        [
            pytest.param({}, True, id="nobody knows who wrote it"),
            pytest.param({"actor": ANNA}, False, id="its author is known, and wrote no command"),
            pytest.param({"source": EventSource.HISTORY}, False, id="the history tells all that it can"),
            pytest.param({"id": f"{ELSEWHERE}1"}, False, id="it stands on another ticket"),
            pytest.param({"kind": EventKind.STATUS}, False, id="it is no comment"),
            pytest.param({"public": True}, False, id="the requester can read it"),
            pytest.param({"public": None}, True, id="whether the requester can read it is not known"),
        ],
    )
    def test_only_what_may_be_a_command_is_waited_for(self, told: dict[str, Any], waits: bool) -> None:
        desk = first_seen()
        desk.says(SOMEBODY, public=False)
        desk.events[-1] = dataclasses.replace(desk.events[-1], **{"source": EventSource.DELTA, **told})
        found = unread_comment(seen(desk), released_at=None)
        assert found == (desk.events[-1] if waits else None)


class TestTooLong:
    """What is urgent and has waited for its history: people are told once, and it is raised all the same."""

    def waiting(self, minutes: float, **ticket: Any) -> tuple[Desk, Decision]:
        """A ticket on which something waits, decided when it was seen first and again after so long."""
        desk = first_seen(changed=20 * SECOND, **ticket)
        desk.state = decide(seen(desk), desk.policy, desk.now).state
        desk.wait(minutes=minutes)
        return desk, decide(seen(desk), desk.policy, desk.now)

    @pytest.mark.parametrize(("minutes", "told"), [(14.9, False), (15, True), (70, True)])
    def test_people_are_told_after_a_quarter_of_an_hour(self, minutes: float, told: bool) -> None:
        _, decision = self.waiting(minutes)
        assert decision.overdue.startswith("P1 waits since 2026-11-23 09:01 UTC for the ticket's history: ") == told

    def test_they_are_told_what_for(self) -> None:
        _, decision = self.waiting(15)
        assert decision.overdue.endswith("its history is not in yet: a person may have chosen P3")

    def test_they_are_told_once(self) -> None:
        desk, decision = self.waiting(15)
        desk.state = decision.state
        for _ in range(5):
            desk.wait(minutes=20)
            decision = decide(seen(desk), desk.policy, desk.now)
            desk.state = decision.state
            assert not decision.overdue

    def test_what_waits_anew_after_its_history_was_read_is_told_anew(self) -> None:
        desk, decision = self.waiting(15)
        desk.state = decide(
            dataclasses.replace(seen(desk, complete=True), state=decision.state), desk.policy, desk.now
        ).state
        assert desk.state.unread_since is None
        assert not decide(seen(desk), desk.policy, desk.now).overdue
        desk.state = decide(seen(desk), desk.policy, desk.now).state
        desk.wait(minutes=15)
        assert decide(seen(desk), desk.policy, desk.now).overdue

    def test_what_is_not_urgent_waits_on_without_an_alarm(self) -> None:
        desk, decision = self.waiting(600, facts={"impact": "department", "urgency": "degraded"}, priority=P4)
        assert decision.unread_history
        assert not decision.overdue
        assert Field.PRIORITY not in wanted(desk)

    def test_a_hard_trigger_is_urgent(self) -> None:
        _, decision = self.waiting(15, facts={"type": "security-incident"}, priority=P4)
        assert decision.overdue

    def test_in_shadow_nothing_waits_for_the_history_alone(self) -> None:
        desk, _ = self.waiting(15)
        desk.rules = dataclasses.replace(desk.rules, effects=frozenset())
        assert not decide(seen(desk), desk.policy, desk.now).overdue

    def test_a_p1_that_stands_still_for_a_comment_is_told_and_stays_as_it_is(self) -> None:
        desk = TestComments().commented(priority=P1)
        desk.state = decide(seen(desk), desk.policy, desk.now).state
        desk.wait(hours=2)
        decision = decide(seen(desk), desk.policy, desk.now)
        assert decision.overdue.endswith(f"nothing is done there, because of {COMMENT}")
        assert decision.fields == ()

    def test_after_an_hour_it_is_raised_all_the_same_and_its_clock_counts_from_the_opening(self) -> None:
        desk, decision = self.waiting(59.9)
        assert Field.PRIORITY not in wanted(desk)
        assert decision.next_due_at <= MONDAY + HOUR + MINUTE
        assert any(each.what == "priority raised to P1 without its history" for each in decision.explanation.upcoming)
        desk.state = decision.state
        desk.wait(minutes=0.1)
        assert wanted(desk)[Field.PRIORITY] == "P1"
        raised = decide(seen(desk), desk.policy, desk.now)
        assert raised.state.priority_since == MONDAY
        assert raised.unread_history, "it is still asked for"
        desk.state = raised.state
        assert wanted(desk)[Field.PRIORITY] == "P1", "until it stands there"

    def test_a_person_who_is_known_to_have_chosen_is_not_overruled_after_an_hour(self) -> None:
        desk, _ = self.waiting(70)
        desk.event(EventKind.PRIORITY, SOMEBODY, before="P4", after="P3", source=EventSource.DELTA)
        assert Field.PRIORITY not in wanted(desk)

    def test_nothing_is_lowered_however_long_it_waits(self) -> None:
        desk, _ = self.waiting(0, facts={"impact": "user", "urgency": "inconvenient"}, priority=P1)
        rules = dataclasses.replace(desk.policy.priority, lower=True, dwell=timedelta(0))
        desk.policy = dataclasses.replace(desk.policy, priority=rules)
        desk.wait(hours=20)
        assert Field.PRIORITY not in wanted(desk)

    def test_a_finished_ticket_waits_for_nothing(self) -> None:
        desk, decision = self.waiting(15)
        desk.state = decision.state
        desk.ticket = dataclasses.replace(desk.ticket, status=Status.CLOSED)
        state = decide(seen(desk), desk.policy, desk.now).state
        assert (state.unread_since, state.unread_told) == (None, False)

    @given(
        live=st.sampled_from(Priority),
        impact=st.sampled_from(["site", "department", "team", "user"]),
        commented=st.booleans(),
        steps=st.lists(st.integers(0, 4000), max_size=6),
    )
    def test_it_is_told_at_most_once_and_deciding_again_wants_nothing_new(
        self, live: Priority, impact: str, commented: bool, steps: list[int]
    ) -> None:
        facts = {"impact": impact, "urgency": "blocked"}
        desk = first_seen(changed=20 * SECOND, facts=facts, priority=live)
        if commented:
            desk.event(EventKind.COMMENT, SOMEBODY, public=False, source=EventSource.DELTA)
        told = 0
        for step in [*steps, 0]:
            desk.wait(seconds=step)
            decision = decide(seen(desk), desk.policy, desk.now)
            told += bool(decision.overdue)
            desk.state = decision.state
            again = decide(seen(desk), desk.policy, desk.now)
            assert (again.state, again.overdue, again.fields) == (decision.state, "", decision.fields)
        assert told <= 1
