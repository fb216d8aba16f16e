"""What passes do while histories cannot be read, because their share of the budget is used up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.bootstrap.reports import attention_items
from connector.domain.change import Field
from connector.domain.events import EventKind, Role
from connector.domain.ticket import Status, TicketRef
from connector.domain.unread import COMMENT
from connector.engine.reconcile import CHUNK
from connector.helpdesks.memory import AGENT, CUSTOMER
from connector.ports import TicketHistory
from tests.engine.stage import MINUTE, MONDAY, SECOND, Desk, Killed, Stage, planned
from tests.engine.test_passes import DEGRADED, OUTAGE, P1, P3, P4, opened
from tests.helpdesks.stopped_clock import StoppedClock

PLAIN = {"impact": "user", "urgency": "inconvenient"}
URGENCY = [OUTAGE, DEGRADED, PLAIN]


@pytest.fixture
def known(stage: Stage, desk: Desk) -> Stage:
    """A site that has been read once and has nothing to recall; from now on no history may be read."""
    stage.run("desk")
    desk.world.histories_left = 0
    return stage


def touched(desk: Desk, **values: Any) -> str:
    """Open a ticket whose priority a person sets by hand before the next pass sees it."""
    (id_,) = opened(desk, **values)
    desk.world.clock.move(20 * SECOND)  # type: ignore[attr-defined]
    desk.world.update(id_, AGENT, priority=P4)
    return id_


def test_a_persons_priority_stands_while_nobody_can_read_that_it_is_one(known: Stage, desk: Desk) -> None:
    id_ = touched(desk)
    left = []
    for _ in range(3):
        known.clock.move(SECOND)
        left += [each.item for each in planned(known.run("desk")).left]
    assert desk.live(id_).priority is P4
    assert any(each.what == "priority" and "a person may have chosen P4" in each.why for each in left)
    desk.world.histories_left = 1
    known.clock.move(SECOND)
    known.run("desk")
    assert desk.live(id_).priority is P4, "now it is known to be held"
    assert known.stored("desk", id_).history.complete


def test_what_nobody_chose_is_written_as_soon_as_the_history_is_in(known: Stage, desk: Desk) -> None:
    (id_,) = opened(desk)
    known.clock.move(20 * SECOND)
    desk.world.update(id_, AGENT, status=Status.OPEN)
    known.run("desk")
    assert desk.live(id_).priority is P3
    desk.world.histories_left = 1
    known.clock.move(SECOND)
    known.run("desk")
    assert desk.live(id_).priority is P1


def test_a_ticket_that_nobody_has_touched_waits_for_nothing(known: Stage, desk: Desk) -> None:
    (id_,) = opened(desk)
    known.run("desk")
    assert desk.live(id_).priority is P1


def test_a_comment_that_nobody_could_read_stops_the_ticket(known: Stage, desk: Desk) -> None:
    (id_,) = opened(desk)
    known.clock.move(20 * SECOND)
    desk.world.comment(id_, "/esc hold 4h", AGENT, public=False)
    known.run("desk")
    assert desk.sent() == []
    known.clock.move(SECOND)
    assert Field.PRIORITY not in {f.field for p in planned(known.run("desk")).planned for f in p.change.fields}


def test_the_most_urgent_has_its_history_first(known: Stage, desk: Desk) -> None:
    """By their live priority the others come first; only deciding tells that this one is to be a P1."""
    others = [touched(desk, facts=PLAIN) for _ in range(8)]
    (urgent,) = opened(desk, facts=OUTAGE, priority=P4)
    known.clock.move(20 * SECOND)
    desk.world.update(urgent, AGENT, status=Status.OPEN)
    desk.world.histories_left = 4
    known.run("desk")
    assert known.stored("desk", urgent).history.complete
    assert desk.live(urgent).priority is P1
    read = [id_ for id_ in others if known.stored("desk", id_).history.complete]
    assert len(read) == 3, "the rest of the share is theirs"


def test_with_one_history_a_pass_the_most_urgent_is_read_first(known: Stage, desk: Desk) -> None:
    """By their live priority others come first, and they want nothing that waits."""
    others = [touched(desk, facts=DEGRADED, priority=P1) for _ in range(3)]
    (urgent,) = opened(desk, facts=OUTAGE, priority=P4)
    known.clock.move(20 * SECOND)
    desk.world.update(urgent, AGENT, status=Status.OPEN)
    desk.world.histories_left = 1
    known.run("desk")
    assert desk.live(urgent).priority is P1
    for _ in others:
        desk.world.histories_left = 1
        known.clock.move(SECOND)
        known.run("desk")
    assert all(known.stored("desk", id_).history.complete for id_ in others), "the rest have theirs in time"


def test_the_most_urgent_is_read_first_in_whatever_chunk_it_is_decided(known: Stage, desk: Desk) -> None:
    for _ in range(CHUNK):
        desk.world.create(facts=DEGRADED, priority=P4)
    (urgent,) = opened(desk, facts=OUTAGE, priority=P4)
    known.clock.move(20 * SECOND)
    for id_ in list(desk.world.rows):
        desk.world.update(id_, AGENT, status=Status.OPEN)
    desk.world.histories_left = 1
    known.run("desk")
    assert desk.live(urgent).priority is P1


@settings(max_examples=max(10, settings().max_examples // 10), deadline=None)
@given(
    wanted=st.lists(st.sampled_from([OUTAGE, DEGRADED, PLAIN]), min_size=3, max_size=6),
    allowance=st.integers(1, 4),
)
def test_no_history_is_read_before_a_more_urgent_one(
    empty_state: Path, wanted: list[dict[str, str]], allowance: int
) -> None:
    clock = StoppedClock(MONDAY)
    desk = Desk("desk", clock)
    stage = Stage(empty_state, desk, clock=clock)
    try:
        stage.run("desk")
        desk.world.histories_left = 0
        ids = [opened(desk, facts=facts, priority=P4)[0] for facts in wanted]
        clock.move(20 * SECOND)
        for id_ in ids:
            desk.world.update(id_, AGENT, status=Status.OPEN)
        desk.world.histories_left = allowance
        stage.run("desk")
        urgency = {id_: URGENCY.index(facts) for id_, facts in zip(ids, wanted, strict=True)}
        read = [urgency[id_] for id_ in ids if stage.stored("desk", id_).history.complete]
        assert sorted(read) == sorted(urgency.values())[:allowance]
    finally:
        stage.close()


def test_a_history_that_is_given_up_keeps_nothing_waiting(known: Stage, desk: Desk) -> None:
    (id_,) = opened(desk)
    known.clock.move(20 * SECOND)
    desk.world.comment(id_, "seen", AGENT, public=False)
    known.run("desk")
    assert desk.live(id_).priority is P3
    hidden = TicketHistory(ref=TicketRef("desk", id_), events=(), read_until=known.clock.now(), unreadable="hidden")
    for _ in range(3):
        known.journal.skip_history("desk", [hidden], now=known.clock.now())
    assert known.stored("desk", id_).history.unreadable
    known.clock.move(SECOND)
    known.run("desk")
    assert desk.live(id_).priority is P1


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.UNKNOWN])
def test_a_label_holds_though_whoever_put_it_on_has_left(stage: Stage, desk: Desk, role: Role) -> None:
    """The helpdesk tells what an account is today; who it was when the label came on was read then."""
    (id_,) = opened(desk, facts=OUTAGE)
    stage.clock.move(20 * SECOND)
    desk.world.update(id_, AGENT, labels=frozenset({"esc-hold"}))
    stage.run("desk")
    row = desk.world.rows[id_]
    row.events[:] = [
        replace(event, actor=replace(event.actor, role=role)) if event.kind is EventKind.LABELS else event
        for event in row.events
    ]
    stage.clock.move(20 * SECOND)
    desk.world.comment(id_, "any news?", CUSTOMER, public=True)
    for _ in range(3):
        stage.clock.move(20 * SECOND)
        stage.run("desk")
    assert desk.sent() == []


def test_a_customers_label_holds_no_more_when_the_customer_writes_again(stage: Stage, desk: Desk) -> None:
    (id_,) = opened(desk, facts=OUTAGE, labels=frozenset({"esc-hold"}))
    stage.run("desk")
    desk.world.histories_left = 0
    stage.clock.move(5 * MINUTE)
    desk.world.comment(id_, "any news?", CUSTOMER, public=True)
    for _ in range(6):
        stage.clock.move(5 * MINUTE)
        stage.run("desk")
    assert desk.live(id_).level == 2


@pytest.mark.parametrize("readable", [True, False], ids=["it can be read", "it cannot"])
def test_what_may_have_acknowledged_a_level_is_read_before_the_next_one_is_called(
    stage: Stage, desk: Desk, readable: bool
) -> None:
    """Between two polls a timer runs out on a level that somebody unknown may have taken; nothing waits for ever."""
    (id_,) = opened(desk, facts=DEGRADED)
    stage.run("desk")
    assert desk.live(id_).level == 1
    stage.clock.move(MINUTE)
    desk.world.histories_left = 0
    desk.world.update(id_, AGENT, status=Status.OPEN)
    stage.clock.move(SECOND)
    stage.run("desk")
    assert stage.stored("desk", id_).state.acknowledged_at is None
    desk.world.histories_left = int(readable)
    due_at = stage.stored("desk", id_).next_due_at
    assert due_at is not None
    stage.clock.move(due_at - stage.clock.now())
    stage.run("desk", fetch=False)
    assert desk.live(id_).level == (1 if readable else 2)


class TestTooLong:
    """What is urgent and waits for a history that nobody can read."""

    def waiting(self, known: Stage, desk: Desk, how: str, *, minutes: int = 20, facts: Any = OUTAGE) -> str:
        (id_,) = opened(desk, facts=facts, priority=P4)
        known.clock.move(20 * SECOND)
        if how == "touched":
            desk.world.update(id_, AGENT, status=Status.OPEN)
        else:
            desk.world.comment(id_, "looking", AGENT, public=False)
        known.run("desk")
        for _ in range(minutes // 10):
            known.clock.move(10 * MINUTE)
            known.run("desk")
        return id_

    def attention(self, stage: Stage) -> list[dict[str, Any]]:
        items = attention_items(stage.journal.records(), ["desk"], now=stage.clock.now())
        return [item for item in items if item["kind"] == "unread"]

    @pytest.mark.parametrize("how", ["touched", "comment"])
    def test_people_hear_of_it_once_and_find_it_in_attention(self, known: Stage, desk: Desk, how: str) -> None:
        id_ = self.waiting(known, desk, how, minutes=10)
        assert (known.ears.alarms, self.attention(known)) == ([], [])
        for _ in range(3):
            known.clock.move(10 * MINUTE)
            known.run("desk")
        (alarm,) = known.ears.alarms
        assert alarm.message.startswith("#1: P1 waits since 2026-11-23 09:00 UTC for the ticket's history: ")
        assert alarm.remedy.endswith(f"connector release desk:{id_}")
        (item,) = self.attention(known)
        assert (item["ticket"], item["since"]) == ("#1", MONDAY + 20 * SECOND)
        assert ("a person may have chosen P4" if how == "touched" else COMMENT) in item["what"]
        assert item["command"].endswith(f"connector release desk:{id_}")
        desk.world.histories_left = 5
        known.clock.move(MINUTE)
        known.run("desk")
        assert desk.live(id_).priority is P1
        assert self.attention(known) == []
        assert len(known.ears.alarms) == 1

    @pytest.mark.parametrize("how", ["touched", "comment"])
    def test_a_person_lets_it_go_on_without_its_history(self, known: Stage, desk: Desk, how: str) -> None:
        id_ = self.waiting(known, desk, how)
        known.journal.release(desk.live(id_).ref, now=known.clock.now(), actor="op")
        known.run("desk")
        assert desk.live(id_).priority is P1
        assert self.attention(known) == []

    def test_a_p1_is_raised_after_an_hour_all_the_same(self, known: Stage, desk: Desk) -> None:
        id_ = self.waiting(known, desk, "touched", minutes=50)
        assert desk.live(id_).priority is P4
        known.clock.move(10 * MINUTE)
        known.run("desk")
        assert desk.live(id_).priority is P1
        known.run("desk")
        assert self.attention(known) == []

    def test_what_is_not_urgent_stands_in_attention_alone(self, known: Stage, desk: Desk) -> None:
        id_ = self.waiting(known, desk, "touched", minutes=120, facts=DEGRADED)
        assert desk.live(id_).priority is P4
        assert len(self.attention(known)) == 1
        assert known.ears.alarms == []

    def test_a_death_between_the_alarm_and_what_remembers_it_loses_no_alarm(self, known: Stage, desk: Desk) -> None:
        self.waiting(known, desk, "touched", minutes=10)
        known.clock.move(10 * MINUTE)
        known.death.spares = lambda name: name != "store_verdicts"
        known.death.comes_at(0, after=False)
        with pytest.raises(Killed):
            known.run("desk")
        known.restart()
        known.run("desk")
        assert len(known.ears.alarms) in {1, 2}
