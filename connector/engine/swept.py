"""Which tickets a sweep finds open, and which of them it has to look at. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Callable

from connector.domain.policy import Policy, SlaSource
from connector.domain.site import Effect
from connector.engine.kit import SiteReading, Surroundings
from connector.ports import Cursor, Page, Version


def now_open(
    site: SiteReading, around: Surroundings, policy: Policy, *, cursor: Cursor, admit: Callable[[Page], Page]
) -> tuple[dict[str, Version], set[str]]:
    """Return open tickets with their versions, and which of them are not stored just as they were shown.

    A goal that somebody edits moves a ticket's deadline and leaves its version as it was. So where the helpdesk's own
    clocks count all of a ticket is compared. What an index shows may be of some time ago and is no fact: whatever
    differs is read by itself. ``admit`` makes of a page what may be stored of it.

    Raises:
        Unavailable: The helpdesk cannot be read.
    """
    if not _counts_their_clocks(site, policy):
        return {id_: version for chunk in site.reader.open_ids() for id_, version in chunk.items()}, set()
    open_now: dict[str, Version] = {}
    other: set[str] = set()
    for read in site.reader.load_open(cursor=cursor):
        page = admit(read)
        seen = tuple(o.ticket for o in page.observations if o.ticket.is_open)
        open_now.update((bad.id, "") for bad in page.malformed if bad.id)
        open_now.update((o.ticket.ref.id, o.ticket.version) for o in read.observations if o.ticket.is_open)
        other |= {ticket.ref.id for ticket in seen} - around.journal.unchanged(site.name, seen)
    return open_now, other


def _counts_their_clocks(site: SiteReading, policy: Policy) -> bool:
    """True where the helpdesk's own clocks tell deadlines, or whether the requester may be spoken to."""
    rules = site.rules
    speaks = any(Effect.PUBLIC in on for on in (rules.effects, *rules.scopes.values()))
    return policy.sla.source is SlaSource.HELPDESK or (speaks and not rules.may_stop_native_first_response)
