"""Sites without a good pass for too long, where no daemon keeps count: ``sync`` by cron tells of them as well."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from connector.engine.passes import PassResult
from connector.ports import Alarm, AlarmKind, Journal, Notifier


def tell_of_silence(
    journal: Journal, results: Iterable[PassResult], notifier: Notifier, *, stale_after: timedelta, now: datetime
) -> None:
    """Raise the alarm for each site that failed and was not read well for ``stale_after``, for twice that, and so on.

    Each process is a new one, so what was told before follows from when the run before this one began.
    """
    records = journal.records()
    good = {state.site: state.last_good_at for state in records.sites()}
    for result in results:
        last = good.get(result.site)
        if result.error is None or last is None:
            continue
        before = next((r.started_at for r in records.runs(site=result.site, limit=5) if r.id != result.run), last)
        if (now - last) // stale_after > max(before - last, timedelta(0)) // stale_after:
            minutes = int((now - last).total_seconds() // 60)
            notifier.alarm(
                Alarm.of_site(
                    AlarmKind.STALE,
                    result.site,
                    f"{result.site}: no good pass for {minutes} minutes; last error: {result.error}",
                    remedy="connector status; the next sync tries again",
                    at=now,
                )
            )
