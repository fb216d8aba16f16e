"""Twins, work and problems: which ticket names which, on any site; and who falls due when one of several changes.

A link may stand on one of two tickets only (a field that holds the other's key), so it is kept where it can be found
from either end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, literal_column, or_, select, update

from connector.domain.ticket import LinkKind, Ticket, TicketRef
from connector.journal import audit
from connector.journal.moments import from_micros, to_micros
from connector.journal.statements import IDS, SITE, portions
from connector.journal.tables import event, link, ticket
from connector.journal.worker import Runner
from connector.ports import JournalEvent
from connector.ports.links import STORM, Alike, Named

BOTH_ENDS = frozenset({LinkKind.TWIN, LinkKind.WORK, LinkKind.WORKS_FOR})
"""Links that matter from both ends."""

KEPT = BOTH_ENDS | {LinkKind.PROBLEM}
"""Links that others ask for; every other kind is shown by the ticket that it matters for."""

_FOLLOWING = frozenset({LinkKind.PROBLEM, LinkKind.WORKS_FOR})


_NAMING = select(link).where(
    link.c.target_site == SITE, link.c.target.in_(IDS), link.c.kind.in_(sorted(kind.value for kind in BOTH_ENDS))
)
_ATTACHED = (
    select(link.c.site, link.c.ticket)
    .join(ticket, and_(ticket.c.site == link.c.site, ticket.c.id == link.c.ticket))
    .where(
        link.c.target_site == SITE,
        link.c.target.in_(IDS),
        link.c.kind.in_(sorted(kind.value for kind in _FOLLOWING)),
        ticket.c.is_open,
    )
)
_OF_THESE = select(link).where(link.c.site == SITE, link.c.ticket.in_(IDS))


class SqlLinks:
    """``Links`` on a database."""

    def __init__(self, asked: Runner) -> None:
        self._asked = asked

    def naming(self, site: str, names: Sequence[str]) -> tuple[Named, ...]:
        """Return which tickets of any site name these of ``site``."""
        return self._asked.run(lambda c: naming(c, site, names))

    def attached(self, site: str, names: Sequence[str]) -> tuple[TicketRef, ...]:
        """Return the open tickets of any site that follow one of ``site``."""
        return self._asked.run(lambda c: attached(c, site, names))

    def identify(self, site: str, names: Sequence[str]) -> Mapping[str, str]:
        """Return ids of stored tickets by id or key."""
        return self._asked.run(lambda c: identify(c, site, names))

    def alike(
        self, site: str, signatures: Sequence[str], *, since: datetime, edited: bool = False
    ) -> tuple[Alike, ...]:
        """Return tickets of these looks that were opened since a moment."""
        return self._asked.run(lambda c: alike(c, site, signatures, since=since, edited=edited))

    def storms(self, site: str, *, since: datetime) -> tuple[JournalEvent, ...]:
        """Return the lines that tell of which storms people were told since a moment."""
        return self._asked.run(lambda c: storms(c, site, since=since))


def store(connection: Connection, site: str, changed: Sequence[Ticket], *, due: int) -> None:
    """Store the links of tickets that changed and let those that hang together with them fall due."""
    if not changed:
        return
    for portion in portions([found.ref.id for found in changed]):
        _replace(connection, site, [found for found in changed if found.ref.id in frozenset(portion)])
    forward = {(each.site or site, each.target) for found in changed for each in found.links}
    backward = {
        (named.ref.site, named.ref.id)
        for named in naming(connection, site, [name for found in changed for name in names_of(found)])
    }
    _wake(connection, forward | backward, due)


def names_of(found: Ticket) -> tuple[str, ...]:
    """Return what a ticket may be called in a link: its id and its key."""
    return (found.ref.id,) if found.key in {found.ref.id, f"#{found.ref.id}"} else (found.ref.id, found.key)


def naming(connection: Connection, site: str, names: Sequence[str]) -> tuple[Named, ...]:
    """Return which tickets of any site name these of ``site``."""
    found = []
    for portion in portions(sorted(set(names))):
        rows = connection.execute(_NAMING, {SITE.key: site, IDS.key: portion})
        found += [Named(r.target, TicketRef(r.site, r.ticket), LinkKind(r.kind)) for r in rows]
    return tuple(sorted(found, key=lambda each: (each.target, each.ref.site, each.ref.id, each.kind)))


def attached(connection: Connection, site: str, names: Sequence[str]) -> tuple[TicketRef, ...]:
    """Return the open tickets of any site that follow one of ``site``, each once, in the order of their ids."""
    rows = connection.execute(_ATTACHED, {SITE.key: site, IDS.key: sorted(set(names))})
    found = {TicketRef(row.site, row.ticket) for row in rows}
    return tuple(sorted(found, key=lambda ref: (ref.site, len(ref.id), ref.id)))


def identify(connection: Connection, site: str, names: Sequence[str]) -> Mapping[str, str]:
    """Return ids of stored tickets by id or key."""
    found: dict[str, str] = {}
    for portion in portions(sorted(set(names))):
        by_key = select(ticket.c.key, ticket.c.id).where(ticket.c.site == site, ticket.c.key.in_(portion))
        found.update((row.key, row.id) for row in connection.execute(by_key))
        by_id = select(ticket.c.id).where(ticket.c.site == site, ticket.c.id.in_(portion))
        found.update((id_, id_) for id_ in connection.execute(by_id).scalars())
    return found


def alike(
    connection: Connection, site: str, signatures: Sequence[str], *, since: datetime, edited: bool = False
) -> tuple[Alike, ...]:
    """Return tickets of these looks that were opened since a moment, in the order of their opening.

    ``edited``: those that had these looks until an edited policy changed that.
    """
    look = ticket.c.alike_before if edited else ticket.c.alike
    columns = (look.label("alike"), ticket.c.id, ticket.c.alike_at, ticket.c.is_open, ticket.c.priority_rank)
    found = []
    for portion in portions(sorted(set(signatures))):
        of_looks: tuple[ColumnElement[bool], ...] = (
            literal_column("alike <> ''"),
            look.in_(portion),
        )  # the first one names the index
        wanted = select(*columns).where(ticket.c.site == site, *of_looks, ticket.c.alike_at >= to_micros(since))
        found += [
            Alike(r.alike, r.id, from_micros(r.alike_at), r.is_open, r.priority_rank)
            for r in connection.execute(wanted)
        ]
    return tuple(sorted(found, key=lambda each: (each.opened_at, each.id)))


def storms(connection: Connection, site: str, *, since: datetime) -> tuple[JournalEvent, ...]:
    """Return the lines of storms since a moment, oldest first.

    By their moment alone: named in the statement, the site would have its index chosen, and with it every line that
    there ever was of the site.
    """
    wanted = select(event).where(event.c.at >= to_micros(since), event.c.kind == STORM)
    rows = connection.execute(wanted.order_by(event.c.at, event.c.id))
    return tuple(audit.line_of(row) for row in rows if row.site == site)


def _replace(connection: Connection, site: str, changed: Sequence[Ticket]) -> None:
    ids = [found.ref.id for found in changed]
    rows = connection.execute(_OF_THESE, {SITE.key: site, IDS.key: ids})
    stored = {(row.ticket, row.kind, row.target_site, row.target) for row in rows}
    wanted = {
        (found.ref.id, each.kind.value, each.site or site, each.target)
        for found in changed
        for each in found.links
        if each.kind in KEPT
    }
    for of, kind, target_site, target in sorted(stored - wanted):
        row = (link.c.site == site, link.c.ticket == of, link.c.kind == kind)
        connection.execute(delete(link).where(*row, link.c.target_site == target_site, link.c.target == target))
    if new := sorted(wanted - stored):
        connection.execute(insert(link), [_row(site, *each) for each in new])


def _row(site: str, of: str, kind: str, target_site: str, target: str) -> dict[str, Any]:
    return {"site": site, "ticket": of, "kind": kind, "target_site": target_site, "target": target}


def _wake(connection: Connection, named: Iterable[tuple[str, str]], due: int) -> None:
    by_site: dict[str, list[str]] = {}
    for site, name in sorted(set(named)):
        by_site.setdefault(site, []).append(name)
    later = or_(ticket.c.next_due_at.is_(None), ticket.c.next_due_at > due)
    for site, names in by_site.items():
        for portion in portions(names):
            meant = or_(ticket.c.id.in_(portion), ticket.c.key.in_(portion))
            found = and_(ticket.c.site == site, ticket.c.is_open, later, meant)
            connection.execute(update(ticket).where(found).values(next_due_at=due))
