"""Reading the whole history of one ticket, page by page."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from connector.errors import Malformed
from connector.helpdesks.transport import Client, PageSize
from connector.helpdesks.zendesk import shapes, wire
from connector.helpdesks.zendesk.normalise import decoded

MOST_AUDIT_PAGES = 60  # of the usual size: 5,000 comments and their companions


def read_audits(
    client: Client, id_: str, size: PageSize, *, urgent: bool = False
) -> tuple[list[shapes.Audit], datetime]:
    """Return every audit of a ticket, and by the helpdesk's clock when the first page was read.

    Raises:
        Malformed: There is no end to them, or a page cannot be read.
    """
    audits: list[shapes.Audit] = []
    request, first, asked = partial(wire.audits, id_), None, 0
    while asked < MOST_AUDIT_PAGES * wire.AUDIT_PAGE:
        answer = client.page(request, size, urgent=urgent)
        asked += size.rows
        first = first or answer.at
        page = decoded(answer.body, shapes.AuditPage, what=f"audits of {id_}")
        audits += page.audits
        after = page.meta.after_cursor if page.meta and page.meta.has_more else None
        number = wire.page_number(page.next_page) if page.meta is None else ""
        if not page.audits or not (after or number):
            return audits, first
        request = partial(wire.audits, id_, after=after or "", page=number)
    raise Malformed(f"audits of {id_}: more than {MOST_AUDIT_PAGES} pages")
