"""Jira's requests. Pure: what we want to ask or say in, requests out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from connector.domain.change import Comment, Field, FieldChange
from connector.domain.site import Binding, FieldMap, vendor_id
from connector.domain.ticket import Priority, Ticket
from connector.errors import HelpdeskError, Rejected
from connector.helpdesks.jira.text import adf, wiki_note
from connector.helpdesks.transport import Dialect, Endpoint, Limit, Reading, Reply, Request

MARKER = "esc.marker"
"""Comment property and issue property that carry the operation's key."""

_API = "/rest/api/3"
_DESK = "/rest/servicedeskapi"
_SECOND = timedelta(seconds=1)


# ---- reading


def myself() -> Request:
    """Who are we?"""
    return Request("GET", f"{_API}/myself")


def my_permissions() -> Request:
    """May we suppress mails on edits?"""
    return Request("GET", f"{_API}/mypermissions", (("permissions", "ADMINISTER,ADMINISTER_PROJECTS"),))


def all_fields() -> Request:
    """Every field of the site."""
    return Request("GET", f"{_API}/field")


def search(jql: str, fields: Sequence[str], *, token: str | None = None, size: int = 100) -> Request:
    """One page of ``search/jql``; there is no total and no offset, only a token."""
    body: dict[str, Any] = {"jql": jql, "fields": list(fields), "maxResults": size}
    if token:
        body["nextPageToken"] = token
    return Request("POST", f"{_API}/search/jql", body=body)


def open_jql(projects: Iterable[str]) -> str:
    """JQL for all open issues of some projects (``search/jql`` refuses a query without bounds)."""
    return f"{_in_projects(projects)}statusCategory != Done ORDER BY key ASC"


def changed_jql(projects: Iterable[str], since: datetime) -> str:
    """JQL for what changed since a moment, as epoch milliseconds: text dates mean the account's own time zone."""
    millis = int(since.timestamp() * 1000)
    return f"{_in_projects(projects)}updated >= {millis} ORDER BY updated ASC, key ASC"


def _in_projects(projects: Iterable[str]) -> str:
    keys = ", ".join(_quoted(p) for p in projects)
    return f"project in ({keys}) AND " if keys else ""


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def bulk_fetch(ids: Sequence[str], fields: Sequence[str]) -> Request:
    """Up to 100 issues as they are now; the answer is in order of id and leaves out what we cannot see."""
    return Request("POST", f"{_API}/issue/bulkfetch", body={"issueIdsOrKeys": list(ids), "fields": list(fields)})


def issue(id_: str, fields: Sequence[str], *, properties: Sequence[str] = ()) -> Request:
    """One issue as it is now."""
    params = [("fields", ",".join(fields))]
    if properties:
        params.append(("properties", ",".join(properties)))
    return Request("GET", f"{_API}/issue/{quote(id_)}", tuple(params))


def changelogs(ids: Sequence[str], fields: Sequence[str], *, token: str | None = None) -> Request:
    """Changes of up to 1,000 issues, oldest first."""
    body: dict[str, Any] = {"issueIdsOrKeys": list(ids), "fieldIds": list(fields), "maxResults": 1000}
    if token:
        body["nextPageToken"] = token
    return Request("POST", f"{_API}/changelog/bulkfetch", body=body)


def comments(id_: str, *, start: int = 0, newest_first: bool = False) -> Request:
    """A page of an issue's comments."""
    order = "-created" if newest_first else "created"
    params = (("startAt", str(start)), ("maxResults", "100"), ("orderBy", order), ("expand", "properties"))
    return Request("GET", f"{_API}/issue/{quote(id_)}/comment", params)


def user(account: str) -> Request:
    """One account."""
    return Request("GET", f"{_API}/user", (("accountId", account),))


# ---- writing


def edit(
    id_: str, changes: Sequence[FieldChange], names: FieldMap, *, marker: Mapping[str, str], quiet: bool
) -> Request:
    """All field changes in one request, with the issue property that marks it.

    ``quiet`` suppresses mails and needs an administrator's right. Raises ``Rejected`` for a value that the map does not
    bind: nothing is cleared because a look-up failed.
    """
    fields: dict[str, Any] = {}
    update: dict[str, Any] = {}
    for change in changes:
        if change.field is Field.LABELS:
            update["labels"] = [{"add": label} for label in sorted((change.after or "").split())]
        else:
            key, value = _field_value(change, names)
            fields[key] = value
    body: dict[str, Any] = {"properties": [{"key": MARKER, "value": dict(marker)}]}
    if fields:
        body["fields"] = fields
    if update:
        body["update"] = update
    params = [("returnIssue", "true")] + ([("notifyUsers", "false")] if quiet else [])
    return Request("PUT", f"{_API}/issue/{quote(id_)}", tuple(params), body)


def _field_value(change: FieldChange, names: FieldMap) -> tuple[str, Any]:
    match change.field:
        case Field.PRIORITY:
            return "priority", {"id": _bound(names.priorities.get(Priority[change.after or ""]), change)}
        case Field.LEVEL:
            return _field_id(names.level, change), float(change.after or 0)
        case Field.PATH:
            return _field_id(names.path, change), change.after
        case Field.NEXT_DUE:
            return _field_id(names.next_due, change), change.after
        case Field.GROUP:
            group = _bound(vendor_id(names.groups, change.after or ""), change)
            return _field_id(names.group_field, change), {"value": group}
        case Field.ASSIGNEE:
            return "assignee", {"accountId": _bound(vendor_id(names.people, change.after or ""), change)}
    raise Rejected(f"{change.field} cannot be written to Jira")


def _bound(value: str | None, change: FieldChange) -> str:
    if not value:
        raise Rejected(f"{change.field} {change.after!r} is not bound on this site", fields=(str(change.field),))
    return value


def _field_id(binding: Binding | None, change: FieldChange) -> str:
    if binding is None:
        raise Rejected(f"this site's map has no field for {change.field}", fields=(str(change.field),))
    return binding.id


def add_comment(id_: str, comment: Comment) -> Request:
    """A comment that the requester reads: text nodes only, the marker in the comment's own properties."""
    body = {"body": adf(comment.body), "properties": [{"key": MARKER, "value": {"key": comment.key}}]}
    return Request("POST", f"{_API}/issue/{quote(id_)}/comment", body=body)


def add_note(id_: str, comment: Comment) -> Request:
    """An internal note: wiki text with everything escaped, its visible reference as the only marker."""
    body = {"body": wiki_note(comment.body, comment.ref), "public": False}
    return Request("POST", f"{_DESK}/request/{quote(id_)}/comment", body=body)


def get_comment(id_: str, comment_id: str) -> Request:
    """One comment of the platform, with ``jsdPublic``."""
    return Request("GET", f"{_API}/issue/{quote(id_)}/comment/{quote(comment_id)}")


def delete_comment(id_: str, comment_id: str) -> Request:
    """Remove a comment of our own."""
    return Request("DELETE", f"{_API}/issue/{quote(id_)}/comment/{quote(comment_id)}")


# ---- what is particular about Jira

_BURST_GET = Limit(name="burst-get", count=100, window=_SECOND)
_BURST_POST = Limit(name="burst-post", count=100, window=_SECOND)
_BURST_PUT = Limit(name="burst-put", count=50, window=_SECOND, share=0.25, urgent=0.7)
_TICKET_2S = Limit(name="ticket-2s", count=20, window=2 * _SECOND, share=0.5, urgent=0.7, per_ticket=True)
_TICKET_30S = Limit(name="ticket-30s", count=100, window=30 * _SECOND, share=0.25, urgent=0.7, per_ticket=True)
_WRITES = (_BURST_PUT, _TICKET_2S, _TICKET_30S)


def _endpoint(name: str, method: str, path: str, *limits: Limit, safe: bool = True, empty: bool = False) -> Endpoint:
    return Endpoint(name=name, method=method, path=re.compile(path), safe=safe, limits=limits, empty=empty)


_ENDPOINTS = (
    _endpoint("search", "POST", f"{_API}/search/jql", _BURST_POST),
    _endpoint("bulkfetch", "POST", f"{_API}/issue/bulkfetch", _BURST_POST),
    _endpoint("changelog", "POST", f"{_API}/changelog/bulkfetch", _BURST_POST),
    _endpoint("comments", "GET", rf"{_API}/issue/[^/]+/comment(?:/[^/]+)?", _BURST_GET),
    _endpoint("issue", "GET", rf"{_API}/issue/[^/]+", _BURST_GET),
    _endpoint("edit", "PUT", rf"{_API}/issue/([^/]+)", *_WRITES, safe=False, empty=True),
    _endpoint("comment", "POST", rf"{_API}/issue/([^/]+)/comment", *_WRITES, safe=False),
    _endpoint("note", "POST", rf"{_DESK}/request/([^/]+)/comment", *_WRITES, safe=False),
    _endpoint("comment.delete", "DELETE", rf"{_API}/issue/([^/]+)/comment/[^/]+", *_WRITES, safe=False, empty=True),
)


def _readings(endpoint: Endpoint, headers: Mapping[str, str]) -> Iterable[Reading]:
    """Read ``X-RateLimit-Limit``/``-Remaining`` of an answer into the endpoint's shared limit."""
    shared = next((limit for limit in endpoint.limits if not limit.per_ticket), None)
    try:
        count, left = int(headers["x-ratelimit-limit"]), int(headers["x-ratelimit-remaining"])
    except (KeyError, ValueError):
        return ()
    return (Reading(limit=shared, count=count, left=left),) if shared else ()


class _Errors(msgspec.Struct, rename="camel"):
    error_messages: list[str] = []
    errors: dict[str, Any] = {}
    error_message: str = ""


def _judge(reply: Reply, error: HelpdeskError) -> HelpdeskError:
    """Name the fields that Jira refused; their messages may quote ticket text, so only the names are kept."""
    if not isinstance(error, Rejected):
        return error
    try:
        body = msgspec.json.decode(reply.body, type=_Errors)
    except msgspec.DecodeError:
        return error
    fields = tuple(sorted(body.errors))
    named = f" (refused: {', '.join(fields)})" if fields else ""
    return Rejected(f"{error}{named}", fields=fields, remedy=error.remedy)


DIALECT = Dialect(endpoints=_ENDPOINTS, readings=_readings, judge=_judge)


def changed_since(seen: Ticket, live: Ticket, changes: Iterable[FieldChange]) -> str:
    """Return what differs between the ticket as seen and as it is now, in what this write depends on; "" for nothing.

    Jira has no compare-and-set: this comparison, just before the write, is the nearest thing.
    """
    if live.status is not seen.status:
        return "status"
    pairs = {
        Field.PRIORITY: (seen.priority, live.priority),
        Field.LEVEL: (seen.level, live.level),
        Field.PATH: (seen.path, live.path),
        Field.GROUP: (seen.group, live.group),
        Field.ASSIGNEE: (seen.assignee, live.assignee),
    }
    for change in changes:
        before, now = pairs.get(change.field, (None, None))
        if before != now:
            return str(change.field)
    return ""
