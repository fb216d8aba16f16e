"""Rewind a situation to an earlier moment, from what is stored, so that an old decision can be explained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connector.domain.events import EventKind, TicketEvent
from connector.domain.occasion import SaidRows
from connector.domain.reason import Reason
from connector.domain.situation import EscalationState, Situation
from connector.domain.ticket import Priority, Status, Ticket

_FIELDS: tuple[tuple[EventKind, str, Callable[[str], Any]], ...] = (
    (EventKind.STATUS, "status", Status),
    (EventKind.PRIORITY, "priority", lambda text: Priority[text]),
    (EventKind.GROUP, "group", str),
    (EventKind.ASSIGNEE, "assignee", str),
    (EventKind.LABELS, "labels", lambda text: frozenset(text.split())),
)


def rewind(situation: Situation, at: datetime) -> Situation:
    """Return ``situation`` as it stood at ``at``: later events, rows, writes and state are taken back.

    Fields without events of their own (facts other than impact and urgency, the text) keep their present value; the
    level comes from the rows of levels entered until then.
    """
    later = [e for e in situation.history.events if e.at > at]
    said = {name: row for name, row in situation.said.items() if row.at <= at}
    return replace(
        situation,
        ticket=_ticket(situation.ticket, later, at),
        history=situation.history.until(at),
        state=_state(situation.state, situation.said, at),
        said=said,
        applied={field: row for field, row in situation.applied.items() if row.at <= at},
        notes_today=0,
        last_note_at=None,
        halted="",
        resumed_at=None if situation.resumed_at is None or situation.resumed_at > at else situation.resumed_at,
    )


def _ticket(ticket: Ticket, later: Iterable[TicketEvent], at: datetime) -> Ticket:
    changes: dict[str, Any] = {}
    facts = dict(ticket.facts)
    for event in sorted(later, key=lambda e: (e.at, e.id), reverse=True):
        for kind, name, read in _FIELDS:
            if event.kind is kind:
                changes[name] = read(event.before) if event.before else _empty(name)
        if event.kind is EventKind.FACT:
            facts.pop(event.name, None)
            if event.before:
                facts[event.name] = event.before
    return replace(ticket, facts=facts, updated_at=min(ticket.updated_at, at), **changes)


def _empty(name: str) -> object:
    return {"status": Status.NEW, "labels": frozenset()}.get(name)


def _state(state: EscalationState, said: SaidRows, at: datetime) -> EscalationState:
    """Return the state as of ``at``; what began later has not begun."""
    entered = [level for level in map(_level, said) if level is not None and level[1] <= at]
    number, entered_at = max(entered, key=lambda level: level[1]) if entered else (0, None)
    started = state.started_at is not None and state.started_at <= at
    if not started:
        number, entered_at = 0, None
    same_level = entered_at is not None and state.entered_at is not None and number == state.level
    acknowledged = same_level and _until(state.acknowledged_at, at) is not None
    judged = _until(state.priority_since, at) is not None
    varied = _until(state.variant_since, at) is not None
    return EscalationState(
        path=state.path if started else None,
        path_reason=state.path_reason if started else "",
        started_at=state.started_at if started else None,
        level=number,
        entered_at=entered_at,
        timer_from=_until(state.timer_from, at) if same_level else entered_at,
        stepped_at=entered_at,
        acknowledged_at=state.acknowledged_at if acknowledged else None,
        acknowledged_by=state.acknowledged_by if acknowledged else None,
        priority=state.priority if judged else None,
        priority_since=state.priority_since if judged else None,
        variant=state.variant if varied else None,
        variant_since=state.variant_since if varied else None,
        policy_hash=state.policy_hash,
        policy_since=state.policy_since,
        active_triggers=state.active_triggers,
        decided_at=None if state.decided_at is None else min(state.decided_at, at),
        stated_priority=state.stated_priority,
        rose_at=_until(state.rose_at, at),
        level_reason=state.level_reason if same_level else "",
        level_why=state.level_why if same_level else Reason(),
        skipped=state.skipped if same_level else (),
        refreshed=state.refreshed and same_level,
        baseline_at=_until(state.baseline_at, at),
        left=state.left,
    )


def _until(moment: datetime | None, at: datetime) -> datetime | None:
    """Return a moment that had come by ``at``, else nothing."""
    return moment if moment is not None and moment <= at else None


def _level(row: tuple[str, object]) -> tuple[int, datetime] | None:
    kind, _, rest = row[0].partition(":")
    if kind != "level":
        return None
    _, entered_at, number = rest.rsplit(":", 2)
    return int(number), datetime.strptime(entered_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
