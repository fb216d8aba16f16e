"""What decisions change: states, due moments, clocks, occasions and adopted values; only what differs is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from connector.domain.change import Field
from connector.domain.clocks import ClockReading
from connector.domain.occasion import Outcome
from connector.domain.situation import EscalationState
from connector.errors import ConnectorError
from connector.journal import audit, outbox, standoffs
from connector.journal.documents import state_document
from connector.journal.histories import want_histories
from connector.journal.moments import length_micros, maybe_micros, to_micros
from connector.journal.statements import IDS, SITE, AnyRow, add_rows, change_rows, parameter, portions
from connector.journal.tables import applied, clock, escalation, said, ticket
from connector.ports import JournalEvent, Verdict

_OF_TICKET = ("site", "ticket")
_OF_DECISION = ("next_due_at", "policy_hash", "alike", "alike_at", "awaits", "alike_before")
_CLOCK = (*_OF_TICKET, "clock", "cycle_start")
_SAID = (*_OF_TICKET, "occasion", "audience")
_APPLIED = (*_OF_TICKET, "field")


_SINCE = parameter("since")
_THESE = (ticket.c.site == SITE, ticket.c.id.in_(IDS))
_MOMENTS = select(ticket.c.id, ticket.c.is_open, *(ticket.c[name] for name in _OF_DECISION)).where(*_THESE)
_WAITING = select(ticket.c.id).where(*_THESE, ticket.c.next_due_at <= _SINCE)
_DIGESTS = select(escalation.c.ticket, escalation.c.digest).where(
    escalation.c.site == SITE, escalation.c.ticket.in_(IDS)
)


@lru_cache(maxsize=8)
def _of_tickets(table: Table) -> Select[Any]:
    return select(table).where(table.c.site == SITE, table.c.ticket.in_(IDS))


def store_verdicts(connection: Connection, site: str, verdicts: Sequence[Verdict], *, run: str) -> int:
    """Store decisions together; return the rows that changed. Raises ``ConnectorError`` for an unknown ticket."""
    by_id = {verdict.decision.ref.id: verdict for verdict in verdicts}
    changed = 0
    for portion in portions(list(by_id)):
        chosen = {of: by_id[of] for of in portion}
        changed += _store_moments(connection, site, chosen)
        changed += _store_states(connection, site, chosen, run)
        changed += _store_clocks(connection, site, chosen)
        changed += store_said(connection, site, [_said_row(site, of, r) for of, v in chosen.items() for r in v.records])
        changed += _store_adopted(connection, site, chosen)
        changed += outbox.fill(connection, site, chosen, run)
        changed += standoffs.store(connection, site, {of: v.decision for of, v in chosen.items()})
        want_histories(connection, site, [of for of, v in chosen.items() if v.ask_history])
        audit.append(connection, *_shadow_lines(site, chosen, run))
    return changed


def _shadow_lines(site: str, verdicts: Mapping[str, Verdict], run: str) -> Iterator[JournalEvent]:
    for of, verdict in verdicts.items():
        if verdict.would_do:
            at = verdict.decision.now
            yield JournalEvent(at=at, kind="would-do", site=site, ticket=of, run=run, data=verdict.would_do)


def _store_moments(connection: Connection, site: str, verdicts: Mapping[str, Verdict]) -> int:
    """Store when each ticket falls due again, under which policy it was decided, and what it looks like."""
    known = {row.id: row for row in connection.execute(_MOMENTS, {SITE.key: site, IDS.key: list(verdicts)})}
    if missing := verdicts.keys() - known.keys():
        raise ConnectorError(f"decided upon tickets that are not stored: {site} {', '.join(sorted(missing))}")
    changed = []
    for of, verdict in verdicts.items():
        row, decision = known[of], verdict.decision
        due = _due(row, verdict) if row.is_open else None
        look, at = ("", None) if decision.look is None else (decision.look.digest, to_micros(decision.look.opened_at))
        wanted = (due, decision.policy_hash, look, at, verdict.awaits, _look_before(row, decision.policy_hash, look))
        if tuple(row[-len(_OF_DECISION) :]) != wanted:
            changed.append({"site": site, "id": of, **dict(zip(_OF_DECISION, wanted, strict=True))})
    return change_rows(connection, ticket, changed, key=("site", "id"))


def _look_before(row: AnyRow, policy_hash: str, look: str) -> str:
    """Return what a ticket looked like before another policy changed that; empty where it changed by itself."""
    if row.alike == look:
        return str(row.alike_before)
    return str(row.alike) if row.policy_hash != policy_hash else ""


def _due(row: AnyRow, verdict: Verdict) -> int | None:
    """Return when a ticket falls due next; with something unwritten it is due now, or still is."""
    if not verdict.unwritten:
        return maybe_micros(verdict.decision.next_due_at)
    now = to_micros(verdict.decision.now)
    return now if row.next_due_at is None else min(row.next_due_at, now)


def put_off(
    connection: Connection,
    site: str,
    due: Mapping[str, datetime | None],
    *,
    policy_hash: str,
    awaits: Mapping[str, int],
) -> None:
    """Store when tickets fall due next on which nothing that was decided may stand yet, and under which policy.

    ``awaits``: how urgently their own histories are awaited, of those that wait for them.
    """
    names = ("next_due_at", "policy_hash", "awaits")
    for portion in portions(list(due)):
        known = connection.execute(_MOMENTS, {SITE.key: site, IDS.key: portion}).all()
        rows = []
        for row in known:
            at = maybe_micros(due[row.id]) if row.is_open else None
            wanted = (at, policy_hash, awaits.get(row.id, row.awaits))
            if (row.next_due_at, row.policy_hash, row.awaits) != wanted:
                rows.append({"site": site, "id": row.id, **dict(zip(names, wanted, strict=True))})
        change_rows(connection, ticket, rows, key=("site", "id"))


def move_on(connection: Connection, site: str, due: Mapping[str, datetime | None], *, since: datetime) -> None:
    """Store when tickets fall due next, where they still are due from the moment of the decision that was written."""
    for portion in portions(list(due)):
        given = {SITE.key: site, IDS.key: portion, _SINCE.key: to_micros(since)}
        ids = connection.execute(_WAITING, given).scalars().all()
        rows = [{"site": site, "id": of, "next_due_at": maybe_micros(due[of])} for of in ids]
        change_rows(connection, ticket, rows, key=("site", "id"))


def _store_states(connection: Connection, site: str, verdicts: Mapping[str, Verdict], run: str) -> int:
    found = connection.execute(_DIGESTS, {SITE.key: site, IDS.key: list(verdicts)})
    stored = {of: digest for of, digest in found}  # noqa: C416
    rows = {of: state_row(site, of, verdict.decision.state) | {"run": run} for of, verdict in verdicts.items()}
    new = [row for of, row in rows.items() if of not in stored]
    changed = [row for of, row in rows.items() if stored.get(of, row["digest"]) != row["digest"]]
    return add_rows(connection, escalation, new) + change_rows(connection, escalation, changed, key=_OF_TICKET)


def state_row(site: str, of: str, state: EscalationState) -> dict[str, Any]:
    """Return the row of what is remembered about one ticket, without the run that stores it."""
    document, digest = state_document(state)
    return {
        "site": site,
        "ticket": of,
        "path": state.path.name if state.path else "",
        "level": state.level,
        "entered_at": maybe_micros(state.entered_at),
        "acknowledged_at": maybe_micros(state.acknowledged_at),
        "digest": digest,
        "document": document,
    }


def _store_clocks(connection: Connection, site: str, verdicts: Mapping[str, Verdict]) -> int:
    """Store each cycle's clock as it stands; a cycle that is over keeps its last row."""
    rows = [_clock_row(site, of, r) for of, v in verdicts.items() for r in v.decision.clocks]
    return _store_rows(connection, clock, rows, site=site, key=_CLOCK) if rows else 0


def _clock_row(site: str, of: str, reading: ClockReading) -> dict[str, Any]:
    stands = reading.paused or reading.met_at is not None
    return {
        "site": site,
        "ticket": of,
        "clock": reading.clock.value,
        "cycle_start": to_micros(reading.cycle_start),
        "source": reading.source.value,
        "target": "" if reading.target is None else str(reading.target),
        "calendar": reading.calendar,
        "deadline": maybe_micros(reading.deadline),
        "elapsed": length_micros(reading.elapsed) if stands else None,
        "paused": reading.paused,
        "met_at": maybe_micros(reading.met_at),
        "breached": reading.breached,
        "provisional": reading.provisional,
    }


def _store_rows(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], *, site: str, key: Sequence[str]
) -> int:
    """Insert what is new and update what differs; return how many rows that were."""
    tickets = sorted({row["ticket"] for row in rows})
    found = connection.execute(_of_tickets(table), {SITE.key: site, IDS.key: tickets}).mappings()
    stored = {tuple(row[name] for name in key): dict(row) for row in found}
    new, changed = [], []
    for row in rows:
        before = stored.get(tuple(row[name] for name in key))
        if before is None:
            new.append(row)
        elif before != row:
            changed.append(row)
    return add_rows(connection, table, new) + change_rows(connection, table, changed, key=key)


def _said_row(site: str, of: str, record: Any) -> dict[str, Any]:
    return said_row(site, of, str(record.occasion), record.audience.value, record.outcome, record.at)


def said_row(site: str, of: str, occasion: str, audience: str, outcome: Outcome, at: datetime) -> dict[str, Any]:
    """Return the row of one occasion."""
    return {
        "site": site,
        "ticket": of,
        "occasion": occasion,
        "audience": audience,
        "outcome": outcome.value,
        "at": to_micros(at),
    }


def store_said(connection: Connection, site: str, rows: Sequence[dict[str, Any]], *, proven: bool = False) -> int:
    """Store what became of occasions; return the rows that changed.

    A final outcome stands and the first moment of an outcome is kept, so looking again changes nothing. What is
    ``proven`` by the helpdesk's answer to a write replaces everything but ``done``.
    """
    if not rows:
        return 0
    tickets = sorted({row["ticket"] for row in rows})
    found = connection.execute(_of_tickets(said), {SITE.key: site, IDS.key: tickets})
    stored = {(row.ticket, row.occasion, row.audience): row for row in found}
    new: dict[tuple[str, str, str], dict[str, Any]] = {}
    changed = []
    for row in rows:
        key = (row["ticket"], row["occasion"], row["audience"])
        before = stored.get(key)
        if before is None:
            new[key] = row
        elif _replaces(row, before, proven=proven):
            changed.append(row)
    return add_rows(connection, said, list(new.values())) + change_rows(connection, said, changed, key=_SAID)


def _replaces(row: Mapping[str, Any], before: AnyRow, *, proven: bool) -> bool:
    if proven:
        return Outcome(before.outcome) is not Outcome.DONE or row["outcome"] == Outcome.DONE.value
    return not Outcome(before.outcome).is_final and row["outcome"] != before.outcome


def _store_adopted(connection: Connection, site: str, verdicts: Mapping[str, Verdict]) -> int:
    """Store live values that become ours without a write, where they are not ours already."""
    offered = {
        (of, field): _adopted_row(site, of, field, value, verdict.decision.now)
        for of, verdict in verdicts.items()
        for field, value in verdict.adopted.items()
    }
    if not offered:
        return 0
    tickets = sorted({of for of, _ in offered})
    found = connection.execute(_of_tickets(applied), {SITE.key: site, IDS.key: tickets})
    stored = {(row.ticket, Field(row.field)): row.value for row in found}
    new = [row for key, row in offered.items() if key not in stored]
    changed = [row for key, row in offered.items() if key in stored and stored[key] != row["value"]]
    return add_rows(connection, applied, new) + change_rows(connection, applied, changed, key=_APPLIED)


def _adopted_row(site: str, of: str, field: Field, value: str | None, at: datetime) -> dict[str, Any]:
    return {
        "site": site,
        "ticket": of,
        "field": field.value,
        "value": value,
        "at": to_micros(at),
        "baseline": True,
    }
