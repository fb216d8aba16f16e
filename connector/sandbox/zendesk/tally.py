"""What a ticket's metric set counts, and its shape on the wire."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connector.sandbox.zendesk.accounts import User
from connector.sandbox.zendesk.ticket import Comment, Tally, Ticket
from connector.sandbox.zendesk.wire import stamp

MOMENTS = (
    *("assignee_updated_at", "requester_updated_at", "status_updated_at", "initially_assigned_at"),
    *("assigned_at", "solved_at", "latest_comment_added_at"),
)


def begin(ticket: Ticket, author: User) -> None:
    """Start counting for a ticket that has just been made."""
    now = ticket.created_at
    assigned = ticket.assignee_id is not None
    ticket.statuses = ((now, ticket.status),)
    ticket.talk = ((now, "agent" if author.is_agent else "customer"),)
    ticket.tally = Tally(
        group_stations=int(ticket.group_id is not None),
        assignee_stations=int(assigned),
        initially_assigned_at=now if assigned else None,
        assigned_at=now if assigned else None,
        requester_updated_at=now,
        status_updated_at=now,
        latest_comment_added_at=now,
    )


def count(ticket: Ticket, before: Ticket, updater_id: int, now: int) -> None:
    """Count what an update changed in the ticket's fields."""
    counted: dict[str, Any] = {}
    if ticket.status != before.status:
        ticket.statuses = (*ticket.statuses, (now, ticket.status))
        counted |= _moved(ticket, before, now)
    if ticket.group_id != before.group_id:
        counted["group_stations"] = ticket.tally.group_stations + 1
    if ticket.assignee_id != before.assignee_id and ticket.assignee_id is not None:
        counted["assignee_stations"] = ticket.tally.assignee_stations + 1
        counted["assigned_at"] = now
        counted["initially_assigned_at"] = ticket.tally.initially_assigned_at or now
    if updater_id == ticket.assignee_id:
        counted["assignee_updated_at"] = now
    ticket.tally = replace(ticket.tally, **counted)


def _moved(ticket: Ticket, before: Ticket, now: int) -> dict[str, Any]:
    counted: dict[str, Any] = {"status_updated_at": now}
    if ticket.status == "solved":
        counted["solved_at"] = now
    if before.status == "solved" and ticket.status != "closed":
        counted["reopens"] = ticket.tally.reopens + 1
        counted["solved_at"] = None
    return counted


def count_comment(ticket: Ticket, comment: Comment, author: User) -> None:
    """Count a comment that was added."""
    now = comment.created_at
    counted: dict[str, Any] = {"latest_comment_added_at": now}
    if author.id == ticket.requester_id:
        counted["requester_updated_at"] = now
    if author.id == ticket.assignee_id:
        counted["assignee_updated_at"] = now
    if comment.public:
        ticket.talk = (*ticket.talk, (now, "agent" if author.is_agent else "customer"))
        counted["replies"] = ticket.tally.replies + int(author.is_agent)
    ticket.tally = replace(ticket.tally, **counted)


def metric_set(ticket: Ticket, origin: str) -> dict[str, Any]:
    """The ``metric_set`` of a ticket, nulls included."""
    tally = ticket.tally
    metric_id = ticket.id + 5_000_000
    moments = {name: stamp(getattr(tally, name)) for name in MOMENTS}
    return {
        "url": f"{origin}/api/v2/ticket_metrics/{metric_id}.json",
        "id": metric_id,
        "ticket_id": ticket.id,
        "created_at": stamp(ticket.created_at),
        "updated_at": stamp(ticket.updated_at),
        "group_stations": tally.group_stations,
        "assignee_stations": tally.assignee_stations,
        "reopens": tally.reopens,
        "replies": tally.replies,
        **moments,
        "custom_status_updated_at": stamp(tally.status_updated_at),
        **_minutes(ticket),
    }


def _minutes(ticket: Ticket) -> dict[str, Any]:
    replies = [at for at, who in ticket.talk if who == "agent"]
    solved = [at for at, status in ticket.statuses if status == "solved"]
    spans = {
        "reply_time_in_minutes": replies[0] if replies else None,
        "first_resolution_time_in_minutes": solved[0] if solved else None,
        "full_resolution_time_in_minutes": ticket.tally.solved_at,
    }
    known = {
        name: {"calendar": None if at is None else (at - ticket.created_at) // 60, "business": None}
        for name, at in spans.items()
    }
    unknown = ("agent_wait_time_in_minutes", "requester_wait_time_in_minutes", "on_hold_time_in_minutes")
    return known | {name: {"calendar": None, "business": None} for name in unknown}
