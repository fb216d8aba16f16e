"""The incremental exports: tickets by cursor, and metric events."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlencode

from connector.sandbox.core.messages import Request
from connector.sandbox.zendesk.desk import Desk
from connector.sandbox.zendesk.errors import bad_request, gateway_timeout
from connector.sandbox.zendesk.sideload import Wagon, read_include
from connector.sandbox.zendesk.ticket import Ticket

PARAMS = frozenset({"start_time", "cursor", "per_page", "include", "exclude_deleted"})
EVENT_PARAMS = frozenset({"start_time", "page[size]", "page[after]", "include_changes"})
LARGEST = 1000
EVENTS = 100
CURSOR = re.compile(r"(\d+)\.0\|\|(\d+)\|")

Place = tuple[int, int]


class Export:
    """Pages of tickets in the order in which the system last wrote them, the last minute kept back."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stuck = desk.options.stuck_pages

    def tickets(self, request: Request) -> bytes:
        """One page of the cursor export.

        Raises:
            ApiError: 400 for a start within the last minute, or a cursor that is none; 504 for a page that takes
                too long.
        """
        asked = request.param("cursor")
        place = _read_cursor(asked) if asked is not None else (self._start(request), 0)
        until = self._desk.now() - self._desk.options.hidden
        rows = self._desk.exported(place, until, _per_page(request))
        if len(rows) > self._desk.options.export_patience:
            raise gateway_timeout()
        after = (rows[-1].generated_at, rows[-1].id) if rows else place
        shown = self._repeated(place, until, asked) + rows
        if request.param("exclude_deleted") == "true":
            shown = [ticket for ticket in shown if not ticket.deleted]
        cursor = self._cursor_after(asked, after, rows)
        ends = self._desk.is_last(after, until) and not (rows and cursor == asked)
        return self._answer(request, shown, cursor, end_of_stream=ends)

    def _start(self, request: Request) -> int:
        text = request.param("start_time")
        if text is None or not text.isdigit():
            raise bad_request("InvalidValue", "start_time or cursor is required")
        if int(text) > self._desk.now() - 60:
            raise bad_request("InvalidValue", "Too recent start_time. Use a start_time older than 60 seconds")
        return int(text)

    def _repeated(self, place: Place, until: int, asked: str | None) -> list[Ticket]:
        """Now and then a row comes again."""
        ticket = self._desk.tickets.get(place[1])
        chance = self._desk.options.repeat_chance
        if asked is None or ticket is None or ticket.generated_at > until or self._desk.world.rng.random() >= chance:
            return []
        return [ticket]

    def _cursor_after(self, asked: str | None, after: Place, rows: list[Ticket]) -> str | None:
        if self._stuck and asked is not None:
            self._stuck -= 1
            return asked
        if asked is None and not rows and self._desk.options.empty_first_cursor:
            return None
        return _cursor(after)

    def _answer(self, request: Request, shown: list[Ticket], cursor: str | None, *, end_of_stream: bool) -> bytes:
        include = read_include(word for word in (request.param("include") or "").split(",") if word)
        wagon = Wagon(self._desk, request.origin, include)
        rows = [wagon.ticket(ticket, self._tail(ticket)) for ticket in shown]
        rest = {
            "after_url": _url(request, cursor) if cursor else None,
            "before_url": None,
            "after_cursor": cursor,
            "before_cursor": None,
            "end_of_stream": end_of_stream,
        }
        return wagon.page("tickets", rows, shown, rest)

    def _tail(self, ticket: Ticket) -> bytes:
        return b',"generated_timestamp":%d' % ticket.generated_at

    def metric_events(self, request: Request) -> dict[str, Any]:
        """One page of metric events, a hundred at a time, in the order of their ids."""
        start, after = self._start(request), request.param("page[after]")
        first = _event_place(after) if after is not None else 0
        rows = [row for row in self._desk.metric_events.rows if row["id"] > first and row["at"] >= start]
        page = rows[:EVENTS]
        events = [{name: value for name, value in row.items() if name != "at"} for row in page]
        cursor = base64.b64encode(str(page[-1]["id"]).encode()).decode() if page else None
        query = urlencode({"start_time": start, "page[size]": EVENTS, "page[after]": cursor}) if cursor else None
        return {
            "ticket_metric_events": events,
            "meta": {"has_more": len(rows) > EVENTS, "after_cursor": cursor, "before_cursor": None},
            "links": {"prev": None, "next": f"{request.origin}{request.path}?{query}" if query else None},
            "count": len(events),
            "end_of_stream": len(rows) <= EVENTS,
        }


def _per_page(request: Request) -> int:
    text = request.param("per_page") or str(LARGEST)
    if not text.isdigit() or not 1 <= int(text) <= LARGEST:
        raise bad_request("InvalidValue", "per_page must lie between 1 and 1000")
    return int(text)


def _cursor(place: Place) -> str:
    return base64.b64encode(f"{place[0]}.0||{place[1]}|".encode()).decode()


def _read_cursor(cursor: str) -> Place:
    try:
        match = CURSOR.fullmatch(base64.b64decode(cursor, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        match = None
    if match is None:
        raise bad_request("InvalidCursor", "cursor is not valid")
    return int(match.group(1)), int(match.group(2))


def _event_place(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError) as error:
        raise bad_request("InvalidPaginationParameter", "page[after] is not a cursor") from error


def _url(request: Request, cursor: str) -> str:
    kept = {name: value for name, value in request.query if name in ("per_page", "include", "exclude_deleted")}
    return f"{request.origin}{request.path}?{urlencode(sorted(({'cursor': cursor} | kept).items()))}"
