"""Which tickets are in the views that a site looks after. Only Zendesk knows, so it is read and kept for a while."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.errors import Denied, Rejected, Unavailable
from connector.helpdesks.transport import Client
from connector.helpdesks.zendesk import normalise, shapes, wire
from connector.helpdesks.zendesk.sieve import Sieve

KEPT_FOR = timedelta(minutes=5)
"""How long membership is taken as read while nothing changes; views also have conditions on time."""

FRESH_FOR = timedelta(minutes=1)
"""How long it is taken as read although tickets change."""

MOST_PAGES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Tickets that came into the views, or left them, since the last time."""

    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def scope_digest(sieve: Sieve, views: tuple[str, ...]) -> str:
    """Return a short name for what a site looks after; empty for every ticket."""
    parts = [sorted(sieve.brands), sorted(sieve.groups), sorted(views)]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12] if any(parts) else ""


class ViewMembers:
    """Ids of the tickets in a site's ``views``; every ticket where it has none. The site's thread owns it."""

    def __init__(self, client: Client, views: tuple[str, ...]) -> None:
        self._http = client
        self.views = views
        self._ids: frozenset[str] = frozenset()
        self._read_at: datetime | None = None

    def holds(self, id_: str) -> bool:
        """True for a ticket in one of the views, as they were read last."""
        return not self.views or id_ in self._ids

    def refresh(self, *, older_than: timedelta = timedelta(0)) -> Moved:
        """Read the views again if that was longer ago, and return who moved; the first time nobody did.

        Where the budget has no room, what is known stands.

        Raises:
            Denied: A view cannot be read by this account, or is not there.
            Unavailable: Zendesk does not answer.
        """
        if not self.views or not self._is_due(older_than):
            return Moved()
        known = None if self._read_at is None else self._ids
        self._ids = frozenset(id_ for view in self.views for id_ in self._members(view))
        self._read_at = self._http.adapter.server_now()
        if known is None:
            return Moved()
        return Moved(joined=tuple(sorted(self._ids - known)), left=tuple(sorted(known - self._ids)))

    def _is_due(self, older_than: timedelta) -> bool:
        if self._read_at is None:
            return True
        old = self._http.adapter.server_now() - self._read_at >= older_than
        return old and not self._http.adapter.delay("views")

    def _members(self, view: str) -> list[str]:
        found: list[str] = []
        after = ""
        for _ in range(MOST_PAGES):
            page = self._page(view, after)
            found += [str(ticket.id) for ticket in page.tickets]
            more = page.meta is not None and page.meta.has_more
            before, after = after, (page.meta.after_cursor or "") if more and page.meta else ""
            if not after or after == before:
                return found
        raise Unavailable(f"view {view} has more than {MOST_PAGES} pages")

    def _page(self, view: str, after: str) -> shapes.ViewPage:
        try:
            answer = self._http.call(wire.view_tickets(view, after=after))
        except (Rejected, Denied) as refusal:
            remedy = "correct `views` of this site, or share the view with the reading account"
            raise Denied(f"view {view} cannot be read: {refusal}", remedy=remedy) from refusal
        return normalise.decoded(answer.body, shapes.ViewPage, what=f"view {view}")
