"""Tickets on which we stopped by ourselves, and a person at the keyboard who lets them go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, select, update

from connector.domain.decision import Decision
from connector.domain.events import Actor, EventKind, Role, TicketEvent
from connector.domain.standoffs import CONTESTED
from connector.domain.ticket import TicketRef
from connector.journal import audit, setaside
from connector.journal.documents import event_document
from connector.journal.histories import want_histories
from connector.journal.moments import to_micros
from connector.journal.statements import IDS, SITE, add_rows, put_row
from connector.journal.tables import standoff, ticket, ticket_event
from connector.ports import JournalEvent

_STORED = select(standoff.c.ticket, standoff.c.why).where(standoff.c.site == SITE, standoff.c.ticket.in_(IDS))


def release(connection: Connection, ref: TicketRef, *, now: datetime, actor: str) -> None:
    """Store what an agent's ``/esc release`` in the helpdesk would have left behind, and let the ticket fall due.

    The helpdesk does not know of it, so a state that is lost loses it as well; the ticket is then held anew.
    """
    released = TicketEvent(
        id=f"operator:{now:%Y%m%dT%H%M%S%f}",
        at=now,
        kind=EventKind.COMMAND,
        actor=Actor(f"at the keyboard ({actor})", Role.AGENT),
        after="/esc release",
        name="release",
        public=False,
    )
    _store(connection, ref, (released,), now=now)
    setaside.release(connection, ref, now=now)
    line = JournalEvent(at=now, kind="released", site=ref.site, ticket=ref.id, actor=actor)
    audit.append(connection, line)


def note_lost_race(connection: Connection, ref: TicketRef, events: Sequence[TicketEvent], *, now: datetime) -> None:
    """Store what people did that our write undid; the ticket falls due and its whole history is to be read again."""
    _store(connection, ref, events, now=now)
    want_histories(connection, ref.site, [ref.id])
    for event in events:
        data = {"field": str(CONTESTED[event.kind]), "theirs": event.after or "", "by": event.actor.id}
        audit.append(connection, JournalEvent(at=now, kind="lost_race", site=ref.site, ticket=ref.id, data=data))


def _store(connection: Connection, ref: TicketRef, events: Sequence[TicketEvent], *, now: datetime) -> None:
    for event in events:
        key = {"site": ref.site, "ticket": ref.id, "id": event.id}
        values = {"at": to_micros(event.at), "source": event.source.value, "document": event_document(event)}
        put_row(connection, ticket_event, key, values)
    of_ticket = (ticket.c.site == ref.site, ticket.c.id == ref.id, ticket.c.is_open)
    connection.execute(update(ticket).where(*of_ticket).values(next_due_at=to_micros(now)))


def store(connection: Connection, site: str, decisions: Mapping[str, Decision]) -> int:
    """Store where decisions stopped by themselves, and forget what was released; return the rows that changed."""
    found = connection.execute(_STORED, {SITE.key: site, IDS.key: list(decisions)})
    stored = {(row.ticket, row.why) for row in found}
    wanted = {(of, why): decision.now for of, decision in decisions.items() for why in decision.state.standoffs}
    for of, why in stored - wanted.keys():
        mine = (standoff.c.site == site, standoff.c.ticket == of, standoff.c.why == why)
        connection.execute(delete(standoff).where(*mine))
    new = [
        {"site": site, "ticket": of, "why": why, "since": to_micros(wanted[of, why])}
        for of, why in sorted(wanted.keys() - stored)
    ]
    return add_rows(connection, standoff, new) + len(stored - wanted.keys())


def standing(site: str | None) -> Select[Any]:
    """Return the query for open tickets on which we stopped."""
    of_ticket = and_(ticket.c.site == standoff.c.site, ticket.c.id == standoff.c.ticket)
    wanted = select(standoff).join(ticket, of_ticket).where(ticket.c.is_open)
    wanted = wanted if site is None else wanted.where(standoff.c.site == site)
    return wanted.order_by(standoff.c.site, standoff.c.ticket, standoff.c.why)
