"""States from before it was learned who gave a ticket its first labels: their histories are read once more."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.domain.decide import decide
from connector.domain.events import Actor, EventKind, EventSource, Role, TicketEvent
from connector.domain.site import SiteRules
from connector.domain.situation import Situation
from connector.domain.ticket import Status, Ticket, TicketRef
from connector.journal import open_journal
from connector.journal.sql import SqlJournal
from connector.ports import Stored, TicketHistory
from tests.domain.policies import POLICY
from tests.journal.samples import NOW, SITE, event, store, ticket

CARLA, ROBOT = Actor("carla", Role.CUSTOMER), Actor("robot", Role.AUTOMATION)
OPENED = NOW - timedelta(hours=2)
HELD = frozenset({"esc-hold"})


def of_history(id_: str, kind: EventKind, actor: Actor, **said: str) -> TicketEvent:
    return event(id_, at=OPENED, kind=kind, actor=actor, source=EventSource.HISTORY, **{"before": None, **said})


CREATED = of_history("created", EventKind.CREATED, CARLA, after="new")
BY_ROBOT = of_history("created:labels", EventKind.LABELS, ROBOT, before="", after="esc-hold")
LATER = replace(BY_ROBOT, id="7", at=NOW, before="esc-hold", after="esc-hold vip")


ADDED_SINCE = (
    "DROP INDEX ix_ticket_awaits",
    "ALTER TABLE ticket DROP COLUMN awaits",
    "ALTER TABLE ticket DROP COLUMN alike_before",
    "ALTER TABLE recall DROP COLUMN lost_at",
)
"""Takes back what migrations after this one add."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A state of the schema before, made by taking back what came later."""
    path = tmp_path / "old.db"
    open_journal(str(path), least_free=0).close()
    return path


def written(path: Path, found: Ticket, events: Sequence[TicketEvent], *, complete: bool = True) -> None:
    """Store a ticket with its history as an earlier version would have."""
    with open_journal(str(path), least_free=0) as journal:
        journal.open_site(SITE, fingerprint="f")
        store(journal, found)
        journal.store_history([TicketHistory(ref=found.ref, events=tuple(events), read_until=NOW)])
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0007'")
        for later in ADDED_SINCE:
            connection.execute(later)
        connection.execute("UPDATE ticket SET history_complete = ?", (complete,))


@contextlib.contextmanager
def upgraded(path: Path) -> Iterator[SqlJournal]:
    with open_journal(str(path), least_free=0) as journal:
        yield journal


def stored(journal: SqlJournal) -> Stored:
    (found,) = journal.load(SITE, ["1"], now=NOW)
    return found


def is_held(journal: SqlJournal) -> bool:
    found, rules = stored(journal), SiteRules(name=SITE, fingerprint="f")
    situation = Situation(ticket=found.ticket, rules=rules, history=found.history)
    return any(hold.by == "label esc-hold" for hold in decide(situation, POLICY, NOW).explanation.holds)


@pytest.mark.parametrize("events", [[CREATED], [CREATED, LATER]], ids=["never relabelled", "relabelled later"])
@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("by_robot", [True, False])
def test_a_label_from_the_beginning_goes_on_holding_until_its_history_says_whose_it_is(
    old: Path, events: list[TicketEvent], complete: bool, by_robot: bool
) -> None:
    written(old, ticket(labels=HELD), events, complete=complete)
    with upgraded(old) as journal:
        assert journal.without_history(SITE, limit=5) == ("1",)
        assert is_held(journal)
        told = (*events, BY_ROBOT) if by_robot else events
        journal.store_history([TicketHistory(ref=TicketRef(SITE, "1"), events=tuple(told), read_until=NOW)])
        assert stored(journal).history.complete
        assert is_held(journal) == by_robot


@pytest.mark.parametrize(
    ("found", "events"),
    [
        (ticket(), [CREATED]),
        (ticket(labels=HELD), [CREATED, BY_ROBOT]),
        (ticket(labels=HELD), [CREATED, replace(BY_ROBOT, id="9", at=NOW, before=None)]),
        (ticket(labels=HELD, status=Status.CLOSED), [CREATED]),
    ],
    ids=["no labels", "told who", "opened without", "closed"],
)
def test_no_other_history_is_read_again(old: Path, found: Ticket, events: list[TicketEvent]) -> None:
    written(old, found, events)
    with upgraded(old) as journal:
        history = stored(journal).history
        assert history.complete
        assert set(history.events) == set(events)


def test_it_is_done_once(old: Path) -> None:
    written(old, ticket(labels=HELD), [CREATED])
    with upgraded(old) as journal:
        journal.store_history([TicketHistory(ref=TicketRef(SITE, "1"), events=(CREATED,), read_until=NOW)])
    with upgraded(old) as journal:
        assert stored(journal).history.complete
