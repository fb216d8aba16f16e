"""Policy edits, merges, twins and storms: many tickets at once, or several that are one case.

The whole engine on a site in memory; what was written is read from the site and from what it was sent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.domain.change import Write
from connector.domain.decide import decide
from connector.domain.policy import Mark, Matrix, Policy, Threshold
from connector.domain.ticket import ClockName, Link, LinkKind, Priority, Status
from connector.engine.gather import situations
from connector.engine.passes import PassOutcome
from connector.errors import Rejected
from connector.ports import AlarmKind
from tests.engine.stage import DOCUMENT, MINUTE, MONDAY, POLICY, Desk, Stage, planned, told
from tests.helpdesks.stopped_clock import StoppedClock

P1, P2, P3, P4 = Priority
OUTAGE = {"impact": "site", "urgency": "blocked"}
DEGRADED = {"impact": "team", "urgency": "degraded"}


def everything_is_p1(policy: Policy) -> Policy:
    """Return the edit of somebody who meant well: every cell of the matrix is P1."""
    matrix = policy.priority.matrix
    assert matrix is not None
    cells = tuple(tuple(P1 for _ in row) for row in matrix.cells)
    edited = Matrix(impact=matrix.impact, urgency=matrix.urgency, cells=cells)
    return replace(policy, hash="edited" * 10 + "beef", priority=replace(policy.priority, matrix=edited))


def quiet(stage: Stage, desk: Desk, count: int) -> list[str]:
    """Open tickets on which the policy wants nothing, and pass until that is so."""
    made = [desk.world.create(facts=DEGRADED, priority=P3).id for _ in range(count)]
    for _ in range(3):
        stage.clock.move(MINUTE)
        stage.run("desk")
    desk.writer.sent.clear()
    assert stage.wanted("desk") == {}
    return made


def next_pass(stage: Stage) -> Any:
    stage.clock.move(MINUTE)
    return stage.run("desk")


def telling(policy: Policy) -> Policy:
    """Return a policy that tells customers when a quarter of the time to a solution has gone."""
    told = Threshold(clock=ClockName.RESOLUTION, mark=Mark(percent=25), tell_customer="status-update")
    return replace(policy, hash="telling" * 8 + "beef", sla=replace(policy.sla, thresholds=(told,)))


class TestPolicyEdits:
    def test_fault_72_an_edit_over_its_share_is_held_as_a_whole(self, stage: Stage, desk: Desk) -> None:
        """A policy edit would raise every open ticket: none of them is written, and it is told with counts."""
        quiet(stage, desk, 12)
        stage.policies.policy = everything_is_p1(POLICY)
        result = next_pass(stage)
        assert (desk.sent(), result.outcome) == ([], PassOutcome.HELD)
        (held,) = planned(result).held
        assert "12 priority" in held.what
        assert "connector resume desk --allow 12" in held.why
        next_pass(stage)
        assert desk.sent() == []
        assert [a.kind for a in stage.ears.alarms] == [AlarmKind.HOLD]

    def test_fault_72_who_is_new_does_not_wait_for_the_edit(self, stage: Stage, desk: Desk) -> None:
        """While an edit is held a new outage is raised all the same: it was never decided otherwise."""
        quiet(stage, desk, 12)
        stage.policies.policy = everything_is_p1(POLICY)
        next_pass(stage)
        outage = desk.world.create(facts=OUTAGE, priority=P3).id
        next_pass(stage)
        assert {each.write.ref.id for each in desk.writer.sent} == {outage}
        assert desk.live(outage).priority is P1

    def test_fault_72_what_falls_due_meanwhile_waits_with_the_edit(self, stage: Stage, desk: Desk) -> None:
        """A ticket that somebody touches does not slip through one by one: the edit waits for all or none."""
        ids = quiet(stage, desk, 12)
        stage.policies.policy = everything_is_p1(POLICY)
        next_pass(stage)
        desk.world.comment(ids[0], "anything new?")
        next_pass(stage)
        assert (desk.sent(), desk.live(ids[0]).priority) == ([], P3)

    def test_fault_72_a_stated_number_lets_it_through(self, stage: Stage, desk: Desk) -> None:
        """Too small a number holds it anew; the number that was told lets every ticket through, once."""
        ids = quiet(stage, desk, 12)
        stage.policies.policy = everything_is_p1(POLICY)
        next_pass(stage)
        stage.journal.resume("desk", allow=11, now=stage.clock.now(), actor="anna")
        next_pass(stage)
        assert desk.sent() == []
        stage.journal.resume("desk", allow=12, now=stage.clock.now(), actor="anna")
        next_pass(stage)
        assert {desk.live(id_).priority for id_ in ids} == {P1}

    def test_fault_72_putting_the_policy_back_ends_it(self, stage: Stage, desk: Desk) -> None:
        """The edit is taken back before anybody let it through: nothing was written, nothing is held."""
        quiet(stage, desk, 12)
        stage.policies.policy = everything_is_p1(POLICY)
        next_pass(stage)
        stage.policies.policy = POLICY
        result = next_pass(stage)
        assert (desk.sent(), planned(result).held, result.outcome) == ([], (), PassOutcome.OK)

    def walked(self, stage: Stage, desk: Desk, policy: Policy) -> list[str]:
        """Let a working day pass under another policy than that of the morning; return what was written by then."""
        quiet(stage, desk, 12)
        ids = [desk.world.create(facts=OUTAGE, priority=P3).id for _ in range(2)]
        next_pass(stage)
        stage.policies.policy = policy
        for step in range(24):
            stage.clock.move(20 * MINUTE)
            if step == 5:
                desk.world.comment(ids[0], "on it", public=True)
            stage.run("desk")
        return desk.sent()

    def test_fault_72_paths_go_on_under_the_policy_that_tickets_had(
        self, stage: Stage, desk: Desk, empty_state: Path
    ) -> None:
        """What is written while an edit is held is what would have been written without it, notes and levels alike."""
        stage.journal.remember_policy(POLICY, DOCUMENT, now=stage.clock.now())
        held = self.walked(stage, desk, everything_is_p1(POLICY))
        other = Desk("desk", StoppedClock(MONDAY))
        without = Stage(empty_state, other, clock=other.world.clock)  # type: ignore[arg-type]
        try:
            assert held == self.walked(without, other, POLICY)
        finally:
            without.close()
        assert any("level=3" in line for line in held)
        (alarm,) = [a for a in stage.ears.alarms if "policy edit" in a.message]
        assert "14 open tickets go on under the policy before" in alarm.message

    def test_fault_72_paths_that_stand_still_are_told(self, stage: Stage, desk: Desk) -> None:
        """The policy before is not kept: nothing is decided under the edit, alarm and `attention` say what follows."""
        self.walked(stage, desk, everything_is_p1(POLICY))
        assert not any("level=2" in line for line in desk.sent())
        (alarm,) = [a for a in stage.ears.alarms if a.kind is AlarmKind.HOLD]
        (held,) = stage.journal.records().held(site="desk")
        for text in (alarm.message, held.data["why"]):
            assert "the paths and clocks of 14 open tickets stand still: the policy before is not at hand" in text
        assert "connector resume desk --allow 12" in held.data["why"]

    def test_fault_72_an_edit_within_its_share_goes_through(self, stage: Stage, desk: Desk) -> None:
        """Ten tickets may always change: a small desk is not asked about every edit."""
        ids = quiet(stage, desk, 10)
        stage.policies.policy = everything_is_p1(POLICY)
        next_pass(stage)
        assert {desk.live(id_).priority for id_ in ids} == {P1}


class TestProblems:
    def storm(self, stage: Stage, desk: Desk, children: int = 6, **problem: Any) -> tuple[str, list[str]]:
        """Open a problem, and tickets that are attached to it."""
        leader = desk.world.create(**{"facts": OUTAGE, "priority": P1, **problem}).id
        next_pass(stage)
        link = Link(kind=LinkKind.PROBLEM, target=leader)
        return leader, [desk.world.create(facts=OUTAGE, priority=P3, links=(link,)).id for _ in range(children)]

    def later(self, stage: Stage, *, hours: int) -> None:
        for _ in range(hours * 3):
            stage.clock.move(20 * MINUTE)
            stage.run("desk")

    def test_one_voice_speaks_for_all_that_are_attached(self, stage: Stage, desk: Desk) -> None:
        leader, children = self.storm(stage, desk)
        self.later(stage, hours=3)
        spoken = {each.write.ref.id for each in desk.writer.sent if each.write.comment}
        assert spoken == {leader}
        assert {desk.live(id_).priority for id_ in children} == {P1}
        assert {(desk.live(id_).level, desk.live(id_).group) for id_ in children} == {(None, None)}

    def test_they_go_their_own_way_when_the_problem_is_solved(self, stage: Stage, desk: Desk) -> None:
        leader, children = self.storm(stage, desk)
        next_pass(stage)
        desk.world.update(leader, status=Status.SOLVED)
        self.later(stage, hours=1)
        assert {desk.live(id_).level is not None for id_ in children} == {True}

    @pytest.mark.parametrize("problem", [{"priority": P4, "facts": {}}, {"status": Status.SOLVED}])
    def test_nobody_waits_for_a_problem_that_would_not_speak(
        self, stage: Stage, desk: Desk, problem: dict[str, Any]
    ) -> None:
        _, children = self.storm(stage, desk, 2, **problem)
        self.later(stage, hours=1)
        assert {desk.live(id_).level is not None for id_ in children} == {True}

    def test_nobody_waits_for_a_problem_that_takes_no_comments(self, stage: Stage, desk: Desk) -> None:
        leader, children = self.storm(stage, desk, 2)

        def takes_none_there(write: Write) -> None:
            if write.comment is not None and write.ref.id == leader:
                raise Rejected("it is no customer request", mute=True)

        desk.writer.before_send = takes_none_there
        self.later(stage, hours=4)
        assert {posted.ticket for posted in desk.world.comments} == {children[0]}

    def test_a_problem_that_is_not_known_here_speaks_for_nobody(self, stage: Stage, desk: Desk) -> None:
        link = Link(kind=LinkKind.PROBLEM, target="404")
        id_ = desk.world.create(facts=OUTAGE, priority=P3, links=(link,)).id
        self.later(stage, hours=1)
        assert desk.live(id_).level is not None

    def test_two_that_are_attached_to_one_another_are_not_both_silent(self, stage: Stage, desk: Desk) -> None:
        first, (second,) = self.storm(stage, desk, 1)
        desk.world.update(first, links=(Link(kind=LinkKind.PROBLEM, target=second),))
        desk.writer.sent.clear()
        self.later(stage, hours=3)
        assert {each.write.ref.id for each in desk.writer.sent if each.write.comment} == {first}

    def test_it_is_said_why_a_ticket_is_silent(self, stage: Stage, desk: Desk) -> None:
        leader, children = self.storm(stage, desk, 1)
        next_pass(stage)
        (found,) = situations(desk.reading, stage.around, children, {}, now=stage.clock.now())
        told = decide(found, POLICY, stage.clock.now()).explanation
        assert told.path.why == f"follows #{leader}"
        assert f"follows #{leader}, which speaks for it until it is solved" in told.findings


class TestMerges:
    """Two tickets of one outage; the policy tells customers that the deadline is missed."""

    def told_twice(self, stage: Stage, desk: Desk, *, first: bool) -> tuple[str, str]:
        """Return a ticket on which everything was said, and another, opened earlier or later, that takes it over."""
        older = desk.world.create(facts=OUTAGE, priority=P3).id
        self.later(stage, hours=1)
        younger = desk.world.create(facts=OUTAGE, priority=P3).id
        return (older, younger) if first else (younger, older)

    def later(self, stage: Stage, *, hours: int) -> None:
        for _ in range(hours * 3):
            stage.clock.move(20 * MINUTE)
            stage.run("desk")

    def said(self, desk: Desk, id_: str) -> list[str]:
        return [told(each.write) for each in desk.writer.sent if each.write.comment and each.write.ref.id == id_]

    def test_fault_31_a_merge_repeats_nothing_that_was_said(self, stage: Stage, desk: Desk) -> None:
        """What customers and team were told on the ticket that is merged away, its target leaves unsaid."""
        stage.policies.policy = telling(POLICY)
        source = desk.world.create(facts=OUTAGE, priority=P3).id
        self.later(stage, hours=6)
        assert any("public" in words for words in self.said(desk, source))
        target = desk.world.create(facts=OUTAGE, priority=P3).id
        next_pass(stage)
        desk.writer.sent.clear()
        desk.world.merge(source, target)
        self.later(stage, hours=3)
        repeated = [words for words in self.said(desk, target) if "public" in words or "escalated" in words]
        assert repeated == []
        assert self.said(desk, source) == []

    def test_fault_31_the_target_keeps_start_level_and_floor(self, stage: Stage, desk: Desk) -> None:
        """The earlier start, the higher level and the higher priority survive, also when the source is forgotten."""
        source = desk.world.create(facts=OUTAGE, priority=P3).id
        self.later(stage, hours=3)
        level = desk.live(source).level
        target = desk.world.create(facts=DEGRADED, priority=P3).id
        desk.world.merge(source, target)
        next_pass(stage)
        next_pass(stage)
        assert (desk.live(target).level, desk.live(target).priority) == (level, P1)
        state = stage.stored("desk", target).state
        assert state.began_at == desk.live(source).opened_at
        assert level is not None
        assert level > 1
        desk.world.update(target, links=())
        next_pass(stage)
        assert stage.stored("desk", target).state.began_at == desk.live(source).opened_at
        assert desk.live(target).priority is P1

    def test_fault_31_a_hold_on_the_source_holds_the_target(self, stage: Stage, desk: Desk) -> None:
        """An agent held the ticket that is merged away: nothing is written on the target until the hold ends."""
        source = desk.world.create(facts=DEGRADED, priority=P3).id
        next_pass(stage)
        desk.world.update(source, held_until=stage.clock.now() + timedelta(hours=8))
        next_pass(stage)
        target = desk.world.create(facts=DEGRADED, priority=P3).id
        desk.world.merge(source, target)
        next_pass(stage)
        desk.world.update(target, facts=OUTAGE)
        desk.writer.sent.clear()
        self.later(stage, hours=2)
        assert desk.sent() == []

    def test_fault_31_passing_again_changes_nothing(self, stage: Stage, desk: Desk) -> None:
        """What a target takes over is taken over once: the next pass stores and writes nothing."""
        source = desk.world.create(facts=OUTAGE, priority=P3).id
        self.later(stage, hours=2)
        target = desk.world.create(facts=DEGRADED, priority=P3).id
        desk.world.merge(source, target)
        for _ in range(3):
            stage.run("desk")
        before = stage.rows()
        stage.run("desk")
        assert stage.rows() == before
        assert stage.wanted("desk") == {}

    def test_a_ticket_with_too_many_members_is_left_to_people(self, stage: Stage, desk: Desk) -> None:
        target = desk.world.create(facts=DEGRADED, priority=P3).id
        for _ in range(10):
            desk.world.merge(desk.world.create(facts=OUTAGE, priority=P1).id, target)
        next_pass(stage)
        assert desk.live(target).priority is P3
        (found,) = situations(desk.reading, stage.around, [target], {}, now=stage.clock.now())
        told = decide(found, POLICY, stage.clock.now()).explanation.findings
        assert "10 tickets were merged into it: a case of more than 10 is left to people" in told
