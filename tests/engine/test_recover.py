"""One look at what is open: what a look is asked, what follows from what it shows, and who hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from connector.domain.change import Write
from connector.domain.occasion import Outcome
from connector.domain.site import Effect
from connector.domain.ticket import Status, TicketRef
from connector.engine.aside import CONFIRM_AFTER
from connector.engine.next_step import APART, QUARANTINE
from connector.engine.quarantine import LOOKING
from connector.engine.recover import COPIES_TO_ALARM, LOOK_BACK, WATCH_FOR, Ready, Recovered, recover
from connector.errors import Malformed, Rejected, Throttled
from connector.helpdesks.memory import AGENT, Fault
from connector.journal.outcomes import WATCH_FROM
from connector.journal.tables import op as op_table
from connector.journal.tables import ticket as ticket_table
from connector.ports import Alarm, AlarmKind, AsideKind, Guard, Lookup, Op, OpStatus, Page, Presence
from tests.engine.stage import MINUTE, SECOND, Desk, Stage
from tests.engine.test_passes import opened
from tests.engine.test_resend import SPOKEN, lose_a_note
from tests.helpdesks.stopped_clock import StoppedClock

NOTE = QUARANTINE[Effect.NOTES]
ABSENT = Lookup(presence=Presence.ABSENT)
FOUND = Lookup(presence=Presence.FOUND, remote_id="c1", version="v9")
UNPROVABLE = Lookup(presence=Presence.UNPROVABLE)


@pytest.fixture
def desk(clock: StoppedClock) -> Desk:
    """A desk whose helpdesk compares nothing."""
    made = Desk("desk", clock)
    made.world.compares = False
    return made


@pytest.fixture
def note(stage: Stage, desk: Desk, clock: StoppedClock) -> Op:
    """The intent of a note whose answer never came; a second has gone by."""
    lose_a_note(stage, desk)
    clock.move(SECOND)
    return the_only(stage)


@pytest.fixture
def fields(stage: Stage, desk: Desk, clock: StoppedClock) -> Op:
    """The intent of fields whose answer never came."""
    opened(desk, labels=SPOKEN)
    desk.world.write_faults.append(Fault.LOST_REQUEST)
    stage.run("desk")
    clock.move(SECOND)
    op = the_only(stage)
    assert op.write.comment is None
    return op


def the_only(stage: Stage) -> Op:
    (op,) = stage.journal.sending("desk")
    return op


def as_stored(stage: Stage, op: Op) -> Op:
    """Return the row as it is now, whatever became of it."""
    (found,) = [each for each in stage.ops("desk") if each.id == op.id]
    return found  # type: ignore[no-any-return]


def stored_with(stage: Stage, op: Op, **values: Any) -> Op:
    """Put values into a row, as an earlier life of the program left them."""
    stage.journal._run(lambda c: c.execute(update(op_table).where(op_table.c.id == op.id).values(**values)))
    return as_stored(stage, op)


def look(stage: Stage, desk: Desk, *, every: bool = True, paused: bool = False) -> Recovered:
    return recover(desk.reading, None if paused else desk.writer, stage.around, every=every)


def shows(desk: Desk, found: Lookup | Exception) -> list[tuple[str, datetime]]:
    """Let every look show this; return the list of looks, which fills up."""
    asked: list[tuple[str, datetime]] = []

    def look_up(write: Write, *, since: datetime, probe: bool = False) -> Lookup:
        asked.append((write.key, since))
        if isinstance(found, Exception):
            raise found
        return found

    desk.reader.look_up = look_up  # type: ignore[method-assign]
    return asked


def read(desk: Desk) -> list[tuple[str, ...]]:
    """Return the list of tickets that are read by name, which fills up."""
    asked: list[tuple[str, ...]] = []
    get = desk.reader.get

    def noted(ids: Sequence[str]) -> Page:
        asked.append(tuple(ids))
        return get(ids)

    desk.reader.get = noted  # type: ignore[method-assign]
    return asked


def retracts(desk: Desk, *answers: bool | Exception) -> list[str]:
    """Let taking back end like this, one after another; return the list of what is taken back, which fills up."""
    done: list[str] = []

    def retract(ref: TicketRef, comment: str) -> bool:
        answer = answers[len(done)]
        done.append(f"{ref}/{comment}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    desk.writer.real.retract = retract  # type: ignore[method-assign]
    return done


def alarm(stage: Stage, kind: AlarmKind, message: str, remedy: str) -> Alarm:
    return Alarm(kind=kind, site="desk", ticket="desk:1", message=message, remedy=remedy, at=stage.clock.now())


def parked(stage: Stage, op: Op, why: str) -> Alarm:
    message = f"a write on desk:1 is parked: {why}; it is not sent again by itself"
    return alarm(stage, AlarmKind.PARK, message, f"look at the ticket, then: connector parked done {op.write.key[:12]}")


class TestWhichAreLookedFor:
    def test_a_look_begins_a_little_before_the_sending(self, stage: Stage, desk: Desk, note: Op) -> None:
        asked = shows(desk, ABSENT)
        look(stage, desk)
        assert asked == [(note.write.key, note.sent_at - LOOK_BACK)]

    @pytest.mark.parametrize(
        ("early", "every", "looks"),
        [(0, False, 1), (1, False, 0), (1, True, 1), (None, False, 1)],
        ids=["just due", "not yet due", "all of them", "at any time"],
    )
    def test_only_those_whose_moment_has_come_unless_all_are_wanted(
        self, stage: Stage, desk: Desk, note: Op, early: int | None, every: bool, looks: int
    ) -> None:
        at = None if early is None else stage.clock.now() + SECOND * early
        stage.journal.look_again(note, at=at, absent_at=None)
        asked = shows(desk, ABSENT)
        look(stage, desk, every=every)
        assert len(asked) == looks

    def test_by_itself_it_looks_for_all_of_them(self, stage: Stage, desk: Desk, note: Op) -> None:
        stage.journal.look_again(note, at=stage.clock.now() + SECOND, absent_at=None)
        asked = shows(desk, ABSENT)
        recover(desk.reading, desk.writer, stage.around)
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("found", "done"),
    [
        (FOUND, Recovered(found=3)),
        (ABSENT, Recovered(waiting=3)),
        (UNPROVABLE, Recovered(parked=3)),
        (replace(ABSENT, guard=Guard.MOVED), Recovered(failed=3)),
        (IndexError(), Recovered(stumbled=3)),
    ],
    ids=["found", "waiting", "parked", "failed", "stumbled"],
)
def test_each_of_them_is_counted(
    stage: Stage, desk: Desk, clock: StoppedClock, found: Lookup | Exception, done: Recovered
) -> None:
    for _ in range(3):
        lose_a_note(stage, desk)
    clock.move(SECOND)
    shows(desk, found)
    assert look(stage, desk) == done


def test_each_ticket_that_is_not_shown_is_waited_for(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    ids = [lose_a_note(stage, desk) for _ in range(3)]
    clock.move(SECOND)
    for id_ in ids:
        desk.world.delete(id_)
    assert look(stage, desk) == Recovered(waiting=3)


class TestFound:
    def test_it_is_settled_with_what_was_found(self, stage: Stage, desk: Desk, note: Op) -> None:
        assert stage.journal.without_history("desk", limit=9) == ()
        shows(desk, FOUND)
        assert look(stage, desk) == Recovered(found=1)
        op = as_stored(stage, note)
        assert (op.status, op.remote_id, op.settled_at) == (OpStatus.DONE, "c1", stage.clock.now())
        row = stage.stored("desk", "1").said[str(note.write.comment.notice.occasion), Effect.NOTES]  # type: ignore[union-attr]
        assert (row.outcome, row.at) == (Outcome.DONE, stage.clock.now())
        (heard,) = stage.ears.heard("write_found")
        assert heard == {"site": "desk", "ticket": "desk:1", "write": note.write}
        assert stage.journal.without_history("desk", limit=9) == ("1",), "nobody was told which event is ours"
        assert stage.ears.alarms == []

    def test_fields_that_were_found_are_the_tickets_new_version(self, stage: Stage, desk: Desk, fields: Op) -> None:
        desk.world.delete("1")  # so that reading it again tells nothing newer
        shows(desk, FOUND)
        assert look(stage, desk) == Recovered(found=1)
        assert stage.journal.previous("desk", ["1"])["1"].own_version == "v9"
        assert {row.at for row in stage.stored("desk", "1").applied.values()} == {stage.clock.now()}
        assert as_stored(stage, fields).status is OpStatus.DONE

    def test_its_ticket_is_read_again_and_no_other(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        lose_a_note(stage, desk)
        other = lose_a_note(stage, desk)
        clock.move(SECOND)
        desk.world.update("1", AGENT, labels=SPOKEN | {"seen"})
        asked, key = read(desk), stage.journal.sending("desk")[0].write.key
        truth = desk.reader.look_up
        desk.reader.look_up = lambda write, *, since, probe=False: (  # type: ignore[method-assign]  # noqa: ARG005
            FOUND if write.key == key else truth(write, since=since)
        )
        assert look(stage, desk) == Recovered(found=1, waiting=1)
        assert asked == [("1",)]
        assert "seen" in stage.stored("desk", "1").ticket.labels
        assert [op.write.ref.id for op in stage.journal.sending("desk")] == [other]

    def test_where_nothing_was_found_nothing_is_read_again(self, stage: Stage, desk: Desk, note: Op) -> None:
        asked = read(desk)
        look(stage, desk)
        assert asked == []
        assert as_stored(stage, note).status is OpStatus.SENDING

    @pytest.mark.usefixtures("note")
    def test_one_look_in_vain_for_its_ticket_is_no_proof_that_it_is_gone(self, stage: Stage, desk: Desk) -> None:
        desk.world.delete("1")
        shows(desk, FOUND)
        look(stage, desk)
        assert stage.stored("desk", "1").ticket.status is not Status.GONE


class TestNotFound:
    @pytest.mark.parametrize("found", [ABSENT, UNPROVABLE], ids=["absent", "unprovable"])
    @pytest.mark.parametrize("gone", [False, True])
    def test_fields_are_planned_again(self, stage: Stage, desk: Desk, fields: Op, found: Lookup, gone: bool) -> None:
        if gone:
            desk.world.delete("1")
        shows(desk, found)
        assert look(stage, desk) == Recovered(failed=1)
        op = as_stored(stage, fields)
        assert (op.status, op.why) == (OpStatus.FAILED, "looked for and not found; planned again")
        assert (op.settled_at, stage.ears.alarms) == (stage.clock.now(), [])

    @pytest.mark.parametrize("skew", [-7 * MINUTE, timedelta(0), 7 * MINUTE], ids=["behind", "in step", "ahead"])
    def test_it_waits_by_the_helpdesks_clock_and_wakes_by_ours(
        self, stage: Stage, desk: Desk, note: Op, skew: timedelta
    ) -> None:
        now = stage.clock.now()
        sent_at = stored_with(stage, note, sent_at=op_table.c.sent_at + int(skew.total_seconds()) * 10**6).sent_at
        assert sent_at == note.sent_at + skew
        shows(desk, replace(ABSENT, at=now + skew))
        assert look(stage, desk) == Recovered(waiting=1)
        assert the_only(stage).look_at == now + NOTE - SECOND
        stage.clock.move(NOTE)
        shows(desk, replace(ABSENT, at=stage.clock.now() + skew))
        assert look(stage, desk) == Recovered(waiting=1)
        op = the_only(stage)
        assert (op.look_at, op.absent_at) == (stage.clock.now() + APART, stage.clock.now() + skew)
        assert stage.ears.alarms == []

    def test_a_helpdesk_without_a_clock_is_judged_by_ours(self, stage: Stage, desk: Desk, note: Op) -> None:
        shows(desk, ABSENT)
        assert look(stage, desk) == Recovered(waiting=1)
        assert as_stored(stage, note).look_at == note.sent_at + NOTE

    def test_what_cannot_be_told_is_a_persons(self, stage: Stage, desk: Desk, note: Op) -> None:
        shows(desk, UNPROVABLE)
        assert look(stage, desk) == Recovered(parked=1)
        op, why = as_stored(stage, note), "the outcome is unknown and the helpdesk does not show enough to tell"
        assert (op.status, op.why, op.settled_at) == (OpStatus.PARKED, why, stage.clock.now())
        assert stage.ears.alarms == [parked(stage, note, why)]
        (heard,) = stage.ears.heard("write_parked")
        assert heard == {"site": "desk", "ticket": "desk:1", "write": note.write, "why": why}


class TestSentAgain:
    def stands(self, stage: Stage, desk: Desk) -> Lookup:
        """The helpdesk compares, and the ticket is as it was seen."""
        found = replace(ABSENT, guard=Guard.STANDS, ticket=desk.live("1"), at=stage.clock.now())
        shows(desk, found)
        return found

    @pytest.mark.parametrize("early", [SECOND, timedelta(0)], ids=["under way", "dead"])
    def test_it_is_handed_on_with_what_was_seen(self, stage: Stage, desk: Desk, note: Op, early: timedelta) -> None:
        stage.clock.move(note.sent_at + NOTE + APART - early - stage.clock.now())
        found = self.stands(stage, desk)
        ready = Ready(
            op=note,
            why="it is not there, and the ticket is as it was seen",
            ticket=found.ticket,
            dead=not early,
        )
        assert look(stage, desk) == Recovered(ready={"1": ready})
        assert (the_only(stage), stage.ears.alarms) == (replace(note, look_at=None), [])

    @pytest.mark.parametrize(("late", "left"), [(None, False), (-1, True), (0, False), (1, False)])
    def test_a_wait_that_is_over_is_struck_out(
        self, stage: Stage, desk: Desk, note: Op, late: int | None, left: bool
    ) -> None:
        """With the next pass it is looked for again; what is left of a wait stays."""
        stage.clock.move(NOTE + APART)
        now = stage.clock.now()
        at = None if late is None else now - SECOND * late
        stage.journal.look_again(note, at=at, absent_at=now - APART)
        shows(desk, replace(ABSENT, at=now))
        assert list(look(stage, desk).ready) == ["1"]
        op = the_only(stage)
        assert (op.look_at, op.absent_at) == (now + SECOND if left else None, now - APART)

    @pytest.mark.parametrize("resent", [COPIES_TO_ALARM - 1, COPIES_TO_ALARM, COPIES_TO_ALARM + 1])
    def test_after_so_many_copies_somebody_is_called_once(
        self, stage: Stage, desk: Desk, note: Op, resent: int
    ) -> None:
        stored_with(stage, note, resent=resent)
        stage.clock.move(MINUTE * 10)
        self.stands(stage, desk)
        look(stage, desk)
        called = alarm(
            stage, AlarmKind.FINDING, "a write on desk:1 had no clear answer 6 times", "connector log --ticket desk:1"
        )
        assert stage.ears.alarms == [called] * (resent == COPIES_TO_ALARM)


class TestTicketsThatAreNotShown:
    @pytest.mark.usefixtures("note")
    def test_the_second_look_is_waited_for(self, stage: Stage, desk: Desk) -> None:
        now = stage.clock.now()
        stage.journal.look_again(the_only(stage), at=None, absent_at=now - SECOND)
        desk.world.delete("1")
        assert look(stage, desk) == Recovered(waiting=1)
        op = the_only(stage)
        assert (op.look_at, op.absent_at) == (now + CONFIRM_AFTER, now - SECOND)
        (item,) = stage.journal.aside("desk")
        assert (item.kind, item.ticket, item.since) == (AsideKind.TICKET, "1", now)

    @pytest.mark.parametrize("known", [True, False], ids=["gone", "forgotten"])
    def test_on_one_that_is_gone_nothing_is_said_any_more(
        self, stage: Stage, desk: Desk, note: Op, known: bool
    ) -> None:
        desk.world.delete("1")
        if known:
            page = replace(desk.reader.get(["1"]), gone=("1",))
            stage.journal.store_page("desk", [], page=page, now=stage.clock.now())
        else:
            stage.journal._run(lambda c: c.execute(delete(ticket_table)))
        assert look(stage, desk) == Recovered()
        op = as_stored(stage, note)
        assert (op.status, op.why, op.settled_at) == (OpStatus.FAILED, "the ticket is gone", stage.clock.now())
        assert (stage.journal.aside("desk"), stage.ears.alarms) == ((), [])

    @pytest.mark.usefixtures("note")
    def test_one_that_is_shown_is_parked_and_not_waited_for(self, stage: Stage, desk: Desk) -> None:
        asked = read(desk)
        shows(desk, UNPROVABLE)
        assert look(stage, desk) == Recovered(parked=1)
        assert asked == [("1",)]

    @pytest.mark.usefixtures("note")
    def test_nobody_asks_whether_it_is_gone_where_the_look_told_enough(self, stage: Stage, desk: Desk) -> None:
        asked = read(desk)
        desk.world.delete("1")
        shows(desk, ABSENT)
        assert look(stage, desk) == Recovered(waiting=1)
        assert asked == []


class TestLooksThatFail:
    def strikes(self, stage: Stage) -> list[tuple[str, str, str]]:
        items = [item for item in stage.journal.aside("desk") if item.kind is AsideKind.QUARANTINE]
        return [(item.ticket, item.field, item.value) for item in items]

    @pytest.mark.parametrize(
        ("error", "told"), [(IndexError("a ticket's text"), "IndexError"), (Malformed("odd"), "Malformed: odd")]
    )
    def test_the_third_time_it_is_a_persons(
        self, stage: Stage, desk: Desk, note: Op, error: Exception, told: str
    ) -> None:
        shows(desk, error)
        for n in ("1", "2"):
            assert look(stage, desk) == Recovered(stumbled=1)
            assert self.strikes(stage)[-1] == ("1", LOOKING, n)
            assert stage.ears.alarms == []
        assert look(stage, desk) == Recovered(stumbled=1, parked=1)
        why = f"it cannot be looked for: {told}"
        assert stage.ears.alarms == [parked(stage, note, why)]
        assert as_stored(stage, note).why == why
        assert self.strikes(stage) == [], "whatever is open on it later has three tries of its own"
        assert [heard["times"] for heard in stage.ears.heard("ticket_failed")] == ["1", "2", "3"]
        assert {(heard["site"], heard["ticket"]) for heard in stage.ears.heard("ticket_failed")} == {("desk", "1")}

    def test_the_others_are_looked_for_all_the_same(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        for _ in range(3):
            lose_a_note(stage, desk)
        clock.move(SECOND)
        broken = [op.write.key for op in stage.journal.sending("desk")][:2]

        def look_up(write: Write, *, since: datetime, probe: bool = False) -> Lookup:
            if write.key in broken:
                raise IndexError
            return FOUND

        desk.reader.look_up = look_up  # type: ignore[method-assign]
        assert look(stage, desk) == Recovered(stumbled=2, found=1)
        assert [ticket for ticket, _, _ in self.strikes(stage)] == ["1", "2"]

    @pytest.mark.usefixtures("note")
    def test_what_concerns_more_than_the_ticket_ends_the_look(self, stage: Stage, desk: Desk) -> None:
        shows(desk, Throttled("429", retry_after=None))
        with pytest.raises(Throttled):
            look(stage, desk)
        assert (self.strikes(stage), len(stage.journal.sending("desk"))) == ([], 1)


@pytest.fixture
def twice(stage: Stage, desk: Desk, note: Op) -> Op:
    """A note that was sent twice and found; now is the first time that somebody looks for another copy."""
    stored_with(stage, note, resent=1)
    shows(desk, FOUND)
    look(stage, desk)
    stage.clock.move(WATCH_FROM)
    return as_stored(stage, note)


class TestWatching:
    @pytest.mark.parametrize("age", [WATCH_FROM, WATCH_FOR - SECOND, WATCH_FOR, WATCH_FOR + SECOND])
    def test_it_is_watched_for_a_day_each_time_after_twice_the_time(
        self, stage: Stage, desk: Desk, twice: Op, age: timedelta
    ) -> None:
        assert twice.settled_at is not None
        stage.clock.move(age - WATCH_FROM)
        asked = shows(desk, FOUND)
        assert look(stage, desk) == Recovered()
        assert asked == [(twice.write.key, twice.sent_at - WATCH_FOR)]
        op, again = as_stored(stage, twice), twice.settled_at + age * 2
        assert (op.look_at, op.absent_at) == (again if age < WATCH_FOR else None, None)
        assert (op.status, stage.ears.alarms) == (OpStatus.DONE, [])

    def test_before_its_moment_nobody_looks(self, stage: Stage, desk: Desk, twice: Op) -> None:
        stage.journal.look_again(twice, at=stage.clock.now() + SECOND, absent_at=None)
        asked = shows(desk, FOUND)
        look(stage, desk)
        assert asked == []

    def test_another_copy_is_taken_back(self, stage: Stage, desk: Desk, twice: Op) -> None:
        done = retracts(desk, True)
        shows(desk, replace(FOUND, copies=("c2",)))
        look(stage, desk)
        assert done == ["desk:1/c2"]
        assert [told.kind for told in stage.ears.alarms] == [AlarmKind.SELF_REPORT]
        assert as_stored(stage, twice).look_at is not None

    @pytest.mark.parametrize(
        ("error", "told"), [(IndexError("a ticket's text"), "IndexError"), (Malformed("odd"), "Malformed: odd")]
    )
    def test_a_look_that_fails_ends_the_watch(
        self, stage: Stage, desk: Desk, twice: Op, error: Exception, told: str
    ) -> None:
        stage.journal.look_again(twice, at=stage.clock.now(), absent_at=stage.clock.now())
        shows(desk, error)
        assert look(stage, desk) == Recovered(stumbled=1)
        (heard,) = stage.ears.heard("watch_given_up")
        where = str(heard.pop("where"))
        assert heard == {"site": "desk", "ticket": "desk:1", "write": twice.write, "why": told}
        assert where.endswith(" look_up")
        op = as_stored(stage, twice)
        assert (op.status, op.look_at, op.absent_at) == (OpStatus.DONE, None, None)
        assert stage.ears.alarms == []

    @pytest.mark.usefixtures("twice")
    def test_one_watch_that_fails_ends_no_other(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        lose_a_note(stage, desk)
        clock.move(SECOND)
        stored_with(stage, the_only(stage), resent=1)
        shows(desk, FOUND)
        look(stage, desk)
        clock.move(WATCH_FOR)
        asked = shows(desk, IndexError())
        assert look(stage, desk) == Recovered(stumbled=2)
        assert len(asked) == 2


class TestCopies:
    REMEDY = "look at the ticket; our fault, please report it"

    @pytest.mark.usefixtures("note")
    @pytest.mark.parametrize(
        ("copies", "answers", "told"),
        [
            (("c2",), (True,), "2 times from us; the newer one is taken back"),
            (("c2", "c3"), (True, True), "3 times from us; the newer ones are taken back"),
            (("c2", "c3"), (True, Rejected("no")), "3 times from us; the newer could NOT be taken back (Rejected)"),
            (("c2", "c3"), (Rejected("no"),), "3 times from us; the newer could NOT be taken back (Rejected)"),
        ],
    )
    def test_who_hears_of_them_and_what(
        self, stage: Stage, desk: Desk, copies: tuple[str, ...], answers: tuple[bool | Exception, ...], told: str
    ) -> None:
        done = retracts(desk, *answers)
        shows(desk, replace(FOUND, copies=copies))
        assert look(stage, desk) == Recovered(found=1)
        assert done == [f"desk:1/{copy}" for copy in copies[: len(answers)]]
        message = f"desk:1 got the same comment {told}"
        assert stage.ears.alarms == [alarm(stage, AlarmKind.SELF_REPORT, message, self.REMEDY)]

    @pytest.mark.usefixtures("note")
    def test_while_writes_are_paused_they_stay_and_are_told(self, stage: Stage, desk: Desk) -> None:
        done = retracts(desk, True)
        shows(desk, replace(FOUND, copies=("c2",)))
        look(stage, desk, paused=True)
        message = "desk:1 got the same comment 2 times from us; the newer could NOT be taken back (Denied)"
        assert (done, stage.ears.alarms) == ([], [alarm(stage, AlarmKind.SELF_REPORT, message, self.REMEDY)])


class TestNotesInTheOpen:
    def frozen(self, stage: Stage, became: str) -> Alarm:
        why = f"an internal note on desk:1 could be read by customers; {became}"
        assert dict(stage.journal.records().sites()[0].frozen) == {Effect.NOTES: why}
        remedy = "look at the ticket and at the comment settings, then: connector resume desk"
        return alarm(stage, AlarmKind.FREEZE, why, remedy)

    @pytest.mark.parametrize("exposed", [("c1",), ("c1", "c2")])
    def test_what_could_be_hidden_counts_as_said(
        self, stage: Stage, desk: Desk, note: Op, exposed: tuple[str, ...]
    ) -> None:
        done = retracts(desk, True, True)
        shows(desk, replace(FOUND, exposed=exposed))
        assert look(stage, desk) == Recovered(found=1)
        assert done == [f"desk:1/{comment}" for comment in exposed]
        assert stage.ears.alarms == [self.frozen(stage, "it was made private")]
        assert as_stored(stage, note).status is OpStatus.DONE

    @pytest.mark.parametrize("answers", [(False, False), (True, False), (False, True)])
    def test_what_had_to_be_removed_is_planned_again(
        self, stage: Stage, desk: Desk, note: Op, answers: tuple[bool, bool]
    ) -> None:
        done = retracts(desk, *answers)
        shows(desk, replace(FOUND, exposed=("c1", "c2")))
        assert look(stage, desk) == Recovered(failed=1)
        assert len(done) == 2
        assert stage.ears.alarms == [self.frozen(stage, "it was removed")]
        op = as_stored(stage, note)
        assert (op.status, op.why) == (OpStatus.FAILED, "it came out public and was removed; planned again")

    @pytest.mark.parametrize("paused", [False, True])
    def test_what_stays_in_the_open_is_a_persons(self, stage: Stage, desk: Desk, note: Op, paused: bool) -> None:
        retracts(desk, Rejected("no"))
        shows(desk, replace(FOUND, exposed=("c1",)))
        assert look(stage, desk, paused=paused) == Recovered(parked=1)
        why = "an internal note of ours can be read by customers"
        kind = "Denied" if paused else "Rejected"
        could_not = self.frozen(stage, f"it could NOT be hidden ({kind})")
        assert stage.ears.alarms == [could_not, parked(stage, note, why)]
        assert (as_stored(stage, note).status, as_stored(stage, note).why) == (OpStatus.PARKED, why)
