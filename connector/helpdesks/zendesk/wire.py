"""Zendesk's requests, as pure data. Cursors are parsed here as well; no URL that Zendesk sends is ever followed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from connector.domain.change import Field, FieldChange, Write
from connector.domain.site import Binding, FieldMap, vendor_id
from connector.domain.ticket import Priority, Ticket
from connector.domain.written import live_value
from connector.errors import Rejected
from connector.helpdesks.transport import Request
from connector.helpdesks.zendesk.text import safe_body

SIDELOADS = "slas,metric_sets,users,organizations"
EXPORT_PAGE = 1000
LEAST_EXPORT_PAGE = 25
MOST_IDS = 100
SEARCH_PAGE = 100
AUDIT_PAGE = 100
LEAST_AUDIT_PAGE = 10
VIEW_PAGE = 100
LARGEST_METADATA = 1000  # Zendesk takes 1 KB

PRIORITIES: Mapping[Priority, str] = {
    Priority.P1: "urgent",
    Priority.P2: "high",
    Priority.P3: "normal",
    Priority.P4: "low",
}


class Position(msgspec.Struct, array_like=True, frozen=True):
    """What our cursor text holds.

    Attributes:
        start: Epoch seconds from which to begin while there is no ``after``; then the moment of the last poll that read
            everything, or of the latest change read since.
        after: Zendesk's own opaque cursor.
        scope: Digest of what the site looked after when this was stored; empty: every ticket.
    """

    start: int
    after: str = ""
    scope: str = ""

    def text(self) -> str:
        """Return the cursor to store."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def parse(cls, cursor: str) -> Position:
        """Read a stored cursor; raises ``ValueError`` for one that is not ours."""
        return msgspec.json.decode(cursor, type=cls)


def me() -> Request:
    """Who are we?"""
    return Request("GET", "/api/v2/users/me.json")


def export(position: Position, rows: int = EXPORT_PAGE) -> Request:
    """One page of the cursor export; every page may be of another size."""
    begin = ("cursor", position.after) if position.after else ("start_time", str(position.start))
    return Request(
        "GET",
        "/api/v2/incremental/tickets/cursor.json",
        (begin, ("per_page", str(rows)), ("include", SIDELOADS)),
    )


def search(query: str, *, after: str = "", sideload: bool = True) -> Request:
    """One page of the search export; ``after`` expires within the hour."""
    params = [("query", query), ("filter[type]", "ticket"), ("page[size]", str(SEARCH_PAGE))]
    if sideload:
        params.append(("include", f"tickets({SIDELOADS})"))
    if after:
        params.append(("page[after]", after))
    return Request("GET", "/api/v2/search/export.json", tuple(params))


def view_tickets(view: str, *, after: str = "") -> Request:
    """One page of the tickets in a view."""
    params = [("page[size]", str(VIEW_PAGE))] + ([("page[after]", after)] if after else [])
    return Request("GET", f"/api/v2/views/{quote(view, safe='')}/tickets.json", tuple(params))


def show_many(ids: Sequence[str]) -> Request:
    """Return up to ``MOST_IDS`` tickets as they are now."""
    return Request("GET", "/api/v2/tickets/show_many.json", (("ids", ",".join(ids)), ("include", SIDELOADS)))


def memberships(group: str, *, after: str = "") -> Request:
    """One page of a group's members."""
    params = [("page[size]", str(MOST_IDS))] + ([("page[after]", after)] if after else [])
    return Request("GET", f"/api/v2/groups/{quote(group, safe='')}/memberships.json", tuple(params))


def people(kind: str, ids: Sequence[int]) -> Request:
    """``users`` or ``organizations`` by id, up to ``MOST_IDS``."""
    return Request("GET", f"/api/v2/{kind}/show_many.json", (("ids", ",".join(map(str, ids))),))


def audits(ticket: str, rows: int = AUDIT_PAGE, *, after: str = "", page: str = "") -> Request:
    """One page of a ticket's audits, oldest first; every page may be of another size, unless pages are numbered."""
    params = [("page[size]", str(rows))] if not page else [("page", page)]
    if after:
        params.append(("page[after]", after))
    return Request("GET", f"/api/v2/tickets/{quote(ticket, safe='')}/audits.json", tuple(params))


def page_number(next_page: str | None) -> str:
    """Return the page number that a ``next_page`` URL names; the URL itself is not followed."""
    number = parse_qs(urlsplit(next_page or "").query).get("page", [""])[0]
    return number if number.isdecimal() else ""


def jobs(ids: Sequence[str]) -> Request:
    """Several jobs at once."""
    return Request("GET", "/api/v2/job_statuses/show_many.json", (("ids", ",".join(ids)),))


def make_private(ticket: str, comment: str) -> Request:
    """Hide a comment from the requester."""
    return Request(
        "PUT", f"/api/v2/tickets/{quote(ticket, safe='')}/comments/{quote(comment, safe='')}/make_private.json"
    )


def update(write: Write, *, seen: Ticket, fields: FieldMap) -> Request:
    """Fields, comment and hidden marker as one compare-and-set update, hence one audit.

    Tags are the full list seen and added, see ``_tags``: the single form replaces them, and the stamp makes that safe.

    Raises:
        Rejected: A name in the write is not bound on this site.
    """
    body = dict(_values(write.fields, fields)) | _guard(seen)
    if _labels(write.fields):
        body["tags"] = sorted(_tags(write, seen, fields))
    if write.comment:
        body["comment"] = {"body": safe_body(write.comment.body), "public": write.comment.public}
    body["metadata"] = {"esc": metadata(write)}
    return Request("PUT", f"/api/v2/tickets/{seen.ref.id}.json", body={"ticket": body})


def update_many(writes: Sequence[tuple[Write, Ticket]], fields: FieldMap) -> Request:
    """Field-only updates of up to ``MOST_IDS`` tickets as one job, each with its own stamp."""
    return Request(
        "PUT",
        "/api/v2/tickets/update_many.json",
        body={"tickets": [_item(write, seen, fields) for write, seen in writes]},
    )


def metadata(write: Write) -> dict[str, Any]:
    """Return the hidden marker with as many riders as fit."""
    marker: dict[str, Any] = {"key": write.key, "hop": 1}
    if write.comment and write.comment.public:
        marker["public"] = True  # should it come out private, it does not count as said
    also = {"also": " ".join(write.comment.also)} if write.comment and write.comment.also else {}
    for name, value in sorted((also | dict(write.riders)).items(), key=_by_weight):
        longer = marker | {name: value}
        if name not in marker and len(msgspec.json.encode({"esc": longer})) <= LARGEST_METADATA:
            marker = longer
    return marker


def _by_weight(rider: tuple[str, str]) -> tuple[bool, str]:
    """Sort what a lost state is recalled from before what only people read."""
    name, _ = rider
    return name not in {"also", "memory", "policy"}, name


def bound_value(binding: Binding | None, value: str) -> str | None:
    """Return the vendor's value for one of ours; ``None`` without a binding."""
    if binding is None:
        return None
    return next((theirs for theirs, ours in binding.values.items() if ours == value), value)


def named_values(changes: Sequence[FieldChange], fields: FieldMap) -> Iterator[tuple[str, Any]]:
    """Yield field names and values as audits show them: a custom field goes by its id."""
    for name, value in _values(changes, fields):
        if name == "custom_fields":
            yield from ((str(item["id"]), item["value"]) for item in value)
        else:
            yield name, value


def _item(write: Write, seen: Ticket, fields: FieldMap) -> dict[str, Any]:
    labels = _labels(write.fields)
    added = {"additional_tags": sorted(labels)} if labels else {}
    return {"id": int(seen.ref.id), **dict(_values(write.fields, fields)), **added, **_guard(seen)}


def _guard(seen: Ticket) -> dict[str, Any]:
    return {"safe_update": True, "updated_stamp": seen.version}


def _labels(changes: Sequence[FieldChange]) -> frozenset[str]:
    return frozenset(label for c in changes if c.field is Field.LABELS for label in (c.after or "").split())


def _tags(write: Write, seen: Ticket, fields: FieldMap) -> frozenset[str]:
    """Return every tag that is to stand: what was seen, what is added, and of our own drop-downs the present option.

    An option is a tag of the ticket, so a list that still holds the old one would take the choice back. The map names
    the options; where it does not, the old value among the tags shows that the field is a drop-down.
    """
    tags = seen.labels | _labels(write.fields)
    changed = {change.field: change.after for change in write.fields}
    for field, binding in ((Field.LEVEL, fields.level), (Field.PATH, fields.path)):
        before = live_value(seen, field)
        options = frozenset(binding.values) if binding else frozenset()
        if not options and field in changed and before in tags:
            options = frozenset({str(before)})
        if options:
            chosen = bound_value(binding, changed.get(field, before) or "")
            tags = tags - options | frozenset({chosen} if chosen else ())
    return tags


def _values(changes: Sequence[FieldChange], fields: FieldMap) -> Iterator[tuple[str, Any]]:
    custom = []
    for change in changes:
        match change.field:
            case Field.PRIORITY:
                yield "priority", _priority(change.after, fields)
            case Field.GROUP:
                yield "group_id", _id(change, fields.groups)
            case Field.ASSIGNEE:
                yield "assignee_id", _id(change, fields.people)
            case Field.LEVEL | Field.PATH | Field.NEXT_DUE:
                custom.append(_custom(change, fields))
            case Field.LABELS:
                pass
    if custom:
        yield "custom_fields", custom


def _priority(name: str | None, fields: FieldMap) -> str:
    priorities = fields.priorities or PRIORITIES
    if name is None or Priority[name] not in priorities:
        raise Rejected(f"priority {name} is not bound on this site", fields=("priority",))
    return priorities[Priority[name]]


def _id(change: FieldChange, names: Mapping[str, str]) -> int:
    id_ = vendor_id(names, change.after) if change.after else None
    if id_ is None or not id_.isdecimal():
        raise Rejected(f"{change.field} {change.after} is not bound on this site", fields=(str(change.field),))
    return int(id_)


def custom_ids(changes: Iterable[FieldChange], fields: FieldMap) -> Iterator[tuple[str, int]]:
    """Yield name and id of the custom fields among some changes."""
    for change in changes:
        binding = _bindings(fields).get(change.field)
        if binding is not None and binding.id.isdecimal():
            yield str(change.field), int(binding.id)


def _bindings(fields: FieldMap) -> Mapping[Field, Binding | None]:
    return {Field.LEVEL: fields.level, Field.PATH: fields.path, Field.NEXT_DUE: fields.next_due}


def _custom(change: FieldChange, fields: FieldMap) -> dict[str, Any]:
    binding = _bindings(fields)[change.field]
    if binding is None or not binding.id.isdecimal():
        raise Rejected(f"{change.field} has no field on this site", fields=(str(change.field),))
    value = None if change.after is None else bound_value(binding, change.after)
    return {"id": int(binding.id), "value": value}
