"""From the bytes of a page to observations. One ticket that cannot be read never costs the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from connector.domain.copying import maker
from connector.domain.events import Role
from connector.errors import why_unreadable
from connector.helpdesks.collecting import uncollected
from connector.helpdesks.mending import UNREADABLE
from connector.helpdesks.zendesk import normalise, shapes
from connector.helpdesks.zendesk.listed import listed_by
from connector.helpdesks.zendesk.roles import told_roles
from connector.helpdesks.zendesk.view import Known, View
from connector.ports import Cursor, Observation, Page, Quarantined


@dataclass(frozen=True, slots=True, kw_only=True)
class Tickets:
    """What a page held.

    Attributes:
        outside: Ids of tickets that this site does not look after.
        elsewhere: Those of them that are of another brand or group, or solved by now, whatever views show.
        roles: What sideloaded people are, by id.
        listed: Ids of the custom fields that its tickets list; ``None``: nothing tells.
        without_sla: The sideload of SLAs was not given at all (which an empty list is not).
        after: Where the next page begins; empty: this was the last one.
        ended: An export has nothing more for now.
    """

    observations: tuple[Observation, ...]
    malformed: tuple[Quarantined, ...] = ()
    outside: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    roles: Mapping[int, Role] = field(default_factory=dict)
    listed: frozenset[int] | None = None
    without_sla: bool = False
    after: str = ""
    ended: bool = True


def told(found: Tickets, cursor: Cursor) -> Page:
    """Return a page as the engine takes it: what left the site's scope is gone like what was deleted."""
    gone = (*found.gone, *found.outside)
    return Page(observations=found.observations, cursor=cursor, malformed=found.malformed, gone=gone)


DELETED = "deleted"
"""The status by which the export tells that a ticket was deleted, or marked as spam."""

_new_observation = maker(Observation)
_read_export = msgspec.json.Decoder(shapes.TicketPage).decode
_read_search = msgspec.json.Decoder(shapes.SearchPage).decode


@uncollected()
def export_page(body: bytes, view: View, *, read_at: datetime) -> Tickets:
    """Read a page of the cursor export or of ``show_many``; raises ``Malformed`` when it is no page at all."""
    try:
        page = _read_export(body)
    except UNREADABLE:
        raw = normalise.decoded(body, shapes.RawTicketPage, what="export page")
        found = _one_by_one(raw.tickets or ())
        page = shapes.TicketPage(
            found.tickets, raw.users, raw.organizations, raw.metric_sets, raw.after_cursor, raw.end_of_stream
        )
        return _tickets(page, found, view, read_at)
    return _tickets(page, _Raws(page.tickets), view, read_at)


@uncollected()
def search_page(body: bytes, view: View, *, read_at: datetime) -> Tickets:
    """Read a page of the search export; raises ``Malformed`` when it is no page at all."""
    try:
        page = _read_search(body)
    except UNREADABLE:
        raw = normalise.decoded(body, shapes.RawTicketPage, what="search page")
        found = _one_by_one(raw.results or ())
        page = shapes.SearchPage(found.tickets, raw.users, raw.organizations, raw.metric_sets, raw.meta)
        return _tickets(page, found, view, read_at)
    return _tickets(page, _Raws(page.results), view, read_at)


@dataclass(slots=True)
class _Raws:
    """A page's tickets as they came, what could not be read, and ids of deleted ones that say nothing else."""

    tickets: list[shapes.Ticket] = field(default_factory=list)
    broken: list[Quarantined] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


def _one_by_one(raws: Iterable[msgspec.Raw]) -> _Raws:
    found = _Raws()
    for raw in raws:
        try:
            found.tickets.append(msgspec.json.decode(raw, type=shapes.Ticket))
        except UNREADABLE as error:
            if deleted := _deleted(raw):
                found.deleted.append(deleted)
            else:
                found.broken.append(normalise.quarantined(bytes(raw), str(error)))
    return found


def _deleted(raw: msgspec.Raw) -> str:
    """Return the id of a deleted ticket of which nothing else can be read; empty for any other."""
    try:
        stub = msgspec.json.decode(raw, type=shapes.Stub)
    except UNREADABLE:
        return ""
    return str(stub.id) if stub.status == DELETED else ""


def _tickets(page: shapes.TicketPage | shapes.SearchPage, found: _Raws, view: View, read_at: datetime) -> Tickets:
    """Return what a page says; a deleted ticket has ended, however little is left of it."""
    raws = found.tickets
    known = Known.of(page.users, page.organizations)
    _attach(raws, page.metric_sets)
    own = [raw for raw in raws if view.sieve.holds(raw)]
    observations, malformed = _read([raw for raw in own if raw.status != DELETED], view, known, read_at)
    after, ended = _next(page)
    return Tickets(
        observations=tuple(observations),
        malformed=(*found.broken, *malformed),
        outside=() if len(own) == len(raws) else tuple(str(raw.id) for raw in raws if not view.sieve.holds(raw)),
        gone=(*found.deleted, *(str(raw.id) for raw in own if raw.status == DELETED)),
        roles=told_roles(known.users),
        listed=listed_by(own),
        without_sla=any(raw.slas is msgspec.UNSET for raw in raws),
        after=after,
        ended=ended,
    )


def _read(
    raws: Iterable[shapes.Ticket], view: View, known: Known, read_at: datetime
) -> tuple[list[Observation], list[Quarantined]]:
    read: list[Observation] = []
    unread: list[Quarantined] = []
    for raw in raws:
        try:
            read.append(_new_observation(ticket=normalise.ticket(raw, view, known, read_at=read_at)))
        except Exception as error:  # noqa: BLE001 - one ticket never costs the others theirs
            unread.append(normalise.quarantined(msgspec.json.encode(raw), why_unreadable(error)))
    return read, unread


def _attach(raws: list[shapes.Ticket], metric_sets: list[shapes.MetricSet] | None) -> None:
    """Metric sets come inside each ticket or beside them all."""
    by_ticket = {m.ticket_id: m for m in metric_sets or ()}
    for raw in raws:
        if raw.metric_set is None:
            raw.metric_set = by_ticket.get(raw.id)


def _next(page: shapes.TicketPage | shapes.SearchPage) -> tuple[str, bool]:
    if isinstance(page, shapes.TicketPage):
        return page.after_cursor or "", page.end_of_stream is not False
    more = page.meta is not None and page.meta.has_more and bool(page.meta.after_cursor)
    return (page.meta.after_cursor or "", False) if more and page.meta else ("", True)
