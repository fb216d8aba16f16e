"""The read side: what people see of the journal. Its connections cannot write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from connector.domain.ticket import TicketRef
from connector.journal import approvals, audit, control, histories, outbox, runs, setaside, standoffs, tickets
from connector.journal.documents import summary_of
from connector.journal.endings import CLOSED, GONE, REFUSED
from connector.journal.histories import HISTORY, TRIES
from connector.journal.intents import op_of
from connector.journal.links import SqlLinks
from connector.journal.moments import from_micros, to_micros
from connector.journal.runs import applied_since, policy_since, run_of
from connector.journal.sites import read_sites
from connector.journal.statements import AnyRow
from connector.journal.tables import event, op, policy, quarantine, run
from connector.journal.worker import Runner
from connector.ports import JournalEvent, RunRow, SiteState, Stored
from connector.ports.intents import Op, OpStatus
from connector.ports.outbox import Delivery, Queued
from connector.ports.setaside import SetAside


class SqlRecords(SqlLinks):
    """``Records`` on a database; callable from any thread."""

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self._runner = runner

    def sites(self) -> tuple[SiteState, ...]:
        """Return every known site."""
        return self._runner.run(read_sites)

    def stored(self, ref: TicketRef, *, now: datetime) -> Stored | None:
        """Return what is known about one ticket."""
        return next(iter(self._runner.run(lambda c: tickets.load(c, ref.site, [ref.id], now=now))), None)

    def find(self, text: str) -> tuple[TicketRef, ...]:
        """Return tickets whose key or id is ``text``, in any case of letters, with or without ``site:``."""
        return self._runner.run(lambda c: tickets.find(c, text.strip()))

    def runs(self, *, site: str | None = None, limit: int = 20, until: datetime | None = None) -> tuple[RunRow, ...]:
        """Return runs, latest first; ``until``: only those that had begun by then."""
        wanted = select(run).order_by(run.c.started_at.desc(), run.c.id.desc()).limit(limit)
        if site is not None:
            wanted = wanted.where(run.c.site == site)
        if until is not None:
            wanted = wanted.where(run.c.started_at <= to_micros(until))
        return tuple(map(run_of, self._rows(wanted)))

    def last_event(self) -> int:
        """Return the position of the audit's last line; 0: it has none."""
        return self._runner.run(lambda c: int(c.execute(select(func.max(event.c.id))).scalar() or 0))

    def events(
        self,
        *,
        site: str | None = None,
        ticket: str | None = None,
        since: datetime | None = None,
        between: tuple[int, int] | None = None,
        limit: int = 200,
    ) -> tuple[JournalEvent, ...]:
        """Return the latest audit lines that fit, oldest first; ``between``: after one position, up to another."""
        wanted = select(event).order_by(event.c.id.desc()).limit(limit)
        if between is not None:
            wanted = wanted.where(event.c.id > between[0], event.c.id <= between[1])
        if site is not None:
            wanted = wanted.where(event.c.site == site)
        if ticket is not None:
            wanted = wanted.where(event.c.ticket == ticket)
        if since is not None:
            wanted = wanted.where(event.c.at >= to_micros(since))
        return tuple(map(audit.line_of, reversed(self._rows(wanted))))

    def passes(self, site: str, *, since: datetime, until: datetime) -> tuple[datetime, ...]:
        """Return when passes that decided began, oldest first."""
        return self._runner.run(lambda c: runs.passes(c, site, since=since, until=until))

    def policies(self, site: str, *, since: datetime, until: datetime) -> tuple[tuple[datetime, str], ...]:
        """Return which policy (its hash) decided on a site, and since when, oldest first; one may come back."""
        return self._runner.run(lambda c: runs.policies(c, site, since=since, until=until))

    def ops(
        self,
        *,
        site: str | None = None,
        ticket: str | None = None,
        status: OpStatus | None = None,
        limit: int = 200,
    ) -> tuple[Op, ...]:
        """Return intents, latest first; ``ticket`` is an id."""
        wanted = select(op).order_by(op.c.id.desc()).limit(limit)
        if site is not None:
            wanted = wanted.where(op.c.site == site)
        if ticket is not None:
            wanted = wanted.where(op.c.ticket == ticket)
        if status is not None:
            wanted = wanted.where(op.c.status == status.value)
        return tuple(map(op_of, self._rows(wanted)))

    def held(self, *, site: str | None = None, until: datetime | None = None) -> Iterator[JournalEvent]:
        """Yield what the latest run of each site, ``until`` a moment, that looked at all that waits held back."""
        yield from self._runner.run(lambda c: _held(c, site, until))

    def approvals(self, site: str) -> tuple[JournalEvent, ...]:
        """Return the steps that wait for somebody to let them through, oldest first."""
        return self._runner.run(lambda c: approvals.waiting(c, site))

    def unread(self, site: str, *, now: datetime) -> tuple[JournalEvent, ...]:
        """Return open tickets on which something has waited too long for their history, longest first."""
        return self._runner.run(lambda c: histories.waiting_long(c, site, now=now))

    def notifications(self, *, site: str, status: Delivery, ticket: str | None = None) -> tuple[Queued, ...]:
        """Return what stands in the outbox, oldest first."""
        return self._runner.run(lambda c: outbox.listed(c, site, status, ticket))

    def held_edit(self, site: str, policy_hash: str) -> JournalEvent | None:
        """Return the line that holds the edit to this policy, unless an operator has spoken since."""
        return self._runner.run(lambda c: control.held_edit(c, site, policy_hash))

    def quarantined(self, *, site: str | None = None) -> tuple[JournalEvent, ...]:
        """Return tickets whose payload, or whose history after its tries, could not be read, and since when."""
        wanted = select(quarantine).order_by(quarantine.c.site, quarantine.c.since, quarantine.c.id)
        rows = self._rows(wanted if site is None else wanted.where(quarantine.c.site == site))
        return tuple(
            JournalEvent(
                at=from_micros(row.since),
                kind="quarantined",
                site=row.site,
                ticket=row.id.removeprefix(HISTORY),
                data={"why": row.why, "digest": row.digest} | ({"of": "history"} if _is_history(row) else {}),
            )
            for row in rows
            if not _is_history(row) or row.digest >= str(TRIES)
        )

    def aside(self, *, site: str) -> tuple[SetAside, ...]:
        """Return what is set aside on a site, longest first."""
        return self._runner.run(lambda c: setaside.found(c, site))

    def policy(self, digest: str) -> str | None:
        """Return a policy's document by (a prefix of) its hash; nothing when no or more than one policy fits."""
        wanted = select(policy.c.document).where(policy.c.hash.startswith(digest.lower(), autoescape=True)).limit(2)
        found = self._rows(wanted) if digest else ()
        return found[0].document if len(found) == 1 else None

    def policy_since(self, site: str, policy_hash: str) -> datetime | None:
        """Return since when runs have applied this policy on the site without another between."""
        return self._runner.run(lambda c: policy_since(c, site, policy_hash))

    def applied_since(self, site: str, policy_hash: str) -> datetime | None:
        """Return since when runs applied this policy the last time that they did, whatever came after."""
        return self._runner.run(lambda c: applied_since(c, site, policy_hash))

    def resumed_at(self, site: str) -> datetime | None:
        """Return when an operator last let the site write again."""
        return self._runner.run(lambda c: control.resumed_at(c, site))

    def ended(self, site: str, *, since: datetime) -> int:
        """Return how many tickets ended under us since a moment: deleted, moved, hidden, or closed before a write."""
        lines = (event.c.site == site, event.c.at >= to_micros(since), event.c.kind.in_((GONE, CLOSED, REFUSED)))
        found = select(func.count(event.c.ticket.distinct())).where(*lines)
        return self._runner.run(lambda c: int(c.execute(found).scalar_one()))

    def next_due(self, site: str) -> datetime | None:
        """Return the earliest due time of the site's open tickets."""
        return self._runner.run(lambda c: tickets.next_due(c, site))

    def standoffs(self, *, site: str | None = None) -> tuple[tuple[TicketRef, str], ...]:
        """Return open tickets on which we stopped by ourselves, with the reason, one row each."""
        return tuple((TicketRef(row.site, row.ticket), row.why) for row in self._rows(standoffs.standing(site)))

    def verify_chain(self) -> int | None:
        """Return the position of the first audit line that was changed, removed or slipped in; ``None``: all fit."""
        return self._runner.run(audit.first_broken)

    def _rows(self, wanted: Select[Any]) -> list[AnyRow]:
        return self._runner.run(lambda c: list(c.execute(wanted).all()))


def _is_history(row: AnyRow) -> bool:
    return bool(row.id.startswith(HISTORY))


_LOOKED = (run.c.ended_at.is_not(None), run.c.kind != "apply", run.c.outcome.not_in(("failed", "stopped")))
"""Runs that looked at all that waits."""


def _held(connection: Connection, site: str | None, until: datetime | None) -> list[JournalEvent]:
    """Return what is held now. A run that held back the very same as the one before has no lines of its own."""
    found: list[JournalEvent] = []
    begun = () if until is None else (run.c.started_at <= to_micros(until),)
    for state in read_sites(connection, site):
        of_site = select(run.c.summary).where(run.c.site == state.site, *begun, *_LOOKED)
        latest = connection.execute(of_site.order_by(run.c.started_at.desc(), run.c.id.desc()).limit(1)).scalar()
        if latest is None or not summary_of(latest).held:
            continue
        held = (event.c.site == state.site, event.c.kind == "held")
        telling = select(event.c.run).join(run, run.c.id == event.c.run).where(*held, *_LOOKED)
        told = connection.execute(telling.order_by(event.c.id.desc()).limit(1)).scalar()
        lines = select(event).where(*held, event.c.run == (told or "")).order_by(event.c.id)
        found.extend(map(audit.line_of, connection.execute(lines)))
    return found
