"""SLA clocks by example: one test, one rule of the policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.calendar_hours import Span
from connector.domain.change import Field
from connector.domain.clocks import SegmentKind
from connector.domain.conditions import Op, Test, When
from connector.domain.decide import decide
from connector.domain.events import EventKind, History
from connector.domain.explain import explain_lines
from connector.domain.occasion import Outcome, Said
from connector.domain.policy import CalendarChoice, Reopen, ReopenThen, SlaSource, Trigger
from connector.domain.site import Effect
from connector.domain.situation import Applied, EscalationState
from connector.domain.sla_thresholds import due_thresholds
from connector.domain.ticket import Activity, ClockName, NativeClock, NativeStage, Priority, Status
from tests.domain.sla_values import (
    AGENT,
    CUSTOMER,
    FIRST,
    OFFICE,
    OURS,
    RESOLUTION,
    ROBOT,
    SOMEBODY,
    START,
    UPDATE,
    after,
    clocks,
    crossed_at,
    event,
    history,
    marks,
    policy,
    says,
    situation,
    status,
    target,
)

PLAIN = policy(target(first_response="1h", update="2h", resolution="8h"))
WAITING = Status.WAITING_CUSTOMER


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# ---- what counts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "met"),
    [
        pytest.param(says(after("20m")), True, id="a-public-comment-of-an-agent-responds"),
        pytest.param(says(after("20m"), public=False), False, id="an-internal-note-does-not"),
        pytest.param(says(after("20m"), CUSTOMER), False, id="the-requester-does-not-answer-themselves"),
        pytest.param(says(after("20m"), OURS), False, id="our-own-comment-does-not"),
        pytest.param(says(after("20m"), ROBOT), False, id="an-automatic-answer-does-not"),
        pytest.param(says(after("20m"), reaction=True), False, id="what-follows-from-our-own-write-does-not"),
        pytest.param(says(START), False, id="the-opening-message-typed-by-an-agent-does-not"),
        pytest.param(says(after("20m"), SOMEBODY), False, id="somebody-unknown-does-not-stop-a-clock"),
    ],
)
def test_what_is_a_first_response(told: object, met: bool) -> None:
    reading = clocks(situation(told), PLAIN, after("30m"))[FIRST]
    assert (reading.met_at == after("20m")) is met
    assert reading.elapsed == (timedelta(minutes=20) if met else timedelta(minutes=30))


def test_a_response_after_the_deadline_is_late_and_one_exactly_at_it_is_not() -> None:
    assert clocks(situation(says(after("61m"))), PLAIN, after("2h"))[FIRST].breached
    assert not clocks(situation(says(after("60m"))), PLAIN, after("2h"))[FIRST].breached
    assert clocks(situation(), PLAIN, after("60m"))[FIRST].breached
    assert not clocks(situation(), PLAIN, after("59m"))[FIRST].breached


def test_an_update_waits_from_the_first_unanswered_message() -> None:
    told = situation(says(after("10m")), says(after("1h"), CUSTOMER), says(after("90m"), CUSTOMER))
    reading = clocks(told, PLAIN, after("2h"))[UPDATE]
    assert reading.cycle_start == after("1h")
    assert reading.deadline == after("3h")
    answered = clocks(situation(*told.history.events, says(after("2h"))), PLAIN, after("4h"))[UPDATE]
    assert answered.met_at == after("2h")
    assert answered.cycle_start == after("1h")


def test_a_second_answer_changes_nothing() -> None:
    told = situation(says(after("10m")), says(after("3h")))
    read = clocks(told, PLAIN, after("4h"))
    assert read[UPDATE].met_at == read[FIRST].met_at == after("10m")


@pytest.mark.parametrize(
    ("change", "pauses"),
    [
        pytest.param(status(after("1h"), WAITING), True, id="an-agent-asks-the-requester"),
        pytest.param(status(after("1h"), WAITING, ROBOT), True, id="a-rule-of-the-helpdesk-sets-it"),
        pytest.param(status(after("1h"), WAITING, ROBOT, reaction=True), False, id="a-rule-reacts-to-our-comment"),
        pytest.param(status(after("1h"), WAITING, OURS), False, id="we-would-never"),
        pytest.param(status(after("1h"), Status.ON_HOLD), False, id="on-hold-is-not-waiting"),
        pytest.param(status(after("1h"), Status.WAITING_OUTSIDE), False, id="only-what-the-policy-lists"),
    ],
)
def test_what_pauses(change: object, pauses: bool) -> None:
    reading = clocks(situation(change), PLAIN, after("3h"))[RESOLUTION]
    assert reading.paused is pauses
    assert reading.elapsed == timedelta(hours=1 if pauses else 3)
    assert (reading.deadline is None) is pauses
    assert (crossed_at(reading, "75%") is None) is pauses


def test_each_clock_may_pause_on_its_own_statuses() -> None:
    rules = policy(
        target(first_response="1h", resolution="8h"),
        pause_on_by_clock={FIRST: frozenset(), RESOLUTION: frozenset({Status.WAITING_OUTSIDE})},
    )
    read = clocks(situation(status(after("10m"), Status.WAITING_OUTSIDE)), rules, after("30m"))
    assert not read[FIRST].paused
    assert read[RESOLUTION].paused


def test_open_time_runs_on_the_targets_calendar() -> None:
    rules = policy(target("office", first_response="1h", resolution="3d"))
    friday = at("2026-11-27T16:30")
    told = situation(event(friday, EventKind.CREATED, CUSTOMER, after="open"))
    read = clocks(told, rules, friday + timedelta(hours=1))
    assert read[FIRST].deadline == at("2026-11-30T09:30")
    assert read[FIRST].elapsed == timedelta(minutes=30)
    assert read[RESOLUTION].deadline == at("2026-12-02T16:30")
    assert crossed_at(read[RESOLUTION], "75%") == at("2026-12-02T10:30")


def test_a_clock_created_while_waiting_begins_paused() -> None:
    told = situation(event(START, EventKind.CREATED, CUSTOMER, after=str(WAITING)))
    reading = clocks(told, PLAIN, after("5h"))[RESOLUTION]
    assert reading.paused
    assert reading.elapsed == timedelta()


# ---- pauses that do not end ------------------------------------------------------------------------------------------


def test_a_pause_beyond_its_limit_counts_again() -> None:
    rules = policy(target(resolution="8h"), max_pause=Span.parse("2d"))
    told = situation(status(after("1h"), WAITING))
    before, over = after("1d"), after("2d 1h")
    waiting = clocks(told, rules, before)[RESOLUTION]
    assert (waiting.paused, waiting.max_pause_over_at, waiting.next_at) == (True, None, over)
    at_limit = clocks(told, rules, over)[RESOLUTION]
    assert (at_limit.paused, at_limit.max_pause_over_at) == (False, over)
    later = clocks(told, rules, over + timedelta(hours=2))[RESOLUTION]
    assert [s.kind for s in later.segments] == [SegmentKind.RUNNING, SegmentKind.PAUSED, SegmentKind.MAX_PAUSE]
    assert later.elapsed == timedelta(hours=3)
    assert later.deadline == over + timedelta(hours=7)


# ---- solving and reopening -------------------------------------------------------------------------------------------

SOLVED = status(after("2h"), Status.SOLVED)


def reopening(text: str, actor: object = CUSTOMER) -> object:
    return status(after(text), Status.OPEN, actor)


def test_solving_meets_the_resolution_and_stands_still_for_the_rest() -> None:
    read = clocks(situation(SOLVED), PLAIN, after("9h"))
    assert read[RESOLUTION].met_at == after("2h")
    assert read[RESOLUTION].elapsed == timedelta(hours=2)
    assert read[FIRST].met_at is None
    assert read[FIRST].deadline is None
    assert read[FIRST].elapsed == timedelta(hours=2)


def test_a_reopening_resumes_without_the_solved_time_and_keeps_its_cycle() -> None:
    reading = clocks(situation(SOLVED, reopening("5h")), PLAIN, after("6h"))[RESOLUTION]
    assert reading.cycle_start == START
    assert reading.met_at is None
    assert reading.elapsed == timedelta(hours=3)
    assert reading.deadline == after("11h")
    assert [s.kind for s in reading.segments] == [SegmentKind.RUNNING, SegmentKind.SOLVED, SegmentKind.RUNNING]


def test_a_late_reopening_begins_a_new_cycle_named_by_its_start() -> None:
    told = situation(SOLVED, reopening("9d"))
    reading = clocks(told, PLAIN, after("9d 1h"))[RESOLUTION]
    assert reading.cycle_start == after("9d")
    assert reading.elapsed == timedelta(hours=1)
    assert {c.occasion.parts[1] for c in reading.crossings} == {"20261202T090000Z"}


def test_only_the_requester_begins_a_new_cycle() -> None:
    assert clocks(situation(SOLVED, reopening("9d", AGENT)), PLAIN, after("10d"))[RESOLUTION].cycle_start == START


@pytest.mark.parametrize(
    ("comment", "anew"),
    [
        pytest.param(says(after("9d") - timedelta(seconds=5), CUSTOMER), True, id="after-the-requesters-comment"),
        pytest.param(says(after("9d") - timedelta(seconds=5)), False, id="after-an-agents-comment"),
        pytest.param(None, False, id="after-nothing-that-anybody-said"),
    ],
)
def test_a_rule_that_reopens_does_it_for_whoever_spoke(comment: object, anew: bool) -> None:
    events = [e for e in (SOLVED, comment, reopening("9d", ROBOT)) if e]
    reading = clocks(situation(*events), PLAIN, after("10d"))[RESOLUTION]
    assert (reading.cycle_start == after("9d")) is anew


def test_a_thank_you_is_no_reopening() -> None:
    rules = policy(target(resolution="8h", update="2h"), reopen=Reopen(ignore_shorter_than=timedelta(minutes=30)))
    thanks = situation(SOLVED, says(after("3h"), CUSTOMER), reopening("3h"), status(after("200m"), Status.SOLVED))
    read = clocks(thanks, rules, after("8h"))
    assert read[RESOLUTION].met_at == after("2h")
    assert read[UPDATE].cycle_start == START


def test_a_young_reopening_counts_once_it_has_stood_long_enough() -> None:
    rules = policy(target(resolution="8h", update="2h"), reopen=Reopen(ignore_shorter_than=timedelta(minutes=30)))
    told = situation(says(after("1h")), SOLVED, says(after("3h"), CUSTOMER), reopening("3h"))
    young = clocks(told, rules, after("3h 29m"))
    assert young[RESOLUTION].met_at == after("2h")
    assert young[RESOLUTION].next_at == after("3h 30m")
    assert young[UPDATE].met_at == after("1h")
    settled = clocks(told, rules, after("3h 30m"))
    assert settled[RESOLUTION].met_at is None
    assert settled[RESOLUTION].elapsed == timedelta(hours=2, minutes=30)
    assert settled[UPDATE].cycle_start == after("3h")


def test_each_clock_may_reopen_in_its_own_way() -> None:
    rules = policy(
        target(resolution="8h"),
        reopen_by_clock={RESOLUTION: Reopen(then=ReopenThen.NEW_CYCLE)},
    )
    told = situation(SOLVED, reopening("5h"))
    assert clocks(told, rules, after("6h"))[RESOLUTION].cycle_start == after("5h")
    assert clocks(told, PLAIN, after("6h"))[RESOLUTION].cycle_start == START


def test_a_first_response_never_begins_again() -> None:
    told = situation(says(after("30m")), SOLVED, reopening("9d"))
    assert clocks(told, PLAIN, after("10d"))[FIRST].met_at == after("30m")


def test_a_reopening_that_begins_anew_also_begins_the_wait_for_an_update_anew() -> None:
    rules = policy(target(update="2h"), reopen=Reopen(then=ReopenThen.NEW_CYCLE))
    told = situation(SOLVED, reopening("5h"))
    assert clocks(told, rules, after("6h"))[UPDATE].cycle_start == after("5h")
    assert clocks(told, PLAIN, after("6h"))[UPDATE].cycle_start == START


def test_a_message_to_a_solved_ticket_waits_for_its_reopening() -> None:
    told = situation(says(after("1h")), SOLVED, says(after("4h"), CUSTOMER), reopening("5h", AGENT))
    assert clocks(told, PLAIN, after("6h"))[UPDATE].cycle_start == after("5h")


# ---- which target ----------------------------------------------------------------------------------------------------


def test_the_first_target_that_matches_applies() -> None:
    big = When(all=(Test(field="org.tier", op=Op.IS, value="Platinum"),))
    rules = policy(
        target(resolution="1h", priority=Priority.P2, variant="vip"),
        target(resolution="2h", priority=Priority.P2, when=big),
        target(resolution="3h", priority=Priority.P2),
        target(resolution="4h"),
    )

    def promised(priority: Priority | None, variant: str | None = None, **facts: str) -> timedelta | None:
        told = situation(facts={name.replace("_", "."): value for name, value in facts.items()})
        read = clocks(told, rules, START, priority=priority, variant=variant)[RESOLUTION]
        return read.target.time if read.target else None

    assert promised(Priority.P2, "vip") == timedelta(hours=1)
    assert promised(Priority.P2, org_tier="platinum") == timedelta(hours=2)
    assert promised(Priority.P2) == timedelta(hours=3)
    assert promised(Priority.P1, "vip") == timedelta(hours=4)
    assert promised(None) == timedelta(hours=4)


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [
        (Op.IS, "Gold", True),
        (Op.IS_NOT, "gold", False),
        (Op.IN, ("silver", "gold"), True),
        (Op.NOT_IN, ("silver", "gold"), False),
        (Op.KNOWN, None, True),
        (Op.MISSING, None, False),
    ],
)
def test_a_target_may_depend_on_an_input(op: Op, value: object, holds: bool) -> None:
    rules = policy(target(resolution="1h", when=When(all=(Test(field="org.tier", op=op, value=value),))))
    known = clocks(situation(facts={"org.tier": "gold"}), rules, START)[RESOLUTION]
    missing = clocks(situation(), rules, START)[RESOLUTION]
    assert (known.target is not None) is holds
    assert (missing.target is not None) is (op is Op.MISSING)


def test_a_target_may_depend_on_labels_numbers_and_what_is_not() -> None:
    when = When(
        all=(Test(field="seats", op=Op.AT_LEAST, value=100.0), Test(field="seats", op=Op.AT_MOST, value=500.0)),
        any=(Test(field="labels", op=Op.INCLUDES, value="big"), Test(field="labels", op=Op.INCLUDES, value="vip")),
        none=(Test(field="labels", op=Op.INCLUDES, value="test"),),
    )
    rules = policy(target(resolution="1h", when=when))

    def applies(seats: float, *labels: str) -> bool:
        told = situation(facts={"seats": seats}, labels=frozenset(labels))
        return clocks(told, rules, START)[RESOLUTION].target is not None

    assert applies(100.0, "vip")
    assert not applies(99.0, "vip")
    assert not applies(501.0, "vip")
    assert not applies(100.0)
    assert not applies(100.0, "big", "test")


def test_the_calendar_may_follow_an_input() -> None:
    by_region = CalendarChoice(by="org.region", map={"de": "office"}, default="always")
    rules = policy(replace(target(resolution="8h"), calendar=by_region))
    assert clocks(situation(facts={"org.region": "de"}), rules, START)[RESOLUTION].calendar == "office"
    assert clocks(situation(facts={"org.region": "us"}), rules, START)[RESOLUTION].calendar == "always"
    assert clocks(situation(), rules, START)[RESOLUTION].calendar == "always"


def test_a_priority_without_a_target_clears_what_runs() -> None:
    read = clocks(situation(), policy(target(resolution="8h", priority=Priority.P1)), after("9d"))
    assert all(r.deadline is None and not r.breached and r.target is None for r in read.values())


# ---- a priority that rises -------------------------------------------------------------------------------------------

TWO = policy(
    target(first_response="15m", resolution="4h", priority=Priority.P1),
    target(first_response="1h", resolution="2d", priority=Priority.P2),
    target(first_response="10m", resolution="3h", priority=Priority.P3, variant="vip"),
    target(first_response="4h", resolution="3d", priority=Priority.P3),
)
SETTLED = EscalationState(
    priority=Priority.P2, priority_since=START, policy_hash="one", policy_since=START, decided_at=after("1h")
)


def test_a_rise_now_leaves_a_first_response_and_supersedes_what_it_passes() -> None:
    now = after("5h")
    read = clocks(situation(state=SETTLED), TWO, now, priority=Priority.P1)
    assert read[RESOLUTION].deadline == now + timedelta(minutes=15)
    assert read[RESOLUTION].cycle_start == START
    by_mark = {str(c.threshold.mark): c for c in read[RESOLUTION].crossings}
    assert "raised to P1" in by_mark["75%"].superseded
    assert not by_mark["100%"].superseded
    assert read[FIRST].deadline == now + timedelta(minutes=15)


def test_what_a_rise_extends_is_late_by_the_targets_own_length() -> None:
    """Half of the target after the deadline is 150 %, however long the ticket was open before."""
    rules = replace(TWO, sla=replace(TWO.sla, thresholds=marks("75%", "100%", "150%")))
    state = replace(SETTLED, priority=Priority.P1, priority_since=after("1d 5h"), decided_at=after("1d 5h"))
    told = situation(state=state)
    reading = clocks(told, rules, after("1d 5h 10m"), priority=Priority.P1)[RESOLUTION]
    assert reading.extended == timedelta(days=1, hours=5, minutes=15)
    assert (crossed_at(reading, "100%"), crossed_at(reading, "150%")) == (after("1d 5h 15m"), after("1d 7h 15m"))
    assert clocks(told, rules, after("1d 9h 15m"), priority=Priority.P1)[RESOLUTION].percent == 200
    lines = explain_lines(decide(replace(told, ticket=replace(told.ticket, priority=Priority.P1)), rules, START))
    assert "4h on 'always': 0 s = 0 %, due 13:00" in "\n".join(lines)
    late = explain_lines(decide(replace(told, ticket=replace(told.ticket, priority=Priority.P1)), rules, after("2d")))
    assert "resolution: 4h on 'always', extended to 1 d 5 h 15 min: 2 d = " in "\n".join(late)


def test_a_rise_is_remembered_by_the_moment_at_which_it_was_taken() -> None:
    state = replace(SETTLED, priority=Priority.P1, priority_since=after("5h"), decided_at=after("5h"))
    read = clocks(situation(state=state), TWO, after("5h 10m"), priority=Priority.P1)
    assert read[RESOLUTION].deadline == after("5h 15m")


def test_a_policy_loaded_after_a_rise_takes_nothing_of_its_time() -> None:
    state = replace(SETTLED, priority=Priority.P1, priority_since=after("5h"), policy_since=after("5h 5m"))
    read = clocks(situation(state=state), TWO, after("5h 10m"), priority=Priority.P1)
    assert read[RESOLUTION].deadline == after("5h 15m")


def test_a_rise_with_time_in_hand_takes_the_new_target_from_the_start() -> None:
    read = clocks(situation(state=SETTLED), TWO, after("1h"), priority=Priority.P1)
    assert read[RESOLUTION].deadline == after("4h")


def test_the_first_answer_of_all_is_no_rise() -> None:
    state = replace(SETTLED, priority=Priority.P1, priority_since=START, decided_at=after("1m"))
    assert clocks(situation(state=state), TWO, after("2m"), priority=Priority.P1)[FIRST].deadline == after("15m")
    assert clocks(situation(), TWO, after("2m"), priority=Priority.P1)[FIRST].deadline == after("15m")


def test_without_a_memory_the_history_tells_of_the_rise() -> None:
    rose = event(after("5h"), EventKind.PRIORITY, AGENT, before="P2", after="P1")
    fell = event(after("5h"), EventKind.PRIORITY, AGENT, before="P1", after="P2")
    assert clocks(situation(rose), TWO, after("6h"), priority=Priority.P1)[RESOLUTION].deadline == after("5h 15m")
    assert clocks(situation(fell), TWO, after("3d"), priority=Priority.P2)[RESOLUTION].deadline == after("2d")


def test_a_fall_supersedes_nothing_and_leaves_no_extra_time() -> None:
    fell_at = after("1d 23h30m")
    fell = event(fell_at, EventKind.PRIORITY, AGENT, before="P1", after="P2")
    state = replace(SETTLED, priority_since=fell_at, decided_at=fell_at)
    reading = clocks(situation(fell, state=state), TWO, after("3d"), priority=Priority.P2)[RESOLUTION]
    assert reading.deadline == after("2d")
    assert not any(c.superseded for c in reading.crossings)
    falling = clocks(situation(state=replace(SETTLED, priority=Priority.P1)), TWO, after("3d"))[RESOLUTION]
    assert not any(c.superseded for c in falling.crossings)
    unwritten = clocks(situation(state=state, priority=Priority.P1), TWO, after("3d"))[RESOLUTION]
    assert unwritten.deadline == after("2d")


def test_a_rise_before_a_cycle_began_has_no_say_in_it() -> None:
    rules = policy(target(first_response="1h", update="10m"))
    state = replace(SETTLED, priority_since=after("30m"))
    told = situation(says(after("20m")), says(after("2h"), CUSTOMER), state=state)
    assert clocks(told, rules, after("2h"))[UPDATE].deadline == after("2h 10m")


def test_faster_targets_leave_a_first_response_as_well() -> None:
    rules = replace(TWO, triggers=(Trigger(name="vip", when=When(), targets="vip"),))
    state = replace(SETTLED, priority=Priority.P3)
    now = after("5h")
    read = clocks(situation(state=state), rules, now, priority=Priority.P3, variant="vip")[RESOLUTION]
    assert read.deadline == now + timedelta(minutes=10)
    assert all(c.superseded for c in read.passed(now))
    kept = replace(state, variant="vip", variant_since=now, active_triggers=frozenset({"vip"}))
    later = clocks(situation(state=kept), rules, after("5h 5m"), priority=Priority.P3, variant="vip")[RESOLUTION]
    assert later.deadline == read.deadline


# ---- thresholds ------------------------------------------------------------------------------------------------------


def test_marks_are_shares_of_the_target_or_lead_times_in_open_time() -> None:
    rules = policy(target("office", resolution="10h"), thresholds=marks("75%", "150%", "-3h", clocks=[RESOLUTION]))
    reading = clocks(situation(), rules, START)[RESOLUTION]
    assert reading.deadline == at("2026-11-24T11:00")
    assert crossed_at(reading, "75%") == at("2026-11-23T16:30")
    assert crossed_at(reading, "before 10800s") == at("2026-11-23T16:00")
    assert crossed_at(reading, "150%") == at("2026-11-24T16:00")
    assert reading.next_at == at("2026-11-23T16:00")


def test_a_lead_time_longer_than_the_target_is_crossed_at_the_start() -> None:
    rules = policy(target(resolution="1h"), thresholds=marks("-2h", clocks=[RESOLUTION]))
    assert crossed_at(clocks(situation(), rules, START)[RESOLUTION], "before 7200s") == START


def test_another_policy_supersedes_every_mark_already_passed() -> None:
    now = after("7h")
    state = replace(SETTLED, policy_hash="older", decided_at=after("6h"))
    reading = clocks(situation(state=state), PLAIN, now)[RESOLUTION]
    assert [bool(c.superseded) for c in reading.crossings] == [True, False]
    on_the_mark = clocks(situation(state=state), PLAIN, after("6h"))[RESOLUTION]
    assert [bool(c.superseded) for c in on_the_mark.crossings] == [True, False]
    unchanged = clocks(situation(state=SETTLED), PLAIN, now)[RESOLUTION]
    assert not any(c.superseded for c in unchanged.crossings)


def said(*names: object) -> dict[tuple[str, Effect], Said]:
    return {(str(n), Effect.NOTES): Said(outcome=Outcome.DONE, at=START) for n in names}


def test_after_a_silence_only_the_highest_mark_speaks() -> None:
    rules = policy(target(resolution="1h"), thresholds=marks("50%", "75%", "100%", clocks=[RESOLUTION]))
    now = after("3h")
    reading = clocks(situation(), rules, now)[RESOLUTION]
    half, most, all_of_it = reading.passed(now)
    due = due_thresholds(reading, said(), now)
    assert due.speaks == all_of_it
    assert [c for c, _ in due.superseded] == [half, most]
    assert due_thresholds(reading, said(half.occasion), now).speaks == all_of_it
    quiet = due_thresholds(reading, said(all_of_it.occasion), now)
    assert quiet.speaks is None
    assert [c for c, _ in quiet.superseded] == [half, most]
    assert due_thresholds(reading, said(half.occasion, most.occasion, all_of_it.occasion), now).superseded == ()


def test_a_clock_that_was_met_meanwhile_says_nothing() -> None:
    reading = clocks(situation(says(after("90m"))), PLAIN, after("2h"))[FIRST]
    due = due_thresholds(reading, said(), after("2h"))
    assert due.speaks is None
    assert len(due.superseded) == 2
    assert "met at" in due.superseded[0][1]


# ---- before the history is in ----------------------------------------------------------------------------------------


def test_a_clock_is_provisional_until_the_history_is_in() -> None:
    told = situation(history=history(complete=False))
    assert all(r.provisional for r in clocks(told, PLAIN, after("1h")).values())
    assert not any(r.provisional for r in clocks(situation(), PLAIN, after("1h")).values())


def test_without_events_the_observed_status_holds_since_the_last_update() -> None:
    told = situation(history=history(complete=False), status=WAITING, updated_at=after("2h"))
    reading = clocks(told, PLAIN, after("5h"))[RESOLUTION]
    assert reading.paused
    assert reading.elapsed == timedelta(hours=2)


def test_with_the_whole_history_in_and_no_change_of_status_it_always_stood_so() -> None:
    told = situation(history=History(complete=True), status=WAITING, updated_at=after("2h"))
    assert clocks(told, PLAIN, after("5h"))[RESOLUTION].elapsed == timedelta()
    unread = situation(history=History(), status=WAITING, updated_at=after("2h"))
    assert clocks(unread, PLAIN, after("5h"))[RESOLUTION].elapsed == timedelta(hours=2)


def test_the_helpdesks_counters_stand_in_for_comments_not_read_yet() -> None:
    seen = Activity(public_replies=1, agent_at=after("30m"))
    told = situation(history=history(complete=False), activity=seen)
    assert clocks(told, PLAIN, after("2h"))[FIRST].met_at == after("30m")
    own = situation(history=history(says(after("30m"), OURS), complete=False), activity=seen)
    assert clocks(own, PLAIN, after("2h"))[FIRST].met_at is None
    assert clocks(situation(activity=seen), PLAIN, after("2h"))[FIRST].met_at is None


def test_what_is_still_to_come_does_not_count_yet() -> None:
    told = situation(says(after("3h")), status(after("4h"), Status.SOLVED))
    read = clocks(told, PLAIN, after("2h"))
    assert read[FIRST].met_at is None
    assert read[RESOLUTION].met_at is None


# ---- the helpdesk's own clock ----------------------------------------------------------------------------------------


def native(stage: NativeStage = NativeStage.RUNNING, clock: ClockName = RESOLUTION, **stated: object) -> NativeClock:
    return NativeClock(clock=clock, name="time to resolution", stage=stage, read_at=after("1h"), **stated)


NATIVE = policy(
    target("office", first_response="1h", resolution="8h"),
    source=SlaSource.HELPDESK,
    thresholds=marks("75%", "100%", "150%", "-30m"),
)


def test_a_deadline_alone_gives_lead_times_and_the_deadline_itself() -> None:
    told = situation(native=(native(breach_at=after("6h")),))
    reading = clocks(told, NATIVE, after("2h"))[RESOLUTION]
    assert reading.source is SlaSource.HELPDESK
    assert reading.deadline == after("6h")
    assert reading.drift == timedelta(hours=-2)
    assert crossed_at(reading, "100%") == after("6h")
    assert crossed_at(reading, "before 1800s") == after("5h 30m")
    assert crossed_at(reading, "75%") is None
    assert crossed_at(reading, "150%") is None
    assert reading.percent is None
    assert reading.next_at == after("5h 30m")


def test_a_stated_goal_places_percentages() -> None:
    stated = native(breach_at=after("4h"), goal=timedelta(hours=4), elapsed=timedelta(hours=1), started_at=START)
    reading = clocks(situation(native=(stated,)), NATIVE, after("2h"))[RESOLUTION]
    assert crossed_at(reading, "75%") == after("3h")
    assert crossed_at(reading, "150%") == after("6h")
    assert reading.percent == 50
    assert reading.elapsed == timedelta(hours=2)
    assert reading.cycle_start == START


def test_a_missing_deadline_follows_from_the_time_that_remains() -> None:
    stated = native(remaining=timedelta(hours=2))
    assert clocks(situation(native=(stated,)), NATIVE, after("2h"))[RESOLUTION].deadline == after("3h")
    late = native(NativeStage.BREACHED, remaining=timedelta(minutes=-30))
    reading = clocks(situation(native=(late,)), NATIVE, after("2h"))[RESOLUTION]
    assert reading.deadline == after("30m")
    assert reading.breached


@pytest.mark.parametrize(
    ("stage", "paused", "met"),
    [(NativeStage.PAUSED, True, False), (NativeStage.MET, False, True), (NativeStage.RUNNING, False, False)],
)
def test_the_stage_is_the_helpdesks(stage: NativeStage, paused: bool, met: bool) -> None:
    reading = clocks(situation(native=(native(stage, breach_at=after("6h")),)), NATIVE, after("2h"))[RESOLUTION]
    assert reading.paused is paused
    assert (reading.met_at is not None) is met
    assert (reading.deadline is None) is (paused or met)


def test_where_the_helpdesk_has_no_clock_ours_counts() -> None:
    told = situation(native=(native(NativeStage.NONE), native(clock=FIRST, breach_at=after("30m"))))
    read = clocks(told, NATIVE, after("10m"))
    assert read[RESOLUTION].source is SlaSource.OWN
    assert read[FIRST].source is SlaSource.HELPDESK
    assert clocks(told, PLAIN, after("10m"))[FIRST].source is SlaSource.OWN


def test_of_several_clocks_the_one_that_is_going_and_breaches_first_counts() -> None:
    told = situation(
        native=(
            native(NativeStage.MET, breach_at=after("1h")),
            native(breach_at=after("6h")),
            native(breach_at=after("5h")),
        )
    )
    assert clocks(told, NATIVE, after("2h"))[RESOLUTION].deadline == after("5h")


def test_marks_that_our_own_write_passes_in_the_helpdesks_clock_never_speak() -> None:
    written = {Field.PRIORITY: Applied(value="P1", at=after("3h"))}
    told = situation(native=(native(breach_at=after("3h 20m")),), applied=written)
    reading = clocks(told, NATIVE, after("3h 5m"))[RESOLUTION]
    lead = next(c for c in reading.crossings if c.threshold.mark.before)
    assert lead.at == after("2h 50m")
    assert "our own priority" in lead.superseded
    taken_over = {Field.PRIORITY: Applied(value="P1", at=after("3h"), baseline=True)}
    again = clocks(situation(native=told.ticket.native, applied=taken_over), NATIVE, after("3h 5m"))[RESOLUTION]
    assert not any(c.superseded for c in again.crossings)


RISEN = replace(SETTLED, priority=Priority.P1, priority_since=after("5h"), decided_at=after("5h"))
HELPDESKS = replace(TWO, sla=replace(TWO.sla, source=SlaSource.HELPDESK, thresholds=marks("75%", "100%", "150%")))


def test_a_rise_leaves_a_first_response_on_the_helpdesks_clock_too() -> None:
    """The helpdesk counts the stricter target from the ticket's start, so that it is breached with the rise."""
    stated = native(NativeStage.BREACHED, started_at=START, breach_at=after("4h"), goal=timedelta(hours=4))
    told = situation(state=RISEN, native=(stated,))
    reading = clocks(told, HELPDESKS, after("5h 10m"), priority=Priority.P1)[RESOLUTION]
    assert reading.deadline == after("5h 15m")
    assert not reading.breached
    by_mark = {str(c.threshold.mark): c for c in reading.crossings}
    assert "raised to P1" in by_mark["75%"].superseded
    assert (by_mark["100%"].at, by_mark["100%"].superseded) == (after("5h 15m"), "")
    assert (by_mark["150%"].at, by_mark["150%"].superseded) == (after("7h 15m"), "")
    assert clocks(told, HELPDESKS, after("5h 15m"), priority=Priority.P1)[RESOLUTION].breached


def test_the_share_of_an_extended_deadline_is_100_percent_at_it_on_the_helpdesks_clock_too() -> None:
    stated = native(NativeStage.BREACHED, started_at=START, breach_at=after("4h"), goal=timedelta(hours=4))
    told = situation(state=RISEN, native=(replace(stated, read_at=after("5h"), elapsed=timedelta(hours=5)),))
    shares = [
        clocks(told, HELPDESKS, after(moment), priority=Priority.P1)[RESOLUTION].percent
        for moment in ("5h 15m", "7h 15m", "9h 15m")
    ]
    assert shares == [100, 150, 200]
    reading = clocks(told, HELPDESKS, after("6h"), priority=Priority.P1)[RESOLUTION]
    assert reading.extended == timedelta(hours=5, minutes=15)


def test_a_rise_takes_nothing_from_a_later_deadline_of_the_helpdesks() -> None:
    told = situation(state=RISEN, native=(native(started_at=START, breach_at=after("6h")),))
    assert clocks(told, HELPDESKS, after("5h 10m"), priority=Priority.P1)[RESOLUTION].deadline == after("6h")


def test_the_time_that_a_rise_leaves_waits_while_the_ticket_does() -> None:
    paused = status(after("5h 5m"), WAITING), status(after("7h"), Status.OPEN, CUSTOMER)
    told = situation(*paused, state=RISEN, native=(native(started_at=START, breach_at=after("6h")),))
    assert clocks(told, HELPDESKS, after("7h"), priority=Priority.P1)[RESOLUTION].deadline == after("7h 10m")


def test_a_deadline_that_our_own_first_write_moves_into_the_past_is_due_a_first_response_later() -> None:
    written = {Field.PRIORITY: Applied(value="P1", at=after("5h"))}
    state = replace(SETTLED, priority=Priority.P1)
    told = situation(state=state, native=(native(breach_at=after("4h")),), applied=written)
    reading = clocks(told, HELPDESKS, after("5h 10m"), priority=Priority.P1)[RESOLUTION]
    whole = next(c for c in reading.crossings if c.threshold.mark.percent == 100)
    assert (whole.at, whole.superseded) == (after("5h 15m"), "")
    switched_on = replace(told, policy_since=after("4h 30m"))
    old = clocks(switched_on, HELPDESKS, after("6h"), priority=Priority.P1)[RESOLUTION]
    assert all(c.superseded for c in old.crossings if c.at is not None and c.at <= after("5h"))
    assert old.deadline == after("4h")
    ahead = situation(state=state, native=(native(breach_at=after("5h 5m")),), applied=written)
    assert clocks(ahead, HELPDESKS, after("5h 10m"), priority=Priority.P1)[RESOLUTION].deadline == after("5h 5m")


def test_a_deadline_that_our_write_moved_to_its_own_moment_was_missed_by_nobody() -> None:
    """The helpdesk stamps the breach a moment after the answer by which we know when we wrote."""
    written = {Field.PRIORITY: Applied(value="P1", at=after("5h"))}
    state = replace(SETTLED, priority=Priority.P1)
    told = situation(state=state, native=(native(breach_at=after("5h") + timedelta(seconds=1)),), applied=written)
    reading = clocks(told, HELPDESKS, after("5h 10m"), priority=Priority.P1)[RESOLUTION]
    assert not [c for c in reading.crossings if c.at is not None and c.at <= after("5h 10m") and not c.superseded]
    assert reading.deadline == after("5h 15m")


def test_a_priority_that_we_lower_supersedes_nothing_on_the_helpdesks_clock() -> None:
    fell = event(after("5h"), EventKind.PRIORITY, OURS, before="P1", after="P2")
    written = {Field.PRIORITY: Applied(value="P2", at=after("5h"))}
    told = situation(fell, state=SETTLED, native=(native(breach_at=after("4h")),), applied=written)
    reading = clocks(told, HELPDESKS, after("6h"))[RESOLUTION]
    assert reading.deadline == after("4h")
    assert not any(c.superseded for c in reading.crossings)


def test_a_helpdesks_cycle_needs_no_history_of_ours() -> None:
    bare = history(complete=False)
    named = situation(history=bare, native=(native(breach_at=after("6h"), started_at=START),))
    unnamed = situation(history=bare, native=(native(breach_at=after("6h")),))
    assert not clocks(named, NATIVE, after("1h"))[RESOLUTION].provisional
    assert clocks(unnamed, NATIVE, after("1h"))[RESOLUTION].provisional


def test_the_office_opens_on_the_monday_that_these_tests_begin() -> None:
    assert OFFICE.is_open(START)
    assert not OFFICE.is_open(START - timedelta(minutes=1))


class TestTwoClocksInExplain:
    def told(self, **stated: object) -> list[str]:
        seen = situation(native=(native(**stated),))
        return [line for line in explain_lines(decide(seen, NATIVE, after("2h"))) if line.strip()]

    def test_the_helpdesks_deadline_and_our_own_measure_stand_apart(self) -> None:
        lines = self.told(breach_at=after("6h"), goal=timedelta(hours=6), elapsed=timedelta(hours=2), started_at=START)
        (first,) = [n for n, line in enumerate(lines) if line.startswith("resolution:")]
        assert lines[first].startswith("resolution: deadline of the helpdesk's clock 'time to resolution', goal 6 h")
        assert lines[first + 1].startswith("  our own measure beside it, ")
        assert "the helpdesk's is" in lines[first + 1]
        assert lines[first + 2].startswith("  running")

    def test_a_goal_that_the_helpdesk_does_not_state_is_not_guessed(self) -> None:
        line = next(line for line in self.told(breach_at=after("6h")) if line.startswith("resolution:"))
        assert "goal not stated" in line
        assert "%" not in line.split("next")[0]
