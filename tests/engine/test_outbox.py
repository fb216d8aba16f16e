"""The outbox: a notification is delivered at least once, and never again once that is confirmed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta

import pytest

from connector.domain.policy import Policy, Threshold
from connector.domain.site import Effect
from connector.domain.ticket import ClockName, Priority
from connector.errors import ConnectorError
from connector.notify.outbox import GIVE_UP_AFTER, NO_COMMAND, Deliveries
from connector.ports import Delivery
from tests.domain.policies import POLICY, changed, threshold
from tests.engine.stage import MINUTE, Desk, Stage
from tests.helpdesks.stopped_clock import StoppedClock

OUTAGE = {"impact": "site", "urgency": "blocked"}
TELLS = threshold(ClockName.FIRST_RESPONSE, 75, notify=("assignee", "duty-channel"))


def telling(*thresholds: Threshold) -> Policy:
    return changed(sla=dataclasses.replace(POLICY.sla, thresholds=thresholds), hash="t" * 64)


class Receiver:
    """Takes payloads, or says why it does not."""

    def __init__(self) -> None:
        self.taken: list[dict[str, str]] = []
        self.refusing = ""

    def __call__(self, values: Mapping[str, str]) -> str:
        if not self.refusing:
            self.taken.append(dict(values))
        return self.refusing


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def due(stage: Stage, desk: Desk, clock: StoppedClock) -> str:
    """A ticket on which three quarters of the first response have just been used."""
    stage.policies.policy = telling(TELLS)
    ticket = desk.world.create(facts=OUTAGE, priority=Priority.P3, assignee="anna")
    stage.run("desk")
    clock.move(MINUTE * 12)
    stage.run("desk")
    return ticket.id


def deliver(stage: Stage, receiver: Receiver | None) -> None:
    Deliveries(stage.journal, stage.clock.now, stage.ears).run(receiver)


def test_every_target_is_told_once_with_a_link_and_a_reason_and_no_text(
    stage: Stage, clock: StoppedClock, due: str, receiver: Receiver
) -> None:
    for _ in range(3):
        deliver(stage, receiver)
        clock.move(MINUTE)
        stage.run("desk")
    assert [(said["target"], said["person"]) for said in receiver.taken] == [("assignee", "anna"), ("duty-channel", "")]
    assert {said["why"] for said in receiver.taken} == {"first_response 75% reached"}
    assert {said["kind"] for said in receiver.taken} == {"notify"}
    assert len({said["key"] for said in receiver.taken}) == 2
    assert not {"subject", "text", "body"} & set(receiver.taken[0])
    told = [line for line in stage.journal.records().events(ticket=due) if line.kind == "notified"]
    assert [line.data["target"] for line in told] == ["assignee", "duty-channel"]


def test_what_is_not_taken_is_tried_again_with_growing_pauses(
    stage: Stage, clock: StoppedClock, due: str, receiver: Receiver
) -> None:
    receiver.refusing = "the alarm command ended with 1"
    deliver(stage, receiver)
    deliver(stage, receiver)
    waiting = stage.journal.records().notifications(site="desk", status=Delivery.WAITING, ticket=due)
    assert [q.attempts for q in waiting] == [1, 1], "the pause is not over"
    clock.move(MINUTE)
    deliver(stage, receiver)
    (first, _) = stage.journal.records().notifications(site="desk", status=Delivery.WAITING)
    assert (first.attempts, first.next_at) == (2, clock.now() + MINUTE * 2)
    receiver.refusing = ""
    clock.move(MINUTE * 2)
    deliver(stage, receiver)
    deliver(stage, receiver)
    assert len(receiver.taken) == 2


def test_it_is_given_up_after_a_day_and_said(stage: Stage, clock: StoppedClock, due: str, receiver: Receiver) -> None:
    receiver.refusing = "the alarm command ended with 1"
    clock.move(GIVE_UP_AFTER)
    deliver(stage, receiver)
    failed = stage.journal.records().notifications(site="desk", status=Delivery.FAILED)
    assert {q.error for q in failed} == {"the alarm command ended with 1"}
    assert "not-notified" in {line.kind for line in stage.journal.records().events(ticket=due)}


def test_without_a_command_nothing_piles_up(stage: Stage, due: str, receiver: Receiver) -> None:
    deliver(stage, None)
    deliver(stage, receiver)
    assert receiver.taken == []
    assert {q.error for q in stage.journal.records().notifications(site="desk", status=Delivery.FAILED)} == {NO_COMMAND}


def test_a_confirmation_that_was_lost_comes_again_under_the_same_key(
    stage: Stage, clock: StoppedClock, due: str, receiver: Receiver
) -> None:
    class Lost:
        """An outbox whose process ends before the confirmation is stored."""

        notifications_due = staticmethod(stage.journal.notifications_due)

        def settle_notification(self, *_: object, **__: object) -> None:
            raise ConnectorError("the journal is closed")

    Deliveries(Lost(), clock.now, stage.ears).run(receiver)
    deliver(stage, receiver)
    keys = [said["key"] for said in receiver.taken]
    assert keys[0] == keys[1]
    assert len(keys) == 3


def test_shadow_records_whom_it_would_tell_and_tells_nobody_later(
    stage: Stage, desk: Desk, clock: StoppedClock, receiver: Receiver
) -> None:
    stage.policies.policy = telling(TELLS)
    desk.allow()
    ticket = desk.world.create(facts=OUTAGE, priority=Priority.P3)
    stage.run("desk")
    clock.move(MINUTE * 12)
    stage.run("desk")
    lines = [line for line in stage.journal.records().events(ticket=ticket.id) if line.kind == "would-do"]
    assert [line.data["notify"] for line in lines if "notify" in line.data] == ["assignee, duty-channel"]
    desk.allow(*Effect)
    clock.move(timedelta(minutes=1))
    stage.run("desk")
    deliver(stage, receiver)
    assert receiver.taken == []


def test_after_downtime_only_the_highest_mark_is_told(
    stage: Stage, desk: Desk, clock: StoppedClock, receiver: Receiver
) -> None:
    late = threshold(ClockName.FIRST_RESPONSE, 100, notify=("duty-channel",))
    stage.policies.policy = telling(TELLS, late)
    desk.world.create(facts=OUTAGE, priority=Priority.P3)
    stage.run("desk")
    clock.move(MINUTE * 40)
    stage.run("desk")
    deliver(stage, receiver)
    assert [said["why"] for said in receiver.taken] == ["first_response 100% reached"]
