"""What is due is found by its index, however many tickets are stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.journal.sql import SqlJournal
from tests.helpdesks.sandbox_stage import START
from tests.journal.listening import heard_by_every_engine

SITE = "zendesk"
LOOK_UPS: dict[str, tuple[Callable[[SqlJournal], Any], str]] = {
    "due": (lambda j: j.due(SITE, now=START, limit=1_000_000), "ix_ticket_due"),
    "next due": (lambda j: j.next_due(SITE), "ix_ticket_due"),
    "undecided": (lambda j: j.undecided(SITE, policy_hash="a", limit=1_000_000), "ix_ticket_open"),
    "awaited": (lambda j: j.awaited(SITE, limit=100), "ix_ticket_awaits"),
    "without history": (lambda j: j.without_history(SITE, limit=100), "ix_ticket_without_history"),
}


@pytest.fixture
def spoken() -> Iterator[list[tuple[str, Any]]]:
    """Every statement, with its parameters, in the order spoken."""
    heard: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        heard.append((statement, parameters))

    with heard_by_every_engine("before_cursor_execute", hear):
        yield heard


@pytest.mark.parametrize("name", LOOK_UPS)
def test_looking_for_tickets_searches_an_index_and_sorts_nothing(
    name: str, journal: SqlJournal, state: Path, spoken: list[tuple[str, Any]]
) -> None:
    look, index = LOOK_UPS[name]
    journal.open_site(SITE, fingerprint="gates")
    spoken.clear()
    look(journal)
    asked = [(s, p) for s, p in spoken if s.startswith("SELECT") and "FROM ticket" in s.replace("\n", "")]
    assert asked
    with sqlite3.connect(state) as connection:
        for statement, parameters in asked:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            assert any("SEARCH ticket USING" in step and index in step for step in plan), plan
            assert not any("SCAN" in step or "TEMP B-TREE" in step for step in plan), plan
    connection.close()
