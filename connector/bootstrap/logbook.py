"""``log``: what was done, once or as it comes. It reads beside whoever holds the state."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from connector.bootstrap.explaining import find_tickets
from connector.bootstrap.reports import TicketNames, event_row, run_row
from connector.ports import Clock, JournalEvent, Records, RunRow

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

LOOK_EVERY = timedelta(seconds=1)
_MOST_AT_ONCE = 10_000

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuestion:
    """What of the log is wanted.

    Attributes:
        runs: Runs instead of audit lines; ``quiet`` ones too, which found nothing to do.
        site, ticket: Only these; the ticket by key, id or ``site:id``.
        since: Only from this moment on.
        limit: At most this many of the latest rows.
    """

    runs: bool = False
    quiet: bool = False
    site: str | None = None
    ticket: str | None = None
    since: datetime | None = None
    limit: int = 50


class LogBook:
    """Answers one question, now and as long as somebody listens."""

    def __init__(self, program: Connector, question: LogQuestion) -> None:
        """Look up site and ticket; raises ``WrongUse`` or ``ConnectorError`` when they are not known."""
        self._asked = question
        (site,) = program.select((question.site,)) if question.site else (None,)
        self._records: Records = program.records()
        self._site = site
        refs = find_tickets(program, self._records, question.ticket) if question.ticket else ()
        places = [(ref.site, ref.id) for ref in refs] if refs else [(site, None)]
        self._places = [(of, id_) for of, id_ in places if site in {None, of}]
        self._shown: set[str] = set()

    def rows(self, *, now: datetime) -> Rows:
        """Return the latest rows, oldest first."""
        return self._runs() if self._asked.runs else self._events(now=now)

    def follow(self, clock: Clock) -> Iterator[Rows]:
        """Yield the latest rows, then, once a second until the listener goes, those that came; often none."""
        last = self._records.last_event()
        yield self._runs() if self._asked.runs else self._events(now=clock.now(), between=(0, last))
        while True:
            clock.wait(clock.now() + LOOK_EVERY)
            if self._asked.runs:
                yield self._runs()
                continue
            before, last = last, self._records.last_event()
            yield self._events(now=clock.now(), between=(before, last)) if last > before else []

    def _events(self, *, now: datetime, between: tuple[int, int] | None = None) -> Rows:
        more: dict[str, Any] = {"limit": _MOST_AT_ONCE if between and between[0] else self._asked.limit}
        more |= {"since": self._asked.since, "between": between}
        found = [event for site, id_ in self._places for event in self._records.events(site=site, ticket=id_, **more)]
        names = TicketNames(self._records, now=now)
        return [event_row(event, names) for event in _in_order(found)]

    def _runs(self) -> Rows:
        """Return finished runs that were not returned before; the first time also one that is under way."""
        first, found = not self._shown, list(itertools.islice(self._told_runs(), self._asked.limit))
        new = [run for run in reversed(found) if run.id not in self._shown and (first or run.ended_at)]
        self._shown.update(run.id for run in new if run.ended_at)
        return [run_row(run) for run in new]

    def _told_runs(self) -> Iterator[RunRow]:
        """Yield runs, latest first, without a daemon's polls that found nothing to do."""
        until: datetime | None = None
        seen: set[str] = set()
        while True:
            portion = self._records.runs(site=self._site, limit=500, until=until)
            fresh = [run for run in portion if run.id not in seen]
            if not fresh:
                return
            for run in fresh:
                if self._asked.since is not None and run.started_at < self._asked.since:
                    return
                if self._asked.quiet or not is_quiet(run):
                    yield run
            seen.update(run.id for run in fresh)
            until = fresh[-1].started_at


def is_quiet(run: RunRow) -> bool:
    """Return whether a run is a daemon's that ended well and did nothing but look."""
    counts = asdict(run.summary) | {"requests": 0}
    return run.kind == "run" and run.outcome == "ok" and not any(counts.values())


def _in_order(events: Sequence[JournalEvent]) -> list[JournalEvent]:
    return sorted(events, key=lambda event: event.at)
