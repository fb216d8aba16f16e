"""What has to go: a ticket, a person, and everything whose time is over.

Facts of a closed ticket go after ``FACTS_OF_CLOSED``, of one that is not shown any more as long after it was missed:
nobody may have touched it for months, and it may be hidden by mistake. Audit lines, runs and what was written lose
their content after ``RECORDS``.

What an operation's key stands for stays, without its content, so that nothing is said again because it was forgotten.
Audit lines keep their digests and lose their content: the chain still tells whether a line was changed or removed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, or_, select, update

from connector.domain.change import Write
from connector.domain.ticket import Status, TicketRef
from connector.errors import Busy, UnsafePlan
from connector.journal import alarms, audit, returning, unreadable
from connector.journal.audit import TOMBSTONE, entomb
from connector.journal.documents import settled_document
from connector.journal.endings import GONE
from connector.journal.moments import to_micros
from connector.journal.naming import Person
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
from connector.journal.tables import site as site_table
from connector.ports import JournalEvent
from connector.ports.erasure import Erased
from connector.ports.intents import OpStatus
from connector.ports.links import STORM

FACTS_OF_CLOSED = timedelta(days=30)
RECORDS = timedelta(days=396)
"""Decision records: thirteen months, because a quarter's penalties are disputed in the next."""

AT_ONCE = 500
"""Audit lines that one statement empties."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a person may be named, and the columns that name one row; ``of`` is the column with the site's name."""

    table: Table
    columns: tuple[str, ...]
    key: tuple[str, ...]
    of: str = "site"


_DOCUMENTS = (
    _Place(ticket, ("document",), ("site", "id")),
    _Place(ticket_event, ("document",), ("site", "ticket", "id")),
    _Place(escalation, ("document",), ("site", "ticket")),
    _Place(op, ("document",), ("id",)),
    _Place(site_table, ("frozen",), ("name",), of="name"),
)
_TEXTS = (
    _Place(applied, ("value",), ("site", "ticket", "field")),
    _Place(notification, ("person", "target", "why", "error"), ("site", "key")),
    _Place(op, ("why", "ordered_by"), ("id",)),
    _Place(set_aside, ("why",), ("site", "kind", "scope", "ticket", "field", "value")),
    _Place(quarantine, ("why",), ("site", "id")),
    _Place(run, ("why",), ("id",)),
    _Place(site_table, ("paused",), ("name",), of="name"),
)
_OPEN = (OpStatus.SENDING.value, OpStatus.PARKED.value)


def erase(
    connection: Connection,
    site: str,
    *,
    id_: str,
    account: str,
    names: Collection[str],
    line: JournalEvent | None,
) -> Erased:
    """Erase a ticket or, where none is named, a person, and add ``line`` to the audit with what it did.

    Raises:
        Busy: A write to the ticket or about the person is under way.
        UnsafePlan: The ticket is open.
    """
    if id_:
        done = erase_ticket(connection, TicketRef(site, id_))
    else:
        done = erase_account(connection, site, account, names=names)
    if line is not None:
        did = {"rows": str(done.rows), "lines": str(done.lines)}
        audit.append(connection, replace(line, data={**line.data, **did}))
    return done


def erase_ticket(connection: Connection, ref: TicketRef) -> Erased:
    """Delete what is known of a ticket; its operations keep their keys alone.

    Raises:
        Busy: A write to it is under way; its outcome has to be known first.
        UnsafePlan: It is open: the next poll would bring it back, and levels would begin anew.
    """
    is_open = select(ticket.c.is_open).where(ticket.c.site == ref.site, ticket.c.id == ref.id)
    if connection.scalar(is_open):
        raise UnsafePlan(f"{ref} is still open", remedy="close or delete it in the helpdesk first, then sync")
    if _is_in_flight(connection, ref):
        raise Busy("a write to this ticket is under way", remedy="try again when it is settled")
    return _forget_ticket(connection, ref)


def forget_tickets(connection: Connection, site: str, ids: Sequence[str]) -> None:
    """Delete what is known of tickets that we should not know; one that is being written to goes by its age."""
    for ref in (TicketRef(site, id_) for id_ in ids):
        if not _is_in_flight(connection, ref):
            _forget_ticket(connection, ref)


def _is_in_flight(connection: Connection, ref: TicketRef) -> bool:
    sending = (op.c.site == ref.site, op.c.ticket == ref.id, op.c.status == OpStatus.SENDING.value)
    return bool(connection.scalar(select(func.count()).where(*sending)))


def _forget_ticket(connection: Connection, ref: TicketRef) -> Erased:
    returning.keep(connection, ref)
    key = select(ticket.c.key).where(ticket.c.site == ref.site, ticket.c.id == ref.id)
    names = {ref.id, str(ref), *connection.scalars(key)}
    events = connection.execute(
        delete(ticket_event).where(ticket_event.c.site == ref.site, ticket_event.c.ticket == ref.id)
    ).rowcount
    rows = connection.execute(delete(ticket).where(ticket.c.site == ref.site, ticket.c.id == ref.id)).rowcount
    unreadable.forget(connection, ref)
    connection.execute(delete(set_aside).where(set_aside.c.site == ref.site, set_aside.c.ticket == ref.id))
    lines = _entomb_lines_of_ticket(connection, (event.c.site == ref.site, event.c.ticket == ref.id))
    lines += alarms.forget(connection, ref.site, *names)
    kept = _empty_ops(connection, (op.c.site == ref.site, op.c.ticket == ref.id))
    return Erased(rows=rows + events, kept=kept, lines=lines)


def _entomb_lines_of_ticket(connection: Connection, mine: Sequence[Any]) -> int:
    """Empty the audit lines of a ticket; that people were told of a storm stays, without the one that spoke for it."""
    storms = connection.execute(select(event).where(*mine, event.c.kind == STORM).order_by(event.c.id)).all()
    lines = entomb(connection, *mine)
    audit.append(connection, *(replace(audit.line_of(row), ticket="") for row in storms))
    return lines


def erase_account(connection: Connection, site: str, account: str, *, names: Collection[str] = ()) -> Erased:
    """Replace a person by a word, wherever their id or a name that the map gave them stands, on one site.

    Audit lines that name them lose their content. The policy's own words stay, also those of a path under way. A value
    that a helpdesk refused is tried once more.

    Raises:
        Busy: A write that names them is under way or parked; what it says must not change.
    """
    person = Person(account, names)
    _refuse_in_flight(connection, site, person)
    rows = sum(_forget(connection, place, site, person, person.out_of_document) for place in _DOCUMENTS)
    refused = select(set_aside.c.value).where(set_aside.c.site == site, person.may_be_in(set_aside.c.value))
    values = [value for value in connection.scalars(refused.distinct()).all() if person.is_in(value)]
    of_them = (set_aside.c.site == site, set_aside.c.value.in_(values))
    rows += connection.execute(delete(set_aside).where(*of_them)).rowcount
    rows += sum(_forget(connection, place, site, person, person.out_of_text) for place in _TEXTS)
    return Erased(rows=rows, kept=0, lines=_entomb_lines_of(connection, site, person))


def _refuse_in_flight(connection: Connection, site: str, person: Person) -> None:
    wanted = select(op.c.document).where(op.c.site == site, op.c.status.in_(_OPEN), person.may_be_in(op.c.document))
    if any(person.out_of_document(document) != document for document in connection.scalars(wanted)):
        remedy = "try again when it is settled; `connector parked` lists those that wait for a person"
        raise Busy(f"{site}: a write that names this account is not settled yet", remedy=remedy)


def _entomb_lines_of(connection: Connection, site: str, person: Person) -> int:
    named = or_(person.may_be_in(event.c.actor), person.may_be_in(event.c.data))
    wanted = select(event.c.id, event.c.actor, event.c.data).where(event.c.site == site, named)
    ids = [row.id for row in connection.execute(wanted) if person.is_in(row.actor) or person.is_in_mapping(row.data)]
    return sum(
        entomb(connection, event.c.id.in_(ids[first : first + AT_ONCE])) for first in range(0, len(ids), AT_ONCE)
    )


def purge(connection: Connection, *, now: datetime, most: int) -> int:
    """Delete what is past its time, ``most`` rows of each class at once; return how many rows went."""
    before = to_micros(now - FACTS_OF_CLOSED)
    old_news = (ticket.c.updated_at < before, ~_was_missed(since=before))
    closed = select(ticket.c.site, ticket.c.id).where(ticket.c.is_open.is_(False), *old_news)
    gone = 0
    for row in connection.execute(closed.limit(most)).all():
        returning.keep(connection, TicketRef(row.site, row.id))
        connection.execute(delete(ticket).where(ticket.c.site == row.site, ticket.c.id == row.id))
        connection.execute(delete(set_aside).where(set_aside.c.site == row.site, set_aside.c.ticket == row.id))
        unreadable.forget(connection, TicketRef(row.site, row.id))
        gone += 1
    gone += unreadable.purge(connection, before=before, most=most)
    old = to_micros(now - RECORDS)
    lines = select(event.c.id).where(event.c.at < old, event.c.kind != TOMBSTONE).order_by(event.c.id).limit(most)
    gone += entomb(connection, event.c.id.in_(connection.scalars(lines).all()))
    ended = select(run.c.id).where(run.c.started_at < old).limit(most)
    gone += connection.execute(delete(run).where(run.c.id.in_(connection.scalars(ended).all()))).rowcount
    settled = (op.c.settled_at < old, op.c.status.not_in(_OPEN), op.c.run != "")
    oldest = connection.scalars(select(op.c.id).where(*settled).limit(most)).all()
    gone += _empty_ops(connection, (op.c.id.in_(oldest),))
    return gone + _unnamed_policies(connection, before=old)


def _was_missed(*, since: int) -> ColumnElement[bool]:
    """Return the condition that a ticket is not shown any more, and was missed at ``since`` or later."""
    of_ticket = (event.c.site == ticket.c.site, event.c.ticket == ticket.c.id)
    lines = select(event.c.id).where(*of_ticket, event.c.kind == GONE, event.c.at >= since)
    return and_(ticket.c.status == Status.GONE.value, lines.correlate(ticket).exists())


def _unnamed_policies(connection: Connection, *, before: int) -> int:
    named = (select(run.c.policy), select(ticket.c.policy_hash))
    unnamed = [policy.c.hash.not_in(hashes) for hashes in named]
    latest = select(policy.c.hash).order_by(policy.c.since.desc()).limit(1).scalar_subquery()
    chosen = delete(policy).where(*unnamed, policy.c.hash != latest, policy.c.since < before)
    return connection.execute(chosen).rowcount


def _empty_ops(connection: Connection, chosen: Sequence[Any]) -> int:
    """Leave operations their keys, times and ids; one without a run has nothing left to lose."""
    rows = connection.execute(select(op.c.id, op.c.site, op.c.ticket, op.c.key).where(*chosen)).all()
    for row in rows:
        empty = settled_document(Write(ref=TicketRef(row.site, row.ticket), key=row.key, seen=""))
        blank = {"document": empty, "why": "", "run": "", "ordered_by": ""}
        connection.execute(update(op).where(op.c.id == row.id).values(blank))
    return len(rows)


def _forget(connection: Connection, place: _Place, site: str, person: Person, without: Callable[[str], str]) -> int:
    """Rewrite the rows of one place that name a person; return how many did."""
    keys, columns = ([place.table.c[name] for name in names] for names in (place.key, place.columns))
    named = or_(*(person.may_be_in(column) for column in columns))
    wanted = select(*keys, *columns).where(place.table.c[place.of] == site, named)
    changed = 0
    for row in connection.execute(wanted).all():
        own, texts = row[: len(keys)], row[len(keys) :]
        after = {column.name: without(text) for column, text in zip(columns, texts, strict=True) if text}
        if after != {column.name: text for column, text in zip(columns, texts, strict=True) if text}:
            chosen = [key == value for key, value in zip(keys, own, strict=True)]
            connection.execute(update(place.table).where(*chosen).values(after))
            changed += 1
    return changed
