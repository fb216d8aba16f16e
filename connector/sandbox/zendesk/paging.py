"""The two ways of paging: by cursor (``page[size]``) and by offset (``page``, ``per_page``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from connector.sandbox.zendesk.errors import bad_request
from connector.sandbox.zendesk.office import Call
from connector.sandbox.zendesk.wire import seal, unseal

PARAMS = frozenset({"page", "per_page", "page[size]", "page[after]", "page[before]"})
LARGEST = 100
OFFSET_END = 10_000

Key = Callable[[Any], int]


def paged(call: Call, rows: Sequence[Any], key: Key) -> tuple[Sequence[Any], dict[str, Any]]:
    """Cut a page out of ``rows`` (sorted by ``key``); returns it with what stands beside it in the answer.

    Raises:
        ApiError: 400 for a cursor nobody made, or an offset beyond the ten thousandth record.
    """
    if any(name.startswith("page[") for name, _ in call.request.query):
        return _by_cursor(call, rows, key)
    return _by_offset(call, rows)


def _by_cursor(call: Call, rows: Sequence[Any], key: Key) -> tuple[Sequence[Any], dict[str, Any]]:
    size = call.number("page[size]", LARGEST)
    if not 1 <= size <= LARGEST:
        raise bad_request("InvalidPaginationParameter", "page[size] must lie between 1 and 100")
    after, before = _place(call, "page[after]"), _place(call, "page[before]")
    found = [row for row in rows if (after is None or key(row) > after) and (before is None or key(row) < before)]
    page = found[-size:] if before is not None else found[:size]
    meta = {
        "has_more": len(found) > len(page),
        "after_cursor": seal({"o": "id", "v": key(page[-1])}) if page else None,
        "before_cursor": seal({"o": "id", "v": key(page[0])}) if page else None,
    }
    links = {  # the real thing names a next link even on the last page: has_more alone tells
        "prev": _link(call, {"page[before]": meta["before_cursor"], "page[size]": size}) if page else None,
        "next": _link(call, {"page[after]": meta["after_cursor"], "page[size]": size}) if page else None,
    }
    return page, {"meta": meta, "links": links}


def _place(call: Call, name: str) -> int | None:
    cursor = call.request.param(name)
    if cursor is None:
        return None
    try:
        return int(unseal(cursor)["v"])
    except (ValueError, KeyError, TypeError) as error:
        raise bad_request("InvalidPaginationParameter", f"{name} is not a cursor") from error


def _by_offset(call: Call, rows: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    number, size = call.number("page", 1), min(call.number("per_page", LARGEST), LARGEST)
    if number < 1 or size < 1 or number * size > OFFSET_END:
        raise bad_request("InvalidValue", "Offset pagination ends at the 10000th record; use cursor pagination")
    page = rows[(number - 1) * size : number * size]
    more = number * size < len(rows)
    return page, {
        "next_page": _link(call, {"page": number + 1, "per_page": size}) if more else None,
        "previous_page": _link(call, {"page": number - 1, "per_page": size}) if number > 1 else None,
        "count": len(rows),
    }


def _link(call: Call, paging: dict[str, Any]) -> str:
    others = {name: value for name, value in call.request.query if name not in PARAMS}
    return f"{call.origin}{call.request.path}?{urlencode(others | paging)}"
