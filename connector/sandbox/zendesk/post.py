"""Mail that leaves the account; the ground truth counts it by reason.

requester, cc   public comments and receipts; what customers see
follower        every comment, private ones included; it cannot be switched off
assignee, group agents' own notices; a group's is one fact for all its members
trigger         a rule's mail
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector.sandbox.zendesk.desk import Desk, Hand
from connector.sandbox.zendesk.ticket import Audit, Comment, Ticket
from connector.sandbox.zendesk.wire import via_rule

NATIVE = {
    "requester": (701, "Notify requester and CCs of comment update"),
    "receipt": (702, "Notify requester of received request"),
    "assignee": (703, "Notify assignee of assignment"),
    "group": (704, "Notify group of assignment"),
}


@dataclass(frozen=True, slots=True)
class PostOffice:
    """Sends what an update causes."""

    desk: Desk

    def comment(self, ticket: Ticket, comment: Comment, hand: Hand, audit: Audit) -> None:
        """Mail whom a comment reaches."""
        self._to(ticket, hand, ticket.follower_ids, "follower", comment)
        if not comment.public:
            return
        author = self.desk.directory.users[comment.author_id]
        if author.is_agent and ticket.requester_id != comment.author_id:
            self._to(ticket, hand, (ticket.requester_id,), "requester", comment)
            self._notification(audit, "requester", (ticket.requester_id, *ticket.email_cc_ids), comment.body)
        self._to(ticket, hand, ticket.email_cc_ids, "cc", comment)

    def receipt(self, ticket: Ticket, hand: Hand, audit: Audit) -> None:
        """Tell a customer that the request came in."""
        if hand.user is not None and not hand.user.is_agent:
            self._send(ticket, hand, (ticket.requester_id,), "requester", "We have received your request.")
            self._notification(audit, "receipt", (ticket.requester_id,), "We have received your request.")

    def assignment(self, ticket: Ticket, hand: Hand, audit: Audit, changed: frozenset[str]) -> None:
        """Tell the new assignee, or else the new group."""
        text = f"You have been assigned to this ticket (#{ticket.id})."
        if "assignee_id" in changed and ticket.assignee_id is not None:
            self._send(ticket, hand, (ticket.assignee_id,), "assignee", text)
            self._notification(audit, "assignee", (ticket.assignee_id,), text)
        elif "group_id" in changed and ticket.group_id is not None:
            address = f"{self.desk.directory.group_key(ticket.group_id)}@groups.example"
            self.desk.world.ledger.mail(hand.act(ticket.id), to=address, why="group", body=text)
            self._notification(audit, "group", self.desk.directory.members(ticket.group_id), text)

    def from_rule(self, ticket: Ticket, hand: Hand, to: str) -> None:
        """A rule's mail, to the requester or an address."""
        address = self.desk.directory.users[ticket.requester_id].email if to == "requester" else to
        self.desk.world.ledger.mail(hand.act(ticket.id), to=address, why="trigger")

    def _to(self, ticket: Ticket, hand: Hand, user_ids: tuple[int, ...], why: str, comment: Comment) -> None:
        others = tuple(user_id for user_id in user_ids if user_id != comment.author_id)
        self._send(ticket, hand, others, why, comment.body)

    def _send(self, ticket: Ticket, hand: Hand, user_ids: tuple[int, ...], why: str, body: str) -> None:
        for user_id in user_ids:
            address = self.desk.directory.users[user_id].email
            self.desk.world.ledger.mail(hand.act(ticket.id), to=address, why=why, body=body)

    def _notification(self, audit: Audit, kind: str, recipients: tuple[int, ...], body: str) -> None:
        rule_id, title = NATIVE[kind]
        event: dict[str, Any] = {
            "id": self.desk.fresh_id(),
            "type": "Notification",
            "via": via_rule(title, rule_id, "trigger"),
            "subject": f"[{audit.ticket_id}] {title}",
            "body": body,
            "recipients": recipients,
        }
        audit.events.append(event)
