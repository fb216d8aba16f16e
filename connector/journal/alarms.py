"""Which alarms were handed over, so that the next process does not repeat them: a line each in the audit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from connector.journal import audit
from connector.journal.control import resumed_at
from connector.journal.moments import to_micros
from connector.journal.tables import event
from connector.ports import JournalEvent

ALARM = "alarm"
"""The kind of such a line."""


def told(connection: Connection, key: str, *, site: str, since: datetime) -> bool:
    """Return whether an alarm was handed over after ``since`` and after the site's last ``resume``; the audit tells."""
    resumed = resumed_at(connection, site)
    at = to_micros(since if resumed is None else max(since, resumed))
    lines = select(event.c.id).where(event.c.at > at, event.c.kind == ALARM, event.c.key == key)
    return connection.execute(lines.limit(1)).scalar_one_or_none() is not None


def note(connection: Connection, key: str, *, site: str, kind: str, now: datetime) -> None:
    """Store that an alarm was handed over."""
    audit.append(connection, JournalEvent(at=now, kind=ALARM, site=site, key=key, data={"alarm": kind}))
