"""Which alarms were handed over, so that the next process does not repeat them: a line each in the audit.

One that is to be handed over stands there as well, with all that it says, until the command has taken it: what it tells
of is remembered as told, so nothing else would raise it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from connector.journal import audit
from connector.journal.control import resumed_at
from connector.journal.moments import to_micros
from connector.journal.tables import event
from connector.ports import JournalEvent

ALARM = "alarm"
"""The kind of such a line."""

OWED = "alarm-owed"
"""The kind of the line that holds an alarm until it is handed over."""

_OWED = select(event).where(event.c.run == "", event.c.kind == OWED)


def told(connection: Connection, key: str, *, site: str, since: datetime) -> bool:
    """Return whether an alarm was handed over after ``since`` and after the site's last ``resume``; the audit tells."""
    resumed = resumed_at(connection, site)
    at = to_micros(since if resumed is None else max(since, resumed))
    lines = select(event.c.id).where(event.c.at > at, event.c.kind == ALARM, event.c.key == key)
    return connection.execute(lines.limit(1)).scalar_one_or_none() is not None


def owe(
    connection: Connection, key: str, said: Mapping[str, str], *, site: str, since: datetime, now: datetime
) -> None:
    """Store what an alarm says that is to be handed over, unless it stands there already from ``since`` on."""
    _give_up(connection, before=since)
    known = connection.execute(_OWED.where(event.c.key == key).limit(1)).one_or_none()
    if known is None:
        audit.append(connection, JournalEvent(at=now, kind=OWED, site=site, key=key, data=said))


def owed(connection: Connection, *, since: datetime) -> tuple[Mapping[str, str], ...]:
    """Return what the alarms from ``since`` on say that no command has taken yet, oldest first; of others it goes."""
    _give_up(connection, before=since)
    return tuple(audit.line_of(row).data for row in connection.execute(_OWED.order_by(event.c.id)))


def forget(connection: Connection, site: str, *names: str) -> int:
    """Empty what the alarms say that were not handed over and are of a ticket by one of its names; return how many."""
    rows = connection.execute(_OWED.where(event.c.site == site)).all()
    mine = [row.id for row in rows if audit.line_of(row).data.get("ticket") in names]
    return audit.entomb(connection, event.c.id.in_(mine)) if mine else 0


def _give_up(connection: Connection, *, before: datetime) -> None:
    audit.entomb(connection, event.c.run == "", event.c.kind == OWED, event.c.at < to_micros(before))


def note(connection: Connection, key: str, *, site: str, kind: str, now: datetime) -> None:
    """Store that an alarm was handed over; what it said goes."""
    audit.entomb(connection, event.c.run == "", event.c.kind == OWED, event.c.key == key)
    audit.append(connection, JournalEvent(at=now, kind=ALARM, site=site, key=key, data={"alarm": kind}))
