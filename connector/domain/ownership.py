"""People first: what somebody decided stands until a reason changes.

The priority at creation is nobody's decision. A later change by anyone but us holds until an input rises, until
``/esc release``, or until the policy's cap. A label, a field with a moment and ``/esc hold 4h`` hold the whole ticket:
nothing is raised, assigned or said meanwhile. A hold of more than thirty days is refused, in whatever way it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from connector.domain.acts import LONGEST_HOLD, Acts, priority_named, read_acts
from connector.domain.acts import latest as latest  # noqa: PLC0414 - asked for here as well
from connector.domain.change import Field
from connector.domain.claims import STANDING, Standing, claim
from connector.domain.events import Actor, EventKind, EventSource, Role, TicketEvent
from connector.domain.policy import Policy
from connector.domain.situation import Situation
from connector.domain.standoffs import Conflict, Looping, conflicts, looping
from connector.domain.ticket import Priority, Status
from connector.domain.triggers import TriggerReading
from connector.domain.unread import COMMENT, unread_comment


class Holding(NamedTuple):
    """Who holds what.

    Attributes:
        priority: The person's priority that stands.
        ticket: The hold of the whole ticket.
        freed_at: When the last hold of the whole ticket ended; a level then has a fresh interval.
        rose_at: When an input last rose.
        renewed_at: The last moment that ended a hold: a rise, a release, a cap that ran out.
        expires: Future moments at which a hold ends by itself.
        conflicts: Fields that another program owns.
        looping: Our own writes went round in circles; it holds the whole ticket.
        waits: What holds the whole ticket is a comment that is not read yet: nobody has asked for anything.
    """

    priority: HeldPriority | None = None
    ticket: HeldTicket | None = None
    freed_at: datetime | None = None
    rose_at: datetime | None = None
    renewed_at: datetime | None = None
    expires: tuple[datetime, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    looping: Looping | None = None
    waits: bool = False

    @property
    def standoffs(self) -> tuple[str, ...]:
        """Return in words where we stopped by ourselves, until a person releases the ticket."""
        return (*map(str, self.conflicts), *([str(self.looping)] if self.looping else []))

    def owner_of(self, field: Field) -> str:
        """Return in words which other program owns a field, empty for none."""
        return next((str(conflict) for conflict in self.conflicts if conflict.field is field), "")


class HeldPriority(NamedTuple):
    """A priority that a person set and that stands."""

    value: Priority
    since: datetime
    by: str
    until: datetime | None


class HeldTicket(NamedTuple):
    """A hold of the whole ticket, by label, field or command; ``until`` is ``None`` while the label stays on.

    ``waits`` marks what only keeps it until a comment is read.
    """

    since: datetime
    by: str
    until: datetime | None
    waits: bool = False


NOTHING_HELD = Holding()


def read_holding(
    situation: Situation, policy: Policy, *, acts: Acts, triggers: TriggerReading, now: datetime
) -> Holding:
    """Return what is held at ``now``."""
    new_at = now if has_new_trigger(situation, policy, triggers) else None
    rose_at = latest(situation.state.rose_at, acts.rose_at, new_at)
    loop = looping(situation, released_at=acts.released_at)
    unread = unread_comment(situation, released_at=acts.released_at)
    known = rose_at is None and loop is None and unread is None and not situation.merged
    if known and not _may_hold(situation, acts):
        return NOTHING_HELD
    ends = acts.priority.at + policy.priority.hold_cap if acts.priority and policy.priority.hold_cap else None
    priority = _held_priority(situation, acts, rose_at=rose_at, ends=ends, now=now)
    waits = (HeldTicket(since=unread.at, by=COMMENT, until=None, waits=True),) if unread is not None else ()
    holds = (*_ticket_holds(situation, acts, loop), *_merged_holds(situation, policy, acts, now=now), *waits)
    ticket = _longest([hold for hold in holds if hold.until is None or hold.until > now])
    over = tuple(hold.until for hold in holds if hold.until is not None and hold.until <= now)
    capped = ends if ends is not None and ends <= now else None
    untils = (priority.until if priority else None, ticket.until if ticket else None, acts.settles_at)
    return Holding(
        priority=priority,
        ticket=ticket,
        freed_at=latest(acts.freed_at, *over),
        rose_at=rose_at,
        renewed_at=latest(rose_at, acts.released_at, capped),
        expires=tuple(moment for moment in untils if moment is not None),
        conflicts=conflicts(situation, released_at=acts.released_at, now=now) if acts.contested else (),
        looping=loop,
        waits=ticket is not None and ticket.waits,
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
    renewed = (ended_at is not None and ended_at > event.at) or _overwritten(situation, event)
    if claim(Standing(changed=event.actor, renewed=renewed), satisfied=False) not in STANDING:
        return None
    return HeldPriority(value=live, since=event.at, by=told(event, situation.people), until=ends)


def _overwritten(situation: Situation, event: TicketEvent) -> bool:
    """True when the live priority is the one that we wrote after ``event``."""
    ours = situation.applied.get(Field.PRIORITY)
    live = situation.ticket.priority
    is_ours = ours is not None and not ours.baseline and ours.at > event.at and ours.value == str(live)
    return is_ours and priority_named(event.after) is not live


def _may_hold(situation: Situation, acts: Acts) -> bool:
    ticket = situation.ticket
    asked = acts.holds_anything or acts.contested or acts.settles_at is not None or ticket.held_until is not None
    return asked or situation.rules.hold_label in ticket.labels


def _ticket_holds(situation: Situation, acts: Acts, loop: Looping | None) -> Iterator[HeldTicket]:
    """Yield every hold of the whole ticket that was asked for and allowed, whether or not it is over."""
    ticket, label = situation.ticket, situation.rules.hold_label
    if loop is not None:
        yield HeldTicket(since=loop.since, by=str(loop), until=None)
    if label in ticket.labels:
        event = acts.labelled
        if _may_ask(event, situation):
            yield HeldTicket(since=event.at if event else ticket.opened_at, by=f"label {label}", until=None)
        else:
            acts.ignored.append(f"label {label}{_by(event, situation)}: only agents and programs may hold a ticket")
    if (set_by := _held_by_field(situation, acts)) is not None and ticket.held_until is not None:
        since, by = set_by
        if ticket.held_until - since <= LONGEST_HOLD:
            yield HeldTicket(since=since, by=f"field hold until{by}", until=ticket.held_until)
        else:
            acts.ignored.append(f"hold until {ticket.held_until:%Y-%m-%d %H:%M} UTC{by}: longer than 30 days")
    if acts.paused_by is not None and acts.hold_until is not None:
        by = f"/esc hold by {told(acts.paused_by, situation.people)}"
        yield HeldTicket(since=acts.paused_by.at, by=by, until=acts.hold_until)


def _merged_holds(situation: Situation, policy: Policy, acts: Acts, *, now: datetime) -> Iterator[HeldTicket]:
    """Yield what held the tickets that were merged into this one, each by its own acts.

    It goes on here until it ends by itself, or until somebody releases this ticket: the label of a ticket that is
    closed for good cannot be taken off.
    """
    for source in situation.merged:
        merged_at = _finished_at(source)
        if acts.released_at is not None and acts.released_at >= merged_at:
            continue
        theirs = read_acts(source, policy, now=now)
        for hold in _ticket_holds(source, theirs, None):
            yield hold._replace(by=f"{hold.by} on {source.ticket.key}, merged into this one")


def _finished_at(source: Situation) -> datetime:
    """Return when a ticket that was merged was finished: what people do here after that concerns its holds as well."""
    ends = (e.at for e in source.history.events if e.kind is EventKind.STATUS and e.after in _FINISHED)
    return max(ends, default=source.ticket.opened_at)


_FINISHED = frozenset(status.value for status in Status if status.is_finished)


def _held_by_field(situation: Situation, acts: Acts) -> tuple[datetime, str] | None:
    """Return since when and by whom the field holds the ticket; ``None`` where an outsider asked or it was released."""
    event = acts.hold_set
    since = event.at if event is not None else situation.ticket.opened_at
    if not _may_ask(event, situation) or (acts.released_at is not None and acts.released_at > since):
        return None
    return since, _by(event, situation)


def _by(event: TicketEvent | None, situation: Situation) -> str:
    return f" by {told(event, situation.people)}" if event is not None else ""


def _may_ask(event: TicketEvent | None, situation: Situation) -> bool:
    """True unless a label or field that holds comes from outside: a customer, a light agent, or nobody we know.

    What stands there from the beginning counts as its creator's. While only a delta tells of it anybody may have done
    it, so it holds until the history says who.
    """
    if event is not None and event.source is EventSource.DELTA and event.actor.role is Role.UNKNOWN:
        return True
    actor = event.actor if event is not None else _creator(situation)
    return actor.role not in _OUTSIDE and not (event is not None and actor.role is Role.UNKNOWN)


_OUTSIDE = frozenset({Role.CUSTOMER, Role.COLLABORATOR})


def _creator(situation: Situation) -> Actor:
    """Return who opened the ticket; while only deltas tell of it, nobody is presumed to be a customer."""
    created = next((e for e in situation.history.events if e.kind is EventKind.CREATED), None)
    is_told = created is not None and created.source is not EventSource.DELTA
    return created.actor if created is not None and is_told else Actor("", Role.UNKNOWN)


def _longest(holds: Sequence[HeldTicket]) -> HeldTicket | None:
    """Return the hold that lasts longest; a label's has no end."""
    endless = next((hold for hold in holds if hold.until is None), None)
    return endless or max(holds, key=lambda hold: hold.until or hold.since, default=None)


_ROLES = {Role.AUTOMATION: "an automation", Role.UNKNOWN: "somebody"}


def told(event: TicketEvent, people: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return who acted, as people read it: the name that the site's map binds, else the role and the account's id."""
    actor = event.actor
    if actor.id in people:
        return people[actor.id]
    who = _ROLES.get(actor.role, str(actor.role))
    return f"{who} (id {actor.id})" if actor.id else who


def touched_since(acts: Acts, stepped_at: datetime, hands_off: timedelta) -> TicketEvent | None:
    """Return the change of group or assignee that a level entered by the pass at ``stepped_at`` has to respect."""
    moved = acts.moved
    return moved if moved is not None and moved.at > stepped_at - hands_off else None
