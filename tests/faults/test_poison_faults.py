"""A ticket on whose data our own code fails: it costs itself alone, and only for as long as it is as it is.

The whole engine on a site in memory; what was written is read from the site. What fails is a part that is handed in and
works for every ticket but one, since nobody knows the next ticket that we cannot cope with.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.bootstrap.asides import quarantined, to_settle
from connector.domain.change import Change, Notice, Write
from connector.domain.inputs import Computed, compute
from connector.domain.policy import Policy, SlaSource
from connector.domain.ticket import Priority, Text, Ticket
from connector.domain.words import word_lists
from connector.engine.kit import Surroundings
from connector.engine.passes import PassOutcome, PassResult, run_pass
from connector.errors import Unknown
from connector.helpdesks.memory import AGENT
from connector.ports import AlarmKind, AsideKind, Lookup, OpStatus, Receipt
from tests.engine.stage import DOCUMENT, MINUTE, MONDAY, POLICY, Desk, Stage, Witness, planned, told
from tests.faults.test_case_faults import DEGRADED, everything_is_p1, quiet
from tests.helpdesks.stopped_clock import StoppedClock

P1, P2, P3, P4 = Priority
OUTAGE = {"impact": "site", "urgency": "blocked"}
POISON = {**OUTAGE, "poison": True}


class Trap:
    """A compiled policy that fails on one ticket; it counts how often it was asked about that one."""

    def __init__(self, policy: Policy, *, digest: str = "") -> None:
        self.policy = replace(policy, hash=digest or policy.hash)
        self.tried = 0
        self.armed = True
        self.policy.memo["computer"] = self._compute

    def _compute(self, facts: Mapping[str, Any]) -> Computed:
        if self.armed and facts.get("poison"):
            self.tried += 1
            raise ZeroDivisionError("a secret of the ticket")
        return compute(POLICY, facts)


@pytest.fixture
def trap(stage: Stage) -> Trap:
    made = Trap(POLICY)
    stage.policies.policy = made.policy
    return made


def opened(desk: Desk, facts: Mapping[str, Any] = OUTAGE) -> str:
    return desk.world.create(facts=facts, priority=P3).id


def next_pass(stage: Stage, around: Surroundings | None = None, *, minutes: int = 1) -> PassResult:
    stage.clock.move(minutes * MINUTE)
    desk = stage.desks["desk"]
    return run_pass(desk.site, around or stage.around, kind="sync")


def strikes(stage: Stage) -> list[str]:
    return [i.value for i in stage.journal.aside("desk") if i.kind is AsideKind.QUARANTINE]


def findings(stage: Stage) -> list[str]:
    return [a.message for a in stage.ears.alarms if a.kind is AlarmKind.FINDING]


@pytest.fixture
def edited(stage: Stage, desk: Desk) -> tuple[str, Trap]:
    """A held edit of the policy, and a ticket on which the policy before it fails."""
    earlier = Trap(POLICY)
    stage.journal.remember_policy(POLICY, DOCUMENT, now=stage.clock.now())
    poison = opened(desk, {**DEGRADED, "poison": True})
    quiet(stage, desk, 13)
    stage.policies.kept = lambda *_, **__: earlier.policy  # type: ignore[method-assign]
    stage.policies.policy = everything_is_p1(POLICY)
    next_pass(stage)
    assert stage.journal.records().held_edit("desk", stage.policies.policy.hash)
    desk.world.update(poison, AGENT, labels=frozenset({"x"}))
    for _ in range(4):
        next_pass(stage)
    assert (earlier.tried, len(strikes(stage))) == (3, 3)
    return poison, earlier


class TestWhileAnEditIsHeld:
    def test_fault_74_a_change_of_the_ticket_tries_it_again(
        self, stage: Stage, desk: Desk, edited: tuple[str, Trap]
    ) -> None:
        """It was quarantined under the policy before, and becomes an outage: it is raised."""
        poison, earlier = edited
        earlier.armed = False
        desk.world.update(poison, AGENT, facts=OUTAGE)
        next_pass(stage)
        assert desk.live(poison).priority is P1

    def test_fault_74_the_policy_that_never_failed_on_it_takes_it(
        self, stage: Stage, desk: Desk, edited: tuple[str, Trap]
    ) -> None:
        """The edit is let through: what failed under the policy before says nothing about this one."""
        poison, _ = edited
        stage.journal.resume("desk", allow=100, now=stage.clock.now(), actor="anna")
        next_pass(stage)
        assert desk.live(poison).priority is P1


class TestDeciding:
    @pytest.mark.usefixtures("trap")
    def test_fault_74_a_ticket_that_breaks_a_decision_costs_itself_alone(self, stage: Stage, desk: Desk) -> None:
        """One of three tickets makes deciding fail: the two others are raised at once and climb in time."""
        first, poison, last = opened(desk), opened(desk, POISON), opened(desk)
        result = next_pass(stage)
        assert result.outcome is PassOutcome.PARTIAL
        assert (f"desk:{poison}", "everything") in {(left.key, left.item.what) for left in planned(result).left}
        assert [desk.live(id_).priority for id_ in (first, poison, last)] == [P1, P3, P1]
        for _ in range(4):
            next_pass(stage, minutes=10)
        assert (desk.live(first).level, desk.live(last).level) == (2, 2)
        assert desk.live(poison).level is None

    @pytest.mark.usefixtures("trap")
    def test_fault_74_what_is_released_while_a_pass_runs_is_counted_anew(self, stage: Stage, desk: Desk) -> None:
        """Its third failure comes in the pass during which somebody wants it tried again: that is the first one now."""
        poison = opened(desk, POISON)
        next_pass(stage)
        next_pass(stage)
        assert strikes(stage) == ["1", "2"]
        read = desk.reader.changes

        def changes(*given: Any, **more: Any) -> Any:
            yield from read(*given, **more)
            stage.journal.release(desk.live(poison).ref, now=stage.clock.now(), actor="op")

        desk.reader.changes = changes  # type: ignore[method-assign]
        next_pass(stage)
        assert strikes(stage) == ["1"]
        assert findings(stage) == []

    def test_fault_74_after_three_times_it_is_left_alone_and_everybody_knows(
        self, stage: Stage, desk: Desk, trap: Trap
    ) -> None:
        """Three failures are tried out; then there is one alarm, no further attempt, and a line for people."""
        poison = opened(desk, POISON)
        for _ in range(3):
            assert findings(stage) == []
            assert next_pass(stage).outcome is PassOutcome.PARTIAL
        for _ in range(3):
            assert next_pass(stage).outcome is PassOutcome.OK
        assert trap.tried == 3
        (finding,) = findings(stage)
        assert f"desk:{poison} is quarantined: deciding fails: ZeroDivisionError" in finding
        items = stage.journal.records().aside(site="desk")
        assert quarantined(items) == {poison}
        (line,) = to_settle("desk", items, lambda _, id_: id_, now=stage.clock.now())
        assert (line["kind"], line["ticket"]) == ("quarantined", poison)
        assert "secret" not in str((stage.ears.alarms, stage.ears.events, stage.rows()))

    @pytest.mark.usefixtures("trap")
    def test_fault_74_a_change_of_the_ticket_tries_it_again(self, stage: Stage, desk: Desk) -> None:
        """Somebody mends the ticket: it is decided like any other, and what failed is forgotten."""
        poison = opened(desk, POISON)
        for _ in range(4):
            next_pass(stage)
        desk.world.update(poison, facts=OUTAGE)
        next_pass(stage)
        assert desk.live(poison).priority is P1
        assert strikes(stage) == []

    def test_fault_74_a_change_that_mends_nothing_is_tried_once(self, stage: Stage, desk: Desk, trap: Trap) -> None:
        """A comment on a quarantined ticket costs one more attempt, no second alarm, and no attempt after that."""
        poison = opened(desk, POISON)
        for _ in range(4):
            next_pass(stage)
        desk.world.comment(poison, "anything new?")
        for _ in range(3):
            next_pass(stage)
        assert trap.tried == 4
        assert len(findings(stage)) == 1

    @pytest.mark.usefixtures("trap")
    def test_fault_74_another_policy_tries_it_again(self, stage: Stage, desk: Desk) -> None:
        """The policy that failed on it is edited: every quarantined ticket is decided under the new one."""
        poison = opened(desk, POISON)
        for _ in range(4):
            next_pass(stage)
        stage.policies.policy = replace(POLICY, hash="mended" * 10 + "beef")
        next_pass(stage)
        assert desk.live(poison).priority is P1

    def test_fault_74_a_person_has_it_tried_again(self, stage: Stage, desk: Desk, trap: Trap) -> None:
        """``release`` tries it at once: still broken, it has three attempts more; mended, it goes on."""
        poison = opened(desk, POISON)
        for _ in range(4):
            next_pass(stage)
        stage.journal.release(desk.live(poison).ref, now=stage.clock.now(), actor="anna")
        next_pass(stage)
        assert (trap.tried, strikes(stage)) == (4, ["1"])
        trap.armed = False
        next_pass(stage)
        assert desk.live(poison).priority is P1
        assert strikes(stage) == []

    def test_fault_74_a_policy_edit_is_weighed_without_it(self, stage: Stage, desk: Desk, trap: Trap) -> None:
        """Twelve tickets and a poisonous one are weighed under an edited policy: the edit is held, the pass goes on."""
        trap.armed = False
        for _ in range(12):
            desk.world.create(facts={"impact": "team", "urgency": "degraded"}, priority=P3)
        opened(desk, POISON)
        for _ in range(3):
            next_pass(stage)
        matrix = POLICY.priority.matrix
        assert matrix is not None
        cells = tuple(tuple(P1 for _ in row) for row in matrix.cells)
        rules = replace(POLICY.priority, matrix=replace(matrix, cells=cells))
        edited = replace(POLICY, hash="edited" * 10 + "beef", priority=rules)
        compute(edited, {})
        whole = edited.memo["computer"]

        def compute_but_one(facts: Mapping[str, Any]) -> Computed:
            return compute(edited, facts) if not facts.get("poison") else 1 / 0  # type: ignore[return-value]

        broken = replace(edited)
        broken.memo["computer"] = compute_but_one
        assert edited.memo["computer"] is whole
        stage.policies.policy = broken
        result = next_pass(stage)
        assert result.outcome is PassOutcome.HELD
        (held,) = planned(result).held
        assert "12 priority" in held.what


class Choking:
    """A renderer that has no words for one ticket."""

    def __init__(self, real: Any, key: str) -> None:
        self._real = real
        self._key = key

    def render(self, notice: Notice) -> str:
        if self._key in str(notice.values):
            raise RecursionError
        return str(self._real.render(notice))


def test_fault_74_a_note_that_cannot_be_put_into_words_costs_its_ticket_alone(stage: Stage, desk: Desk) -> None:
    """Nothing of that ticket is written half: neither the level whose note fails, nor a verdict that forgets it."""
    others, poison = [opened(desk) for _ in range(3)], opened(desk)
    next_pass(stage)
    key = desk.live(poison).key
    around = dataclasses.replace(stage.around, renderer=Choking(stage.around.renderer, key))
    before = stage.stored("desk", poison).state
    next_pass(stage, around, minutes=16)
    assert [desk.live(id_).level for id_ in others] == [2, 2, 2]
    assert desk.live(poison).level == 1
    assert stage.stored("desk", poison).state == before
    next_pass(stage)
    assert desk.live(poison).level == 2
    said = [told(each.write) for each in desk.writer.sent if each.write.comment and each.write.ref.id == poison]
    assert len(said) == 1
    assert said[0].endswith("notes overdue")


class Breaking(Witness):
    """A writer that cannot make requests for one ticket."""

    poison = ""
    where = "digest"

    def split(self, change: Change) -> tuple[Write, ...]:
        if change.ref.id == self.poison and self.where == "split":
            raise KeyError(self.where)
        return super().split(change)

    def request_digest(self, write: Write, *, seen: Ticket) -> str:
        if write.ref.id == self.poison and self.where == "digest":
            raise UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates")
        return super().request_digest(write, seen=seen)


@pytest.mark.parametrize("where", ["split", "digest"])
@pytest.mark.parametrize("bulk_size", [0, 100])
def test_fault_74_a_request_that_cannot_be_made_costs_its_ticket_alone(
    empty_state: Path, bulk_size: int, where: str
) -> None:
    """Single or in bulk: the others are written. After three times it is left until the ticket changes."""
    clock = StoppedClock(MONDAY)
    desk = Desk("desk", clock)
    writer = desk.writer = Breaking(desk.world, bulk_size=bulk_size)
    stage = Stage(empty_state, desk, clock=clock)
    before, poison, after = ([opened(desk) for _ in range(count)] for count in (3, 1, 3))
    writer.poison, writer.where = poison[0], where
    for _ in range(3):
        next_pass(stage)
    assert {desk.live(id_).priority for id_ in (*before, *after)} == {P1}
    assert desk.live(poison[0]).priority is P3
    assert next_pass(stage).outcome is PassOutcome.OK
    assert [m for m in findings(stage) if "quarantined: writing fails" in m] == findings(stage)
    assert len(findings(stage)) == 1
    writer.poison = ""
    next_pass(stage)
    assert desk.live(poison[0]).priority is P3, "nothing has changed that would tell us"
    desk.world.comment(poison[0], "another word")
    next_pass(stage)
    assert desk.live(poison[0]).priority is P1
    assert strikes(stage) == []
    stage.close()


class TestLooking:
    """A write without an answer on a ticket whose comments make our look-up fail."""

    @pytest.fixture
    def unanswered(self, stage: Stage, desk: Desk) -> str:
        """Return a ticket whose first note got no answer."""
        send = desk.writer.real.send

        def lost(write: Write, *, seen: Ticket) -> Receipt:
            receipt = send(write, seen=seen)
            if write.comment is None:
                return receipt
            raise Unknown("no answer")

        id_ = opened(desk)
        next_pass(stage)
        desk.writer.real.send = lost  # type: ignore[method-assign]
        next_pass(stage, minutes=16)
        desk.writer.real.send = send  # type: ignore[method-assign]
        assert len(stage.ops("desk", OpStatus.SENDING)) == 1
        return id_

    def test_fault_74_a_write_that_cannot_be_looked_for_is_parked_after_three_times(
        self, stage: Stage, desk: Desk, unanswered: str
    ) -> None:
        """Looking fails on it every time: other tickets are served meanwhile, then a person is asked."""
        look = desk.reader.look_up

        def failing(write: Write, *, since: Any, probe: bool = False) -> Lookup:
            if write.ref.id == unanswered:
                raise IndexError
            return look(write, since=since, probe=probe)

        desk.reader.look_up = failing  # type: ignore[method-assign]
        other = opened(desk)
        outcomes = [next_pass(stage, minutes=3).outcome for _ in range(4)]
        assert outcomes == [PassOutcome.PARTIAL] * 3 + [PassOutcome.OK]
        assert desk.live(other).priority is P1
        (parked,) = stage.ops("desk", OpStatus.PARKED)
        assert "cannot be looked for: IndexError" in parked.why
        assert [a.kind for a in stage.ears.alarms] == [AlarmKind.PARK]
        assert len([c for c in desk.world.comments if c.key]) == len({c.key for c in desk.world.comments if c.key})

    @pytest.mark.usefixtures("unanswered")
    def test_fault_74_one_bad_look_is_not_the_end(self, stage: Stage, desk: Desk) -> None:
        """The look-up fails twice and then works: the note is found, nothing is parked, nothing said twice."""
        look, left = desk.reader.look_up, [1, 2]

        def failing(write: Write, *, since: Any, probe: bool = False) -> Lookup:
            if left:
                left.pop()
                raise IndexError
            return look(write, since=since, probe=probe)

        desk.reader.look_up = failing  # type: ignore[method-assign]
        for _ in range(3):
            next_pass(stage)
        assert (stage.ops("desk", OpStatus.PARKED), stage.ops("desk", OpStatus.SENDING)) == ((), ())
        assert len([c for c in desk.world.comments if c.key]) == 1


@pytest.mark.parametrize("versions", [True, False], ids=["versions are told", "ids alone are told"])
@pytest.mark.parametrize("own_clocks", [True, False], ids=["ids are compared", "all is compared"])
def test_fault_74_a_ticket_that_cannot_be_taken_in_costs_itself_alone(
    stage: Stage, desk: Desk, *, versions: bool, own_clocks: bool
) -> None:
    """Reading the words of one ticket fails: the page's other tickets and its cursor are stored, it is shown to people.

    The next sweep reads it again, so that a program that has learned to read it needs no change of the ticket.
    """
    sound = replace(POLICY, sla=replace(POLICY.sla, source=SlaSource.OWN if own_clocks else SlaSource.HELPDESK))
    policy, desk.world.tells_versions = replace(sound), versions
    desk.rules = replace(desk.rules, may_stop_native_first_response=own_clocks)
    (key, *_) = [words.key for words in word_lists(policy)]

    def choke(text: str) -> bool:
        return bool(1 / 0) if "poison" in text else False

    policy.memo["words"] = {key: choke}
    stage.policies.policy = policy
    poison = desk.world.create(facts={}, priority=P3, text=Text(subject="slow", first_message="")).id
    next_pass(stage)
    desk.world.update(poison, facts=OUTAGE, text=Text(subject="poison", first_message=""))
    other = opened(desk)
    assert next_pass(stage).outcome is PassOutcome.PARTIAL
    assert desk.live(other).priority is P1
    (line,) = stage.journal.records().quarantined(site="desk")
    assert (line.ticket, line.data["why"]) == (poison, "taking it in fails: ZeroDivisionError")
    assert next_pass(stage).outcome is PassOutcome.OK, "the cursor is beyond it"
    stage.policies.policy = sound
    stage.clock.move(timedelta(hours=6))
    next_pass(stage)
    assert desk.live(poison).priority is P1
    assert stage.journal.records().quarantined(site="desk") == ()
