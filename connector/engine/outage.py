"""A helpdesk that does not answer, over several processes: a ``sync`` by cron leaves it alone as a daemon does.

Within one process the transport's breaker counts exchanges and the daemon waits longer and longer. A ``sync`` that cron
starts anew knows of neither, so the journal remembers since when the site cannot be read: after the second run in a row
that could not, the next ones ask again only after a rest, which grows from one minute to five.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.engine.kit import SiteReading, Surroundings
from connector.errors import ConnectorError, Unavailable
from connector.ports import AsideKind, SetAside

DOWN = "down"
"""``SetAside.field`` of a site that cannot be read: since when, and until when it is not asked."""

FIRST_REST, LONGEST_REST = timedelta(minutes=1), timedelta(minutes=5)


def note_outage(site: SiteReading, around: Surroundings, error: ConnectorError, *, now: datetime) -> None:
    """Remember that a run could not read the site; a run that did not ask has nothing to tell."""
    known = [item for item in around.asides.aside(site.name) if item.kind is AsideKind.SITE]
    is_resting = any(item.until is not None and item.until > now for item in known)
    if not isinstance(error, Unavailable) or error.retry_after is not None or is_resting:
        return
    before = next((item for item in known if item.field == DOWN), None)
    rest = timedelta(0) if before is None else min(max(now - before.since, FIRST_REST), LONGEST_REST)
    item = SetAside(kind=AsideKind.SITE, field=DOWN, why=str(error)[:200], since=now, until=now + rest)
    around.asides.set_aside(site.name, (item,))


def note_answer(site: SiteReading, around: Surroundings, *, now: datetime) -> None:
    """Forget an outage: the site was read."""
    known = around.asides.aside(site.name)
    if over := [item for item in known if item.kind is AsideKind.SITE and item.field == DOWN]:
        around.asides.take_back(site.name, over, now=now)
