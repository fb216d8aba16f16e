"""Where the export begins again when Zendesk refuses its cursor: nothing that was not read yet is passed over."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses

from connector.domain.site import FieldMap
from connector.errors import Unavailable
from connector.helpdesks.transport import Bearer, Surroundings
from connector.helpdesks.zendesk.adapter import ZendeskOptions, ZendeskSite, open_site
from connector.helpdesks.zendesk.export import STEP_BACK
from connector.helpdesks.zendesk.reader import ZendeskReader
from connector.helpdesks.zendesk.wire import Position
from tests.helpdesks.stopped_clock import START, StoppedClock

BASE = "https://acme.zendesk.com"
EXPORT = f"{BASE}/api/v2/incremental/tickets/cursor.json"
LAST_GOOD = START - timedelta(hours=6)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(registry=responses.registries.OrderedRegistry) as mock:
        yield mock


@pytest.fixture
def reader() -> ZendeskReader:
    options = ZendeskOptions(site="z", base_url=BASE, reader=Bearer("reader-token"), fields=FieldMap())
    site: ZendeskSite = open_site(options, Surroundings(clock=StoppedClock(), rng=random.Random(1)))
    return site.reader


def page(*changed: datetime, ended: bool, after: str = "next") -> dict[str, Any]:
    rows = [
        {"id": n, "created_at": f"{LAST_GOOD:%FT%TZ}", "updated_at": f"{at:%FT%TZ}", "status": "open", "slas": {}}
        for n, at in enumerate(changed, 1)
    ]
    return {"tickets": rows, "after_cursor": after, "end_of_stream": ended}


def begins_again(reader: ZendeskReader, wire: responses.RequestsMock, cursor: str) -> datetime:
    """Let the cursor be refused, and return the moment from which the export is asked for instead."""
    wire.get(EXPORT, status=400, json={"error": "InvalidCursor"})
    wire.get(EXPORT, json=page(ended=True, after="again"))
    list(reader.changes(cursor))
    asked = wire.calls[-1].request.params  # type: ignore[attr-defined]
    assert "cursor" not in asked
    return datetime.fromtimestamp(int(asked["start_time"]), tz=UTC)


def read(reader: ZendeskReader, wire: responses.RequestsMock, *pages: dict[str, Any]) -> str:
    """Read these pages and return the cursor that the last of them left."""
    for each in pages:
        wire.get(EXPORT, json=each)
    found = reader.changes(Position(int(LAST_GOOD.timestamp()), "known").text())
    cursor = ""
    for _ in pages:
        cursor = next(found).cursor
    return cursor


def test_in_the_midst_of_a_backlog_at_what_was_read_last(reader: ZendeskReader, wire: responses.RequestsMock) -> None:
    """Six hours behind, one page read: what the next pages hold changed hours ago, not five minutes."""
    early, late = LAST_GOOD + timedelta(minutes=10), LAST_GOOD + timedelta(minutes=20)
    cursor = read(reader, wire, page(early, late, ended=False))
    assert begins_again(reader, wire, cursor) == late - STEP_BACK


def test_a_page_that_tells_no_change_moves_nothing(reader: ZendeskReader, wire: responses.RequestsMock) -> None:
    """Of tickets that others look after, or that only the system touched."""
    cursor = read(reader, wire, page(ended=False), page(LAST_GOOD - timedelta(days=3), ended=False, after="third"))
    assert begins_again(reader, wire, cursor) == LAST_GOOD - STEP_BACK


def test_a_change_in_the_future_proves_nothing(reader: ZendeskReader, wire: responses.RequestsMock) -> None:
    cursor = read(reader, wire, page(START + timedelta(days=300), ended=False))
    assert begins_again(reader, wire, cursor) == LAST_GOOD - STEP_BACK


def test_at_the_end_of_the_stream_before_that_poll(reader: ZendeskReader, wire: responses.RequestsMock) -> None:
    changed = LAST_GOOD + timedelta(minutes=20)
    cursor = read(reader, wire, page(changed, ended=False), page(changed, ended=True, after="end"))
    assert begins_again(reader, wire, cursor) == START - STEP_BACK


def test_where_every_cursor_is_refused_the_read_ends(reader: ZendeskReader, wire: responses.RequestsMock) -> None:
    """A page of what is known already is no progress; the next poll tries the cursor that came with it."""
    cursor = read(reader, wire, page(LAST_GOOD, ended=False))
    wire.get(EXPORT, status=400, json={"error": "InvalidCursor"})
    wire.get(EXPORT, json=page(LAST_GOOD, ended=False, after="anew"))
    found = reader.changes(cursor)
    assert Position.parse(next(found).cursor).after == "anew"
    with pytest.raises(Unavailable, match="does not move on"):
        next(found)
