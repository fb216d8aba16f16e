"""A storm whose tickets are decided in two rounds, because the histories of some have to be read first: one voice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from connector.domain.events import EventKind, TicketEvent
from connector.domain.ticket import Priority, Status
from connector.engine.reconcile import CHUNK
from connector.helpdesks.memory import AGENT
from tests.engine.stage import MINUTE, SECOND, Desk, Stage
from tests.engine.test_cases import NETWORK, OUTAGE

P1, P2, P3, P4 = Priority
COUNT = 12


def alike(stage: Stage, desk: Desk, count: int = COUNT, *, priority: Priority = P3) -> list[str]:
    made = []
    for _ in range(count):
        stage.clock.move(SECOND)
        made.append(desk.world.create(facts=NETWORK, priority=priority).id)
    return made


def told(desk: Desk) -> set[str]:
    """Return which tickets have a voice: whose path was begun and called somebody."""
    return {id_ for id_ in desk.world.rows if desk.live(id_).level}


def seen_once(stage: Stage, desk: Desk) -> list[str]:
    """A storm that is seen while no history may be read, and of whose first ticket a person did something since."""
    stage.run("desk")
    desk.world.histories_left = 0
    return alike(stage, desk)


def held_unseen(stage: Stage, desk: Desk, first: str) -> None:
    """Somebody has held the first by a command that only its history shows."""
    stage.clock.move(20 * SECOND)
    desk.world.update(first, AGENT, status=Status.OPEN)
    at, row = stage.clock.now(), desk.world.rows[first]
    row.events.append(
        TicketEvent(id="c", at=at, kind=EventKind.COMMAND, actor=AGENT, name="hold", after="/esc hold 4h")
    )
    desk.world.histories_left = 1


def test_where_the_first_turns_out_to_be_held_the_next_one_speaks_at_once(stage: Stage, desk: Desk) -> None:
    """Only the history tells that the first is held: it is read in the second round."""
    first, second, *_ = seen_once(stage, desk)
    held_unseen(stage, desk, first)
    stage.run("desk")
    assert told(desk) == {second}
    (alarm,) = stage.ears.alarms
    assert f"{COUNT} alike tickets" in alarm.message
    assert f"{desk.live(second).key} speaks for them" in alarm.message


def test_where_the_first_is_held_by_its_label_the_next_one_speaks(stage: Stage, desk: Desk) -> None:
    first, second, *_ = seen_once(stage, desk)
    stage.clock.move(20 * SECOND)
    desk.world.update(first, AGENT, labels=frozenset({"esc-hold"}))
    desk.world.histories_left = 1
    for _ in range(4):
        stage.clock.move(MINUTE)
        stage.run("desk")
    assert told(desk) == {second}


def test_where_the_first_turns_out_to_be_free_it_speaks_alone(stage: Stage, desk: Desk) -> None:
    first, *_ = seen_once(stage, desk)
    stage.clock.move(20 * SECOND)
    desk.world.comment(first, "looking", AGENT, public=False)
    desk.world.histories_left = 1
    for _ in range(4):
        stage.clock.move(MINUTE)
        stage.run("desk")
    assert told(desk) == {first}


def test_a_first_that_nobody_can_read_silences_nobody_for_long(stage: Stage, desk: Desk) -> None:
    first, *_ = seen_once(stage, desk)
    stage.clock.move(20 * SECOND)
    desk.world.comment(first, "looking", AGENT, public=False)
    for _ in range(4):
        stage.clock.move(MINUTE)
        stage.run("desk")
    assert len(told(desk)) == 1


def test_where_a_priority_was_chosen_one_speaks(stage: Stage, desk: Desk) -> None:
    """The first was set to P4 by hand: its history tells, and the P1s after it have a voice of their own."""
    first, second, *_ = seen_once(stage, desk)
    stage.clock.move(20 * SECOND)
    desk.world.update(first, AGENT, priority=P4, status=Status.OPEN)
    desk.world.histories_left = 1
    for _ in range(4):
        stage.clock.move(MINUTE)
        stage.run("desk")
    assert told(desk) - {first} == {second}


@pytest.mark.parametrize("room", [0, 1, None])
def test_people_hear_of_it_once_however_many_histories_can_be_read(stage: Stage, desk: Desk, room: int | None) -> None:
    """Somebody has touched each, so each waits for its own history; those that nobody can read count as well."""
    stage.run("desk")
    desk.world.histories_left = room
    ids = alike(stage, desk, priority=P2)
    stage.clock.move(20 * SECOND)
    for id_ in ids:
        desk.world.update(id_, AGENT, status=Status.OPEN)
    for _ in range(3):
        stage.clock.move(20 * SECOND)
        stage.run("desk")
    (alarm,) = stage.ears.alarms
    assert "speaks for them" in alarm.message


def test_who_comes_in_a_later_chunk_of_the_pass_hears_of_the_storm(stage: Stage, desk: Desk) -> None:
    stage.run("desk")
    first, *_ = alike(stage, desk)
    for _ in range(CHUNK):
        desk.world.create(priority=P4)
    alike(stage, desk, 1)
    stage.run("desk")
    assert told(desk) == {first}


class TestLate:
    """Tickets that become alike after their first decision: somebody fills in what they have in common."""

    def strangers(self, stage: Stage, desk: Desk) -> list[str]:
        """Tickets with nothing known in common, each decided."""
        made = []
        for _ in range(COUNT):
            stage.clock.move(SECOND)
            made.append(desk.world.create(facts=OUTAGE, priority=P3).id)
        stage.run("desk")
        return made

    def fill_in(self, stage: Stage, desk: Desk, ids: Iterable[str], facts: Mapping[str, str] = NETWORK) -> None:
        stage.clock.move(MINUTE)
        for id_ in ids:
            desk.world.update(id_, AGENT, facts=facts)
        for _ in range(2):
            stage.clock.move(MINUTE)
            stage.run("desk")

    def heard(self, stage: Stage) -> list[str]:
        return [alarm.message for alarm in stage.ears.alarms if "speaks for them" in alarm.message]

    @pytest.mark.parametrize("each", [True, False], ids=["one after the other", "all at once"])
    def test_people_hear_of_it_once(self, stage: Stage, desk: Desk, *, each: bool) -> None:
        ids = self.strangers(stage, desk)
        for some in [[id_] for id_ in ids] if each else [ids]:
            self.fill_in(stage, desk, some)
        self.fill_in(stage, desk, ids[:0])
        stage.restart()
        self.fill_in(stage, desk, ids[:0])
        (message,) = self.heard(stage)
        assert f"{10 if each else COUNT} alike tickets" in message

    def test_it_is_told_once_though_its_tickets_go_and_come_back(self, stage: Stage, desk: Desk) -> None:
        ids = self.strangers(stage, desk)
        self.fill_in(stage, desk, ids)
        for facts in (OUTAGE, NETWORK, {**NETWORK, "org.tier": "platinum"}):
            self.fill_in(stage, desk, ids, facts)
        stage.restart()
        self.fill_in(stage, desk, alike(stage, desk, 2), {**NETWORK, "org.tier": "platinum"})
        assert len(self.heard(stage)) == 1

    def test_another_storm_of_the_same_look_is_told(self, stage: Stage, desk: Desk) -> None:
        self.fill_in(stage, desk, self.strangers(stage, desk))
        stage.clock.move(60 * MINUTE)
        self.fill_in(stage, desk, self.strangers(stage, desk))
        assert len(self.heard(stage)) == 2

    def test_a_storm_within_a_long_run_of_alike_tickets_is_told(self, stage: Stage, desk: Desk) -> None:
        """So many in so long a time are none yet; those that then come at once make one of them all."""
        for _ in range(COUNT):
            alike(stage, desk, 1)
            stage.clock.move(5 * MINUTE)
            stage.run("desk")
        assert not self.heard(stage)
        alike(stage, desk)
        self.fill_in(stage, desk, [])
        assert len(self.heard(stage)) == 1

    def test_it_is_told_once_though_an_edit_changes_what_its_tickets_have_in_common(
        self, stage: Stage, desk: Desk
    ) -> None:
        """Who speaks for them is solved by then, so it keeps the look that it had."""
        ids = self.strangers(stage, desk)
        self.fill_in(stage, desk, ids)
        desk.world.update(ids[0], AGENT, status=Status.SOLVED)
        self.fill_in(stage, desk, [])
        self.edit(stage, "category", "impact")
        self.fill_in(stage, desk, [])
        assert len(self.heard(stage)) == 1

    def test_one_that_a_ticket_of_another_one_completes_is_told(self, stage: Stage, desk: Desk) -> None:
        ids = self.strangers(stage, desk)
        self.fill_in(stage, desk, ids)
        others = self.strangers(stage, desk)[:9]
        printers = {**NETWORK, "category": "printers"}
        self.fill_in(stage, desk, others, printers)
        self.fill_in(stage, desk, ids[-1:], printers)
        assert len(self.heard(stage)) == 2

    def test_one_that_an_earlier_version_told_of_is_not_told_again(self, stage: Stage, desk: Desk) -> None:
        self.fill_in(stage, desk, self.strangers(stage, desk))
        stage.forget_lines("storm")
        late = self.strangers(stage, desk)
        self.fill_in(stage, desk, late)
        assert len(self.heard(stage)) == 1

    def test_one_that_a_lost_state_may_have_told_of_is_not_told_again(self, stage: Stage, desk: Desk) -> None:
        self.fill_in(stage, desk, self.strangers(stage, desk))
        stage.ears.alarms.clear()
        stage.lose_state("it was deleted")
        for _ in range(4):
            self.fill_in(stage, desk, [])
        assert not self.heard(stage)

    def test_one_that_comes_after_a_loss_is_told(self, stage: Stage, desk: Desk) -> None:
        stage.run("desk")
        stage.lose_state("it was deleted")
        self.fill_in(stage, desk, [])
        self.fill_in(stage, desk, self.strangers(stage, desk))
        assert len(self.heard(stage)) == 1

    def test_one_that_begins_while_a_lost_state_is_read_back_is_told_once(self, stage: Stage, desk: Desk) -> None:
        """No state that was lost can have told of tickets that were opened after it."""
        for _ in range(COUNT):
            desk.world.create(priority=P4)
        stage.run("desk")
        stage.lose_state("it was deleted")
        desk.world.page_size = 2  # of which a pass reads the histories
        stage.run("desk")
        alike(stage, desk)
        for _ in range(2 * COUNT):
            self.fill_in(stage, desk, [])
        assert stage.journal.open_site("desk", fingerprint=desk.rules.fingerprint).recall.is_over
        assert len(self.heard(stage)) == 1

    @pytest.mark.parametrize("edited", [False, True])
    def test_it_is_told_once_though_who_speaks_is_erased(self, stage: Stage, desk: Desk, *, edited: bool) -> None:
        ids = self.strangers(stage, desk)
        self.fill_in(stage, desk, ids)
        desk.world.update(ids[0], AGENT, status=Status.CLOSED)
        self.fill_in(stage, desk, [])
        stage.journal.erase("desk", ticket=ids[0])
        assert not stage.journal.records().events(site="desk", ticket=ids[0])
        assert stage.journal.records().verify_chain() is None
        if edited:
            self.edit(stage, "category", "impact")
        self.fill_in(stage, desk, alike(stage, desk, 3))
        self.fill_in(stage, desk, ids[1:], OUTAGE)
        self.fill_in(stage, desk, ids[1:])
        assert len(self.heard(stage)) == 1

    def edit(self, stage: Stage, *names: str) -> None:
        policy = stage.policies.policy
        stage.policies.policy = replace(policy, storm=replace(policy.storm, alike=names), hash=" ".join(names))

    def test_it_is_told_once_though_an_edit_is_decided_in_two_chunks(self, stage: Stage, desk: Desk) -> None:
        """Half of its tickets look otherwise already when the other half is decided; two edits one after the other."""
        desk.world.page_size = 2 * CHUNK
        others = [desk.world.create(facts={}, priority=P4).id for _ in range(CHUNK - COUNT // 2)]
        ids = self.strangers(stage, desk)
        self.fill_in(stage, desk, ids)
        assert len(self.heard(stage)) == 1
        desk.world.update(ids[0], AGENT, status=Status.SOLVED)
        self.fill_in(stage, desk, [])
        for names in (("category", "impact"), ("impact",)):
            self.edit(stage, *names)
            self.fill_in(stage, desk, others, {"category": "-".join(names)})  # what has changed is decided first
        assert len(self.heard(stage)) == 1
