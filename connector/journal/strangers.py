"""Writes of our own account that this state knows nothing of: somebody else runs a connector with the same account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from connector.domain.marks import Mark, ref_of
from connector.domain.ticket import TicketRef
from connector.journal.control import resumed_at
from connector.journal.recalls import marks_of
from connector.journal.statements import IDS, SITE, portions
from connector.journal.tables import op, site
from connector.ports.helpdesk import TicketHistory
from connector.ports.recall import Stranger

_KEYS = select(op.c.ticket, op.c.key).where(op.c.site == SITE, op.c.ticket.in_(IDS))


def strangers(
    connection: Connection, name: str, histories: Sequence[TicketHistory], *, since: datetime
) -> tuple[Stranger, ...]:
    """Return the latest unknown write of each ticket that was made after ``since`` and after the site's last resume."""
    resumed = resumed_at(connection, name)
    after = since if resumed is None else max(since, resumed)
    fresh = {h.ref.id: found for h in histories if (found := [m for m in h.marks if m.at > after])}
    if not fresh:
        return ()
    return tuple(_found(name, fresh, _known(connection, list(fresh))))


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, set[str]]:
    """Return every name of our own writes on some tickets, whichever site they belonged to: tickets are moved."""
    known: dict[str, set[str]] = {of: set() for of in ids}
    for name in connection.execute(select(site.c.name)).scalars().all():
        for portion in portions(ids):
            for row in connection.execute(_KEYS, {SITE.key: name, IDS.key: portion}):
                known[row.ticket] |= {row.key, ref_of(row.key)}
            for of, ref in marks_of(connection, name, portion):
                known[of].add(ref)
    return known


def _found(name: str, fresh: dict[str, list[Mark]], known: dict[str, set[str]]) -> Iterator[Stranger]:
    for of, marks in fresh.items():
        unknown = [one.at for one in marks if _names(one) and known[of].isdisjoint(_names(one))]
        if unknown:
            yield Stranger(ref=TicketRef(name, of), at=max(unknown))


def _names(one: Mark) -> Iterable[str]:
    """Return every name that a mark gives its write; one that gives none proves nothing."""
    return one.refs | {one.key} if one.key else one.refs
