"""Does a ticket still stand as it was seen? Pure.

Jira has no compare-and-set: this comparison, on a reading taken just before the write, is the nearest thing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from connector.domain.change import Field, Write
from connector.domain.site import HOLD_LABEL
from connector.domain.ticket import Ticket
from connector.domain.written import live_value
from connector.helpdesks.jira.shape import moment
from connector.helpdesks.jira.structs import Comment

_PEOPLES = (Field.PRIORITY, Field.GROUP, Field.ASSIGNEE)
"""What people set by hand; a comment speaks of these and a step up the path is for want of them, so both wait."""


def changed_since(seen: Ticket, live: Ticket, write: Write, *, hold: str = HOLD_LABEL) -> str:
    """Return what differs between ``seen`` and ``live`` in what ``write`` depends on; "" for nothing.

    ``hold`` is the label that holds a ticket: one that was put on meanwhile stops any write.
    """
    if live.status is not seen.status:
        return "status"
    if live.held_until != seen.held_until or hold in live.labels - seen.labels:
        return "hold"
    written = {change.field for change in write.fields} - {Field.LABELS, Field.NEXT_DUE}  # one adds, one is ours alone
    depends = written.union(_PEOPLES) if write.comment is not None or Field.LEVEL in written else written
    differs = (field for field in Field if field in depends and live_value(seen, field) != live_value(live, field))
    return next(map(str, differs), "")


def somebody_spoke(comments: Iterable[Comment], *, since: datetime, ours: Collection[str]) -> bool:
    """True when a person commented after ``since``; what we wanted to say may be out of date."""
    return any(moment(comment.created) > since and _is_a_person(comment, ours) for comment in comments)


def _is_a_person(comment: Comment, ours: Collection[str]) -> bool:
    return comment.author is None or not (comment.author.account_type == "app" or comment.author.account_id in ours)
