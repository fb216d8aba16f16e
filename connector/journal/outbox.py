"""The outbox of notifications: filled with the verdicts, emptied one attempt at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connector.journal import audit
from connector.journal.moments import from_micros, maybe_micros, maybe_moment, to_micros
from connector.journal.statements import MOST, AnyRow, add_rows, change_rows, parameter
from connector.journal.tables import notification
from connector.ports import JournalEvent, Verdict
from connector.ports.outbox import Delivery, Queued

_NOW = parameter("now")
_IN_ORDER = select(notification).order_by(
    notification.c.at, notification.c.ticket, notification.c.target, notification.c.key
)
_WAITING = notification.c.status == Delivery.WAITING.value
_DUE = _IN_ORDER.where(_WAITING, notification.c.next_at <= _NOW).limit(MOST)


def fill(connection: Connection, site: str, verdicts: Mapping[str, Verdict], run: str) -> int:
    """Store what verdicts ask for, in their transaction; what is known by its key already is not told again."""
    rows = {key: row for of, v in verdicts.items() for key, row in _rows(site, of, v, run)}
    if not rows:
        return 0
    of_site = select(notification.c.key).where(notification.c.site == site, notification.c.key.in_(list(rows)))
    known = set(connection.execute(of_site).scalars())
    return add_rows(connection, notification, [row for key, row in rows.items() if key not in known])


def _rows(site: str, of: str, verdict: Verdict, run: str) -> list[tuple[str, dict[str, Any]]]:
    at = to_micros(verdict.decision.now)
    shared = {"site": site, "ticket": of, "run": run, "at": at, "next_at": at}
    shared |= {"status": Delivery.WAITING.value, "attempts": 0, "error": ""}
    return [
        (
            key,
            shared
            | {"key": key, "ticket_key": each.ticket, "target": each.target}
            | {"person": each.person, "why": each.why, "link": each.link},
        )
        for key, each in verdict.notifications.items()
    ]


def due(connection: Connection, *, now: datetime, limit: int) -> tuple[Queued, ...]:
    """Return what waits and may be tried now, oldest first."""
    return tuple(map(_queued, connection.execute(_DUE, {_NOW.key: to_micros(now), MOST.key: limit})))


def listed(connection: Connection, site: str, status: Delivery, ticket: str | None) -> tuple[Queued, ...]:
    """Return what of a site, or of one ticket, stands as ``status``."""
    wanted = _IN_ORDER.where(notification.c.site == site, notification.c.status == status.value)
    return tuple(map(_queued, connection.execute(wanted if ticket is None else wanted.where(_of(ticket)))))


def _of(ticket: str) -> Any:
    return notification.c.ticket == ticket


def settle(
    connection: Connection, queued: Queued, status: Delivery, *, now: datetime, next_at: datetime | None, error: str
) -> None:
    """Store one attempt, and a line in the audit once it is for good."""
    row: dict[str, Any] = {
        "site": queued.site,
        "key": queued.key,
        "status": status.value,
        "attempts": queued.attempts + 1,
    }
    row |= {"next_at": maybe_micros(next_at), "error": error}
    change_rows(connection, notification, [row], key=("site", "key"))
    if status is not Delivery.WAITING:
        kind = "notified" if status is Delivery.DONE else "not-notified"
        data = {"target": queued.target, "person": queued.person, "error": error, "why": queued.why}
        told = {name: value for name, value in data.items() if value}
        line = JournalEvent(at=now, kind=kind, site=queued.site, ticket=queued.of, key=queued.key, data=told)
        audit.append(connection, line)


def _queued(row: AnyRow) -> Queued:
    return Queued(
        site=row.site,
        key=row.key,
        of=row.ticket,
        ticket=row.ticket_key,
        target=row.target,
        person=row.person,
        why=row.why,
        link=row.link,
        at=from_micros(row.at),
        status=Delivery(row.status),
        attempts=row.attempts,
        next_at=maybe_moment(row.next_at),
        error=row.error,
    )
