"""What passes do while histories cannot be read, because their share of the budget is used up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector.domain.change import Field
from connector.domain.events import EventKind, Role
from connector.domain.ticket import Status, TicketRef
from connector.helpdesks.memory import AGENT, CUSTOMER
from connector.ports import TicketHistory
from tests.engine.stage import MINUTE, SECOND, Desk, Stage, planned
from tests.engine.test_passes import OUTAGE, P1, P3, P4, opened

PLAIN = {"impact": "user", "urgency": "inconvenient"}


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
        left = [each.item for each in planned(known.run("desk")).left]
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
