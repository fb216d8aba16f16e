"""Steps that wait for somebody to let them through: who asks, and the word that lets them go."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, select

from connector.domain.occasion import APPROVE, Outcome
from connector.domain.site import Effect
from connector.journal import audit
from connector.journal.moments import from_micros, to_micros
from connector.journal.statements import AnyRow, change_rows
from connector.journal.tables import escalation, said, ticket
from connector.ports import JournalEvent


def waiting(connection: Connection, site: str) -> tuple[JournalEvent, ...]:
    """Return the steps of open tickets that wait for approval and that nothing else has made meanwhile."""
    return tuple(
        JournalEvent(
            at=from_micros(row.at),
            kind="approval",
            site=site,
            ticket=row.ticket,
            data={"level": str(_number(row)), "threshold": _threshold(row)},
        )
        for row in _rows(connection, site)
        if _number(row) > row.level
    )


def approve(connection: Connection, site: str, of: str, *, now: datetime, actor: str) -> int:
    """Let every step of a ticket through that waits for it; the ticket is due at once. Return how many there were."""
    rows = [row for row in _rows(connection, site) if row.ticket == of and _number(row) > row.level]
    done = {"outcome": Outcome.DONE.value, "at": to_micros(now)}
    settled = [
        {"site": site, "ticket": of, "occasion": row.occasion, "audience": Effect.FIELDS.value} | done for row in rows
    ]
    change_rows(connection, said, settled, key=("site", "ticket", "occasion", "audience"))
    if rows:
        change_rows(connection, ticket, [{"site": site, "id": of, "next_due_at": to_micros(now)}], key=("site", "id"))
        data = {"steps": ", ".join(f"level {_number(row)} ({_threshold(row)})" for row in rows)}
        audit.append(connection, JournalEvent(at=now, kind="approved", site=site, ticket=of, actor=actor, data=data))
    return len(rows)


def _rows(connection: Connection, site: str) -> list[AnyRow]:
    same = and_(escalation.c.site == said.c.site, escalation.c.ticket == said.c.ticket)
    of_ticket = and_(ticket.c.site == said.c.site, ticket.c.id == said.c.ticket)
    wanted = (
        select(said.c.ticket, said.c.occasion, said.c.at, escalation.c.level)
        .join(escalation, same)
        .join(ticket, of_ticket)
        .where(said.c.site == site, said.c.outcome == Outcome.HELD.value, ticket.c.is_open)
        .where(said.c.occasion.startswith(f"{APPROVE}:"))
        .order_by(said.c.at, said.c.ticket)
    )
    return list(connection.execute(wanted))


def _number(row: AnyRow) -> int:
    return int(row.occasion.split(":")[1])


def _threshold(row: AnyRow) -> str:
    _, _, clock, _, mark = row.occasion.split(":", 4)
    return f"{clock} {mark}"
