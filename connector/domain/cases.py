"""Tickets that hang together: who speaks for them, and who follows in silence.

A ticket that is attached to a problem or a major incident follows it while that one is open: one path, one voice. The
child's own fields go on, its path stands still, and nothing is said or assigned on it. It goes its own way as long as
nobody would speak for it: the problem is not known to us, is finished, says nothing, or is less urgent than the child.
"""

from __future__ import annotations

from connector.domain.situation import Situation, Twin
from connector.domain.ticket import LinkKind, Priority


def followed_problem(situation: Situation, priority: Priority | None) -> Twin | None:
    """Return the problem that a ticket of this priority follows now; ``None`` where it goes its own way."""
    return next((twin for twin in situation.twins if _is_problem(twin) and not _own_way(twin, priority)), None)


def told_problem(situation: Situation, priority: Priority | None) -> str:
    """Return in words how a ticket stands to the problem that it is attached to, empty where there is none."""
    leader = followed_problem(situation, priority)
    if leader is not None:
        return f"follows {leader.key}, which speaks for it until it is solved"
    attached = next((twin for twin in situation.twins if _is_problem(twin)), None)
    return (
        ""
        if attached is None
        else f"attached to {_name(attached)} and goes its own way: {_own_way(attached, priority)}"
    )


def _is_problem(twin: Twin) -> bool:
    return twin.link.kind is LinkKind.PROBLEM


def _name(twin: Twin) -> str:
    return twin.key or f"problem {twin.link.target}"


def _own_way(twin: Twin, priority: Priority | None) -> str:
    """Return why nobody speaks for the ticket, empty where the problem does."""
    if twin.status is None:
        return "it is not known here"
    if twin.status.is_finished:
        return f"it is {twin.status}"
    if not twin.speaks:
        return "nothing is said on it"
    if priority is not None and (twin.priority is None or priority.is_above(twin.priority)):
        return f"its priority is only {twin.priority or 'none'}"
    return ""
