"""Which tickets hang together, asked of the journal: links that stand on either of two tickets, and alike tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from connector.domain.ticket import LinkKind, TicketRef
from connector.ports.stored import JournalEvent

STORM = "storm"
"""The kind of the line that people were told of a storm."""


class Named(NamedTuple):
    """A ticket names another one: ``target`` is that one's id or key, ``ref`` the ticket whose link it is."""

    target: str
    ref: TicketRef
    kind: LinkKind


class Alike(NamedTuple):
    """A stored ticket that looks like others: which look, when it was opened, and how urgent it is (1 is P1)."""

    signature: str
    id: str
    opened_at: datetime
    is_open: bool
    rank: int


class Links(Protocol):
    """The part of the journal, and of its read side, that knows which tickets hang together."""

    def naming(self, site: str, names: Sequence[str]) -> tuple[Named, ...]:
        """Return the twins and the work of any site that name tickets of ``site``, by their ids or keys."""

    def attached(self, site: str, names: Sequence[str]) -> tuple[TicketRef, ...]:
        """Return the open tickets of any site that follow one of ``site``, by its id and key, by their own links."""

    def identify(self, site: str, names: Sequence[str]) -> Mapping[str, str]:
        """Return the ids of stored tickets by the names, ids or keys, that are asked for; unknown ones are absent."""

    def alike(
        self, site: str, signatures: Sequence[str], *, since: datetime, edited: bool = False
    ) -> tuple[Alike, ...]:
        """Return the site's tickets of these looks that were opened since then, in the order of their opening.

        ``edited``: those that had these looks until an edited policy changed that.
        """

    def storms(self, site: str, *, since: datetime) -> tuple[JournalEvent, ...]:
        """Return the lines of the audit that tell of which storms people were told since then, oldest first."""
