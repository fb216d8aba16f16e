"""Runs and the policies that they decided by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from connector.domain.policy import Policy
from connector.journal import audit
from connector.journal.documents import summary_document, summary_of
from connector.journal.moments import from_micros, maybe_micros, maybe_moment, to_micros
from connector.journal.statements import SITE, AnyRow, change_rows, parameter, put_row
from connector.journal.tables import policy, run
from connector.ports import JournalEvent, RunRow

CUT_SHORT = "the process ended before the run did"

_KEY = ("id", "site")
_UNFINISHED = select(run.c.id).where(run.c.site == SITE, run.c.ended_at.is_(None))
_BY = parameter("digest")
_OTHER = select(func.max(run.c.started_at)).where(run.c.site == SITE, run.c.policy != _BY)
_SINCE = select(func.min(run.c.started_at)).where(
    run.c.site == SITE, run.c.policy == _BY, run.c.started_at > func.coalesce(_OTHER.scalar_subquery(), -1)
)

_LAST = select(func.max(run.c.started_at)).where(run.c.site == SITE, run.c.policy == _BY).scalar_subquery()
_BEFORE = _OTHER.where(run.c.started_at < _LAST).scalar_subquery()
_STRETCH = select(func.min(run.c.started_at)).where(
    run.c.site == SITE, run.c.policy == _BY, run.c.started_at > func.coalesce(_BEFORE, -1)
)

_UNREAD = "failed"
"""How a pass ended that decided nothing."""


def passes(connection: Connection, site: str, *, since: datetime, until: datetime) -> tuple[datetime, ...]:
    """Return when passes over a site that decided began, from ``since`` to ``until``, oldest first."""
    between = (run.c.started_at >= to_micros(since), run.c.started_at <= to_micros(until))
    decided = (run.c.site == site, run.c.kind != "apply", run.c.outcome != _UNREAD)
    wanted = select(run.c.started_at).where(*decided, *between).order_by(run.c.started_at)
    return tuple(map(from_micros, connection.execute(wanted).scalars()))


def policies(
    connection: Connection, site: str, *, since: datetime, until: datetime
) -> tuple[tuple[datetime, str], ...]:
    """Return which policy runs of a site applied between two moments, and since when, oldest first.

    The first is that of the last run before ``since``, if there was one; one that comes back counts anew.
    """
    earlier = select(func.max(run.c.started_at)).where(run.c.site == site, run.c.started_at <= to_micros(since))
    first = func.coalesce(earlier.scalar_subquery(), to_micros(since))
    between = (run.c.site == site, run.c.started_at >= first, run.c.started_at <= to_micros(until))
    before = func.lag(run.c.policy).over(order_by=(run.c.started_at, run.c.id)).label("before")
    each = select(run.c.started_at, run.c.policy, before).where(*between).subquery()
    is_new = each.c.before.is_(None) | (each.c.before != each.c.policy)
    wanted = select(each.c.started_at, each.c.policy).where(is_new).order_by(each.c.started_at)
    return tuple((from_micros(at), digest) for at, digest in connection.execute(wanted))


def begin_run(connection: Connection, row: RunRow) -> None:
    """Store that a run began; earlier runs of the site that never ended were cut short, and now say so."""
    unfinished = set(connection.execute(_UNFINISHED, {SITE.key: row.site}).scalars()) - {row.id}
    ended = {"ended_at": to_micros(row.started_at), "outcome": "stopped", "why": CUT_SHORT}
    change_rows(connection, run, [{"id": id_, "site": row.site, **ended} for id_ in sorted(unfinished)], key=_KEY)
    _store(connection, row)


def end_run(connection: Connection, row: RunRow) -> None:
    """Store how a run ended."""
    _store(connection, row)


def _store(connection: Connection, row: RunRow) -> None:
    values = {
        "kind": row.kind,
        "policy": row.policy,
        "started_at": to_micros(row.started_at),
        "ended_at": maybe_micros(row.ended_at),
        "outcome": row.outcome,
        "why": row.why,
        "summary": summary_document(row.summary),
    }
    put_row(connection, run, {"id": row.id, "site": row.site}, values)


def run_of(row: AnyRow) -> RunRow:
    """Read one run."""
    return RunRow(
        id=row.id,
        site=row.site,
        kind=row.kind,
        policy=row.policy,
        started_at=from_micros(row.started_at),
        ended_at=maybe_moment(row.ended_at),
        outcome=row.outcome,
        why=row.why,
        summary=summary_of(row.summary),
    )


def policy_since(connection: Connection, site: str, digest: str) -> datetime | None:
    """Return since when runs have applied a policy on a site; one that comes back counts from its coming back."""
    return maybe_moment(connection.execute(_SINCE, {SITE.key: site, _BY.key: digest}).scalar_one())


def applied_since(connection: Connection, site: str, digest: str) -> datetime | None:
    """Return since when runs applied a policy on a site the last time that they did, whatever came after."""
    return maybe_moment(connection.execute(_STRETCH, {SITE.key: site, _BY.key: digest}).scalar_one())


def remember_policy(connection: Connection, found: Policy, document: str, *, now: datetime) -> None:
    """Keep a policy's document by its hash; a known one changes nothing."""
    known = connection.execute(select(policy.c.hash).where(policy.c.hash == found.hash)).scalar_one_or_none()
    if known is not None:
        return
    row = {"hash": found.hash, "name": found.name, "document": document, "since": to_micros(now)}
    connection.execute(insert(policy).values(row))
    data = {"name": found.name, "policy": found.hash, **found.sources}
    audit.append(connection, JournalEvent(at=now, kind="policy", site="", key=found.hash, data=data))
