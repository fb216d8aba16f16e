"""What must hold for every ticket's clocks."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from connector.domain.calendar_hours import Span
from connector.domain.clocks import ClockReading, SegmentKind
from connector.domain.events import EventKind, TicketEvent
from connector.domain.policy import Policy, Reopen, ReopenThen, SlaSource
from connector.domain.situation import EscalationState, Situation
from connector.domain.ticket import ClockName, NativeClock, NativeStage, Priority, Status
from tests.domain.sla_values import (
    AGENT,
    CUSTOMER,
    FIRST,
    OURS,
    RESOLUTION,
    ROBOT,
    SOMEBODY,
    START,
    clocks,
    history,
    marks,
    policy,
    says,
    situation,
    status,
    target,
)

COUNTING = (SegmentKind.RUNNING, SegmentKind.MAX_PAUSE)
MINUTE = timedelta(minutes=1)
minutes = st.integers(0, 20_000).map(lambda n: START + n * MINUTE)
actors = st.sampled_from((AGENT, CUSTOMER, OURS, ROBOT, SOMEBODY))
FIXED = (FIRST, RESOLUTION)
"""The clocks whose first cycle begins with the ticket."""
spans = st.sampled_from(("10m", "1h", "8h", "1d", "3d"))


@st.composite
def events(draw: st.DrawFn) -> TicketEvent:
    """One event at a whole minute within two weeks; reactions among them."""
    at, actor, reaction = draw(minutes), draw(actors), draw(st.booleans()) and draw(st.booleans())
    if draw(st.booleans()):
        return says(at, actor, public=draw(st.booleans()), reaction=reaction)
    return status(at, draw(st.sampled_from(tuple(Status))), actor, reaction=reaction)


@st.composite
def policies(draw: st.DrawFn, **fixed: object) -> Policy:
    """One target for the three clocks, with any rule for pauses and reopenings."""
    aim = target(draw(st.sampled_from(("always", "office"))), **{c: draw(spans) for c in ClockName})
    then = st.sampled_from(tuple(ReopenThen))
    reopen = Reopen(
        within=Span.parse(draw(spans)),
        then=draw(then),
        after=draw(then),
        ignore_shorter_than=draw(st.sampled_from((timedelta(), timedelta(minutes=30)))),
    )
    rules = {
        "reopen": reopen,
        "max_pause": draw(st.sampled_from((None, Span(days=1), Span.parse("2h")))),
        "thresholds": marks("50%", "75%", "100%", "150%", "-30m"),
        "pause_on": frozenset(draw(st.sets(st.sampled_from((Status.WAITING_CUSTOMER, Status.ON_HOLD))))),
    }
    return policy(aim, **{**rules, **fixed})


logs = st.lists(events(), max_size=8)


def told_until(log: list[TicketEvent], now: datetime) -> Situation:
    return situation(history=history(*log).until(now))


@given(logs, policies(), minutes)
def test_segments_are_gapless_and_hold_the_time_used(log: list[TicketEvent], rules: Policy, now: datetime) -> None:
    for reading in clocks(told_until(log, now), rules, now).values():
        calendar = rules.calendars[reading.calendar]
        ends = [s.end for s in reading.segments]
        assert [s.start for s in reading.segments] == [reading.cycle_start, *ends[:-1]][: len(ends)]
        assert not ends or ends[-1] == (reading.met_at or now)
        assert sum((s.business for s in reading.segments), timedelta()) == reading.elapsed
        for s in reading.segments:
            counted = calendar.elapsed(s.start, s.end) if s.kind in COUNTING else timedelta()
            assert s.business == counted


@given(logs, policies(), minutes)
def test_a_paused_met_or_finished_clock_has_no_deadline(log: list[TicketEvent], rules: Policy, now: datetime) -> None:
    told = told_until(log, now)
    for reading in clocks(told, rules, now).values():
        if reading.paused or reading.met_at:
            assert reading.deadline is None
        assert not (reading.paused and reading.met_at)


@given(logs, policies(), minutes, st.integers(1, 5000))
def test_nothing_changes_by_itself_before_the_next_instant(
    log: list[TicketEvent], rules: Policy, now: datetime, later: int
) -> None:
    told = told_until(log, now)
    for clock, reading in clocks(told, rules, now).items():
        assert reading.next_at is None or reading.next_at > now
        moment = now + later * MINUTE
        if reading.next_at:
            moment = min(moment, reading.next_at - timedelta(microseconds=1))
        assert _standing(clocks(told, rules, moment)[clock], moment) == _standing(reading, now)


def _standing(reading: ClockReading, now: datetime) -> tuple[object, ...]:
    """What others act on: everything but the running minutes."""
    passed = tuple(str(c.occasion) for c in reading.passed(now))
    return (reading.cycle_start, reading.deadline, reading.paused, reading.met_at, reading.breached, passed)


@given(logs, policies(), minutes, minutes)
def test_crossings_do_not_depend_on_when_one_asks(
    log: list[TicketEvent], rules: Policy, one: datetime, other: datetime
) -> None:
    early, late = sorted((one, other))
    told = told_until(log, early)
    for clock, reading in clocks(told, rules, early).items():
        again = clocks(told, rules, late)[clock]
        if again.cycle_start != reading.cycle_start or again.met_at != reading.met_at:
            continue
        for before, after in zip(reading.crossings, again.crossings, strict=True):
            if before.at is not None:
                assert after.at == before.at


@given(logs, policies(), minutes)
def test_a_crossing_is_the_instant_at_which_its_share_is_used(
    log: list[TicketEvent], rules: Policy, now: datetime
) -> None:
    told = told_until(log, now)
    for clock, reading in clocks(told, rules, now).items():
        at = {str(c.threshold.mark): c.at for c in reading.crossings}
        order = [at["50%"], at["75%"], at["100%"], at["150%"]]
        reached = [a for a in order if a is not None]
        assert reached == sorted(reached)
        assert order[: len(reached)] == reached
        if reading.deadline is not None:
            assert at["100%"] == reading.deadline
            assert reading.breached == (reading.deadline <= now)
        if at["50%"] and at["50%"] <= now and not reading.met_at:
            assert reading.percent is not None
            assert reading.percent >= 50 - 1e-6
        assert clock is reading.clock


@given(logs, policies(), minutes, st.lists(events(), max_size=4))
def test_what_we_do_ourselves_changes_no_clock(
    log: list[TicketEvent], rules: Policy, now: datetime, ours: list[TicketEvent]
) -> None:
    comments = [says(e.at, OURS, public=True) for e in ours]
    robots = [says(e.at, ROBOT, public=True, reaction=True) for e in ours]
    plain = situation(history=history(*log).until(now))
    with_ours = situation(history=history(*log, *comments, *robots).until(now), updated_at=plain.ticket.updated_at)
    assert clocks(with_ours, rules, now) == clocks(plain, rules, now)


@given(minutes, st.integers(1, 3000), policies(max_pause=None, pause_on=frozenset({Status.WAITING_CUSTOMER})))
def test_a_pause_of_open_time_moves_the_deadline_by_just_that(began: datetime, length: int, rules: Policy) -> None:
    ended = began + length * MINUTE
    now = ended + MINUTE
    plain = clocks(situation(), rules, now)[RESOLUTION]
    asked = situation(status(began, Status.WAITING_CUSTOMER), status(ended, Status.OPEN, CUSTOMER))
    paused = clocks(asked, rules, now)[RESOLUTION]
    calendar = rules.calendars[plain.calendar]
    assert plain.deadline
    assert paused.deadline
    assert paused.elapsed == plain.elapsed - calendar.elapsed(began, ended)
    if plain.deadline > began:
        assert calendar.elapsed(plain.deadline, paused.deadline) == calendar.elapsed(began, ended)
    else:
        assert paused.deadline == plain.deadline


@given(logs, policies(), minutes, minutes)
def test_a_rise_leaves_at_least_a_first_response_and_keeps_start_and_pauses(
    log: list[TicketEvent], rules: Policy, rose_at: datetime, now: datetime
) -> None:
    state = EscalationState(
        priority=Priority.P2, priority_since=rose_at, policy_hash=rules.hash, policy_since=START, decided_at=rose_at
    )
    told = told_until(log, now)
    before = clocks(told, rules, now)
    span = rules.sla.targets[0].durations[FIRST]
    raised = Situation(ticket=told.ticket, rules=told.rules, history=told.history, state=state)
    for clock, reading in clocks(raised, rules, now).items():
        calendar = rules.calendars[reading.calendar]
        least = calendar.elapsed(rose_at, calendar.deadline(rose_at, span))
        assert reading.cycle_start == before[clock].cycle_start
        assert reading.segments == before[clock].segments
        plain = before[clock].deadline
        if reading.deadline and plain:
            assert reading.deadline >= plain
            if START < rose_at <= now and reading.cycle_start < rose_at:
                assert _used(reading, reading.deadline, now, rules) - _used(reading, rose_at, now, rules) >= least
        for crossing in reading.crossings:
            if crossing.at and crossing.at <= rose_at <= now and rose_at > START:
                assert crossing.superseded


@given(minutes, policies())
def test_a_clock_shows_a_marks_percentage_at_the_mark_also_after_a_rise(rose_at: datetime, rules: Policy) -> None:
    state = EscalationState(
        priority=Priority.P2, priority_since=rose_at, policy_hash=rules.hash, policy_since=START, decided_at=rose_at
    )
    told = situation(state=state)
    for clock, reading in clocks(told, rules, rose_at).items():
        promised = rules.sla.targets[0].durations[clock]
        calendar = rules.calendars[reading.calendar]
        length = calendar.elapsed(START, calendar.deadline(START, promised))
        at = {c.threshold.mark.percent: c.at for c in reading.crossings if c.threshold.mark.percent}
        for percent, crossed_at in at.items():
            if crossed_at and crossed_at >= rose_at:
                shown = clocks(told, rules, crossed_at)[clock].percent
                assert shown is not None
                assert abs(shown - percent) < 1e-6
        assert at[100]
        assert at[150]
        assert abs(calendar.elapsed(at[100], at[150]) - length / 2) < timedelta(milliseconds=1)


@given(minutes, minutes, minutes, st.sampled_from((None, timedelta(hours=4))), policies(source=SlaSource.HELPDESK))
def test_a_rise_leaves_at_least_a_first_response_on_the_helpdesks_clock(
    breach_at: datetime, rose_at: datetime, now: datetime, goal: timedelta | None, rules: Policy
) -> None:
    """Wherever the helpdesk puts its deadline: the mark at it is still to come at the rise, and is never lost."""
    assume(START < rose_at <= now)
    state = EscalationState(
        priority=Priority.P2, priority_since=rose_at, policy_hash=rules.hash, policy_since=START, decided_at=rose_at
    )
    stage = NativeStage.BREACHED if breach_at <= now else NativeStage.RUNNING
    seen = tuple(NativeClock(clock=c, name=c, stage=stage, read_at=now, breach_at=breach_at, goal=goal) for c in FIXED)
    for clock, reading in clocks(situation(state=state, native=seen), rules, now).items():
        calendar = rules.calendars[reading.calendar]
        if clock in FIXED:
            least = calendar.elapsed(rose_at, calendar.deadline(rose_at, rules.sla.targets[0].durations[FIRST]))
            assert reading.deadline
            assert reading.deadline >= breach_at
            left = calendar.elapsed(rose_at, reading.deadline)
            assert left == least or (left > least and reading.deadline == breach_at)
            assert reading.breached is (reading.deadline <= now)
            at = {str(c.threshold.mark): c for c in reading.crossings}
            assert at["100%"].at == reading.deadline
            assert not at["100%"].superseded
            assert at["150%"].at is None or at["150%"].at > reading.deadline


def _used(reading: ClockReading, at: datetime, now: datetime, rules: Policy) -> timedelta:
    """Time used at an instant, if nothing happens after `now`."""
    calendar = rules.calendars[reading.calendar]
    parts = (calendar.elapsed(s.start, min(s.end, at)) for s in reading.segments if s.kind in COUNTING and s.start < at)
    return sum(parts, timedelta()) + (calendar.elapsed(now, at) if at > now else timedelta())


@given(logs, minutes)
def test_without_a_target_nothing_is_ever_late(log: list[TicketEvent], now: datetime) -> None:
    for reading in clocks(told_until(log, now), policy(), now).values():
        assert reading.target is None
        assert reading.deadline is None
        assert not reading.breached
        assert reading.crossings == ()
        assert reading.percent is None


@given(logs, policies(), minutes)
def test_the_first_response_never_restarts(log: list[TicketEvent], rules: Policy, now: datetime) -> None:
    reading = clocks(told_until(log, now), rules, now)[FIRST]
    assert reading.cycle_start == START
    answers = [e.at for e in log if e.kind is EventKind.COMMENT and e.actor is AGENT and e.public and not e.reaction]
    assert reading.met_at == min((a for a in answers if START < a <= now), default=None)
