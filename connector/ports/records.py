"""The journal's read side, as a port of its own: who shows things is handed nothing that can write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from connector.domain.ticket import TicketRef
from connector.ports.intents import Op, OpStatus
from connector.ports.links import Links
from connector.ports.outbox import Delivery, Queued
from connector.ports.setaside import SetAside
from connector.ports.stored import (
    JournalEvent,
    RunRow,
    SiteState,
    Stored,
)


class Records(Links, Protocol):
    """The read side: what ``status``, ``log``, ``explain`` and ``attention`` show. Never writes."""

    def sites(self) -> tuple[SiteState, ...]:
        """Return every known site."""

    def stored(self, ref: TicketRef, *, now: datetime) -> Stored | None:
        """Return what is known about one ticket."""

    def find(self, text: str) -> tuple[TicketRef, ...]:
        """Return tickets whose key or id is ``text`` (``SUP-14``, ``zendesk:123``, ``123``)."""

    def runs(self, *, site: str | None = None, limit: int = 20, until: datetime | None = None) -> tuple[RunRow, ...]:
        """Return runs, latest first; ``until``: only those that had begun by then."""

    def last_event(self) -> int:
        """Return the position of the audit's last line; 0: it has none."""

    def events(
        self,
        *,
        site: str | None = None,
        ticket: str | None = None,
        since: datetime | None = None,
        between: tuple[int, int] | None = None,
        limit: int = 200,
    ) -> tuple[JournalEvent, ...]:
        """Return audit lines, oldest first; ``between``: after one position, up to another."""

    def passes(self, site: str, *, since: datetime, until: datetime) -> tuple[datetime, ...]:
        """Return when passes that decided began, oldest first."""

    def policies(self, site: str, *, since: datetime, until: datetime) -> tuple[tuple[datetime, str], ...]:
        """Return which policy (its hash) decided on a site, and since when, oldest first; one may come back.

        The first is the one in force at ``since``, where a run before tells of it.
        """

    def ops(
        self,
        *,
        site: str | None = None,
        ticket: str | None = None,
        status: OpStatus | None = None,
        limit: int = 200,
    ) -> tuple[Op, ...]:
        """Return intents, latest first; ``ticket`` is an id."""

    def held(self, *, site: str | None = None, until: datetime | None = None) -> Iterator[JournalEvent]:
        """Yield what the latest run of each site held back; ``until``: of those that had begun by then."""

    def approvals(self, site: str) -> tuple[JournalEvent, ...]:
        """Return the steps that wait for somebody to let them through, oldest first: ``level`` and ``threshold``."""

    def unread(self, site: str, *, now: datetime) -> tuple[JournalEvent, ...]:
        """Return open tickets on which something has waited too long for their history, longest first: since, why."""

    def notifications(self, *, site: str, status: Delivery, ticket: str | None = None) -> tuple[Queued, ...]:
        """Return what stands in the outbox, oldest first; ``ticket`` is an id."""

    def held_edit(self, site: str, policy_hash: str) -> JournalEvent | None:
        """Return the line that holds the edit to this policy, unless an operator has spoken since."""

    def quarantined(self, *, site: str | None = None) -> tuple[JournalEvent, ...]:
        """Return tickets whose payload could not be read."""

    def aside(self, *, site: str) -> tuple[SetAside, ...]:
        """Return what is set aside on a site, longest first."""

    def standoffs(self, *, site: str | None = None) -> tuple[tuple[TicketRef, str], ...]:
        """Return open tickets on which we stopped by ourselves, with the reason, one row each."""

    def ended(self, site: str, *, since: datetime) -> int:
        """Return how many tickets ended under us since a moment: deleted, moved, hidden, or closed before a write."""

    def next_due(self, site: str) -> datetime | None:
        """Return the earliest ``next_due_at`` of the site's open tickets."""

    def policy_since(self, site: str, policy_hash: str) -> datetime | None:
        """Return since when runs have applied this policy on the site without another between; ``None``: none has."""

    def applied_since(self, site: str, policy_hash: str) -> datetime | None:
        """Return since when runs applied this policy the last time that they did, whatever came after."""

    def resumed_at(self, site: str) -> datetime | None:
        """Return when an operator last let the site write again; ``None``: never."""

    def policy(self, digest: str) -> str | None:
        """Return a policy's canonical document by (a prefix of) its hash."""
