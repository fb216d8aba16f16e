"""Was a write of ours applied? The audits of our own account tell, by marker, by value or by our very words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.domain.change import Comment, Field, FieldChange, Write
from connector.domain.site import FieldMap
from connector.domain.ticket import Ticket
from connector.helpdesks.zendesk import history, normalise, shapes, wire
from connector.helpdesks.zendesk.text import safe_body
from connector.ports import Guard, Lookup, Presence


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Where to look: audits of ``accounts`` (ours) since ``since``."""

    accounts: frozenset[str]
    since: datetime
    fields: FieldMap


def guard(ticket: Ticket | None, write: Write) -> Guard:
    """Return what becomes of a copy that is still on its way, by the stamp that it carries."""
    if ticket is None:
        return Guard.NONE
    return Guard.STANDS if ticket.version == write.seen else Guard.MOVED


def find(audits: Sequence[shapes.Audit], write: Write, search: Search) -> Lookup:
    """Return whether ``write`` stands in ``audits``.

    A comment is found by its marker or, where the account strips metadata, by its very words. Fields alone may have
    travelled in a job, where no marker is promised: there an audit of ours that set every one of the values counts.
    """
    found = [
        audit
        for audit in audits
        if history.is_ours(audit, search.accounts)
        and normalise.moment(audit.created_at) >= search.since
        and _is_it(audit, write, search.fields)
    ]
    if not found:
        return Lookup(presence=Presence.ABSENT)
    first, *newer = sorted(found, key=lambda audit: (audit.created_at, audit.id))
    return Lookup(
        presence=Presence.FOUND,
        remote_id=str(first.id),
        version=first.created_at,
        copies=tuple(id_ for audit in newer for id_ in _comments(audit, public=True)) if write.comment else (),
        exposed=_exposed(first, write),
    )


def _is_it(audit: shapes.Audit, write: Write, fields: FieldMap) -> bool:
    marker = history.marker(audit)
    if marker is not None and marker == write.key:
        return write.comment is None or not write.comment.public or bool(_comments(audit, public=True))
    if write.comment is not None:
        return marker is None and _says(audit, write.comment)
    return _sets_all(audit, write, fields)


def _says(audit: shapes.Audit, wanted: Comment) -> bool:
    """True when an audit without a marker holds our words; an intent that was settled has none any more."""
    words = _words(safe_body(wanted.body))
    said = (event for event in audit.events or () if event.type == "Comment" and isinstance(event.body, str))
    return bool(words) and any(_words(event.body) == words and _may_be(event, wanted) for event in said)


def _may_be(event: shapes.AuditEvent, wanted: Comment) -> bool:
    """False for a private comment where a public one is looked for: the requester has not read it."""
    return event.public is not False or not wanted.public


def _words(text: str) -> list[str]:
    return text.split()


def _exposed(audit: shapes.Audit, write: Write) -> tuple[str, ...]:
    return _comments(audit, public=True) if write.comment is not None and not write.comment.public else ()


def _comments(audit: shapes.Audit, *, public: bool) -> tuple[str, ...]:
    """Return ids of an audit's comments with that visibility; one that says nothing of it is public."""
    said = [event for event in audit.events or () if event.type == "Comment"]
    return tuple(str(event.id) for event in said if (event.public is not False) is public)


def _sets_all(audit: shapes.Audit, write: Write, fields: FieldMap) -> bool:
    set_ = {event.field_name: event.value for event in audit.events or () if event.type == "Change"}
    return bool(write.fields) and all(_is_set(change, set_, fields) for change in write.fields)


def _is_set(change: FieldChange, set_: dict[str | None, object], fields: FieldMap) -> bool:
    if change.field is Field.LABELS:
        tags = set_.get("tags")
        return isinstance(tags, list) and set((change.after or "").split()) <= set(tags)
    return any(str(set_.get(name)) == str(value) for name, value in wire.named_values((change,), fields))
