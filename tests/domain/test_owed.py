"""What passed marks have asked for: it still comes when a policy is loaded or the priority rises; nothing else does."""

from __future__ import annotations

import copy
import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.domain.decide import decide
from connector.domain.decision import TicketPlan
from connector.domain.explain import explain_lines
from connector.domain.marks import ref_of
from connector.domain.occasion import Outcome, Said
from connector.domain.policy import Policy, Quiet
from connector.domain.site import Effect
from connector.domain.ticket import ClockName, Priority, Status
from tests.domain import strategies as some
from tests.domain.desk import ANNA, Desk
from tests.domain.policies import ESCALATION, LEGAL, POLICY, changed, threshold

P1 = Priority.P1
OUTAGE = {"impact": "site", "urgency": "blocked"}
DEGRADED = {"impact": "department", "urgency": "degraded"}
RESOLUTION = ClockName.RESOLUTION


def with_thresholds(*thresholds, **more) -> Policy:
    return changed(sla=dataclasses.replace(POLICY.sla, thresholds=thresholds), cadence={}, **more)


def acknowledged(policy: Policy, **ticket) -> Desk:
    """A desk whose level only a threshold moves."""
    desk = Desk(policy, **{"facts": OUTAGE, "priority": P1, **ticket})
    desk.sync()
    desk.wait(minutes=1)
    desk.command("/esc ack")
    desk.sync()
    return desk


def edited(desk: Desk, **changes) -> None:
    """Load an edited policy, as a site does: what passed before is superseded."""
    desk.policy = dataclasses.replace(desk.policy, hash="edited" * 10, **changes)
    desk.policy_since = desk.now


def approve(desk: Desk) -> int:
    waiting = [key for key, row in desk.said.items() if row.outcome is Outcome.HELD]
    for key in waiting:
        desk.said[key] = Said(outcome=Outcome.DONE, at=desk.now)
    return len(waiting)


ASKING = threshold(RESOLUTION, 50, escalate_to=3, approval="duty-manager")


class TestAnEditedPolicy:
    def test_a_step_that_min_step_held_back_is_still_made(self):
        slow = dataclasses.replace(ESCALATION, min_step=timedelta(minutes=30))
        marks = (threshold(ClockName.FIRST_RESPONSE, 100, escalate_to=2, note="overdue"),)
        desk = acknowledged(with_thresholds(*marks, escalation=slow))
        desk.wait(minutes=15)
        desk.sync()
        assert (desk.spoken, desk.ticket.level) == (["overdue (notes)"], 1)
        edited(desk, quiet=Quiet(notes_per_day=7))
        told = "\n".join(explain_lines(desk.look()[0]))
        assert "its step to level 2 had been asked for before and still comes" in told
        desk.run(minutes=30)
        assert desk.ticket.level == 2
        assert "still comes" not in "\n".join(explain_lines(desk.look()[0]))
        assert desk.spoken == ["overdue (notes)"]

    def test_a_step_that_the_timer_made_first_is_still_made_where_late_history_takes_that_back(self):
        desk = Desk(with_thresholds(threshold(ClockName.FIRST_RESPONSE, 100, escalate_to=2)), priority=P1)
        desk.complete = False
        desk.sync()
        desk.wait(minutes=10).says(ANNA, public=False)
        late = desk.events.pop()
        for minutes in (20, 1):
            desk.wait(minutes=minutes).store(*desk.look())  # what is to be written is refused: the ticket has changed
            assert desk.state.level == 2
            edited(desk)
        desk.events.append(late)
        desk.complete = True
        desk.wait(minutes=1).sync()
        assert (desk.state.level, desk.state.level_reason) == (2, "threshold first_response 100%")

    def test_a_step_that_waits_for_approval_can_still_be_let_through(self):
        desk = acknowledged(with_thresholds(ASKING)).run(hours=3)
        edited(desk, quiet=Quiet(notes_per_day=7))
        desk.sync()
        assert "escalate to level 3 (resolution 50%): needs approval by duty-manager" in (
            desk.look()[0].explanation.left_alone
        )
        assert approve(desk) == 1
        desk.run(minutes=10)
        assert desk.ticket.level == 3

    def test_an_approved_step_that_min_step_held_back_is_still_made(self):
        desk = acknowledged(with_thresholds(ASKING)).run(hours=3)
        desk.state = dataclasses.replace(desk.state, stepped_at=desk.now)
        approve(desk)
        desk.sync()
        assert desk.ticket.level == 1
        edited(desk)
        desk.run(minutes=10)
        assert desk.ticket.level == 3

    @pytest.mark.parametrize(
        "quiet",
        [
            pytest.param(Quiet(min_interval=timedelta(hours=4)), id="min_interval"),
            pytest.param(Quiet(notes_per_day=1), id="notes_per_day"),
        ],
    )
    def test_a_note_that_waited_for_its_turn_is_still_said(self, quiet: Quiet):
        marks = threshold(RESOLUTION, 50, note="half"), threshold(RESOLUTION, 75, note="at-risk")
        desk = acknowledged(with_thresholds(*marks, quiet=quiet)).run(hours=3, minutes=10)
        assert desk.spoken == ["half (notes)"]
        edited(desk, quiet=Quiet(notes_per_day=20))
        desk.sync()
        assert desk.spoken == ["half (notes)", "at-risk (notes)"]

    def test_a_note_that_waited_for_the_end_of_a_hold_is_still_said(self):
        desk = acknowledged(with_thresholds(threshold(RESOLUTION, 50, note="half")))
        desk.label("esc-hold")
        desk.run(hours=3)
        edited(desk)
        desk.sync()
        desk.unlabel("esc-hold")
        desk.sync()
        assert desk.spoken == ["half (notes)"]

    @pytest.mark.parametrize("passes", [1, 3])
    def test_a_note_that_was_planned_and_not_sent_is_still_said(self, passes: int):
        """A budget, a freeze, a refusal or a change of the ticket kept it back; nothing of that is in the decision."""
        desk = acknowledged(with_thresholds(threshold(RESOLUTION, 50, note="half"))).wait(hours=3)
        for _ in range(passes):
            desk.wait(minutes=1).store(*desk.look())
            edited(desk)
        assert "its note had been asked for before and still comes" in "\n".join(explain_lines(desk.look()[0]))
        desk.sync()
        desk.sync()
        assert desk.spoken == ["half (notes)"]
        assert "still comes" not in "\n".join(explain_lines(desk.look()[0]))

    def test_a_note_that_only_its_mark_in_the_helpdesk_tells_of_does_not_come_again(self):
        """The state was lost: no row tells that it was said, what was read back does."""
        desk = acknowledged(with_thresholds(threshold(RESOLUTION, 50, note="half"))).wait(hours=3)
        _, planned = desk.look()
        desk.wait(minutes=1).store(*desk.look())
        edited(desk)
        (notice,) = planned.notices
        ours = ref_of(notice.occasion.key("demo", "1", Effect.NOTES))
        for ref, comes in (("0" * 10, True), (ours, False)):
            decision = decide(dataclasses.replace(desk.situation, marks=frozenset({ref})), desk.policy, desk.now)
            told = "\n".join(explain_lines(decision))
            assert "passed over" in told
            assert ("its note had been asked for before and still comes" in told) is comes

    def test_a_note_on_a_long_pause_that_was_planned_and_not_sent_is_still_said(self):
        desk = acknowledged(with_thresholds())
        desk.status(Status.WAITING_CUSTOMER)
        desk.sync()
        desk.wait(days=11).store(*desk.look())
        edited(desk)
        desk.wait(minutes=1).sync()
        assert desk.spoken == ["max-pause (notes)"]

    def test_a_note_on_a_long_pause_that_waited_for_the_end_of_a_hold_is_still_said(self):
        desk = acknowledged(with_thresholds())
        desk.status(Status.WAITING_CUSTOMER)
        desk.label("esc-hold")
        desk.sync()
        desk.wait(days=11).store(*desk.look())
        edited(desk)
        desk.unlabel("esc-hold")
        desk.sync()
        desk.sync()
        assert desk.spoken == ["max-pause (notes)"]

    def test_what_was_planned_gives_way_to_a_higher_mark_as_ever(self):
        marks = threshold(RESOLUTION, 50, note="half"), threshold(RESOLUTION, 75, note="at-risk")
        desk = acknowledged(with_thresholds(*marks)).wait(hours=2, minutes=10)
        desk.store(*desk.look())
        edited(desk)
        desk.wait(hours=1).sync()
        desk.run(hours=1)
        assert desk.spoken == ["at-risk (notes)"]

    def test_what_was_planned_is_not_said_where_the_clock_was_met_since(self):
        desk = acknowledged(with_thresholds(threshold(ClockName.FIRST_RESPONSE, 50, note="half")))
        desk.wait(minutes=10).store(*desk.look())
        edited(desk)
        desk.wait(minutes=1).says(ANNA)
        desk.run(minutes=10)
        assert desk.spoken == []

    @given(passes=st.lists(st.tuples(st.integers(0, 90), st.booleans(), st.booleans()), min_size=1, max_size=8))
    def test_what_marks_were_about_to_say_is_said_whatever_policies_are_loaded(self, passes: list[Any]):
        """Passes at some minutes; each may fail to write, and each may be followed by an edit. None loses a word."""
        notes = [threshold(RESOLUTION, percent, note=f"at {percent}") for percent in (20, 40, 60, 80, 100, 150)]
        desk = acknowledged(with_thresholds(*notes, quiet=Quiet(notes_per_day=100)))
        asked: set[tuple[str, Effect]] = set()
        for minutes, is_written, is_edited in (*passes, (1, True, False)):
            decision, planned = desk.wait(minutes=minutes).look()
            new = about_to_say(planned)
            assert not asked or new, "what was asked for and not got, or what came after it, is asked for still"
            desk.store(decision, planned)
            if is_written:
                desk.write(planned)
                again, nothing = desk.look()
                assert about_to_say(nothing) == set(), "and once"
                assert again.state.owed == desk.state.owed, "a second pass changes no row"
            asked = set() if is_written else new
            if is_edited:
                edited(desk)

    def test_what_a_mark_had_done_it_does_not_do_anew_nor_more(self):
        desk = acknowledged(with_thresholds(threshold(RESOLUTION, 50, note="half"))).run(hours=3)
        more = threshold(RESOLUTION, 50, note="half", tell_customer="sorry", escalate_to=4)
        edited(desk, sla=dataclasses.replace(desk.policy.sla, thresholds=(more,)))
        desk.run(minutes=30)
        assert (desk.spoken, desk.ticket.level) == (["half (notes)"], 1)

    def test_a_step_that_waits_brings_nothing_else_along(self):
        desk = acknowledged(with_thresholds(ASKING)).run(hours=3)
        more = dataclasses.replace(ASKING, note="half", tell_customer="sorry")
        edited(desk, sla=dataclasses.replace(desk.policy.sla, thresholds=(more,)))
        desk.run(minutes=10)
        assert desk.spoken == []

    @given(desk=some.stories())
    def test_an_edit_that_changes_no_rule_changes_no_level_and_no_threshold(self, desk: Desk):
        assume(desk.policy_since is None or desk.policy_since <= desk.now)
        desk.sync()
        assume(not desk.look()[0].state.unread)  # what waits for its history has asked for nothing yet
        other = copy.copy(desk)
        for each in ("events", "said", "applied", "notes", "plans"):
            setattr(other, each, copy.copy(getattr(desk, each)))
        edited(other)
        assert marked(other.run(hours=2)) == marked(desk.run(hours=2))


def about_to_say(planned: TicketPlan) -> set[tuple[str, Effect]]:
    """Return what a plan says of passed marks and long pauses, and to whom."""
    said = {(about, notice.audience) for notice in planned.notices for about in (notice.occasion, *notice.covers)}
    return {(str(about), audience) for about, audience in said if about.kind in {"threshold", "max_pause"}}


def marked(desk: Desk):
    """Where the path stands, and every mark with what became of it."""
    marks = {key: row.outcome for key, row in desk.said.items() if key[0].startswith(("threshold", "approve"))}
    said = {key for key, outcome in marks.items() if outcome in {Outcome.DONE, Outcome.WOULD_DO, Outcome.HELD}}
    return desk.state.path, desk.state.level, said


def test_an_approval_that_was_asked_for_outlives_a_rise_of_the_priority():
    desk = acknowledged(with_thresholds(ASKING), facts=DEGRADED, priority=Priority.P2)
    desk.run(days=2)
    assert (desk.state.level, desk.ticket.priority) == (1, Priority.P2)
    desk.fact("impact", "site")
    desk.sync()
    assert desk.ticket.priority is P1
    assert approve(desk) == 1
    desk.run(minutes=30)
    assert desk.ticket.level == 3


class TestAPathThatEndsBelow:
    def test_no_approval_is_asked_for_a_step_that_the_path_does_not_have(self):
        desk = acknowledged(with_thresholds(ASKING), facts={"category": "gdpr-request"})
        desk.run(days=4)
        assert desk.state.path == LEGAL
        assert [name for name, _ in desk.said if name.startswith("approve")] == []
        assert not [line for line in desk.look()[0].explanation.left_alone if "approval" in line]

    def test_as_far_as_the_path_goes_it_is_asked_for(self):
        far = dataclasses.replace(ASKING, escalate_to=4)
        desk = acknowledged(with_thresholds(far), labels=frozenset({"security"})).run(hours=3)
        assert "escalate to level 2 (resolution 50%): needs approval by duty-manager" in (
            desk.look()[0].explanation.left_alone
        )

    def test_an_approval_is_withdrawn_where_the_ticket_comes_to_a_path_that_ends_below(self):
        desk = acknowledged(with_thresholds(ASKING)).run(hours=3)
        assert desk.state.withdrawn == frozenset()
        desk.label("security", actor=ANNA)
        desk.run(hours=1)
        assert desk.state.level == desk.state.path.levels[-1].level
        assert desk.state.withdrawn == {
            name for name, to in desk.said if name.startswith("approve") and to is Effect.FIELDS
        }
