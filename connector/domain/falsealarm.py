"""A path that a trigger named ends with the trigger, and the agent who ended it is at work on the ticket."""

from __future__ import annotations

from connector.domain.copying import changed
from connector.domain.decision import TriggerState
from connector.domain.events import EventKind, Role, TicketEvent
from connector.domain.ownership import told
from connector.domain.situation import EscalationState
from connector.domain.view import View

_ENDED = frozenset({TriggerState.DISMISSED, TriggerState.TAKEN_BACK})
_TAKES_BACK = frozenset({EventKind.LABELS, EventKind.FACT})


def false_alarm(view: View, state: EscalationState) -> str:
    """Return the trigger that names the running path and was dismissed or taken back since the last pass, or nothing.

    While a hold keeps everything as it is, it waits: the trigger counts as one that hit until then.
    """
    path = state.path
    if path is None or view.holding.ticket is not None or any(t.path == path.name for t in view.triggers.hits):
        return ""
    hit_before = view.situation.state.active_triggers
    ended = {v.name for v in view.triggers.verdicts if v.state in _ENDED and v.name in hit_before}
    return next((t.name for t in view.policy.triggers if t.name in ended and t.path == path.name), "")


def answered(view: View, state: EscalationState, trigger: str) -> EscalationState:
    """Return the state with its level acknowledged by the agent who ended the trigger, where it was one."""
    event = view.acts.dismissals.get(trigger) or _taking_back(view)
    if event is None or state.acknowledged_at is not None:
        return state
    how = "dismissed" if event.kind is EventKind.COMMAND else "took back"
    by = f"{told(event, view.situation.people)}, {how} trigger {trigger}"
    return changed(state, acknowledged_at=event.at, acknowledged_by=by)


def _taking_back(view: View) -> TicketEvent | None:
    """Return the last change of what ``unless`` reads since the last decision, where an agent made it."""
    decided_at = view.situation.state.decided_at
    events = (e for e in view.situation.history.events if e.kind in _TAKES_BACK and e.counts and e.at <= view.now)
    last = max((e for e in events if decided_at is None or e.at >= decided_at), key=lambda e: e.at, default=None)
    return last if last is not None and last.actor.role is Role.AGENT else None
