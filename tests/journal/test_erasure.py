"""What was erased is gone, from the rows and from the file; what keeps us from speaking twice stays."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from connector.domain.events import Actor, Role
from connector.domain.ticket import Status, TicketRef
from connector.errors import Busy, UnsafePlan
from connector.journal import open_journal
from connector.journal.erasure import FACTS_OF_CLOSED, RECORDS
from connector.journal.sql import SqlJournal
from connector.ports import JournalEvent, OpStatus
from tests.journal.samples import MINUTE, NOW, SITE, comment, event, receipt, store, ticket, write

CANARY = "canary-account-5e1"


def arm(journal: SqlJournal, id_: str = "1", key: str = "k1"):
    return journal.arm(SITE, [(write(id_, key, comment=comment()), f"digest-{key}")], run="r1", now=NOW)


def bytes_of(state: Path) -> bytes:
    return b"".join(path.read_bytes() for path in state.parent.glob("state.db*"))


@pytest.fixture
def known(journal: SqlJournal) -> SqlJournal:
    """A closed ticket with an event, a settled write and an audit line, each with the canary; and its neighbour."""
    closed = ticket("1", status=Status.CLOSED, requester=CANARY, assignee=f"id:{CANARY}")
    store(journal, closed, ticket("2", requester=CANARY), events=(event("e1", actor=Actor(CANARY, Role.AGENT)),))
    (op,) = arm(journal)
    journal.settle(op, receipt(), now=NOW + MINUTE)
    for id_ in ("1", "2"):
        line = JournalEvent(at=NOW, kind="note", site=SITE, ticket=id_, data={"by": CANARY})
        journal.record(line)
    return journal


def test_an_erased_ticket_is_in_no_row_and_no_byte(known: SqlJournal, state: Path) -> None:
    assert CANARY.encode() in bytes_of(state)
    known.erase(SITE, ticket="1")
    known.erase(SITE, account=CANARY)
    assert known.load(SITE, ["1"], now=NOW) == ()
    assert known.records().events(ticket="1") == ()
    assert CANARY.encode() not in bytes_of(state), "the log is emptied as well, while the state is in use"
    known.close()
    assert CANARY.encode() not in bytes_of(state)


def test_the_neighbour_stays(known: SqlJournal) -> None:
    known.erase(SITE, ticket="1")
    (left,) = known.load(SITE, ["2"], now=NOW)
    assert left.ticket.requester == CANARY
    assert len(known.records().events(ticket="2")) == 1


def test_the_chain_holds_and_still_tells_tampering(known: SqlJournal, state: Path) -> None:
    known.erase(SITE, ticket="1")
    assert known.records().verify_chain() is None
    known.close()
    with sqlite3.connect(state) as raw:
        raw.execute("UPDATE event SET data = '{}' WHERE ticket = '2'")
    raw.close()
    assert open_journal(str(state), least_free=0).records().verify_chain() is not None


def test_what_was_written_is_never_written_again(known: SqlJournal) -> None:
    known.erase(SITE, ticket="1")
    store(known, ticket("1", status=Status.CLOSED))
    (again,) = arm(known)
    assert again.status is OpStatus.DONE
    assert again.write.comment is None
    assert again.write.fields == ()


def test_an_account_is_a_word_everywhere(known: SqlJournal) -> None:
    done = known.erase(SITE, account=CANARY)
    assert done.rows >= 3
    one, two = known.load(SITE, ["1", "2"], now=NOW)
    assert (one.ticket.requester, one.ticket.assignee, two.ticket.requester) == ("erased", "id:erased", "erased")
    assert known.records().verify_chain() is None


def test_a_fact_that_reads_like_an_account_stays(journal: SqlJournal) -> None:
    store(journal, ticket("1", facts={"seats": "502"}, requester="502"))
    journal.erase(SITE, account="502")
    (left,) = journal.load(SITE, ["1"], now=NOW)
    assert (left.ticket.requester, left.ticket.facts["seats"]) == ("erased", "502")


def test_a_write_under_way_or_an_open_ticket_is_refused(journal: SqlJournal) -> None:
    store(journal, ticket("1"), ticket("2", status=Status.CLOSED))
    with pytest.raises(UnsafePlan, match="open"):
        journal.erase(SITE, ticket="1")
    arm(journal, "2")
    with pytest.raises(Busy):
        journal.erase(SITE, ticket="2")


def test_what_is_past_its_time_goes_in_small_steps(known: SqlJournal) -> None:
    assert known.purge(now=NOW + FACTS_OF_CLOSED - timedelta(hours=2), most=100) == 0
    assert known.purge(now=NOW + FACTS_OF_CLOSED, most=100) == 1
    assert [found.ticket.ref for found in known.load(SITE, ["1", "2"], now=NOW)] == [TicketRef(SITE, "2")]
    later = NOW + RECORDS + timedelta(days=1)
    steps = [known.purge(now=later, most=1) for _ in range(4)]
    assert all(0 <= step <= 2 for step in steps)
    assert known.purge(now=later, most=100) >= 0
    assert known.purge(now=later, most=100) == 0
    assert known.records().verify_chain() is None
