"""Tickets that hang together: who speaks for them, and who follows in silence.

A ticket that is attached to a problem or a major incident follows it while that one is open: one path, one voice. So
does internal work of our own, which follows the customer's ticket that it is done for, and one of many alike tickets,
which follow the first of them. A follower's own fields go on, its path stands still, and nothing is said or assigned on
it. It goes its own way as long as nobody would speak for it.

Where the one that is followed says nothing for now (held, paused, set aside), the first of its followers that can
speaks in its place, and the others follow that one: still one voice.

Twins are the same case in several tickets. Each goes its own way, but only one of them speaks to the customer. While
that one says nothing the others do not either: what people hold, or have asked the customer, holds for the case.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from connector.domain.site import Effect
from connector.domain.situation import Situation, Twin
from connector.domain.ticket import LinkKind, Priority

MOST_MEMBERS = 10
"""A case with more tickets is nothing that happens by accident: people see to it."""

_NEVER = datetime.max.replace(tzinfo=UTC)


def leader(situation: Situation, priority: Priority | None) -> Twin | None:
    """Return the ticket that one of this priority follows now; ``None`` where it goes its own way."""
    found = (twin for twin, own_way in _leaders(situation, priority) if not own_way)
    return next(found, None)


def speaker(situation: Situation) -> Twin | None:
    """Return the other ticket of the same case that speaks to the customer; ``None`` where this one does.

    Of several that could, the one that was itself opened first does, whatever older ones it goes on for.
    """
    ticket = situation.ticket
    ours = (situation.opened_at or ticket.opened_at, ticket.ref.site, ticket.ref.id)
    earlier = [(_rank(twin), twin) for twin in _twins(situation) if _tells(twin) and _rank(twin) < ours]
    return min(earlier, key=lambda each: each[0])[1] if earlier else None


def too_many(situation: Situation) -> str:
    """Return in words that a case has too many tickets for anything to be done by itself, empty where it has not."""
    size = 1 + len(_twins(situation))
    return f"a case of more than {MOST_MEMBERS} tickets is left to people" if size > MOST_MEMBERS else ""


def told_case(situation: Situation, priority: Priority | None) -> tuple[str, ...]:
    """Return in words how a ticket stands to those that it hangs together with."""
    if situation.storm is None and not situation.twins:
        return ()
    return (*_told_storm(situation), *_told_leaders(situation, priority), *_told_twins(situation))


# ---- followers


def _leaders(situation: Situation, priority: Priority | None) -> Iterator[tuple[Twin, str]]:
    """Yield the tickets that this one might follow, each with the reason why it does not, empty where it does."""
    for twin in situation.twins:
        if twin.link.kind is LinkKind.PROBLEM:
            yield twin, _own_way(twin) or _above(twin, priority)
            yield from _deputies(twin, priority)
    fronts = _fronts(situation)
    for twin in fronts:
        many = len(fronts) >= MOST_MEMBERS
        yield twin, f"more than {MOST_MEMBERS} tickets are left to people" if many else _own_way(twin)
        yield from () if many else _deputies(twin, priority)
    if situation.storm is not None and situation.storm.first is not None:
        first = situation.storm.first
        yield first, _own_way(first) or _above(first, priority)


def _fronts(situation: Situation) -> list[Twin]:
    """Return the customers' tickets that this one is work for; where each is work for the other, neither is."""
    mutual = {_name(twin) for twin in situation.twins if twin.link.kind is LinkKind.WORK}
    works_for = (twin for twin in situation.twins if twin.link.kind is LinkKind.WORKS_FOR)
    return [twin for twin in works_for if _name(twin) not in mutual]


def _deputies(twin: Twin, priority: Priority | None) -> Iterator[tuple[Twin, str]]:
    """Yield the other followers that this one might follow in a silent one's place."""
    for deputy in twin.deputies if twin.silent else ():
        yield deputy, _own_way(deputy) or _above(deputy, priority)


def _own_way(twin: Twin) -> str:
    """Return why nobody speaks for a ticket on another one, empty where that one does."""
    if twin.status is None:
        return "it is not known here"
    if twin.status.is_finished:
        return f"it is {twin.status}"
    return twin.silent if twin.speaks else "nothing is said on it"


def _above(twin: Twin, priority: Priority | None) -> str:
    """Return that a ticket is more urgent than the one that would speak for it, empty where it is not."""
    above = priority is not None and (twin.priority is None or priority.is_above(twin.priority))
    return f"its priority is only {twin.priority or 'none'}" if above else ""


def _told_leaders(situation: Situation, priority: Priority | None) -> Iterator[str]:
    found = list(_leaders(situation, priority))
    followed = next((twin for twin, own_way in found if not own_way), None)
    if followed is not None:
        yield f"follows {_shown(followed)}, which speaks for it until it is solved"
    elif found:
        twin, own_way = found[0]
        is_alike = situation.storm is not None and twin is situation.storm.first
        relation = "like" if is_alike else "work for" if twin.link.kind is LinkKind.WORKS_FOR else "attached to"
        yield f"{relation} {_shown(twin)} and goes its own way: {own_way}"


def _told_storm(situation: Situation) -> Iterator[str]:
    storm = situation.storm
    if storm is not None:
        yield f"one of {storm.size} alike tickets since {storm.since:%Y-%m-%d %H:%M} UTC ({storm.alike})"
        if storm.first is None:
            yield "speaks for the alike tickets that are no more urgent"


# ---- twins


def _twins(situation: Situation) -> tuple[Twin, ...]:
    return tuple(twin for twin in situation.twins if twin.link.kind is LinkKind.TWIN)


def _tells(twin: Twin) -> bool:
    return twin.customer_facing and not (twin.status is not None and twin.status.is_finished)


def _rank(twin: Twin) -> tuple[datetime, str, str]:
    return (twin.opened_at or _NEVER, twin.link.site, twin.link.target)


def _told_twins(situation: Situation) -> Iterator[str]:
    twins = _twins(situation)
    if not twins:
        return
    others = ", ".join(f"{_shown(twin)} ({twin.status or 'not known here'})" for twin in twins[:MOST_MEMBERS])
    yield f"same case as {others}: {too_many(situation) or _told_speaker(situation)}"


def _told_speaker(situation: Situation) -> str:
    other = speaker(situation)
    if other is not None:
        return told_other(other)
    if situation.rules.allows(Effect.PUBLIC, situation.ticket.scope):
        return "this one speaks to the customer"
    return "none of them speaks to the customer"


def told_other(other: Twin) -> str:
    """Return in words that another ticket of the same case speaks to the customer, or why it does not for now."""
    return f"{_shown(other)} speaks to the customer{f' when it does again: {other.silent}' if other.silent else ''}"


def _shown(twin: Twin) -> str:
    return twin.key or _name(twin)


def _name(twin: Twin) -> str:
    return f"{twin.link.site}:{twin.link.target}" if twin.link.site else twin.link.target
