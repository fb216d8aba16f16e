"""Foresee how a ticket will stand if nobody does anything: decide whenever it falls due, as if all were written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.change import Field, Write
from connector.domain.decide import decide
from connector.domain.decision import TicketPlan
from connector.domain.occasion import Outcome, Said
from connector.domain.plan import plan
from connector.domain.policy import Policy
from connector.domain.site import Effect
from connector.domain.situation import Applied, Situation
from connector.domain.written import as_written, live_value

MOST_DECISIONS = 1000
"""Decisions that are made ahead at most."""

_DAY = timedelta(hours=24)


def foresee(situation: Situation, policy: Policy, *, since: datetime, at: datetime) -> tuple[Situation, datetime]:
    """Return the situation at ``at`` as it comes of ``situation`` at ``since``, and up to when it was foreseen.

    Every plan counts as written at its moment, unless the site stands still; budgets and refusals are not foreseen. The
    moment is ``at``, or an earlier one where more decisions would have been needed than are made ahead.
    """
    notes = _notes_so_far(situation)
    now = since
    for _ in range(MOST_DECISIONS):
        decision = decide(situation, policy, now)
        made = plan(decision, situation)
        notes += [] if situation.halted else [now] * len(made.notices)
        situation = replace(_taken(situation, made, now), state=decision.state)
        due_at = decision.next_due_at
        if due_at is None or due_at > at:
            return _with_notes(situation, notes, at), at
        now = due_at
        situation = _with_notes(situation, notes, now)
    return situation, now


def _notes_so_far(situation: Situation) -> list[datetime]:
    """Return when each of the last day's notes was written: as the rows tell it, as the last one where none does."""
    said = {(row.at, audience) for (_, audience), row in situation.said.items() if _is_note(row, audience)}
    last = sorted(at for at, _ in said)[-situation.notes_today :] if situation.notes_today else []
    untold = situation.notes_today - len(last)
    return last + ([situation.last_note_at] * untold if situation.last_note_at is not None else [])


def _is_note(row: Said, audience: Effect) -> bool:
    return row.outcome is Outcome.DONE and audience in {Effect.NOTES, Effect.PUBLIC}


def _with_notes(situation: Situation, notes: list[datetime], now: datetime) -> Situation:
    recent = sum(note > now - _DAY for note in notes)
    return replace(situation, notes_today=recent, last_note_at=max(notes, default=situation.last_note_at))


def _taken(situation: Situation, made: TicketPlan, now: datetime) -> Situation:
    """Return the situation after a plan: its rows stored, and where the site may be written its writes made."""
    said, applied = dict(situation.said), dict(situation.applied)
    for record in made.records:
        known = said.get((str(record.occasion), record.audience))
        if known is None or not known.outcome.is_final:
            said[str(record.occasion), record.audience] = Said(outcome=record.outcome, at=record.at)
    for name in made.adopted:
        applied[name] = Applied(value=live_value(situation.ticket, name), at=now, baseline=True)
    if situation.halted:
        return replace(situation, said=said, applied=applied)
    said |= {key: Said(outcome=Outcome.DONE, at=now) for key in _spoken(made)}
    applied |= {change.field: Applied(value=change.after, at=now) for change in made.fields}
    ticket = as_written(situation.ticket, _write(situation, made), version="")
    return replace(situation, ticket=ticket, said=said, applied=applied)


def _spoken(made: TicketPlan) -> Iterator[tuple[str, Effect]]:
    for change in made.fields:
        yield str(change.occasion), change.field.effect
    for notice in made.notices:
        yield from ((str(about), notice.audience) for about in (notice.occasion, *notice.covers))


def _write(situation: Situation, made: TicketPlan) -> Write:
    fields = tuple(change for change in made.fields if change.field is not Field.NEXT_DUE)
    return Write(ref=situation.ticket.ref, key="", seen=situation.ticket.version, fields=fields)
