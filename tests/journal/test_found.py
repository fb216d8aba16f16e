"""What a settled write brings with it in the same transaction: a question to the history, and whom it undid."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.events import EventKind
from connector.domain.ticket import TicketRef
from connector.ports import TicketHistory
from tests.journal.samples import MINUTE, NOW, SITE, comment, event, receipt, store, ticket, verdict, write

HISTORY = TicketHistory(ref=TicketRef(SITE, "1"), events=(), read_until=NOW)


@pytest.fixture
def known(journal):
    store(journal, ticket())
    journal.store_history([HISTORY])
    assert journal.without_history(SITE, limit=9) == ()
    return journal


def _armed(journal, one):
    (op,) = journal.arm(SITE, [(one, "digest")], run="r1", now=NOW)
    return op


@pytest.mark.parametrize(("found", "asked"), [(True, ("1",)), (False, ())])
def test_a_comment_that_was_found_asks_for_the_history_and_one_that_was_answered_does_not(known, found, asked):
    op = _armed(known, write(comment=comment()))
    known.settle(op, replace(receipt(), found=found), now=NOW)
    assert known.without_history(SITE, limit=9) == asked


def test_fields_that_were_found_ask_for_nothing(known):
    known.settle(_armed(known, write()), replace(receipt(), found=True), now=NOW)
    assert known.without_history(SITE, limit=9) == ()


def test_whom_a_write_undid_is_stored_with_it(known):
    theirs = event("race-1", kind=EventKind.PRIORITY, before="P3", after="P2")
    known.store_verdicts(SITE, [verdict(due=NOW + timedelta(hours=5))], run="r1")
    known.settle(_armed(known, write()), replace(receipt(), overwritten=(theirs,)), now=NOW)
    (stored,) = known.load(SITE, ["1"], now=NOW)
    assert theirs in stored.history.events
    assert known.without_history(SITE, limit=9) == ("1",)
    assert known.due(SITE, now=NOW, limit=9) == ("1",)
    (line,) = [e for e in known.records().events(ticket="1") if e.kind == "lost_race"]
    assert (line.data["field"], line.data["theirs"], line.data["by"]) == ("priority", "P2", "7")


def test_a_late_receipt_of_a_settled_write_undoes_nobody_twice(known):
    op = _armed(known, write())
    known.settle(op, receipt(), now=NOW)
    known.settle(op, replace(receipt(), overwritten=(event("race-1", kind=EventKind.PRIORITY),)), now=NOW + MINUTE)
    assert [e.kind for e in known.records().events(ticket="1")].count("lost_race") == 0


def test_a_verdict_that_cannot_tell_asks_for_the_history(known):
    known.store_verdicts(SITE, [verdict()], run="r1")
    assert known.without_history(SITE, limit=9) == ()
    known.store_verdicts(SITE, [replace(verdict(), ask_history=True)], run="r1")
    assert known.without_history(SITE, limit=9) == ("1",)
    assert not known.load(SITE, ["1"], now=NOW)[0].history.complete


def test_a_page_that_cannot_tell_asks_whatever_a_later_observation_of_it_says(known):
    store(known, ticket(version="v2"), ticket(version="v3", updated_at=NOW), ask_history=True)
    assert known.without_history(SITE, limit=9) == ("1",)
