"""Rewind a situation to an earlier moment, from what is stored: later events, writes of ours, rows and state go.

Only what was stored is told here; ``retrace`` decides again what is not stored, the state between two decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from connector.domain.acts import priority_named
from connector.domain.change import Field, FieldChange
from connector.domain.events import EventKind, Role, TicketEvent
from connector.domain.occasion import Outcome, SaidRows, level
from connector.domain.reason import Reason
from connector.domain.site import HOLD_UNTIL
from connector.domain.situation import Applied, EscalationState, Situation
from connector.domain.ticket import Status, Ticket

_DAY = timedelta(hours=24)

_FIELDS: dict[EventKind, tuple[str, Callable[[str], Any]]] = {
    EventKind.STATUS: ("status", Status),
    EventKind.PRIORITY: ("priority", priority_named),
    EventKind.GROUP: ("group", str),
    EventKind.ASSIGNEE: ("assignee", str),
    EventKind.LABELS: ("labels", lambda text: frozenset(text.split())),
}

_WRITTEN: dict[Field, Callable[[str], Any]] = {
    Field.PRIORITY: priority_named,
    Field.PATH: str,
    Field.LEVEL: int,
    Field.GROUP: str,
    Field.ASSIGNEE: str,
}


class OwnWrite(NamedTuple):
    """One write of ours that the helpdesk confirmed.

    Attributes:
        at: When it was sent, by the helpdesk's clock; aware, UTC.
        fields: Each field from what it was to what it became.
        speaks: A comment went with it.
    """

    at: datetime
    fields: tuple[FieldChange, ...] = ()
    speaks: bool = False


def rewind(
    situation: Situation, at: datetime, writes: Sequence[OwnWrite] = (), *, acted: datetime | None = None
) -> Situation:
    """Return ``situation`` as it stood at ``at``: later events, rows, writes and state are taken back.

    What we did ourselves is taken back after ``acted``, where that is earlier: a pass decides before it writes.

    A write of ours leaves no event before the vendor's history is read, so ``writes`` tells of them, in any order.
    Fields without events of their own (facts other than impact and urgency, the text) keep their present value. The
    level comes from the rows of levels entered until then, and what the state does not tell of then is left out.
    """
    done = at if acted is None else acted
    said = {name: row for name, row in situation.said.items() if row.at <= done}
    notes = [write.at for write in writes if write.speaks and write.at <= done]
    events = situation.history.events
    later = [event for event in events if event.at > (done if event.actor.role is Role.OURS else at)]
    kept = set(map(id, later))
    return replace(
        situation,
        ticket=_ticket(situation.ticket, later, [write for write in writes if write.at > done], at),
        history=replace(situation.history, events=tuple(event for event in events if id(event) not in kept)),
        state=_state(situation.state, situation.said, at),
        said=said,
        applied=_applied(situation, writes, done),
        notes_today=sum(note > at - _DAY for note in notes),
        last_note_at=max(notes, default=None),
        halted="",
        resumed_at=_until(situation.resumed_at, at),
    )


def _ticket(ticket: Ticket, events: Sequence[TicketEvent], writes: Iterable[OwnWrite], at: datetime) -> Ticket:
    """Return the ticket with what came later taken back, the latest first.

    A change of ours may stand in the helpdesk's history as well; taking it back twice leads to the same value.
    """
    now: dict[str, Any] = {field.value: getattr(ticket, field.value) for field in _WRITTEN}
    now |= {"labels": ticket.labels, "facts": dict(ticket.facts)}
    steps = [step for event in reversed(events) for step in _of_event(event)]
    steps += [step for write in writes for step in _of_write(write)]
    steps.sort(key=lambda step: step.at, reverse=True)
    for _, group in groupby(steps, key=lambda step: step.at):
        _take_back(list(group), now)
    native = tuple(reading for reading in ticket.native if reading.read_at <= at)
    return replace(ticket, updated_at=min(ticket.updated_at, at), native=native, **now)


class _Step(NamedTuple):
    """One value of the ticket from ``before`` to ``after``; ``fact``: the name of an input."""

    at: datetime
    name: str
    before: Any
    after: Any
    fact: str = ""


def _take_back(steps: list[_Step], now: dict[str, Any]) -> None:
    """Take back what happened at one moment: helpdesks name whole seconds, so the values tell which came last."""
    while steps:
        last = next((step for step in steps if not step.fact and now.get(step.name) == step.after), steps[0])
        steps.remove(last)
        if last.fact:
            now["facts"].pop(last.fact, None)
            now["facts"] |= {last.fact: last.before} if last.before else {}
        elif last.name == _ADDED:
            now["labels"] = now["labels"] - (last.after - last.before)
        else:
            now[last.name] = last.before


_ADDED = "labels added"


def _of_event(event: TicketEvent) -> Iterator[_Step]:
    at, before, after = event.at, event.before, event.after
    if event.kind is EventKind.FACT and event.name == HOLD_UNTIL:
        yield _Step(at, "held_until", _moment(before), _moment(after))
    elif event.kind is EventKind.FACT:
        yield _Step(at, "facts", before, after, event.name)
    elif event.kind in _FIELDS:
        name, read = _FIELDS[event.kind]
        then, since = (read(text) if text else _empty(name) for text in (before, after))
        yield _Step(at, name, then, since)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _of_write(write: OwnWrite) -> Iterator[_Step]:
    for change in write.fields:
        if change.field is Field.LABELS:  # ours are only ever added
            added, known = (frozenset((text or "").split()) for text in (change.after, change.before))
            yield _Step(write.at, _ADDED, known, added)
        elif (read := _WRITTEN.get(change.field)) is not None:
            was, became = (read(text) if text else None for text in (change.before, change.after))
            yield _Step(write.at, change.field.value, was, became)


def _empty(name: str) -> object:
    return {"status": Status.NEW, "labels": frozenset()}.get(name)


def _applied(situation: Situation, writes: Sequence[OwnWrite], at: datetime) -> dict[Field, Applied]:
    """Return the last value that we had written to each field by then."""
    found = {field: row for field, row in situation.applied.items() if row.at <= at}
    for write in sorted(writes, key=lambda each: each.at):
        for change in write.fields:
            kept = found.get(change.field)
            if write.at <= at and (kept is None or kept.at < write.at):
                found[change.field] = Applied(value=change.after, at=write.at)
    return found


def _state(state: EscalationState, said: SaidRows, at: datetime) -> EscalationState:
    """Return the state as of ``at``; what began later has not begun, and what is not known is as if never decided."""
    entry = last_level(said, at)
    _, number, entered_at = entry if entry is not None else ("", 0, None)
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
        decided_at=min(state.decided_at, at) if judged and state.decided_at is not None else None,
        stated_priority=state.stated_priority,
        rose_at=_until(state.rose_at, at),
        level_reason=state.level_reason if same_level else "",
        level_why=state.level_why if same_level else Reason(),
        skipped=state.skipped if same_level else (),
        refreshed=state.refreshed and same_level,
        baseline_at=_until(state.baseline_at, at),
        left=state.left,
        began_at=state.began_at,
        floor=state.floor,
    )


def _until(moment: datetime | None, at: datetime) -> datetime | None:
    """Return a moment that had come by ``at``, else nothing."""
    return moment if moment is not None and moment <= at else None


class LevelEntry(NamedTuple):
    """A level that was entered, by the name of its row."""

    path: str
    number: int
    entered_at: datetime


TOLD = frozenset({Outcome.DONE, Outcome.WOULD_DO, Outcome.SILENCED})
"""What became of a level's row where the level was really entered."""


def last_level(said: SaidRows, at: datetime) -> LevelEntry | None:
    """Return the level that was entered last by ``at``, as the rows tell; ``None`` where they tell of none."""
    rows = (name for (name, _), row in said.items() if row.at <= at and row.outcome in TOLD)
    return max((entry for entry in level_entries(rows) if entry.entered_at <= at), key=entry_order, default=None)


def first_told(said: SaidRows, entry: LevelEntry) -> datetime:
    """Return when the level was first written or noted: as near as the rows tell to the pass that entered it."""
    about = str(level(entry.path, entry.entered_at, entry.number))
    return min((row.at for (name, _), row in said.items() if name == about), default=entry.entered_at)


def entry_order(entry: LevelEntry) -> tuple[datetime, int]:
    """Return what levels are ordered by: when they were entered."""
    return entry.entered_at, entry.number


def level_entries(names: Iterable[str]) -> Iterator[LevelEntry]:
    """Yield the levels among the names of occasions."""
    for name in names:
        kind, _, rest = name.partition(":")
        if kind == "level":
            path, entered_at, number = rest.rsplit(":", 2)
            moment = datetime.strptime(entered_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            yield LevelEntry(path, int(number), moment)
