"""A ticket into which others were merged goes on for all of them: nothing that was said is said again.

It keeps the earlier start, the higher level and priority, what holds one of them, and what was said on either. What it
has taken over is in its own state and rows from then on, so nothing is lost when the merged tickets are forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connector.domain.acts import command_of
from connector.domain.cases import MOST_MEMBERS
from connector.domain.events import ABSORBED, ELSEWHERE, EventKind, History, TicketEvent
from connector.domain.occasion import Occasion, Record, Said, SaidRows, moment
from connector.domain.site import Effect
from connector.domain.situation import EscalationState, Situation
from connector.domain.ticket import LinkKind, Priority, Status, Ticket, highest

_OF_A_CYCLE = frozenset({"threshold", "update", "notify", "approve"})
"""Kinds of occasions whose names may hold the start of a cycle."""

_SAID_ONLY = frozenset({Effect.NOTES, Effect.PUBLIC})
"""What a level wrote into the fields of one ticket is still to be written into those of another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """One ticket that was merged into another, as it was when that happened, with what it had taken over itself.

    ``unread`` are those of which it consists whose vendor history is not in; ``members`` all of them, itself included,
    each as it was by itself.
    """

    ticket: Ticket
    history: History
    state: EscalationState
    said: SaidRows
    unread: tuple[str, ...] = ()
    members: tuple[Situation, ...] = ()


def merged_ids(ticket: Ticket, history: History) -> tuple[str, ...]:
    """Return the ids of the tickets, on its own site, that were merged into this one: by link, or by its history."""
    here = {"", ticket.ref.site}
    linked = (li.target for li in ticket.links if li.kind is LinkKind.ABSORBED and li.site in here)
    told = (e.after for e in history.events if e.kind is EventKind.MERGED and e.name == ABSORBED and e.after)
    return tuple(id_ for id_ in dict.fromkeys((*linked, *told)) if id_ != ticket.ref.id)


def merged_into(ticket: Ticket, history: History) -> str | None:
    """Return the id of the ticket, on its own site, that this one was merged into, if it was: it is finished then."""
    if not ticket.status.is_finished:
        return None
    here = {"", ticket.ref.site}
    linked = (li.target for li in ticket.links if li.kind is LinkKind.MERGED_INTO and li.site in here)
    told = (e.after for e in history.events if e.kind is EventKind.MERGED and e.name != ABSORBED and e.after)
    return next((id_ for id_ in (*linked, *told) if id_ != ticket.ref.id), None)


def told_merge(situation: Situation) -> tuple[str, ...]:
    """Return in words what a ticket goes on with, of those that were merged into it."""
    merged, began_at = len(merged_ids(situation.ticket, situation.history)), situation.state.began_at
    if merged >= MOST_MEMBERS:
        return (f"{merged} tickets were merged into it: a case of more than {MOST_MEMBERS} is left to people",)
    if began_at is None:
        return ()
    return (f"goes on for a ticket that was merged into it, opened {began_at:%Y-%m-%d %H:%M} UTC",)


def absorbed(situation: Situation, sources: Sequence[Merged]) -> Situation:
    """Return the situation of a ticket with all that it takes over from those that were merged into it.

    A linked ticket that is still open was not merged; more than ten members change nothing.
    """
    gone = [source for source in sources if source.ticket.status.is_finished]
    if gone and len(gone) < MOST_MEMBERS:
        situation = _taken_over(situation, gone)
    return _begun_earlier(situation)


def _taken_over(situation: Situation, sources: Sequence[Merged]) -> Situation:
    ticket, state = situation.ticket, situation.state
    starts = [_start(source.ticket, source.state) for source in sources]
    began_at = min(_start(ticket, state), *starts)
    inherited = tuple(_inherited(situation, sources, began_at))
    state = replace(
        _highest_level(state, sources),
        began_at=began_at if began_at < ticket.opened_at else state.began_at,
        floor=highest(state.floor, *(_priority(source) for source in sources)),
    )
    return replace(
        situation,
        merged=tuple(member for source in sources for member in source.members),
        state=state,
        history=_one_course(situation, sources),
        inherited=inherited,
        unread=(*situation.unread, *(id_ for source in sources for id_ in source.unread)),
        said={**situation.said, **{(str(r.occasion), r.audience): Said(outcome=r.outcome, at=r.at) for r in inherited}},
    )


def _start(ticket: Ticket, state: EscalationState) -> datetime:
    return min(ticket.opened_at, state.began_at or ticket.opened_at)


def _begun_earlier(situation: Situation) -> Situation:
    """Return the situation of a ticket whose case began before it was opened."""
    began_at, ticket = situation.state.began_at, situation.ticket
    if began_at is None or began_at >= ticket.opened_at:
        return situation
    opened_at = situation.opened_at or ticket.opened_at
    return replace(situation, ticket=replace(ticket, opened_at=began_at), opened_at=opened_at)


def _priority(source: Merged) -> Priority | None:
    return highest(source.state.priority, source.state.floor)


def _highest_level(state: EscalationState, sources: Sequence[Merged]) -> EscalationState:
    """Return the state on the path of the ticket that had come furthest, the ticket's own where none is further."""
    furthest = max((source.state for source in sources), key=lambda each: each.level)
    if furthest.path is None or furthest.level <= state.level:
        return state
    return replace(
        state,
        path=furthest.path,
        path_reason=f"{furthest.path_reason} (of a merged ticket)",
        started_at=furthest.started_at,
        level=furthest.level,
        level_reason=furthest.level_reason,
        level_why=furthest.level_why,
        entered_at=furthest.entered_at,
        timer_from=furthest.timer_from,
        stepped_at=furthest.stepped_at,
        repeats=furthest.repeats,
        acknowledged_at=furthest.acknowledged_at,
        acknowledged_by=furthest.acknowledged_by,
        left_level=None,
    )


# ---- what was said


def _inherited(situation: Situation, sources: Sequence[Merged], began_at: datetime) -> Iterator[Record]:
    """Yield the settled rows of all under the names that they have in the one cycle that goes on; none is known yet."""
    known = set(situation.said)
    own = ((name, row, situation.ticket.opened_at) for name, row in situation.said.items())
    theirs = ((name, row, each.ticket.opened_at) for each in sources for name, row in each.said.items())
    for (text, audience), row, opened_at in (*theirs, *own):
        about = _in_cycle(text, opened_at, began_at)
        if (str(about), audience) in known or not row.outcome.is_final or not _counts(about, audience):
            continue
        known.add((str(about), audience))
        yield Record(occasion=about, audience=audience, outcome=row.outcome, at=row.at)


def _in_cycle(text: str, opened_at: datetime, began_at: datetime) -> Occasion:
    """Return a stored occasion as it is called in the cycle that began at ``began_at``."""
    kind, *parts = text.split(":")
    if kind in _OF_A_CYCLE:
        parts = [moment(began_at) if part == moment(opened_at) else part for part in parts]
    return Occasion(kind, tuple(parts))


def _counts(about: Occasion, audience: Effect) -> bool:
    return about.kind == "threshold" or audience in _SAID_ONLY


# ---- one course


def _one_course(situation: Situation, sources: Sequence[Merged]) -> History:
    """Return the events of all as one course: the statuses of whoever was there first, all comments and commands."""
    ticket, own = situation.ticket, situation.history
    first = min(sources, key=lambda source: source.ticket.opened_at)
    events = [event for source in sources for event in _kept(source)]
    if first.ticket.opened_at < ticket.opened_at:
        before = [e for e in first.history.events if e.at < ticket.opened_at and e.kind in _COURSE]
        events += [replace(event, id=f"{ELSEWHERE}{first.ticket.ref.id}:{event.id}") for event in before]
        events += [_goes_on(event, before) for event in own.events]
    else:
        events += own.events
    unique = {event.id: event for event in events}
    ordered = tuple(sorted(unique.values(), key=lambda event: (event.at, event.id)))
    return replace(own, events=ordered, complete=own.complete and all(s.history.complete for s in sources))


_COURSE = frozenset({EventKind.CREATED, EventKind.STATUS})
_KEPT = frozenset({EventKind.COMMENT, EventKind.COMMAND})
_OF_A_HOLD = frozenset({"hold", "release"})


def _kept(source: Merged) -> Iterator[TicketEvent]:
    """Yield what was said and commanded on a merged ticket; what holds it is read from its own course alone."""
    for event in source.history.events:
        if event.kind in _KEPT and not (event.kind is EventKind.COMMAND and command_of(event)[0] in _OF_A_HOLD):
            yield replace(event, id=f"{ELSEWHERE}{source.ticket.ref.id}:{event.id}")


def _goes_on(event: TicketEvent, before: Sequence[TicketEvent]) -> TicketEvent:
    """Return a ticket's own event; its creation is but a change of status in a case that is older."""
    if event.kind is not EventKind.CREATED:
        return event
    stood = next((e.after for e in reversed(before) if e.after), str(Status.NEW))
    return replace(event, id=f"merged:{event.id}", kind=EventKind.STATUS, before=stood)
