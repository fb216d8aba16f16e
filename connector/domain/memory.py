"""What is remembered about a ticket between passes; a state in which nothing changed is the same object."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connector.domain.copying import changed
from connector.domain.events import EventKind
from connector.domain.ownership import Holding
from connector.domain.priority import Judgement
from connector.domain.situation import EscalationState, Situation
from connector.domain.ticket import Priority
from connector.domain.triggers import TriggerReading
from connector.domain.unread import waits_since
from connector.domain.view import View


def with_priority(
    situation: Situation, judgement: Judgement, *, triggers: TriggerReading, holding: Holding, now: datetime
) -> EscalationState:
    """Return the state with the effective priority and the faster targets in it, and since when they apply.

    The clocks read it. The policy's hash is still the old one, by which they see that another policy was loaded.
    """
    state, effective = situation.state, judgement.verdict.effective
    variant = triggers.variant if triggers.hits else None
    if state.decided_at is not None and effective is state.priority and variant == state.variant:
        return state
    changes: dict[str, Any] = {}
    if _is_first(state) or effective is not state.priority:
        since = _priority_since(situation, effective, holding, now)
        changes |= {"priority": effective, "priority_since": since}
    if variant != state.variant:
        changes |= {"variant": variant, "variant_since": _variant_since(state, triggers, variant, now)}
    return changed(state, **changes)


def _priority_since(
    situation: Situation, effective: Priority | None, holding: Holding, now: datetime
) -> datetime | None:
    """Return since when the priority applies: the first answer of all counts from the opening, or since it was set.

    So does one that we lowered: only a rise gives a target the time that counts from it.
    """
    if effective is None:
        return None
    if _is_first(situation.state):
        named = str(effective)
        changes = [e.at for e in situation.history.events if e.kind is EventKind.PRIORITY and e.after == named]
        return max((at for at in changes if at <= now), default=situation.ticket.opened_at)
    held = holding.priority
    if held is None and not effective.is_above(situation.state.priority):
        return situation.ticket.opened_at
    return held.since if held is not None and held.value is effective and held.since <= now else now


def _is_first(state: EscalationState) -> bool:
    """True until there has been an answer: one that waited for the ticket's history was none."""
    return state.decided_at is None or state.unread


def _variant_since(
    state: EscalationState, triggers: TriggerReading, variant: str | None, now: datetime
) -> datetime | None:
    """Return since when a trigger asks for faster targets; ``None`` where it always has."""
    if variant is None or state.decided_at is None:
        return None
    asked_before = any(t.name in state.active_triggers for t in triggers.hits if t.targets == variant)
    return None if asked_before else now


def settled(view: View, state: EscalationState, *, waits: bool = False, told: bool = False) -> EscalationState:
    """Return the state to store; ``state`` is what the path made of the view's.

    ``waits``: something waits for the ticket's history; ``told``: people are told now that it has done so for long.
    """
    before = view.situation.state
    waiting = (
        ("unread_since", waits_since(before, view.now) if waits else None),
        ("unread_told", waits and (told or before.unread_told)),
    )
    present = (*_present(view, before), *waiting)
    changes = {name: value for name, value in present if getattr(state, name) != value}
    if before.policy_hash != view.policy.hash:
        since = view.now if before.policy_hash else view.situation.ticket.opened_at
        changes |= {"policy_hash": view.policy.hash, "policy_since": since}
    if not changes and state is before:
        return before
    if before.decided_at is None:
        return changed(state, **changes, decided_at=view.now)
    kept = changed(state, **changes, decided_at=before.decided_at)
    return kept if kept == before else changed(kept, decided_at=view.now)


def _present(view: View, before: EscalationState) -> tuple[tuple[str, Any], ...]:
    judged = view.judgement
    return (
        ("candidate_priority", judged.candidate),
        ("candidate_since", judged.candidate_since),
        ("stated_priority", judged.stated if judged.stated is not None else before.stated_priority),
        ("rose_at", view.holding.rose_at),
        ("wanted_last", judged.flapping.last),
        ("wanted_changes", judged.flapping.changes),
        ("flapping_since", judged.flapping.since),
        ("standoffs", view.holding.standoffs),
        ("silent", _silent(view)),
        ("unread", judged.waits and bool(judged.left)),
        ("active_triggers", before.active_triggers if _waits(view, before) else _active(view)),
    )


def _silent(view: View) -> str:
    """Return why the ticket says nothing of itself, empty where it speaks.

    One that only waits for a comment to be read leaves its voice to nobody else.
    """
    if view.holding.ticket is not None and not view.holding.waits:
        return "it is held"
    return "it is paused" if view.paused else ""


def _waits(view: View, before: EscalationState) -> bool:
    """True while a hold keeps a new trigger from having its effect; it stays new until then."""
    return view.holding.ticket is not None and before.decided_at is not None


def _active(view: View) -> frozenset[str]:
    hits = view.triggers.hits
    return frozenset(trigger.name for trigger in hits) if hits else _NONE


_NONE: frozenset[str] = frozenset()
