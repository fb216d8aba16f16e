"""The same tickets at the same moment: nothing is written, neither to the helpdesk nor to the journal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connector.domain.site import Effect
from connector.engine.passes import PassOutcome
from connector.journal.sql import SqlJournal
from tests.gates.site import Passes, sandbox

ON = frozenset({Effect.FIELDS, Effect.ASSIGN, Effect.NOTES})
ECHO = timedelta(minutes=5)
"""Longer than an export hides our own writes, so that they come back as changes."""

MOST = 10


@pytest.mark.parametrize("kind", ["zendesk", "jira"])
@pytest.mark.parametrize("effects", [frozenset(), ON], ids=["shadow", "effects on"])
def test_a_second_sync_writes_nothing_and_changes_no_row(
    kind: str, effects: frozenset[Effect], journal: SqlJournal, state: Path
) -> None:
    with sandbox(kind, 60) as running:
        passes = Passes(running, kind, journal, state, effects=effects)
        first = passes.run()
        assert first.summary.read >= 40
        assert bool(first.summary.written) == bool(effects)
        for _ in range(MOST):  # histories come a portion at a time, and budgets spread writes
            running.clock.advance(ECHO)
            if not passes.run().summary.written:
                break
        writes, rows = passes.writes, passes.rows()
        assert rows["ticket"]
        again = passes.run()
        assert again.outcome is PassOutcome.OK
        assert again.summary.written == 0
        assert passes.writes == writes
        assert {name: rows[name] for name in rows if rows[name] != passes.rows()[name]} == {}


def test_what_is_due_is_decided_without_a_request(journal: SqlJournal, state: Path) -> None:
    with sandbox("zendesk", 60) as running:
        passes = Passes(running, "zendesk", journal, state)
        passes.run()

        def asked() -> int:
            """Return what the site itself counts."""
            return sum(fact.kind == "request" for fact in running.facts)

        due = journal.next_due("zendesk")
        assert due is not None
        running.clock.set(due)
        waiting = set(journal.due("zendesk", now=due, limit=60))
        assert waiting
        before = asked()
        result = passes.run(fetch=False)
        assert result.outcome is PassOutcome.OK
        assert result.summary.decided >= len(waiting)
        assert asked() == before
        assert waiting.isdisjoint(journal.due("zendesk", now=due, limit=60))
