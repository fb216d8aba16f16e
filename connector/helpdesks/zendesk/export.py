"""The cursor export, page by page: how much a page is asked for, and where it goes on when its cursor is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.errors import Denied, Rejected, Unavailable
from connector.helpdesks.transport import Client, PageSize
from connector.helpdesks.zendesk import pages, wire
from connector.helpdesks.zendesk.view import View
from connector.helpdesks.zendesk.wire import Position

STEP_BACK = timedelta(minutes=5)
"""How far before the last good poll a delta restarts when Zendesk refuses its cursor."""


def before(at: datetime, scope: str) -> Position:
    """Return where to begin for everything that changed since ``at``."""
    return Position(int((at - STEP_BACK).timestamp()), scope=scope)


class Export:
    """Reads the export. Not thread-safe: the site's thread owns it."""

    def __init__(self, client: Client, view: View) -> None:
        self._http = client
        self._view = view
        self._size = PageSize(wire.EXPORT_PAGE, least=wire.LEAST_EXPORT_PAGE)

    def page(self, position: Position) -> tuple[pages.Tickets, Position, bool]:
        """Return a page, the position after it, and whether that did not move.

        A cursor that is refused is replaced with an overlap.

        Raises:
            Unavailable: It cannot be read, however few tickets are asked for, or it does not begin.
            Denied: The reader may not export.
        """
        try:
            answer = self._http.page(lambda rows: wire.export(position, rows), self._size)
        except Rejected as refusal:
            if not position.after:
                raise Unavailable(f"the export does not begin: {refusal}") from refusal
            found, moved, _ = self.page(before(datetime.fromtimestamp(position.start, tz=UTC), position.scope))
            return found, moved, moved.start <= position.start  # or every cursor that is refused would be read in turn
        except Denied as refusal:
            if refusal.about == "permission":
                refusal.remedy = "give the reader an admin's client with the scope read, or set poll: {by: search}"
            raise
        found = pages.export_page(answer.body, self._view, read_at=answer.at)
        return found, _after(found, position, answer.at), found.after in {"", position.after}


def _after(found: pages.Tickets, position: Position, at: datetime) -> Position:
    """Return where to go on. Its ``start`` proves no more than was read: in the midst of a backlog no later change.

    The export is in the order in which Zendesk last wrote tickets, which is never before they changed.
    """
    after = found.after or position.after
    if not after:
        return position
    if found.ended:
        return Position(int(at.timestamp()), after, position.scope)
    changes = (o.ticket.updated_at for o in found.observations)
    latest = max((int(change.timestamp()) for change in changes if change <= at), default=0)
    return Position(max(latest, position.start), after, position.scope)
