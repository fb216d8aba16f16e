"""Who did and said what on an issue. Pure.

Jira says ``app`` for apps and automation, ``customer`` for accounts that only know the portal, and ``atlassian`` for
everybody else. An employee without an agent's seat who comments on a colleague's request is ``atlassian`` as well and
cannot be told from an agent; the requester always can.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from connector.domain.events import Actor, EventKind, Role, TicketEvent
from connector.helpdesks.jira.shape import Shape, moment
from connector.helpdesks.jira.structs import Account, Comment
from connector.helpdesks.jira.text import plain

_COMMAND = re.compile(r"^[ \t]*(/esc[ \t]+(\S+)[^\n]*)$", re.MULTILINE)
_LONGEST_COMMAND = 500


def actor_of(account: Account | None, shape: Shape, *, requester: str | None) -> Actor:
    """Return who an account is: ours, the requester or another customer, an app, or an agent."""
    if account is None or not account.account_id:
        return Actor("", Role.UNKNOWN)
    return Actor(account.account_id, _role(account, shape, requester=requester))


def _role(account: Account, shape: Shape, *, requester: str | None) -> Role:
    if account.account_id in shape.ours:
        return Role.OURS
    if account.account_type == "app":
        return Role.AUTOMATION
    if account.account_type == "customer" or account.account_id == requester:
        return Role.CUSTOMER
    return Role.AGENT if account.account_type == "atlassian" else Role.UNKNOWN


def is_public(comment: Comment) -> bool:
    """True for a comment that the requester can read; where it is not said, it is public unless limited to a role."""
    return comment.jsd_public is not False and comment.visibility is None


def comment_events(comments: Iterable[Comment], shape: Shape, *, requester: str | None) -> Iterator[TicketEvent]:
    """Yield an event per comment, and one per ``/esc`` line that an agent wrote internally."""
    for comment in comments:
        at = moment(comment.created)
        actor = actor_of(comment.author, shape, requester=requester)
        public = is_public(comment)
        yield TicketEvent(id=f"comment:{comment.id}", at=at, kind=EventKind.COMMENT, actor=actor, public=public)
        if actor.role is Role.AGENT and not public:
            yield from _commands(comment, at, actor)


def _commands(comment: Comment, at: datetime, actor: Actor) -> Iterator[TicketEvent]:
    for n, line in enumerate(_COMMAND.finditer(plain(comment.body))):
        yield TicketEvent(
            id=f"command:{comment.id}:{n}",
            at=at,
            kind=EventKind.COMMAND,
            actor=actor,
            after=line.group(1).strip()[:_LONGEST_COMMAND],
            name=line.group(2),
            public=False,
        )
