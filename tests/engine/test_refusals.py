"""Refusals that name nothing of ours: one bad part keeps nothing else back, and nothing is lost without a word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connector.bootstrap.asides import in_short, to_settle
from connector.domain.change import Field, Write
from connector.domain.site import Effect
from connector.domain.ticket import Status
from connector.errors import Rejected, Throttled
from connector.helpdesks.memory import AGENT, CUSTOMER, Fault
from connector.ports import AlarmKind, AsideKind
from tests.engine.stage import MINUTE, Desk, Killed, Stage
from tests.engine.test_passes import DEGRADED, OUTAGE, P1, P3, P4, at_rest, opened
from tests.helpdesks.stopped_clock import StoppedClock

ALL = set(Field)


def refuse(desk: Desk, which: Callable[[Write], bool], **more: object) -> None:
    """Let the helpdesk refuse some writes from now on; without ``fields`` it does not say for what."""

    def judge(write: Write) -> None:
        if which(write):
            raise Rejected("edit: rejected, status 422", **more)  # type: ignore[arg-type]

    desk.writer.before_send = judge


def holding(*fields: Field) -> Callable[[Write], bool]:
    return lambda write: any(change.field in fields for change in write.fields)


def accept(desk: Desk) -> None:
    desk.writer.before_send = lambda _: None


def attempts(desk: Desk, field: Field) -> int:
    return sum(1 for sent in desk.writer.sent if any(change.field is field for change in sent.write.fields))


def in_attention(stage: Stage) -> list[str]:
    items = stage.journal.aside("desk")
    return [row["what"] for row in to_settle("desk", items, lambda _, id_: id_, now=stage.clock.now())]


def passes(stage: Stage, count: int, every: timedelta = MINUTE) -> None:
    for _ in range(count):
        stage.clock.move(every)
        stage.run("desk")


class TestOneBadPart:
    @pytest.mark.parametrize("bad", [Field.LEVEL, Field.PATH, Field.GROUP])
    def test_the_priority_is_written_without_it(self, stage: Stage, desk: Desk, bad: Field) -> None:
        (id_,) = opened(desk)
        refuse(desk, holding(bad))
        stage.run("desk")
        assert desk.live(id_).priority is P1
        assert (desk.live(id_).group == "service-desk") == (bad is not Field.GROUP)
        assert any(str(bad) in line for line in in_attention(stage))

    @pytest.mark.parametrize("how", ["stop", "pause", "throttled"])
    def test_a_part_that_is_put_off_is_written_with_the_next_pass(self, stage: Stage, desk: Desk, how: str) -> None:
        (id_,) = opened(desk)
        sent = []

        def judge(write: Write) -> None:
            sent.append(write)
            if len(write.fields) > 1:
                raise Rejected("edit: rejected, status 422")
            if how == "pause":
                stage.journal.pause("desk", "why", now=stage.clock.now(), actor="op")
            if how == "throttled" and write.fields[0].field is not Field.PRIORITY:
                raise Throttled("slow down", retry_after=timedelta(seconds=5), scope="ticket")

        desk.writer.before_send = judge
        stage.run("desk", may_write=lambda: how != "stop" or len(sent) < 2)
        assert (desk.live(id_).priority, desk.live(id_).group) == (P1, None)
        accept(desk)
        stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="op")
        passes(stage, 1)
        assert desk.live(id_).group == "service-desk"

    def test_a_bad_comment_is_told_from_bad_fields(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        (id_,) = opened(desk)
        refuse(desk, lambda write: write.comment is not None)
        while not stage.journal.aside("desk"):
            clock.move(timedelta(minutes=5))
            stage.run("desk")
        assert {item.field for item in stage.journal.aside("desk")} == {"notes"}
        assert desk.live(id_).priority is P1

    def test_bad_fields_do_not_silence_the_comment(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        (id_,) = opened(desk)
        refuse(desk, holding(*ALL))
        for _ in range(40):
            clock.move(timedelta(minutes=5))
            stage.run("desk")
        assert {item.field for item in stage.journal.aside("desk")} >= {"priority"}
        assert [posted for posted in desk.world.comments if posted.ticket == id_]

    def test_a_job_that_is_refused_is_done_by_single_writes(
        self, set_up: Callable[..., Stage], clock: StoppedClock
    ) -> None:
        desk = Desk("desk", clock, bulk_size=10)
        stage = set_up(desk)
        ids = opened(desk, 6, facts=DEGRADED)
        desk.world.write_faults.append(Fault.REFUSED)
        stage.run("desk")
        assert {desk.live(id_).level for id_ in ids} == {1}
        assert stage.journal.aside("desk") == ()

    def test_one_ticket_of_a_job_is_tried_in_parts(self, set_up: Callable[..., Stage], clock: StoppedClock) -> None:
        desk = Desk("desk", clock, bulk_size=10)
        stage = set_up(desk)
        ids = opened(desk, 6, facts=DEGRADED)
        desk.world.merge(ids[0], ids[1])
        refuse(desk, holding(Field.GROUP))
        stage.run("desk", may_write=lambda: False)
        desk.world.delete(ids[2])  # a job tells of it without a word that says what
        stage.run("desk", fetch=False)
        assert {item.ticket for item in stage.journal.aside("desk")} == {ids[2]}
        assert {desk.live(id_).level for id_ in ids[3:]} == {1}


class TestNothingIsLost:
    def test_it_stands_in_attention_with_reason_and_remedy(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        refuse(desk, holding(Field.PRIORITY))
        stage.run("desk")
        items, now = stage.journal.aside("desk"), stage.clock.now()
        (row,) = to_settle("desk", items, lambda _, name: name, now=now)
        assert row["what"] == "priority P1 not accepted: refused: edit: rejected, status 422"
        assert row["command"].endswith(f"connector release desk:{id_}")
        assert in_short(items, now=now) == ("something refused on 1 tickets",)

    def test_a_p1_raises_one_alarm_and_another_raises_none(self, stage: Stage, desk: Desk) -> None:
        (urgent,) = opened(desk)
        opened(desk, facts={"impact": "team", "urgency": "degraded"}, priority=P4)
        refuse(desk, holding(Field.PRIORITY))
        passes(stage, 5)
        (alarm,) = [a for a in stage.ears.alarms if a.kind is AlarmKind.FINDING]
        assert (alarm.ticket, alarm.remedy) == (
            f"#{urgent}",
            f"mend what the reason says, then: connector release desk:{urgent}",
        )

    def test_nothing_is_sent_again_while_the_ticket_is_as_it_was(self, stage: Stage, desk: Desk) -> None:
        opened(desk)
        desk.allow(Effect.FIELDS)
        refuse(desk, holding(*ALL))
        stage.run("desk")
        before = attempts(desk, Field.PRIORITY)
        passes(stage, 30, timedelta(minutes=20))
        assert attempts(desk, Field.PRIORITY) == before

    def test_a_ticket_that_changes_is_tried_again_with_pauses(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        refuse(desk, holding(Field.PRIORITY))
        stage.run("desk")
        before = attempts(desk, Field.PRIORITY)
        for _ in range(24 * 3):
            desk.world.comment(id_, "and?", CUSTOMER)
            passes(stage, 1, timedelta(minutes=20))
        assert before + 20 <= attempts(desk, Field.PRIORITY) <= before + 30

    def test_what_was_mended_in_the_ticket_is_written_within_minutes(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        refuse(desk, holding(Field.PRIORITY))
        stage.run("desk")
        accept(desk)
        stage.clock.move(MINUTE)
        desk.world.update(id_, AGENT, labels=frozenset({"filled-in"}))
        stage.run("desk")
        assert desk.live(id_).priority is P3, "the pause is not over"
        due = stage.stored("desk", id_).next_due_at
        assert due == stage.clock.now() + 9 * MINUTE
        stage.clock.move(due - stage.clock.now())
        stage.run("desk", fetch=False)
        assert desk.live(id_).priority is P1
        at_rest(stage)
        assert stage.journal.aside("desk") == ()

    @pytest.mark.parametrize("way", ["release", "resume", "map"])
    def test_a_person_has_it_tried_at_once(self, stage: Stage, desk: Desk, way: str) -> None:
        (id_,) = opened(desk)
        refuse(desk, holding(Field.PRIORITY))
        stage.run("desk")
        accept(desk)
        stage.clock.move(MINUTE)
        now = stage.clock.now()
        if way == "release":
            stage.journal.release(desk.live(id_).ref, now=now, actor="op")
        elif way == "resume":
            stage.journal.resume("desk", allow=0, now=now, actor="op")
        else:
            desk.bindings = "another map"
        stage.run("desk")
        assert desk.live(id_).priority is P1

    def test_what_a_person_releases_while_it_is_tried_is_told_anew(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        refuse(desk, holding(Field.PRIORITY))
        stage.run("desk")
        assert len(stage.ears.alarms) == 1

        def judge(write: Write) -> None:
            if holding(Field.PRIORITY)(write):
                stage.journal.release(desk.live(id_).ref, now=stage.clock.now(), actor="op")
                raise Rejected("edit: rejected, status 422")

        desk.writer.before_send = judge
        stage.clock.move(MINUTE)
        desk.world.comment(id_, "and?", CUSTOMER)
        passes(stage, 2, timedelta(minutes=10))
        assert len(stage.ears.alarms) == 2

    def test_what_is_wanted_no_more_is_forgotten(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        refuse(desk, holding(Field.PRIORITY))
        stage.run("desk")
        stage.clock.move(MINUTE)
        desk.world.update(id_, AGENT, status=Status.CLOSED)
        passes(stage, 2)
        assert stage.journal.aside("desk") == ()


class TestTicketsThatTakeNoComments:
    def test_they_are_left_to_people_once_with_the_reason(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        opened(desk)
        refuse(desk, lambda write: write.comment is not None, mute=True)
        for _ in range(60):
            clock.move(timedelta(minutes=10))
            stage.run("desk")
        sent = [s for s in desk.writer.sent if s.write.comment is not None]
        assert len(sent) == 1
        (item,) = stage.journal.aside("desk")
        assert (item.kind, item.field, item.value) == (AsideKind.REFUSED, "notes", "")
        assert in_attention(stage) == ["notes not accepted: refused: edit: rejected, status 422"]


class TestWhatBecomesUrgentLater:
    """A refusal on a ticket that is not urgent is told when it becomes so, once."""

    def refused(self, stage: Stage, desk: Desk, which: Callable[[Write], bool], **more: bool) -> str:
        (id_,) = opened(desk, facts=DEGRADED)
        refuse(desk, which, **more)
        while not stage.journal.aside("desk"):
            passes(stage, 1, timedelta(minutes=10))
        assert stage.ears.alarms == []
        return id_

    def later(self, stage: Stage, desk: Desk, id_: str) -> list[str]:
        desk.world.update(id_, AGENT, facts=OUTAGE)
        passes(stage, 20)
        assert desk.live(id_).priority is P1
        return [alarm.message for alarm in stage.ears.alarms]

    def test_a_ticket_that_takes_no_comments(self, stage: Stage, desk: Desk) -> None:
        id_ = self.refused(stage, desk, lambda write: write.comment is not None, mute=True)
        assert self.later(stage, desk, id_) == [f"#{id_}: notes refused: edit: rejected, status 422"]
        stage.journal.release(desk.live(id_).ref, now=stage.clock.now(), actor="op")
        passes(stage, 5)
        assert len(stage.ears.alarms) == 2, "tried again because a person said so, and refused anew"

    def test_what_is_released_while_a_pass_reads_does_not_come_back(self, stage: Stage, desk: Desk) -> None:
        id_ = self.refused(stage, desk, lambda write: write.comment is not None, mute=True)
        desk.world.update(id_, AGENT, facts=OUTAGE)
        read = desk.reader.changes

        def changes(*given: Any, **more: Any) -> Any:
            yield from read(*given, **more)
            stage.journal.release(desk.live(id_).ref, now=stage.clock.now(), actor="op")

        desk.reader.changes = changes  # type: ignore[method-assign]
        stage.clock.move(MINUTE)
        stage.run("desk")
        assert not any(item.kind is AsideKind.REFUSED for item in stage.journal.aside("desk"))

    def test_a_part_that_is_still_refused(self, stage: Stage, desk: Desk) -> None:
        id_ = self.refused(stage, desk, holding(Field.GROUP))
        told = self.later(stage, desk, id_)
        assert told[0].startswith(f"#{id_}: group service-desk refused")
        assert sum(message == told[0] for message in told) == 1

    def test_a_death_after_the_alarm_repeats_it_and_loses_none(self, stage: Stage, desk: Desk) -> None:
        id_ = self.refused(stage, desk, lambda write: write.comment is not None, mute=True)
        desk.world.update(id_, AGENT, facts=OUTAGE)
        stage.clock.move(MINUTE)
        stage.death.spares = lambda name: name != "set_aside"
        stage.death.comes_at(0, after=False)
        with pytest.raises(Killed):
            stage.run("desk")
        assert len(stage.ears.alarms) == 1
        stage.restart()
        passes(stage, 20)
        assert len(stage.ears.alarms) == 2


class TestRefusedByName:
    """A field that is refused by its name is told of like any other: for what is urgent, once."""

    def alarms(self, stage: Stage) -> list[tuple[str, str]]:
        return [(a.message, a.remedy) for a in stage.ears.alarms if a.kind is AlarmKind.FINDING]

    def told_of(self, id_: str) -> list[tuple[str, str]]:
        message = f"#{id_}: group service-desk refused: edit: rejected, status 422"
        return [(message, "mend what the reason says, then: connector resume desk")]

    def test_a_p1_raises_one_alarm_and_another_raises_none(self, stage: Stage, desk: Desk) -> None:
        (urgent,) = opened(desk)
        opened(desk, facts=DEGRADED)
        refuse(desk, holding(Field.GROUP), fields=("group",))
        passes(stage, 5)
        assert self.alarms(stage) == self.told_of(urgent)
        assert desk.live(urgent).priority is P1

    def test_what_becomes_urgent_later_is_told_then_once(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk, facts=DEGRADED)
        refuse(desk, holding(Field.GROUP), fields=("group",))
        passes(stage, 3)
        assert self.alarms(stage) == []
        desk.world.update(id_, AGENT, facts=OUTAGE)
        passes(stage, 8)
        assert self.alarms(stage) == self.told_of(id_)

    def test_what_a_scope_lacks_is_told_with_the_first_that_is_urgent(self, stage: Stage, desk: Desk) -> None:
        opened(desk, facts=DEGRADED)
        refuse(desk, holding(Field.LEVEL), fields=("level",), missing=("level",))
        passes(stage, 2)
        assert self.alarms(stage) == []
        first, *_ = opened(desk, 3)
        passes(stage, 5)
        ((message, _),) = self.alarms(stage)
        assert message == f"#{first}: level refused: edit: rejected, status 422"

    def test_after_a_resume_the_same_refusal_is_told_anew(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        refuse(desk, holding(Field.GROUP), fields=("group",))
        passes(stage, 2)
        stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="op")
        passes(stage, 2)
        assert self.alarms(stage) == 2 * self.told_of(id_)

    def test_a_death_after_the_alarm_repeats_it_and_loses_none(self, stage: Stage, desk: Desk) -> None:
        opened(desk)
        refuse(desk, holding(Field.GROUP), fields=("group",))
        stage.death.spares = lambda name: name != "set_aside"
        stage.death.comes_at(1, after=False)  # behind the write that is refused
        with pytest.raises(Killed):
            stage.run("desk")
        assert len(self.alarms(stage)) == 1
        stage.restart()
        passes(stage, 5)
        assert len(self.alarms(stage)) == 2
