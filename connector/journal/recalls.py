"""Recalling: after a state has forgotten something, what was said is read back from the helpdesk's own record.

A site is recalled once, when it is first seen, and again whenever the state has forgotten something. Until every open
ticket's history has been read since then, nothing is said on the site; what our marks tell goes into the same rows that
the journal would hold by itself: operations that are done, occasions that are settled, where a path stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from connector.journal import audit
from connector.journal.documents import summary_document, ticket_of
from connector.journal.histories import fall_due, given_up
from connector.journal.moments import from_micros, maybe_moment, to_micros
from connector.journal.runs import policy_since
from connector.journal.statements import IDS, SITE, AnyRow, parameter, put_row
from connector.journal.tables import identity, mark, recall, run, ticket
from connector.journal.tables import site as site_table
from connector.ports import JournalEvent, RunSummary
from connector.ports.recall import Recall

COLUMNS = tuple(
    recall.c[name].label(f"recall_{name}") for name in ("site", "why", "since", "done_at", "blind", "lost_at")
)
"""What a recall is read from, where its row is joined to another."""
OF_SITE = select(recall).where(recall.c.site == SITE)
_MARKS = select(mark.c.ticket, mark.c.ref).where(mark.c.site == SITE, mark.c.ticket.in_(IDS))

_WHY = "forgotten"
_FORGOTTEN = select(identity.c.mark).where(identity.c.name == _WHY)

_SINCE = parameter("since")
_AGAIN = and_(ticket.c.history_until <= _SINCE, ~ticket.c.history_complete)
_UNREAD = and_(ticket.c.site == SITE, ticket.c.is_open, or_(ticket.c.history_until.is_(None), _AGAIN))
_LEFT = select(func.count()).select_from(ticket).where(_UNREAD, ~given_up(SITE))
_LAST_READ = select(func.max(ticket.c.history_until)).where(ticket.c.site == SITE)
_FIRST_RUN = select(func.min(run.c.started_at)).where(run.c.site == SITE)
_READ_AT = select(func.coalesce(_LAST_READ.scalar_subquery(), _FIRST_RUN.scalar_subquery()))

MARKS_FOUND = "the helpdesk shows what this account has written, and the state does not know of it"


# ---- forgetting


def begin(connection: Connection, name: str) -> None:
    """Note that a site is seen for the first time by this state.

    A state that has ever forgotten something may have known the site before. Otherwise only what the helpdesk shows
    can speak for an earlier state, and whether it does is not known yet.
    """
    why = connection.execute(_FORGOTTEN).scalar_one_or_none() or ""
    connection.execute(insert(recall).values(site=name, why=why, since=0, done_at=None, blind="", policy_from=None))


def forget_all(connection: Connection, why: str) -> None:
    """Note that every site has to be recalled, because the state has forgotten something.

    That goes for sites that it does not know as well: of a state that was deleted nothing else is left.
    """
    put_row(connection, identity, {"name": _WHY}, {"mark": why, "epoch": 0, "count": 0})
    for name in connection.execute(select(site_table.c.name)).scalars().all():
        _forget(connection, name, why)


def _forget(connection: Connection, name: str, why: str) -> None:
    latest = select(func.max(ticket.c.history_until)).where(ticket.c.site == name)
    values = {"why": why, "since": connection.execute(latest).scalar() or 0}
    put_row(
        connection,
        recall,
        {"site": name},
        values | dict.fromkeys(("done_at", "policy_from", "lost_at")) | {"blind": ""},
    )
    connection.execute(update(ticket).where(ticket.c.site == name).values(history_complete=False))


# ---- how far it is


def read_recall(connection: Connection, name: str) -> Recall:
    """Return how far a site is recalled; one without a row never forgot anything."""
    row = connection.execute(select(*COLUMNS).where(recall.c.site == name)).one_or_none()
    return Recall() if row is None else recall_of(connection, name, row)


def recall_of(connection: Connection, name: str, row: AnyRow) -> Recall:
    """Return how far a site is recalled, as the columns named ``recall_…`` in ``row`` tell."""
    if row.recall_site is None:
        return Recall()
    is_over = row.recall_done_at is not None
    left = 0 if is_over else _count(connection, name, row.recall_since)
    read_at = None if is_over else connection.execute(_READ_AT, {SITE.key: name}).scalar_one()
    return Recall(
        why=row.recall_why,
        since=from_micros(row.recall_since),
        done_at=maybe_moment(row.recall_done_at),
        is_over=is_over,
        blind=frozenset(json.loads(row.recall_blind or "[]")),
        left=left,
        read_at=maybe_moment(read_at),
        lost_at=maybe_moment(row.recall_lost_at),
    )


def _count(connection: Connection, name: str, since: int) -> int:
    return int(connection.execute(_LEFT, {SITE.key: name, _SINCE.key: since}).scalar_one())


def end(connection: Connection, name: str, *, policy_hash: str, now: datetime) -> Recall:
    """End a site's recall when no open ticket is left to be read; return how far it is.

    The first call after a loss tells when what came later could not be lost any more.
    """
    begun = (recall.c.site == name, recall.c.done_at.is_(None), recall.c.lost_at.is_(None))
    connection.execute(update(recall).where(*begun).values(lost_at=to_micros(now)))
    found = read_recall(connection, name)
    if found.is_over or found.left:
        return found
    row = connection.execute(OF_SITE, {SITE.key: name}).one()
    given = {SITE.key: name, _SINCE.key: row.since}
    unread = connection.execute(select(ticket.c.id, ticket.c.document).where(_UNREAD), given).all()
    blind = sorted(each.id for each in unread)
    why = row.why or (MARKS_FOUND if any(_shows_our_fields(each.document) for each in unread) else "")
    done = {"why": why, "done_at": to_micros(now), "blind": json.dumps(blind) if blind and why else ""}
    connection.execute(update(recall).where(recall.c.site == name).values(done))
    if why:
        _recall_policy(connection, name, policy_hash, maybe_moment(row.policy_from))
        data = {"why": why, "blind": str(len(blind))}
        audit.append(connection, JournalEvent(at=now, kind="recalled", site=name, data=data))
        fall_due(connection, name, now=now)
    return read_recall(connection, name)


def _shows_our_fields(document: str) -> bool:
    """True for a ticket with a level or a path: nobody but a connector writes them, whatever its history hides."""
    found = ticket_of(document)
    return found.level is not None or found.path is not None


def _recall_policy(connection: Connection, name: str, policy_hash: str, since: datetime | None) -> None:
    """Store since when the policy has been in force, as the earliest mark made under it tells.

    What fell due after that and was not said is still to be said; without it a lost state would take it for old news.
    The row may be there: a later recall finds the same mark, where the policy went and came back in between.
    """
    known = policy_since(connection, name, policy_hash)
    if since is None or (known is not None and known <= since):
        return
    at = to_micros(since)
    row = {"kind": "recall", "policy": policy_hash, "started_at": at}
    ended = {"ended_at": at, "outcome": "ok", "why": "", "summary": summary_document(RunSummary())}
    put_row(connection, run, {"id": f"recalled-{at}", "site": name}, row | ended)


def waiting() -> ColumnElement[bool]:
    """Return the condition that a ticket waits to be read back, because its site's recall is not over."""
    again = and_(ticket.c.history_until <= recall.c.since, ~ticket.c.history_complete)
    unread = or_(ticket.c.history_until.is_(None), again)
    wanted = select(recall.c.site).where(recall.c.site == ticket.c.site, recall.c.done_at.is_(None), unread)
    return wanted.correlate(ticket).exists()


def marks_of(connection: Connection, name: str, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (ticket, ref) of what was read back from the helpdesk."""
    rows = connection.execute(_MARKS, {SITE.key: name, IDS.key: ids})
    yield from ((of, ref) for of, ref in rows)
