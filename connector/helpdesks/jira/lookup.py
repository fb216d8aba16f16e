"""Was a write of ours applied? The marker tells, in a comment or on the issue. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from connector.domain.change import Comment as Wanted
from connector.domain.change import Write
from connector.helpdesks.jira import wire
from connector.helpdesks.jira.people import is_public
from connector.helpdesks.jira.shape import moment
from connector.helpdesks.jira.structs import Comment, Issue
from connector.helpdesks.jira.text import adf, plain, refers_to
from connector.ports import Lookup, Presence

ABSENT = Lookup(presence=Presence.ABSENT)


def find_edit(issue: Issue, write: Write) -> Lookup:
    """Look for a field write: its property is written with the fields, in the same request."""
    marker = (issue.properties or {}).get(wire.MARKER)
    found = isinstance(marker, dict) and marker.get("key") == write.key
    return Lookup(presence=Presence.FOUND, remote_id=issue.id) if found else ABSENT


def find_comment(comments: Iterable[Comment], wanted: Wanted, ours: Collection[str]) -> Lookup:
    """Look for a comment among those given; only our own accounts' count, since anybody can paste a marker.

    The oldest is the one; those after it are copies that should not be there.
    """
    mine = [c for c in comments if c.author is not None and c.author.account_id in ours and _is_it(c, wanted)]
    if not mine:
        return ABSENT
    first, *newer = sorted(mine, key=_age)
    return Lookup(
        presence=Presence.FOUND,
        remote_id=first.id,
        copies=tuple(comment.id for comment in newer),
        exposed=tuple(comment.id for comment in [first] if not wanted.public and is_public(comment)),
    )


def is_older(comment: Comment, since: datetime) -> bool:
    """True for a comment from before ``since``."""
    return moment(comment.created) < since


def _age(comment: Comment) -> tuple[datetime, int, str]:
    number = int(comment.id) if comment.id.isdecimal() else 0
    return moment(comment.created), number, comment.id


def _is_it(comment: Comment, wanted: Wanted) -> bool:
    """True for the comment that was wanted: a public one by its hidden marker, a note by the reference in sight.

    Where the site keeps no properties, a public one is known by its very words. One that came out internal is not it:
    the requester has not read it.
    """
    if not wanted.public:
        return refers_to(comment.body, wanted.ref)
    marked = _markers(comment.properties or ())
    return is_public(comment) and (wanted.key in marked if marked else _says(comment, wanted))


def _markers(properties: Iterable[object]) -> Sequence[object]:
    values = (item.get("value") for item in properties if isinstance(item, dict) and item.get("key") == wire.MARKER)
    return [value.get("key") for value in values if isinstance(value, dict)]


def _says(comment: Comment, wanted: Wanted) -> bool:
    """True when a comment without a marker holds our words; an intent that was settled has none any more."""
    words = plain(adf(wanted.body)).split()
    return bool(words) and plain(comment.body).split() == words
