"""What a site cannot show or will not take: neither costs a ticket its place or its other fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from connector.domain.site import Effect
from connector.journal.sql import SqlJournal
from connector.ports import Page, Quarantined, fetched
from tests.gates.site import Passes, sandbox


class Blind:
    """A reader to whose sweep every ticket has left the open ones, and whose single reads fail for some."""

    def __init__(self, reader: Any, unreadable: frozenset[str]) -> None:
        self._reader = reader
        self._unreadable = unreadable

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def open_ids(self) -> Iterator[Mapping[str, str]]:
        yield {}

    def load_open(self, *, cursor: str) -> Iterator[Page]:
        yield Page(observations=(), cursor=cursor)

    def get(self, ids: Sequence[str]) -> Page:
        broken = [Quarantined(id=id_, why="unreadable", digest="") for id_ in ids if id_ in self._unreadable]
        return fetched(ids, (), broken)


def test_a_ticket_that_cannot_be_read_is_not_taken_for_gone(journal: SqlJournal, state: Path) -> None:
    with sandbox("jira", 3) as running:
        passes = Passes(running, "jira", journal, state)
        passes.run()
        known = journal.known_open("jira")
        assert 2 <= len(known) <= 3  # more that vanish at once would be taken for lost rights
        kept = frozenset(sorted(known)[:1])
        reader: Any = Blind(passes.ports.reader, kept)
        passes.reading = replace(passes.reading, reader=reader)
        running.clock.advance(timedelta(hours=7))  # a sweep is due
        passes.run()
        assert journal.known_open("jira") == known  # one look is not enough
        running.clock.advance(timedelta(minutes=2))
        passes.run()
        assert journal.known_open("jira") == kept


def test_a_field_that_is_refused_keeps_no_other_from_a_ticket(journal: SqlJournal, state: Path) -> None:
    options = {"unscreened": {"SUP": ("customfield_10111",)}}
    with sandbox("jira", 5, **options) as running:
        passes = Passes(running, "jira", journal, state, effects=frozenset({Effect.FIELDS}))
        first = passes.run()
        edits = [e.data["status"] for e in running.facts if e.kind == "request" and e.data["method"] == "PUT"]
        assert first.summary.failed
        assert first.summary.written == edits.count(200) > 0
        assert edits.count(400) == first.summary.failed
        running.clock.advance(timedelta(minutes=5))
        for _ in range(2):
            passes.run()
        writes = passes.writes
        passes.run()
        assert passes.writes == writes  # refused once, not for ever
