"""Rivals, circles and flapping: where the connector stops by itself, and what lets it go on."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.change import Field
from connector.domain.claims import Claim, Standing, claim
from connector.domain.events import Actor, EventKind, Role
from connector.domain.flapping import EVERY, SAMPLES, changed_share, read_flapping
from connector.domain.situation import EscalationState
from connector.domain.standoffs import looping
from connector.domain.ticket import Priority
from tests.domain.desk import ANNA, CARLA, MONDAY, OURS, ROBOT, SOMEBODY, Desk
from tests.domain.policies import POLICY, changed, lowering

OUTAGE = {"impact": "site", "urgency": "blocked"}
CALM = {"impact": "user", "urgency": "inconvenient"}
P1, P2, P3, P4 = Priority
RIVAL, OTHER = Actor("rule:7", Role.AUTOMATION), Actor("rule:8", Role.AUTOMATION)
actors = st.sampled_from([ANNA, CARLA, ROBOT, SOMEBODY, RIVAL])


class TestTheTable:
    @pytest.mark.parametrize(
        ("standing", "satisfied", "expected"),
        [
            pytest.param(Standing(readable=False), True, Claim.UNREADABLE, id="a value that we do not know"),
            pytest.param(Standing(changed=ANNA), True, Claim.ADOPT, id="it is as wanted, whoever made it so"),
            pytest.param(Standing(owned=True), True, Claim.ADOPT, id="as wanted, even where it is not ours"),
            pytest.param(Standing(owned=True, renewed=True), False, Claim.OWNED, id="another program's, come what may"),
            pytest.param(Standing(), False, Claim.WRITE, id="nobody touched it"),
            pytest.param(Standing(changed=ANNA, renewed=True), False, Claim.WRITE, id="a new reason"),
            pytest.param(Standing(changed=ANNA), False, Claim.HELD, id="a person's"),
            pytest.param(Standing(changed=SOMEBODY), False, Claim.HELD, id="somebody's: taken for a person"),
            pytest.param(Standing(changed=ROBOT), False, Claim.YIELDED, id="another program's"),
        ],
    )
    def test_each_row(self, standing: Standing, satisfied: bool, expected: Claim) -> None:
        assert claim(standing, satisfied=satisfied) is expected

    @given(
        standing=st.builds(
            Standing, changed=st.none() | actors, renewed=st.booleans(), owned=st.booleans(), readable=st.booleans()
        ),
        satisfied=st.booleans(),
    )
    def test_what_is_written_is_ours_to_write(self, standing: Standing, satisfied: bool) -> None:
        if claim(standing, satisfied=satisfied) is Claim.WRITE:
            assert standing.readable
            assert not satisfied
            assert not standing.owned
            assert standing.changed is None or standing.renewed


def fight(desk: Desk, actor: Actor, rounds: int, *, every: timedelta, reaction: bool) -> None:
    """We raise the priority for a new reason each time, and a program takes it back each time."""
    for n in range(rounds):
        desk.fact("impact", "user")
        desk.sync()
        desk.wait(minutes=1).fact("impact", "site")
        desk.sync()
        if desk.ticket.priority is P1:
            desk.event(EventKind.PRIORITY, OURS, before="P3", after="P1")
            desk.priority(P3, actor, reaction=reaction)
        desk.now += every
        del n


class TestRivals:
    @given(reaction=st.booleans(), minutes=st.integers(1, 600))
    def test_the_second_flip_within_a_day_makes_the_field_its_own(self, reaction: bool, minutes: int) -> None:
        desk = Desk(facts=OUTAGE)
        fight(desk, RIVAL, 6, every=timedelta(minutes=minutes), reaction=reaction)
        desk.sync()
        assert desk.written.count("priority P3 -> P1") == 2
        assert desk.ticket.priority is P3
        (told,) = desk.state.standoffs
        assert "priority is taken back by another program (rule:7)" in told
        assert any(told in line for line in desk.look()[0].explanation.left_alone)

    def test_one_flip_is_yielded_to_and_a_new_reason_writes_again(self) -> None:
        desk = Desk(facts=OUTAGE)
        fight(desk, RIVAL, 1, every=timedelta(hours=1), reaction=False)
        desk.sync()
        assert (desk.ticket.priority, desk.state.standoffs) == (P3, ())
        desk.label("security")
        desk.sync()
        assert desk.ticket.priority is P1

    def test_two_flips_more_than_a_day_apart_are_no_conflict(self) -> None:
        desk = Desk(facts=OUTAGE)
        fight(desk, RIVAL, 2, every=timedelta(hours=24), reaction=False)
        assert desk.look()[0].state.standoffs == ()

    def test_two_programs_with_one_flip_each_are_no_conflict(self) -> None:
        desk = Desk(facts=OUTAGE)
        for actor in (RIVAL, OTHER):
            fight(desk, actor, 1, every=timedelta(hours=1), reaction=False)
        assert desk.look()[0].state.standoffs == ()

    @given(actor=st.sampled_from([ANNA, CARLA, SOMEBODY]))
    def test_people_who_change_their_minds_are_no_rivals(self, actor: Actor) -> None:
        desk = Desk(facts=OUTAGE)
        fight(desk, actor, 3, every=timedelta(hours=1), reaction=False)
        assert desk.look()[0].state.standoffs == ()

    def test_it_is_told_once(self) -> None:
        desk = Desk(facts=OUTAGE)
        fight(desk, RIVAL, 2, every=timedelta(minutes=5), reaction=False)
        assert len(desk.look()[0].standoffs) == 1
        desk.sync()
        for _ in range(5):
            desk.wait(hours=7)
            assert desk.look()[0].standoffs == ()
            desk.sync()

    def test_what_a_program_changed_before_we_wrote_is_no_flip(self) -> None:
        desk = Desk(facts=OUTAGE)
        for _ in range(3):
            desk.wait(minutes=1).priority(P4, RIVAL)
            desk.wait(minutes=1).priority(P3, RIVAL)
        assert desk.look()[0].state.standoffs == ()

    def test_a_release_lets_us_write_again(self) -> None:
        desk = Desk(facts=OUTAGE)
        fight(desk, RIVAL, 2, every=timedelta(minutes=5), reaction=False)
        desk.sync()
        desk.wait(minutes=1).command("/esc release")
        desk.wait(minutes=1).sync()
        assert desk.ticket.priority is P1
        assert desk.state.standoffs == ()

    def test_a_level_whose_group_another_program_owns_moves_on_without_it(self) -> None:
        desk = Desk(changed(sla=dataclasses.replace(POLICY.sla, thresholds=())), facts=OUTAGE)
        for minutes in (1, 31):
            desk.run(minutes=minutes)
            level = desk.ticket.group
            desk.event(EventKind.GROUP, OURS, before="dispatch", after=level)
            desk.assign(group="dispatch", actor=RIVAL)
        group_writes = len([w for w in desk.written if w.startswith("group")])
        assert group_writes == 2
        desk.run(hours=2)
        assert desk.ticket.group == "dispatch"
        assert len([w for w in desk.written if w.startswith("group")]) == group_writes
        assert desk.state.level > 2
        assert any("group is taken back" in told for told in desk.state.standoffs)


class TestCircles:
    def circling(self, rounds: int, minutes: float) -> Desk:
        """A policy that lowers at once, and an input that somebody's program flips to and fro."""
        policy = lowering()
        rules = dataclasses.replace(policy.priority, dwell=timedelta(0))
        desk = Desk(changed(priority=rules, triggers=()), facts=OUTAGE, priority=P3)
        for values in itertools.islice(itertools.cycle((OUTAGE, CALM)), rounds):
            desk.ticket = dataclasses.replace(desk.ticket, facts=values)
            desk.sync()
            desk.wait(minutes=minutes)
        return desk

    def test_more_than_three_writes_for_nothing_new_stop_the_ticket(self) -> None:
        desk = self.circling(20, 0.5)
        assert len([w for w in desk.written if w.startswith("priority")]) <= 2 + 4
        assert looping(desk.situation, released_at=None) is not None or desk.state.flapping_since is not None

    def test_slow_ones_do_not(self) -> None:
        desk = self.circling(20, 60)
        assert looping(desk.situation, released_at=None) is None

    @given(count=st.integers(0, 8), apart=st.integers(10, 400))
    def test_the_breaker_counts_to_three_in_ten_minutes(self, count: int, apart: int) -> None:
        from connector.domain.occasion import Outcome, Said, again  # noqa: PLC0415
        from connector.domain.site import Effect  # noqa: PLC0415

        desk = Desk(facts=OUTAGE)
        desk.sync()
        for n in range(count):
            at = desk.now + timedelta(seconds=apart * n)
            desk.said[str(again(Field.PRIORITY, at)), Effect.FIELDS] = Said(outcome=Outcome.DONE, at=at)
        found = looping(desk.situation, released_at=None)
        assert (found is not None) == (count > 3 and apart * 3 <= 600)
        if found is not None:
            desk.now += timedelta(hours=1)
            desk.fact("impact", "user")
            decision, planned = desk.look()
            assert (planned.fields, planned.notices) == ((), ())
            assert any("loop breaker" in told for told in decision.standoffs)
            desk.sync()
            desk.command("/esc release")
            assert desk.wait(minutes=1).look()[0].state.standoffs == ()


class TestFlapping:
    @given(gaps=st.lists(st.integers(0, 15), max_size=30))
    def test_the_share_is_that_of_the_samples(self, gaps: list[int]) -> None:
        """Compared with the samples written out one by one: a quiet one every ten minutes, one at each change."""
        samples: list[bool] = []
        at, changes = MONDAY, []
        for gap in gaps:
            at += gap * EVERY
            samples += [False] * gap + [True]
            changes.append(at)
        window = samples[-(SAMPLES - 1) :]
        assert changed_share(tuple(changes[-SAMPLES:]), at) == sum(window) / (SAMPLES - 1)

    @given(wanted=st.lists(st.sampled_from([P1, P3]), min_size=1, max_size=40), minutes=st.integers(1, 30))
    def test_looking_again_at_the_same_moment_adds_nothing(self, wanted: list[Priority], minutes: int) -> None:
        state, now = EscalationState(), MONDAY
        for each in wanted:
            now += timedelta(minutes=minutes)
            found = read_flapping(state, each, now)
            state = dataclasses.replace(
                state, wanted_last=found.last, wanted_changes=found.changes, flapping_since=found.since
            )
            assert read_flapping(state, each, now) == found

    def test_from_a_fifth_on_it_flaps_and_below_a_twentieth_it_does_not(self) -> None:
        state, now = EscalationState(wanted_last=P3), MONDAY
        for n, wanted in enumerate((P1, P3, P1, P3)):
            now += timedelta(minutes=1)
            found = read_flapping(state, wanted, now)
            assert (found.since is not None) == (n == 3)
            state = dataclasses.replace(
                state, wanted_last=wanted, wanted_changes=found.changes, flapping_since=found.since
            )
        calm_at = read_flapping(state, P3, now).calm_at
        assert calm_at == now + 20 * EVERY
        assert read_flapping(state, P3, calm_at - timedelta(seconds=1)).since is not None
        assert read_flapping(state, P3, calm_at).since is None

    def flapping(self) -> Desk:
        policy = lowering()
        rules = dataclasses.replace(policy.priority, dwell=timedelta(0))
        desk = Desk(changed(priority=rules, triggers=()), facts=CALM, priority=P4)
        for values in itertools.islice(itertools.cycle((OUTAGE, CALM)), 5):
            desk.ticket = dataclasses.replace(desk.ticket, facts=values)
            desk.sync()
            desk.wait(minutes=15)
        return desk

    def test_a_flapping_priority_is_raised_and_not_lowered_and_one_note_says_so(self) -> None:
        desk = self.flapping()
        for values in (CALM, OUTAGE, CALM):
            desk.ticket = dataclasses.replace(desk.ticket, facts=values)
            desk.sync()
            desk.wait(minutes=15)
        assert desk.ticket.priority is P1
        assert sum(name.startswith("flapping:") for name, _ in desk.said) == 1, (
            "also where it was said along with others"
        )
        assert any("goes to and fro" in line for line in desk.look()[0].explanation.left_alone)

    def test_once_it_is_calm_the_policy_has_its_way(self) -> None:
        desk = self.flapping()
        desk.ticket = dataclasses.replace(desk.ticket, facts=CALM)
        desk.sync()
        assert desk.ticket.priority is P1
        desk.run(hours=4)
        assert desk.state.flapping_since is None
        assert desk.ticket.priority is not P1


def test_the_rules_of_the_tests_policy_lower() -> None:
    assert not POLICY.priority.lower
    assert lowering().priority.lower
