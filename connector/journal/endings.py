"""What the audit says of a ticket's end, and of its return."""

from __future__ import annotations

from datetime import datetime

from connector.ports import JournalEvent
from connector.ports.helpdesk import Page

GONE = "gone"
"""The kind of the line about a ticket that ends; its moment is when the ticket was missed."""

CLOSED, REFUSED = "closed", "rejected"
"""The kinds of the lines about a write on a ticket that was closed meanwhile: seen just before, or by its refusal."""


def end(site: str, of: str, page: Page, *, now: datetime) -> JournalEvent:
    """Return the line about a ticket that ``page`` ends: what it was, as far as the helpdesk tells."""
    why = "deleted, or moved out of what the site looks after"
    if of in page.elsewhere:
        why = "moved out of what the site looks after"
    elif not page.cursor:
        why = "not shown in two looks: deleted, or hidden from our account"
    return JournalEvent(at=now, kind=GONE, site=site, ticket=of, data={"why": why})


def back(site: str, of: str, *, now: datetime) -> JournalEvent:
    """Return the line about a ticket that had ended and is shown again."""
    return JournalEvent(at=now, kind="back", site=site, ticket=of, data={"why": "restored, moved back or shown again"})
