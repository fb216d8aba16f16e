"""People first: what somebody decided stands until a reason changes.

The priority at creation is nobody's decision. A later change by anyone but us holds until an input rises, until
``/esc release``, or until the policy's cap. The label ``esc-hold`` and ``/esc hold 4h`` hold the whole ticket: nothing
is raised, assigned or said meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from connector.domain.acts import HOLD_LABEL, Acts, priority_named
from connector.domain.change import Field
from connector.domain.events import EventKind, Role, TicketEvent
from connector.domain.policy import Policy
from connector.domain.situation import Situation
from connector.domain.ticket import Priority
from connector.domain.triggers import TriggerReading


class Holding(NamedTuple):
    """Who holds what.

    Attributes:
        priority: The person's priority that stands.
        ticket: The hold of the whole ticket.
        freed_at: When the last hold of the whole ticket ended; a level then has a fresh interval.
        rose_at: When an input last rose.
        renewed_at: The last moment that ended a hold: a rise, a release, a cap that ran out.
        expires: Future moments at which a hold ends by itself.
    """

    priority: HeldPriority | None = None
    ticket: HeldTicket | None = None
    freed_at: datetime | None = None
    rose_at: datetime | None = None
    renewed_at: datetime | None = None
    expires: tuple[datetime, ...] = ()


class HeldPriority(NamedTuple):
    """A priority that a person set and that stands."""

    value: Priority
    since: datetime
    by: str
    until: datetime | None


class HeldTicket(NamedTuple):
    """A hold of the whole ticket, by label or command; ``until`` is ``None`` while the label stays on."""

    since: datetime
    by: str
    until: datetime | None


NOTHING_HELD = Holding()


def latest(*moments: datetime | None) -> datetime | None:
    """Return the latest of the moments that are given."""
    return max((moment for moment in moments if moment is not None), default=None)


def read_holding(
    situation: Situation, policy: Policy, *, acts: Acts, triggers: TriggerReading, now: datetime
) -> Holding:
    """Return what is held at ``now``."""
    new_at = now if has_new_trigger(situation, policy, triggers) else None
    rose_at = latest(situation.state.rose_at, acts.rose_at, new_at)
    labelled = HOLD_LABEL in situation.ticket.labels
    if rose_at is None and not labelled and not acts.holds_anything:
        return NOTHING_HELD
    ends = acts.priority.at + policy.priority.hold_cap if acts.priority and policy.priority.hold_cap else None
    priority = _held_priority(situation, acts, rose_at=rose_at, ends=ends, now=now)
    ticket = _held_ticket(situation, acts, labelled=labelled, now=now)
    over = tuple(moment for moment in (acts.hold_until,) if moment is not None and moment <= now)
    capped = ends if ends is not None and ends <= now else None
    untils = (priority.until if priority else None, ticket.until if ticket else None)
    return Holding(
        priority=priority,
        ticket=ticket,
        freed_at=latest(acts.freed_at, *over),
        rose_at=rose_at,
        renewed_at=latest(rose_at, acts.released_at, capped),
        expires=tuple(moment for moment in untils if moment is not None),
    )


def has_new_trigger(situation: Situation, policy: Policy, triggers: TriggerReading) -> bool:
    """True when a trigger hits that did not hit last time; on first sight nothing is known to be new.

    Neither is what hits because the policy was edited and the ticket was not: that ends nobody's hold.
    """
    state = situation.state
    if state.decided_at is None or all(trigger.name in state.active_triggers for trigger in triggers.hits):
        return False
    return state.policy_hash in {"", policy.hash} or _changed_since(situation, state.decided_at)


_READ_BY_TRIGGERS = frozenset({EventKind.LABELS, EventKind.FACT})


def _changed_since(situation: Situation, at: datetime) -> bool:
    events = situation.history.events
    return any(e.at >= at and e.kind in _READ_BY_TRIGGERS and e.counts for e in events)


def _held_priority(
    situation: Situation, acts: Acts, *, rose_at: datetime | None, ends: datetime | None, now: datetime
) -> HeldPriority | None:
    event, live = acts.priority, situation.ticket.priority
    if event is None or live is None or (ends is not None and ends <= now):
        return None
    ended_at = latest(rose_at, acts.released_at)
    if (ended_at is not None and ended_at > event.at) or _overwritten(situation, event):
        return None
    return HeldPriority(value=live, since=event.at, by=told(event, situation.people), until=ends)


def _overwritten(situation: Situation, event: TicketEvent) -> bool:
    """True when the live priority is the one that we wrote after ``event``."""
    ours = situation.applied.get(Field.PRIORITY)
    live = situation.ticket.priority
    is_ours = ours is not None and not ours.baseline and ours.at > event.at and ours.value == str(live)
    return is_ours and priority_named(event.after) is not live


def _held_ticket(situation: Situation, acts: Acts, *, labelled: bool, now: datetime) -> HeldTicket | None:
    if labelled:
        since = acts.labelled_at or situation.ticket.opened_at
        return HeldTicket(since=since, by=f"label {HOLD_LABEL}", until=None)
    if acts.paused_by is None or acts.hold_until is None or acts.hold_until <= now:
        return None
    return HeldTicket(
        since=acts.paused_by.at, by=f"/esc hold by {told(acts.paused_by, situation.people)}", until=acts.hold_until
    )


_ROLES = {Role.AUTOMATION: "an automation", Role.UNKNOWN: "somebody"}


def told(event: TicketEvent, people: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return who acted, as people read it: the name that the site's map binds, else the role and the account's id."""
    actor = event.actor
    if actor.id in people:
        return people[actor.id]
    who = _ROLES.get(actor.role, str(actor.role))
    return f"{who} (id {actor.id})" if actor.id else who


def touched_since(acts: Acts, entered_at: datetime, hands_off: timedelta) -> TicketEvent | None:
    """Return the change of group or assignee that a level entered at ``entered_at`` has to respect."""
    moved = acts.moved
    return moved if moved is not None and moved.at > entered_at - hands_off else None
