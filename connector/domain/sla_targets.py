"""Which SLA target and calendar apply to a ticket, and when a re-score last made its target stricter."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from connector.domain.calendar import Calendar
from connector.domain.events import EventKind, TicketEvent
from connector.domain.matching import Matcher, compile_when
from connector.domain.policy import CalendarChoice, Policy, Target
from connector.domain.situation import Situation
from connector.domain.ticket import Priority, Ticket

_PRIORITIES = {str(priority): priority for priority in Priority}


class Promise(NamedTuple):
    """What was promised: a target, if any applies, and the calendar that it runs on."""

    target: Target | None
    calendar: Calendar


class Rescore(NamedTuple):
    """The moment since which a stricter target applies, and why in words."""

    at: datetime
    why: str


def promise_of(policy: Policy, situation: Situation, *, priority: Priority | None, variant: str | None) -> Promise:
    """The first target that matches; without one the policy's default calendar still measures.

    A condition on text that is not read yet does not match.
    """
    ticket, hits = situation.ticket, situation.text_hits
    for target, meets in _targets(policy):
        if target.priority not in {None, priority} or target.variant not in {None, variant}:
            continue
        if meets(ticket, hits):
            return Promise(target=target, calendar=_calendar(policy, _calendar_name(target.calendar, ticket)))
    return Promise(target=None, calendar=_calendar(policy, policy.defaults.calendar))


def _targets(policy: Policy) -> tuple[tuple[Target, Matcher], ...]:
    found: tuple[tuple[Target, Matcher], ...] | None = policy.memo.get("sla targets")
    if found is None:
        found = tuple((target, compile_when(target.when)) for target in policy.sla.targets)
        policy.memo["sla targets"] = found
    return found


def _calendar(policy: Policy, name: str) -> Calendar:
    return policy.calendars.get(name) or policy.calendars[policy.defaults.calendar]


def _calendar_name(choice: CalendarChoice, ticket: Ticket) -> str:
    value = ticket.facts.get(choice.by) if choice.by else None
    return choice.default if value is None else choice.map.get(str(value), choice.default)


def rescored(
    situation: Situation, policy: Policy, *, priority: Priority | None, variant: str | None, now: datetime
) -> Rescore | None:
    """The latest rise of the priority, or beginning of a faster variant; None where the first answer still stands."""
    found = [_risen(situation, priority, now), _quickened(situation, policy, variant, now)]
    return max((r for r in found if r), key=lambda r: r.at, default=None)


def _risen(situation: Situation, priority: Priority | None, now: datetime) -> Rescore | None:
    if priority is None:
        return None
    at = (
        _rise_remembered(situation, priority, now)
        if situation.state.decided_at
        else _rise_recorded(situation, priority)
    )
    return Rescore(at=at, why=f"raised to {priority}") if at else None


def _rise_remembered(situation: Situation, priority: Priority, now: datetime) -> datetime | None:
    """By our own memory: the present decision raises, or an earlier one did.

    The first answer of all is remembered as standing since the opening, and is no rise.
    """
    state = situation.state
    if state.priority is not priority:
        return now if priority.is_above(state.priority) else None
    since = state.priority_since
    if since is None or since <= situation.ticket.opened_at:
        return None
    live, change = situation.ticket.priority, _last_change_to(situation, priority)
    falling = live is not None and live.is_above(priority)
    return None if falling or (change and not _rises(change)) else since


def _rise_recorded(situation: Situation, priority: Priority) -> datetime | None:
    """Without a memory of our own: by the helpdesk's history."""
    change = _last_change_to(situation, priority)
    return change.at if change and _rises(change) else None


def _last_change_to(situation: Situation, priority: Priority) -> TicketEvent | None:
    changes = [e for e in situation.history.events if e.kind is EventKind.PRIORITY and e.after == str(priority)]
    return changes[-1] if changes else None


def _rises(change: TicketEvent) -> bool:
    before, after = _PRIORITIES.get(change.before or ""), _PRIORITIES[change.after or ""]
    return after.is_above(before)


def _quickened(situation: Situation, policy: Policy, variant: str | None, now: datetime) -> Rescore | None:
    if variant is None:
        return None
    state = situation.state
    if state.variant == variant:
        at = state.variant_since
    else:
        asked = any(t.name in state.active_triggers for t in policy.triggers if t.targets == variant)
        at = now if state.decided_at and not asked else None
    return Rescore(at=at, why=f"faster targets {variant}") if at else None
