"""Steps that wait for somebody to let them through: who asks, and the word that lets them go."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, select

from connector.domain.occasion import APPROVE, Outcome
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.journal import audit
from connector.journal.documents import state_of
from connector.journal.moments import from_micros, to_micros
from connector.journal.statements import AnyRow, change_rows
from connector.journal.tables import escalation, said, ticket
from connector.ports import JournalEvent


class _Step(NamedTuple):
    """One step that waits: the level it leads to, and the threshold that asks for it."""

    ticket: str
    occasion: str
    at: int
    level: int
    threshold: str


def waiting(connection: Connection, site: str) -> tuple[JournalEvent, ...]:
    """Return the steps of open tickets that wait for approval: neither made nor withdrawn meanwhile."""
    return tuple(
        JournalEvent(
            at=from_micros(step.at),
            kind="approval",
            site=site,
            ticket=step.ticket,
            data={"level": str(step.level), "threshold": step.threshold},
        )
        for step in _steps(connection, site)
    )


def approve(connection: Connection, site: str, of: str, *, now: datetime, actor: str) -> int:
    """Let every step of a ticket through that waits for it; the ticket is due at once. Return how many there were."""
    steps = [step for step in _steps(connection, site) if step.ticket == of]
    done = {"outcome": Outcome.DONE.value, "at": to_micros(now)}
    settled = [
        {"site": site, "ticket": of, "occasion": step.occasion, "audience": Effect.FIELDS.value} | done
        for step in steps
    ]
    change_rows(connection, said, settled, key=("site", "ticket", "occasion", "audience"))
    if steps:
        change_rows(connection, ticket, [{"site": site, "id": of, "next_due_at": to_micros(now)}], key=("site", "id"))
        data = {"steps": ", ".join(f"level {step.level} ({step.threshold})" for step in steps)}
        audit.append(connection, JournalEvent(at=now, kind="approved", site=site, ticket=of, actor=actor, data=data))
    return len(steps)


def _steps(connection: Connection, site: str) -> list[_Step]:
    """Return the steps that were asked for, but those that the last decision no longer waited for."""
    same = and_(escalation.c.site == said.c.site, escalation.c.ticket == said.c.ticket)
    of_ticket = and_(ticket.c.site == said.c.site, ticket.c.id == said.c.ticket)
    wanted = (
        select(said.c.ticket, said.c.occasion, said.c.at, escalation.c.document)
        .join(escalation, same)
        .join(ticket, of_ticket)
        .where(said.c.site == site, said.c.outcome == Outcome.HELD.value, ticket.c.is_open)
        .where(said.c.occasion.startswith(f"{APPROVE}:"))
        .order_by(said.c.at, said.c.ticket)
    )
    found = ((row, state_of(row.document)) for row in connection.execute(wanted))
    steps = [_step(row, state) for row, state in found if row.occasion not in state.withdrawn]
    return [step for step in steps if step is not None]


def _step(row: AnyRow, state: EscalationState) -> _Step | None:
    """Return a step, to the end of its path at most; ``None`` where something else has made it meanwhile."""
    _, number, clock, _, mark = row.occasion.split(":", 4)
    level = int(number) if state.path is None else min(int(number), state.path.levels[-1].level)
    if level <= state.level:
        return None
    return _Step(row.ticket, row.occasion, row.at, level, f"{clock} {mark}")
