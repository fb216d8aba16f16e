"""What waits for a ticket's own history: when a ticket falls due by it, and which have waited too long."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from connector.domain.situation import EscalationState
from connector.domain.ticket import Status, TicketRef
from connector.domain.unread import COMMENT, NOT_IN, TOLD_AFTER
from connector.journal.histories import TRIES
from connector.ports import Candidate, JournalEvent, TicketHistory
from tests.journal.samples import FINGERPRINT, MINUTE, NOW, POLICY, SITE, page, store, ticket, verdict

PRIORITY, NOTE = f"priority: {NOT_IN}", f"notes: {COMMENT}"


def waits(since: datetime | None, *left: str) -> EscalationState:
    return EscalationState(policy_hash=POLICY, decided_at=NOW, unread_since=since, left=left)


def decide(journal, **states: EscalationState) -> None:
    journal.store_verdicts(SITE, [verdict(id_, state=state) for id_, state in states.items()], run="r")


def history(id_: str, *, until: datetime = NOW, unreadable: str = "") -> TicketHistory:
    return TicketHistory(ref=TicketRef(SITE, id_), events=(), read_until=until, unreadable=unreadable)


def line(id_: str, since: datetime, why: str) -> JournalEvent:
    return JournalEvent(at=since, kind="unread", site=SITE, ticket=id_, data={"why": why})


def test_what_has_waited_too_long_is_listed_longest_first_with_what_waits(journal):
    store(journal, *map(ticket, ("a", "b", "c", "d")))
    long, longer = NOW - TOLD_AFTER, NOW - TOLD_AFTER - MINUTE
    decide(
        journal,
        a=waits(long, PRIORITY, "group: a person set it", NOTE),
        b=waits(longer, PRIORITY),
        c=waits(long, NOTE),
        d=waits(NOW - TOLD_AFTER + timedelta(seconds=1), PRIORITY),
    )
    assert journal.records().unread(SITE, now=NOW) == (
        line("b", longer, PRIORITY),
        line("a", long, f"{PRIORITY}; {NOTE}"),
        line("c", long, NOTE),
    )


@pytest.mark.parametrize(
    "why", ["nothing waits", "it has not waited", "finished", "read", "given up", "another site's"]
)
def test_what_waits_for_nothing_or_for_nothing_any_more_is_not_listed(journal, why):
    store(journal, ticket("a"), ticket("b"))
    since = NOW - TOLD_AFTER
    left = ("group: a person set it",) if why == "nothing waits" else (PRIORITY,)
    decide(journal, a=waits(None if why == "it has not waited" else since, *left), b=waits(since, PRIORITY))
    if why == "finished":
        store(journal, ticket("a", status=Status.CLOSED, version="v2"))
    elif why == "read":
        journal.store_history([history("a")])
    elif why == "given up":
        for _ in range(TRIES):
            journal.skip_history(SITE, [history("a", unreadable="broken")], now=NOW)
    elif why == "another site's":
        journal.open_site("other", fingerprint=FINGERPRINT)
        journal.store_page("other", [Candidate(ticket=ticket("b", site="other"))], page=page(), now=NOW)
        decide(journal, a=waits(None))
        assert journal.records().unread("other", now=NOW) == ()
    assert [each.ticket for each in journal.records().unread(SITE, now=NOW)] == ["b"]


@pytest.mark.parametrize(
    ("due", "then"),
    [(NOW - MINUTE, NOW - MINUTE), (NOW + MINUTE, NOW), (None, NOW)],
    ids=["it is due before", "it is due later", "it is not due"],
)
def test_a_history_that_comes_in_puts_nothing_off(journal, due, then):
    store(journal, ticket())
    journal.store_verdicts(SITE, [verdict(due=due)], run="r")
    journal.store_history([history("1", until=NOW)])
    assert journal.next_due(SITE) == then


def test_whose_history_is_in_is_told_the_one_read_last_first(journal):
    store(journal, *map(ticket, ("b", "a", "0", "never")), ticket("closed", status=Status.CLOSED))
    read = [history("0", until=NOW - MINUTE), history("b"), history("a"), history("closed", until=NOW + MINUTE)]
    journal.store_history(read)
    assert journal.read_last(SITE, limit=9) == ("a", "b", "0")
    assert journal.read_last(SITE, limit=2) == ("a", "b")
    assert journal.read_last("other", limit=9) == ()
