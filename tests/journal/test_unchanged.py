"""What is stored just so is told by one query; anything that a person could have changed is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connector.domain.ticket import ClockName, NativeClock, NativeStage, Priority, Text, Ticket
from connector.journal.sql import SqlJournal
from connector.ports import Candidate, Page
from tests.journal.samples import NOW, SITE, ticket

_CLOCK = NativeClock(
    clock=ClockName.RESOLUTION, name="Time to resolution", stage=NativeStage.RUNNING, read_at=NOW, breach_at=NOW
)


def _stored(journal: SqlJournal, *tickets: Ticket) -> None:
    page = Page(observations=(), cursor="c1")
    journal.store_page(SITE, [Candidate(ticket=each) for each in tickets], page=page, now=NOW)


def test_the_same_facts_are_unchanged_whatever_their_text_and_moving_readings(journal: SqlJournal) -> None:
    before = ticket("7", native=(_CLOCK,))
    _stored(journal, before)
    moved = replace(_CLOCK, read_at=NOW + timedelta(hours=1), elapsed=timedelta(hours=1), remaining=timedelta())
    again = replace(before, native=(moved,), text=Text(subject="seen again"))
    assert journal.unchanged(SITE, [again]) == {"7"}


def test_any_other_difference_is_a_change_and_so_is_the_unknown(journal: SqlJournal) -> None:
    before = ticket("7", native=(_CLOCK,))
    _stored(journal, before)
    others = (
        replace(before, version="another"),
        replace(before, priority=Priority.P1),
        replace(before, facts={"impact": "site"}),
        replace(before, native=()),
        replace(before, native=(replace(_CLOCK, stage=NativeStage.BREACHED),)),
    )
    assert [journal.unchanged(SITE, [other]) for other in others] == [frozenset()] * len(others)
    assert journal.unchanged(SITE, [ticket("8"), before]) == {"7"}
