"""Scenarios as data: who exists, what people do when, and how bots and people react.

Tickets are named by handles; the id that a site gave is known once the ticket is created.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connector.sandbox.core.ledger import Kind, Via
from connector.sandbox.core.roster import Roster
from connector.sandbox.core.site import NewTicket


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Somebody does something at a moment.

    Attributes:
        do: A verb of ``People``.
        ticket: Handle of the ticket; for ``create_ticket`` its own new handle.
        details: The verb's further arguments; values that are handles are in ``into`` and ``target``.
    """

    at: datetime
    site: str
    do: str
    ticket: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """Somebody answers to something that happened: an agent acknowledges, a rival bot undoes.

    Attributes:
        kind, name, via: The fact that triggers it; ``name`` is a field's name.
        after: The value that the field got, ``None`` for any.
        ticket: Handle, ``None`` for any ticket that has one.
        delay: How long they take.
        times: How often at most.
    """

    site: str
    kind: Kind
    do: str
    details: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    via: Via = "api"
    after: Any = None
    ticket: str | None = None
    delay: timedelta = timedelta(minutes=5)
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story for a set of sites.

    Attributes:
        begins_at: Where the clock starts; steps before ``opens_at`` are history.
        opens_at: When the sandbox starts to serve.
        ends_at: When the story is over.
        rosters: Who exists, by site.
        options: The vendors' switches, by site.
    """

    name: str
    begins_at: datetime
    opens_at: datetime
    ends_at: datetime
    rosters: Mapping[str, Roster]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    reactions: tuple[Reaction, ...] = ()


def opening(at: datetime, site: str, handle: str, ticket: NewTicket) -> Step:
    """The step that creates a ticket."""
    return Step(at=at, site=site, do="create_ticket", ticket=handle, details={"ticket": ticket})
