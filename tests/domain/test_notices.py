"""Notices: thresholds, one note per pass and audience, limits, cadence, what customers are told."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from connector.domain.decide import decide
from connector.domain.notices import VALUE_NAMES
from connector.domain.occasion import Outcome
from connector.domain.policy import Cadence, Quiet
from connector.domain.site import Effect
from connector.domain.situation import Twin
from connector.domain.ticket import ClockName, Link, LinkKind, NativeClock, NativeStage, Priority, Status
from tests.domain.desk import ANNA, CARLA, MONDAY, ROBOT, Desk
from tests.domain.policies import POLICY, changed, threshold

P1, P2, P3, P4 = Priority
OUTAGE = {"impact": "site", "urgency": "blocked"}
TEAM = {"impact": "team", "urgency": "degraded"}
FIRST, RESOLUTION = ClockName.FIRST_RESPONSE, ClockName.RESOLUTION


def with_thresholds(*thresholds, **more):
    return changed(sla=dataclasses.replace(POLICY.sla, thresholds=thresholds), cadence={}, **more)


NOTED = with_thresholds(
    threshold(RESOLUTION, 50, note="half"),
    threshold(RESOLUTION, 75, note="at-risk"),
    threshold(RESOLUTION, 100, note="breached"),
)
TOLD = with_thresholds(threshold(RESOLUTION, 50, tell_customer="sorry"))


def outcomes(desk: Desk, audience: Effect = Effect.NOTES) -> dict[str, Outcome]:
    return {
        name.rsplit(":", 1)[-1]: row.outcome
        for (name, to), row in desk.said.items()
        if name.startswith("threshold") and to is audience
    }


class TestThresholds:
    def test_each_mark_speaks_once(self):
        desk = Desk(NOTED, facts=OUTAGE)
        desk.run(hours=8)
        assert [line for line in desk.spoken if line != "escalated (notes)"] == [
            "half (notes)",
            "at-risk (notes)",
            "breached (notes)",
        ]

    def test_after_downtime_only_the_highest_speaks(self):
        desk = Desk(NOTED, facts=TEAM)
        desk.sync()
        desk.wait(days=30)
        desk.sync()
        assert desk.spoken == ["breached (notes)"]
        assert outcomes(desk) == {
            "50%": Outcome.SUPERSEDED,
            "75%": Outcome.SUPERSEDED,
            "100%": Outcome.DONE,
        }

    def test_another_policy_does_not_speak_of_what_was_passed_before(self):
        desk = Desk(with_thresholds(), facts=OUTAGE)
        desk.run(hours=3, minutes=10)
        desk.policy = NOTED
        desk.sync()
        assert "at-risk (notes)" not in desk.spoken
        assert outcomes(desk) == {"50%": Outcome.SUPERSEDED, "75%": Outcome.SUPERSEDED}
        desk.run(hours=1)
        assert "breached (notes)" in desk.spoken

    def test_a_mark_that_another_policy_passed_over_moves_no_level_either(self):
        quiet = with_thresholds()
        desk = Desk(quiet, facts=TEAM)
        desk.run(days=2)
        assert desk.state.path is None
        desk.policy = with_thresholds(threshold(FIRST, 100, escalate_to=2))
        desk.run(days=1)
        assert desk.state.path is None

    def test_what_crossed_before_enforce_from_is_silenced(self):
        desk = Desk(NOTED, facts=OUTAGE, priority=P1)
        desk.rules = dataclasses.replace(desk.rules, enforce_from=MONDAY + timedelta(hours=2, minutes=30))
        desk.wait(hours=2, minutes=40)
        desk.sync()
        assert outcomes(desk) == {"50%": Outcome.SILENCED}
        desk.run(hours=1)
        assert "at-risk (notes)" in desk.spoken

    def test_nobody_is_asked_or_told_of_what_people_did_before_enforce_from(self):
        desk = Desk(with_thresholds(), facts=OUTAGE, priority=P1, text_hits={"security-words-1": True})
        desk.rules = dataclasses.replace(desk.rules, enforce_from=MONDAY + timedelta(days=60))
        desk.wait(days=1)
        desk.priority(P3, ANNA)
        desk.wait(days=59, hours=1)
        desk.run(hours=1)
        assert desk.spoken == []
        desk.fact("impact", "user")
        desk.sync()
        desk.fact("impact", "site")
        desk.sync()
        assert "confirm-security (notes)" in desk.spoken, "something new happened"

    def test_who_takes_another_priority_after_enforce_from_is_told(self):
        desk = Desk(with_thresholds(), facts=OUTAGE, priority=P1)
        desk.rules = dataclasses.replace(desk.rules, enforce_from=MONDAY + timedelta(days=1))
        desk.sync()
        desk.wait(days=2)
        desk.priority(P3, ANNA)
        desk.sync()
        assert desk.spoken == ["hold (notes)"]

    def test_a_trigger_that_begins_to_hit_after_enforce_from_asks(self):
        asking = dataclasses.replace(POLICY.triggers[0], ask="confirm-security")
        desk = Desk(changed(with_thresholds(), triggers=(asking,), hash="t" * 64), facts=TEAM)
        desk.rules = dataclasses.replace(desk.rules, enforce_from=MONDAY + timedelta(days=1))
        desk.sync()
        desk.wait(days=2)
        desk.label("security")
        decision, planned = desk.look()
        desk.store(decision, planned)
        assert "confirm-security" in [n.template for n in desk.look()[1].notices], "also when nothing was written yet"

    def test_what_passed_before_the_policy_was_loaded_on_the_site_is_passed_over(self):
        desk = Desk(NOTED, facts=OUTAGE, priority=P1)
        desk.wait(hours=3, minutes=10)
        desk.policy_since = desk.now
        desk.sync()
        assert desk.spoken == []
        assert outcomes(desk) == {"50%": Outcome.SUPERSEDED, "75%": Outcome.SUPERSEDED}

    def test_a_clock_that_was_met_in_the_meantime_has_nothing_to_say(self):
        desk = Desk(with_thresholds(threshold(FIRST, 50, note="hurry")), facts=OUTAGE)
        desk.sync()
        desk.wait(minutes=10)
        desk.says(ANNA)
        desk.wait(minutes=10)
        desk.sync()
        assert desk.spoken == []

    def test_a_priority_that_rises_takes_nobody_by_surprise(self):
        desk = Desk(NOTED, facts=TEAM)
        desk.run(hours=8)
        desk.fact("impact", "site")
        desk.fact("urgency", "blocked")
        desk.sync()
        assert desk.ticket.priority is P1
        assert [line for line in desk.spoken if line != "escalated (notes)"] == []


class TestOneNote:
    def test_what_falls_due_together_is_one_note_that_covers_the_rest(self):
        policy = changed(NOTED, cadence={P1: Cadence(every=timedelta(hours=1), note="status-update")}, hash="m" * 64)
        desk = Desk(policy, facts=OUTAGE)
        desk.run(hours=3)
        notice = desk.plans[-1][1].notices[0] if desk.plans[-1][1].notices else desk.plans[-2][1].notices[0]
        assert notice.template == "at-risk"
        assert [str(about) for about in notice.covers] == ["update:20261123T090000Z:3"]
        assert [str(why) for why in notice.also] == ["regular update, every 1h"]

    def test_every_value_that_a_template_may_use_is_there(self):
        desk = Desk(NOTED, facts=OUTAGE)
        desk.run(hours=4)
        said = [notice for _, planned in desk.plans for notice in planned.notices]
        assert said
        assert all(set(notice.values) == set(VALUE_NAMES) for notice in said)
        assert said[0].values["ticket"] == "#1"

    def test_no_more_than_the_day_allows(self):
        desk = Desk(changed(NOTED, quiet=Quiet(notes_per_day=1), hash="q" * 64), facts=OUTAGE)
        desk.run(hours=20)
        assert len(desk.spoken) == 1
        desk.run(hours=24)
        assert len(desk.spoken) == 2

    def test_reminders_and_updates_stop_first_so_that_a_breach_is_heard(self):
        updates = {P1: Cadence(every=timedelta(minutes=20), note="status-update")}
        policy = changed(NOTED, cadence=updates, quiet=Quiet(notes_per_day=6), hash="r" * 64)
        desk = Desk(policy, facts=OUTAGE)
        desk.run(hours=6)
        assert desk.spoken.count("status-update (notes)") <= 3
        assert "breached (notes)" in desk.spoken
        assert len(desk.spoken) <= 6

    def test_what_is_said_before_a_breach_leaves_a_note_for_every_clock_that_may_be_breached(self):
        news = (threshold(RESOLUTION, percent, note="on-the-way") for percent in range(10, 100, 10))
        late = (threshold(clock, 100, note=f"{clock}-late") for clock in ClockName)
        desk = Desk(with_thresholds(*news, *late), facts=OUTAGE, priority=P1)
        desk.run(minutes=1)
        desk.command("/esc ack")
        desk.run(hours=5)
        assert {f"{clock}-late (notes)" for clock in ClockName} <= set(desk.spoken)
        assert len(desk.notes) == 6

    def test_a_clock_that_is_breached_again_and_again_leaves_room_for_the_breach_of_another(self):
        marks = threshold(ClockName.UPDATE, 100, note="stale"), threshold(RESOLUTION, 200, note="breached")
        desk = Desk(with_thresholds(*marks), facts=OUTAGE, priority=P1)
        desk.says(ANNA)
        desk.sync()
        for _ in range(8):
            desk.wait(minutes=1)
            desk.says(CARLA)
            desk.run(hours=1, minutes=5)
            desk.says(ANNA)
            desk.sync()
        assert [line for line in desk.spoken if "escalated" not in line].count("breached (notes)") == 1
        assert len(desk.notes) == 6

    def test_a_note_is_kept_for_a_breach_only_where_it_may_come_within_a_day(self):
        policy = with_thresholds(threshold(RESOLUTION, 100, note="breached"))
        slow, fast = Desk(policy, facts=TEAM, priority=P3), Desk(policy, facts=OUTAGE, priority=P1)
        for desk, lower in ((slow, P4), (fast, P2)):
            desk.sync()
            desk.wait(minutes=1)
            desk.notes = [desk.now] * 5
            desk.priority(lower, ANNA)
            desk.sync()
        assert (slow.spoken, fast.spoken) == (["hold (notes)"], [])
        assert fast.look()[0].left[-1].why == "waits: the last 1 of 6 notes in 24 hours are kept for breaches"

    def test_an_internal_note_and_a_public_comment_count_as_two(self):
        told = threshold(RESOLUTION, 100, note="breached", tell_customer="sorry")
        desk = Desk(with_thresholds(told), facts=OUTAGE, priority=P1)
        desk.says(ANNA)
        desk.wait(minutes=1)
        desk.command("/esc ack")
        desk.sync()
        desk.wait(hours=4)
        desk.notes = [desk.now] * 5
        desk.sync()
        assert desk.spoken == ["breached (notes)"]
        desk.run(hours=25)
        assert desk.spoken == ["breached (notes)", "sorry (public)"]

    @pytest.mark.parametrize(("allowed", "regular"), [(1, 1), (2, 1), (6, 3), (7, 4)])
    def test_half_of_a_days_notes_is_kept_for_what_is_news(self, allowed, regular):
        assert Quiet(notes_per_day=allowed).regular == regular

    def test_notes_keep_their_distance_and_the_later_one_speaks_for_the_earlier(self):
        desk = Desk(changed(NOTED, quiet=Quiet(min_interval=timedelta(hours=3)), hash="i" * 64), facts=OUTAGE)
        desk.run(hours=12)
        gaps = [b - a for a, b in zip(desk.notes, desk.notes[1:], strict=False)]
        assert gaps
        assert min(gaps) >= timedelta(hours=3)
        assert desk.spoken[-1] == "breached (notes)"


class TestCadence:
    def test_regular_updates_while_nobody_waits_for_the_customer(self):
        desk = Desk(changed(with_thresholds(), hash="c" * 64, cadence=POLICY.cadence), facts=OUTAGE)
        desk.sync()
        desk.wait(minutes=1)
        desk.assign(assignee="id:anna-id", actor=ANNA)
        desk.run(hours=2, minutes=9)
        assert desk.spoken.count("status-update (notes)") == 2
        desk.status(Status.WAITING_CUSTOMER, ROBOT)
        desk.run(hours=5)
        assert desk.spoken.count("status-update (notes)") == 2
        desk.status(Status.OPEN, CARLA)
        desk.run(minutes=59)
        assert desk.spoken.count("status-update (notes)") == 2
        desk.run(minutes=1)
        assert desk.spoken.count("status-update (notes)") == 3

    def test_waiting_too_long_is_told_the_owner_once(self):
        desk = Desk(NOTED, facts=TEAM)
        desk.sync()
        desk.status(Status.WAITING_CUSTOMER, ROBOT)
        desk.run(days=16)
        assert desk.spoken.count("max-pause (notes)") == 1


class TestPublic:
    def told(self, **changes) -> Desk:
        desk = Desk(TOLD, facts=OUTAGE, **changes)
        desk.sync()
        desk.wait(hours=3)
        return desk

    def test_a_customer_is_told_in_their_language_where_the_policy_says_so(self):
        notice = self.told(locale="ja").look()[1].notices[0]
        assert (notice.audience, notice.template, notice.locale) == (Effect.PUBLIC, "sorry", "ja")

    def test_never_on_a_confidential_ticket(self):
        assert [notice.audience for notice in self.told().look()[1].notices] == [Effect.PUBLIC]
        decision, planned = self.told(restricted=True).look()
        assert planned.notices == ()
        assert "the ticket is confidential" in " ".join(left.why for left in decision.left)

    def test_never_while_the_history_is_not_in(self):
        desk = self.told()
        desk.complete = False
        decision, planned = desk.look()
        assert planned.notices == ()
        assert decision.left[-1].why == "the ticket's history is not in yet"

    @pytest.mark.parametrize(
        ("stage", "allowed", "speaks"),
        [
            pytest.param(NativeStage.RUNNING, False, False, id="would stop the helpdesk's own clock"),
            pytest.param(NativeStage.BREACHED, False, False, id="breached and still unanswered"),
            pytest.param(NativeStage.MET, False, True, id="answered already"),
            pytest.param(NativeStage.RUNNING, True, True, id="allowed by the operator"),
        ],
    )
    def test_the_helpdesks_own_first_response_clock(self, stage, allowed, speaks):
        native = NativeClock(clock=FIRST, name="Time to first response", stage=stage, read_at=MONDAY)
        desk = self.told(native=(native,))
        desk.rules = dataclasses.replace(desk.rules, may_stop_native_first_response=allowed)
        assert bool(desk.look()[1].notices) is speaks

    @pytest.mark.parametrize(
        ("site", "status", "speaks"),
        [
            pytest.param("aaa", Status.OPEN, False, id="the other one comes first"),
            pytest.param("zzz", Status.OPEN, True, id="this one comes first"),
            pytest.param("aaa", Status.SOLVED, True, id="the other one is done"),
        ],
    )
    def test_of_two_linked_tickets_one_speaks(self, site, status, speaks):
        desk = self.told()
        link = Link(kind=LinkKind.TWIN, target="9", site=site)
        opened_at = desk.situation.ticket.opened_at
        twin = Twin(link=link, status=status, customer_facing=True, opened_at=opened_at)
        decision = decide(dataclasses.replace(desk.situation, twins=(twin,)), desk.policy, desk.now)
        assert bool(decision.notices) is speaks

    def test_internal_notes_are_in_the_sites_language(self):
        desk = Desk(NOTED, facts=OUTAGE, locale="ja")
        desk.rules = dataclasses.replace(desk.rules, locale="de")
        desk.run(hours=2)
        assert {n.locale for _, planned in desk.plans for n in planned.notices} == {"de"}
