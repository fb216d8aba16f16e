"""Occasions: what makes us act, named so that the same occasion has the same name on any machine, after any loss.

Everything in an occasion's name comes from the helpdesk or the policy, never from our database, so a rebuilt state
computes the same operation key and finds its own marker in the helpdesk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

from connector.domain.policy import Mark
from connector.domain.site import Effect
from connector.domain.ticket import ClockName

_MOMENT = "%Y%m%dT%H%M%SZ"


class Outcome(StrEnum):
    """What became of one (ticket, occasion, audience)."""

    WOULD_DO = "would-do"  # shadow
    DONE = "done"
    SUPERSEDED = "superseded"  # passed over for good
    SILENCED = "silenced"  # a would-do whose effect was switched on later, or before enforce_from
    HELD = "held"  # over a budget; tried again
    PARKED = "parked"  # outcome unknown, a person settles it; never said again by itself
    REJECTED = "rejected"  # the helpdesk will never accept it; tried again only under another occasion

    @property
    def is_final(self) -> bool:
        """True when the occasion is settled and is not to be acted upon again."""
        return self not in {Outcome.WOULD_DO, Outcome.HELD}


@dataclass(frozen=True, slots=True)
class Occasion:
    """``kind`` and its parts; ``str()`` is the stored name."""

    kind: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return ":".join((self.kind, *self.parts))

    def key(self, fingerprint: str, ticket_id: str, audience: Effect) -> str:
        """Return the operation key: SHA-256 hex over site, ticket, occasion and audience. No secret is in it."""
        return key_of(str(self), fingerprint, ticket_id, audience)


def key_of(occasion: str, fingerprint: str, ticket_id: str, audience: Effect) -> str:
    """Return the operation key of an occasion by its stored name."""
    return hashlib.sha256(f"{fingerprint}|{ticket_id}|{occasion}|{audience}".encode()).hexdigest()


@lru_cache(maxsize=4096)
def moment(at: datetime) -> str:
    """Return ``at`` as it stands in an occasion's name: UTC, whole seconds."""
    return at.strftime(_MOMENT)


THRESHOLD = "threshold"


def threshold(clock: ClockName, cycle_start: datetime, mark: Mark) -> Occasion:
    """A clock passed a mark in the cycle that began at ``cycle_start``."""
    return Occasion(THRESHOLD, (clock, moment(cycle_start), str(mark)))


def level(path: str, entered_at: datetime, number: int) -> Occasion:
    """A path entered a level."""
    return Occasion("level", (path, moment(entered_at), str(number)))


def repeat(path: str, entered_at: datetime, number: int, k: int) -> Occasion:
    """A level announced itself again for the k-th time."""
    return Occasion("repeat", (path, moment(entered_at), str(number), str(k)))


def update(cycle_start: datetime, k: int) -> Occasion:
    """The k-th regular update of a cycle."""
    return Occasion("update", (moment(cycle_start), str(k)))


@lru_cache(maxsize=4096)
def update_of(name: str) -> tuple[datetime, int] | None:
    """Return from when and as which of its row a regular update counted, by its occasion's name."""
    kind, _, rest = name.partition(":")
    if kind != "update":
        return None
    base, _, k = rest.partition(":")
    return datetime.strptime(base, _MOMENT).replace(tzinfo=UTC), int(k)


def hold(field: str, since: datetime) -> Occasion:
    """A person holds a field since a moment; the one note that says what the policy thinks."""
    return Occasion("hold", (field, moment(since)))


MAX_PAUSE = "max_pause"


def max_pause(over_at: datetime) -> Occasion:
    """A pause became longer than the policy allows."""
    return Occasion(MAX_PAUSE, (moment(over_at),))


def ask(trigger: str, since: datetime) -> Occasion:
    """A trigger asks an agent to confirm."""
    return Occasion("ask", (trigger, moment(since)))


def notify(target: str, about: Occasion) -> Occasion:
    """A target is told of another occasion, beside the ticket."""
    return Occasion("notify", (target, about.kind, *about.parts))


APPROVE = "approve"


def approve(number: int, about: Occasion) -> Occasion:
    """A threshold asks for level ``number``, and somebody has to let it through."""
    return Occasion(APPROVE, (str(number), *about.parts))


AGAIN = "again:"
"""How the names begin of writes that nothing new asked for: their occasion had been settled by a write before."""


def again(field: str, at: datetime) -> Occasion:
    """A field is given a value once more under an occasion that was settled before."""
    return Occasion(AGAIN.rstrip(":"), (field, moment(at)))


def lost_race(field: str, at: datetime) -> Occasion:
    """A person's value, which our write undid a moment after, is given back."""
    return Occasion("lost_race", (field, moment(at)))


def flapping(field: str, since: datetime) -> Occasion:
    """A wanted value goes to and fro since a moment; the one note that says so."""
    return Occasion("flapping", (field, moment(since)))


def set_field(field: str, value: str) -> Occasion:
    """A field is to be given a value for its own sake (priority, path, labels)."""
    return Occasion("set", (field, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The stored row of one occasion and audience."""

    outcome: Outcome
    at: datetime


SaidRows = Mapping[tuple[str, Effect], Said]
"""(name of the occasion, audience) → row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A row to store: ``occasion`` ended in ``outcome`` for ``audience``."""

    occasion: Occasion
    audience: Effect
    outcome: Outcome
    at: datetime
