"""Storms: many alike tickets within a short time are taken for one case, and the first of them speaks for all.

Alike are urgent tickets of one scope with the same triggers in force and the same of those inputs that the policy
names, of which at least one is known. No text is compared or kept: a look is the digest of inputs and triggers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from connector.domain.decision import Look
from connector.domain.policy import StartWhen, StormRules
from connector.domain.ticket import Fact, LinkKind
from connector.domain.view import View

_FORM = "type"
"""Tickets of different forms are never alike; to have the same one says little."""

_FOLLOWS = frozenset({LinkKind.PROBLEM, LinkKind.WORKS_FOR})


class Sight(NamedTuple):
    """A ticket of one look: whether it is open, how urgent (1 is P1, 9 is not known), and whether it keeps silent."""

    opened_at: datetime
    id: str
    is_open: bool
    rank: int
    silent: bool = False


class Group(NamedTuple):
    """A storm as one of its tickets sees it; ``first`` is the id of the one that speaks, maybe its own.

    ``since`` and ``until`` are when the first and the last of its tickets were opened.
    """

    size: int
    since: datetime
    until: datetime
    first: str


def look_of(view: View) -> Look | None:
    """Return what others may have in common with a ticket; ``None`` where it could be no part of a storm.

    Only urgent tickets are: those whose path starts at once. Confidential ones are not, nor those that follow another
    ticket by somebody's word.
    """
    ticket, rules = view.situation.ticket, view.policy.storm
    if rules.count == 0 or ticket.restricted or view.now - ticket.opened_at >= rules.lasts:
        return None
    if view.priority is None or view.policy.escalation.start.get(view.priority) is not StartWhen.AT_ONCE:
        return None
    known = {name: ticket.facts[name] for name in rules.alike if name in ticket.facts}
    if not known or any(link.kind in _FOLLOWS for link in ticket.links):
        return None
    if _FORM in ticket.facts:
        known[_FORM] = ticket.facts[_FORM]
    triggers = sorted(trigger.name for trigger in view.triggers.hits)
    told = [f"{name} {_text(fact)}" for name, fact in sorted(known.items())] + [f"trigger {name}" for name in triggers]
    seed = json.dumps([ticket.scope, *told], ensure_ascii=False)
    return Look(hashlib.sha256(seed.encode()).hexdigest()[:16], ticket.opened_at, ", ".join(told))


def group_of(ours: Sight, alike: Sequence[Sight], rules: StormRules) -> Group | None:
    """Return the storm that a ticket is part of, if it is; ``alike`` are all of its look, itself included.

    A storm begins where ``count`` of them were opened ``within`` a time, and goes on while the next one comes within
    that time after the one before. The first open one speaks that is no less urgent and does not keep silent for now.
    """
    run = next((run for run in _runs(sorted(alike, key=_order), rules.within) if ours in run), [])
    if not is_storm(run, rules):
        return None
    speaking = (each for each in run if each.is_open and not each.silent)
    urgent = (each for each in speaking if each.rank <= ours.rank or each.rank == UNKNOWN)
    return Group(size=len(run), since=run[0].opened_at, until=run[-1].opened_at, first=next(urgent, ours).id)


UNKNOWN = 9


def _order(each: Sight) -> tuple[datetime, int, str]:
    """Return the place of a ticket among those of its look; ids are numbers, and 9 comes before 10."""
    return (each.opened_at, len(each.id), each.id)


def _runs(ordered: Sequence[Sight], within: timedelta) -> Iterator[list[Sight]]:
    run: list[Sight] = []
    for each in ordered:
        if run and each.opened_at - run[-1].opened_at > within:
            yield run
            run = []
        run.append(each)
    yield run


def is_storm(alike: Iterable[Sight], rules: StormRules) -> bool:
    """Return whether ``count`` of some alike tickets were opened ``within`` the time that makes a storm of them."""
    run = sorted(alike, key=_order)
    ends = zip(run, run[rules.count - 1 :], strict=False)
    return any(last.opened_at - first.opened_at <= rules.within for first, last in ends)


def _text(fact: Fact) -> str:
    return " ".join(sorted(fact)) if isinstance(fact, frozenset) else str(fact)
