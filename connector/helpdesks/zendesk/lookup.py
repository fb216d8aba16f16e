"""Was a write of ours applied? The audits of our own account tell, by marker or by value. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.domain.change import Field, FieldChange, Write
from connector.domain.site import FieldMap
from connector.helpdesks.zendesk import history, normalise, shapes, wire
from connector.ports import Lookup, Presence


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Where to look: audits of ``accounts`` (ours) since ``since``."""

    accounts: frozenset[str]
    since: datetime
    fields: FieldMap


def find(audits: Sequence[shapes.Audit], write: Write, search: Search) -> Lookup:
    """Return whether ``write`` stands in ``audits``.

    A comment is found by its marker alone. Fields alone may have travelled in a job, where no marker is promised: there
    an audit of ours that set every one of the values counts as well.
    """
    for audit in audits:
        if not history.is_ours(audit, search.accounts) or normalise.moment(audit.created_at) < search.since:
            continue
        if history.marker(audit) == write.key or (write.comment is None and _sets_all(audit, write, search.fields)):
            return Lookup(presence=Presence.FOUND, remote_id=str(audit.id), version=audit.created_at)
    return Lookup(presence=Presence.ABSENT)


def _sets_all(audit: shapes.Audit, write: Write, fields: FieldMap) -> bool:
    set_ = {event.field_name: event.value for event in audit.events or () if event.type == "Change"}
    return bool(write.fields) and all(_is_set(change, set_, fields) for change in write.fields)


def _is_set(change: FieldChange, set_: dict[str | None, object], fields: FieldMap) -> bool:
    if change.field is Field.LABELS:
        tags = set_.get("tags")
        return isinstance(tags, list) and set((change.after or "").split()) <= set(tags)
    return any(str(set_.get(name)) == str(value) for name, value in wire.named_values((change,), fields))
