"""What is done next with a write of unknown outcome: a pure function, so its whole table is tested."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.site import Effect
from connector.engine.next_step import (
    APART,
    BACK_OFF_TO,
    MOST_COPIES,
    QUARANTINE,
    Evidence,
    OpenRow,
    Step,
    is_dead,
    next_step,
)
from connector.ports import Guard, Presence

SENT = datetime(2026, 11, 23, 9, tzinfo=UTC)
SPOKEN = (Effect.NOTES, Effect.PUBLIC)

spans = st.integers(0, 600).map(lambda seconds: timedelta(seconds=seconds)) | st.timedeltas(
    min_value=timedelta(0), max_value=timedelta(days=2)
)
rows = st.builds(
    OpenRow,
    sent_at=st.just(SENT),
    audience=st.sampled_from([None, *SPOKEN]),
    resent=st.sampled_from([0, 0, 1, 2, 20]),
    absent_at=st.none() | spans.map(lambda span: SENT + span),
    ordered=st.booleans(),
)
evidence = st.builds(
    Evidence,
    presence=st.sampled_from(Presence),
    guard=st.sampled_from(Guard),
    at=spans.map(lambda span: SENT + span),
)


def absent(after: timedelta, guard: Guard = Guard.NONE) -> Evidence:
    return Evidence(presence=Presence.ABSENT, guard=guard, at=SENT + after)


@given(rows, evidence)
def test_what_is_found_is_done_and_nothing_else_is(row: OpenRow, seen: Evidence) -> None:
    assert (next_step(row, seen).step is Step.DONE) is (seen.presence is Presence.FOUND)


@given(rows, evidence)
def test_fields_alone_never_wait_and_are_never_parked(row: OpenRow, seen: Evidence) -> None:
    if row.audience is None:
        assert next_step(row, seen).step in {Step.DONE, Step.PLAN_AGAIN}


@given(rows, evidence)
def test_a_comment_is_sent_again_only_when_it_was_looked_for_and_not_there(row: OpenRow, seen: Evidence) -> None:
    """A person's order takes the place of a look that shows too little, never of one that shows the comment."""
    if next_step(row, seen).step is Step.RESEND:
        assert row.audience is not None
        assert seen.presence is Presence.ABSENT or (row.ordered and seen.presence is Presence.UNPROVABLE)
        assert seen.guard is not Guard.MOVED or row.ordered


@given(rows, evidence)
def test_where_nothing_is_compared_a_copy_needs_its_quarantine_and_two_looks_in_vain(
    row: OpenRow, seen: Evidence
) -> None:
    if next_step(row, seen).step is Step.RESEND and seen.guard is Guard.NONE and not row.ordered:
        assert row.audience is not None
        assert row.absent_at is not None
        assert row.resent < MOST_COPIES
        assert seen.at - row.sent_at >= QUARANTINE[row.audience]
        assert seen.at - row.absent_at >= APART >= timedelta(minutes=1)


@given(rows, evidence)
def test_what_waits_waits_for_a_moment_to_come(row: OpenRow, seen: Evidence) -> None:
    found = next_step(row, seen)
    assert (found.until is not None) is (found.step is Step.WAIT)
    if found.until is not None:
        assert seen.at < found.until
        latest = max(row.sent_at, row.absent_at or row.sent_at) + BACK_OFF_TO + APART
        assert found.until <= max(latest, seen.at + APART)


@given(rows, evidence)
def test_what_is_planned_again_or_parked_says_why(row: OpenRow, seen: Evidence) -> None:
    found = next_step(row, seen)
    assert bool(found.why) is (found.step in {Step.PLAN_AGAIN, Step.RESEND, Step.PARK})


@given(rows, st.sampled_from(Guard), spans)
def test_what_cannot_be_told_is_never_sent_by_itself(row: OpenRow, guard: Guard, after: timedelta) -> None:
    found = next_step(row, Evidence(presence=Presence.UNPROVABLE, guard=guard, at=SENT + after))
    may = Step.RESEND if row.ordered else Step.PARK
    assert found.step is (Step.PLAN_AGAIN if row.audience is None else may)


@given(rows, evidence)
def test_what_is_dead_has_outlived_its_quarantine_and_an_exchange(row: OpenRow, seen: Evidence) -> None:
    if row.audience is not None:
        assert is_dead(row, seen.at) is (seen.at - row.sent_at >= QUARANTINE[row.audience] + APART)


@given(rows, evidence)
def test_where_nothing_is_compared_what_may_be_sent_again_is_dead(row: OpenRow, seen: Evidence) -> None:
    if row.absent_at is None or row.audience is None or row.ordered:
        return
    looked = row.absent_at >= row.sent_at + QUARANTINE[row.audience]  # it is stored after the quarantine alone
    if looked and seen.guard is Guard.NONE and next_step(row, seen).step is Step.RESEND:
        assert is_dead(row, seen.at)


@given(st.sampled_from(SPOKEN), st.lists(st.integers(1, 400), max_size=40))
def test_looks_at_any_moments_come_to_an_end(audience: Effect, gaps: list[int]) -> None:
    """However often one looks, what is absent is sent once more after its time, and then parked."""
    row, at, sent = OpenRow(sent_at=SENT, audience=audience), SENT, 1
    for gap in [*gaps, *[400] * 6]:
        at += timedelta(seconds=gap)
        found = next_step(row, Evidence(presence=Presence.ABSENT, guard=Guard.NONE, at=at))
        if found.step is Step.PARK:
            break
        if found.step is Step.RESEND:
            sent += 1
            row = OpenRow(sent_at=at, audience=audience, resent=row.resent + 1)
        else:
            row = OpenRow(sent_at=row.sent_at, audience=audience, resent=row.resent, absent_at=found.absent_at)
    assert (found.step, sent) == (Step.PARK, 2)


@pytest.mark.parametrize(
    ("resent", "after", "step"),
    [
        pytest.param(0, 0, Step.RESEND, id="the first copy goes at once"),
        pytest.param(1, 9, Step.WAIT, id="the second waits"),
        pytest.param(1, 10, Step.RESEND, id="and goes"),
        pytest.param(5, 159, Step.WAIT, id="each waits twice as long"),
        pytest.param(5, 160, Step.RESEND, id="and goes then"),
        pytest.param(20, 299, Step.WAIT, id="but no longer than five minutes"),
        pytest.param(20, 300, Step.RESEND, id="and never gives up"),
    ],
)
def test_copies_under_compare_and_set(resent: int, after: int, step: Step) -> None:
    row = OpenRow(sent_at=SENT, audience=Effect.PUBLIC, resent=resent)
    assert next_step(row, absent(timedelta(seconds=after), Guard.STANDS)).step is step


@pytest.mark.parametrize(
    ("audience", "seconds"), [pytest.param(Effect.PUBLIC, 300, id="public"), pytest.param(Effect.NOTES, 60, id="note")]
)
def test_the_quarantine_to_the_second(audience: Effect, seconds: int) -> None:
    row = OpenRow(sent_at=SENT, audience=audience)
    early = next_step(row, absent(timedelta(seconds=seconds - 1)))
    assert (early.step, early.until, early.absent_at) == (Step.WAIT, SENT + timedelta(seconds=seconds), None)
    first = next_step(row, absent(timedelta(seconds=seconds)))
    assert (first.step, first.absent_at) == (Step.WAIT, SENT + timedelta(seconds=seconds))
    seen_once = OpenRow(sent_at=SENT, audience=audience, absent_at=first.absent_at)
    assert next_step(seen_once, absent(timedelta(seconds=seconds + 64))).step is Step.WAIT
    assert next_step(seen_once, absent(timedelta(seconds=seconds + 65))).step is Step.RESEND


def test_a_persons_order_needs_no_quarantine_but_a_look() -> None:
    row = OpenRow(sent_at=SENT, audience=Effect.PUBLIC, resent=1, ordered=True)
    assert next_step(row, absent(timedelta(seconds=1))).step is Step.RESEND
    found = Evidence(presence=Presence.FOUND, guard=Guard.NONE, at=SENT)
    assert next_step(row, found).step is Step.DONE
