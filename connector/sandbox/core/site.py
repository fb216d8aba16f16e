"""What a simulated helpdesk site offers to the rest of the sandbox.

A vendor package exports ``build(world: World, roster: Roster) -> Site``. With the option ``synthetic``
it begins with that many made-up tickets, quickly and without mails, for benchmarks. Everything is called
under the world's lock, one call at a time, so a site needs no locks of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from connector.sandbox.core.messages import Request, Response

Status = Literal["new", "open", "waiting_customer", "on_hold", "solved", "closed"]
Level = Literal["P1", "P2", "P3", "P4"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    """A ticket as scripts describe it; people are roster keys.

    Attributes:
        requester: Roster key.
        author: Roster key of whoever typed it in, the requester unless an agent took a call.
        type: ``incident``, ``security-incident``, ``request`` … (Jira request type; Zendesk form).
        impact: ``site``, ``department``, ``team``, ``user`` or ``None`` (custom field, unset).
        urgency: ``blocked``, ``degraded``, ``inconvenient`` or ``None``.
        priority: What the creation form put in; ``None`` leaves the vendor's default.
        group: Roster key; ``None`` leaves the vendor's default.
        assignee: Roster key of an agent.
        fields: Further custom fields by neutral name (``category``, ``region`` …).
        key: A name for scripts; not shown by the vendor API.
        follows: Id of the closed ticket that this one follows up (Zendesk).
    """

    subject: str
    body: str
    requester: str
    author: str | None = None
    type: str = "incident"
    impact: str | None = None
    urgency: str | None = None
    priority: Level | None = None
    group: str | None = None
    assignee: str | None = None
    labels: tuple[str, ...] = ()
    channel: str = "web"
    fields: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    follows: str | None = None


class People(Protocol):
    """What people and bots do in the helpdesk's own screens, in words that both vendors share.

    ``ticket`` is the vendor's id or key as a string, as ``create_ticket`` returned it. ``actor``
    is a roster key; a person with role ``bot`` acts as an automation. The site's own business
    rules (reopening, New to Open, mails …) follow as they would in the real thing.

    Every method raises ``ValueError`` with a sentence when the site would refuse, and
    ``KeyError`` for an unknown ticket or person.
    """

    def create_ticket(self, ticket: NewTicket) -> str:
        """Create at the present moment and return the ticket's id or key."""
        ...

    def comment(self, ticket: str, actor: str, text: str, *, public: bool = True) -> str:
        """Add a comment and return its id."""
        ...

    def set_status(self, ticket: str, actor: str, status: Status) -> None:
        """Move the ticket; the site picks its own status or transition of that meaning."""
        ...

    def set_priority(self, ticket: str, actor: str, priority: Level | None) -> None:
        """Set the priority by hand."""
        ...

    def set_field(self, ticket: str, actor: str, name: str, value: str | None) -> None:
        """Set a custom field by neutral name (``impact``, ``urgency``, ``category`` …)."""
        ...

    def assign(self, ticket: str, actor: str, assignee: str | None) -> None:
        """Give the ticket to an agent, or to nobody."""
        ...

    def set_group(self, ticket: str, actor: str, group: str | None) -> None:
        """Give the ticket to a group."""
        ...

    def add_labels(self, ticket: str, actor: str, labels: tuple[str, ...]) -> None:
        """Add labels (tags)."""
        ...

    def remove_labels(self, ticket: str, actor: str, labels: tuple[str, ...]) -> None:
        """Take labels (tags) away."""
        ...

    def close(self, ticket: str, actor: str) -> None:
        """Close for good: closed, not merely solved."""
        ...

    def merge(self, ticket: str, actor: str, into: str) -> None:
        """Merge ``ticket`` into another (Jira: resolve as duplicate with a link)."""
        ...

    def attach(self, ticket: str, actor: str, target: str) -> None:
        """Attach to a problem or major incident of this site."""
        ...

    def refer(self, ticket: str, actor: str, to: str) -> None:
        """Note the ids or keys of another site's tickets in the field that is there for them."""
        ...

    def delete(self, ticket: str, actor: str) -> None:
        """Delete."""
        ...

    def link(self, ticket: str, actor: str, target: str) -> None:
        """Link to another ticket of this site, or to an URL."""
        ...


class Site(Protocol):
    """One simulated helpdesk site."""

    @property
    def people(self) -> People:
        """What people can do here."""
        ...

    def identify(self, request: Request) -> str:
        """Name who a request's credentials belong to.

        ``anonymous`` without credentials, ``invalid`` for wrong ones; else the account's name.
        """
        ...

    def handle(self, request: Request) -> Response:
        """Answer one vendor request; every change takes effect before this returns."""
        ...

    def scope_of(self, request: Request) -> str | None:
        """The project or group (roster key or project key) that a request is about, for faults."""
        ...

    def refuse(self, status: int, message: str) -> Response:
        """An error of this status in this vendor's own shape."""
        ...

    def revoke(self, request: Request) -> None:
        """Make the bearer token that ``request`` carries invalid from now on."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """What a client must know to connect: accounts, credentials, field ids, project keys."""
        ...

    def view(self) -> list[dict[str, Any]]:
        """Every ticket as people see it, for the control API.

        Each has at least ``ticket`` (as ``people`` names it), ``subject``, ``status``, ``priority``,
        ``group``, ``assignee``, ``labels``, ``fields`` and ``comments``, in neutral words and roster keys.
        """
        ...
