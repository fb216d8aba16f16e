"""Who did and said what on an issue. Pure.

Jira says ``app`` for apps and automation, ``customer`` for accounts that only know the portal, and ``atlassian`` for
everybody else: agents, and employees without an agent's seat. The service desk team tells those apart (``Shape.team``);
an employee who comments in public does so as a customer, and one who writes inside is a collaborator. Who has left
since counts as the agent that they were. Of the team is also who reports an issue of their own: what they do and note
inside is an agent's, and what they write in public is the requester's. Where Jira does not show the team, only the
requester is told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from connector.domain.events import Actor, EventKind, Role, TicketEvent
from connector.helpdesks.commands import command_events, is_mirrored
from connector.helpdesks.jira.shape import Shape, moment
from connector.helpdesks.jira.structs import Account, Comment
from connector.helpdesks.jira.text import plain


def actor_of(account: Account | None, shape: Shape, *, requester: str | None) -> Actor:
    """Return who an account is: ours, a customer, a program, a collaborator or an agent."""
    if account is None or not account.account_id:
        return Actor("", Role.UNKNOWN)
    return Actor(account.account_id, _role(account, shape, requester=requester))


def _role(account: Account, shape: Shape, *, requester: str | None) -> Role:
    if account.account_id in shape.ours:
        return Role.OURS
    if account.account_type == "app" or account.account_id in shape.fields.automations:
        return Role.AUTOMATION
    is_of_team = shape.team is not None and account.account_id in shape.team
    if account.account_type == "customer" or (account.account_id == requester and not is_of_team):
        return Role.CUSTOMER
    return _inside(account, shape) if account.account_type == "atlassian" else Role.UNKNOWN


def _inside(account: Account, shape: Shape) -> Role:
    is_agent = shape.team is None or account.account_id in shape.team or account.active is False
    return Role.AGENT if is_agent else Role.COLLABORATOR


def is_public(comment: Comment) -> bool:
    """True for a comment that the requester can read; where it is not said, it is public unless limited to a role."""
    return comment.jsd_public is not False and comment.visibility is None


def comment_events(comments: Iterable[Comment], shape: Shape, *, requester: str | None) -> Iterator[TicketEvent]:
    """Yield an event per comment, and one per ``/esc`` line that an agent wrote internally."""
    for comment in comments:
        at = moment(comment.created)
        public = is_public(comment)
        actor = _speaker(actor_of(comment.author, shape, requester=requester), public=public, requester=requester)
        said = TicketEvent(id=f"comment:{comment.id}", at=at, kind=EventKind.COMMENT, actor=actor, public=public)
        body = plain(comment.body, quotes=False)
        if is_mirrored(said, body):
            said = replace(said, reaction=True)
        yield said
        allowed = not shape.fields.commanders or actor.id in shape.fields.commanders
        yield from command_events(said, body, prefix=f"command:{comment.id}", allowed=allowed)


def _speaker(actor: Actor, *, public: bool, requester: str | None) -> Actor:
    """Return who speaks: without an agent's seat, or on one's own issue, what is said in public is a customer's."""
    asks = actor.role is Role.COLLABORATOR or (actor.role is Role.AGENT and actor.id == requester)
    return replace(actor, role=Role.CUSTOMER) if public and asks else actor
