"""What a page weighs, on the wire and in memory: both are bounded by the page, not by the site."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import msgspec
import pytest

from connector.helpdesks.transport import Request
from connector.helpdesks.zendesk.wire import Position
from tests.gates.site import connect, sandbox

BEGIN = Position(1_000_000_000).text()


class TestJiraAsksForNoMoreThanItReads:
    @pytest.fixture
    def answers(self) -> dict[str, Any]:
        """The same hundred issues, with our list of fields and with all of them."""
        with sandbox("jira", 100, load_fields=60) as running:
            reader = connect(running, "jira").reader
            asked = reader.shape.asked
            found = {"asked": asked}
            for name, fields in (("ours", asked), ("all", ("*all",))):
                body = {"jql": "project = SUP ORDER BY key", "fields": list(fields), "maxResults": 100}
                found[name] = reader._client.call(Request("POST", "/rest/api/3/search/jql", body=body)).body
        return found

    def test_no_field_comes_that_was_not_asked_for(self, answers: dict[str, Any]) -> None:
        issues = msgspec.json.decode(answers["ours"])["issues"]
        assert len(issues) == 100
        assert {name for issue in issues for name in issue["fields"]} <= set(answers["asked"])

    def test_the_list_saves_most_of_the_bytes(self, answers: dict[str, Any]) -> None:
        assert len(answers["ours"]) <= 0.6 * len(answers["all"])


class TestMemory:
    """A pull holds a page and not the site: the peak does not grow with the number of tickets."""

    def test_of_jira(self) -> None:
        assert _peak("jira", 1_500, "1000000360000") <= 1.1 * _peak("jira", 300, "1000000360000")

    @pytest.mark.full
    def test_of_zendesk(self) -> None:
        """At the gate's own sizes: a site of two pages has not yet as many requesters a page as a large one."""
        assert _peak("zendesk", 50_000, BEGIN) <= 1.1 * _peak("zendesk", 10_000, BEGIN)


def _peak(kind: str, tickets: int, cursor: str) -> int:
    """Return the most bytes that a pull of so many tickets holds at a time."""
    with sandbox(kind, tickets) as running:
        reader = connect(running, kind).reader
        assert _read(reader, cursor) == tickets  # the site serialises each ticket once, here
        gc.collect()
        tracemalloc.start()
        _read(reader, cursor)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


def _read(reader: Any, cursor: str) -> int:
    return sum(len(page.observations) for page in reader.changes(cursor))
