"""Ownership at its edges: the exact second, the exact count, whose word it was, and how it is told."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from connector.domain.acts import hold_length, read_acts
from connector.domain.change import Field
from connector.domain.events import Actor, EventKind, EventSource, Role, TicketEvent
from connector.domain.flapping import EVERY, HIGH, LOW, SAMPLES, Flapping, changed_share, read_flapping
from connector.domain.occasion import AGAIN, Outcome, Said
from connector.domain.ownership import HeldPriority, HeldTicket, Holding, read_holding, told, touched_since
from connector.domain.policy import Policy
from connector.domain.site import HOLD_UNTIL, Effect
from connector.domain.situation import Applied, EscalationState
from connector.domain.standoffs import Conflict, Looping, conflicts, looping
from connector.domain.ticket import Priority
from connector.domain.triggers import read_triggers
from tests.domain.desk import ANNA, CARLA, MONDAY, OURS, ROBOT, SOMEBODY, Desk
from tests.domain.policies import POLICY

P1, P2, P3, P4 = Priority
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
OUTAGE = {"impact": "site", "urgency": "blocked"}
RIVAL = Actor("rule:7", Role.AUTOMATION)


def flips(*at: timedelta, kind: EventKind = EventKind.PRIORITY, actor: Actor = RIVAL) -> Desk:
    """We write P1 a second before each moment, and a program takes it back."""
    desk = Desk()
    for n, when in enumerate(at):
        for actor_, before, after, shift in ((OURS, "P3", "P1", -SECOND), (actor, "P1", "P3", SECOND * 0)):
            moment = MONDAY + when + shift
            desk.events.append(
                TicketEvent(id=f"{n}{after}", at=moment, kind=kind, actor=actor_, before=before, after=after)
            )
    return desk


def found(desk: Desk, *, released_at: datetime | None = None, now: datetime = MONDAY + 9 * DAY) -> tuple[Conflict, ...]:
    return conflicts(desk.situation, released_at=released_at, now=now)


class TestConflicts:
    @pytest.mark.parametrize(
        ("kind", "field"),
        [
            (EventKind.PRIORITY, Field.PRIORITY),
            (EventKind.GROUP, Field.GROUP),
            (EventKind.ASSIGNEE, Field.ASSIGNEE),
        ],
    )
    def test_every_contested_field_has_its_own(self, kind: EventKind, field: Field) -> None:
        (conflict,) = found(flips(MINUTE, 2 * MINUTE, kind=kind))
        assert conflict == Conflict(field, "rule:7", MONDAY + 2 * MINUTE)

    def test_the_second_counts_from_the_moment_at_which_it_happened(self) -> None:
        (conflict,) = found(flips(MINUTE, 2 * MINUTE, 3 * MINUTE))
        assert conflict.since == MONDAY + 2 * MINUTE

    @pytest.mark.parametrize(("apart", "is_one"), [(DAY, True), (DAY + SECOND, False)])
    def test_two_within_a_day_to_the_second(self, apart: timedelta, is_one: bool) -> None:
        assert bool(found(flips(MINUTE, MINUTE + apart))) is is_one

    def test_what_lies_ahead_does_not_count_yet(self) -> None:
        desk = flips(MINUTE, 2 * MINUTE)
        assert found(desk, now=MONDAY + 2 * MINUTE - SECOND) == ()
        assert len(found(desk, now=MONDAY + 2 * MINUTE)) == 1

    def test_a_release_forgets_what_was_up_to_then(self) -> None:
        desk = flips(MINUTE, 2 * MINUTE)
        assert len(found(desk, released_at=MONDAY + MINUTE - SECOND)) == 1
        assert found(desk, released_at=MONDAY + MINUTE) == ()

    def test_the_first_of_two_rivals_is_named(self) -> None:
        desk = flips(5 * MINUTE, 6 * MINUTE)
        desk.events += [
            dataclasses.replace(e, id=f"x{e.id}", at=e.at + DAY / 2) for e in flips(MINUTE, 2 * MINUTE).events
        ]
        other = flips(3 * MINUTE, 4 * MINUTE, actor=Actor("rule:8", Role.AUTOMATION))
        desk.events = sorted((*other.events, *desk.events), key=lambda event: event.at)
        (conflict,) = found(desk)
        assert (conflict.actor, conflict.since) == ("rule:8", MONDAY + 4 * MINUTE)

    def test_a_change_of_another_value_than_ours_is_no_flip(self) -> None:
        desk = flips(MINUTE, 2 * MINUTE)
        desk.events = [dataclasses.replace(e, before="P2") if e.actor == RIVAL else e for e in desk.events]
        assert found(desk) == ()

    def test_a_flip_of_what_a_flip_left_is_none(self) -> None:
        desk = flips(MINUTE)
        desk.events.append(
            TicketEvent(id="z", at=MONDAY + 2 * MINUTE, kind=EventKind.PRIORITY, actor=RIVAL, before="P1", after="P4")
        )
        assert found(desk) == ()

    @pytest.mark.parametrize(
        ("applied_at", "baseline", "is_one"),
        [
            (timedelta(0), False, True),
            (MINUTE + 5 * SECOND, False, True),
            (MINUTE + 6 * SECOND, False, False),
            (timedelta(0), True, False),
        ],
    )
    def test_our_last_write_counts_where_the_log_does_not_show_it(
        self, applied_at: timedelta, baseline: bool, is_one: bool
    ) -> None:
        desk = flips(MINUTE, 2 * MINUTE)
        desk.events = [e for e in desk.events if e.id != "0P1"]
        desk.applied[Field.PRIORITY] = Applied(value="P1", at=MONDAY + applied_at, baseline=baseline)
        assert bool(found(desk)) is is_one

    def test_it_is_told_with_who_and_since_when(self) -> None:
        assert str(Conflict(Field.GROUP, "rule:7", MONDAY)) == (
            "ownership conflict: group is taken back by another program (rule:7), since 2026-11-23 09:00 UTC"
        )
        assert str(Conflict(Field.PRIORITY, "", MONDAY)) == (
            "ownership conflict: priority is taken back by another program, since 2026-11-23 09:00 UTC"
        )


class TestLooping:
    def repeats(self, *at: timedelta, outcome: Outcome = Outcome.DONE) -> Desk:
        desk = Desk()
        for n, when in enumerate(at):
            desk.said[f"{AGAIN}{n}", Effect.FIELDS] = Said(outcome=outcome, at=MONDAY + when)
        return desk

    @pytest.mark.parametrize(("last", "since"), [(10 * MINUTE, MONDAY + 10 * MINUTE), (10 * MINUTE + SECOND, None)])
    def test_four_within_ten_minutes_to_the_second(self, last: timedelta, since: datetime | None) -> None:
        desk = self.repeats(timedelta(0), MINUTE, 2 * MINUTE, last)
        assert looping(desk.situation, released_at=None) == (Looping(since) if since else None)

    def test_three_are_none(self) -> None:
        assert looping(self.repeats(timedelta(0), SECOND, MINUTE).situation, released_at=None) is None

    def test_it_is_since_the_first_fourth(self) -> None:
        desk = self.repeats(*(n * MINUTE for n in range(7)))
        assert looping(desk.situation, released_at=None) == Looping(MONDAY + 3 * MINUTE)

    @pytest.mark.parametrize(
        ("outcome", "counts"),
        [
            (Outcome.DONE, True),
            (Outcome.REJECTED, True),
            (Outcome.PARKED, True),
            (Outcome.WOULD_DO, False),
            (Outcome.SUPERSEDED, False),
            (Outcome.SILENCED, False),
        ],
    )
    def test_only_what_was_tried_counts(self, outcome: Outcome, counts: bool) -> None:
        desk = self.repeats(*(n * MINUTE for n in range(4)), outcome=outcome)
        assert (looping(desk.situation, released_at=None) is not None) is counts

    def test_only_repeats_count(self) -> None:
        desk = self.repeats(*(n * MINUTE for n in range(3)))
        desk.said["set:priority:P1", Effect.FIELDS] = Said(outcome=Outcome.DONE, at=MONDAY)
        assert looping(desk.situation, released_at=None) is None

    def test_a_release_forgets_what_was_up_to_then(self) -> None:
        desk = self.repeats(*(n * MINUTE for n in range(4)))
        assert looping(desk.situation, released_at=MONDAY - SECOND) is not None
        assert looping(desk.situation, released_at=MONDAY) is None

    def test_it_is_told_with_its_measure(self) -> None:
        assert str(Looping(MONDAY)) == (
            "loop breaker: more than 3 writes within 10 minutes without a new reason, since 2026-11-23 09:00 UTC"
        )


class TestWhoHoldsIt:
    def test_an_owner_is_asked_for_by_field(self) -> None:
        ours, theirs = Conflict(Field.GROUP, "rule:7", MONDAY), Conflict(Field.ASSIGNEE, "rule:8", MONDAY)
        holding = Holding(conflicts=(ours, theirs), looping=Looping(MONDAY))
        assert holding.owner_of(Field.GROUP) == str(ours)
        assert holding.owner_of(Field.ASSIGNEE) == str(theirs)
        assert holding.owner_of(Field.PRIORITY) == ""
        assert holding.standoffs == (str(ours), str(theirs), str(Looping(MONDAY)))
        assert Holding().standoffs == ()

    @pytest.mark.parametrize(
        ("actor", "people", "words"),
        [
            (ANNA, {"anna-id": "anna"}, "anna"),
            (ANNA, {}, "agent (id anna-id)"),
            (CARLA, {}, "customer (id carla-id)"),
            (ROBOT, {"anna-id": "anna"}, "an automation (id robot-id)"),
            (SOMEBODY, {}, "somebody"),
            (Actor("", Role.AUTOMATION), {}, "an automation"),
        ],
    )
    def test_who_acted_is_told_by_name_or_by_role(self, actor: Actor, people: dict[str, str], words: str) -> None:
        assert told(TicketEvent(id="1", at=MONDAY, kind=EventKind.PRIORITY, actor=actor), people) == words

    @pytest.mark.parametrize(("at", "counts"), [(-15 * MINUTE, False), (-15 * MINUTE + SECOND, True), (MINUTE, True)])
    def test_a_touch_counts_within_the_hands_off_time(self, at: timedelta, counts: bool) -> None:
        event = TicketEvent(id="1", at=MONDAY + at, kind=EventKind.GROUP, actor=ANNA)
        acts = type("Moved", (), {"moved": event})()
        assert (touched_since(acts, MONDAY, 15 * MINUTE) is event) is counts

    def test_nobody_touched_it(self) -> None:
        assert touched_since(type("Still", (), {"moved": None})(), MONDAY, MINUTE) is None


def held_priority(desk: Desk) -> list[str]:
    return [hold.by for hold in desk.look()[0].explanation.holds if hold.reason != "whole ticket"]


class TestAPriorityThatWeWroteAfterwards:
    """A delta tells late of a person's change: what we have written since is not theirs."""

    def desk(self, *, live: Priority = P1, value: str = "P1", shift: timedelta = SECOND, **applied: Any) -> Desk:
        desk = Desk(facts={"impact": "user", "urgency": "inconvenient"})
        desk.wait(minutes=1).priority(P2)
        at = desk.now
        desk.ticket = dataclasses.replace(desk.ticket, priority=live)
        desk.applied[Field.PRIORITY] = Applied(value=value, at=at + shift, **{"baseline": False, **applied})
        desk.wait(minutes=1)
        return desk

    def test_ours_is_not_held(self) -> None:
        assert held_priority(self.desk()) == []

    @pytest.mark.parametrize(
        "other",
        [
            {"shift": timedelta(0)},
            {"shift": -SECOND},
            {"value": "P3"},
            {"baseline": True},
            {"live": P2, "value": "P2"},
        ],
        ids=["at the same moment", "before", "another value", "taken over", "the same as theirs"],
    )
    def test_anything_else_is_theirs(self, other: dict[str, Any]) -> None:
        assert held_priority(self.desk(**other)) == ["agent (id anna-id)"]


class TestAFieldFromTheBeginning:
    """What stands in the hold field when the ticket is opened counts as its creator's."""

    def desk(self, creator: Actor, *, source: EventSource = EventSource.HISTORY) -> Desk:
        desk = Desk(facts=OUTAGE)
        desk.events[0] = dataclasses.replace(desk.events[0], actor=creator, source=source)
        desk.ticket = dataclasses.replace(desk.ticket, held_until=MONDAY + timedelta(hours=4))
        return desk

    @pytest.mark.parametrize(
        ("creator", "source", "held"),
        [(ANNA, EventSource.HISTORY, True), (CARLA, EventSource.HISTORY, False), (CARLA, EventSource.DELTA, True)],
    )
    def test_a_customer_holds_nothing(self, creator: Actor, source: EventSource, held: bool) -> None:
        holds = {h.by for h in self.desk(creator, source=source).look()[0].explanation.holds}
        assert holds == ({"field hold until"} if held else set())

    def test_a_ticket_whose_creation_is_not_told_is_presumed_nobodys(self) -> None:
        desk = self.desk(CARLA)
        desk.events = []
        assert {h.by for h in desk.look()[0].explanation.holds} == {"field hold until"}

    def test_a_release_ends_it(self) -> None:
        desk = self.desk(ANNA)
        desk.wait(minutes=1).command("/esc release")
        desk.wait(minutes=1)
        assert desk.look()[0].explanation.holds == ()

    def test_a_later_word_in_the_field_is_its_own(self) -> None:
        desk = self.desk(CARLA)
        desk.wait(minutes=1).event(EventKind.FACT, ANNA, name=HOLD_UNTIL, before=None, after="x")
        assert {h.by for h in desk.look()[0].explanation.holds} == {"field hold until by agent (id anna-id)"}


class TestFlapping:
    def test_shares_are_of_twenty_steps(self) -> None:
        now = MONDAY
        assert changed_share((), now) == 0.0
        assert changed_share((now,), now) == 1 / (SAMPLES - 1)
        assert changed_share((now - EVERY, now), now) == 2 / (SAMPLES - 1)

    @pytest.mark.parametrize(("steps", "share"), [(19, 1 / 20), (20, 0.0), (21, 0.0)])
    def test_what_lies_twenty_steps_back_is_forgotten(self, steps: int, share: float) -> None:
        assert changed_share((MONDAY,), MONDAY + steps * EVERY) == share

    def test_quiet_steps_between_changes_count(self) -> None:
        moments = (MONDAY - 19 * EVERY, MONDAY)
        assert changed_share(moments, MONDAY) == 1 / 20
        assert changed_share((MONDAY - 18 * EVERY, MONDAY), MONDAY) == 2 / 20

    def test_a_step_that_is_not_over_does_not_count(self) -> None:
        """Between changes that are 19 minutes apart lies one quiet sample each."""
        moments = tuple(MONDAY - n * 1.9 * EVERY for n in reversed(range(SAMPLES)))
        assert changed_share(moments, MONDAY) == 10 / 20

    @pytest.mark.parametrize(("known", "flaps"), [(2, False), (3, True)])
    def test_it_begins_at_a_fifth(self, known: int, flaps: bool) -> None:
        changes = tuple(MONDAY - n * SECOND for n in range(known, 0, -1))
        state = EscalationState(wanted_last=P1, wanted_changes=changes)
        read = read_flapping(state, P2, MONDAY)
        assert (HIGH, LOW) == (0.20, 0.05)
        assert read.changes == (*changes, MONDAY)
        assert (read.since, read.last) == (MONDAY if flaps else None, P2)
        assert read.calm_at == (MONDAY + 20 * EVERY if flaps else None)

    def test_it_ends_below_a_twentieth(self) -> None:
        state = EscalationState(wanted_last=P2, wanted_changes=(MONDAY,), flapping_since=MONDAY)
        still, over = (read_flapping(state, P2, MONDAY + n * EVERY) for n in (19, 20))
        assert (still.since, still.calm_at) == (MONDAY, MONDAY + 20 * EVERY)
        assert (over.since, over.calm_at, over.changes) == (None, None, (MONDAY,))

    def test_reading_again_adds_nothing_and_no_more_than_the_samples_are_kept(self) -> None:
        changes = tuple(MONDAY + n * SECOND for n in range(SAMPLES))
        state = EscalationState(wanted_last=P1, wanted_changes=changes)
        now = MONDAY + MINUTE
        assert read_flapping(state, P1, now).changes == changes
        assert read_flapping(state, P2, now).changes == (*changes[1:], now)
        assert read_flapping(EscalationState(), P1, now) == Flapping(P1)

    def test_without_a_wish_everything_stays_as_it_was(self) -> None:
        state = EscalationState(wanted_last=P1, wanted_changes=(MONDAY,), flapping_since=MONDAY)
        assert read_flapping(state, None, MONDAY + DAY) == Flapping(P1, (MONDAY,), MONDAY, MONDAY + 20 * EVERY)
        assert read_flapping(EscalationState(), None, MONDAY) == Flapping()


PEOPLE = {"anna-id": "anna"}


def holding(desk: Desk, policy: Policy = POLICY) -> Holding:
    """Read who holds what, with Anna's account bound to her name."""
    situation = dataclasses.replace(desk.situation, people=PEOPLE)
    acts = read_acts(situation, policy, now=desk.now)
    triggers = read_triggers(situation, policy, dismissed=acts.dismissed)
    return read_holding(situation, policy, acts=acts, triggers=triggers, now=desk.now)


class TestAHold:
    """Since when, by whom and until when, to the letter."""

    def test_by_label_since_it_was_put_on(self) -> None:
        desk = Desk()
        desk.wait(minutes=7).label(desk.rules.hold_label)
        since = desk.now
        desk.wait(minutes=5)
        assert holding(desk).ticket == HeldTicket(since=since, by=f"label {desk.rules.hold_label}", until=None)

    def test_by_label_from_the_beginning(self) -> None:
        desk = Desk(labels=frozenset({"esc-hold"}))
        desk.events[0] = dataclasses.replace(desk.events[0], actor=ANNA)
        assert desk.rules.hold_label == "esc-hold"
        desk.wait(minutes=5)
        assert holding(desk).ticket == HeldTicket(since=MONDAY, by="label esc-hold", until=None)

    def test_by_field_since_somebody_filled_it(self) -> None:
        desk = Desk()
        desk.wait(minutes=7).event(EventKind.FACT, ANNA, name=HOLD_UNTIL, before=None, after="x")
        since, until = desk.now, desk.now + DAY
        desk.ticket = dataclasses.replace(desk.ticket, held_until=until)
        desk.wait(minutes=5)
        assert holding(desk).ticket == HeldTicket(since=since, by="field hold until by anna", until=until)
        assert holding(desk).expires == (until,)

    @pytest.mark.parametrize(("shift", "held"), [(-SECOND, True), (timedelta(0), True), (SECOND, False)])
    def test_by_field_until_a_release_that_came_later(self, shift: timedelta, held: bool) -> None:
        desk = Desk()
        desk.wait(minutes=7).event(EventKind.FACT, ANNA, name=HOLD_UNTIL, before=None, after="x")
        desk.ticket = dataclasses.replace(desk.ticket, held_until=desk.now + DAY)
        desk.now += shift
        desk.command("/esc release")
        desk.events.sort(key=lambda event: event.at)
        desk.wait(minutes=5)
        assert (holding(desk).ticket is not None) is held

    def test_by_command_since_it_was_given(self) -> None:
        desk = Desk()
        desk.wait(minutes=7).command("/esc hold 4h")
        since = desk.now
        desk.wait(minutes=5)
        until = since + timedelta(hours=4)
        assert holding(desk).ticket == HeldTicket(since=since, by="/esc hold by anna", until=until)
        desk.now = until
        over = holding(desk)
        assert (over.ticket, over.freed_at) == (None, until)

    def test_the_longest_counts_and_a_label_outlasts_every_moment(self) -> None:
        desk = Desk()
        desk.wait(minutes=1).command("/esc hold 2h")
        desk.wait(minutes=1).event(EventKind.FACT, ANNA, name=HOLD_UNTIL, before=None, after="x")
        late = desk.now + DAY
        desk.ticket = dataclasses.replace(desk.ticket, held_until=late)
        found = holding(desk).ticket
        assert found is not None
        assert found.until == late
        desk.ticket = dataclasses.replace(desk.ticket, held_until=desk.now + MINUTE)
        shorter = holding(desk).ticket
        assert shorter is not None
        assert shorter.by == "/esc hold by anna"
        desk.label("esc-hold")
        endless = holding(desk).ticket
        assert endless is not None
        assert endless.until is None

    def test_by_our_own_circles(self) -> None:
        desk = TestLooping().repeats(*(n * MINUTE for n in range(4)))
        desk.wait(minutes=30)
        loop = Looping(MONDAY + 3 * MINUTE)
        found = holding(desk)
        assert found.ticket == HeldTicket(since=loop.since, by=str(loop), until=None)
        assert found.looping == loop


class TestAHeldPriority:
    def test_it_is_held_since_it_was_set_and_until_the_cap(self) -> None:
        desk = Desk()
        desk.wait(minutes=7).priority(P2)
        since = desk.now
        desk.wait(minutes=5)
        capped = dataclasses.replace(POLICY, priority=dataclasses.replace(POLICY.priority, hold_cap=DAY))
        assert holding(desk, capped).priority == HeldPriority(value=P2, since=since, by="anna", until=since + DAY)
        assert holding(desk, capped).expires == (since + DAY,)
        uncapped = dataclasses.replace(POLICY, priority=dataclasses.replace(POLICY.priority, hold_cap=None))
        assert holding(desk, uncapped).priority == HeldPriority(value=P2, since=since, by="anna", until=None)
        desk.now = since + DAY
        over = holding(desk, capped)
        assert (over.priority, over.renewed_at) == (None, since + DAY)

    @pytest.mark.parametrize(("shift", "held"), [(-SECOND, True), (timedelta(0), True), (SECOND, False)])
    def test_a_release_ends_it_when_it_came_later(self, shift: timedelta, held: bool) -> None:
        desk = Desk()
        desk.wait(minutes=7).priority(P2)
        desk.now += shift
        desk.command("/esc release")
        desk.events.sort(key=lambda event: event.at)
        desk.wait(minutes=5)
        assert (holding(desk).priority is not None) is held


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", timedelta(hours=4)),
        ("4H", timedelta(hours=4)),
        ("2 Hours", timedelta(hours=2)),
        ("1 day", timedelta(days=1)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("1d 4h until the vendor answers", timedelta(days=1, hours=4)),
        ("90min.", timedelta(minutes=90)),
        ("2w", timedelta(weeks=2)),
        ("soon", None),
        ("30", None),
        ("4hx", None),
        ("until 4h", None),
    ],
)
def test_the_length_of_a_hold_as_people_write_it(text, length):
    assert hold_length(text) == length
