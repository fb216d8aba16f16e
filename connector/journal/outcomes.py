"""Outcomes: what a receipt, a refusal or an unknown answer changes, each in the transaction that moves its intent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import Connection, func, select, update

from connector.domain.change import Write
from connector.domain.occasion import Occasion, Outcome
from connector.domain.site import Effect
from connector.domain.written import as_written
from connector.errors import Busy
from connector.journal import audit
from connector.journal.documents import body_digest, settled_document, ticket_document, ticket_of, write_document
from connector.journal.endings import CLOSED, REFUSED
from connector.journal.histories import want_histories
from connector.journal.intents import CONFLICT, move
from connector.journal.moments import to_micros
from connector.journal.pages import facts_of
from connector.journal.sites import read_site, store_controls
from connector.journal.standoffs import note_lost_race
from connector.journal.statements import IDS, SITE, add_rows, parameter, put_row
from connector.journal.tables import applied, budget, ticket
from connector.journal.tables import op as ops
from connector.journal.verdicts import said_row, store_said
from connector.ports import JournalEvent, Spent
from connector.ports.helpdesk import Receipt
from connector.ports.intents import Op, OpStatus

PER_TICKET = timedelta(hours=24)
"""The window of what one ticket may get."""

_EFFECT, _SINCE = parameter("effect"), parameter("since")
_USED = select(func.count()).where(budget.c.site == SITE, budget.c.effect == _EFFECT, budget.c.at > _SINCE)
_BY_TICKET = (
    select(budget.c.effect, budget.c.ticket, func.count())
    .where(budget.c.site == SITE, budget.c.effect.in_(IDS), budget.c.at > _SINCE)
    .group_by(budget.c.effect, budget.c.ticket)
)

ALLOWED = "+"
"""Stands behind the effect of a write that an operator's word paid for: its ticket's share, not its budget's."""

WATCH_FROM = timedelta(minutes=5)
"""A write that was sent twice is looked at again this long after it was done: the other copy may still land."""


def settle(connection: Connection, op: Op, receipt: Receipt, *, now: datetime, actor: str = "connector") -> None:
    """Store what the helpdesk confirmed: values, occasions, budgets, the ticket as it stands now; the text goes.

    Of what was parked a person confirms the comment alone: its fields were planned anew when it was parked.
    """
    if op.status is OpStatus.PARKED:
        op = replace(op, write=replace(op.write, fields=()))
    moved = move(
        connection,
        op,
        to=OpStatus.DONE,
        expected=(OpStatus.SENDING, OpStatus.PARKED),
        settled_at=to_micros(now),
        remote_id=receipt.remote_id,
        document=settled_document(op.write),
        body_digest=body_digest(op.write),
        look_at=to_micros(now + WATCH_FROM) if op.resent and op.write.comment else None,
        failure="",
    )
    if not moved:
        return
    if op.status is OpStatus.PARKED:
        _note_occasions(connection, op.write, _comment_occasions(op.write), Outcome.DONE, receipt.at)
    elif _overlay(connection, op.write, receipt.version):
        _store_applied(connection, op.write, receipt.at)
        _store_occasions(connection, op.write, _all_occasions(op.write), Outcome.DONE, receipt.at)
    if receipt.found and op.write.comment is not None:
        want_histories(connection, op.write.ref.site, [op.write.ref.id])
    _count(connection, op, now=now)
    audit.append(connection, _line(op, "write", now, {"remote_id": receipt.remote_id}, actor=actor))
    if receipt.overwritten:
        note_lost_race(connection, op.write.ref, receipt.overwritten, now=now)


def fail(connection: Connection, op: Op, status: OpStatus, why: str, *, now: datetime) -> None:
    """Store that a write was certainly not applied (``failed``) or that nobody can tell (``parked``)."""
    if status is OpStatus.PARKED:
        _park(connection, op, why, now=now)
    elif _fail(connection, op, why, now=now):
        audit.append(connection, _line(op, "failed", now, {"error": why}))


def conflict(connection: Connection, op: Op, why: str, *, now: datetime, closed: bool = False) -> None:
    """Store that the ticket changed since it was seen, or was ``closed``."""
    if _fail(connection, op, why, now=now, failure=CONFLICT):
        audit.append(connection, _line(op, CLOSED if closed else "failed", now, {"error": why}))


def withdraw(connection: Connection, op: Op, why: str, *, now: datetime) -> None:
    """Store that an open write is given up: what it would have said is passed over for good."""
    if _fail(connection, op, why, now=now):
        _note_occasions(connection, op.write, _comment_occasions(op.write), Outcome.SUPERSEDED, now)
        audit.append(connection, _line(op, "withdrawn", now, {"error": why}))


def drop(connection: Connection, op: Op, *, now: datetime, actor: str) -> None:
    """Store that a person gave a parked write up."""
    if _fail(connection, op, f"dropped by {actor}", now=now):
        _note_occasions(connection, op.write, _comment_occasions(op.write), Outcome.SUPERSEDED, now)
        audit.append(connection, _line(op, "dropped", now, {}, actor=actor))


def order_resend(connection: Connection, op: Op, *, now: datetime, actor: str) -> None:
    """Open a parked comment again, without its fields, which were planned anew when it was parked.

    Its occasions stay parked, so nothing but the order sends it.
    """
    busy = select(ops.c.id).where(
        ops.c.site == op.write.ref.site,
        ops.c.ticket == op.write.ref.id,
        ops.c.status == OpStatus.SENDING.value,
        ops.c.audience != "",
        ops.c.id != op.id,
    )
    if connection.execute(busy.limit(1)).scalar_one_or_none() is not None:
        raise Busy(f"{op.write.ref}: another comment is on its way", remedy="try again when it is settled")
    values = {"look_at": to_micros(now), "absent_at": None, "resent": 0, "ordered_by": actor, "why": ""}
    values["document"] = write_document(replace(op.write, fields=()))
    if move(connection, op, to=OpStatus.SENDING, expected=(OpStatus.PARKED,), **values):
        audit.append(connection, _line(op, "resend-ordered", now, {}, actor=actor))


def _fail(connection: Connection, op: Op, why: str, *, now: datetime, failure: str = "") -> bool:
    return move(
        connection,
        op,
        to=OpStatus.FAILED,
        expected=(OpStatus.SENDING, OpStatus.PARKED),
        settled_at=to_micros(now),
        why=why,
        document=settled_document(op.write),
        body_digest=body_digest(op.write),
        look_at=None,
        resent=op.resent,
        failure=failure,
    )


def _park(connection: Connection, op: Op, why: str, *, now: datetime) -> None:
    """Park: it counts against the budget, because it may have been applied, and its text stays to be looked for."""
    document = write_document(op.write)
    values = {"why": why, "document": document, "look_at": None, "settled_at": to_micros(now)}
    if not move(connection, op, to=OpStatus.PARKED, expected=(OpStatus.SENDING,), **values):
        return
    _note_occasions(connection, op.write, _comment_occasions(op.write), Outcome.PARKED, now)
    _count(connection, op, now=now)
    audit.append(connection, _line(op, "parked", now, {"error": why}))


def reject(connection: Connection, op: Op, why: str, *, now: datetime, rest: Write | None = None) -> None:
    """Store that the helpdesk will never accept a write: none of its occasions but those of ``rest`` is tried again."""
    if _fail(connection, op, why, now=now):
        going_on = set(_all_occasions(rest)) if rest is not None else set()
        refused = (about for about in _all_occasions(op.write) if about not in going_on)
        _note_occasions(connection, op.write, refused, Outcome.REJECTED, now)
        audit.append(connection, _line(op, REFUSED, now, {"error": why}))


def _store_applied(connection: Connection, write: Write, at: datetime) -> None:
    for change in write.fields:
        key = {"site": write.ref.site, "ticket": write.ref.id, "field": change.field.value}
        put_row(connection, applied, key, {"value": change.after, "at": to_micros(at), "baseline": False})


def _all_occasions(write: Write) -> Iterator[tuple[Occasion, Effect]]:
    for change in write.fields:
        yield change.occasion, change.field.effect
    yield from _comment_occasions(write)


def _comment_occasions(write: Write) -> Iterator[tuple[Occasion, Effect]]:
    if write.comment:
        notice = write.comment.notice
        for occasion in (notice.occasion, *notice.covers):
            yield occasion, notice.audience


def _store_occasions(
    connection: Connection, write: Write, occasions: Iterator[tuple[Occasion, Effect]], outcome: Outcome, at: datetime
) -> None:
    site, of = write.ref.site, write.ref.id
    named = dict.fromkeys((str(occasion), audience.value) for occasion, audience in occasions)
    rows = [said_row(site, of, occasion, audience, outcome, at) for occasion, audience in named]
    store_said(connection, site, rows, proven=True)


def _note_occasions(
    connection: Connection, write: Write, occasions: Iterator[tuple[Occasion, Effect]], outcome: Outcome, at: datetime
) -> None:
    """Store what became of a write's occasions; of a ticket that is erased or forgotten by now nothing is stored."""
    known = select(ticket.c.id).where(ticket.c.site == write.ref.site, ticket.c.id == write.ref.id)
    if connection.execute(known).scalar_one_or_none() is not None:
        _store_occasions(connection, write, occasions, outcome, at)


def _overlay(connection: Connection, write: Write, version: str) -> bool:
    """Let the stored ticket take on what was written, unless it has been seen in a later state since.

    Returns False for a ticket that is erased or forgotten by now.
    """
    mine = (ticket.c.site == write.ref.site, ticket.c.id == write.ref.id)
    columns = (ticket.c.document, ticket.c.version, ticket.c.own_version, ticket.c.text_version)
    row = connection.execute(select(*columns).where(*mine)).one_or_none()
    if row is None:
        return False
    values = {"own_version": version or row.own_version}
    if row.version in {write.seen, row.own_version}:
        after = as_written(ticket_of(row.document), write, version=version)
        values |= facts_of(after, ticket_document(after))
        if row.text_version == row.version:  # what we write is never part of the text that word lists read
            values["text_version"] = after.version
    connection.execute(update(ticket).where(*mine).values(values))
    return True


def _effects(write: Write) -> list[Effect]:
    found = {change.field.effect for change in write.fields}
    return sorted(found | ({write.comment.notice.audience} if write.comment else set()))


def _count(connection: Connection, op: Op, *, now: datetime) -> None:
    """Count a write once against each effect that it used: what ``resume`` allowed pays first, then the budget."""
    site, effects = op.write.ref.site, _effects(op.write)
    known = connection.execute(select(budget.c.effect).where(budget.c.op == op.id)).scalars()
    counted = {effect.removesuffix(ALLOWED) for effect in known}
    fresh = [effect for effect in effects if effect.value not in counted]
    if not fresh:
        return
    state = read_site(connection, site)
    paid = {effect for effect in fresh if state.allowance.get(effect, 0) > 0}
    shared = {"op": op.id, "site": site, "at": to_micros(now)}
    rows = [
        shared | {"effect": e.value + (ALLOWED if e in paid else ""), "ticket": _charged(op.write, e)} for e in fresh
    ]
    add_rows(connection, budget, rows)
    if paid:
        left = {effect: number - (effect in paid) for effect, number in state.allowance.items()}
        store_controls(connection, replace(state, allowance={e: n for e, n in left.items() if n > 0}))


def _charged(write: Write, effect: Effect) -> str:
    """Return whose share a write uses: its ticket's, or for a regular update nobody's but the site's."""
    said = write.comment.notice if write.comment else None
    return "" if said is not None and said.audience is effect and said.is_regular else write.ref.id


def spent(connection: Connection, site: str, *, windows: Mapping[Effect, datetime], now: datetime) -> Spent:
    """Return what was written per effect since each window's start, and per ticket in the last day."""
    used = {effect: _used(connection, site, effect, since) for effect, since in windows.items()}
    names = [effect.value + paid for effect in windows for paid in ("", ALLOWED)]
    of_day = {SITE.key: site, IDS.key: names, _SINCE.key: to_micros(now - PER_TICKET)}
    by_ticket: Counter[tuple[Effect, str]] = Counter()
    for name, of, count in connection.execute(_BY_TICKET, of_day):
        by_ticket[Effect(name.removesuffix(ALLOWED)), of] += count
    return Spent(used=MappingProxyType(used), by_ticket=MappingProxyType(by_ticket))


def _used(connection: Connection, site: str, effect: Effect, since: datetime) -> int:
    given = {SITE.key: site, _EFFECT.key: effect.value, _SINCE.key: to_micros(since)}
    return int(connection.execute(_USED, given).scalar_one())


def _line(op: Op, kind: str, now: datetime, more: Mapping[str, str], *, actor: str = "connector") -> JournalEvent:
    """Return the audit's line about a write: old → new and why, never the text."""
    write = op.write
    data = {change.field.value: f"{change.before or '(none)'} -> {change.after or '(none)'}" for change in write.fields}
    reasons = [change.reason for change in write.fields]
    if write.comment:
        notice = write.comment.notice
        data |= {"comment": f"{notice.audience} {notice.template} ({notice.locale})", "text": body_digest(write)}
        reasons.append(notice.reason)
    data |= {"why": "; ".join(dict.fromkeys(filter(None, reasons)))} | {k: v for k, v in more.items() if v}
    site, of = write.ref.site, write.ref.id
    key, run = write.key, op.run
    return JournalEvent(at=now, kind=kind, site=site, ticket=of, key=key, run=run, actor=actor, data=data)
