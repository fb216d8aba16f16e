"""Comments of unknown outcome in whole passes: what goes on beside them, what speaks in their place, who is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import product

import pytest

from connector.domain.change import Write
from connector.domain.occasion import Outcome
from connector.domain.site import Effect
from connector.domain.ticket import Priority, Status, TicketRef
from connector.engine.next_step import APART, QUARANTINE
from connector.engine.passes import PassOutcome
from connector.engine.resend import LONG_WAIT, TOO_OLD
from connector.errors import Denied, Mute, Rejected
from connector.helpdesks.memory import AGENT, Fault
from connector.ports import AlarmKind, AsideKind, Lookup, Op, OpStatus, Presence, Receipt, SetAside
from tests.engine.stage import MINUTE, POLICY, SECOND, Desk, Stage
from tests.engine.test_passes import at_rest, opened
from tests.helpdesks.stopped_clock import StoppedClock
from tests.quick import some

SPOKEN = frozenset({"security"})
NOTE = QUARANTINE[Effect.NOTES]


@pytest.fixture
def desk(clock: StoppedClock) -> Desk:
    """A desk whose helpdesk compares nothing."""
    made = Desk("desk", clock)
    made.world.compares = False
    return made


def with_fields(desk: Desk) -> list[Fault | None]:
    """Return what befalls the writes before a ticket's first comment: nothing befalls its fields."""
    return [] if desk.world.compares else [None]


def lose_a_note(stage: Stage, desk: Desk) -> str:
    """Lose the note of a new ticket; where nothing compares its fields are a write of their own, and get there."""
    (id_,) = opened(desk, labels=SPOKEN)
    desk.world.write_faults.extend([*with_fields(desk), Fault.LOST_REQUEST])
    stage.run("desk")
    return id_


def said(desk: Desk) -> list[int]:
    return list(desk.world.keys_posted().values())


def test_the_escalation_never_waits_for_its_comment(stage: Stage, desk: Desk) -> None:
    id_ = lose_a_note(stage, desk)
    stage.clock.move(SECOND * 10)
    stage.run("desk")
    assert (desk.live(id_).priority, desk.live(id_).level, said(desk)) == (Priority.P1, 1, [])


def test_another_tickets_note_never_waits_for_it(stage: Stage, desk: Desk) -> None:
    lose_a_note(stage, desk)
    (other,) = opened(desk, labels=SPOKEN)
    stage.clock.move(SECOND * 10)
    stage.run("desk")
    assert [c.ticket for c in desk.world.comments if c.key] == [other]


def test_it_is_sent_once_more_after_two_looks_in_vain(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    lose_a_note(stage, desk)
    for wait in (NOTE - SECOND, SECOND, APART - SECOND):
        clock.move(wait)
        stage.run("desk")
        assert said(desk) == []
    clock.move(SECOND)
    stage.run("desk")
    assert said(desk) == [1]
    assert stage.journal.sending("desk") == ()


def test_the_journal_wakes_for_each_look(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    lose_a_note(stage, desk)
    for _ in range(6):
        wake = stage.journal.next_due("desk", after=clock.now())
        assert wake is not None
        clock.move(wake - clock.now())
        stage.run("desk", fetch=False)
        if said(desk):
            break
    assert said(desk) == [1]


def test_swallowed_twice_it_is_parked_and_somebody_is_called(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    id_ = lose_a_note(stage, desk)
    for _ in range(6):
        clock.move(APART)
        if any(op.write.comment for op in stage.journal.sending("desk")):
            desk.world.write_faults.extend([Fault.LOST_REQUEST])
        stage.run("desk")
        desk.world.write_faults.clear()
    (parked,) = stage.ops("desk", OpStatus.PARKED)
    assert parked.write.comment.body
    assert [alarm.kind for alarm in stage.ears.alarms] == [AlarmKind.PARK]
    row = stage.stored("desk", id_).said[str(parked.write.comment.notice.occasion), Effect.NOTES]
    assert row.outcome is Outcome.PARKED


@pytest.mark.parametrize("ordered", [False, True])
def test_a_deleted_ticket_is_told_nothing_and_nobody_is_called(
    stage: Stage, desk: Desk, clock: StoppedClock, ordered: bool
) -> None:
    id_ = lose_a_note(stage, desk)
    if ordered:
        (op,) = stage.journal.sending("desk")
        stage.journal.fail(op, OpStatus.PARKED, "who knows", now=clock.now())
        (parked,) = stage.ops("desk", OpStatus.PARKED)
        stage.journal.order_resend(parked, now=clock.now(), actor="op")
    desk.world.delete(id_)
    for _ in range(4):
        clock.move(APART)
        stage.run("desk")
    (op,) = [op for op in stage.ops("desk") if op.write.comment]
    assert (op.status, op.why) == (OpStatus.FAILED, "the ticket is gone")
    assert stage.ears.alarms == []
    assert op.write.comment.body == ""


def test_a_ticket_that_was_hidden_for_a_moment_gets_its_note(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    id_ = lose_a_note(stage, desk)
    hidden = desk.world.rows.pop(id_)
    clock.move(SECOND * 10)
    stage.run("desk")
    desk.world.rows[id_] = hidden
    for _ in range(5):
        clock.move(APART)
        stage.run("desk")
    assert said(desk) == [1]
    assert stage.ears.alarms == []


@pytest.mark.parametrize("status", [Status.SOLVED, Status.CLOSED])
def test_a_finished_ticket_is_told_nothing(stage: Stage, desk: Desk, clock: StoppedClock, status: Status) -> None:
    id_ = lose_a_note(stage, desk)
    clock.move(SECOND)
    desk.world.update(id_, AGENT, status=status)
    for _ in range(4):
        clock.move(APART)
        stage.run("desk")
    assert said(desk) == []
    assert stage.journal.sending("desk") == ()


def test_after_an_outage_only_the_latest_stage_speaks(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    id_ = lose_a_note(stage, desk)
    (first,) = stage.journal.sending("desk")
    clock.move(MINUTE * 11)  # the second level is due by now
    for _ in range(4):
        clock.move(APART)
        stage.run("desk")
    assert desk.live(id_).level == 2
    assert first.write.key not in desk.world.keys_posted()
    outcome = stage.stored("desk", id_).said[str(first.write.comment.notice.occasion), Effect.NOTES].outcome
    assert outcome is Outcome.SUPERSEDED
    assert set(said(desk)) == {1}


def test_a_pause_stops_the_second_copy_as_well(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    lose_a_note(stage, desk)
    stage.journal.pause("desk", "an audit", now=clock.now(), actor="op")
    for _ in range(4):
        clock.move(APART)
        stage.run("desk")
    assert said(desk) == []
    stage.journal.resume("desk", allow=0, now=clock.now(), actor="op")
    at_rest(stage)
    assert said(desk) == [1]


def test_the_second_copy_that_is_throttled_leaves_everything_as_it_was(
    stage: Stage, desk: Desk, clock: StoppedClock
) -> None:
    lose_a_note(stage, desk)
    clock.move(NOTE)
    stage.run("desk")
    (before,) = stage.journal.sending("desk")
    clock.move(APART)
    desk.world.write_faults.append(Fault.THROTTLED)
    stage.run("desk")
    (after,) = stage.journal.sending("desk")
    assert (after.sent_at, after.resent, after.absent_at) == (before.sent_at, 0, before.absent_at)
    stage.run("desk")
    assert said(desk) == [1]


def test_a_copy_that_lands_too_late_is_taken_back_and_reported(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    desk.world.lateness = MINUTE * 8
    opened(desk, labels=SPOKEN)
    desk.world.write_faults.extend([*with_fields(desk), Fault.LATE])
    stage.run("desk")
    for _ in range(14):
        clock.move(APART)
        stage.run("desk")
    assert set(said(desk)) == {1}
    assert AlarmKind.SELF_REPORT in {alarm.kind for alarm in stage.ears.alarms}


def test_a_watch_that_fails_is_given_up_and_costs_nobody_anything(
    stage: Stage, desk: Desk, clock: StoppedClock
) -> None:
    lose_a_note(stage, desk)
    for wait in (NOTE, APART):
        clock.move(wait)
        stage.run("desk")
    assert said(desk) == [1]
    looked: list[str] = []

    def failing(write: Write, *, since: datetime, probe: bool = False) -> Lookup:
        looked.append(write.key)
        raise IndexError(since)

    desk.reader.look_up = failing  # type: ignore[method-assign]
    outcomes = []
    for _ in range(4):
        clock.move(MINUTE * 20)
        outcomes.append(stage.run("desk").outcome)
    assert len(looked) == 1
    assert [o for o in outcomes if o is PassOutcome.PARTIAL] == [PassOutcome.PARTIAL]
    assert len(stage.ears.heard("watch_given_up")) == 1


def test_a_look_before_its_time_is_not_made(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    lose_a_note(stage, desk)
    clock.move(SECOND)
    stage.run("desk")
    asked = desk.world.requests.total()
    clock.move(SECOND)
    stage.run("desk", fetch=False)
    assert desk.world.requests.total() == asked


def test_a_second_copy_that_lacks_a_permission_freezes_its_scope_alone(
    stage: Stage, desk: Desk, clock: StoppedClock
) -> None:
    lose_a_note(stage, desk)
    clock.move(NOTE)
    stage.run("desk")
    clock.move(APART)

    def refuse(write: Write) -> None:
        if write.comment is not None:
            raise Denied("403", about="permission", remedy="give it")

    desk.writer.before_send = refuse
    stage.run("desk")
    assert stage.journal.records().sites()[0].frozen == {}
    assert [item.kind for item in stage.journal.aside("desk")] == [AsideKind.SCOPE]
    assert [alarm.kind for alarm in stage.ears.alarms] == [AlarmKind.FREEZE]
    desk.writer.before_send = lambda _: None
    stage.run("desk")
    assert said(desk) == []
    stage.journal.resume("desk", allow=0, now=clock.now(), actor="op")
    stage.run("desk")
    assert said(desk) == [1]


def test_a_second_copy_that_nobody_it_is_for_reads_is_the_last(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    """It was applied: to keep the row open would leave one more of them with every resume."""
    lose_a_note(stage, desk)
    clock.move(NOTE)
    stage.run("desk")
    clock.move(APART)
    tries: list[str] = []

    def muted(write: Write) -> None:
        if write.comment is not None:
            tries.append(write.key)
            raise Mute("it came out private")

    desk.writer.before_send = muted
    for _ in range(3):
        stage.run("desk")
        stage.journal.resume("desk", allow=0, now=clock.now(), actor="op")
        clock.move(APART)
    assert [op.write.key for op in stage.journal.records().ops(status=OpStatus.PARKED)] == tries
    assert len(tries) == 1


class TestWhatMustNotStandThere:
    """A look for a write finds more of ours than should be there."""

    def looked(self, stage: Stage, desk: Desk, found: Lookup) -> list[str]:
        """Lose a note, let the next look find something, and return the alarms."""
        lose_a_note(stage, desk)
        desk.reader.look_up = lambda write, *, since, probe=False: found  # type: ignore[method-assign]  # noqa: ARG005
        stage.clock.move(MINUTE)
        stage.run("desk")
        return [f"{alarm.kind}: {alarm.message}" for alarm in stage.ears.alarms]

    def retracts(self, desk: Desk, answer: bool | Exception) -> list[str]:
        done: list[str] = []

        def retract(ref: TicketRef, comment: str) -> bool:
            done.append(f"{ref.id}/{comment}")
            if isinstance(answer, Exception):
                raise answer
            return answer

        desk.writer.real.retract = retract  # type: ignore[method-assign]
        return done

    @pytest.mark.parametrize(
        ("copies", "answer", "became"),
        [
            (("c2",), True, "2 times from us; the newer one is taken back"),
            (("c2", "c3"), True, "3 times from us; the newer ones are taken back"),
            (("c2",), Rejected("no"), "2 times from us; the newer could NOT be taken back (Rejected)"),
        ],
    )
    def test_copies_are_taken_back_and_reported(
        self, stage: Stage, desk: Desk, copies: tuple[str, ...], answer: bool | Exception, became: str
    ) -> None:
        done = self.retracts(desk, answer)
        (told,) = self.looked(stage, desk, Lookup(presence=Presence.FOUND, remote_id="c1", copies=copies))
        assert told == f"self-report: desk:1 got the same comment {became}"
        assert done == [f"1/{copy}" for copy in copies]

    def test_while_writes_are_paused_nothing_is_taken_back(self, stage: Stage, desk: Desk) -> None:
        done = self.retracts(desk, answer=True)
        lose_a_note(stage, desk)
        found = Lookup(presence=Presence.FOUND, remote_id="c1", copies=("c2",))
        desk.reader.look_up = lambda write, *, since, probe=False: found  # type: ignore[method-assign]  # noqa: ARG005
        stage.clock.move(MINUTE)
        stage.run("desk", may_write=lambda: False)
        assert done == []
        assert "could NOT be taken back (Denied)" in stage.ears.alarms[-1].message

    @pytest.mark.parametrize(
        ("answer", "became", "status"),
        [
            (True, "it was made private", OpStatus.DONE),
            (False, "it was removed", OpStatus.FAILED),
            (Rejected("no"), "it could NOT be hidden (Rejected)", OpStatus.PARKED),
        ],
    )
    def test_a_note_that_customers_can_read_freezes_the_notes(
        self, stage: Stage, desk: Desk, answer: bool | Exception, became: str, status: OpStatus
    ) -> None:
        self.retracts(desk, answer)
        told = self.looked(stage, desk, Lookup(presence=Presence.FOUND, remote_id="c1", exposed=("c1",)))
        assert told[0] == f"freeze: an internal note on desk:1 could be read by customers; {became}"
        assert Effect.NOTES in stage.journal.records().sites()[0].frozen
        assert status in {op.status for op in stage.ops("desk") if op.write.comment}


def test_copies_without_an_answer_call_somebody_in_the_end(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    desk.world.compares = True
    lose_a_note(stage, desk)
    for _ in range(9):
        desk.world.write_faults.clear()
        desk.world.write_faults.extend([Fault.LOST_REQUEST] * 2)
        clock.move(MINUTE)
        stage.run("desk")
    told = [alarm.message for alarm in stage.ears.alarms if alarm.kind is AlarmKind.FINDING]
    assert told == ["a write on desk:1 had no clear answer 6 times"]


def test_what_a_person_held_for_longer_than_a_copy_may_wait_is_still_owed(
    stage: Stage, desk: Desk, clock: StoppedClock
) -> None:
    id_ = lose_a_note(stage, desk)
    clock.move(SECOND)  # the fields got there: what is done within the same second looks older to us
    desk.world.update(id_, AGENT, labels=SPOKEN | {"esc-hold"})
    for wait in (NOTE, APART, TOO_OLD):
        clock.move(wait)
        stage.run("desk")
    assert stage.journal.sending("desk") == ()
    (stored,) = stage.journal.load("desk", [id_], now=clock.now())
    assert Outcome.SUPERSEDED not in {row.outcome for row in stored.said.values()}
    desk.world.update(id_, AGENT, labels=SPOKEN)
    clock.move(MINUTE)
    stage.run("desk")
    assert said(desk) == [1]


PUBLIC = replace(
    POLICY,
    hash="public" * 10,
    cadence={p: replace(POLICY.cadence[Priority.P1], public=True) for p in (Priority.P1, Priority.P2)},
    quiet=replace(POLICY.quiet, notes_per_day=24),  # what a day allows is not what these stories are about
)


HOWS = ("frozen", "switched off", "not in the policy any more")


class TestTwoAudiences:
    """An open comment to customers and what colleagues are to hear beside it."""

    def lose_an_update(self, stage: Stage, desk: Desk) -> str:
        """Let a ticket climb until its first public update, which is lost on its way; return the ticket."""
        stage.policies.policy = PUBLIC
        desk.rules = replace(desk.rules, may_stop_native_first_response=True)
        (id_,) = opened(desk)
        for _ in range(40):
            if any(op.write.comment and op.write.comment.public for op in stage.journal.sending("desk")):
                return id_
            wants = stage.wanted("desk").get(id_, [])
            desk.world.write_faults.extend([Fault.LOST_REQUEST] * any(want.startswith("public") for want in wants))
            stage.run("desk")
            desk.world.write_faults.clear()
            stage.clock.move(MINUTE * 2)
        raise AssertionError

    def work(self, stage: Stage, *, minutes: int) -> None:
        for _ in range(minutes // 2):
            stage.clock.move(MINUTE * 2)
            stage.run("desk")

    def heard(self, desk: Desk, *, public: bool) -> list[str]:
        return [posted.body for posted in desk.world.comments if posted.key and posted.public is public]

    @pytest.mark.parametrize(
        ("how", "compares"),
        some(product(HOWS, (False, True)), [*zip(HOWS, (False, True, False), strict=True)]),
    )
    def test_what_is_not_wanted_now_keeps_nobody_else_from_hearing(
        self, stage: Stage, desk: Desk, how: str, compares: bool
    ) -> None:
        desk.world.compares = compares
        id_ = self.lose_an_update(stage, desk)
        before = len(self.heard(desk, public=False))
        if how == "frozen":
            stage.journal.freeze("desk", Effect.PUBLIC, "over its budget", now=stage.clock.now())
        elif how == "switched off":
            desk.allow(Effect.FIELDS, Effect.NOTES, Effect.ASSIGN)
        else:
            stage.policies.policy = replace(POLICY, hash="edited" * 10)
        self.work(stage, minutes=58)
        assert desk.live(id_).level == 4
        assert any("level 4" in body for body in self.heard(desk, public=False)[before:])
        assert self.heard(desk, public=True) == []

    def test_it_is_said_after_all_once_it_may_be(self, stage: Stage, desk: Desk) -> None:
        id_ = self.lose_an_update(stage, desk)
        stage.journal.freeze("desk", Effect.PUBLIC, "over its budget", now=stage.clock.now())
        self.work(stage, minutes=58)
        (put_off,) = [op for op in stage.ops("desk", OpStatus.FAILED) if op.write.ref.id == id_]
        assert put_off.resent == 1  # whatever is said of it later is watched for another copy
        stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="op")
        self.work(stage, minutes=70)  # two updates fit into it; the one that was put off is none of them twice
        assert len(self.heard(desk, public=True)) in {1, 2}
        assert set(desk.world.keys_posted().values()) == {1}

    def test_it_gives_way_no_earlier_than_its_last_copy_is_dead(self, stage: Stage, desk: Desk) -> None:
        desk.world.compares = True
        self.lose_an_update(stage, desk)
        (op,) = stage.journal.sending("desk")
        stage.journal.freeze("desk", Effect.PUBLIC, "over its budget", now=stage.clock.now())
        dead = op.sent_at + QUARANTINE[Effect.PUBLIC] + APART
        for _ in range(400):
            stage.clock.move(SECOND * 10 if stage.clock.now() < dead else MINUTE)
            stage.run("desk")
            if not stage.journal.sending("desk"):
                break
        assert stage.clock.now() >= dead

    def test_who_waits_for_long_is_told_of_once(self, stage: Stage, desk: Desk) -> None:
        """Passes that are far apart: the first look comes when something else is long due."""
        id_ = self.lose_an_update(stage, desk)
        stage.clock.move(MINUTE * 51)
        for _ in range(3):
            stage.run("desk")
        assert stage.ears.heard("write_waits")
        told = [alarm.message for alarm in stage.ears.alarms if alarm.kind is AlarmKind.FINDING]
        assert told == [f"a comment on desk:{id_} waits: what became of an earlier one is still not known"]

    def test_a_short_wait_is_nobodys_business(self, stage: Stage, desk: Desk) -> None:
        self.lose_an_update(stage, desk)
        self.work(stage, minutes=58)
        assert QUARANTINE[Effect.PUBLIC] + APART < LONG_WAIT
        assert stage.ears.alarms == []


class TestOrders:
    """A person has looked at the ticket and orders a parked comment to be sent again."""

    def park_a_note(self, stage: Stage, desk: Desk) -> Op:
        """Lose a note and show nothing of it to any look, for good."""
        lose_a_note(stage, desk)
        nothing = Lookup(presence=Presence.UNPROVABLE, at=stage.clock.now())
        desk.reader.look_up = lambda write, *, since, probe=False: nothing  # type: ignore[method-assign]  # noqa: ARG005
        stage.clock.move(SECOND * 10)
        stage.run("desk")
        (parked,) = stage.ops("desk", OpStatus.PARKED)
        return parked  # type: ignore[no-any-return]

    def order(self, stage: Stage, parked: Op) -> None:
        stage.journal.order_resend(parked, now=stage.clock.now(), actor="op")

    @pytest.mark.parametrize("compares", [False, True])
    def test_what_we_cannot_see_is_sent_on_a_persons_word(self, stage: Stage, desk: Desk, compares: bool) -> None:
        desk.world.compares = compares
        self.order(stage, self.park_a_note(stage, desk))
        stage.clock.move(MINUTE)
        stage.run("desk")
        assert said(desk) == [1]
        assert stage.ops("desk", OpStatus.PARKED) == stage.journal.sending("desk") == ()

    def test_an_answer_that_is_lost_again_goes_back_to_the_person(self, stage: Stage, desk: Desk) -> None:
        self.order(stage, self.park_a_note(stage, desk))
        desk.world.write_faults.append(Fault.LOST_ANSWER)
        for _ in range(3):
            stage.clock.move(MINUTE)
            stage.run("desk")
        assert said(desk) == [1]
        assert len(stage.ops("desk", OpStatus.PARKED)) == 1

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda _, desk: desk.allow(Effect.FIELDS), "notes is not switched on for desk"),
            (
                lambda stage, _: stage.journal.freeze("desk", Effect.NOTES, "over it", now=stage.clock.now()),
                "notes is frozen on desk: over it",
            ),
            (
                lambda stage, _: stage.journal.set_aside(
                    "desk", [SetAside(kind=AsideKind.SCOPE, scope="", why="no permission", since=stage.clock.now())]
                ),
                " is frozen: no permission",
            ),
        ],
        ids=["off", "frozen", "scope"],
    )
    def test_an_order_goes_no_further_than_what_is_allowed(
        self, stage: Stage, desk: Desk, change: Callable[[Stage, Desk], None], why: str
    ) -> None:
        self.order(stage, self.park_a_note(stage, desk))
        change(stage, desk)
        alarms = len(stage.ears.alarms)
        for _ in range(2):
            stage.clock.move(MINUTE)
            stage.run("desk")
        assert said(desk) == []
        (parked,) = stage.ops("desk", OpStatus.PARKED)
        assert parked.why == f"ordered, and not sent: {why}"
        (alarm,) = stage.ears.alarms[alarms:]
        assert alarm.kind is AlarmKind.PARK
        assert why in alarm.message

    def test_an_order_waits_for_a_pause_to_end(self, stage: Stage, desk: Desk) -> None:
        parked = self.park_a_note(stage, desk)
        stage.journal.pause("desk", "an audit", now=stage.clock.now(), actor="op")
        self.order(stage, parked)
        stage.clock.move(MINUTE)
        stage.run("desk")
        assert said(desk) == []
        stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="op")
        stage.run("desk")
        assert said(desk) == [1]

    @pytest.mark.parametrize("by", ["done", "a look after an order"])
    def test_done_settles_what_was_said_and_nothing_else(self, stage: Stage, desk: Desk, by: str) -> None:
        """Its fields were planned anew when it was parked, and the ticket has climbed since."""
        desk.world.compares = True  # the fields travel with the comment
        parked = self.park_a_note(stage, desk)
        assert parked.write.fields
        for _ in range(4):
            stage.clock.move(MINUTE * 3)
            stage.run("desk")
        id_ = parked.write.ref.id
        before = stage.stored("desk", id_)
        assert before.ticket.level == desk.live(id_).level == 2
        now = stage.clock.now()
        receipt = Receipt(key=parked.write.key, remote_id="found by op", version="", at=now)
        if by != "done":
            self.order(stage, parked)
            (parked,) = stage.journal.sending("desk")
        stage.journal.settle(parked, receipt, now=now, actor="op")
        after = stage.stored("desk", id_)
        assert (after.ticket, after.applied) == (before.ticket, before.applied)
        about = str(parked.write.comment.notice.occasion), Effect.NOTES  # type: ignore[union-attr]
        assert after.said[about].outcome is Outcome.DONE
        assert stage.wanted("desk") == {}
