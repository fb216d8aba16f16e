"""Acknowledging a level: a person with an agent's role shows that somebody is at it.

Assigning themselves, a comment by a member of the level's target, ``/esc ack``, or moving the status forward. Neither
our own acts nor those of automations nor reactions to us count. Nor does what was done before a reopening or, unless
whoever did it is assigned, before the requester's answer ended a pause.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connector.domain.acts import command_of
from connector.domain.copying import changed
from connector.domain.events import CLOCKS_DIFFER, EventKind, EventSource, Role, TicketEvent
from connector.domain.ownership import latest, told
from connector.domain.policy import Level, Path
from connector.domain.reaching import reach_of
from connector.domain.resuming import reopened_at
from connector.domain.situation import EscalationState, Situation
from connector.domain.ticket import Status
from connector.domain.timer import present_level
from connector.domain.view import View

_COULD_ACKNOWLEDGE = frozenset({EventKind.ASSIGNEE, EventKind.COMMENT, EventKind.STATUS, EventKind.COMMAND})
_FORWARD: Mapping[str, int] = {
    Status.NEW: 0,
    Status.OPEN: 1,
    Status.ON_HOLD: 2,
    Status.WAITING_OUTSIDE: 2,
    Status.WAITING_CUSTOMER: 2,
    Status.SOLVED: 3,
    Status.CLOSED: 4,
}


def acknowledged(view: View, state: EscalationState) -> EscalationState:
    """Return the state with the act that acknowledges its level, if there has been one."""
    level = present_level(state)
    if level is None or state.acknowledged_at is not None or state.entered_at is None:
        return state
    since = latest(state.entered_at, reopened_at(view)) or state.entered_at
    found = acknowledgement(view.situation, level, since=since, now=view.now, answered_at=view.acts.answered_at)
    if found is None:
        return state
    event, how = found
    return changed(state, acknowledged_at=event.at, acknowledged_by=f"{told(event, view.situation.people)}, {how}")


def acknowledgement(
    situation: Situation, level: Level, *, since: datetime, now: datetime, answered_at: datetime | None = None
) -> tuple[TicketEvent, str] | None:
    """Return the first act after ``since`` that acknowledges ``level``, and what it was.

    What was done before ``answered_at``, when a pause ended, counts as long as whoever did it is assigned.
    """
    for event in situation.history.events:
        if since < event.at <= now and event.actor.role is Role.AGENT and event.counts:
            how = _how(event, situation, level)
            if how and (answered_at is None or event.at >= answered_at or _is_assigned(event, situation)):
                return event, how
    return None


def _is_assigned(event: TicketEvent, situation: Situation) -> bool:
    return situation.ticket.assignee in names_of(event.actor.id, situation)


def taken_by_assignee(situation: Situation, path: Path | None, *, since: datetime) -> TicketEvent | None:
    """Return the present assignee's own first act after ``since`` that acknowledges some level of the path, if any."""
    assignee = situation.ticket.assignee
    if assignee is None or path is None:
        return None
    agents = (e for e in situation.history.events if e.at > since and e.actor.role is Role.AGENT and e.counts)
    own = (event for event in agents if assignee in names_of(event.actor.id, situation))
    return next((event for event in own if any(_how(event, situation, level) for level in path.levels)), None)


def _how(event: TicketEvent, situation: Situation, level: Level) -> str:
    match event.kind:
        case EventKind.ASSIGNEE if event.after is not None and event.after in names_of(event.actor.id, situation):
            return "assigned themselves"
        case EventKind.COMMENT if names_of(event.actor.id, situation) & _members(level, situation):
            return "commented"
        case EventKind.COMMAND if event.public is not True and command_of(event)[0] == "ack":
            return "/esc ack"
        case EventKind.STATUS if _moved_forward(event):
            return f"set the status to {event.after}"
        case _:
            return ""


def names_of(account: str, situation: Situation) -> frozenset[str]:
    """Return every form in which an account may stand in a field: bare, ``id:…`` and its bound name."""
    bound = situation.people.get(account)
    return frozenset(filter(None, (account, f"id:{account}", bound)))


def _members(level: Level, situation: Situation) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for target in filter(None, (level.target, level.fallback)):
        reach = reach_of(target, situation)
        found |= reach.member_ids | frozenset(filter(None, (reach.person,)))
    return found


def _moved_forward(event: TicketEvent) -> bool:
    before, after = _FORWARD.get(event.before or ""), _FORWARD.get(event.after or "")
    return before is not None and after is not None and after > before


def needs_history(situation: Situation) -> bool:
    """True when only the vendor's history can tell whether the running level was acknowledged, or the ticket paused.

    That is so when somebody unknown did what would acknowledge it, had an agent done it; and when somebody unknown
    changed the status since the path started, or without a path since we last spoke: a helpdesk that answers our own
    comment pauses no clock.
    """
    state = situation.state
    since = _heard_since(situation)
    if since is None:
        return False
    events = (e for e in situation.history.events if not e.is_elsewhere)  # another ticket's is asked for by that one
    untold = (e for e in events if e.source is EventSource.DELTA)  # a history that was read tells no more
    unknown = (e for e in untold if e.actor.role is Role.UNKNOWN and e.at > since and not e.reaction)
    return any(_might_pause(e) or _might_acknowledge(e, state) for e in unknown)


def _heard_since(situation: Situation) -> datetime | None:
    state, spoke_at = situation.state, situation.last_note_at
    if state.path is not None and state.entered_at is not None:
        return state.started_at or state.entered_at
    return None if spoke_at is None else spoke_at - CLOCKS_DIFFER


def _might_pause(event: TicketEvent) -> bool:
    return event.kind is EventKind.STATUS


def _might_acknowledge(event: TicketEvent, state: EscalationState) -> bool:
    if state.path is None or state.entered_at is None or state.acknowledged_at is not None:
        return False
    return event.at > state.entered_at and event.kind in _COULD_ACKNOWLEDGE
