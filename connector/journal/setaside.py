"""What is set aside on a site; each begins and ends with a line in the audit."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from connector.domain.ticket import TicketRef
from connector.journal import audit
from connector.journal.moments import from_micros, maybe_micros, maybe_moment, to_micros
from connector.journal.statements import SITE, AnyRow, portions
from connector.journal.tables import set_aside as table
from connector.journal.tables import ticket
from connector.ports import JournalEvent
from connector.ports.setaside import AsideKind, SetAside

_KEY = ("kind", "scope", "ticket", "field", "value")
_OF_SITE = select(table).where(table.c.site == SITE).order_by(table.c.since, *(table.c[name] for name in _KEY))
_BY_RESUME = (AsideKind.SITE, AsideKind.HISTORIES, AsideKind.SCOPE, AsideKind.FIELD, AsideKind.REFUSED)
_BY_RELEASE = (AsideKind.QUARANTINE, AsideKind.UNANSWERED, AsideKind.REFUSED)


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
    """End what was set aside; tickets on which a value was refused fall due."""
    for item in items:
        if connection.execute(delete(table).where(*_matches(site, item))).rowcount:
            audit.append(connection, _line("taken-back", site, item, now))
            _fall_due(connection, site, (item,), now=now)


def release(connection: Connection, ref: TicketRef, *, now: datetime) -> None:
    """End a ticket's quarantine and what is refused on it: somebody wants it tried again."""
    mine = [i for i in found(connection, ref.site) if i.kind in _BY_RELEASE and i.ticket == ref.id]
    take_back(connection, ref.site, mine, now=now)


def end_tickets(connection: Connection, site: str, ids: Collection[str], *, now: datetime) -> None:
    """End what stands aside on tickets that are closed or gone, but for whether they are shown: a look settles that."""
    ended = frozenset(ids)
    if ended:
        of_them = [i for i in found(connection, site) if i.ticket in ended and i.kind is not AsideKind.TICKET]
        take_back(connection, site, of_them, now=now)


def clear(connection: Connection, site: str, *, now: datetime) -> bool:
    """End what an operator's resume ends; return whether there was any. What was refused is tried again at once."""
    ended = [item for item in found(connection, site) if item.kind in _BY_RESUME]
    connection.execute(delete(table).where(table.c.site == site, table.c.kind.in_([k.value for k in _BY_RESUME])))
    _fall_due(connection, site, ended, now=now)
    return bool(ended)


def _fall_due(connection: Connection, site: str, ended: Iterable[SetAside], *, now: datetime) -> None:
    """Let open tickets fall due on which something was refused, alone or with all others of their scope."""
    refused = [item for item in ended if item.kind in {AsideKind.FIELD, AsideKind.REFUSED}]
    ids, scopes = sorted({i.ticket for i in refused if i.ticket}), {i.scope for i in refused if not i.ticket}
    later = or_(ticket.c.next_due_at.is_(None), ticket.c.next_due_at > to_micros(now))
    due = update(ticket).where(ticket.c.site == site, ticket.c.is_open, later).values(next_due_at=to_micros(now))
    for portion in portions(ids):
        connection.execute(due.where(ticket.c.id.in_(portion)))
    if scopes:
        connection.execute(due.where(ticket.c.scope.in_(sorted(scopes))))


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
