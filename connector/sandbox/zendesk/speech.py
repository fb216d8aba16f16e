"""A comment before it is stored: who says it, to whom, and what becomes of its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.sandbox.zendesk import prose
from connector.sandbox.zendesk.desk import Desk, Hand
from connector.sandbox.zendesk.errors import invalid
from connector.sandbox.zendesk.ticket import Audit, Comment, Ticket
from connector.sandbox.zendesk.wish import CommentWish

COMMENT_CAP = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A checked comment."""

    author_id: int
    public: bool
    text: prose.Prose

    def stored(self, desk: Desk, audit: Audit, channel: str) -> Comment:
        """The comment as it stands in the ticket."""
        return Comment(
            id=desk.fresh_id(),
            audit_id=audit.id,
            author_id=self.author_id,
            body=self.text.body,
            html_body=self.text.html,
            public=self.public,
            created_at=audit.created_at,
            channel=channel,
            custom=audit.custom,
        )


def prepare(desk: Desk, ticket: Ticket, wish: CommentWish | None, hand: Hand) -> Speech | None:
    """Check a comment and render its text; ``author_id`` is shown, the updater remains who updates."""
    if wish is None:
        return None
    author_id = wish.author_id or hand.user_id
    if author_id not in desk.directory.users:
        raise invalid("comment", "Comment: author is invalid")
    if len(ticket.comments) >= COMMENT_CAP:
        raise invalid("comment", f"Comment: a ticket can have no more than {COMMENT_CAP} comments")
    values = _placeholders(desk, ticket, hand)
    text = prose.plain(wish.body, values) if wish.body else prose.rich(wish.html_body or "", values)
    public = ticket.is_public if wish.public is None else bool(wish.public)
    return Speech(author_id=author_id, public=public, text=text)


def _placeholders(desk: Desk, ticket: Ticket, hand: Hand) -> Mapping[str, str]:
    users = desk.directory.users
    requester, assignee = users[ticket.requester_id], users.get(ticket.assignee_id or 0)
    return {
        "ticket.id": str(ticket.id),
        "ticket.title": ticket.subject,
        "ticket.description": ticket.description,
        "ticket.status": ticket.status,
        "ticket.priority": ticket.priority or "",
        "ticket.requester.name": requester.name,
        "ticket.requester.first_name": requester.name.split(" ")[0],
        "ticket.requester.email": requester.email,
        "ticket.assignee.name": assignee.name if assignee else "",
        "ticket.latest_comment": ticket.comments[-1].body if ticket.comments else "",
        "current_user.name": hand.user.name if hand.user else "",
    }
