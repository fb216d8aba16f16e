"""Was a write of ours applied? The marker tells, in a comment or on the issue. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from connector.domain.change import Comment as Wanted
from connector.domain.change import Write
from connector.errors import Denied
from connector.helpdesks.jira import wire
from connector.helpdesks.jira.people import is_public
from connector.helpdesks.jira.shape import moment
from connector.helpdesks.jira.structs import Comment, Issue
from connector.helpdesks.jira.text import refers_to
from connector.ports import Lookup, Presence

ABSENT = Lookup(presence=Presence.ABSENT)


def find_edit(issue: Issue, write: Write) -> Lookup:
    """Look for a field write: its property is written with the fields, in the same request."""
    marker = (issue.properties or {}).get(wire.MARKER)
    found = isinstance(marker, dict) and marker.get("key") == write.key
    return Lookup(presence=Presence.FOUND, remote_id=issue.id) if found else ABSENT


def find_comment(comments: Iterable[Comment], wanted: Wanted, ours: Collection[str]) -> Lookup:
    """Look for a comment among those given; only our own accounts' count, since anybody can paste a marker.

    Raises:
        Denied: An internal note of ours stands there for customers to read.
    """
    for comment in comments:
        if comment.author is None or comment.author.account_id not in ours or not _is_marked(comment, wanted):
            continue
        if not wanted.public and is_public(comment):
            raise Denied(
                f"our internal note {comment.id} can be read by customers",
                remedy="remove the comment by hand, look at the project's comment settings, then resume",
            )
        return Lookup(presence=Presence.FOUND, remote_id=comment.id)
    return ABSENT


def is_older(comment: Comment, since: datetime) -> bool:
    """True for a comment from before ``since``."""
    return moment(comment.created) < since


def _is_marked(comment: Comment, wanted: Wanted) -> bool:
    """True when a comment carries the marker: a public one hidden, in its property; a note in sight, as a reference."""
    if not wanted.public:
        return refers_to(comment.body, wanted.ref)
    values = (item.get("value") for item in comment.properties or () if _is_marker(item))
    return any(isinstance(value, dict) and value.get("key") == wanted.key for value in values)


def _is_marker(item: object) -> bool:
    return isinstance(item, dict) and item.get("key") == wire.MARKER
