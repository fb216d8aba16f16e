"""What is stored of a ticket's past, and when what of it was known: that from which ``retrace`` decides again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from connector.domain.policy import Policy
from connector.domain.rewind import OwnWrite
from connector.domain.site import SiteRules
from connector.domain.situation import Situation


class InForce(NamedTuple):
    """A policy, and since when it decided; ``applied``: since when runs applied it on the site, where that differs."""

    since: datetime
    policy: Policy
    applied: datetime | None = None


class Halt(NamedTuple):
    """From ``at`` on the site could not be written (``why``), or could again; an operator let it at ``resumed_at``."""

    at: datetime
    why: str
    resumed_at: datetime | None = None


class Ruled(NamedTuple):
    """Rules, and until when they held."""

    until: datetime
    rules: SiteRules


@dataclass(frozen=True, kw_only=True)
class Past:
    """What is stored of a ticket's past.

    Attributes:
        situation: As it is now.
        policies: Those that were in force on the site, oldest first, at least one; the first holds from the beginning.
        writes: Those of ours that the helpdesk confirmed, in any order.
        looks: When passes decided, oldest first; empty: whenever something happened.
        halts: When the site could not be written, oldest first.
        ruled: Earlier rules of the site, oldest first; afterwards those of ``situation``.
        delay: How long at most a change is there before the helpdesk shows it.
    """

    situation: Situation
    policies: tuple[InForce, ...]
    writes: tuple[OwnWrite, ...] = ()
    looks: tuple[datetime, ...] = ()
    halts: tuple[Halt, ...] = ()
    ruled: tuple[Ruled, ...] = ()
    delay: timedelta = timedelta()

    def policy_at(self, at: datetime) -> InForce:
        """Return the policy that decided at a moment."""
        return next((each for each in reversed(self.policies) if each.since <= at), self.policies[0])

    def seen(self, at: datetime) -> datetime | None:
        """Return when a pass first looked at or after a moment; ``None``: none has yet."""
        if not self.looks or (at < self.looks[0] and self._older_than_looks):
            return at
        found = bisect_left(self.looks, at)
        return self.looks[found] if found < len(self.looks) else None

    def looked_before(self, at: datetime) -> datetime:
        """Return the pass that acted at a moment: the last one that had begun by then."""
        found = bisect_right(self.looks, at)
        return self.looks[found - 1] if found else at

    @cached_property
    def acted(self) -> tuple[datetime, ...]:
        """Return the moments at which we wrote or settled anything, in order."""
        said = {row.at for row in self.situation.said.values()}
        return tuple(sorted(said | {write.at for write in self.writes}))

    @cached_property
    def events(self) -> tuple[tuple[datetime, datetime], ...]:
        """Return each event's moment with the one from which it was known to us, in order."""
        return tuple((event.at, self.known(event.at)) for event in self.situation.history.events)

    def known(self, at: datetime) -> datetime:
        """Return when what happened became known: where the helpdesk shows it late, with the pass that acted on it."""
        if self.delay:
            acted = bisect_left(self.acted, at)
            if acted < len(self.acted) and self.acted[acted] - at <= self.delay:
                return max(at, self.looked_before(self.acted[acted]))
        return at

    @property
    def _older_than_looks(self) -> bool:
        """True when the oldest passes are not on record any more: we acted before the first one that is."""
        return bool(self.acted and self.looks and self.acted[0] < self.looks[0] - timedelta(seconds=1))
