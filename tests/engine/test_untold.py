"""What passes do where the helpdesk answers everything but tells no histories: of all tickets, or of one of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.bootstrap.asides import in_short
from connector.bootstrap.reports import attention_items
from connector.domain.ticket import Status
from connector.engine.history_trouble import MOST_SUSPECTS, in_turn, note_trouble, standing
from connector.engine.passes import PassOutcome
from connector.errors import (
    Conflict,
    Denied,
    HelpdeskError,
    Malformed,
    NotSent,
    Rejected,
    Throttled,
    Unavailable,
    Unknown,
)
from connector.helpdesks.memory import AGENT
from connector.ports import AsideKind, SetAside
from tests.engine.stage import MINUTE, MONDAY, SECOND, Desk, Stage
from tests.engine.test_passes import P1, P3, P4, opened
from tests.engine.test_unread import touched
from tests.helpdesks.stopped_clock import StoppedClock

WHY = "GET audits: unknown, status 500"


def unavailable(cause: HelpdeskError | None = None, *, rest: timedelta | None = None) -> Unavailable:
    """Return what a read ends with after its retries."""
    error = Unavailable(WHY, retry_after=rest)
    error.__cause__ = cause
    return error


ALONE: dict[str, HelpdeskError] = {
    "an error of its own": unavailable(Unknown(WHY)),
    "refused": Rejected(WHY),
    "a conflict": Conflict(WHY),
    "unreadable": Malformed(WHY),
}
SOME = ("an error of its own", "refused")
"""What a quick run tries at length: a failure that may pass, and an answer that says no."""
IN_TURN = pytest.mark.parametrize(
    "error",
    [pytest.param(error, id=of, marks=() if of in SOME else pytest.mark.full) for of, error in ALONE.items()],
)
WHOLE: dict[str, HelpdeskError] = {
    "nobody listens": unavailable(NotSent("refuses the connection")),
    "left alone": unavailable(Throttled(WHY, retry_after=MINUTE), rest=MINUTE),
    "not let in": Denied("the credentials are not accepted", about="credentials"),
}


@pytest.fixture
def known(stage: Stage, desk: Desk) -> Stage:
    """A site that has been read once and has nothing to recall."""
    stage.run("desk")
    return stage


def untold(desk: Desk, error: HelpdeskError = ALONE["an error of its own"], *ids: str) -> None:
    """From now on the helpdesk fails to tell these histories, or all of them."""
    desk.world.history_fault = lambda id_: error if not ids or id_ in ids else None


def told(desk: Desk) -> None:
    desk.world.history_fault = lambda _: None


def passes(stage: Stage, count: int = 1, *, every: timedelta = 10 * SECOND) -> list[PassOutcome]:
    outcomes = []
    for _ in range(count):
        stage.clock.move(every)
        outcomes.append(stage.run("desk").outcome)
    return outcomes


def trouble(stage: Stage) -> list[dict[str, Any]]:
    """Return the rows of ``attention`` that say that histories cannot be read."""
    rows = attention_items(stage.journal.records(), ["desk"], now=stage.clock.now())
    return [row for row in rows if "histories" in row["what"]]


@IN_TURN
class TestNoneIsTold:
    def test_what_waits_for_no_history_is_raised_as_ever(self, known: Stage, desk: Desk, error: HelpdeskError) -> None:
        untold(desk, error)
        (id_,) = opened(desk)
        assert passes(known, 3) == [PassOutcome.OK] * 3
        assert desk.live(id_).priority is P1

    def test_what_may_be_a_persons_choice_waits_and_is_told(
        self, known: Stage, desk: Desk, error: HelpdeskError
    ) -> None:
        untold(desk, error)
        (id_,) = opened(desk)
        known.clock.move(20 * SECOND)
        desk.world.update(id_, AGENT, status=Status.OPEN)
        passes(known, 20, every=MINUTE)
        assert desk.live(id_).priority is P3
        (alarm,) = known.ears.alarms
        assert "waits since" in alarm.message
        passes(known, 50, every=MINUTE)
        assert desk.live(id_).priority is P1, "nothing keeps a P1 down for longer than an hour"

    def test_what_failed_is_asked_for_by_a_short_try(self, known: Stage, desk: Desk, error: HelpdeskError) -> None:
        """A helpdesk that only lets us wait would hold each pass for minutes, and with it all that needs no history."""
        id_ = touched(desk)
        untold(desk, error)
        passes(known)
        assert desk.world.probes == []
        passes(known, 90, every=MINUTE)
        assert desk.world.probes != []
        assert set(desk.world.probes) <= {id_, *known.journal.read_last("desk", limit=10)}

    def test_it_is_said_why_and_goes_when_they_are_told_again(
        self, known: Stage, desk: Desk, error: HelpdeskError
    ) -> None:
        id_ = touched(desk)
        untold(desk, error)
        passes(known)
        (row,) = trouble(known)
        assert WHY in row["what"]
        assert in_short(known.journal.aside("desk"), now=known.clock.now()) == ("histories cannot be read",)
        assert WHY in str(known.ears.heard("histories_untold")[-1]["why"])
        told(desk)
        passes(known, 2, every=5 * MINUTE)
        assert trouble(known) == []
        assert known.stored("desk", id_).history.complete
        assert desk.live(id_).priority is P4, "it was a person's choice"

    def test_a_second_pass_changes_nothing(self, known: Stage, desk: Desk, error: HelpdeskError) -> None:
        touched(desk)
        untold(desk, error)
        passes(known)
        rows = known.rows()
        known.run("desk")
        assert known.rows() == rows


@IN_TURN
def test_where_none_is_told_it_is_asked_again_with_the_next_pass_and_then_less_often(
    known: Stage, desk: Desk, error: HelpdeskError
) -> None:
    untold(desk, error)
    for _ in range(3):
        touched(desk)
    asked = []
    for _ in range(120):
        before = desk.world.requests["history"]
        passes(known)
        asked.append(desk.world.requests["history"] - before)
    assert asked[:2] == [1, 1]
    assert max(asked) == 1, "one probe a pass is enough"
    assert 5 <= sum(asked) <= 10, "twenty minutes of a site that is polled every ten seconds"


@pytest.mark.parametrize("error", WHOLE.values(), ids=WHOLE)
def test_what_concerns_the_whole_site_ends_its_pass(known: Stage, desk: Desk, error: HelpdeskError) -> None:
    touched(desk)
    untold(desk, error)
    (outcome,) = passes(known)
    assert outcome is (PassOutcome.DENIED if isinstance(error, Denied) else PassOutcome.FAILED)


def test_where_they_ask_to_be_left_alone_the_rest_is_served_once_that_is_over(known: Stage, desk: Desk) -> None:
    """A wish is the whole site's as long as nobody knows better; repeated for ever it must not keep a P1 down."""
    untold(desk, WHOLE["left alone"])
    touched(desk)
    (id_,) = opened(desk)
    passes(known, 8)
    assert desk.live(id_).priority is P1


class TestOneIsNotTold:
    def test_the_others_have_theirs(self, known: Stage, desk: Desk) -> None:
        bad, *others = (touched(desk) for _ in range(4))
        untold(desk, unavailable(Unknown(WHY)), bad)
        passes(known, 3)
        assert all(known.stored("desk", id_).history.complete for id_ in others)

    def test_it_is_given_up_where_others_are_told(self, known: Stage, desk: Desk) -> None:
        bad = touched(desk)
        untold(desk, unavailable(Unknown(WHY)), bad)
        for _ in range(20):
            touched(desk)
            passes(known, 1, every=5 * MINUTE)
        assert known.stored("desk", bad).history.unreadable
        assert desk.live(bad).priority is P1, "a history that cannot be read keeps nothing from being raised"
        assert trouble(known) == []

    def test_it_is_given_up_where_no_other_waits_for_its_history(self, known: Stage, desk: Desk) -> None:
        """On a quiet site what others' histories tell has to be asked for: those that are in could be read."""
        bad, *others = (touched(desk) for _ in range(2))
        passes(known, 2, every=MINUTE)
        untold(desk, ALONE["an error of its own"], bad)
        desk.world.update(bad, AGENT, priority=P3)
        before = desk.world.requests["history"]
        passes(known, 20, every=5 * MINUTE)
        assert known.stored("desk", bad).history.unreadable
        assert trouble(known) == []
        assert all(known.stored("desk", id_).history.complete for id_ in others)
        assert desk.world.requests["history"] - before <= 20, "others are asked about only to settle it"

    def test_it_keeps_no_site_silent_that_has_lost_its_state(self, known: Stage, desk: Desk) -> None:
        _, bad = (touched(desk) for _ in range(2))
        passes(known, 2, every=MINUTE)
        known.lose_state("it was deleted")
        desk.world.histories_left = 1
        passes(known, 1)
        desk.world.histories_left = None
        untold(desk, ALONE["an error of its own"], bad)
        passes(known, 20, every=5 * MINUTE)
        assert known.journal.open_site("desk", fingerprint=desk.rules.fingerprint).recall.is_over

    def test_none_is_given_up_while_none_is_told(self, known: Stage, desk: Desk) -> None:
        """Neither that which waits nor those that are in: it is the helpdesk's trouble."""
        waits, _ = (touched(desk) for _ in range(2))
        passes(known, 2, every=MINUTE)
        untold(desk)
        desk.world.update(waits, AGENT, priority=P3)
        passes(known, 30, every=5 * MINUTE)
        assert not known.stored("desk", waits).history.unreadable
        assert trouble(known)

    def test_many_are_given_up_as_one_is(self, known: Stage, desk: Desk) -> None:
        """However many always fail, none is forgotten while the others are asked about."""
        good, *bad = [touched(desk) for _ in range(24)]
        untold(desk, unavailable(Unknown(WHY)), *bad)
        for n in range(150):
            desk.world.update(good, AGENT, priority=(P3, P4)[n % 2])
            passes(known, 1, every=MINUTE)
        assert all(known.stored("desk", id_).history.unreadable for id_ in bad)
        assert trouble(known) == []

    def test_half_an_hour_of_it_overrules_nobody(self, known: Stage, desk: Desk) -> None:
        """What a helpdesk fails to tell for a while may be a person's choice; others are read meanwhile."""
        bad = touched(desk)
        untold(desk, unavailable(Unknown(WHY)), bad)
        for _ in range(60):
            touched(desk)
            passes(known, 1, every=MINUTE / 2)
        told(desk)
        passes(known, 6, every=MINUTE)
        assert known.stored("desk", bad).history.complete
        assert desk.live(bad).priority is P4

    def test_it_is_asked_about_less_and_less_often(self, known: Stage, desk: Desk) -> None:
        bad = touched(desk)
        asked = [0]

        def fault(id_: str) -> HelpdeskError | None:
            asked[0] += id_ == bad
            return ALONE["an error of its own"] if id_ == bad else None

        desk.world.history_fault = fault
        for _ in range(80):
            touched(desk)
            passes(known)
        assert 5 <= asked[0] <= 12, "in forty minutes of eighty passes"

    def test_of_none_that_is_waited_for_nothing_is_told(self, known: Stage, desk: Desk) -> None:
        bad = touched(desk)
        untold(desk, ALONE["an error of its own"], bad)
        passes(known)
        assert trouble(known)
        desk.world.update(bad, AGENT, status=Status.SOLVED)
        passes(known, 2, every=5 * MINUTE)
        assert trouble(known) == []

    def test_what_is_known_to_fail_is_bounded_and_never_lost_for_another(self, known: Stage, desk: Desk) -> None:
        site, around, now = desk.reading, known.around, known.clock.now()
        names = [str(n) for n in range(MOST_SUSPECTS + 2)]

        def fails(ticket: str, *told: str, settled: bool = False) -> list[tuple[str, ...]]:
            trouble = standing(site, around)
            note_trouble(site, around, trouble, ALONE["refused"], ticket=ticket, told=told, is_settled=settled)
            return list(in_turn(names, standing(site, around), now + MINUTE))

        at = int(now.timestamp())
        known_bad = " ".join(f"{at}.{at}-{name}" for name in names[:-2])
        item = SetAside(kind=AsideKind.HISTORIES, why=WHY, since=now, bindings=known_bad)
        around.asides.set_aside("desk", (item,))
        *first, second_last, last = fails(names[-2])
        assert first == [(name,) for name in names[:-2]], "those that are known have their turn before a new one"
        assert (second_last, last) == ((names[-2],), (names[-1],))
        first = fails(names[0], settled=True)
        assert first[0] == (names[0],), "it is not known any more, and there is room again"
        assert first[-1] == (names[-3],)
        fails(names[-2])
        known.clock.move(timedelta(days=2))
        fails(names[-1])
        found = standing(site, around)
        assert found is not None
        told = [each.split("-", 1)[1] for each in found.bindings.split()]
        assert told == [
            *names[2:],
        ], "one that nobody waits for makes room"

    @settings(max_examples=max(6, settings().max_examples // 20), deadline=None)
    @given(bad=st.sets(st.integers(0, 11), max_size=5), count=st.integers(6, 12))
    def test_whichever_are_bad_every_other_is_read_soon(self, empty_state: Path, bad: set[int], count: int) -> None:
        clock = StoppedClock(MONDAY)
        desk = Desk("desk", clock)
        stage = Stage(empty_state, desk, clock=clock)
        try:
            stage.run("desk")
            ids = [touched(desk) for _ in range(count)]
            broken = {ids[n] for n in bad if n < count}
            desk.world.history_fault = lambda id_: unavailable(Unknown(WHY)) if id_ in broken else None
            assert set(passes(stage, 20, every=2 * MINUTE)) == {PassOutcome.OK}
            unread = {id_ for id_ in ids if not stage.stored("desk", id_).history.complete}
            assert unread == broken
        finally:
            stage.close()


def test_a_resume_asks_at_once(known: Stage, desk: Desk) -> None:
    id_ = touched(desk)
    untold(desk)
    passes(known, 20)
    assert [item.kind for item in known.journal.aside("desk")] == [AsideKind.HISTORIES]
    told(desk)
    known.journal.resume("desk", allow=0, now=known.clock.now(), actor="op")
    known.run("desk")
    assert known.stored("desk", id_).history.complete
