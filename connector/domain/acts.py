"""What people did to a ticket, read off its event log in one pass: commands, decisions, reopenings, rising inputs.

Only acts that count are looked at: neither ours nor reactions to us. A command counts only from an agent and only where
the requester could not read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from connector.domain.events import EventKind, Role, TicketEvent
from connector.domain.inputs import rank
from connector.domain.policy import Policy
from connector.domain.site import HOLD_UNTIL
from connector.domain.situation import Situation
from connector.domain.sla_targets import promise_of
from connector.domain.ticket import ClockName, Priority, Status

LONGEST_HOLD = timedelta(days=30)
USUAL_HOLD = timedelta(hours=4)

_UNIT = "min(?:ute)?s?|m|h(?:our)?s?|hrs?|d(?:ay)?s?|w(?:eek)?s?"
_LENGTH = re.compile(rf"(\d{{1,5}})\s*({_UNIT})(?![a-z])")
_LENGTHS = re.compile(rf"(?:\d{{1,5}}\s*(?:{_UNIT})(?![^\W\d_])\s*)+", re.IGNORECASE)
_UNITS = {
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@dataclass(slots=True)
class Acts:
    """The latest of each kind of act; ``None`` or empty where there was none.

    Attributes:
        priority: The last change of the priority by somebody else than us, after creation.
        first_priority: The first known change of the priority by anyone; its ``before`` is what was stated at creation.
        moved: The last change of group or assignee by somebody else.
        resumed_at: When the status last left a pause or a solved ticket.
        answered_at: When a pause last ended by somebody who is no agent: nobody here has taken up the answer yet.
        reopened_at: The last reopening.
        counted_at: Since when the last reopening counts; ``None`` while it does not.
        rose_at: The last reopening, or the last time that impact or urgency went up.
        paused_by: The last ``/esc hold`` with its length, unless released since; ``hold_until`` is its end.
        labelled: The last time that the label which holds a ticket was put on.
        freed_at: When a hold of the whole ticket last ended by release or by taking the label off.
        hold_set: The last change of the field that holds a ticket.
        settles_at: When a reopening that is too young to be one will count, if the ticket is still open then.
        contested: A program changed a field that we write.
        speaker: Who commented last, while the ticket was finished.
        status: The last status told, for events that do not say what was before.
        dismissed: Trigger → who dismissed it and why; ``dismissals`` holds the act itself.
        ignored: Commands that ask for what is not allowed or not known, in words.
    """

    priority: TicketEvent | None = None
    first_priority: TicketEvent | None = None
    moved: TicketEvent | None = None
    resumed_at: datetime | None = None
    answered_at: datetime | None = None
    reopened_at: datetime | None = None
    counted_at: datetime | None = None
    rose_at: datetime | None = None
    released_at: datetime | None = None
    paused_by: TicketEvent | None = None
    hold_until: datetime | None = None
    freed_at: datetime | None = None
    labelled: TicketEvent | None = None
    hold_set: TicketEvent | None = None
    settles_at: datetime | None = None
    speaker: Role | None = None
    contested: bool = False
    status: str | None = None
    dismissed: dict[str, str] = field(default_factory=dict)
    dismissals: dict[str, TicketEvent] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)

    @property
    def holds_anything(self) -> bool:
        """True when some act began or ended a hold."""
        return bool(self.priority or self.released_at or self.paused_by or self.freed_at or self.hold_set)


def read_acts(situation: Situation, policy: Policy, *, now: datetime) -> Acts:
    """Return what people did up to ``now``."""
    acts = Acts()
    opened_at = situation.ticket.opened_at
    reader = _Reader(situation, policy)
    for event in situation.history.events:
        if event.at > now:
            break
        kind = event.kind
        if kind is EventKind.COMMENT:
            acts.speaker = event.actor.role if event.counts else acts.speaker
            continue
        if kind is EventKind.PRIORITY and event.at > opened_at and acts.first_priority is None:
            acts.first_priority = event
        if kind in _CONTESTED and event.actor.role is Role.AUTOMATION:
            acts.contested = True
        if event.counts and (event.at > opened_at or kind is EventKind.LABELS):  # rules label what is being opened
            _take(acts, event, reader)
        if kind is EventKind.STATUS or kind is EventKind.CREATED:
            acts.status = event.after
    _settle(acts, now)
    return acts


_CONTESTED = frozenset({EventKind.PRIORITY, EventKind.GROUP, EventKind.ASSIGNEE})


class _Reader(NamedTuple):
    """What acts are read by."""

    situation: Situation
    policy: Policy

    def settles_at(self, at: datetime) -> datetime:
        """Return when a reopening by the requester counts; until then it may be a mere "thanks"."""
        rule = self.policy.sla.reopening(ClockName.RESOLUTION)
        if not rule.ignore_shorter_than:
            return at
        state, ticket = self.situation.state, self.situation.ticket
        if state.rose_at is not None and state.rose_at >= at:
            return state.rose_at  # it has counted already; another calendar since then makes it no second one
        priority = state.priority if state.priority is not None else ticket.priority
        promise = promise_of(self.policy, self.situation, priority=priority, variant=state.variant)
        return promise.calendar.add(at, rule.ignore_shorter_than)


def _settle(acts: Acts, now: datetime) -> None:
    """Let a reopening count whose time has come."""
    if acts.settles_at is not None and acts.settles_at <= now:
        acts.rose_at = latest(acts.rose_at, acts.settles_at)
        acts.counted_at, acts.settles_at = acts.settles_at, None


def latest(*moments: datetime | None) -> datetime | None:
    """Return the latest of the moments that are given."""
    return max((moment for moment in moments if moment is not None), default=None)


def _take(acts: Acts, event: TicketEvent, reader: _Reader) -> None:
    match event.kind:
        case EventKind.PRIORITY:
            acts.priority = event
        case EventKind.GROUP | EventKind.ASSIGNEE:
            acts.moved = event
        case EventKind.STATUS:
            _take_status(acts, event, reader)
        case EventKind.FACT:
            _take_fact(acts, event, reader.policy)
        case EventKind.LABELS:
            _take_labels(acts, event, reader.situation.rules.hold_label)
        case EventKind.COMMAND:
            _take_command(acts, event, reader.policy)
        case _:
            pass


def _take_status(acts: Acts, event: TicketEvent, reader: _Reader) -> None:
    before, after = _status(event.before or acts.status), _status(event.after)
    if before is None or after is None:
        return
    resting = _FINISHED | reader.policy.sla.pauses(ClockName.RESOLUTION)
    if before in resting and after not in resting:
        acts.resumed_at = event.at
        if not before.is_finished and event.actor.role is not Role.AGENT:
            acts.answered_at = event.at
    if before.is_finished and not after.is_finished:
        _take_reopening(acts, event, reader)
    elif after.is_finished and not before.is_finished:
        _settle(acts, event.at)
        acts.settles_at = acts.speaker = None


def _take_reopening(acts: Acts, event: TicketEvent, reader: _Reader) -> None:
    """A reopening counts at once; the requester's, when it is no mere "thanks"."""
    acts.reopened_at, acts.counted_at = event.at, None
    role = event.actor.role
    answered = role in {Role.AUTOMATION, Role.UNKNOWN} and acts.speaker is Role.CUSTOMER
    if role is Role.CUSTOMER or answered:
        acts.settles_at = reader.settles_at(event.at)
    else:
        acts.rose_at, acts.counted_at, acts.settles_at = event.at, event.at, None


_FINISHED = frozenset(status for status in Status if status.is_finished)


def _status(text: str | None) -> Status | None:
    return Status(text) if text in _STATUSES else None


_STATUSES = frozenset(Status)


def _take_fact(acts: Acts, event: TicketEvent, policy: Policy) -> None:
    if event.name == HOLD_UNTIL:
        acts.hold_set = event
        return
    before, after = (rank(policy, event.name, value) for value in (event.before, event.after))
    if after is not None and before is not None and after > before:
        acts.rose_at = event.at


def _take_labels(acts: Acts, event: TicketEvent, hold: str) -> None:
    before, after = (hold in (labels or "").split() for labels in (event.before, event.after))
    if after and not before:
        acts.labelled = event
    elif before and not after:
        acts.freed_at = event.at


def _take_command(acts: Acts, event: TicketEvent, policy: Policy) -> None:
    verb, words = command_of(event)
    if event.actor.role is not Role.AGENT or event.public is True:
        acts.ignored.append(f"/esc {verb} by {event.actor.role} {event.actor.id}: may not command here")
    elif verb == "dismiss":
        _take_dismissal(acts, event, words, policy)
    elif verb == "release":
        acts.released_at = acts.freed_at = event.at
        acts.paused_by = acts.hold_until = None
    elif verb == "hold":
        _take_hold(acts, event, " ".join(words))
    elif verb != "ack":
        why = "not a command, there are ack, dismiss, hold and release"
        acts.ignored.append(f"/esc {verb} by agent (id {event.actor.id}): {why}")


def command_of(event: TicketEvent) -> tuple[str, list[str]]:
    """Return the verb of an ``/esc`` line, whatever its case, and the words after it."""
    verb, *words = (event.after or "").removeprefix("/esc").split() or [event.name]
    return verb.casefold().rstrip(".,:;!"), words


def _take_dismissal(acts: Acts, event: TicketEvent, words: list[str], policy: Policy) -> None:
    """Take the dismissal of a trigger, whose name is known whatever its case."""
    asked = words[0].rstrip(".,:;") if words else ""
    name = next((t.name for t in policy.triggers if t.name.casefold() == asked.casefold()), None)
    if name is None:
        told = f"/esc dismiss {asked}".strip()
        acts.ignored.append(f"{told} by agent (id {event.actor.id}): the policy has no trigger of this name")
        return
    acts.dismissed[name], acts.dismissals[name] = _dismissal(event, words[1:]), event


def _dismissal(event: TicketEvent, reason: list[str]) -> str:
    said = f": {' '.join(reason)}" if reason else ""
    return f"by agent (id {event.actor.id}) on {event.at:%Y-%m-%d %H:%M} UTC{said}"


def _take_hold(acts: Acts, event: TicketEvent, length: str) -> None:
    asked = hold_length(length)
    if asked is None or asked > LONGEST_HOLD:
        acts.ignored.append(f"/esc hold {length} by agent (id {event.actor.id}): not a length of at most 30 days")
        return
    acts.paused_by, acts.hold_until = event, event.at + asked


def hold_length(text: str) -> timedelta | None:
    """Return the length that ``/esc hold`` asks for: ``4h``, ``2 days``, ``1d 4h``; four hours when it says nothing.

    What follows the length is the agent's reason. ``None`` for a text that begins with no length.
    """
    if not text:
        return USUAL_HOLD
    found = _LENGTHS.match(text)
    if found is None:
        return None
    parts = _LENGTH.findall(found[0].casefold())
    return sum((int(number) * _UNITS[unit[0]] for number, unit in parts), timedelta())


def priority_named(text: str | None) -> Priority | None:
    """Return the priority that an event names, ``None`` for none or one that the map does not know."""
    return Priority.__members__.get(text or "")
