"""What has to be read before some tickets can be decided, the most urgent first; what waits for it too long is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from connector.domain.decision import Decision
from connector.domain.escalation import needs_history
from connector.domain.policy import LevelTarget, Policy
from connector.domain.situation import Reach, Situation
from connector.domain.ticket import Priority, Ticket
from connector.engine.kit import Surroundings
from connector.ports import Alarm, AlarmKind, Awaited

Urgency: TypeAlias = int
"""How urgently a ticket's history is to be read, to be stored; the smallest comes first."""


class Place(NamedTuple):
    """The place of a ticket among those whose history is to be read; of equally urgent ones the older comes first."""

    urgency: Urgency
    digits: int
    id: str

    @classmethod
    def of(cls, urgency: Urgency, id_: str) -> Place:
        """Return the place of a ticket; ids are numbers, and 9 comes before 10."""
        return cls(urgency, len(id_), id_)


@dataclass(slots=True)
class Unread:
    """What has to be read before some tickets can be decided: their own texts and histories, and those of others.

    It grows over a whole pass, so it keeps ids and how urgent they are, and no ticket.
    """

    ids: list[str] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)
    own: list[Place] = field(default_factory=list)
    storms: set[str] = field(default_factory=set)

    def takes(self, situation: Situation, decision: Decision) -> bool:
        """Take note of what one ticket needs; return whether it needs anything.

        One of many alike tickets comes after the reading as well: that may show that another one speaks for them.
        """
        is_alike = self.is_of_storm(situation, decision)
        ticket = situation.ticket
        others = situation.unread if ticket.is_open else ()
        own = decision.unread_history or (_calls(situation, decision) and needs_history(situation))
        if not (decision.unread_text or own or others or is_alike):
            return False
        self.storms |= {decision.look.digest} if is_alike and decision.look is not None else set()
        self.ids.append(ticket.ref.id)
        self.texts |= {ticket.ref.id} if decision.unread_text else set()
        self.own += [Place.of(urgency(decision), ticket.ref.id)] if own else []
        self.others += others
        return True

    def is_of_storm(self, situation: Situation, decision: Decision) -> bool:
        """Return whether a ticket is one of many alike, or looks like those that are here and not stored as such."""
        return situation.storm is not None or (decision.look is not None and decision.look.digest in self.storms)


def _calls(situation: Situation, decision: Decision) -> bool:
    """Return whether a level is called or something said: that would be wrong where somebody is at it already.

    Nothing waits for it; but what can be read is read before people are called, and not after.
    """
    return bool(decision.notices) or decision.state.level > situation.state.level


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Tickets that one pass decides under one policy; ``unread`` is what has to be read before some of them can be."""

    around: Surroundings
    policy: Policy
    reach: Mapping[LevelTarget, Reach]
    ids: Collection[str]
    unread: Unread = field(default_factory=Unread)

    def to_decide(self, learned: Iterable[Awaited], *, without: Collection[str]) -> Iterable[str]:
        """Return what is decided once all has been read: what was put off, and whose awaited history has come in.

        What is of no round, or ``without`` which the round is decided, is due: the next pass looks at it.
        """
        mine = (each.id for each in learned if each.policy_hash == self.policy.hash and each.id not in without)
        return dict.fromkeys((*self.unread.ids, *mine))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose history is to be read: of tickets that were decided in this pass, and that these go on for.

    ``own`` comes first, the most urgent before all; in its turn among them what waits since an earlier pass. What
    this pass has ``seen`` never counts as that: beyond its own histories wanted it is decided, and once is enough.
    """

    own: Sequence[Place] = ()
    others: Sequence[str] = ()
    seen: frozenset[str] = frozenset()

    @classmethod
    def by(cls, rounds: Sequence[Round]) -> Wanted:
        """Return what the tickets of some rounds want."""
        own = tuple(place for each in rounds for place in each.unread.own)
        others = tuple(id_ for each in rounds for id_ in each.unread.others)
        return cls(own=own, others=others, seen=frozenset(id_ for each in rounds for id_ in each.ids))

    def ids(self, waiting: Iterable[Awaited]) -> list[str]:
        """Return the ids in the order of their reading, with those that are ``waiting``."""
        own = [*self.own, *(Place.of(each.urgency, each.id) for each in waiting)]
        return [each.id for each in sorted(own)] + list(self.others)


def tell_overdue(around: Surroundings, ticket: Ticket, decision: Decision) -> None:
    """Raise the alarm for what is urgent and has waited too long for the ticket's history.

    That is before the state that remembers it is stored: a crash between the two repeats an alarm and never loses one.
    """
    if not decision.overdue:
        return
    around.notifier.alarm(
        Alarm(
            kind=AlarmKind.STALE,
            site=ticket.ref.site,
            ticket=ticket.key,
            message=f"{ticket.key}: {decision.overdue}",
            remedy=f"look at the ticket; {to_go_on_without(str(ticket.ref))}",
            at=decision.now,
        )
    )


def to_go_on_without(ticket: str) -> str:
    """Return what lets a ticket go on whose history is not read: the limits are mended, or a person takes its place."""
    return f"see what uses up the helpdesk's limits, or to go on without its history: connector release {ticket}"


_NO_DEADLINE = datetime.max.replace(tzinfo=UTC)
_NEXT_RANK = 10**12
"""More than the seconds from 1970 to any deadline."""


def urgency(decision: Decision) -> Urgency:
    """Return how urgently a ticket's history is to be read: by what is wanted, then by deadline."""
    wanted = decision.state.wanted_last or decision.severity
    is_hard = decision.hard or wanted is Priority.P1
    rank = int(wanted or len(Priority) + 1) + (0 if is_hard else 10)
    return rank * _NEXT_RANK + int((decision.deadline or _NO_DEADLINE).timestamp())
