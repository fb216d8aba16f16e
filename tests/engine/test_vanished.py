"""Tickets that are not shown any more: a few have ended, a share of a scope is a right that our account lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.bootstrap.asides import in_short, to_settle
from connector.domain.change import Write
from connector.errors import Rejected
from connector.helpdesks.memory.records import Row
from connector.ports import AlarmKind, Cursor, Page
from tests.engine.stage import MINUTE, MONDAY, Desk, Stage
from tests.engine.test_passes import OUTAGE, P1, opened
from tests.helpdesks.stopped_clock import StoppedClock

SWEEP = timedelta(hours=6)


def hide(desk: Desk, ids: list[str]) -> dict[str, Row]:
    """Hide tickets from our account without a trace; return them, to be shown again."""
    return {id_: desk.world.rows.pop(id_) for id_ in ids}


def sweep(stage: Stage) -> None:
    stage.clock.move(SWEEP)
    stage.run("desk")
    stage.clock.move(MINUTE)
    stage.run("desk")


class TestAScopeThatIsHidden:
    @pytest.fixture
    def ids(self, stage: Stage, desk: Desk) -> list[str]:
        hidden = opened(desk, 8, facts={}, scope="HR")
        opened(desk, 30, facts={}, scope="SUP")
        stage.run("desk")
        return hidden

    def test_nothing_of_it_ends_and_somebody_is_told_once(self, stage: Stage, desk: Desk, ids: list[str]) -> None:
        hide(desk, ids)
        for _ in range(3):
            sweep(stage)
        assert set(ids) <= stage.journal.known_open("desk")
        (alarm,) = [a for a in stage.ears.alarms if a.kind is AlarmKind.FREEZE]
        assert (alarm.kind, alarm.ticket) == (AlarmKind.FREEZE, "")
        assert "HR on desk are frozen: 8 of its 8 open tickets are not shown" in alarm.message

    def test_status_and_attention_say_so(self, stage: Stage, desk: Desk, ids: list[str]) -> None:
        hide(desk, ids)
        sweep(stage)
        items, now = stage.journal.aside("desk"), stage.clock.now()
        assert "HR: tickets not shown, frozen" in in_short(items, now=now)
        row = next(r for r in to_settle("desk", items, lambda _, id_: id_, now=now) if r["kind"] == "frozen")
        assert "8 of its 8 open tickets" in row["what"]
        assert row["command"].endswith("connector resume desk --allow 8")

    def test_with_its_rights_back_all_goes_on(self, stage: Stage, desk: Desk, ids: list[str]) -> None:
        hidden = hide(desk, ids)
        sweep(stage)
        desk.world.rows |= hidden
        desk.world.update(ids[0], facts=OUTAGE)
        stage.run("desk")
        assert desk.live(ids[0]).priority is not P1
        stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="op")
        stage.run("desk")
        assert desk.live(ids[0]).priority is P1
        assert stage.journal.aside("desk") == ()

    def test_a_number_says_that_they_are_really_gone(self, stage: Stage, desk: Desk, ids: list[str]) -> None:
        hide(desk, ids)
        sweep(stage)
        stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="op")
        stage.run("desk")
        assert set(ids) <= stage.journal.known_open("desk"), "a word without a number lets nothing end"
        stage.journal.resume("desk", allow=8, now=stage.clock.now(), actor="op")
        stage.run("desk")
        assert not stage.journal.known_open("desk").intersection(ids)

    def test_the_log_says_what_became_of_a_ticket(self, stage: Stage, desk: Desk, ids: list[str]) -> None:
        stage.clock.move(MINUTE)
        desk.world.delete(ids[0])
        stage.run("desk")
        hide(desk, ids[1:2])
        sweep(stage)
        lines = [e for e in stage.journal.records().events(site="desk", limit=1000) if e.kind == "gone"]
        assert [(e.ticket, e.data["why"].split(":")[0]) for e in lines] == [
            (ids[0], "deleted, or moved out of what the site looks after"),
            (ids[1], "not shown in two looks"),
        ]

    def test_a_view_that_shows_them_no_more_ends_none(self, stage: Stage, desk: Desk, ids: list[str]) -> None:
        changes = desk.reader.changes

        def without_them(cursor: Cursor) -> Iterator[Page]:
            for page in changes(cursor):
                yield replace(page, doubtful=tuple(ids))

        desk.reader.changes = without_them  # type: ignore[method-assign]
        stage.clock.move(MINUTE)
        stage.run("desk")
        hide(desk, ids)
        stage.clock.move(MINUTE)
        stage.run("desk")
        assert set(ids) <= stage.journal.known_open("desk")
        assert [alarm.kind for alarm in stage.ears.alarms] == [AlarmKind.FREEZE]

    def test_they_are_not_let_go_one_by_one(self, stage: Stage, desk: Desk, ids: list[str]) -> None:
        """The first of them is met by a write, hours before a sweep: others of its scope are looked at with it."""

        def not_shown(_write: Write) -> None:
            raise Rejected("it is not there", absent=True)

        stage.clock.move(MINUTE)
        desk.world.update(ids[0], facts=OUTAGE)
        desk.writer.before_send = not_shown
        stage.run("desk")
        hide(desk, ids)
        stage.clock.move(MINUTE)
        stage.run("desk")
        assert set(ids) <= stage.journal.known_open("desk")
        assert [alarm.kind for alarm in stage.ears.alarms] == [AlarmKind.FREEZE]


def shown_under(desk: Desk, key: str, ids: Sequence[str]) -> None:
    """From now on these tickets are shown under another key, which the site does not look after."""
    get = desk.reader.get

    def renamed(asked: Sequence[str]) -> Page:
        page, moved = get(asked), tuple(id_ for id_ in asked if id_ in ids)
        kept = tuple(o for o in page.observations if o.ticket.ref.id not in moved)
        gone = (*page.gone, *moved)
        return replace(page, observations=kept, gone=gone, elsewhere=moved, moved_to=dict.fromkeys(moved, key))

    desk.reader.get = renamed  # type: ignore[method-assign]


class TestAProjectWithAnotherKey:
    """The search goes on to take the old key, so nothing is missed but by the writes."""

    @pytest.fixture
    def ids(self, stage: Stage, desk: Desk) -> list[str]:
        found = opened(desk, 8, facts={}, scope="HR")
        opened(desk, 30, facts={}, scope="SUP")
        stage.run("desk")
        stage.clock.move(MINUTE)
        return found

    def met_by_a_write(self, stage: Stage, desk: Desk, id_: str) -> None:
        def moved(_write: Write) -> None:
            raise Rejected("it was moved out of the projects that are looked after", absent=True)

        desk.world.update(id_, facts=OUTAGE)
        desk.writer.before_send = moved
        stage.run("desk")
        stage.clock.move(MINUTE)
        stage.run("desk")

    def test_nothing_of_it_ends_and_somebody_is_told_of_the_new_key(
        self, stage: Stage, desk: Desk, ids: list[str]
    ) -> None:
        shown_under(desk, "PEOPLE", ids)
        for id_ in ids[:3]:
            self.met_by_a_write(stage, desk, id_)
        assert set(ids) <= stage.journal.known_open("desk")
        (alarm,) = [a for a in stage.ears.alarms if a.kind is AlarmKind.FREEZE]
        assert "HR on desk are frozen: 8 of its 8 open tickets are in PEOPLE now" in alarm.message
        assert "projects" in alarm.remedy
        assert "PEOPLE" in alarm.remedy

    def test_status_and_attention_say_so(self, stage: Stage, desk: Desk, ids: list[str]) -> None:
        shown_under(desk, "PEOPLE", ids)
        self.met_by_a_write(stage, desk, ids[0])
        items, now = stage.journal.aside("desk"), stage.clock.now()
        assert "HR: tickets are in PEOPLE now, frozen" in in_short(items, now=now)
        row = next(r for r in to_settle("desk", items, lambda _, id_: id_, now=now) if r["kind"] == "frozen")
        assert "projects" in row["command"]
        assert row["command"].endswith("connector resume desk --allow 8")

    def test_a_number_says_that_they_were_really_moved(self, stage: Stage, desk: Desk, ids: list[str]) -> None:
        shown_under(desk, "PEOPLE", ids)
        self.met_by_a_write(stage, desk, ids[0])
        stage.journal.resume("desk", allow=8, now=stage.clock.now(), actor="op")
        stage.run("desk")
        assert ids[0] not in stage.journal.known_open("desk")

    def test_half_of_a_project_may_be_moved(self, stage: Stage, desk: Desk, ids: list[str]) -> None:
        shown_under(desk, "PEOPLE", ids[:4])
        self.met_by_a_write(stage, desk, ids[0])
        assert ids[0] not in stage.journal.known_open("desk")
        assert [a for a in stage.ears.alarms if a.kind is AlarmKind.FREEZE] == []

    def test_two_tickets_may_be_moved_whatever_their_share(self, stage: Stage, desk: Desk) -> None:
        few = opened(desk, 2, facts={}, scope="IT")
        stage.run("desk")
        stage.clock.move(MINUTE)
        shown_under(desk, "PEOPLE", few)
        self.met_by_a_write(stage, desk, few[0])
        assert few[0] not in stage.journal.known_open("desk")


@settings(max_examples=min(10, settings().max_examples // 5), deadline=None)
@given(known=st.integers(1, 50), share=st.fractions(0, 1))
def test_what_ends_is_a_few_tickets_or_a_small_share(empty_state: Path, known: int, share: Fraction) -> None:
    desk = Desk("desk", StoppedClock(MONDAY))
    stage = Stage(empty_state, desk, clock=desk.world.clock)  # type: ignore[arg-type]
    try:
        ids = opened(desk, known, facts={}, scope="HR")
        stage.run("desk")
        lost = ids[: int(known * share)]
        hide(desk, lost)
        sweep(stage)
        is_few = len(lost) <= 2 or len(lost) * 5 <= known
        assert set(ids) - stage.journal.known_open("desk") == (set(lost) if is_few else set())
    finally:
        stage.close()
