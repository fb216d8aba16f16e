"""What our own comments and the issue property tell of what was written: a lost state is recalled from it. Pure.

A public comment carries its mark in a property, an internal note in its visible reference. The issue property is that
of the latest write of fields; it has no time of its own, so it names the run that made it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connector.domain.marks import Mark, ref_of
from connector.helpdesks.jira import wire
from connector.helpdesks.jira.people import is_public
from connector.helpdesks.jira.shape import moment
from connector.helpdesks.jira.structs import Comment, Issue
from connector.helpdesks.jira.text import references

_RUN_STAMP = "%Y%m%dT%H%M%SZ"


def marks(issue: Issue, comments: Iterable[Comment], ours: Collection[str], *, read_at: datetime) -> Iterator[Mark]:
    """Yield our marks on an issue; only comments of our own accounts count, since anybody can paste one."""
    known = _text_values((issue.properties or {}).get(wire.MARKER))
    if known.get("key"):
        yield _edit_mark(known, read_at)
    for comment in comments:
        if comment.author is not None and comment.author.account_id in ours:
            yield from _comment_marks(comment)


def _edit_mark(known: Mapping[str, str], read_at: datetime) -> Mark:
    at = _began_at(known.get("run", "")) or read_at
    return Mark(at=at, key=known["key"], memory=known.get("memory", ""), policy=known.get("policy", ""))


def _comment_marks(comment: Comment) -> Iterator[Mark]:
    at, public = moment(comment.created), is_public(comment)
    for item in comment.properties or ():
        known = _text_values(item.get("value")) if isinstance(item, dict) and item.get("key") == wire.MARKER else {}
        if key := known.get("key"):
            refs = frozenset({ref_of(key), *known.get("also", "").split()})
            memory, policy = known.get("memory", ""), known.get("policy", "")
            yield Mark(at=at, key=key, refs=refs, public=public, memory=memory, policy=policy)
            return
    if told := references(comment.body):
        yield Mark(at=at, refs=frozenset(told), public=public)


def _text_values(value: Any) -> Mapping[str, str]:
    return {name: text for name, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


def _began_at(run: str) -> datetime | None:
    """Return when a run began, by its name."""
    try:
        return datetime.strptime(run[:16], _RUN_STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
