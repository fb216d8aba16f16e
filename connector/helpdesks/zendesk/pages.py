"""From the bytes of a page to observations. One ticket that cannot be read never costs the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from connector.domain.events import Role
from connector.domain.ticket import Status, Ticket
from connector.errors import why_unreadable
from connector.helpdesks.collecting import uncollected
from connector.helpdesks.mending import UNREADABLE
from connector.helpdesks.zendesk import normalise, shapes
from connector.helpdesks.zendesk.roles import role_of
from connector.helpdesks.zendesk.view import Known, View
from connector.ports import Cursor, Observation, Page, Quarantined


@dataclass(frozen=True, slots=True, kw_only=True)
class Tickets:
    """What a page held.

    Attributes:
        outside: Ids of tickets that this site does not look after.
        elsewhere: Those of them that are of another brand or group, or solved by now, whatever views show.
        agents: Ids of sideloaded people with an agent's seat.
        without_sla: The sideload of SLAs was not given at all (which an empty list is not).
        after: Where the next page begins; empty: this was the last one.
        ended: An export has nothing more for now.
    """

    observations: tuple[Observation, ...]
    malformed: tuple[Quarantined, ...] = ()
    outside: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    agents: frozenset[int] = frozenset()
    without_sla: bool = False
    after: str = ""
    ended: bool = True


def told(found: Tickets, cursor: Cursor) -> Page:
    """Return a page as the engine takes it: what left the site's scope is gone like what was deleted."""
    gone = (*found.gone, *found.outside)
    return Page(observations=found.observations, cursor=cursor, malformed=found.malformed, gone=gone)


_read_export = msgspec.json.Decoder(shapes.TicketPage).decode
_read_search = msgspec.json.Decoder(shapes.SearchPage).decode


@uncollected()
def export_page(body: bytes, view: View, *, read_at: datetime) -> Tickets:
    """Read a page of the cursor export or of ``show_many``; raises ``Malformed`` when it is no page at all."""
    try:
        page = _read_export(body)
    except UNREADABLE:
        raw = normalise.decoded(body, shapes.RawTicketPage, what="export page")
        tickets, broken = _one_by_one(raw.tickets or ())
        page = shapes.TicketPage(
            tickets, raw.users, raw.organizations, raw.metric_sets, raw.after_cursor, raw.end_of_stream
        )
        return _tickets(page, tickets, view, read_at, broken)
    return _tickets(page, page.tickets, view, read_at, ())


@uncollected()
def search_page(body: bytes, view: View, *, read_at: datetime) -> Tickets:
    """Read a page of the search export; raises ``Malformed`` when it is no page at all."""
    try:
        page = _read_search(body)
    except UNREADABLE:
        raw = normalise.decoded(body, shapes.RawTicketPage, what="search page")
        tickets, broken = _one_by_one(raw.results or ())
        page = shapes.SearchPage(tickets, raw.users, raw.organizations, raw.metric_sets, raw.meta)
        return _tickets(page, tickets, view, read_at, broken)
    return _tickets(page, page.results, view, read_at, ())


def _one_by_one(raws: Iterable[msgspec.Raw]) -> tuple[list[shapes.Ticket], tuple[Quarantined, ...]]:
    tickets, broken = [], []
    for raw in raws:
        try:
            tickets.append(msgspec.json.decode(raw, type=shapes.Ticket))
        except UNREADABLE as error:
            broken.append(normalise.quarantined(bytes(raw), str(error)))
    return tickets, tuple(broken)


def _tickets(
    page: shapes.TicketPage | shapes.SearchPage,
    raws: list[shapes.Ticket],
    view: View,
    read_at: datetime,
    broken: tuple[Quarantined, ...],
) -> Tickets:
    known = Known.of(page.users, page.organizations)
    _attach(raws, page.metric_sets)
    own = [raw for raw in raws if view.sieve.holds(raw)]
    read = list(_read(own, view, known, read_at))
    tickets = [t for t in read if isinstance(t, Ticket)]
    deleted = {str(raw.id) for raw in raws if raw.status == "deleted"}
    after, ended = _next(page)
    return Tickets(
        observations=tuple(Observation(ticket=t) for t in tickets if t.ref.id not in deleted),
        malformed=(*broken, *(q for q in read if isinstance(q, Quarantined))),
        outside=() if len(own) == len(raws) else tuple(str(raw.id) for raw in raws if not view.sieve.holds(raw)),
        gone=tuple(t.ref.id for t in tickets if t.status is Status.GONE and t.ref.id in deleted),
        agents=frozenset(id_ for id_, user in known.users.items() if user.role and role_of(user) is Role.AGENT),
        without_sla=any(raw.slas is msgspec.UNSET for raw in raws),
        after=after,
        ended=ended,
    )


def _read(raws: list[shapes.Ticket], view: View, known: Known, read_at: datetime) -> Iterator[Ticket | Quarantined]:
    for raw in raws:
        try:
            yield normalise.ticket(raw, view, known, read_at=read_at)
        except Exception as error:  # noqa: BLE001 - one ticket never costs the others theirs
            yield normalise.quarantined(msgspec.json.encode(raw), why_unreadable(error))


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
