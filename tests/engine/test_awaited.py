"""What waits for its history is left alone until that comes: the outcome is as if it were decided in every pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.site import Effect
from connector.domain.ticket import Status, TicketRef
from connector.helpdesks.memory import AGENT, CUSTOMER, MemoryReader
from connector.ports import OpStatus, TicketHistory
from tests.engine.stage import MINUTE, MONDAY, SECOND, Desk, Stage, told
from tests.engine.test_passes import DEGRADED, OUTAGE, P1, P2, P3, P4, opened
from tests.helpdesks.stopped_clock import StoppedClock

PLAIN = {"impact": "user", "urgency": "inconvenient"}
COUNT = 4

moves = st.sampled_from([SECOND, 20 * SECOND, 5 * MINUTE, 10 * MINUTE, 16 * MINUTE, 45 * MINUTE])
tickets = st.integers(0, COUNT - 1)
deeds = st.one_of(
    st.tuples(st.just("read"), st.integers(1, 3)),
    st.tuples(st.just("given up"), tickets),
    st.tuples(st.just("touched"), tickets),
    st.tuples(st.just("chosen"), tickets),
    st.tuples(st.just("comment"), tickets),
    st.tuples(st.just("command"), tickets),
    st.tuples(st.just("answer"), tickets),
    st.tuples(st.just("release"), tickets),
    st.tuples(st.sampled_from(["pause", "resume", "freeze", "shadow", "live", "nothing"]), st.just(0)),
)


class Office:
    """One site on which a story is played."""

    def __init__(self, template: Path) -> None:
        self.clock = StoppedClock(MONDAY)
        self.desk = Desk("desk", self.clock)
        self.stage = Stage(template, self.desk, clock=self.clock)
        self.stage.run("desk")
        self.desk.world.histories_left = 0
        wanted = ((OUTAGE, P4), (DEGRADED, P2), (PLAIN, P1), (OUTAGE, P3))
        self.ids = [opened(self.desk, facts=facts, priority=priority)[0] for facts, priority in wanted]
        self.clock.move(20 * SECOND)
        for id_ in self.ids[:3]:
            self.desk.world.update(id_, AGENT, status=Status.OPEN)
        for _ in range(2):  # what was written comes back
            self.stage.run("desk")
            self.clock.move(SECOND)

    def does(self, what: str, which: int) -> None:
        """Do one deed of a story: ``which`` is a ticket's place, or of ``read`` how many histories may be read."""
        if what == "read":
            self.desk.world.histories_left = which
        elif what in {"pause", "resume", "freeze"}:
            self.operates(what)
        elif what in {"shadow", "live"}:
            self.desk.allow(*(Effect if what == "live" else ()))
        elif what in {"given up", "release"}:
            self.lets_go(what, TicketRef("desk", self.ids[which]))
        elif what != "nothing":
            self.acts(what, self.ids[which])

    def operates(self, what: str) -> None:
        journal, now = self.stage.journal, self.clock.now()
        if what == "pause":
            journal.pause("desk", "a test", now=now, actor="op")
        elif what == "resume":
            journal.resume("desk", allow=0, now=now, actor="op")
        else:
            journal.freeze("desk", Effect.FIELDS, "a test", now=now)

    def lets_go(self, what: str, ref: TicketRef) -> None:
        journal, now = self.stage.journal, self.clock.now()
        if what == "release":
            journal.release(ref, now=now, actor="op")
            return
        for _ in range(3):
            journal.skip_history(
                "desk", [TicketHistory(ref=ref, events=(), read_until=now, unreadable="hidden")], now=now
            )

    def acts(self, what: str, id_: str) -> None:
        world = self.desk.world
        if what in {"touched", "chosen"}:
            world.update(id_, AGENT, **({"status": Status.OPEN} if what == "touched" else {"priority": P3}))
        elif what == "answer":
            world.comment(id_, "any news?", CUSTOMER, public=True)
        else:
            world.comment(id_, "looking" if what == "comment" else "/esc hold 4h", AGENT, public=False)

    def outcome(self) -> dict[str, Any]:
        """Return what was written and told, when, and how all stands."""
        return {
            "sent": [(each.at, told(each.write)) for each in self.desk.writer.sent],
            "texts": [str(each) for each in self.desk.world.comments],
            "alarms": self.alarms(),
            "live": [self.desk.live(id_) for id_ in self.ids],
            "said": [self.stage.stored("desk", id_).said for id_ in self.ids],
            "state": [self.stage.stored("desk", id_).state for id_ in self.ids],
            "wanted": self.stage.wanted("desk"),
            "open": self.stage.ops("desk", OpStatus.SENDING),
        }

    def alarms(self) -> dict[str, Any]:
        """Return when people were first told of what; whoever takes alarms in tells repeated ones apart."""
        found: dict[str, Any] = {}
        for alarm in self.stage.ears.alarms:
            found.setdefault(alarm.message, alarm.at)
        return found


@settings(max_examples=max(6, settings().max_examples // 5), deadline=None)
@given(story=st.lists(st.tuples(deeds, moves), min_size=3, max_size=9))
def test_the_outcome_is_as_if_what_waits_were_decided_in_every_pass(empty_state: Path, story: list[Any]) -> None:
    found = []
    for anyway in (False, True):
        office = Office(empty_state)
        try:
            for (what, which), move in story:
                office.does(what, which)
                for length in (SECOND, move):
                    if anyway:
                        office.stage.waiting_are_due("desk")
                    office.stage.run("desk")
                    office.clock.move(length)
            found.append(office.outcome())
        finally:
            office.stage.close()
    assert found[0] == found[1]


@pytest.mark.parametrize("how", ["read", "given up"])
def test_it_is_decided_in_the_pass_in_which_its_history_comes_in_or_is_given_up(empty_state: Path, how: str) -> None:
    office = Office(empty_state)
    try:
        assert office.stage.run("desk").summary.decided == 0
        office.does(how, 1 if how == "read" else 0)
        assert office.stage.run("desk").summary.decided >= 1
        assert office.desk.live(office.ids[0]).priority is P1
    finally:
        office.stage.close()


@pytest.mark.parametrize("deed", ["pause", "freeze", "shadow", "release"])
def test_it_is_decided_when_its_site_may_write_otherwise_than_before(empty_state: Path, deed: str) -> None:
    office = Office(empty_state)
    try:
        assert office.stage.run("desk").summary.decided == 0
        waiting = len(office.stage.journal.awaited("desk", limit=10))
        office.does(deed, 0)
        decided = office.stage.run("desk").summary.decided
        assert decided == (1 if deed == "release" else waiting)
        assert waiting
    finally:
        office.stage.close()


class Refilling(MemoryReader):
    """A helpdesk whose share for histories is used up as a pass decides, and there again when it comes to read."""

    asked = 0

    def history_allowance(self) -> int:
        self.asked += 1
        return super().history_allowance() if self.asked > 2 else 0


def test_a_pass_decides_nothing_twice_although_its_history_can_be_read_after_all(empty_state: Path) -> None:
    office = Office(empty_state)
    try:
        waiting = [each.id for each in office.stage.journal.awaited("desk", limit=10)]
        office.desk.reader = reader = Refilling(office.desk.world)
        office.desk.world.histories_left = COUNT
        for id_ in office.ids:
            office.desk.world.update(id_, AGENT, status=Status.OPEN)
        assert office.stage.run("desk").summary.decided == COUNT
        assert waiting
        assert reader.asked > 2
        assert office.stage.run("desk").summary.decided >= len(waiting), "what has come in is decided by the next pass"
    finally:
        office.stage.close()


def test_what_is_urgent_and_waits_to_be_read_back_is_read_before_what_is_not(empty_state: Path) -> None:
    clock = StoppedClock(MONDAY)
    desk = Desk("desk", clock)
    stage = Stage(empty_state, desk, clock=clock)
    try:
        (urgent,) = opened(desk, facts=OUTAGE, priority=P4)
        stage.run("desk")
        desk.world.update(urgent, AGENT, status=Status.SOLVED)
        stage.run("desk")
        stage.lose_state("a test")
        for _ in range(3):
            clock.move(SECOND)
            stage.run("desk")
        desk.world.histories_left = 0
        (mild,) = opened(desk, facts=PLAIN, priority=P1)
        clock.move(20 * SECOND)
        desk.world.update(mild, AGENT, status=Status.OPEN)
        desk.world.update(urgent, AGENT, status=Status.OPEN)
        for _ in range(3):
            stage.run("desk")
            clock.move(SECOND)
        assert stage.run("desk").summary.decided == 0, "neither is decided again before it is read"
        desk.world.histories_left = 1
        stage.run("desk")
        read = [id_ for id_ in (urgent, mild) if stage.stored("desk", id_).history.complete]
        assert read == [urgent]
    finally:
        stage.close()
