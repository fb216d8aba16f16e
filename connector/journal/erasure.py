"""What has to go: a ticket, a person, and everything whose time is over.

What an operation's key stands for stays, without its content, so that nothing is said again because it was forgotten.
Audit lines keep their digests and lose their content: the chain still tells whether a line was changed or removed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, delete, func, or_, select, update

from connector.domain.change import Write
from connector.domain.ticket import TicketRef
from connector.errors import Busy, UnsafePlan
from connector.journal.audit import TOMBSTONE
from connector.journal.documents import settled_document
from connector.journal.moments import to_micros
from connector.journal.tables import (
    applied,
    escalation,
    event,
    notification,
    op,
    policy,
    quarantine,
    run,
    set_aside,
    ticket,
    ticket_event,
)
from connector.ports.erasure import Erased
from connector.ports.intents import OpStatus

FACTS_OF_CLOSED = timedelta(days=30)
RECORDS = timedelta(days=396)
"""Decision records: thirteen months, because a quarter's penalties are disputed in the next."""

_GONE = "erased"
_ACCOUNT_KEYS = frozenset({"requester", "assignee", "account", "by", "actor", "before", "after"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Documents in which an account may stand, and the columns that name one row."""

    table: Table
    column: str
    key: tuple[str, ...]


_PLACES = (
    _Place(ticket, "document", ("site", "id")),
    _Place(ticket_event, "document", ("site", "ticket", "id")),
    _Place(escalation, "document", ("site", "ticket")),
    _Place(op, "document", ("id",)),
)


def erase_ticket(connection: Connection, ref: TicketRef) -> Erased:
    """Delete what is known of a ticket; its operations keep their keys alone.

    Raises:
        Busy: A write to it is under way; its outcome has to be known first.
        UnsafePlan: It is open: the next poll would bring it back, and levels would begin anew.
    """
    is_open = select(ticket.c.is_open).where(ticket.c.site == ref.site, ticket.c.id == ref.id)
    if connection.scalar(is_open):
        raise UnsafePlan(f"{ref} is still open", remedy="close or delete it in the helpdesk first, then sync")
    of_ticket = (op.c.site == ref.site, op.c.ticket == ref.id)
    if connection.scalar(select(func.count()).where(*of_ticket, op.c.status == OpStatus.SENDING.value)):
        raise Busy("a write to this ticket is under way", remedy="try again when it is settled")
    events = connection.execute(
        delete(ticket_event).where(ticket_event.c.site == ref.site, ticket_event.c.ticket == ref.id)
    ).rowcount
    rows = connection.execute(delete(ticket).where(ticket.c.site == ref.site, ticket.c.id == ref.id)).rowcount
    connection.execute(delete(quarantine).where(quarantine.c.site == ref.site, quarantine.c.id == ref.id))
    connection.execute(delete(set_aside).where(set_aside.c.site == ref.site, set_aside.c.ticket == ref.id))
    lines = _entomb(connection, (event.c.site == ref.site, event.c.ticket == ref.id))
    return Erased(rows=rows + events, kept=_empty_ops(connection, of_ticket), lines=lines)


def erase_account(connection: Connection, site: str, account: str) -> Erased:
    """Replace an account by a word, wherever its id stands: in tickets, events, writes and audit lines of a site."""
    rows = sum(_forget(connection, place, site, account) for place in _PLACES)
    values = (account, f"id:{account}")
    own = (applied.c.site == site, applied.c.value.in_(values))
    rows += connection.execute(update(applied).where(*own).values(value=_GONE)).rowcount
    called = (notification.c.site == site, notification.c.person.in_(values))
    rows += connection.execute(update(notification).where(*called).values(person=_GONE)).rowcount
    told = [event.c.data.contains(json.dumps(value), autoescape=True) for value in values]
    lines = _entomb(connection, (event.c.site == site, or_(event.c.actor == account, *told)))
    return Erased(rows=rows, kept=0, lines=lines)


def purge(connection: Connection, *, now: datetime, most: int) -> int:
    """Delete what is past its time, ``most`` rows of each class at once; return how many rows went."""
    closed = select(ticket.c.site, ticket.c.id).where(
        ticket.c.is_open.is_(False), ticket.c.updated_at < to_micros(now - FACTS_OF_CLOSED)
    )
    gone = 0
    for row in connection.execute(closed.limit(most)).all():
        connection.execute(delete(ticket).where(ticket.c.site == row.site, ticket.c.id == row.id))
        gone += 1
    old = to_micros(now - RECORDS)
    lines = select(event.c.id).where(event.c.at < old, event.c.kind != TOMBSTONE).order_by(event.c.id).limit(most)
    gone += _entomb(connection, (event.c.id.in_(connection.scalars(lines).all()),))
    ended = select(run.c.id).where(run.c.started_at < old).limit(most)
    gone += connection.execute(delete(run).where(run.c.id.in_(connection.scalars(ended).all()))).rowcount
    return gone + _unnamed_policies(connection, before=old)


def _unnamed_policies(connection: Connection, *, before: int) -> int:
    named = (select(run.c.policy), select(ticket.c.policy_hash))
    unnamed = [policy.c.hash.not_in(hashes) for hashes in named]
    latest = select(policy.c.hash).order_by(policy.c.since.desc()).limit(1).scalar_subquery()
    chosen = delete(policy).where(*unnamed, policy.c.hash != latest, policy.c.since < before)
    return connection.execute(chosen).rowcount


def _empty_ops(connection: Connection, chosen: Sequence[Any]) -> int:
    rows = connection.execute(select(op.c.id, op.c.site, op.c.ticket, op.c.key).where(*chosen)).all()
    for row in rows:
        empty = settled_document(Write(ref=TicketRef(row.site, row.ticket), key=row.key, seen=""))
        connection.execute(update(op).where(op.c.id == row.id).values(document=empty, why=""))
    return len(rows)


def _entomb(connection: Connection, chosen: Sequence[Any]) -> int:
    """Empty audit lines; digest and chain stay."""
    blank = {"kind": TOMBSTONE, "ticket": "", "key": "", "run": "", "actor": "", "data": "{}"}
    return connection.execute(update(event).where(*chosen, event.c.kind != TOMBSTONE).values(**blank)).rowcount


def _forget(connection: Connection, place: _Place, site: str, account: str) -> int:
    column = place.table.c[place.column]
    told = [column.contains(json.dumps(value), autoescape=True) for value in (account, f"id:{account}")]
    keys = [place.table.c[name] for name in place.key]
    changed = 0
    for row in connection.execute(select(*keys, column).where(place.table.c.site == site, or_(*told))).all():
        *own, document = row
        after = json.dumps(_without(json.loads(document), account), ensure_ascii=False, separators=(",", ":"))
        if after != document:
            chosen = [key == value for key, value in zip(keys, own, strict=True)]
            connection.execute(update(place.table).where(*chosen).values({place.column: after}))
            changed += 1
    return changed


def _without(value: Any, account: str, key: str = "") -> Any:
    """Return a document with the account gone from every place that names one; an actor's ``id`` is such a place."""
    if isinstance(value, dict):
        return {name: _without(inner, account, _place(name, key)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, account, key) for inner in value]
    if key in _ACCOUNT_KEYS and value in (account, f"id:{account}"):
        return _GONE if value == account else f"id:{_GONE}"
    return value


def _place(name: str, outer: str) -> str:
    return outer if name == "id" and outer in _ACCOUNT_KEYS else name
