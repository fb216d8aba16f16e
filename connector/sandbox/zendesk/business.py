"""Zendesk's own rules: what else changes, or what is refused, when somebody asks for a change."""

from __future__ import annotations

from typing import Any

from connector.sandbox.zendesk.desk import Desk, Hand
from connector.sandbox.zendesk.errors import invalid
from connector.sandbox.zendesk.ticket import STATUS_IDS, Ticket
from connector.sandbox.zendesk.wish import Wish


def wanted(desk: Desk, ticket: Ticket, wish: Wish, hand: Hand) -> dict[str, Any]:
    """Every attribute that the update sets, the consequences included; a refusal is a 422."""
    values = dict(wish.values)
    _refuse_going_back(ticket, values)
    _put_people(ticket, values, "followers", "follower_ids")
    _put_people(ticket, values, "email_ccs", "email_cc_ids")
    _settle_group_and_assignee(desk, ticket, values)
    _settle_status(ticket, values, wish, hand)
    _settle_tags(desk, ticket, values, wish)
    return values


def refuse_closed(ticket: Ticket) -> None:
    """A closed ticket takes no update at all."""
    if ticket.status == "closed":
        raise invalid("status", "Status: closed prevents ticket update")


def _refuse_going_back(ticket: Ticket, values: dict[str, Any]) -> None:
    if values.get("status") == "new" and ticket.status != "new":
        raise invalid("status", "Status: cannot be changed back to New")
    if "status" in values and values["status"] is None:
        raise invalid("status", "Status: cannot be blank")
    if ticket.priority and "priority" in values and values["priority"] is None:
        raise invalid("priority", "Priority: cannot be blank")


def _put_people(ticket: Ticket, values: dict[str, Any], asked: str, attribute: str) -> None:
    present = list(getattr(ticket, attribute))
    for user_id, action in values.pop(asked, ()):
        if action == "delete":
            present = [known for known in present if known != user_id]
        elif user_id not in present:
            present.append(user_id)
        values[attribute] = tuple(present)


def _settle_group_and_assignee(desk: Desk, ticket: Ticket, values: dict[str, Any]) -> None:
    assignee_id = values.get("assignee_id", ticket.assignee_id)
    if assignee_id is None:
        return
    group_id, own = values.get("group_id", ticket.group_id), desk.directory.users[assignee_id].group_ids
    if group_id in own:
        return
    if "assignee_id" not in values:  # only the group was asked for: whoever is not in it loses the ticket
        values["assignee_id"] = None
    elif "group_id" in values or not own:
        raise invalid("assignee", "Assignee: is not a member of the group")
    else:
        values["group_id"] = own[0]


def _settle_status(ticket: Ticket, values: dict[str, Any], wish: Wish, hand: Hand) -> None:
    customer_speaks = wish.comment is not None and hand.user is not None and not hand.user.is_agent
    if customer_speaks and ticket.status in ("solved", "pending"):
        values["status"] = "open"
    if values.get("assignee_id") and values.get("status", ticket.status) == "new":
        values["status"] = "open"
    status = values.get("status", ticket.status)
    if status == "solved" and ticket.status != "solved" and values.get("assignee_id", ticket.assignee_id) is None:
        raise invalid("assignee", "Assignee: is required when solving a ticket")
    if status != ticket.status and "custom_status_id" not in values:
        values["custom_status_id"] = STATUS_IDS[status]


def _settle_tags(desk: Desk, ticket: Ticket, values: dict[str, Any], wish: Wish) -> None:
    """A dropdown's value stands among the tags: setting one writes the other, dropping its tag clears it.

    A list of tags that comes with a dropdown's value has the last word: an option whose tag it brings is chosen, one
    whose tag it keeps stays.
    """
    tags = (set(values.get("tags", ticket.tags)) | set(wish.add_tags)) - set(wish.remove_tags)
    brought = tags - set(ticket.tags)
    custom = dict(ticket.custom) | dict(wish.custom)
    for field in desk.fields.taggers:
        before, asked = ticket.custom.get(field.id), wish.custom.get(field.id)
        if field.id in wish.custom and "tags" not in values:
            tags = tags - {before} | {asked} if before != asked else tags
            continue
        chosen = min(brought & set(field.tags.values()), default=before if before in tags else None)
        tags -= {before} - {chosen}
        custom[field.id] = chosen
    values["tags"] = tuple(sorted(tag for tag in tags if tag))
    values["custom"] = {field_id: value for field_id, value in custom.items() if value is not None}
