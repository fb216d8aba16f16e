"""``parked``: writes whose outcome nobody could tell, and how a person settles each of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connector.bootstrap.reports import TicketNames
from connector.domain.change import Write
from connector.engine.orders import forbids
from connector.errors import ConnectorError, UnsafePlan
from connector.ports import Journal, Op, OpStatus, Receipt, Records

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

_DROP = "connector parked drop KEY"

SHORTEST_KEY = 6
"""Hex digits of a key that a person has to give at least."""


def parked_items(records: Records, names: Sequence[str], *, now: datetime) -> list[dict[str, Any]]:
    """Return what is parked on the sites named, with the texts: they are kept until somebody settles them."""
    called = TicketNames(records, now=now)
    return [
        {
            "key": op.write.key[:12],
            "site": op.write.ref.site,
            "ticket": called.of(op.write.ref.site, op.write.ref.id),
            "what": _what(op.write),
            "since": op.settled_at or op.sent_at,
            "sent_at": op.sent_at,
            "copies": op.resent + 1,
            "why": op.why,
            "ref": op.write.comment.ref if op.write.comment else "",
            "text": op.write.comment.body if op.write.comment else "",
            "operation": op.write.key,
        }
        for op in _parked(records)
        if op.write.ref.site in names
    ]


def settle_parked(program: Connector, journal: Journal, action: str, key: str, *, actor: str) -> dict[str, Any]:
    """Settle one parked write with the state held, ``resend``, ``done`` or ``drop``; return which it was.

    Raises:
        ConnectorError: No parked write, or more than one, has a key that begins so.
        UnsafePlan: It is to be sent again where nothing of its kind may be written now.
    """
    now, op = program.now(), _find(journal.records(), key)
    if action == "done":
        receipt = Receipt(key=op.write.key, remote_id=f"found by {actor}", version="", at=now, found=True)
        journal.settle(op, receipt, now=now, actor=actor)
    elif action == "drop":
        journal.drop(op, now=now, actor=actor)
    else:
        _check_sendable(program, journal.records(), op, now=now)
        journal.order_resend(op, now=now, actor=actor)
    return {"site": op.write.ref.site, "ticket": op.write.ref.id, "what": _what(op.write), "action": action}


def _find(records: Records, key: str) -> Op:
    found = [op for op in _parked(records) if op.write.key.startswith(key.lower())] if len(key) >= SHORTEST_KEY else []
    if len(found) == 1:
        return found[0]
    said = "more than one parked write has" if found else "no parked write has"
    raise ConnectorError(f"{said} a key that begins with {key!r}", remedy="connector parked lists them")


def _check_sendable(program: Connector, records: Records, op: Op, *, now: datetime) -> None:
    """Raise ``UnsafePlan`` where the next pass could not send it: an order is given while it can be carried out."""
    ref = op.write.ref
    if ref.site not in program.settings.site_names:
        raise UnsafePlan(f"{ref.site} is not configured any more", remedy=_DROP)
    stored = records.stored(ref, now=now)
    why = program.pause_file() or forbids(
        op.write,
        stored.ticket if stored is not None else None,
        program.rules(ref.site),
        state=next(state for state in records.sites() if state.site == ref.site),
        aside=records.aside(site=ref.site),
    )
    if why:
        raise UnsafePlan(f"it cannot be sent now: {why}", remedy=f"end that first (connector status), or: {_DROP}")


def _parked(records: Records) -> tuple[Op, ...]:
    return records.ops(status=OpStatus.PARKED, limit=10_000)


def _what(write: Write) -> str:
    fields = [f"{change.field} -> {change.after or '(none)'}" for change in write.fields]
    said = [f"{write.comment.notice.audience} {write.comment.notice.template}"] if write.comment else []
    return ", ".join((*said, *fields))
