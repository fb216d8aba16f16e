"""Intents: stored before anything is sent, and moved forward only, by updates that name the status they expect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from connector.domain.change import Write
from connector.errors import Busy, ConnectorError
from connector.journal.documents import write_document, write_of
from connector.journal.moments import from_micros, maybe_moment, to_micros
from connector.journal.statements import AnyRow, add_rows, portions
from connector.journal.tables import op
from connector.ports.journal import Op, OpStatus

_SETTLED = frozenset({OpStatus.DONE.value, OpStatus.PARKED.value})


def arm(
    connection: Connection,
    site: str,
    writes: Sequence[tuple[Write, str]],
    *,
    run: str,
    now: datetime,
    job: str = "",
) -> tuple[Op, ...]:
    """Store intents as ``sending``; return one row per write, in order.

    A key that is done or parked returns that row and is not to be sent; one that failed is armed again. A ticket with
    another write under way raises ``Busy``, and then nothing of the call is stored.
    """
    stored = _stored(connection, site, [write for write, _ in writes])
    wanted = [pair for pair in writes if not _is_settled(stored.get(_key(pair[0])))]
    _refuse_second(connection, site, [write for write, _ in wanted])
    new = []
    for write, digest in wanted:
        values = _values(write, digest, run=run, now=now, job=job)
        if (row := stored.get(_key(write))) is None:
            new.append({"site": site, "ticket": write.ref.id, "key": write.key, "attempts": 1} | values)
        else:
            _arm_again(connection, row, values)
    add_rows(connection, op, new)
    return _as_armed(connection, site, [write for write, _ in writes])


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
    """Raise ``Busy`` for a ticket on which another write is under way, in the journal or in this very call."""
    seen: set[str] = set()
    for write in writes:
        if write.ref.id in seen:
            raise Busy(f"{write.ref}: two writes at once; one has to be settled before the next is armed")
        seen.add(write.ref.id)
    for portion in portions(sorted(seen)):
        under_way = select(op.c.ticket).where(
            op.c.site == site, op.c.ticket.in_(portion), op.c.status == OpStatus.SENDING.value
        )
        if (busy := connection.execute(under_way.limit(1)).scalar_one_or_none()) is not None:
            raise Busy(
                f"{site}:{busy}: the outcome of an earlier write is not known yet",
                remedy="it is looked up in the helpdesk at the start of the next pass",
            )


def _values(write: Write, digest: str, *, run: str, now: datetime, job: str) -> dict[str, Any]:
    return {
        "run": run,
        "status": OpStatus.SENDING.value,
        "audience": write.comment.notice.audience.value if write.comment else "",
        "request_digest": digest,
        "sent_at": to_micros(now),
        "settled_at": None,
        "remote_id": "",
        "job": job,
        "why": "",
        "document": write_document(write),
        "body_digest": "",
    }


def _arm_again(connection: Connection, row: AnyRow, values: dict[str, Any]) -> None:
    again = values | {"attempts": row.attempts + 1}
    guarded = update(op).where(op.c.id == row.id, op.c.status == OpStatus.FAILED.value).values(again)
    if connection.execute(guarded).rowcount != 1:
        raise Busy(f"{row.site}:{row.ticket}: the outcome of an earlier write is not known yet")


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
    )


def attach_job(connection: Connection, ops: Iterable[Op], job: str) -> None:
    """Note the vendor's job id on rows that are under way."""
    for portion in portions([str(one.id) for one in ops]):
        ids = [int(one) for one in portion]
        connection.execute(update(op).where(op.c.id.in_(ids), op.c.status == OpStatus.SENDING.value).values(job=job))


def sending(connection: Connection, site: str) -> tuple[Op, ...]:
    """Return intents without an outcome, oldest first."""
    open_rows = select(op).where(op.c.site == site, op.c.status == OpStatus.SENDING.value)
    return tuple(op_of(row) for row in connection.execute(open_rows.order_by(op.c.sent_at, op.c.id)))


def move(connection: Connection, one: Op, *, to: OpStatus, expected: Sequence[OpStatus], **values: Any) -> bool:
    """Move an intent forward; return False when it is there already, raise when it is somewhere else."""
    names = [status.value for status in expected]
    guarded = update(op).where(op.c.id == one.id, op.c.status.in_(names)).values(status=to.value, **values)
    if connection.execute(guarded).rowcount == 1:
        return True
    found = connection.execute(select(op.c.status).where(op.c.id == one.id)).scalar_one_or_none()
    if found == to.value:
        return False
    raise ConnectorError(
        f"{one.write.ref}: a write that is {found or 'not in the journal'} cannot become {to.value}",
        remedy="see `connector log` for this ticket",
    )
