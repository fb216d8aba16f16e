"""Search and its export, on an index that lags behind."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from connector.sandbox.core.messages import Request
from connector.sandbox.zendesk.desk import Desk
from connector.sandbox.zendesk.errors import ApiError, bad_request
from connector.sandbox.zendesk.query import matcher, read_terms
from connector.sandbox.zendesk.sideload import Wagon, read_include
from connector.sandbox.zendesk.ticket import PRIORITIES, STATUSES, Ticket
from connector.sandbox.zendesk.wire import seal, unseal

PARAMS = frozenset({"query", "filter[type]", "sort_by", "sort_order", "page", "per_page", "include"})
EXPORT_PARAMS = frozenset({"query", "filter[type]", "page[size]", "page[after]", "include"})
CAP = 1000
LARGEST = 1000
SESSION = 3600
SORTS = {
    "created_at": lambda ticket: ticket.created_at,
    "updated_at": lambda ticket: ticket.updated_at,
    "status": lambda ticket: STATUSES.index(ticket.status),
    "priority": lambda ticket: PRIORITIES.index(ticket.priority) if ticket.priority else -1,
    "ticket_type": lambda ticket: ticket.type or "",
}
TAIL = b',"result_type":"ticket"'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    started_at: int
    request_hash: int
    found: tuple[Ticket, ...]


class Search:
    """Both search endpoints; only tickets are searched."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sessions: dict[int, _Session] = {}

    def page(self, request: Request) -> bytes:
        """One page of ``/search``: at most a thousand results can be reached."""
        number, size = _number(request, "page", 1), min(_number(request, "per_page", 100), 100)
        if number * size > CAP:
            text = "Invalid search: Requested response size was greater than Search Response Limits"
            raise ApiError(422, {"error": "invalid", "description": text})
        found = self._sorted(request, self._found(request))
        shown = found[(number - 1) * size : number * size]
        wagon = Wagon(self._desk, request.origin, _include(request))
        rest = {
            "facets": None,
            "next_page": _offset_link(request, number + 1) if number * size < len(found) else None,
            "previous_page": _offset_link(request, number - 1) if number > 1 else None,
            "count": len(found),
        }
        return wagon.page("results", [wagon.ticket(ticket, TAIL) for ticket in shown], shown, rest)

    def export(self, request: Request) -> bytes:
        """One page of ``/search/export``, newest first; its cursor lives for an hour.

        Raises:
            ApiError: 400 for ``type:`` in the query, another query than the cursor's, or a cursor that is over.
        """
        if request.param("filter[type]") != "ticket":
            raise bad_request("InvalidValue", "filter[type] must be ticket")
        after = request.param("page[after]")
        session_id, offset = self._place(after, request) if after else (self._open(request), 0)
        session = self._sessions[session_id]
        size = _number(request, "page[size]", 100)
        if not 1 <= size <= LARGEST:
            raise bad_request("InvalidPaginationParameter", "page[size] must lie between 1 and 1000")
        shown = session.found[offset : offset + size]
        more = offset + size < len(session.found)
        cursor = _cursor(session_id, offset + size, session.request_hash) if more else None
        wagon = Wagon(self._desk, request.origin, _include(request))
        rest = {
            "facets": None,
            "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": None},
            "links": {"prev": None, "next": _export_link(request, cursor, size) if cursor else None},
        }
        return wagon.page("results", [wagon.ticket(ticket, TAIL) for ticket in shown], shown, rest)

    def _open(self, request: Request) -> int:
        now = self._desk.now()
        self._sessions = {key: kept for key, kept in self._sessions.items() if kept.started_at + SESSION > now}
        terms = read_terms(request.param("query") or "")
        if self._desk.options.reject_type_in_export and any(term.name == "type" for term in terms):
            raise bad_request("InvalidValue", "type: is not allowed in the query; use filter[type]")
        found = sorted(self._found(request), key=lambda ticket: (-ticket.created_at, ticket.id))
        session_id = len(self._sessions) + now * 1000
        self._sessions[session_id] = _Session(started_at=now, request_hash=_hash(request), found=tuple(found))
        return session_id

    def _place(self, cursor: str, request: Request) -> tuple[int, int]:
        try:
            known = unseal(cursor)
            session_id, offset = int(known["sessionStart"]), int(known["exportedThusFar"])
        except (ValueError, KeyError, TypeError) as error:
            raise bad_request("InvalidPaginationParameter", "page[after] is not a cursor") from error
        session = self._sessions.get(session_id)
        if session is None or session.started_at + SESSION <= self._desk.now():
            raise bad_request("InvalidPaginationParameter", "the cursor has expired")
        if session.request_hash != _hash(request):
            raise bad_request("InvalidPaginationParameter", "the cursor belongs to another query")
        return session_id, offset

    def _found(self, request: Request) -> list[Ticket]:
        terms = read_terms(request.param("query") or "")
        if any(term.name == "type" and term.value != "ticket" for term in terms):
            return []
        test = matcher(self._desk, terms)
        return [ticket for ticket in self._desk.indexed() if test(ticket)]

    def _sorted(self, request: Request, found: list[Ticket]) -> list[Ticket]:
        terms = {term.name: term.value for term in read_terms(request.param("query") or "")}
        by = request.param("sort_by") or terms.get("order_by") or "created_at"
        order = request.param("sort_order") or terms.get("sort") or "desc"
        if by not in SORTS or order not in ("asc", "desc"):
            raise bad_request("InvalidValue", f"cannot sort by {by} {order}")
        return sorted(found, key=SORTS[by], reverse=order == "desc")


def _include(request: Request) -> tuple[str, ...]:
    """Search sideloads stand in brackets: ``include=tickets(users,slas)``."""
    text = request.param("include") or ""
    if text and not (text.startswith("tickets(") and text.endswith(")")):
        raise bad_request("InvalidValue", "sideloads of a search are written tickets(users,…)")
    return read_include(word for word in text[len("tickets(") : -1].split(",") if word)


def _number(request: Request, name: str, default: int) -> int:
    text = request.param(name) or str(default)
    if not text.isdigit() or int(text) < 1:
        raise bad_request("InvalidValue", f"{name} must be a positive integer")
    return int(text)


def _hash(request: Request) -> int:
    return zlib.crc32((request.param("query") or "").encode())


def _cursor(session_id: int, offset: int, request_hash: int) -> str:
    content: dict[str, Any] = {"field": "created_at", "desc": True, "tieBreakField": "id", "exportedThusFar": offset}
    return seal(content | {"sessionStart": session_id, "saltedRequestHash": request_hash})


def _offset_link(request: Request, number: int) -> str:
    kept = {name: value for name, value in request.query if name != "page"}
    return f"{request.origin}{request.path}?{urlencode(kept | {'page': number})}"


def _export_link(request: Request, cursor: str, size: int) -> str:
    kept = dict(request.query) | {"page[after]": cursor, "page[size]": str(size)}
    return f"{request.origin}{request.path}?{urlencode(sorted(kept.items()))}"
