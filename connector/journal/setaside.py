"""What is set aside on a site; each begins and ends with a line in the audit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from connector.domain.ticket import TicketRef
from connector.journal import audit
from connector.journal.moments import from_micros, maybe_micros, maybe_moment, to_micros
from connector.journal.statements import SITE, AnyRow
from connector.journal.tables import set_aside as table
from connector.ports import JournalEvent
from connector.ports.setaside import AsideKind, SetAside

_KEY = ("kind", "scope", "ticket", "field", "value")
_OF_SITE = select(table).where(table.c.site == SITE).order_by(table.c.since, *(table.c[name] for name in _KEY))
_BY_RESUME = (AsideKind.SITE.value, AsideKind.SCOPE.value, AsideKind.FIELD.value)


def put(connection: Connection, site: str, items: Iterable[SetAside]) -> None:
    """Set things aside; one that is known keeps its beginning and takes on the rest."""
    for item in items:
        values = {"why": item.why, "bindings": item.bindings, "until": maybe_micros(item.until)}
        known = connection.execute(update(table).where(*_matches(site, item)).values(values))
        if known.rowcount:
            continue
        key = {name: str(getattr(item, name)) for name in _KEY}
        connection.execute(insert(table).values(site=site, since=to_micros(item.since), **key, **values))
        audit.append(connection, _line("set-aside", site, item, item.since))


def take_back(connection: Connection, site: str, items: Iterable[SetAside], *, now: datetime) -> None:
    """End what was set aside."""
    for item in items:
        if connection.execute(delete(table).where(*_matches(site, item))).rowcount:
            audit.append(connection, _line("taken-back", site, item, now))


def release(connection: Connection, ref: TicketRef, *, now: datetime) -> None:
    """End a ticket's quarantine: somebody wants it tried again."""
    mine = [i for i in found(connection, ref.site) if i.kind is AsideKind.QUARANTINE and i.ticket == ref.id]
    take_back(connection, ref.site, mine, now=now)


def clear(connection: Connection, site: str) -> bool:
    """End what an operator's resume ends; return whether there was any."""
    gone = connection.execute(delete(table).where(table.c.site == site, table.c.kind.in_(_BY_RESUME)))
    return gone.rowcount > 0


def found(connection: Connection, site: str) -> tuple[SetAside, ...]:
    """Return what is set aside on a site, longest first."""
    return tuple(map(_item, connection.execute(_OF_SITE, {SITE.key: site})))


def _matches(site: str, item: SetAside) -> Iterable[Any]:
    return (table.c.site == site, *(table.c[name] == str(getattr(item, name)) for name in _KEY))


def _item(row: AnyRow) -> SetAside:
    return SetAside(
        kind=AsideKind(row.kind),
        why=row.why,
        since=from_micros(row.since),
        scope=row.scope,
        ticket=row.ticket,
        field=row.field,
        value=row.value,
        bindings=row.bindings,
        until=maybe_moment(row.until),
    )


def _line(kind: str, site: str, item: SetAside, at: datetime) -> JournalEvent:
    data = {"what": str(item.kind), "scope": item.scope, "field": item.field, "value": item.value, "why": item.why}
    return JournalEvent(at=at, kind=kind, site=site, ticket=item.ticket, data={k: v for k, v in data.items() if v})
