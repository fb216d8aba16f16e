"""The vendors' histories of tickets: what they tell replaces what deltas only implied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, and_, delete, or_, select, update

from connector.domain.events import EventKind, EventSource, TicketEvent
from connector.domain.unread import TOLD_AFTER, waiting_lines
from connector.journal import audit
from connector.journal.documents import event_document, event_of, state_of
from connector.journal.moments import to_micros
from connector.journal.statements import MOST, SITE, AnyRow, add_rows, change_rows, portions, put_row
from connector.journal.tables import escalation, quarantine, ticket, ticket_event
from connector.ports import Awaited, JournalEvent
from connector.ports.helpdesk import TicketHistory

HISTORY = "history:"
"""Before a ticket's id in the quarantine: the ticket itself is readable, its history is not."""

TRIES = 3
"""Times that a history is tried. One digit: the count is compared as text."""


def store_histories(connection: Connection, histories: Sequence[TicketHistory]) -> None:
    """Store histories of known tickets and mark them complete; a ticket that learned something falls due at once."""
    by_site = sorted(histories, key=lambda history: history.ref.site)
    for site, group in groupby(by_site, key=lambda history: history.ref.site):
        ordered = {history.ref.id: history for history in group}
        for portion in portions(list(ordered)):
            _store(connection, site, [ordered[id_] for id_ in portion])
        _clear(connection, site, list(ordered))


def _store(connection: Connection, site: str, histories: Sequence[TicketHistory]) -> None:
    known = _known(connection, site, [history.ref.id for history in histories])
    for history in histories:
        if (row := known.get(history.ref.id)) is None:
            continue
        learned = _replace_events(connection, history)
        _mark_complete(connection, history, row, learned=learned)


def _known(connection: Connection, site: str, ids: Sequence[str]) -> dict[str, AnyRow]:
    columns = (ticket.c.id, ticket.c.is_open, ticket.c.next_due_at, ticket.c.history_complete, ticket.c.history_until)
    rows = connection.execute(select(*columns).where(ticket.c.site == site, ticket.c.id.in_(ids)))
    return {row.id: row for row in rows}


def _replace_events(connection: Connection, history: TicketHistory) -> bool:
    """Drop what deltas implied up to the end of the history, store what it tells; return whether anything differs."""
    stored = _stored(connection, history)
    events = [_as_decided(event, stored.get(event.id)) for event in _once(history.events)]
    told = {event.id: event_document(event) for event in events}
    until = to_micros(history.read_until)
    implied = [
        id_
        for id_, row in stored.items()
        if row.source == EventSource.DELTA.value and row.at <= until and id_ not in told
    ]
    for portion in portions(implied):
        connection.execute(delete(ticket_event).where(*_of(history), ticket_event.c.id.in_(portion)))
    new = [_row(history, event) for event in events if event.id not in stored]
    changed = [
        _row(history, event) for event in events if event.id in stored and stored[event.id].document != told[event.id]
    ]
    return bool(
        len(implied)
        + add_rows(connection, ticket_event, new)
        + change_rows(connection, ticket_event, changed, key=("site", "ticket", "id"))
    )


def _as_decided(event: TicketEvent, known: AnyRow | None) -> TicketEvent:
    """Return what may hold a ticket as it was judged when a history first told it: roles change, that day does not."""
    if known is None or event.kind not in _JUDGED_ONCE or known.source == EventSource.DELTA.value:
        return event
    return replace(event, actor=event_of(known.document).actor)


_JUDGED_ONCE = frozenset({EventKind.COMMAND, EventKind.LABELS, EventKind.FACT})


def _once(events: Sequence[TicketEvent]) -> Sequence[TicketEvent]:
    return list({event.id: event for event in events}.values())


def _of(history: TicketHistory) -> tuple[Any, Any]:
    return (ticket_event.c.site == history.ref.site, ticket_event.c.ticket == history.ref.id)


def _stored(connection: Connection, history: TicketHistory) -> dict[str, AnyRow]:
    columns = (ticket_event.c.id, ticket_event.c.at, ticket_event.c.source, ticket_event.c.document)
    return {row.id: row for row in connection.execute(select(*columns).where(*_of(history)))}


def _row(history: TicketHistory, event: TicketEvent) -> dict[str, Any]:
    return {
        "site": history.ref.site,
        "ticket": history.ref.id,
        "id": event.id,
        "at": to_micros(event.at),
        "source": event.source.value,
        "document": event_document(event),
    }


def _mark_complete(connection: Connection, history: TicketHistory, row: AnyRow, *, learned: bool) -> None:
    until = max(to_micros(history.read_until), row.history_until or 0)
    values: dict[str, Any] = {"history_complete": True, "history_until": until}
    if row.is_open and (learned or not row.history_complete):
        values["next_due_at"] = until if row.next_due_at is None else min(row.next_due_at, until)
    connection.execute(
        update(ticket).where(ticket.c.site == history.ref.site, ticket.c.id == history.ref.id).values(values)
    )


def awaited(connection: Connection, site: str, *, limit: int) -> tuple[Awaited, ...]:
    """Return open tickets on which something waits for their own history, which may be read: most urgent first."""
    rows = connection.execute(_AWAITED, {SITE.key: site, MOST.key: limit})
    return tuple(Awaited(row.awaits, row.id, row.policy_hash) for row in rows)


AWAITING = ticket.c.awaits.is_not(None)
"""The condition that something waits for a ticket's own history."""


def fall_due(connection: Connection, site: str, *which: ColumnElement[bool], now: datetime) -> None:
    """Let open tickets of a site fall due, all or some."""
    at = to_micros(now)
    later = or_(ticket.c.next_due_at.is_(None), ticket.c.next_due_at > at)
    mine = (ticket.c.site == site, ticket.c.is_open, later, *which)
    connection.execute(update(ticket).where(*mine).values(next_due_at=at))


def skip_histories(connection: Connection, site: str, histories: Sequence[TicketHistory], *, now: datetime) -> None:
    """Count that histories could not be read; with the third time the audit says that we no longer try.

    Nothing waits for a history then, so its ticket is to be decided at once.
    """
    for skipped in histories:
        key = {"site": site, "id": HISTORY + skipped.ref.id}
        mine = (quarantine.c.site == site, quarantine.c.id == key["id"])
        tried = connection.execute(select(quarantine.c.digest).where(*mine)).scalar_one_or_none()
        times = int(tried or 0) + 1
        why = f"its history cannot be read: {skipped.unreadable}"
        put_row(connection, quarantine, key, {"why": why, "digest": str(times), "since": to_micros(now)})
        if times == TRIES:
            fall_due(connection, site, ticket.c.id == skipped.ref.id, now=now)
            data = {"why": f"{why}; given up after {TRIES} tries"}
            audit.append(
                connection, JournalEvent(at=now, kind="quarantined", site=site, ticket=skipped.ref.id, data=data)
            )


def waiting_long(connection: Connection, site: str, *, now: datetime) -> tuple[JournalEvent, ...]:
    """Return open tickets on which something has waited too long for their history, longest first: since, why.

    The last decision tells what it left; a history that came in since then ends it.
    """
    same = and_(escalation.c.site == ticket.c.site, escalation.c.ticket == ticket.c.id)
    unread = (ticket.c.site == site, ticket.c.is_open, ~ticket.c.history_complete, ~given_up(site))
    wanted = select(ticket.c.id, escalation.c.document).join(escalation, same).where(*unread)
    rows = connection.execute(wanted.where(escalation.c.document.contains('"unread_since":"', autoescape=True)))
    states = ((row.id, state_of(row.document)) for row in rows)
    long = (
        JournalEvent(at=since, kind="unread", site=site, ticket=of, data={"why": "; ".join(lines)})
        for of, state in states
        if (since := state.unread_since) is not None and now - since >= TOLD_AFTER and (lines := waiting_lines(state))
    )
    return tuple(sorted(long, key=lambda line: (line.at, line.ticket)))


def try_again(connection: Connection, site: str) -> int:
    """Let histories that were given up be tried once more; return how many. What refused them may have been mended."""
    mine = (quarantine.c.site == site, quarantine.c.id.startswith(HISTORY, autoescape=True))
    wanted = update(quarantine).where(*mine, quarantine.c.digest >= str(TRIES)).values(digest=str(TRIES - 1))
    return connection.execute(wanted).rowcount


def given_up(site: str | BindParameter[str]) -> ColumnElement[bool]:
    """Return the condition that a ticket's history is no longer asked for."""
    wanted = select(quarantine.c.id).where(
        quarantine.c.site == site, quarantine.c.id == HISTORY + ticket.c.id, quarantine.c.digest >= str(TRIES)
    )
    return wanted.correlate(ticket).exists()


_AWAITED = (
    select(ticket.c.awaits, ticket.c.id, ticket.c.policy_hash)
    .where(ticket.c.site == SITE, AWAITING)
    .where(ticket.c.is_open, ~ticket.c.history_complete, ~given_up(SITE))
    .order_by(ticket.c.awaits, ticket.c.id)
    .limit(MOST)
)


def _clear(connection: Connection, site: str, ids: Sequence[str]) -> None:
    for portion in portions([HISTORY + id_ for id_ in ids]):
        connection.execute(delete(quarantine).where(quarantine.c.site == site, quarantine.c.id.in_(portion)))


def want_histories(connection: Connection, site: str, ids: Sequence[str]) -> None:
    """Mark tickets whose history has to be read again."""
    for portion in portions(list(ids)):
        connection.execute(
            update(ticket)
            .where(ticket.c.site == site, ticket.c.id.in_(portion), ticket.c.history_complete)
            .values(history_complete=False)
        )
