"""Views: saved conditions on tickets. Ours are a search query each, met by tickets as they are, without index lag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.sandbox.zendesk.api_tickets import many
from connector.sandbox.zendesk.errors import not_found
from connector.sandbox.zendesk.office import Call, Office
from connector.sandbox.zendesk.paging import paged
from connector.sandbox.zendesk.query import matcher, read_terms


def views(office: Office, call: Call) -> dict[str, Any]:
    """``GET /views``."""
    rows = sorted(office.desk.options.views, key=lambda view: int(view["id"]))
    page, rest = paged(call, rows, lambda view: int(view["id"]))
    return {"views": [_as_json(view, call.origin) for view in page], **rest}


def view(office: Office, call: Call) -> dict[str, Any]:
    """``GET /views/{id}``."""
    return {"view": _as_json(_find(office, call), call.origin)}


def tickets(office: Office, call: Call) -> bytes:
    """``GET /views/{id}/tickets``: tickets that meet the conditions now, by id."""
    test = matcher(office.desk, read_terms(str(_find(office, call)["query"])))
    live = (ticket for ticket in office.desk.tickets.values() if not ticket.deleted)
    rows = sorted((ticket for ticket in live if test(ticket)), key=lambda ticket: ticket.id)
    page, rest = paged(call, rows, lambda ticket: int(ticket.id))
    return many(office, call, page, rest)


def _find(office: Office, call: Call) -> Mapping[str, Any]:
    found = next((view for view in office.desk.options.views if int(view["id"]) == call.id), None)
    if found is None:
        raise not_found()
    return found


def _as_json(view: Mapping[str, Any], origin: str) -> dict[str, Any]:
    return {
        "url": f"{origin}/api/v2/views/{view['id']}.json",
        "id": int(view["id"]),
        "title": view.get("title", f"View {view['id']}"),
        "active": True,
        "position": 0,
        "description": None,
        "default": False,
        "restriction": None,
    }
