"""Ticket endpoints: reading, single and bulk updates, tags, comments, audits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from connector.sandbox.core.strict import unknown_keys
from connector.sandbox.zendesk.account_json import user_json
from connector.sandbox.zendesk.errors import bad_request, not_found, stray
from connector.sandbox.zendesk.office import Call, Office
from connector.sandbox.zendesk.paging import paged
from connector.sandbox.zendesk.sideload import Wagon, read_include
from connector.sandbox.zendesk.ticket import Ticket, comment_json
from connector.sandbox.zendesk.wire import encode, read_stamp
from connector.sandbox.zendesk.wish import Wish, read_wish

TAG_KEYS = frozenset({"tags", "safe_update", "updated_stamp"})
LARGEST_BATCH = 100


def show(office: Office, call: Call) -> bytes:
    """``GET /tickets/{id}``."""
    return _one(office, call, office.desk.find(call.id))


def _one(office: Office, call: Call, ticket: Ticket, rest: bytes = b"") -> bytes:
    include = read_include(call.listed("include"))
    wagon = Wagon(office.desk, call.origin, include)
    beside = wagon.page("tickets", [], [ticket], {})[len(b'{"tickets":[]') : -1]
    return b"".join((b'{"ticket":', wagon.ticket(ticket), beside, rest, b"}"))


def listed(office: Office, call: Call) -> bytes:
    """``GET /tickets``: every ticket that is not deleted, by id."""
    rows = [ticket for ticket in office.desk.tickets.values() if not ticket.deleted]
    rows.sort(key=lambda ticket: ticket.id)
    page, rest = paged(call, rows, lambda ticket: int(ticket.id))
    return many(office, call, page, rest)


def show_many(office: Office, call: Call) -> bytes:
    """``GET /tickets/show_many``: what does not exist is not there."""
    found = [office.desk.tickets[i] for i in dict.fromkeys(call.ids_param()) if i in office.desk.tickets]
    present = [ticket for ticket in found if not ticket.deleted]
    return many(office, call, present, {"next_page": None, "previous_page": None, "count": len(present)})


def many(office: Office, call: Call, tickets: Sequence[Ticket], rest: dict[str, Any]) -> bytes:
    """A page of tickets with whatever was to be sideloaded."""
    wagon = Wagon(office.desk, call.origin, read_include(call.listed("include")))
    return wagon.page("tickets", [wagon.ticket(ticket) for ticket in tickets], tickets, rest)


def update(office: Office, call: Call) -> bytes:
    """``PUT /tickets/{id}``: one audit; without any change there is none, and no metadata is kept."""
    ticket = office.desk.find(call.id)
    body = call.body()
    if not isinstance(body, dict) or "ticket" not in body:
        raise bad_request("InvalidValue", "a ticket object is needed")
    if strays := unknown_keys(body, {"ticket"}):
        raise stray(strays)
    audit = office.clerk.update(ticket, read_wish(office.desk, body["ticket"]), call.hand)
    rest = b',"audit":' + encode(audit.as_json()) if audit else b""
    return _one(office, call, ticket, rest)


def update_many(office: Office, call: Call) -> dict[str, Any]:
    """``PUT /tickets/update_many``: one change for many ids, or a batch with a change each."""
    job = office.jobs.queue(call.user, _items(office, call))
    return {"job_status": job.as_json(call.origin)}


def _items(office: Office, call: Call) -> tuple[tuple[int, Wish], ...]:
    body = call.body()
    if strays := unknown_keys(body, {"ticket", "tickets"}):
        raise stray(strays)
    queued_at = office.desk.now()
    if "tickets" not in body:
        wish = _queued(read_wish(office.desk, body.get("ticket"), bulk=True), queued_at)
        return tuple((ticket_id, wish) for ticket_id in call.ids_param())
    if len(body["tickets"]) > LARGEST_BATCH:
        text = "Parameter tickets cannot specify more than 100 values"
        raise bad_request("TooManyValues", text, max_count=LARGEST_BATCH)
    return tuple(_batch_item(office, raw, queued_at) for raw in body["tickets"])


def _batch_item(office: Office, raw: Any, queued_at: int) -> tuple[int, Wish]:
    if not isinstance(raw, dict) or not str(raw.get("id", "")).isdigit():
        raise bad_request("InvalidValue", "every ticket of a batch needs an id")
    if "safe_update" in raw and not raw.get("updated_stamp"):
        raise bad_request("InvalidValue", "a safe update in a batch needs an updated_stamp")
    return int(raw["id"]), _queued(read_wish(office.desk, raw, bulk=True), queued_at)


def _queued(wish: Wish, queued_at: int) -> Wish:
    """Bulk updates are always safe: without a stamp, nothing may have changed since they were queued."""
    return wish if wish.stamp is not None else replace(wish, queued_at=queued_at)


def comments(office: Office, call: Call) -> dict[str, Any]:
    """``GET /tickets/{id}/comments``."""
    ticket = office.clerk.with_history(office.desk.find(call.id))
    newest_first = call.request.param("sort_order") == "desc"
    if newest_first and call.request.param("page[size]"):
        raise bad_request("InvalidPaginationParameter", "sort_order goes with offset pagination alone")
    rows = tuple(reversed(ticket.comments)) if newest_first else ticket.comments
    page, rest = paged(call, rows, lambda comment: int(comment.id))
    users = _users(office, call, {comment.author_id for comment in page})
    return {"comments": [comment_json(comment) for comment in page], **users, **rest}


def make_private(office: Office, call: Call) -> None:
    """``PUT /tickets/{id}/comments/{id}/make_private``: customers see it no more; mails that went out stay read."""
    ticket = office.clerk.with_history(office.desk.find(call.id))
    comment_id = int(call.ids[1])
    if not any(comment.id == comment_id for comment in ticket.comments):
        raise not_found()
    ticket.comments = tuple(replace(c, public=False) if c.id == comment_id else c for c in ticket.comments)
    for event in (event for audit in ticket.audits for event in audit.events if event.get("id") == comment_id):
        event["public"] = False


def audits(office: Office, call: Call) -> dict[str, Any]:
    """``GET /tickets/{id}/audits``, oldest first."""
    ticket = office.clerk.with_history(office.desk.find(call.id))
    page, rest = paged(call, ticket.audits, lambda audit: int(audit.id))
    users = _users(office, call, {audit.author_id for audit in page})
    return {"audits": [audit.as_json() for audit in page], **users, **rest}


def _users(office: Office, call: Call, ids: set[int]) -> dict[str, Any]:
    """The ``users`` that ride along with comments and audits."""
    asked = [word for word in call.listed("include") if word != "None"]  # zenpy writes its None out
    if unknown := tuple(f"include={word}" for word in asked if word != "users"):
        raise stray(unknown)
    known = office.desk.directory.users
    return {"users": [user_json(known[i], call.origin) for i in sorted(ids) if i in known]} if asked else {}


def audit(office: Office, call: Call) -> dict[str, Any]:
    """``GET /tickets/{id}/audits/{id}``."""
    ticket = office.clerk.with_history(office.desk.find(call.id))
    found = next((audit for audit in ticket.audits if audit.id == int(call.ids[1])), None)
    if found is None:
        raise not_found()
    return {"audit": found.as_json()}


def tags(office: Office, call: Call) -> dict[str, Any]:
    """``GET /tickets/{id}/tags``."""
    return {"tags": list(office.desk.find(call.id).tags)}


def add_tags(office: Office, call: Call) -> dict[str, Any]:
    """``PUT /tickets/{id}/tags`` adds."""
    return _tagged(office, call, lambda words: Wish(add_tags=words))


def set_tags(office: Office, call: Call) -> dict[str, Any]:
    """``POST /tickets/{id}/tags`` replaces."""
    return _tagged(office, call, lambda words: Wish(values={"tags": words}))


def remove_tags(office: Office, call: Call) -> None:
    """``DELETE /tickets/{id}/tags`` removes."""
    _tagged(office, call, lambda words: Wish(remove_tags=words))


def _tagged(office: Office, call: Call, wish_of: Any) -> dict[str, Any]:
    ticket, body = office.desk.find(call.id), call.body()
    if strays := unknown_keys(body, TAG_KEYS):
        raise stray(strays)
    words = tuple(sorted({str(word).lower() for word in body.get("tags", ())}))
    stamp = read_stamp(body["updated_stamp"]) if "safe_update" in body and body.get("updated_stamp") else None
    office.clerk.update(ticket, replace(wish_of(words), stamp=stamp), call.hand)
    return {"tags": list(ticket.tags)}
