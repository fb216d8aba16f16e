"""What is left alone for a while although it is wanted: known by the site, kept in the journal, shown to people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class AsideKind(StrEnum):
    """How much is set aside."""

    SITE = "site"  # the helpdesk asked to be left alone until a moment
    HISTORIES = "histories"  # the helpdesk tells none, or not some, though it answers: until it does
    SCOPE = "scope"  # we may not write there: until somebody resumes
    FIELD = "field"  # one field of a scope, or one value on a ticket, is refused: until resume or another map
    REFUSED = "refused"  # one value or comment on a ticket is refused without a reason that names it
    TICKET = "ticket"  # the helpdesk does not show it: until it is looked for again
    UNANSWERED = "unanswered"  # requests for one ticket fail though the helpdesk answers others: until they do not
    TARGET = "target"  # nobody stands behind a target of the policy's paths: until somebody does
    QUARANTINE = "quarantine"  # our own code failed on it: after three times until it, the policy or we change


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """One thing that is set aside on one site.

    Attributes:
        scope: Where; empty for a whole site.
        ticket: Id of the ticket, where it concerns one.
        field: Which field of ours, or which comments (``notes``, ``public``), where it concerns one; of a quarantine,
            what failed, of a target its name.
        value: The value that was refused, of a comment its occasion; empty: every one. Of a quarantine, the
            how-manieth failure it was, of a target whether, or of how many people behind it, nothing is told.
        bindings: Digest of what it was set aside under (of a refused field the site's map, of what is refused without
            a name the map, whether people were told, and the ticket's version); under another map or version it is
            tried again. Of a scope whose tickets are not shown, how many are not. Of histories, the tickets at
            which reading them failed last, each with its moments. Of a ticket that is not answered for, whether
            somebody was called.
        until: When it ends by itself; of histories, of what is not answered and of what is refused without a name,
            before when it is not tried again (``None``: no change of the ticket has it tried again).
    """

    kind: AsideKind
    why: str
    since: datetime
    scope: str = ""
    ticket: str = ""
    field: str = ""
    value: str = ""
    bindings: str = ""
    until: datetime | None = None


class Asides(Protocol):
    """The part of the journal that keeps what is set aside; every method is one durable transaction."""

    def set_aside(self, site: str, items: Sequence[SetAside]) -> None:
        """Set things aside; one that is known keeps its beginning.

        ``resume`` ends all that is not one ticket's trouble alone, ``release`` a ticket's quarantine, what is not
        answered for it and what is refused on it. Tickets that something was refused on fall due then.
        """

    def take_back(self, site: str, items: Sequence[SetAside], *, now: datetime) -> None:
        """End what was set aside."""

    def aside(self, site: str) -> tuple[SetAside, ...]:
        """Return what is set aside on a site, longest first."""
