"""What could not be read: payloads of tickets, and histories. Each is listed until it reads again or its time is over.

A payload stands under its ticket's id, or under its digest where it has none; a history under its ticket's id as well.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, or_, select

from connector.domain.ticket import TicketRef
from connector.journal import audit
from connector.journal.histories import HISTORY
from connector.journal.moments import to_micros
from connector.journal.statements import SITE, portions, put_row
from connector.journal.tables import quarantine, ticket
from connector.ports import JournalEvent
from connector.ports.helpdesk import Quarantined

_STORED = select(quarantine).where(quarantine.c.site == SITE)


def store(connection: Connection, site: str, malformed: Sequence[Quarantined], *, now: datetime) -> int:
    """Store payloads that cannot be read, each with a line in the audit; return how many are news."""
    if not malformed:
        return 0
    stored = {row.id: row for row in connection.execute(_STORED, {SITE.key: site})}
    changed = 0
    for sample in dict.fromkeys(malformed):
        of = sample.id or f"unknown:{sample.digest}"
        values = {"why": sample.why, "digest": sample.digest}
        row = stored.get(of)
        if row is not None and (row.why, row.digest) == (sample.why, sample.digest):
            continue
        put_row(connection, quarantine, {"site": site, "id": of}, values | {"since": to_micros(now)})
        audit.append(connection, JournalEvent(at=now, kind="quarantined", site=site, ticket=of, data=values))
        changed += 1
    return changed


def clear(connection: Connection, site: str, *, readable: Collection[str], gone: Collection[str]) -> int:
    """Let go what reads again, and all of tickets that are gone; return how many rows went.

    That a ticket reads says nothing of its history.
    """
    ended = {*readable, *(name for of in gone for name in _names(of))}
    stored = {row.id for row in connection.execute(_STORED, {SITE.key: site})} if ended else set()
    cleared = sorted(ended & stored)
    for portion in portions(cleared):
        connection.execute(delete(quarantine).where(quarantine.c.site == site, quarantine.c.id.in_(portion)))
    return len(cleared)


def forget(connection: Connection, ref: TicketRef) -> None:
    """Delete what could not be read of a ticket that is being forgotten."""
    connection.execute(delete(quarantine).where(quarantine.c.site == ref.site, quarantine.c.id.in_(_names(ref.id))))


def purge(connection: Connection, *, before: int, most: int) -> int:
    """Delete what is older than a moment and is of no open ticket, ``most`` rows at once; return how many went.

    Nothing would ever end it: no ticket of its id is read again, closed or forgotten. What is still open and broken
    is met again with a sweep.
    """
    of_ticket = or_(quarantine.c.id == ticket.c.id, quarantine.c.id == HISTORY + ticket.c.id)
    same = (ticket.c.site == quarantine.c.site, of_ticket)
    is_open = select(ticket.c.id).where(*same, ticket.c.is_open).correlate(quarantine).exists()
    old = select(quarantine.c.site, quarantine.c.id).where(quarantine.c.since < before, ~is_open).limit(most)
    rows = connection.execute(old).all()
    for row in rows:
        connection.execute(delete(quarantine).where(quarantine.c.site == row.site, quarantine.c.id == row.id))
    return len(rows)


def _names(of: str) -> tuple[str, str]:
    return of, HISTORY + of
