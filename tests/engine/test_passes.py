"""One pass after another over one site: nothing twice, nothing lost, and nothing at all where nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from connector.domain.change import Field, Write
from connector.domain.conditions import Words
from connector.domain.events import EventKind, Role
from connector.domain.guard import OVER_BUDGET
from connector.domain.occasion import Outcome
from connector.domain.policy import Policy, Quiet
from connector.domain.site import Budget, Effect
from connector.domain.ticket import ClockName, Priority, Status, Ticket
from connector.engine.gather import situations
from connector.engine.passes import PassOutcome, run_pass
from connector.errors import Busy, ConnectorError, Mute, StateFull, Throttled
from connector.helpdesks.memory import AGENT, BOT, Fault
from connector.helpdesks.memory.writer import MemoryWriter
from connector.ports import AlarmKind, Fence, OpStatus
from tests.domain.policies import POLICY, threshold
from tests.engine.stage import MINUTE, MONDAY, SECOND, Desk, Stage, applied, planned
from tests.helpdesks.stopped_clock import StoppedClock

OUTAGE = {"impact": "site", "urgency": "blocked"}
DEGRADED = {"impact": "department", "urgency": "degraded"}
P1, P2, P3, P4 = Priority


def opened(desk: Desk, count: int = 1, **values: Any) -> list[str]:
    return [desk.world.create(**{"facts": OUTAGE, "priority": P3, **values}).id for _ in range(count)]


def with_other_words(policy: Policy) -> Policy:
    """Return a policy whose word list nobody has looked for yet."""
    first, trigger, *rest = policy.triggers
    (test,) = trigger.when.any
    assert isinstance(test.value, Words)
    words = replace(trigger.when, any=(replace(test, value=replace(test.value, key="other words")),))
    return replace(policy, hash="words" * 12 + "beef", triggers=(first, replace(trigger, when=words), *rest))


def at_rest(stage: Stage, *names: str) -> None:
    """Pass until nothing moves any more; our own echo has come back then."""
    for name in names or tuple(stage.desks):
        for _ in range(4):
            before = stage.rows()
            stage.clock.move(SECOND)
            stage.run(name)
            if stage.rows() == before:
                break


def test_a_comment_that_stands_where_nobody_it_is_for_reads_it_is_not_tried_anew(
    stage: Stage, desk: Desk, clock: StoppedClock
) -> None:
    """Each attempt leaves one more: it is parked, and a person says whether it is sent again."""
    opened(desk, labels=frozenset({"security"}))
    tries: list[Write] = []

    def muted(write: Write) -> None:
        if write.comment is not None:
            tries.append(write)
            raise Mute(f"a public comment on {write.ref} came out private", remedy="give the right")

    desk.writer.before_send = muted
    assert stage.run("desk").outcome is PassOutcome.DENIED
    assert stage.journal.records().sites()[0].frozen
    for _ in range(3):
        stage.journal.resume("desk", allow=0, now=clock.now(), actor="op")
        clock.move(MINUTE)
        stage.run("desk")
    (parked,) = stage.journal.records().ops(status=OpStatus.PARKED)
    assert [write.key for write in tries] == [parked.write.key]
    assert "came out private" in parked.why


class TestNothingLost:
    @pytest.mark.parametrize("fault", [Fault.NOT_SENT, Fault.THROTTLED, Fault.THROTTLED_TICKET, Fault.CONFLICT])
    def test_what_was_not_applied_is_written_by_the_next_pass(self, stage: Stage, desk: Desk, fault: Fault) -> None:
        (id_,) = opened(desk)
        desk.world.write_faults.append(fault)
        stage.run("desk")
        assert desk.live(id_).priority is P3
        stage.run("desk")
        assert (desk.live(id_).priority, desk.live(id_).level) == (P1, 1)
        assert stage.wanted("desk") == {}

    @pytest.mark.parametrize("fault", [Fault.NOT_SENT, Fault.THROTTLED])
    def test_a_site_that_sends_us_away_is_left_alone_for_this_pass(
        self, stage: Stage, desk: Desk, fault: Fault
    ) -> None:
        opened(desk, 3)
        desk.world.write_faults.append(fault)
        result = stage.run("desk")
        assert (len(desk.writer.sent), result.outcome) == (1, PassOutcome.PARTIAL)
        assert applied(result).stopped
        assert applied(result).retry_after == (timedelta(seconds=60) if fault is Fault.THROTTLED else None)

    def test_one_ticket_that_is_throttled_does_not_stop_the_others(self, stage: Stage, desk: Desk) -> None:
        opened(desk, 3)
        desk.world.write_faults.append(Fault.THROTTLED_TICKET)
        stage.run("desk")
        assert len(desk.writer.sent) == 3

    def test_a_change_that_a_death_cut_short_is_made_by_the_next_process(self, stage: Stage, desk: Desk) -> None:
        opened(desk, 2)
        stage.run("desk", may_write=lambda: False)
        assert desk.writer.sent == []
        stage.restart()
        stage.run("desk", fetch=False)
        assert [desk.live(id_).priority for id_ in ("1", "2")] == [P1, P1]

    def test_a_restart_keeps_what_was_decided_in_mind(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        opened(desk)
        at_rest(stage)
        due = stage.journal.next_due("desk")
        stage.restart()
        assert stage.journal.next_due("desk") == due
        assert due is not None
        clock.move(due - clock.now())
        sent = len(desk.writer.sent)
        at_rest(stage)
        assert stage.wanted("desk") == {}
        assert len(desk.writer.sent) >= sent


class TestNothingTwice:
    def test_a_second_pass_at_the_same_moment_writes_nothing(self, stage: Stage, desk: Desk) -> None:
        for facts in (OUTAGE, DEGRADED, {"category": "legal-hold"}, {}):
            opened(desk, facts=facts)
        assert stage.run("desk").summary.written == 3
        assert stage.run("desk").summary.written == 0

    def test_once_our_echo_has_come_back_a_pass_changes_no_row(self, stage: Stage, desk: Desk) -> None:
        opened(desk, 5)
        at_rest(stage)
        before = stage.rows()
        requests = desk.world.requests.copy()
        for _ in range(3):
            stage.clock.move(SECOND)
            assert stage.run("desk").summary.decided == 0
        assert stage.rows() == before
        assert desk.world.requests - requests == {"delta": 3}

    def test_our_own_echo_is_nobodys_decision(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        at_rest(stage)
        stored = stage.stored("desk", id_)
        assert stored.ticket == replace(desk.live(id_), text=None)
        assert {e.actor.role for e in stored.history.events if e.kind is EventKind.PRIORITY} <= {Role.OURS}

    def test_a_quiet_week_is_written_nothing(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        opened(desk, facts={}, priority=P4, status=Status.WAITING_CUSTOMER)
        at_rest(stage)
        for _ in range(7 * 24):
            clock.move(timedelta(hours=1))
            stage.run("desk")
        assert desk.writer.sent == []

    def test_what_an_automation_sets_back_is_not_set_again(self, stage: Stage, desk: Desk) -> None:
        desk.world.automations.append(lambda _t, u: {"priority": P4} if u.marker and "priority" in u.values else {})
        (id_,) = opened(desk)
        for _ in range(5):
            stage.clock.move(MINUTE)
            stage.run("desk")
        assert desk.live(id_).priority is P4
        assert [s for s in desk.sent() if "priority" in s] == ["1 priority=P1 level=1 group=service-desk"]


class TestPeopleFirst:
    def test_a_priority_that_somebody_sets_stands_and_is_remarked_upon_once(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        at_rest(stage)
        stage.clock.move(MINUTE)
        desk.world.update(id_, AGENT, priority=P4)
        for _ in range(4):
            stage.clock.move(MINUTE)
            stage.run("desk")
        assert desk.live(id_).priority is P4
        assert [s for s in desk.sent() if "hold" in s] == ["1 notes hold"]

    def test_a_group_that_somebody_chooses_stands_until_the_next_level(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        at_rest(stage)
        stage.clock.move(MINUTE)
        desk.world.update(id_, AGENT, group="id:99")
        for _ in range(5):
            stage.clock.move(MINUTE)
            stage.run("desk")
        assert desk.live(id_).group == "id:99"
        stage.clock.move(MINUTE * 40)
        at_rest(stage)
        assert (desk.live(id_).level, desk.live(id_).group) == (2, "second-line")

    def test_the_history_is_asked_who_changed_a_field_of_ours(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        at_rest(stage)
        asked = desk.world.requests["history"]
        stage.clock.move(MINUTE)
        desk.world.update(id_, AGENT, priority=P2)
        stage.run("desk")
        assert desk.world.requests["history"] == asked + 1
        (event,) = [e for e in stage.stored("desk", id_).history.events if e.after == "P2"]
        assert event.actor == AGENT

    def test_a_change_between_delta_and_fresh_read_is_not_overlooked(self, stage: Stage, desk: Desk) -> None:
        """A new word list makes the text unread; the fresh read for it brings somebody's change along."""
        (id_,) = opened(desk)
        at_rest(stage)
        stage.clock.move(MINUTE)
        stage.policies.policy = with_other_words(stage.policies.policy)
        desk.world.update(id_, AGENT, priority=P4)
        stage.run("desk", fetch=False)
        stage.clock.move(MINUTE)
        at_rest(stage)
        assert desk.live(id_).priority is P4
        assert [e.actor for e in stage.stored("desk", id_).history.events if e.after == "P4"] == [AGENT]


class TestOutcomes:
    def test_a_conflict_is_planned_anew_on_what_the_ticket_is_now(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)

        def slip_in(_write: object) -> None:
            desk.writer.before_send = lambda _: None
            stage.clock.move(SECOND)
            desk.world.update(id_, AGENT, group="id:99")

        desk.writer.before_send = slip_in
        assert len(applied(stage.run("desk")).conflicted) == 1
        stage.run("desk")
        assert (desk.live(id_).priority, desk.live(id_).group) == (P1, "id:99")

    def test_what_the_helpdesk_refuses_is_tried_in_parts_and_then_left(self, stage: Stage, desk: Desk) -> None:
        opened(desk)
        desk.world.write_faults.extend([Fault.REFUSED] * 4)
        for _ in range(4):
            stage.clock.move(MINUTE)
            stage.run("desk")
        assert [s for s in desk.sent() if "priority" in s] == [
            "1 priority=P1 level=1 group=service-desk",
            "1 priority=P1",
        ]
        ops = stage.ops("desk", OpStatus.FAILED)
        assert len(ops) == 4
        assert all("refused" in op.why for op in ops)

    def test_missing_permissions_freeze_the_site_and_call_somebody(self, stage: Stage, desk: Desk) -> None:
        opened(desk, 3)
        desk.world.write_faults.append(Fault.DENIED)
        assert stage.run("desk").outcome is PassOutcome.DENIED
        assert len(desk.writer.sent) == 1
        assert [alarm.kind for alarm in stage.ears.alarms] == [AlarmKind.FREEZE]
        again = stage.run("desk")
        assert (again.outcome, len(desk.writer.sent)) == (PassOutcome.HELD, 1)
        stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="op")
        assert stage.run("desk").summary.written == 3

    def test_a_site_that_cannot_be_read_ends_its_pass_and_nothing_else(
        self, set_up: Callable[..., Stage], clock: StoppedClock
    ) -> None:
        one, two = Desk("one", clock), Desk("two", clock)
        stage = set_up(one, two)
        opened(one)
        opened(two)
        one.world.read_faults.append(Fault.UNAVAILABLE)
        assert stage.run("one").outcome is PassOutcome.FAILED
        assert stage.run("two").summary.written == 1
        assert stage.ears.pings == [False, True]


class Refusing:
    """A journal that stores no intent."""

    def __init__(self, real: Any, error: ConnectorError) -> None:
        self._real = real
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return self._refuse if name in {"arm", "arm_again"} else getattr(self._real, name)

    def _refuse(self, *_: object, **__: object) -> None:
        raise self._error


class Unable(MemoryWriter):
    """A writer whose code fails on every request."""

    def request_digest(self, write: Write, *, seen: Ticket) -> str:
        raise ZeroDivisionError(write.key, seen.ref)


class TestNothingIsArmedWhereNothingIsSent:
    """A moment that stayed armed would soon keep back all but reads: a token, and what takes an exposed note away."""

    LONGEST_EXCHANGE = 65.0

    def fence_after(
        self, stage: Stage, desk: Desk, error: ConnectorError | None, *, writer: MemoryWriter | None = None
    ) -> Fence:
        """Return the fence of a pass that could store no intent, or had another ``writer``, ten minutes later."""
        fence = Fence(stage.clock.elapsed)
        around = stage.around if error is None else replace(stage.around, journal=Refusing(stage.around.journal, error))
        run_pass(replace(desk.site, writer=writer or desk.writer, fence=fence), around, kind="run")
        stage.clock.move(MINUTE * 10)
        return fence

    @pytest.mark.parametrize("error", [Busy("an earlier write is not settled"), StateFull("the disk is full")], ids=str)
    def test_the_intent_could_not_be_stored(self, stage: Stage, desk: Desk, error: ConnectorError) -> None:
        opened(desk)
        assert self.fence_after(stage, desk, error).may_begin(self.LONGEST_EXCHANGE)
        assert desk.writer.sent == []

    def test_our_code_fails_on_the_request(self, stage: Stage, desk: Desk) -> None:
        opened(desk)
        fence = self.fence_after(stage, desk, None, writer=Unable(desk.world))
        assert fence.may_begin(self.LONGEST_EXCHANGE)
        assert desk.world.requests["write"] == 0

    def test_a_copy_could_not_be_stored(self, stage: Stage, desk: Desk) -> None:
        opened(desk, labels=frozenset({"security"}))
        desk.world.write_faults.append(Fault.LOST_REQUEST)
        stage.run("desk")
        stage.clock.move(SECOND * 10)
        assert self.fence_after(stage, desk, StateFull("the disk is full")).may_begin(self.LONGEST_EXCHANGE)
        assert len(desk.writer.sent) == 1


class TestUnknown:
    """A write whose answer was lost."""

    def test_found_is_done(self, stage: Stage, desk: Desk) -> None:
        opened(desk)
        desk.world.write_faults.append(Fault.LOST_ANSWER)
        assert applied(stage.run("desk")).unknown == 1
        result = stage.run("desk")
        assert (result.summary.written, len(desk.writer.sent)) == (1, 1)
        assert [op.status for op in stage.ops("desk")] == [OpStatus.DONE]

    def test_fields_that_are_not_there_are_written_again(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        desk.world.write_faults.append(Fault.LOST_REQUEST)
        stage.run("desk")
        stage.run("desk")
        assert desk.live(id_).priority is P1
        assert len(desk.writer.sent) == 2

    def test_a_comment_that_is_not_there_is_sent_again_under_the_same_stamp(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk, labels=frozenset({"security"}))
        desk.world.write_faults.append(Fault.LOST_REQUEST)
        stage.run("desk")
        stage.clock.move(SECOND * 10)
        stage.run("desk")
        first, second = desk.writer.sent[:2]
        digest = desk.writer.request_digest
        assert digest(first.write, seen=first.seen) == digest(second.write, seen=second.seen)
        assert desk.live(id_).priority is P1
        assert set(desk.world.keys_posted().values()) == {1}

    def test_a_comment_that_lands_late_is_done(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        opened(desk, labels=frozenset({"security"}))
        desk.world.write_faults.append(Fault.LATE)
        stage.run("desk")
        clock.move(MINUTE)
        assert stage.run("desk").summary.written == 1
        assert list(desk.world.keys_posted().values()) == [1]
        assert len(desk.writer.sent) == 1

    def test_a_ticket_that_moved_on_is_planned_anew(self, stage: Stage, desk: Desk) -> None:
        (id_,) = opened(desk, labels=frozenset({"security"}))
        desk.world.write_faults.append(Fault.LATE)
        stage.run("desk")
        stage.clock.move(SECOND)
        desk.world.comment(id_, "I look at it", AGENT, public=False)
        stage.clock.move(MINUTE)
        at_rest(stage)
        assert set(desk.world.keys_posted().values()) == {1}
        assert stage.journal.sending("desk") == ()

    def test_what_landed_after_it_was_given_up_is_ours_to_lose(self, stage: Stage, desk: Desk) -> None:
        """It was taken over as ours unwritten; a program that takes it back is yielded to all the same."""
        desk.allow(Effect.FIELDS)
        (id_,) = opened(desk, labels=frozenset({"security"}))
        desk.world.lateness = MINUTE
        desk.world.write_faults.extend([Fault.LATE, Fault.NOT_SENT])
        for wait in (SECOND, SECOND * 10, MINUTE * 2, MINUTE * 2):
            stage.clock.move(wait)
            stage.run("desk")
        (stored,) = stage.journal.load("desk", [id_], now=stage.clock.now())
        assert stored.applied[Field.PRIORITY].baseline
        (given,) = situations(desk.reading, stage.around, [id_], desk.world.reach, now=stage.clock.now())
        assert not given.applied[Field.PRIORITY].baseline
        desk.world.update(id_, BOT, priority=Priority.P4)
        for wait in (SECOND, MINUTE, MINUTE * 10):
            stage.clock.move(wait)
            stage.run("desk")
        assert desk.live(id_).priority is Priority.P4


class TestBudgets:
    TIGHT: ClassVar = {Effect.FIELDS: Budget(least=2, window=timedelta(minutes=10), reserve=1)}

    def test_the_most_urgent_go_first_and_the_rest_is_held(self, stage: Stage, desk: Desk) -> None:
        desk.rules = replace(desk.rules, budgets=self.TIGHT, effects=frozenset({Effect.FIELDS}))
        opened(desk, 3, facts=DEGRADED)
        opened(desk, 2)
        result = stage.run("desk")
        assert result.outcome is PassOutcome.HELD
        assert [s.write.ref.id for s in desk.writer.sent] == ["4", "5"]
        assert [held.ref.id for held in planned(result).held] == ["1", "2", "3"]
        assert [alarm.kind for alarm in stage.ears.alarms] == [AlarmKind.HOLD]
        assert Effect.FIELDS in stage.journal.records().sites()[0].frozen

    def test_an_operator_lets_a_number_through(self, stage: Stage, desk: Desk) -> None:
        desk.rules = replace(desk.rules, budgets=self.TIGHT, effects=frozenset({Effect.FIELDS}))
        opened(desk, 6, facts=DEGRADED)
        stage.run("desk")
        assert len(desk.writer.sent) == 2
        stage.run("desk")
        assert len(desk.writer.sent) == 2
        stage.journal.resume("desk", allow=3, now=stage.clock.now(), actor="op")
        stage.run("desk", fetch=False)
        assert len(desk.writer.sent) == 5

    def test_a_number_goes_through_however_many_passes_the_writing_takes(
        self, stage: Stage, desk: Desk, clock: StoppedClock
    ) -> None:
        desk.rules = replace(desk.rules, budgets=self.TIGHT, effects=frozenset({Effect.FIELDS}))
        opened(desk, 12, facts=DEGRADED)
        stage.run("desk")
        assert len(desk.writer.sent) == 2
        stage.journal.resume("desk", allow=10, now=clock.now(), actor="op")
        for _ in range(8):
            clock.move(SECOND * 20)
            desk.world.write_faults.extend([None, None, Fault.THROTTLED])
            stage.run("desk")
        assert all(row.ticket.priority is P2 for row in desk.world.rows.values())

    def test_a_number_is_no_word_for_what_comes_later(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        desk.rules = replace(desk.rules, budgets=self.TIGHT, effects=frozenset({Effect.FIELDS}))
        opened(desk, 3, facts=DEGRADED)
        stage.run("desk")
        stage.journal.resume("desk", allow=50, now=clock.now(), actor="op")
        stage.run("desk")
        clock.move(timedelta(hours=2))
        opened(desk, 6, facts=DEGRADED)
        before = len(desk.writer.sent)
        stage.run("desk")
        assert len(desk.writer.sent) == before + 2

    def test_the_reserve_is_there_for_a_p1_that_comes_after_the_freeze(
        self, stage: Stage, desk: Desk, clock: StoppedClock
    ) -> None:
        budget = Budget(least=2, window=timedelta(minutes=10), reserve=1)
        desk.rules = replace(desk.rules, budgets={Effect.FIELDS: budget}, effects=frozenset({Effect.FIELDS}))
        opened(desk, 4, facts=DEGRADED)
        stage.run("desk")
        assert Effect.FIELDS in stage.journal.records().sites()[0].frozen
        first, second = opened(desk, 2)
        stage.ears.alarms.clear()
        clock.move(MINUTE)
        stage.run("desk")
        assert (desk.live(first).priority, desk.live(second).priority) == (P1, P3)
        (alarm,) = stage.ears.alarms
        assert (alarm.kind, alarm.ticket) == (AlarmKind.HOLD, f"desk:{second}")
        assert "P1" in alarm.message
        clock.move(MINUTE)
        stage.run("desk")
        assert len(stage.ears.alarms) == 1

    def test_the_reserve_is_there_though_every_budget_is_used_up(
        self, stage: Stage, desk: Desk, clock: StoppedClock
    ) -> None:
        for effect in Effect:
            stage.journal.freeze("desk", effect, f"{OVER_BUDGET}: 9 more wanted", now=clock.now())
        (urgent,) = opened(desk)
        stage.run("desk")
        assert desk.live(urgent).priority is P1

    def test_a_denied_p1_that_used_the_reserve_is_held_aloud(self, stage: Stage, desk: Desk) -> None:
        stage.journal.freeze("desk", Effect.FIELDS, f"{OVER_BUDGET}: 9 more wanted", now=stage.clock.now())
        (urgent,) = opened(desk)
        desk.world.write_faults.append(Fault.DENIED)
        stage.run("desk")
        stage.ears.alarms.clear()
        result = stage.run("desk", fetch=False)
        assert {held.ref.id for held in planned(result).held} == {urgent}
        assert (AlarmKind.HOLD, f"desk:{urgent}") in [(a.kind, a.ticket) for a in stage.ears.alarms]

    def test_credentials_that_are_refused_are_told_though_every_budget_is_used_up(
        self, stage: Stage, desk: Desk, clock: StoppedClock
    ) -> None:
        for effect in Effect:
            stage.journal.freeze("desk", effect, f"{OVER_BUDGET}: 9 more wanted", now=clock.now())
        desk.world.read_faults.append(Fault.DENIED)
        stage.run("desk")
        assert [alarm.kind for alarm in stage.ears.alarms] == [AlarmKind.FREEZE]

    def test_what_is_held_is_written_when_there_is_room(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        desk.rules = replace(desk.rules, budgets=self.TIGHT, effects=frozenset({Effect.FIELDS}))
        opened(desk, 3, facts=DEGRADED)
        stage.run("desk")
        clock.move(MINUTE * 11)
        stage.journal.resume("desk", allow=0, now=clock.now(), actor="op")
        stage.run("desk", fetch=False)
        assert sorted(s.write.ref.id for s in desk.writer.sent)[:3] == ["1", "2", "3"]

    def test_a_pause_holds_everything_until_it_ends(self, stage: Stage, desk: Desk) -> None:
        opened(desk, 2)
        stage.journal.pause("desk", "an audit", now=stage.clock.now(), actor="op")
        result = stage.run("desk")
        assert desk.writer.sent == []
        assert {held.why for held in planned(result).held} == {"paused: an audit"}
        assert stage.journal.records().sites()[0].frozen == {}
        stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="op")
        assert stage.run("desk", fetch=False).summary.written == 2

    def test_the_pause_file_stops_levels_as_well_and_gives_them_a_fresh_interval(
        self, stage: Stage, desk: Desk, clock: StoppedClock
    ) -> None:
        (id_,) = opened(desk)
        stage.run("desk")
        there = [True]
        around = replace(stage.around, stopped=lambda: "the file PAUSED exists" if there else "")
        for _ in range(12):
            clock.move(MINUTE * 10)
            stage.run_with("desk", around)
        held = stage.journal.load("desk", [id_], now=clock.now())[0]
        assert (held.state.level, desk.live(id_).level) == (1, 1)
        assert stage.journal.records().sites()[0].paused == "pause file: the file PAUSED exists"
        there.clear()
        stage.run_with("desk", around)
        assert stage.journal.records().sites()[0].paused == ""
        assert stage.journal.resumed_at("desk") == clock.now()

    def test_the_pause_file_ends_no_pause_that_an_operator_ordered(self, stage: Stage, desk: Desk) -> None:
        opened(desk)
        stage.journal.open_site("desk", fingerprint=desk.rules.fingerprint)
        stage.journal.pause("desk", "an audit", now=stage.clock.now(), actor="op")
        stage.run_with("desk", replace(stage.around, stopped=lambda: "the file PAUSED exists"))
        stage.run("desk")
        assert stage.journal.records().sites()[0].paused == "an audit"


class TestApproval:
    def test_a_step_waits_until_it_is_let_through(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        asking = threshold(ClockName.RESOLUTION, 50, escalate_to=3, approval="duty-manager")
        stage.policies.policy = replace(POLICY, hash="a" * 64, sla=replace(POLICY.sla, thresholds=(asking,)))
        (id_,) = opened(desk)
        at_rest(stage)
        clock.move(MINUTE * 125)
        at_rest(stage)
        (step,) = stage.journal.records().approvals("desk")
        assert (step.ticket, dict(step.data)) == (id_, {"level": "3", "threshold": "resolution 50%"})
        assert stage.journal.approve("desk", id_, now=clock.now(), actor="op") == 1
        assert stage.journal.approve("desk", id_, now=clock.now(), actor="op") == 0
        assert stage.journal.records().approvals("desk") == ()
        clock.move(MINUTE * 11)
        at_rest(stage)
        assert desk.live(id_).level == 3

    def test_it_is_let_through_also_under_a_policy_that_was_loaded_meanwhile(
        self, stage: Stage, desk: Desk, clock: StoppedClock
    ) -> None:
        id_ = asked_for_approval(stage, desk, clock)
        stage.policies.policy = replace(stage.policies.policy, hash="b" * 64, quiet=Quiet(notes_per_day=7))
        clock.move(MINUTE)
        at_rest(stage)
        assert len(stage.journal.records().approvals("desk")) == 1
        assert stage.journal.approve("desk", id_, now=clock.now(), actor="op") == 1
        clock.move(MINUTE * 11)
        at_rest(stage)
        assert desk.live(id_).level == 3

    def test_what_letting_through_would_do_nothing_for_is_neither_listed_nor_let_through(
        self, stage: Stage, desk: Desk, clock: StoppedClock
    ) -> None:
        id_ = asked_for_approval(stage, desk, clock)
        rules = replace(stage.policies.policy.sla, thresholds=())
        stage.policies.policy = replace(stage.policies.policy, hash="b" * 64, sla=rules)
        clock.move(MINUTE)
        at_rest(stage)
        assert stage.journal.records().approvals("desk") == ()
        assert stage.journal.approve("desk", id_, now=clock.now(), actor="op") == 0


def asked_for_approval(stage: Stage, desk: Desk, clock: StoppedClock) -> str:
    """Return a ticket on its first level, acknowledged, with a step to the third one that waits for approval."""
    asking = threshold(ClockName.RESOLUTION, 50, escalate_to=3, approval="duty-manager")
    stage.policies.policy = replace(POLICY, hash="a" * 64, sla=replace(POLICY.sla, thresholds=(asking,)))
    (id_,) = opened(desk)
    at_rest(stage)
    clock.move(MINUTE)
    desk.world.update(id_, AGENT, assignee="id:agent")
    at_rest(stage)
    clock.move(MINUTE * 125)
    at_rest(stage)
    assert (desk.live(id_).level, len(stage.journal.records().approvals("desk"))) == (1, 1)
    return id_


HALF = threshold(ClockName.RESOLUTION, 50, note="at-risk")


class TestAPolicyThatIsLoadedMeanwhile:
    """What a mark was about to say when a policy came: it had been asked for before, and comes once."""

    @pytest.fixture(autouse=True)
    def half_gone(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        """A ticket half of whose time has just gone by, and nobody has looked at it since."""
        stage.policies.policy = replace(POLICY, hash="a" * 64, sla=replace(POLICY.sla, thresholds=(HALF,)), cadence={})
        (id_,) = opened(desk)
        at_rest(stage)
        clock.move(MINUTE)
        desk.world.update(id_, AGENT, assignee="id:agent")
        at_rest(stage)
        clock.move(MINUTE * 125)
        desk.writer.sent.clear()

    def edited(self, stage: Stage) -> None:
        policy = stage.policies.policy
        stage.policies.policy = replace(policy, hash=f"{policy.hash[1:]}b", quiet=Quiet(notes_per_day=7))
        stage.clock.move(SECOND)
        stage.run("desk")

    def ends_well(self, stage: Stage, desk: Desk) -> None:
        for _ in range(8):
            stage.clock.move(MINUTE)
            stage.run("desk")
        keys = keys_of(desk, HALF.note)
        assert [comment.key for comment in desk.world.comments if comment.key in keys] == list(keys)
        assert len(keys) == 1
        rows = stage.rows()
        stage.run("desk")
        assert stage.rows() == rows

    @pytest.mark.parametrize("edits", [1, 3])
    def test_what_a_freeze_held_is_said_when_it_ends(self, stage: Stage, desk: Desk, edits: int) -> None:
        for effect in Effect:
            stage.journal.freeze("desk", effect, f"{OVER_BUDGET}: 9 more wanted", now=stage.clock.now())
        desk.rules = replace(desk.rules, budgets={Effect.NOTES: Budget(least=0, window=timedelta(hours=1))})
        stage.run("desk")
        for _ in range(edits):
            self.edited(stage)
        assert desk.sent() == []
        desk.rules = replace(desk.rules, budgets={})
        stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="op")
        self.ends_well(stage, desk)

    @pytest.mark.parametrize("fault", [f for f in Fault if f not in {Fault.UNAVAILABLE, Fault.DENIED, Fault.REFUSED}])
    def test_what_a_write_left_open_is_said_once(self, stage: Stage, desk: Desk, fault: Fault) -> None:
        desk.world.write_faults.append(fault)
        stage.run("desk")
        self.edited(stage)
        self.ends_well(stage, desk)

    def test_what_nothing_was_asked_for_stays_unsaid(self, stage: Stage, desk: Desk) -> None:
        self.edited(stage)
        stage.clock.move(MINUTE)
        stage.run("desk")
        assert desk.sent() == []


def keys_of(desk: Desk, template: str | None) -> set[str]:
    """Return the keys of the comments that were handed to the writer and are of a template."""
    comments = [(sent.write.key, sent.write.comment) for sent in desk.writer.sent]
    return {key for key, comment in comments if comment is not None and comment.notice.template == template}


class TestEffects:
    def test_shadow_writes_nothing_and_tells_what_it_would_do(self, stage: Stage, desk: Desk) -> None:
        desk.allow()
        opened(desk, labels=frozenset({"security"}))
        assert stage.run("desk").summary.would_do > 0
        assert desk.writer.sent == []

    def test_what_shadow_would_have_done_stays_unsaid(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        desk.allow()
        (id_,) = opened(desk, labels=frozenset({"security"}))
        at_rest(stage)
        desk.allow(*Effect)
        clock.move(MINUTE)
        at_rest(stage)
        assert desk.writer.sent == []
        assert {s.outcome for s in stage.stored("desk", id_).said.values()} == {Outcome.SILENCED}
        clock.move(MINUTE * 11)
        at_rest(stage)
        assert desk.live(id_).level == 2, "later crossings speak"

    def test_leaving_shadow_a_path_goes_on_from_what_was_really_written(
        self, stage: Stage, desk: Desk, clock: StoppedClock
    ) -> None:
        desk.allow()
        (id_,) = opened(desk, labels=frozenset({"security"}))
        at_rest(stage)
        clock.move(MINUTE * 11)
        at_rest(stage)
        assert stage.stored("desk", id_).state.level == 2, "in shadow"
        desk.allow(*Effect)
        clock.move(MINUTE)
        at_rest(stage)
        assert (stage.stored("desk", id_).state.level, desk.writer.sent) == (1, [])
        clock.move(MINUTE * 5)
        at_rest(stage)
        assert desk.writer.sent == [], "a fresh interval first"
        clock.move(MINUTE * 6)
        at_rest(stage)
        assert desk.live(id_).level == 2

    def test_what_is_left_to_people_is_told_once_until_it_changes(
        self, stage: Stage, desk: Desk, clock: StoppedClock
    ) -> None:
        desk.allow()
        opened(desk)
        at_rest(stage)
        desk.allow(Effect.FIELDS)
        for _ in range(4):
            clock.move(MINUTE)
            stage.run("desk")
        told = [(values["what"], values["why"]) for name, values in stage.ears.events if name == "left_alone"]
        assert told
        assert len(told) == len(set(told))

    def test_effects_are_switched_on_one_by_one(self, stage: Stage, desk: Desk) -> None:
        desk.allow(Effect.FIELDS)
        (id_,) = opened(desk, labels=frozenset({"security"}))
        at_rest(stage)
        assert (desk.live(id_).priority, desk.live(id_).assignee, desk.world.comments) == (P1, None, [])

    def test_what_began_before_enforcement_stays_unsaid(self, stage: Stage, desk: Desk, clock: StoppedClock) -> None:
        opened(desk)
        desk.rules = replace(desk.rules, enforce_from=MONDAY + MINUTE * 5)
        stage.run("desk")
        assert not [s for s in desk.sent() if "level" in s or "notes" in s]
        clock.move(MINUTE * 10)
        opened(desk)
        stage.run("desk")
        assert [s for s in desk.sent() if "level" in s] == ["2 priority=P1 level=1 group=service-desk"]


class TestBulk:
    @pytest.fixture
    def desk(self, clock: StoppedClock) -> Desk:
        return Desk("desk", clock, bulk_size=4)

    def test_changes_of_fields_alone_go_in_jobs(self, stage: Stage, desk: Desk) -> None:
        ids = opened(desk, 10, facts=DEGRADED)
        assert stage.run("desk").summary.written == 10
        assert desk.world.requests["submit"] == 3
        assert desk.world.requests["write"] == 0
        assert {desk.live(id_).level for id_ in ids} == {1}

    def test_each_write_of_a_job_has_its_own_answer(self, stage: Stage, desk: Desk) -> None:
        ids = opened(desk, 5, facts=DEGRADED)
        stage.run("desk", may_write=lambda: False)
        stage.clock.move(SECOND)
        desk.world.update(ids[0], AGENT, status=Status.CLOSED)
        desk.world.update(ids[1], AGENT, group="id:99")
        result = stage.run("desk", fetch=False)
        assert (applied(result).written, applied(result).failed, len(applied(result).conflicted)) == (3, 1, 1)
        at_rest(stage)
        assert stage.wanted("desk") == {}
        assert desk.live(ids[1]).level == 1

    def test_a_job_whose_results_are_lost_is_looked_up(self, stage: Stage, desk: Desk) -> None:
        opened(desk, 6, facts=DEGRADED)
        desk.world.write_faults.append(Fault.LOST_ANSWER)
        result = stage.run("desk")
        assert (applied(result).unknown, applied(result).written) == (4, 2)
        assert stage.run("desk").summary.written == 4
        assert desk.world.requests["submit"] == 2

    def test_a_job_that_is_refused_as_a_whole_is_planned_anew(self, stage: Stage, desk: Desk) -> None:
        ids = opened(desk, 6, facts=DEGRADED)
        desk.world.write_faults.append(Fault.THROTTLED)
        assert stage.run("desk").outcome is PassOutcome.PARTIAL
        stage.run("desk")
        assert {desk.live(id_).level for id_ in ids} == {1}

    def test_what_is_less_urgent_than_the_crowd_comes_after_it(self, stage: Stage, desk: Desk) -> None:
        """The helpdesk asks to be left alone at the first note: what was more urgent than it has been written."""
        spoken = opened(desk, 3, facts={"impact": "team", "urgency": "degraded"})
        stage.run("desk")
        at_rest(stage)
        while not any(want.startswith("notes") for wants in stage.wanted("desk").values() for want in wants):
            stage.clock.move(timedelta(hours=1))
        crowd = opened(desk, 6, facts=DEGRADED)
        before, kept = len(desk.writer.sent), Throttled("slow down", retry_after=MINUTE)

        def throttled(_: Write) -> None:
            raise kept

        desk.writer.before_send = throttled
        order = [p.change.ref.id for p in planned(stage.run("desk")).planned]
        assert order == [*crowd, *spoken]
        assert {desk.live(id_).level for id_ in crowd} == {1}
        desk.writer.before_send = lambda _: None
        stage.run("desk")
        assert [s.write.ref.id for s in desk.writer.sent[before:]] == [*crowd, spoken[0], *spoken]

    def test_urgent_and_spoken_changes_do_not_wait_for_a_job(self, stage: Stage, desk: Desk) -> None:
        opened(desk, 6, facts=DEGRADED)
        opened(desk, 1)
        stage.run("desk")
        assert (desk.world.requests["write"], desk.world.requests["submit"]) == (1, 2)
        assert desk.writer.sent[0].write.ref.id == "7"


def test_a_bots_priority_is_somebodys_too(stage: Stage, desk: Desk) -> None:
    (id_,) = opened(desk)
    at_rest(stage)
    stage.clock.move(MINUTE)
    desk.world.update(id_, BOT, priority=P3)
    at_rest(stage)
    assert desk.live(id_).priority is P3
    assert Field.PRIORITY in stage.stored("desk", id_).applied


def test_what_stays_held_is_journalled_once_and_stays_in_sight(stage: Stage, desk: Desk) -> None:
    opened(desk, 2)
    stage.journal.pause("desk", "an audit", now=stage.clock.now(), actor="op")
    lines = []
    for _ in range(4):
        stage.clock.move(MINUTE)
        stage.run("desk")
        records = stage.journal.records()
        assert {line.ticket for line in records.held(site="desk")} == {"1", "2"}
        lines.append(sum(event.kind == "held" for event in records.events(limit=1000)))
    assert lines[0] == lines[-1]
    stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="op")
    stage.run("desk")
    assert list(stage.journal.records().held()) == []
