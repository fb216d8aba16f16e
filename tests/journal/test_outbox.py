"""The journal's outbox: a notification is stored with the verdict that asks for it, once, and emptied by attempts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.change import Notification
from connector.domain.occasion import Occasion
from connector.journal.sql import SqlJournal
from connector.ports import Delivery, Verdict
from connector.ports.outbox import Queued
from tests.journal.samples import MINUTE, NOW, SITE, store, ticket, verdict

HOUR = timedelta(hours=1)


def asking(of: str = "1", *keys: str, at: timedelta = timedelta(0), target: str = "duty", person: str = "") -> Verdict:
    told = Notification(
        occasion=Occasion("notify", (target,)),
        target=target,
        person=person,
        why="75% reached",
        ticket=f"#{of}",
        link=f"https://desk/{of}",
    )
    given = verdict(of)
    decision = replace(given.decision, now=NOW + at)
    return replace(given, decision=decision, notifications=dict.fromkeys(keys, told))


def due(journal: SqlJournal, *, now: timedelta = HOUR, limit: int = 9) -> list[str]:
    return [each.key for each in journal.notifications_due(now=NOW + now, limit=limit)]


@pytest.fixture
def stored(journal: SqlJournal) -> SqlJournal:
    store(journal, ticket("1"), ticket("2"))
    return journal


def test_what_is_asked_for_comes_back_as_it_was(stored: SqlJournal) -> None:
    assert stored.store_verdicts(SITE, [asking("1", "k1", person="anna")], run="r") == 3
    (found,) = stored.notifications_due(now=NOW, limit=9)
    assert found == Queued(
        site=SITE,
        key="k1",
        of="1",
        ticket="#1",
        target="duty",
        person="anna",
        why="75% reached",
        link="https://desk/1",
        at=NOW,
        next_at=NOW,
    )


def test_what_is_known_is_not_told_again_whatever_became_of_it(stored: SqlJournal) -> None:
    stored.store_verdicts(SITE, [asking("1", "k1")], run="r")
    assert stored.store_verdicts(SITE, [asking("1", "k1", "k2", at=MINUTE)], run="r") == 1
    (first, _) = stored.notifications_due(now=NOW + HOUR, limit=9)
    stored.settle_notification(first, Delivery.DONE, now=NOW + HOUR)
    assert stored.store_verdicts(SITE, [asking("1", "k1", at=HOUR)], run="r") == 0
    assert due(stored) == ["k2"]


def test_what_waits_comes_oldest_first_when_its_time_has_come_and_within_the_limit(stored: SqlJournal) -> None:
    stored.store_verdicts(SITE, [asking("2", "c", at=MINUTE), asking("1", "b", "a", at=MINUTE)], run="r")
    stored.store_verdicts(SITE, [asking("1", "z")], run="r")
    assert due(stored) == ["z", "a", "b", "c"]
    assert due(stored, limit=2) == ["z", "a"]
    assert due(stored, now=timedelta(0)) == ["z"]
    assert due(stored, now=-MINUTE) == []


def test_what_was_not_taken_waits_for_its_next_moment_and_says_nothing_yet(stored: SqlJournal) -> None:
    stored.store_verdicts(SITE, [asking("1", "k1"), asking("2", "k2")], run="r")
    found = stored.notifications_due(now=NOW, limit=1)[0]
    stored.settle_notification(found, Delivery.WAITING, now=NOW, next_at=NOW + HOUR, error="refused")
    assert due(stored, now=MINUTE) == ["k2"]
    (waits,) = (each for each in stored.notifications_due(now=NOW + HOUR, limit=9) if each.key == "k1")
    assert waits == replace(found, attempts=1, next_at=NOW + HOUR, error="refused")
    assert stored.records().events() == ()


@pytest.mark.parametrize(
    ("status", "kind", "error"), [(Delivery.DONE, "notified", ""), (Delivery.FAILED, "not-notified", "exit code 1")]
)
def test_what_is_for_good_waits_no_more_and_stands_in_the_audit(
    stored: SqlJournal, status: Delivery, kind: str, error: str
) -> None:
    stored.store_verdicts(SITE, [asking("1", "k1", person="anna"), asking("2", "k2")], run="r")
    found = stored.notifications_due(now=NOW, limit=1)[0]
    stored.settle_notification(found, status, now=NOW + MINUTE, error=error)
    assert due(stored) == ["k2"]
    records = stored.records()
    assert records.notifications(site=SITE, status=status) == (
        replace(found, status=status, attempts=1, next_at=None, error=error),
    )
    assert [each.key for each in records.notifications(site=SITE, status=Delivery.WAITING)] == ["k2"]
    (line,) = records.events()
    told = {"target": "duty", "person": "anna", "why": "75% reached"} | ({"error": error} if error else {})
    assert (line.kind, line.at, line.site, line.ticket, line.key) == (kind, NOW + MINUTE, SITE, "1", "k1")
    assert line.data == told


def test_the_outbox_is_listed_by_site_and_by_ticket(stored: SqlJournal) -> None:
    stored.store_verdicts(SITE, [asking("1", "k1"), asking("2", "k2")], run="r")
    records, waiting = stored.records(), Delivery.WAITING
    assert [each.of for each in records.notifications(site=SITE, status=waiting)] == ["1", "2"]
    assert [each.of for each in records.notifications(site=SITE, status=waiting, ticket="2")] == ["2"]
    assert records.notifications(site="other", status=waiting) == ()
