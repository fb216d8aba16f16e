"""Intents: stored before anything is sent, and moved forward only, by updates that name the status they expect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from connector.domain.change import Write
from connector.errors import Busy, ConnectorError
from connector.journal.documents import write_document, write_of
from connector.journal.moments import from_micros, maybe_micros, maybe_moment, to_micros
from connector.journal.statements import SITE, AnyRow, add_rows, parameter, portions
from connector.journal.tables import lease, op
from connector.ports.intents import Op, OpStatus

LOOK_SOON = timedelta(seconds=5)
"""When a write whose outcome did not become known is looked for first; a crash leaves the same moment behind."""

CONFLICTS_IN_A_ROW = 5
"""Conflicts on one ticket after which we wait before we try again, twice as long each time."""

CONFLICT_WAIT, LONGEST_CONFLICT_WAIT = timedelta(minutes=1), timedelta(minutes=15)
CONFLICT = "conflict"

_BEGINNING = -(1 << 62)
"""Microseconds before every moment there is."""

_NOW, _AFTER = parameter("now"), parameter("after")
_SENDING = select(op).where(op.c.site == SITE, op.c.status == OpStatus.SENDING.value).order_by(op.c.sent_at, op.c.id)
_WATCHED = (
    select(op)
    .where(op.c.site == SITE, op.c.look_at <= _NOW, op.c.status == OpStatus.DONE.value)
    .order_by(op.c.look_at, op.c.id)
)
_NEXT_LOOK = select(func.min(op.c.look_at)).where(op.c.site == SITE, op.c.look_at > _AFTER)

_SETTLED = frozenset({OpStatus.DONE.value, OpStatus.PARKED.value})


def arm(  # noqa: PLR0913 - the row's own moments come apart: ours and the helpdesk's
    connection: Connection,
    site: str,
    writes: Sequence[tuple[Write, str]],
    *,
    run: str,
    now: datetime,
    sent_at: datetime | None = None,
    job: str = "",
) -> tuple[Op, ...]:
    """Store intents as ``sending``; return one row per write, in order.

    A key that is done or parked returns that row and is not to be sent; one that failed is armed again. A ticket with
    another write under way raises ``Busy``, and then nothing of the call is stored.
    """
    stored = _stored(connection, site, [write for write, _ in writes])
    wanted = [pair for pair in writes if not _is_settled(stored.get(_key(pair[0])))]
    _refuse_second(connection, site, [write for write, _ in wanted])
    _refuse_restless(connection, site, [write for write, _ in wanted], now=now)
    fence = epoch(connection)
    new = []
    for write, digest in wanted:
        values = _values(write, digest, run=run, job=job) | _armed(fence, now=now, sent_at=sent_at)
        if (row := stored.get(_key(write))) is None:
            status = OpStatus.SENDING.value
            new.append(
                {"site": site, "ticket": write.ref.id, "key": write.key, "status": status, "attempts": 1} | values
            )
        else:
            _arm_failed(connection, row, values)
    add_rows(connection, op, new)
    return _as_armed(connection, site, [write for write, _ in writes])


def epoch(connection: Connection) -> int:
    """Return the epoch of whoever owns the journal: us, or this transaction would not run."""
    return int(connection.execute(select(func.max(lease.c.epoch))).scalar_one_or_none() or 0)


def _key(write: Write) -> tuple[str, str]:
    return write.ref.id, write.key


def _stored(connection: Connection, site: str, writes: Sequence[Write]) -> dict[tuple[str, str], AnyRow]:
    found: dict[tuple[str, str], AnyRow] = {}
    for portion in portions(sorted({write.ref.id for write in writes})):
        among = set(portion)
        for keys in portions([write.key for write in writes if write.ref.id in among]):
            chosen = select(op).where(op.c.site == site, op.c.ticket.in_(portion), op.c.key.in_(keys))
            found.update(((row.ticket, row.key), row) for row in connection.execute(chosen))
    return found


def _is_settled(row: AnyRow | None) -> bool:
    return row is not None and row.status in _SETTLED


def _refuse_second(connection: Connection, site: str, writes: Sequence[Write]) -> None:
    """Raise ``Busy`` for a ticket on which another write is under way, in the journal or in this very call.

    A comment of unknown outcome holds up comments alone: what is said may be looked for during minutes, and the
    escalation itself must not wait for it.
    """
    seen: set[str] = set()
    for write in writes:
        if write.ref.id in seen:
            raise Busy(f"{write.ref}: two writes at once; one has to be settled before the next is armed")
        seen.add(write.ref.id)
    spoken = {write.ref.id for write in writes if write.comment is not None}
    for portion in portions(sorted(seen)):
        under_way = select(op.c.ticket, op.c.audience).where(
            op.c.site == site, op.c.ticket.in_(portion), op.c.status == OpStatus.SENDING.value
        )
        busy = [row.ticket for row in connection.execute(under_way) if not row.audience or row.ticket in spoken]
        if busy:
            raise Busy(
                f"{site}:{busy[0]}: the outcome of an earlier write is not known yet",
                remedy="it is looked up in the helpdesk at the start of the next pass",
            )


def _refuse_restless(connection: Connection, site: str, writes: Sequence[Write], *, now: datetime) -> None:
    """Raise ``Busy`` for a ticket that changed under our hands too often, until its wait is over."""
    for portion in portions(sorted({write.ref.id for write in writes})):
        failed = (op.c.site == site, op.c.ticket.in_(portion), op.c.failure == CONFLICT)
        counted = select(op.c.ticket, func.sum(op.c.attempts), func.max(op.c.settled_at)).where(*failed)
        for of, most, last in connection.execute(counted.group_by(op.c.ticket)):
            if most > CONFLICTS_IN_A_ROW:
                _refuse_until(site, of, from_micros(last), _in_a_row(connection, site, of), now=now)


def _in_a_row(connection: Connection, site: str, of: str) -> int:
    """Return a ticket's conflicts since its latest write that was done."""
    mine = (op.c.site == site, op.c.ticket == of)
    done = select(func.max(op.c.settled_at)).where(*mine, op.c.status == OpStatus.DONE.value)
    since = connection.execute(done).scalar_one_or_none() or 0
    after = select(func.sum(op.c.attempts)).where(*mine, op.c.failure == CONFLICT, op.c.settled_at > since)
    return int(connection.execute(after).scalar_one_or_none() or 0)


def _refuse_until(site: str, of: str, last: datetime, conflicts: int, *, now: datetime) -> None:
    over = conflicts - CONFLICTS_IN_A_ROW
    if over <= 0:
        return
    until = last + min(CONFLICT_WAIT * (1 << min(over - 1, 10)), LONGEST_CONFLICT_WAIT)
    if now < until:
        raise Busy(
            f"{site}:{of}: it changed {conflicts} times in a row while we wrote; next try at {until:%H:%M:%S} UTC",
            remedy="look who else writes to this ticket: connector log --ticket",
        )


def _values(write: Write, digest: str, *, run: str, job: str) -> dict[str, Any]:
    return {
        "run": run,
        "audience": write.comment.notice.audience.value if write.comment else "",
        "request_digest": digest,
        "remote_id": "",
        "job": job,
        "document": write_document(write),
        "body_digest": "",
        "updated_stamp": write.seen,
    }


def _armed(fence: int, *, now: datetime, sent_at: datetime | None) -> dict[str, Any]:
    return {
        "fence": fence,
        "sent_at": to_micros(sent_at or now),
        "look_at": to_micros(now + LOOK_SOON),
        "absent_at": None,
        "settled_at": None,
        "why": "",
        "failure": "",
    }


def _arm_failed(connection: Connection, row: AnyRow, values: dict[str, Any]) -> None:
    again = values | {"status": OpStatus.SENDING.value, "attempts": row.attempts + 1}
    guarded = update(op).where(op.c.id == row.id, op.c.status == OpStatus.FAILED.value).values(again)
    if connection.execute(guarded).rowcount != 1:
        raise Busy(f"{row.site}:{row.ticket}: the outcome of an earlier write is not known yet")


def arm_again(connection: Connection, one: Op, digest: str, *, run: str, now: datetime, sent_at: datetime) -> Op:
    """Arm another copy of an open write; return the row as it stands now, with the text."""
    values = _values(one.write, digest, run=run, job="") | _armed(epoch(connection), now=now, sent_at=sent_at)
    values |= {"attempts": one.attempts + 1, "resent": one.resent + 1, "ordered_by": ""}
    _must_move(connection, one, to=OpStatus.SENDING, expected=(OpStatus.SENDING,), **values)
    (armed,) = _as_armed(connection, one.write.ref.site, [one.write])
    return armed


def not_resent(connection: Connection, before: Op) -> None:
    """Put an open row back to what it was before a copy was armed that never left."""
    armed = replace(before, attempts=before.attempts + 1, fence=epoch(connection))
    values = {
        "run": before.run,
        "attempts": before.attempts,
        "resent": before.resent,
        "ordered_by": before.ordered_by,
        "sent_at": to_micros(before.sent_at),
        "absent_at": maybe_micros(before.absent_at),
        "look_at": maybe_micros(before.look_at),
        "request_digest": before.request_digest,
        "updated_stamp": before.stamp,
        "document": write_document(before.write),
    }
    _must_move(connection, armed, to=OpStatus.SENDING, expected=(OpStatus.SENDING,), **values)


def look_again(connection: Connection, one: Op, *, at: datetime | None, absent_at: datetime | None) -> None:
    """Store when to look at an open or a done row next."""
    values = {"look_at": maybe_micros(at), "absent_at": maybe_micros(absent_at)}
    _must_move(connection, one, to=one.status, expected=(one.status,), **values)


def _must_move(connection: Connection, one: Op, *, to: OpStatus, expected: Sequence[OpStatus], **values: Any) -> None:
    if not move(connection, one, to=to, expected=expected, **values):
        raise ConnectorError(f"{one.write.ref}: another process took this write over")


def _as_armed(connection: Connection, site: str, writes: Sequence[Write]) -> tuple[Op, ...]:
    rows = _stored(connection, site, writes)
    return tuple(_with_text(op_of(rows[_key(write)]), write) for write in writes)


def _with_text(stored: Op, write: Write) -> Op:
    """Return an armed row with the write as it was handed in; a settled row speaks for itself."""
    return replace(stored, write=write) if stored.status is OpStatus.SENDING else stored


def op_of(row: AnyRow) -> Op:
    """Read one intent."""
    return Op(
        id=row.id,
        write=write_of(row.document),
        run=row.run,
        status=OpStatus(row.status),
        request_digest=row.request_digest,
        attempts=row.attempts,
        sent_at=from_micros(row.sent_at),
        settled_at=maybe_moment(row.settled_at),
        remote_id=row.remote_id,
        why=row.why,
        job=row.job,
        stamp=row.updated_stamp,
        fence=row.fence,
        resent=row.resent,
        absent_at=maybe_moment(row.absent_at),
        look_at=maybe_moment(row.look_at),
        ordered_by=row.ordered_by,
    )


def attach_job(connection: Connection, ops: Iterable[Op], job: str) -> None:
    """Note the vendor's job id on rows that are under way."""
    for portion in portions([str(one.id) for one in ops]):
        ids = [int(one) for one in portion]
        connection.execute(update(op).where(op.c.id.in_(ids), op.c.status == OpStatus.SENDING.value).values(job=job))


def sending(connection: Connection, site: str) -> tuple[Op, ...]:
    """Return intents without an outcome, oldest first."""
    return tuple(op_of(row) for row in connection.execute(_SENDING, {SITE.key: site}))


def watched(connection: Connection, site: str, *, now: datetime) -> tuple[Op, ...]:
    """Return done writes that are to be looked at by now, oldest first."""
    given = {SITE.key: site, _NOW.key: to_micros(now)}
    return tuple(op_of(row) for row in connection.execute(_WATCHED, given))


def next_look(connection: Connection, site: str, *, after: datetime | None = None) -> datetime | None:
    """Return the earliest moment at which a row is to be looked at, or the earliest later than ``after``."""
    given = {SITE.key: site, _AFTER.key: _BEGINNING if after is None else to_micros(after)}
    return maybe_moment(connection.execute(_NEXT_LOOK, given).scalar_one())


def move(connection: Connection, one: Op, *, to: OpStatus, expected: Sequence[OpStatus], **values: Any) -> bool:
    """Move an intent forward; return False when it is there already, raise when it is somewhere else.

    The row must be the one that was read: armed again by somebody else since, it has another fence or attempt.
    """
    names = [status.value for status in expected]
    as_read = (op.c.id == one.id, op.c.status.in_(names), op.c.fence == one.fence, op.c.attempts == one.attempts)
    guarded = update(op).where(*as_read).values(status=to.value, **values)
    if connection.execute(guarded).rowcount == 1:
        return True
    found = connection.execute(select(op.c.status).where(op.c.id == one.id)).scalar_one_or_none()
    if found == to.value:
        return False
    raise ConnectorError(
        f"{one.write.ref}: a write that is {found or 'not in the journal'} cannot become {to.value}",
        remedy="see `connector log` for this ticket",
    )
