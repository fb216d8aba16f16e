"""The plan: what of a decision really differs from what is live, and what the site's rules let through.

Three values are compared per field: what is live, what is wanted, and what we wrote last (``claims``). An effect that
is off leaves a row ``would-do``, once; a settled occasion is never acted upon again. A priority that is written once
more for the same reason as before has an occasion of its own, by which such writes are counted (``standoffs``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.domain.change import Change, Comment, Field, FieldChange, Notice, Notification
from connector.domain.claims import Claim, Standing, claim
from connector.domain.decision import Decision, FieldWant, LeftAlone, TicketPlan
from connector.domain.events import Actor, Role
from connector.domain.guard import Held, guard, order
from connector.domain.occasion import Occasion, Outcome, Record, Said, again
from connector.domain.site import Effect
from connector.domain.situation import Applied, Situation
from connector.domain.written import live_value

__all__ = ["Held", "change", "guard", "order", "plan"]

NEXT_DUE_EVERY = timedelta(hours=4)
NEXT_DUE_MOVED = timedelta(minutes=15)


@dataclass(slots=True)
class _Draft:
    """What accumulates while the wants of one ticket are compared with what is live."""

    fields: list[FieldChange] = field(default_factory=list)
    records: dict[tuple[str, Effect], Record] = field(default_factory=dict)
    adopted: list[Field] = field(default_factory=list)
    left: list[LeftAlone] = field(default_factory=list)
    would_write: list[FieldChange] = field(default_factory=list)
    would_say: list[Notice] = field(default_factory=list)
    fulfilled: dict[tuple[Occasion, Effect], bool] = field(default_factory=dict)


def plan(decision: Decision, situation: Situation) -> TicketPlan:
    """Return what a decision means for its ticket: writes in effects that are on, and rows to store."""
    draft = _Draft(left=list(decision.left))
    for record in decision.records:
        draft.records[str(record.occasion), record.audience] = record
    for want in decision.fields:
        _take_field(draft, want, decision, situation)
    _note_fulfilled(draft, decision, situation)
    notices = tuple(notice for notice in decision.notices if _take_notice(draft, notice, decision, situation))
    told, would_tell = _take_notifications(draft, decision, situation)
    fields = tuple(sorted(draft.fields, key=lambda change: _PLACE[change.field]))
    return TicketPlan(
        decision=decision,
        key=situation.ticket.key,
        seen=situation.ticket.version,
        fields=without_lone_rider(fields, decision, situation),
        notices=notices,
        records=tuple(draft.records.values()),
        adopted=tuple(draft.adopted),
        left=tuple(draft.left),
        would_write=tuple(sorted(draft.would_write, key=lambda change: _PLACE[change.field])),
        would_say=tuple(draft.would_say),
        notifications=told,
        would_notify=would_tell,
    )


_PLACE = {name: place for place, name in enumerate(Field)}


# ---- fields


def _take_field(draft: _Draft, want: FieldWant, decision: Decision, situation: Situation) -> None:
    allowed = situation.rules.allows(want.field.effect, situation.ticket.scope)
    if want.field.value in situation.rules.unwritable:
        return
    if want.field is Field.NEXT_DUE:
        draft.fields.extend([_next_due(want, situation)] if allowed else [])
        return
    live = live_value(situation.ticket, want.field)
    satisfied = _is_satisfied(want, live)
    _count_fulfilled(draft, want, satisfied=satisfied)
    match claim(_standing(want, decision, situation), satisfied=satisfied):
        case Claim.ADOPT:
            _adopt(draft, want, situation, live=live, allowed=allowed)
        case Claim.WRITE:
            _differ(draft, want, decision, situation, live=live)
        case Claim.OWNED:
            _leave(draft, want, live, decision.owned[want.field])
        case Claim.UNREADABLE:
            _leave(draft, want, live, "the live value is one that the site's map does not know")
        case _:
            ours = situation.applied[want.field]
            _leave(draft, want, live, f"changed by somebody since {ours.at:%Y-%m-%d %H:%M} UTC")


def _count_fulfilled(draft: _Draft, want: FieldWant, *, satisfied: bool) -> None:
    if want.once:
        about = want.occasion, want.field.effect
        draft.fulfilled[about] = draft.fulfilled.get(about, True) and satisfied


def _standing(want: FieldWant, decision: Decision, situation: Situation) -> Standing:
    """Return how a field stands. Whether a priority or an assignment is held was settled when it was decided."""
    ticket = situation.ticket
    return Standing(
        changed=_SOMEBODY if _was_taken_back(want, decision, situation) else None,
        owned=want.field in decision.owned,
        readable=want.field is not Field.PRIORITY or not ticket.foreign_priority,
    )


_SOMEBODY = Actor("", Role.UNKNOWN)


def _was_taken_back(want: FieldWant, decision: Decision, situation: Situation) -> bool:
    """True where somebody changed a path or level that we have written since this level was entered."""
    ours, entered_at = situation.applied.get(want.field), decision.state.entered_at
    if want.field not in {Field.LEVEL, Field.PATH} or ours is None or entered_at is None:
        return False
    return ours.value == want.value and ours.at >= entered_at


def _differ(draft: _Draft, want: FieldWant, decision: Decision, situation: Situation, *, live: str | None) -> None:
    """Take a want that is not met: written, noted as ``would-do``, or left with the reason."""
    effect = want.field.effect
    row = situation.said.get((str(want.occasion), effect))
    why = _settled(want, row)
    if why:
        _leave(draft, want, live, why)
    elif situation.rules.allows(effect, situation.ticket.scope):
        draft.fields.append(_change(_repeated(want, row, decision), live))
    elif row is None:
        draft.would_write.append(_change(want, live))
        _shadow(draft, want.occasion, effect, decision.now)


def _is_satisfied(want: FieldWant, live: str | None) -> bool:
    if want.field is Field.LABELS:
        return set(want.value.split()) <= set((live or "").split())
    return live == want.value


def _adopt(draft: _Draft, want: FieldWant, situation: Situation, *, live: str | None, allowed: bool) -> None:
    """Take a live value that already is what is wanted as ours. Labels are a set of many people's: never ours."""
    ours = situation.applied.get(want.field)
    if allowed and want.field is not Field.LABELS and (ours is None or ours.value != live):
        draft.adopted.append(want.field)


def _settled(want: FieldWant, row: Said | None) -> str:
    """Return why a want that is not met is not acted upon again, empty where it is."""
    if row is not None and row.outcome.is_final and (want.once or row.outcome is not Outcome.DONE):
        return f"{row.outcome} on {row.at:%Y-%m-%d %H:%M} UTC"
    return ""


def _repeated(want: FieldWant, row: Said | None, decision: Decision) -> FieldWant:
    """Return a priority that was written for this very reason before as a write that nothing new asks for."""
    if want.field is not Field.PRIORITY or row is None or row.outcome is not Outcome.DONE:
        return want
    return want._replace(occasion=again(want.field, decision.now))


def _leave(draft: _Draft, want: FieldWant, live: str | None, why: str) -> None:
    if not (want.once and why.startswith(Outcome.DONE)):
        draft.left.append(LeftAlone(what=f"{want.field} {live or '(none)'} -> {want.value}", why=why))


def _change(want: FieldWant, live: str | None) -> FieldChange:
    return FieldChange(field=want.field, before=live, after=want.value, reason=want.reason, occasion=want.occasion)


def _shadow(draft: _Draft, about: Occasion, effect: Effect, at: datetime) -> None:
    key = str(about), effect
    draft.records.setdefault(key, Record(occasion=about, audience=effect, outcome=Outcome.WOULD_DO, at=at))


def _note_fulfilled(draft: _Draft, decision: Decision, situation: Situation) -> None:
    """Settle what is to be written once and stands already, so that a later change by a person is not undone."""
    for (about, effect), satisfied in draft.fulfilled.items():
        key = str(about), effect
        if satisfied and key not in situation.said and situation.rules.allows(effect, situation.ticket.scope):
            row = Record(occasion=about, audience=effect, outcome=Outcome.DONE, at=decision.now)
            draft.records.setdefault(key, row)


# ---- riders


def _next_due(want: FieldWant, situation: Situation) -> FieldChange:
    ours = situation.applied.get(Field.NEXT_DUE)
    return _change(want, ours.value if ours is not None else None)


def without_lone_rider(
    fields: tuple[FieldChange, ...], decision: Decision, situation: Situation
) -> tuple[FieldChange, ...]:
    """Return the changes without a ``next due`` that has not moved, or that alone would cause a write too early.

    The first one goes along with another write, or alone when the ticket is old enough for one of its own.
    """
    rider = next((change for change in fields if change.field is Field.NEXT_DUE), None)
    if rider is None:
        return fields
    ours = situation.applied.get(Field.NEXT_DUE)
    others = tuple(change for change in fields if change is not rider)
    if ours is None:
        since = situation.ticket.opened_at
        return fields if others or decision.now - since >= NEXT_DUE_EVERY else ()
    if ours.value == rider.after or not (others or _moved(ours, rider, decision.now)):
        return others
    return fields


def _moved(ours: Applied, rider: FieldChange, now: datetime) -> bool:
    if now - ours.at < NEXT_DUE_EVERY:
        return False
    if ours.value is None or rider.after is None:
        return True
    return abs(datetime.fromisoformat(rider.after) - datetime.fromisoformat(ours.value)) > NEXT_DUE_MOVED


# ---- notices


def _take_notice(draft: _Draft, notice: Notice, decision: Decision, situation: Situation) -> bool:
    """Note a notice as ``would-do`` where its effect is off; return whether it is to be written."""
    if situation.rules.allows(notice.audience, situation.ticket.scope):
        return True
    if (str(notice.occasion), notice.audience) not in situation.said:
        draft.would_say.append(notice)
    for about in (notice.occasion, *notice.covers):
        if (str(about), notice.audience) not in situation.said:
            _shadow(draft, about, notice.audience, decision.now)
    return False


_Notifications = tuple[Notification, ...]


def _take_notifications(
    draft: _Draft, decision: Decision, situation: Situation
) -> tuple[_Notifications, _Notifications]:
    """Return what goes to the outbox now, and what shadow would have told; both are settled with their rows."""
    on = situation.rules.allows(Effect.NOTES, situation.ticket.scope)
    outcome = Outcome.DONE if on else Outcome.WOULD_DO
    for each in decision.notifications:
        row = Record(occasion=each.occasion, audience=Effect.NOTES, outcome=outcome, at=decision.now)
        draft.records.setdefault((str(each.occasion), Effect.NOTES), row)
    return (decision.notifications, ()) if on else ((), decision.notifications)


# ---- the change


def change(ticket_plan: TicketPlan, comments: Sequence[Comment], situation: Situation) -> Change | None:
    """Return the one change that a plan makes of a ticket, with its rendered comments; ``None``: nothing to write."""
    if not ticket_plan.fields and not comments:
        return None
    decision = ticket_plan.decision
    return Change(
        ref=decision.ref,
        key=situation.ticket.key,
        seen=situation.ticket.version,
        fields=ticket_plan.fields,
        comments=tuple(comments),
        severity=decision.severity,
        deadline=decision.deadline,
        hard=decision.hard,
        riders=decision.riders,
    )
