"""A ticket as people see it: in the words that scripts use, and as the API tells it."""

from __future__ import annotations

from typing import Any

from connector.sandbox.zendesk.desk import NEUTRAL_PRIORITY, NEUTRAL_STATUS, Desk
from connector.sandbox.zendesk.ticket import Comment, Ticket
from connector.sandbox.zendesk.wire import stamp


def ticket_view(desk: Desk, ticket: Ticket) -> dict[str, Any]:
    """Neutral values, comments, and the vendor's own record."""
    directory = desk.directory
    names = {ticket_id: name for name, ticket_id in desk.names.items()}
    fields = {name: field.neutral(ticket.custom.get(field.id)) for name, field in desk.fields.by_name.items()}
    return {
        "ticket": str(ticket.id),
        "id": str(ticket.id),
        "key": names.get(ticket.id),
        "subject": ticket.subject,
        "type": desk.fields.kind_of(ticket.ticket_form_id),
        "status": "deleted" if ticket.deleted else NEUTRAL_STATUS.get(ticket.status, ticket.status),
        "priority": NEUTRAL_PRIORITY.get(ticket.priority or ""),
        "group": directory.group_key(ticket.group_id),
        "assignee": directory.user_key(ticket.assignee_id),
        "requester": directory.user_key(ticket.requester_id),
        "labels": list(ticket.tags),
        "fields": fields,
        "comments": [_comment(desk, comment) for comment in ticket.comments],
        "created_at": stamp(ticket.created_at),
        "updated_at": stamp(ticket.updated_at),
        "slas": desk.slas.sideload(ticket, None)["policy_metrics"],
        "vendor": ticket.as_json(desk.fields, ""),
    }


def _comment(desk: Desk, comment: Comment) -> dict[str, Any]:
    return {
        "id": str(comment.id),
        "author": desk.directory.user_key(comment.author_id),
        "public": comment.public,
        "body": comment.body,
        "at": stamp(comment.created_at),
        "hidden": comment.custom,
    }
