"""What the present level wants written: path, level and labels, and once its group or person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from connector.domain import occasion
from connector.domain.acknowledgement import taken_by_assignee
from connector.domain.change import Field
from connector.domain.decision import FieldWant, LeftAlone
from connector.domain.occasion import Occasion, Outcome, Record
from connector.domain.ownership import told, touched_since
from connector.domain.policy import AssignMode, Level, LevelTarget, TargetKind
from connector.domain.reaching import reach_of, reachable_target
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.timer import present_level
from connector.domain.unread import why_unassigned
from connector.domain.view import View


class LevelWants(NamedTuple):
    """Field values that the present level wants, rows of what it does not, and what is left to people.

    ``waits``: group and person are left until the ticket's history is in.
    """

    fields: tuple[FieldWant, ...] = ()
    records: tuple[Record, ...] = ()
    left: tuple[LeftAlone, ...] = ()
    waits: bool = False


class _Entry(NamedTuple):
    """The present level with the names that its wants share; ``stepped_at``: when a pass really entered it."""

    level: Level
    path: str
    stepped_at: datetime
    occasion: Occasion
    reason: str


_NOTHING = LevelWants()


def level_wants(view: View, state: EscalationState) -> LevelWants:
    """Return what the present level wants; a level that began before ``enforce_from`` stays unsaid."""
    level, path, entered_at = present_level(state), state.path, state.entered_at
    if level is None or path is None or entered_at is None:
        return _NOTHING
    about = occasion.level(path.name, entered_at, level.level)
    if not view.enforces(entered_at):
        return LevelWants(records=tuple(_silenced(view, about)))
    reason = f"path {path.name}, level {level.level}: {state.level_reason}"
    entry = _Entry(level, path.name, state.stepped_at or entered_at, about, reason)
    fields = tuple(_fields(entry))
    if view.holding.ticket is not None:
        return LevelWants(left=(LeftAlone(what=f"level {level.level}", why=f"held: {view.holding.ticket.by}"),))
    why_not = _leave_assignment(view, state, entry)
    assigned = tuple(_assignment(view, entry))
    unread = "" if why_not else _unread(view, entered_at)
    if why_not or unread:
        left = tuple(_left(want, why_not or unread) for want in assigned)
        return LevelWants(fields=fields, left=left, waits=bool(unread and left))
    kept = _kept_person(view, state, entry)
    left = tuple(_left(want, kept) for want in assigned if kept and want.field is Field.ASSIGNEE)
    wanted = tuple(want for want in assigned if not kept or want.field is Field.GROUP)
    return LevelWants(fields=(*fields, *wanted), left=left)


def _unread(view: View, entered_at: datetime) -> str:
    hands_off, released_at = view.policy.escalation.hands_off, view.acts.released_at
    return why_unassigned(view.situation, entered_at, hands_off, released_at=released_at)


def _left(want: FieldWant, why: str) -> LeftAlone:
    return LeftAlone(what=f"{want.field} {want.value}", why=why)


def _kept_person(view: View, state: EscalationState, entry: _Entry) -> str:
    """Return why the present assignee stays although a level has a person of its own, empty where it may set them.

    Whoever acknowledged on this path and is still assigned is at work on the ticket; a threshold calls in others beside
    them. Only a level that says ``assign: person`` takes it over.
    """
    if entry.level.assign is AssignMode.PERSON or state.started_at is None:
        return ""
    event = taken_by_assignee(view.situation, state.path, since=state.started_at)
    return "" if event is None else f"{told(event, view.situation.people)} has acknowledged and is assigned"


def _silenced(view: View, about: Occasion) -> Iterator[Record]:
    for audience in (Effect.FIELDS, Effect.ASSIGN):
        row = view.situation.said.get((str(about), audience))
        if row is None or not row.outcome.is_final:
            yield Record(occasion=about, audience=audience, outcome=Outcome.SILENCED, at=view.now)


def _fields(entry: _Entry) -> Iterator[FieldWant]:
    number = str(entry.level.level)
    yield FieldWant(field=Field.PATH, value=entry.path, reason=entry.reason, occasion=entry.occasion)
    yield FieldWant(field=Field.LEVEL, value=number, reason=entry.reason, occasion=entry.occasion)
    if entry.level.labels:
        labels = " ".join(sorted(entry.level.labels))
        yield FieldWant(field=Field.LABELS, value=labels, reason=entry.reason, occasion=entry.occasion, once=True)


def _leave_assignment(view: View, state: EscalationState, entry: _Entry) -> str:
    """Return why group and assignee are left to people, empty where the level may set them.

    ``hands_off`` counts back from the pass that entered the level: its cause may lie hours before we saw the ticket.
    """
    if view.leader is not None:
        return f"follows {view.leader.key}"
    if state.acknowledged_at is not None:
        return f"acknowledged: {state.acknowledged_by}"
    event = touched_since(view.acts, entry.stepped_at, view.policy.escalation.hands_off)
    if event is None:
        return ""
    return f"the {event.kind} was changed by {told(event, view.situation.people)} on {event.at:%Y-%m-%d %H:%M} UTC"


def _assignment(view: View, entry: _Entry) -> Iterator[FieldWant]:
    level = entry.level
    target, _ = reachable_target(level, situation=view.situation, policy=view.policy, now=view.now)
    group, person = _who(view, level, target or level.target)
    for field, value in ((Field.GROUP, group), (Field.ASSIGNEE, person)):
        if value:
            yield FieldWant(field=field, value=value, reason=entry.reason, occasion=entry.occasion, once=True)


def _who(view: View, level: Level, target: LevelTarget) -> tuple[str | None, str | None]:
    """Return the group and the person to set; a target that does not exist, or is kept out, sets and clears nothing."""
    reach = reach_of(target, view.situation)
    if not reach.exists or reach.involved:
        return None, None
    by_person = level.assign is AssignMode.PERSON
    if target.kind is TargetKind.GROUP:
        return reach.group or target.name, reach.person if by_person else None
    if target.kind is TargetKind.USER:
        return reach.group, reach.person or target.name
    return reach.group, reach.person if by_person or reach.group is None else None
