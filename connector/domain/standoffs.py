"""Where we stop by ourselves: another program that takes a field back, and writes of ours that nothing new asks for.

A *flip* is a change by a program away from the value that we wrote, be it in answer to our write or later. The second
flip by the same program within a day makes the field its own. More than three of our own writes within ten minutes that
no new occasion asked for stop everything on the ticket. Both end with ``/esc release`` or ``connector release``; what
happened before counts no more. Both are read off the event log and the journal's rows, so they survive a restart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from connector.domain.change import Field
from connector.domain.events import CLOCKS_DIFFER, EventKind, Role, TicketEvent
from connector.domain.occasion import AGAIN, Outcome
from connector.domain.situation import Situation

FLIPS = 2
FLIPS_WITHIN = timedelta(hours=24)
MOST_REPEATS = 3
REPEATS_WITHIN = timedelta(minutes=10)

CONTESTED: Mapping[EventKind, Field] = MappingProxyType(
    {EventKind.PRIORITY: Field.PRIORITY, EventKind.GROUP: Field.GROUP, EventKind.ASSIGNEE: Field.ASSIGNEE}
)


class Conflict(NamedTuple):
    """A field that another program owns: who, and since when."""

    field: Field
    actor: str
    since: datetime

    def __str__(self) -> str:
        who = f"another program ({self.actor})" if self.actor else "another program"
        return f"ownership conflict: {self.field} is taken back by {who}, since {self.since:%Y-%m-%d %H:%M} UTC"


class Looping(NamedTuple):
    """Our own writes went round in circles."""

    since: datetime

    def __str__(self) -> str:
        within = f"{REPEATS_WITHIN // timedelta(minutes=1)} minutes"
        told = f"more than {MOST_REPEATS} writes within {within} without a new reason"
        return f"loop breaker: {told}, since {self.since:%Y-%m-%d %H:%M} UTC"


def conflicts(situation: Situation, *, released_at: datetime | None, now: datetime) -> tuple[Conflict, ...]:
    """Return the fields that other programs own at ``now``."""
    found = (_conflict(situation, kind, released_at=released_at, now=now) for kind in CONTESTED)
    return tuple(conflict for conflict in found if conflict is not None)


def _conflict(situation: Situation, kind: EventKind, *, released_at: datetime | None, now: datetime) -> Conflict | None:
    by_actor: dict[str, list[datetime]] = {}
    for flip in _flips(situation, kind):
        if flip.at <= now and (released_at is None or flip.at > released_at):
            by_actor.setdefault(flip.actor.id, []).append(flip.at)
    ends = [(at, actor) for actor, moments in by_actor.items() for at in _crowded(moments, FLIPS, FLIPS_WITHIN)]
    return Conflict(CONTESTED[kind], actor=min(ends)[1], since=min(ends)[0]) if ends else None


def _flips(situation: Situation, kind: EventKind) -> Iterator[TicketEvent]:
    """Yield the changes by programs that took back what we had written."""
    applied = situation.applied.get(CONTESTED[kind])
    ours: str | None = None
    for event in situation.history.events:
        if event.kind is not kind:
            continue
        if applied is not None and not applied.baseline and applied.at <= event.at + CLOCKS_DIFFER:
            ours, applied = applied.value, None
        if event.actor.role is Role.OURS:
            ours = event.after
            continue
        if event.actor.role is Role.AUTOMATION and ours is not None and event.before == ours:
            yield event
        ours = None


def _crowded(moments: Sequence[datetime], count: int, within: timedelta) -> Iterator[datetime]:
    """Yield every moment that is the ``count``-th within a span."""
    ordered = sorted(moments)
    for first, last in zip(ordered, ordered[count - 1 :], strict=False):
        if last - first <= within:
            yield last


def looping(situation: Situation, *, released_at: datetime | None) -> Looping | None:
    """Return since when our own writes go round in circles, if they do."""
    repeats = [
        row.at
        for (name, _), row in situation.said.items()
        if name.startswith(AGAIN) and row.outcome in _TRIED and (released_at is None or row.at > released_at)
    ]
    since = next(_crowded(repeats, MOST_REPEATS + 1, REPEATS_WITHIN), None) if len(repeats) > MOST_REPEATS else None
    return None if since is None else Looping(since)


_TRIED = frozenset({Outcome.DONE, Outcome.REJECTED, Outcome.PARKED})
