"""Writes of our own account that the state knows nothing of, and what is none of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from connector.domain.marks import Mark, ref_of
from connector.domain.ticket import TicketRef
from connector.journal.sql import SqlJournal
from connector.ports import TicketHistory
from connector.ports.recall import Stranger
from tests.domain.policies import POLICY
from tests.journal.samples import FINGERPRINT, MINUTE, NOW, SITE, comment, store, ticket, write

OURS, THEIRS = "a" * 64, "b" * 64
HOUR = timedelta(hours=1)


@pytest.fixture
def written(journal: SqlJournal) -> SqlJournal:
    """A state that has written once on ticket 1."""
    store(journal, ticket("1"), ticket("2"))
    journal.arm(SITE, [(write("1", OURS, comment=comment("note")), "d")], run="r", now=NOW)
    return journal


def marked(*marks: Mark, of: str = "1", site: str = SITE) -> TicketHistory:
    return TicketHistory(ref=TicketRef(site, of), events=(), read_until=NOW, marks=marks)


def at(minutes: int, key: str = "", *refs: str) -> Mark:
    return Mark(at=NOW + minutes * MINUTE, key=key, refs=frozenset(refs))


def found(journal: SqlJournal, *histories: TicketHistory, since: datetime = NOW - HOUR) -> tuple[Stranger, ...]:
    return journal.strangers(histories[0].ref.site, histories, since=since)


def test_the_latest_unknown_write_of_each_ticket_is_told(written: SqlJournal) -> None:
    first, second = marked(at(1, THEIRS), at(3, THEIRS), at(2, OURS)), marked(at(5, "", "C" * 10), of="2")
    assert found(written, first, second) == (
        Stranger(ref=TicketRef(SITE, "1"), at=NOW + 3 * MINUTE),
        Stranger(ref=TicketRef(SITE, "2"), at=NOW + 5 * MINUTE),
    )


@pytest.mark.parametrize(
    "mark",
    [
        pytest.param(at(1, OURS, "D" * 10), id="its key is ours, whatever else it speaks for"),
        pytest.param(at(1, "", ref_of(OURS)), id="its ref is ours"),
        pytest.param(at(1), id="it gives no name"),
        pytest.param(at(-61, THEIRS), id="it is too old"),
    ],
)
def test_what_is_no_strangers(written: SqlJournal, mark: Mark) -> None:
    assert found(written, marked(mark)) == ()


def test_a_write_before_a_person_resumed_is_no_news(written: SqlJournal) -> None:
    written.freeze(SITE, None, "another installation", now=NOW + MINUTE)
    written.resume(SITE, allow=0, now=NOW + 2 * MINUTE, actor="anna")
    assert found(written, marked(at(1, THEIRS))) == ()
    assert len(found(written, marked(at(3, THEIRS)))) == 1


def test_a_ticket_that_came_from_another_site_of_ours_brings_its_marks(written: SqlJournal) -> None:
    written.open_site("other", fingerprint=FINGERPRINT)
    assert found(written, marked(at(1, OURS), site="other")) == ()
    assert len(found(written, marked(at(1, THEIRS), site="other"))) == 1


def test_what_was_read_back_after_a_loss_is_known(written: SqlJournal) -> None:
    """A write that only its mark tells of: the state lost the rest, and read the mark back."""
    written.recall(SITE, [marked(at(-5, "", "E" * 10))], policy=POLICY, now=NOW)
    assert found(written, marked(at(1, "", "E" * 10))) == ()
    assert len(found(written, marked(at(1, "", "F" * 10)))) == 1
