"""Jira's requests. Pure: what we want to ask or say in, requests out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from connector.domain.change import Comment, Field, FieldChange
from connector.domain.site import Binding, FieldMap, vendor_id
from connector.domain.ticket import Priority
from connector.errors import Rejected
from connector.helpdesks.jira.limits import API as _API
from connector.helpdesks.jira.limits import DESK as _DESK
from connector.helpdesks.jira.text import adf, wiki_note
from connector.helpdesks.transport import Request

PEOPLES = frozenset({Field.PRIORITY, Field.GROUP, Field.ASSIGNEE})
"""What people set by hand."""

MARKER = "esc.marker"
"""Comment property and issue property that carry the operation's key."""

CREATOR = "creator"
"""Who typed an issue in: asked for with its history alone."""

MOST_IDS = 100
"""Issues of one bulk read."""

MOST_USERS = 100

# ---- reading


def myself() -> Request:
    """Who are we?"""
    return Request("GET", f"{_API}/myself")


def my_permissions(project: str) -> Request:
    """May we suppress mails on edits in a project? Without one, Jira answers for *any* project."""
    wanted = ("permissions", "ADMINISTER,ADMINISTER_PROJECTS")
    return Request("GET", f"{_API}/mypermissions", (("projectKey", project), wanted))


def may(project: str, permissions: Sequence[str]) -> Request:
    """Which of these may we, in a project?"""
    wanted = (("projectKey", project), ("permissions", ",".join(permissions)))
    return Request("GET", f"{_API}/mypermissions", wanted)


def priorities() -> Request:
    """Every priority of the site."""
    return Request("GET", f"{_API}/priority")


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


def bulk_fetch(ids: Sequence[str], fields: Sequence[str], *, properties: Sequence[str] = ()) -> Request:
    """Up to 100 issues as they are now; the answer is in order of id and leaves out what we cannot see."""
    body: dict[str, Any] = {"issueIdsOrKeys": list(ids), "fields": list(fields)}
    if properties:
        body["properties"] = list(properties)
    return Request("POST", f"{_API}/issue/bulkfetch", body=body)


def issue(id_: str, fields: Sequence[str], *, properties: Sequence[str] = ()) -> Request:
    """One issue as it is now."""
    params = [("fields", ",".join(fields))]
    if properties:
        params.append(("properties", ",".join(properties)))
    return Request("GET", f"{_API}/issue/{quote(id_, safe='')}", tuple(params))


def changelogs(ids: Sequence[str], fields: Sequence[str], *, token: str | None = None) -> Request:
    """Changes of up to 1,000 issues, oldest first."""
    body: dict[str, Any] = {"issueIdsOrKeys": list(ids), "fieldIds": list(fields), "maxResults": 1000}
    if token:
        body["nextPageToken"] = token
    return Request("POST", f"{_API}/changelog/bulkfetch", body=body)


def comments(id_: str, *, start: int = 0, size: int = 100, newest_first: bool = False) -> Request:
    """A page of an issue's comments."""
    order = "-created" if newest_first else "created"
    params = (("startAt", str(start)), ("maxResults", str(size)), ("orderBy", order), ("expand", "properties"))
    return Request("GET", f"{_API}/issue/{quote(id_, safe='')}/comment", params)


def assignable(project: str, most: int) -> Request:
    """The accounts that issues of a project can be given to, among the site's first users: its service desk team."""
    return Request("GET", f"{_API}/user/assignable/search", (("project", project), ("maxResults", str(most))))


def everybody(*, start: int, most: int) -> Request:
    """Users of the site from the ``start``-th on, whoever they are."""
    return Request("GET", f"{_API}/users/search", (("startAt", str(start)), ("maxResults", str(most))))


def statuses() -> Request:
    """Every status of the site, with its category."""
    return Request("GET", f"{_API}/status")


def users(accounts: Sequence[str]) -> Request:
    """Up to ``MOST_USERS`` accounts."""
    params = (("maxResults", str(MOST_USERS)), *(("accountId", account) for account in accounts))
    return Request("GET", f"{_API}/user/bulk", params)


# ---- writing


def edit(
    id_: str, changes: Sequence[FieldChange], names: FieldMap, *, marker: Mapping[str, str], quiet: bool
) -> Request:
    """All field changes in one request, with the issue property that marks it.

    ``quiet`` suppresses mails and needs an administrator's right. Raises ``Rejected`` for a value that the map does not
    bind: nothing is cleared because a look-up failed.
    """
    body: dict[str, Any] = {"properties": [{"key": MARKER, "value": dict(marker)}]}
    for change in changes:
        part = "update" if change.field is Field.LABELS else "fields"
        name, value = _field_value(change, names)
        body.setdefault(part, {})[name] = value
    params = [("returnIssue", "true")] + ([("notifyUsers", "false")] if quiet else [])
    if any(change.field in PEOPLES for change in changes):
        params.append(("expand", "changelog"))  # tells whether somebody slipped in between, at no further request
    return Request("PUT", f"{_API}/issue/{quote(id_, safe='')}", tuple(params), body)


def refused(vendor_names: Iterable[str], changes: Iterable[FieldChange], names: FieldMap) -> tuple[str, ...]:
    """Return which of our fields stand behind the fields that Jira refused; its own name for any other."""
    ours = {_field_value(change, names)[0]: str(change.field) for change in changes}
    return tuple(ours.get(name, name) for name in vendor_names)


def _field_value(change: FieldChange, names: FieldMap) -> tuple[str, Any]:
    match change.field:
        case Field.LABELS:
            return "labels", [{"add": label} for label in sorted((change.after or "").split())]
        case Field.PRIORITY:
            return "priority", {"id": _bound(names.priorities.get(Priority[change.after or ""]), change)}
        case Field.LEVEL:
            return _field_id(names.level, change), float(change.after or 0)
        case Field.PATH:
            return _field_id(names.path, change), change.after
        case Field.NEXT_DUE:
            return _field_id(names.next_due, change), _stamp(change.after)
        case Field.GROUP:
            group = _bound(vendor_id(names.groups, change.after or ""), change)
            return _field_id(names.group_field, change), {"value": group}
        case Field.ASSIGNEE:
            return "assignee", {"accountId": _bound(vendor_id(names.people, change.after or ""), change)}


def _stamp(moment: str | None) -> str | None:
    """Return a moment in the one form that Jira takes: with milliseconds, and no colon in the offset."""
    return None if moment is None else f"{datetime.fromisoformat(moment):%Y-%m-%dT%H:%M:%S.000%z}"


def _bound(value: str | None, change: FieldChange) -> str:
    if not value:
        raise Rejected(f"{change.field} {change.after!r} is not bound on this site", fields=(str(change.field),))
    return value


def _field_id(binding: Binding | None, change: FieldChange) -> str:
    if binding is None:
        raise Rejected(f"this site's map has no field for {change.field}", fields=(str(change.field),))
    return binding.id


def add_comment(id_: str, comment: Comment, riders: Mapping[str, str] = MappingProxyType({})) -> Request:
    """A comment that the requester reads: text nodes only, the marker in the comment's own properties."""
    marker = {"key": comment.key} | ({"also": " ".join(comment.also)} if comment.also else {}) | dict(riders)
    body = {"body": adf(comment.body), "properties": [{"key": MARKER, "value": marker}]}
    return Request("POST", f"{_API}/issue/{quote(id_, safe='')}/comment", body=body)


def add_note(id_: str, comment: Comment) -> Request:
    """An internal note: wiki text with everything escaped, its visible reference as the only marker."""
    refs = " ".join((comment.ref, *(f"ESC-{ref}" for ref in comment.also)))
    body = {"body": wiki_note(comment.body, refs), "public": False}
    return Request("POST", f"{_DESK}/request/{quote(id_, safe='')}/comment", body=body)


def get_comment(id_: str, comment_id: str) -> Request:
    """One comment of the platform, with ``jsdPublic``."""
    return Request("GET", f"{_API}/issue/{quote(id_, safe='')}/comment/{quote(comment_id, safe='')}")


def delete_comment(id_: str, comment_id: str) -> Request:
    """Remove a comment of our own."""
    return Request("DELETE", f"{_API}/issue/{quote(id_, safe='')}/comment/{quote(comment_id, safe='')}")
