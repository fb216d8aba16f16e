"""What people and bots do in Zendesk's own screens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from connector.sandbox.core.site import Level, NewTicket, Status
from connector.sandbox.zendesk.accounts import User
from connector.sandbox.zendesk.desk import Desk, Hand
from connector.sandbox.zendesk.errors import ApiError
from connector.sandbox.zendesk.fields import SYSTEM_TYPES
from connector.sandbox.zendesk.throttle import Throttle
from connector.sandbox.zendesk.ticket import STATUS_IDS, Ticket
from connector.sandbox.zendesk.update import Clerk
from connector.sandbox.zendesk.wish import CommentWish, Wish

STATUS = {"waiting_customer": "pending", "on_hold": "hold"}
PRIORITY = {"P1": "urgent", "P2": "high", "P3": "normal", "P4": "low"}
CHANNELS = {"phone": "voice"}


@dataclass(frozen=True, slots=True)
class ZendeskPeople:
    """Scripts act through this; what the site would refuse is a ``ValueError``."""

    clerk: Clerk
    throttle: Throttle

    @property
    def _desk(self) -> Desk:
        return self.clerk.desk

    def create_ticket(self, ticket: NewTicket) -> str:
        """A customer's request, or a call that an agent wrote down."""
        desk, directory = self._desk, self._desk.directory
        requester = directory.user(ticket.requester)
        author = directory.user(ticket.author) if ticket.author else requester
        made = self._made(ticket, requester, author)
        desk.add(made)
        if made.follows is not None:
            earlier = desk.tickets[made.follows]
            earlier.followup_ids = (*earlier.followup_ids, made.id)
        if ticket.key:
            desk.names[ticket.key] = made.id
        self.clerk.created(made, _hand(author, made.channel), author.id)
        return str(made.id)

    def _made(self, ticket: NewTicket, requester: User, author: User) -> Ticket:
        desk, directory = self._desk, self._desk.directory
        custom = dict(desk.fields.by_hand(name, word) for name, word in _words(ticket).items())
        tags = set(ticket.labels) | {value for field in desk.fields.taggers if (value := custom.get(field.id))}
        assignee = directory.user(ticket.assignee).id if ticket.assignee else None
        status = "open" if assignee else "new"
        now = desk.now()
        return Ticket(
            id=desk.fresh_ticket_id(),
            created_at=now,
            updated_at=now,
            generated_at=now,
            subject=ticket.subject,
            description=ticket.body,
            requester_id=requester.id,
            submitter_id=author.id,
            status=status,
            custom_status_id=STATUS_IDS[status],
            priority=PRIORITY[ticket.priority] if ticket.priority else None,
            type=SYSTEM_TYPES.get(ticket.type, "question"),
            group_id=directory.group_id(ticket.group) if ticket.group else min(directory.groups),
            assignee_id=assignee,
            organization_id=requester.organization_id,
            ticket_form_id=desk.fields.form_of(ticket.type),
            tags=tuple(sorted(tags)),
            custom=custom,
            channel=CHANNELS.get(ticket.channel, ticket.channel),
            follows=int(ticket.follows) if ticket.follows else None,
        )

    def comment(self, ticket: str, actor: str, text: str, *, public: bool = True) -> str:
        """Add a comment; a customer's is always public, and reopens; a light agent's never is."""
        found, user = self._find(ticket), self._desk.directory.user(actor)
        seen = not user.is_light and (public or not user.is_agent)
        wish = Wish(comment=CommentWish(body=text, public=seen))
        self._update(found, actor, wish)
        return str(found.comments[-1].id)

    def set_status(self, ticket: str, actor: str, status: Status) -> None:
        """Move the ticket; whoever solves an unassigned ticket gets it."""
        found, user = self._find(ticket), self._desk.directory.user(actor)
        values: dict[str, Any] = {"status": STATUS.get(status, status)}
        if status == "solved" and found.assignee_id is None:
            values |= self._taken_by(found, user)
        self._update(found, actor, Wish(values=values))

    def _taken_by(self, ticket: Ticket, user: User) -> dict[str, Any]:
        """The screen offers nobody else than members of the ticket's group, and asks for one."""
        if user.is_agent and user.group_ids and not user.is_light:
            return {"assignee_id": user.id}
        directory = self._desk.directory
        groups = (ticket.group_id, *directory.groups)
        members = (directory.members(group_id)[:1] for group_id in groups if group_id is not None)
        return next(({"assignee_id": found[0]} for found in members if found), {})

    def set_priority(self, ticket: str, actor: str, priority: Level | None) -> None:
        """Set the priority by hand."""
        self._update(self._find(ticket), actor, Wish(values={"priority": PRIORITY[priority] if priority else None}))

    def set_field(self, ticket: str, actor: str, name: str, value: str | None) -> None:
        """Set a custom field by neutral name."""
        field_id, stored = self._desk.fields.by_hand(name, value)
        self._update(self._find(ticket), actor, Wish(custom={field_id: stored}))

    def assign(self, ticket: str, actor: str, assignee: str | None) -> None:
        """Give the ticket to an agent, or to nobody."""
        user_id = self._desk.directory.user(assignee).id if assignee else None
        self._update(self._find(ticket), actor, Wish(values={"assignee_id": user_id}))

    def set_group(self, ticket: str, actor: str, group: str | None) -> None:
        """Give the ticket to a group."""
        group_id = self._desk.directory.group_id(group) if group else None
        self._update(self._find(ticket), actor, Wish(values={"group_id": group_id}))

    def add_labels(self, ticket: str, actor: str, labels: tuple[str, ...]) -> None:
        """Add tags."""
        self._update(self._find(ticket), actor, Wish(add_tags=tuple(labels)))

    def remove_labels(self, ticket: str, actor: str, labels: tuple[str, ...]) -> None:
        """Take tags away."""
        self._update(self._find(ticket), actor, Wish(remove_tags=tuple(labels)))

    def close(self, ticket: str, actor: str) -> None:
        """Close for good, by way of solved."""
        found = self._find(ticket)
        if found.status != "solved":
            self.set_status(ticket, actor, "solved")
        self._update(found, actor, Wish(values={"status": "closed"}))

    def merge(self, ticket: str, actor: str, into: str) -> None:
        """Close one ticket into another, with a private comment on both."""
        source, target = self._find(ticket), self._find(into)
        told = f"Request #{source.id} was merged into this request."
        self._update(target, actor, Wish(comment=CommentWish(body=told, public=False)), merging=(source.id,))
        note = CommentWish(body=f"This request was closed and merged into request #{target.id}.", public=False)
        values: dict[str, Any] = {"status": "closed", "custom_status_id": STATUS_IDS["closed"]}
        self._update(source, actor, Wish(values=values, add_tags=("closed_by_merge",), comment=note))
        hand = _hand(self._desk.directory.user(actor), "web")
        self._desk.world.ledger.ticket(hand.act(source.id), "merged", into=str(target.id))

    def delete(self, ticket: str, actor: str) -> None:
        """Delete: the API answers 404, the export tells of it."""
        found = self._find(ticket)
        self._desk.before_change(found)
        found.deleted, found.status = True, self._desk.options.deleted_status
        self._desk.after_change(found)
        self._desk.world.ledger.ticket(_hand(self._desk.directory.user(actor), "web").act(found.id), "deleted")

    def spam(self, ticket: str, actor: str) -> None:
        """Mark as spam: the ticket is deleted, and who asked for it is suspended until somebody takes that back."""
        self._desk.directory.users[self._find(ticket).requester_id].suspended = True
        self.delete(ticket, actor)

    def refer(self, ticket: str, actor: str, to: str) -> None:
        """Fill the external id, as a connection to another helpdesk does."""
        self._update(self._find(ticket), actor, Wish(values={"external_id": to}))

    def restore(self, ticket: str, actor: str) -> None:
        """Take a deleted ticket back, as open."""
        found = self._desk.tickets[int(ticket)]
        self._desk.before_change(found)
        found.deleted, found.status, found.custom_status_id = False, "open", STATUS_IDS["open"]
        self._desk.after_change(found)
        self._desk.world.ledger.ticket(_hand(self._desk.directory.user(actor), "web").act(found.id), "restored")

    def link(self, ticket: str, actor: str, target: str) -> None:
        """Make the ticket an incident of a problem; an address is noted privately."""
        found = self._find(ticket)
        if not target.isdigit() and target not in self._desk.names:
            self._update(found, actor, Wish(comment=CommentWish(body=f"See {target}", public=False)))
            return
        self.attach(ticket, actor, target)

    def attach(self, ticket: str, actor: str, target: str) -> None:
        """Make the ticket an incident of a problem."""
        found, problem = self._find(ticket), self._find(target)
        self._update(problem, actor, Wish(values={"type": "problem", "has_incidents": True}))
        self._update(found, actor, Wish(values={"type": "incident", "problem_id": problem.id}))
        self._desk.world.ledger.ticket(
            _hand(self._desk.directory.user(actor), "web").act(found.id), "linked", target=str(problem.id)
        )

    def _find(self, ticket: str) -> Ticket:
        ticket_id = self._desk.names.get(ticket) or (int(ticket) if ticket.isdigit() else 0)
        return _translated(lambda: self._desk.find(ticket_id), KeyError(f"no ticket {ticket!r}"))

    def _update(self, ticket: Ticket, actor: str, wish: Wish, *, merging: tuple[int, ...] = ()) -> None:
        user = self._desk.directory.user(actor)
        self.throttle.people(self._desk.world.now())
        try:
            self.clerk.update(ticket, wish, replace(_hand(user, "web"), merging=merging))
        except ApiError as error:
            raise ValueError(f"{actor} cannot do that to ticket {ticket.id}: {_sentence(error)}") from error


def _hand(user: User, channel: str) -> Hand:
    return Hand(user=user, via="bot" if user.is_bot else "people", channel=channel)


def _words(ticket: NewTicket) -> dict[str, str]:
    named = {"impact": ticket.impact, "urgency": ticket.urgency, **ticket.fields}
    return {name: word for name, word in named.items() if word is not None}


def _translated(find: Callable[[], Ticket], otherwise: KeyError) -> Ticket:
    try:
        return find()
    except ApiError as error:
        raise otherwise from error


def _sentence(error: ApiError) -> str:
    details = error.payload.get("details") if isinstance(error.payload, dict) else None
    if not details:
        return str(error)
    return "; ".join(row["description"] for rows in details.values() for row in rows)
