"""Walking a path: starting, stepping, acknowledging, who is reached, and what a level writes."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.baseline import rebased
from connector.domain.change import Field
from connector.domain.decide import decide
from connector.domain.escalation import needs_history
from connector.domain.events import EventKind, EventSource, TicketEvent
from connector.domain.marks import recollect, remember
from connector.domain.occasion import Outcome, Said
from connector.domain.policy import AssignMode, Level, LevelTarget, Path, Policy, Route, TargetKind, Threshold
from connector.domain.site import Effect
from connector.domain.situation import Reach, Situation
from connector.domain.ticket import ClockName, Priority, Status
from tests.domain.desk import ANNA, BEN, CARLA, MONDAY, OURS, REACH, ROBOT, SOMEBODY, Desk
from tests.domain.policies import DEFAULT, ESCALATION, OFFICE, POLICY, changed, group, threshold

P1, P2, P3, P4 = Priority
OUTAGE = {"impact": "site", "urgency": "blocked"}
DEGRADED = {"impact": "department", "urgency": "degraded"}


TIMER_ONLY = changed(sla=dataclasses.replace(POLICY.sla, thresholds=()))


def outage() -> Desk:
    desk = Desk(facts=OUTAGE)
    desk.sync()
    return desk


def levels(desk: Desk) -> list[str]:
    return [line.removeprefix("level ") for line in desk.written if line.startswith("level")]


class TestStart:
    def test_p1_starts_at_once(self):
        desk = outage()
        assert (desk.state.level, desk.state.path_reason) == (1, "P1 starts at once (route 1)")

    def test_p3_waits_for_a_threshold_and_starts_at_its_level(self):
        desk = Desk(facts={"impact": "team", "urgency": "degraded"})
        desk.sync()
        assert desk.state.path is None
        desk.run(days=2)
        assert desk.state.path_reason == "threshold first_response 100% (route 1)"
        assert levels(desk)[0] == "- -> 2"

    def test_a_trigger_that_names_a_path_starts_it(self):
        desk = Desk(labels=frozenset({"security"}))
        desk.sync()
        assert (desk.ticket.path, desk.ticket.level) == ("security", 1)

    def test_what_was_due_before_enforce_from_does_not_start(self):
        desk = Desk(facts=OUTAGE, priority=P1)
        desk.rules = dataclasses.replace(desk.rules, enforce_from=MONDAY + timedelta(hours=1))
        desk.wait(hours=2)
        desk.sync()
        assert desk.state.path is None
        assert "enforce_from" in desk.look()[0].explanation.path.why

    def test_a_new_trigger_changes_the_running_path_and_the_levels_are_frozen(self):
        desk = outage()
        desk.policy = changed(escalation=dataclasses.replace(ESCALATION, paths={"default": _short("default")}))
        desk.wait(minutes=1)
        desk.sync()
        assert desk.state.path == DEFAULT, "a running path keeps the levels that it started with"
        desk.policy = POLICY
        desk.label("security")
        desk.sync()
        assert (desk.state.path.name, desk.state.level) == ("security", 1)


def _short(name: str) -> Path:
    return Path(name=name, levels=(Level(level=1, target=group("service-desk")),))


class TestTimer:
    def test_it_moves_one_level_when_it_runs_out(self):
        desk = outage()
        desk.run(minutes=29)
        assert levels(desk) == ["- -> 1", "1 -> 2"], "the response is overdue at 09:15"
        desk.run(minutes=16)
        assert desk.ticket.level == 3

    def test_timer_and_threshold_together_make_one_step(self):
        desk = Desk(changed(escalation=dataclasses.replace(ESCALATION, paths={"default": _walk(15)})), facts=OUTAGE)
        desk.run(minutes=15)
        assert desk.ticket.level == 2

    def test_one_step_per_min_step_whatever_fires(self):
        desk = Desk(changed(escalation=dataclasses.replace(ESCALATION, paths={"default": _walk(5)})), facts=OUTAGE)
        desk.run(minutes=9)
        assert desk.ticket.level == 1
        desk.run(minutes=1)
        assert desk.ticket.level == 2

    def test_a_pause_stops_it_and_it_starts_afresh(self):
        desk = Desk(facts=DEGRADED)
        desk.sync()
        desk.wait(minutes=20)
        desk.status(Status.WAITING_CUSTOMER, ROBOT)
        desk.run(hours=1)
        desk.status(Status.OPEN, CARLA)
        desk.run(minutes=29)
        assert desk.ticket.level == 1
        desk.run(minutes=1)
        assert desk.ticket.level == 2

    def test_an_outage_gives_one_fresh_interval(self):
        desk = Desk(TIMER_ONLY, facts=DEGRADED)
        desk.sync()
        desk.wait(hours=4)
        desk.sync()
        assert desk.ticket.level == 1, "four hours unseen count for nothing"
        again = desk.look()[0].explanation.path.timer_due_at
        assert again is not None
        assert desk.state.refreshed
        desk.run(minutes=30)
        assert desk.ticket.level == 2

    def test_a_pass_every_hour_still_escalates(self):
        desk = Desk(TIMER_ONLY, facts=DEGRADED)
        for _ in range(6):
            desk.sync()
            desk.wait(hours=1, seconds=5)
        assert desk.ticket.level == 4

    def test_an_outage_is_forgiven_once_per_level(self):
        desk = Desk(TIMER_ONLY, facts=OUTAGE)
        for hours, level in ((0, 1), (4, 1), (4, 2)):
            desk.wait(hours=hours)
            desk.sync()
            assert desk.ticket.level == level

    def test_the_last_level_repeats_itself_and_then_rests(self):
        desk = Desk(labels=frozenset({"security"}))
        desk.run(minutes=10 + 15 * 3)
        assert (desk.ticket.level, desk.state.repeats) == (2, 3)
        assert desk.look()[0].explanation.path.timer_due_at is None

    def test_a_step_that_needs_approval_is_left_until_somebody_approves(self):
        asking = threshold(ClockName.RESOLUTION, 50, escalate_to=3, approval="duty-manager")
        desk = Desk(changed(sla=dataclasses.replace(POLICY.sla, thresholds=(asking,))), facts=OUTAGE)
        desk.sync()
        desk.wait(minutes=1)
        desk.command("/esc ack")
        desk.run(hours=3)
        assert desk.ticket.level == 1
        assert "escalate to level 3 (resolution 50%): needs approval by duty-manager" in (
            desk.look()[0].explanation.left_alone
        )

    def test_a_step_that_somebody_let_through_is_made_once(self):
        asking = threshold(ClockName.RESOLUTION, 50, escalate_to=3, approval="duty-manager")
        desk = Desk(changed(sla=dataclasses.replace(POLICY.sla, thresholds=(asking,))), facts=OUTAGE)
        desk.sync()
        desk.wait(minutes=1)
        desk.command("/esc ack")
        desk.run(hours=3)
        (name,) = [key for key, row in desk.said.items() if row.outcome is Outcome.HELD]
        desk.said[name] = Said(outcome=Outcome.DONE, at=desk.now)
        desk.sync()
        assert desk.ticket.level == 3
        assert desk.state.level_reason == "threshold resolution 50%, approved"
        assert desk.sync().fields == ()
        assert not [line for line in desk.look()[0].explanation.left_alone if "approval" in line]

    def test_outside_office_hours_it_stands_still_but_for_p1(self):
        evening = MONDAY + timedelta(hours=7, minutes=50)  # 17:50 in Berlin
        slow, fast = (Desk(facts=facts, opened_at=evening) for facts in (DEGRADED, OUTAGE))
        slow.run(hours=2)
        fast.run(hours=2)
        assert slow.ticket.level == 1
        assert fast.ticket.level > 1


def walking(path: Path, *thresholds: Threshold) -> Policy:
    """Return the policy with one path, which P1 tickets start at once, and these thresholds only."""
    escalation = dataclasses.replace(POLICY.escalation, paths={"default": path}, routes=(Route(path="default"),))
    sla = dataclasses.replace(POLICY.sla, thresholds=thresholds)
    return changed(escalation=escalation, sla=sla, triggers=(), cadence={}, hash="w" * 64)


def _walk(minutes: int) -> Path:
    within = timedelta(minutes=minutes)
    targets = ("service-desk", "second-line", "specialists")
    return Path(
        name="default",
        levels=tuple(Level(level=n, target=group(t), within=within) for n, t in enumerate(targets, start=1)),
    )


class TestAcknowledgement:
    @pytest.mark.parametrize(
        ("act", "acknowledges"),
        [
            pytest.param(lambda d: d.assign(assignee="id:ben-id", actor=BEN), True, id="an agent assigns themselves"),
            pytest.param(lambda d: d.assign(assignee="id:ben-id", actor=ANNA), False, id="an agent assigns another"),
            pytest.param(lambda d: d.says(ANNA, public=False), True, id="a member of the level comments"),
            pytest.param(lambda d: d.says(BEN), False, id="an agent of another level comments"),
            pytest.param(lambda d: d.says(CARLA), False, id="the customer comments"),
            pytest.param(lambda d: d.command("/esc ack", BEN), True, id="any agent says so"),
            pytest.param(lambda d: d.command("/esc ack", CARLA), False, id="a customer says so"),
            pytest.param(lambda d: d.status(Status.OPEN, BEN), True, id="an agent moves the status forward"),
            pytest.param(lambda d: d.status(Status.OPEN, ROBOT), False, id="an automation moves the status"),
            pytest.param(lambda d: d.status(Status.OPEN, BEN, reaction=True), False, id="a reaction to our write"),
            pytest.param(lambda d: d.status(Status.OPEN, OURS), False, id="we move the status"),
            pytest.param(lambda d: d.status(Status.OPEN, SOMEBODY), False, id="somebody unknown moves the status"),
        ],
    )
    def test_who_acknowledges(self, act, acknowledges):
        desk = Desk(facts=OUTAGE, status=Status.NEW)
        desk.sync()
        desk.wait(minutes=2)
        act(desk)
        desk.sync()
        assert (desk.state.acknowledged_at is not None) is acknowledges
        desk.run(minutes=60)
        assert desk.state.level > 1, "an overdue response escalates whoever acknowledged"

    def test_it_stops_the_timer_and_the_assignment(self):
        desk = Desk(facts=DEGRADED)
        desk.sync()
        desk.wait(minutes=2)
        desk.says(ANNA)
        desk.run(hours=2)
        assert desk.ticket.level == 1
        assert "agent (id anna-id), commented" in desk.look()[0].explanation.path.acknowledged

    @pytest.mark.parametrize(
        ("mode", "assignee"), [(AssignMode.GROUP, "id:ben-id"), (AssignMode.PERSON, "duty-manager")], ids=str
    )
    def test_a_threshold_calls_in_others_beside_the_one_who_acknowledged(self, mode, assignee):
        manager = LevelTarget(TargetKind.USER, "duty-manager")
        levels = (Level(level=1, target=group("service-desk")), Level(level=2, target=manager, assign=mode))
        policy = walking(Path(name="default", levels=levels), threshold(ClockName.RESOLUTION, 50, escalate_to=2))
        desk = Desk(policy, facts=OUTAGE)
        desk.sync()
        desk.wait(minutes=2)
        desk.assign(assignee="id:ben-id", actor=BEN)
        desk.run(hours=2, minutes=5)
        assert (desk.ticket.level, desk.ticket.assignee) == (2, assignee)
        kept = "assignee duty-manager: agent (id ben-id) has acknowledged and is assigned"
        assert (kept in desk.look()[0].explanation.left_alone) is (mode is AssignMode.GROUP)

    def test_a_level_takes_over_from_somebody_who_was_only_assigned(self):
        manager = LevelTarget(TargetKind.USER, "duty-manager")
        levels = (Level(level=1, target=group("service-desk")), Level(level=2, target=manager))
        policy = walking(Path(name="default", levels=levels), threshold(ClockName.RESOLUTION, 50, escalate_to=2))
        desk = Desk(policy, facts=OUTAGE)
        desk.sync()
        desk.wait(minutes=2)
        desk.assign(assignee="id:ben-id", actor=ANNA)
        desk.run(hours=2, minutes=5)
        assert desk.ticket.assignee == "duty-manager"

    def test_the_words_name_the_field_that_somebody_changed(self):
        desk = Desk(facts=DEGRADED)
        desk.run(minutes=20)
        desk.assign(assignee="id:ben-id", actor=ANNA)
        desk.run(minutes=15)
        assert any(
            line.startswith("group second-line: the assignee was changed by agent (id anna-id)")
            for line in desk.look()[0].explanation.left_alone
        )

    def test_nobody_is_assigned_to_a_level_that_was_acknowledged_before_we_could(self):
        desk = Desk(facts=DEGRADED, priority=P2)
        desk.wait(minutes=2)
        desk.says(ANNA)
        desk.wait(minutes=2)
        desk.sync()
        assert (desk.ticket.level, desk.ticket.group) == (1, None)

    def test_what_was_done_after_a_levels_cause_acknowledges_it_in_the_same_pass(self):
        desk = outage()
        desk.wait(minutes=20)
        desk.command("/esc ack", BEN)
        desk.sync()
        assert (desk.ticket.level, desk.state.acknowledged_at) == (2, desk.now), "overdue since 09:15"
        assert desk.look()[0].state == desk.state

    @pytest.mark.parametrize("heard", [False, True], ids=["nobody has heard of the step", "the step was announced"])
    def test_a_timers_step_is_taken_back_while_nobody_has_heard_of_it(self, heard):
        desk = Desk(TIMER_ONLY, facts=DEGRADED)
        desk.sync()
        desk.wait(minutes=20)
        acknowledged = desk.now
        desk.wait(minutes=10)
        decision, planned = desk.look()
        desk.store(decision, planned)
        assert desk.state.level == 2, "the timer runs on what is known"
        if heard:
            desk.write(planned)
        desk.events.append(TicketEvent(id="late", at=acknowledged, kind=EventKind.COMMENT, actor=ANNA, public=False))
        desk.run(hours=2)
        if heard:
            assert "level 2 -> 3" in desk.written
        else:
            assert (desk.state.level, desk.state.acknowledged_at) == (1, acknowledged)
            assert levels(desk) == ["- -> 1"]

    def test_what_came_after_a_step_fell_due_takes_nothing_back(self):
        desk = Desk(TIMER_ONLY, facts=DEGRADED)
        desk.sync()
        desk.wait(minutes=30)
        desk.store(*desk.look())
        desk.wait(minutes=1)
        desk.says(ANNA)
        desk.sync()
        assert (desk.state.level, levels(desk)) == (2, ["- -> 1", "1 -> 2"])

    def test_a_step_that_a_threshold_asked_for_is_made_whoever_acknowledged(self):
        desk = outage()
        desk.wait(minutes=10)
        acknowledged = desk.now
        desk.wait(minutes=10)
        desk.store(*desk.look())
        desk.events.append(TicketEvent(id="late", at=acknowledged, kind=EventKind.COMMAND, actor=BEN, after="/esc ack"))
        desk.sync()
        assert (desk.state.level, desk.ticket.level) == (2, 2)

    def test_a_bound_name_is_recognised(self):
        desk = outage()
        desk.wait(minutes=2)
        desk.assign(assignee="ben", actor=BEN)
        situation = dataclasses.replace(desk.situation, people={"ben-id": "ben"})
        assert decide(situation, desk.policy, desk.now).state.acknowledged_by == "ben, assigned themselves"

    @pytest.mark.parametrize(
        ("actor", "asks"),
        [(SOMEBODY, True), (ANNA, False), (ROBOT, False)],
        ids=["somebody unknown", "a known agent", "an automation"],
    )
    def test_the_history_is_asked_only_about_somebody_unknown(self, actor, asks):
        desk = outage()
        at = desk.now + timedelta(minutes=1)
        event = TicketEvent(id="x", at=at, kind=EventKind.COMMENT, actor=actor, source=EventSource.DELTA)
        assert needs_history(after(desk, event)) is asks
        told = dataclasses.replace(event, source=EventSource.HISTORY)
        assert not needs_history(after(outage(), told)), "a history that was read tells no more"
        assert not needs_history(after(Desk(), event))

    @pytest.mark.parametrize(("source", "asks"), [(EventSource.DELTA, True), (EventSource.HISTORY, False)])
    def test_the_history_is_asked_who_changed_the_status_before_the_present_level(self, source, asks):
        desk = outage()
        at = desk.now + timedelta(minutes=1)
        desk.wait(minutes=15)
        desk.sync()
        assert desk.state.entered_at > at
        event = TicketEvent(
            id="x", at=at, kind=EventKind.STATUS, actor=SOMEBODY, after=Status.WAITING_CUSTOMER, source=source
        )
        assert needs_history(after(desk, event)) is asks

    @pytest.mark.parametrize(("spoke", "asks"), [(timedelta(minutes=-1), True), (timedelta(minutes=1), False)])
    def test_the_history_is_asked_who_paused_a_ticket_on_which_we_spoke_without_a_path(self, spoke, asks):
        desk = Desk()
        at = desk.now + timedelta(minutes=5)
        desk.notes.append(at + spoke)
        event = TicketEvent(
            id="x",
            at=at,
            kind=EventKind.STATUS,
            actor=SOMEBODY,
            after=Status.WAITING_CUSTOMER,
            source=EventSource.DELTA,
        )
        assert needs_history(after(desk, event)) is asks


def after(desk: Desk, event: TicketEvent) -> Situation:
    """Return the situation after one more event."""
    desk.events.append(event)
    return desk.situation


class TestReach:
    def reaching(self, **unreachable: str) -> Desk:
        desk = Desk(facts=OUTAGE)
        away = {name.replace("_", "-"): why for name, why in unreachable.items()}
        desk.reach = {
            target: Reach(reachable=False, why=away[target.name]) if target.name in away else reach
            for target, reach in REACH.items()
        }
        return desk

    def test_off_shift_means_the_next_one_now_with_the_reason(self):
        desk = self.reaching(service_desk="off shift until Mon 09:00")
        desk.sync()
        assert (desk.ticket.level, desk.ticket.group) == (2, "second-line")
        assert desk.state.skipped == ("level 1, group service-desk: off shift until Mon 09:00",)

    def test_write_and_note_say_who_could_not_be_reached(self):
        away = "level 1, group service-desk: off shift until Mon 09:00"
        decision, _ = self.reaching(service_desk="off shift until Mon 09:00").look()
        reasons = {want.reason for want in decision.fields if want.field is Field.LEVEL}
        assert reasons == {f"path default, level 2: P1 starts at once; not reachable: {away}"}
        assert decision.state.level_why.values["skipped"] == "1"  # what a note tells in its reader's language

    def test_where_a_path_starts_above_its_first_level_the_threshold_is_the_reason(self):
        marks = (threshold(ClockName.FIRST_RESPONSE, 100, escalate_to=2),)
        desk = Desk(changed(sla=dataclasses.replace(POLICY.sla, thresholds=marks)), facts=OUTAGE)
        desk.wait(minutes=16)
        desk.sync()
        assert (desk.ticket.level, desk.state.level_reason) == (2, "threshold first_response 100%")
        assert desk.state.path_reason.startswith("P1 starts at once")

    def test_a_levels_own_calendar_only_says_who_can_be_reached(self):
        first = dataclasses.replace(DEFAULT.levels[0], calendar="office")
        path = dataclasses.replace(DEFAULT, levels=(first, *DEFAULT.levels[1:]))
        policy = changed(escalation=dataclasses.replace(ESCALATION, paths={"default": path}))
        desk = Desk(policy, facts=OUTAGE, opened_at=MONDAY + timedelta(hours=12))
        assert not OFFICE.is_open(desk.now)
        desk.sync()
        assert (desk.ticket.level, desk.state.skipped) == (2, ("level 1, group service-desk: off shift (office)",))

    def test_a_fallback_is_tried_before_the_next_level(self):
        first = dataclasses.replace(DEFAULT.levels[0], fallback=group("legal"))
        path = dataclasses.replace(DEFAULT, levels=(first, *DEFAULT.levels[1:]))
        desk = self.reaching(service_desk="nobody there")
        desk.policy = changed(escalation=dataclasses.replace(ESCALATION, paths={"default": path}))
        desk.sync()
        assert (desk.ticket.level, desk.ticket.group) == (1, "legal")

    def test_nobody_at_all_is_loud_and_the_level_is_entered_all_the_same(self):
        why = "asleep"
        desk = self.reaching(service_desk=why, second_line=why, specialists=why, duty_manager=why)
        decision, _ = desk.look()
        assert decision.state.level == 1
        assert decision.alarms[0].startswith("nobody can be reached on path default from level 1")

    def test_a_target_that_does_not_exist_is_loud_and_clears_nothing(self):
        desk = Desk(facts=OUTAGE, group="billing")
        desk.reach = dict.fromkeys(REACH, Reach(exists=False, why="not bound here"))
        decision, planned = desk.look()
        assert len(decision.alarms) > 1
        assert all(change.after for change in planned.fields)
        assert [c for c in planned.fields if c.field == "group"] == []


class TestWhatALevelWrites:
    def test_group_once_and_a_persons_change_stands_until_the_next_level(self):
        desk = Desk(facts=DEGRADED)
        desk.sync()
        desk.wait(minutes=5)
        desk.assign(group="billing", actor=BEN)
        desk.run(minutes=10)
        assert desk.ticket.group == "billing"
        desk.run(minutes=15)
        assert (desk.ticket.level, desk.ticket.group) == (2, "second-line")

    def test_hands_off_what_was_changed_minutes_ago(self):
        desk = Desk(facts=DEGRADED)
        desk.run(minutes=20)
        desk.assign(group="billing", actor=BEN)
        desk.run(minutes=15)
        assert (desk.ticket.level, desk.ticket.group) == (2, "billing")
        assert any(
            "the group was changed by agent (id ben-id)" in line for line in desk.look()[0].explanation.left_alone
        )

    @given(minutes=st.integers(0, 180))
    def test_a_level_entered_at_first_sight_sets_what_was_not_changed_just_before(self, minutes: int):
        desk = Desk(TIMER_ONLY, facts=DEGRADED, priority=P2)
        desk.wait(seconds=30).assign(group="billing", actor=BEN)
        desk.wait(minutes=minutes).sync()
        assert desk.state.entered_at == MONDAY
        assert (desk.ticket.level, desk.ticket.group) == (1, "billing" if minutes < 15 else "service-desk")

    @given(before=st.integers(0, 180), after=st.integers(1, 28))
    @pytest.mark.parametrize("lost", [False, True], ids=["the state is kept", "the state is read back"])
    def test_what_was_changed_after_a_level_was_entered_stands(self, before: int, after: int, lost: bool):
        desk = Desk(TIMER_ONLY, facts=DEGRADED, priority=P2)
        decision, planned = desk.wait(minutes=before).look()
        desk.store(decision, planned)  # it is entered; its write fails
        desk.wait(seconds=30).assign(group="billing", actor=BEN)
        if lost:
            read_back = recollect(remember(desk.state, ()), desk.policy, at=desk.now)
            assert read_back is not None
            desk.state = read_back
        desk.wait(minutes=after)
        assert Field.GROUP not in {change.field for change in desk.look()[1].fields}

    def test_a_level_entered_in_shadow_is_not_written_when_effects_are_switched_on(self):
        desk = Desk(facts=DEGRADED, priority=P2)
        desk.rules = dataclasses.replace(desk.rules, effects=frozenset())
        desk.assign(group="billing", actor=BEN)
        desk.wait(minutes=20).sync()
        desk.state = rebased(desk.state, {}, at=desk.now)
        desk.rules = dataclasses.replace(desk.rules, effects=frozenset(Effect))
        desk.wait(minutes=5).sync()
        assert desk.ticket.group == "billing"

    def test_a_group_that_was_right_already_is_not_written_back_later(self):
        desk = Desk(facts=DEGRADED, group="service-desk")
        desk.sync()
        row = next(row for (name, audience), row in desk.said.items() if audience is Effect.ASSIGN)
        assert row.outcome is Outcome.DONE

    def test_labels_are_added_and_not_put_back(self):
        desk = outage()
        desk.run(hours=3)
        assert "esc-management" in desk.ticket.labels
        desk.unlabel("esc-management")
        desk.run(hours=1)
        assert "esc-management" not in desk.ticket.labels

    def test_our_level_field_is_not_fought_over(self):
        desk = Desk(facts=DEGRADED)
        desk.sync()
        desk.wait(minutes=1)
        desk.ticket = dataclasses.replace(desk.ticket, level=4)
        planned = desk.look()[1]
        assert [c.field for c in planned.fields] == []
        assert "changed by somebody" in planned.left[-1].why

    def test_a_level_that_began_before_enforce_from_stays_unsaid(self):
        desk = Desk(facts=DEGRADED, priority=P2)
        desk.rules = dataclasses.replace(desk.rules, effects=frozenset())
        desk.sync()
        desk.rules = dataclasses.replace(
            desk.rules, effects=frozenset(Effect), enforce_from=MONDAY + timedelta(minutes=10)
        )
        desk.wait(minutes=20)
        assert desk.sync().fields == ()
        assert {row.outcome for (name, _), row in desk.said.items() if name.startswith("level")} == {Outcome.SILENCED}

    def test_what_was_silenced_when_an_effect_was_switched_on_stays_silent(self):
        desk = Desk(facts=DEGRADED, priority=P2)
        desk.rules = dataclasses.replace(desk.rules, effects=frozenset())
        desk.sync()
        assert {row.outcome for row in desk.said.values()} == {Outcome.WOULD_DO}
        desk.said = {key: Said(outcome=Outcome.SILENCED, at=desk.now) for key in desk.said}
        desk.rules = dataclasses.replace(desk.rules, effects=frozenset(Effect))
        desk.wait(minutes=5)
        assert desk.sync().fields == ()
        desk.run(minutes=30)
        assert (desk.ticket.level, desk.ticket.group) == (2, "second-line"), "only later steps speak"


def test_a_person_target_is_assigned_by_name():
    target = LevelTarget(TargetKind.USER, "duty-manager")
    path = Path(name="default", levels=(Level(level=1, target=target),))
    desk = Desk(changed(escalation=dataclasses.replace(ESCALATION, paths={"default": path})), facts=OUTAGE)
    desk.sync()
    assert (desk.ticket.group, desk.ticket.assignee) == (None, "duty-manager")
