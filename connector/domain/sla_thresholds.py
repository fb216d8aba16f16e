"""Thresholds of a cycle: when each is crossed, which must never speak, and which one speaks after a silence."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from connector.domain.clocks import ClockReading, Crossing, Silence
from connector.domain.occasion import SaidRows
from connector.domain.policy import Policy
from connector.domain.situation import Situation
from connector.domain.sla_targets import Rescore


def silences(situation: Situation, policy: Policy, rescore: Rescore | None, now: datetime) -> tuple[Silence, ...]:
    """What supersedes marks in this situation: a re-score, and another policy than the last decision's."""
    found = [Silence(at=rescore.at, why=f"passed when {rescore.why}")] if rescore else []
    if situation.policy_since is not None:
        found.append(Silence(at=situation.policy_since, why=f"passed before policy {policy.short_hash} was loaded"))
    elif situation.state.policy_hash not in {"", policy.hash}:
        found.append(Silence(at=now, why=f"already passed when policy {policy.short_hash} was loaded"))
    return tuple(found)


class Due(NamedTuple):
    """What is to be said about one clock now: at most one threshold, and those that it passes over for good."""

    speaks: Crossing | None = None
    superseded: tuple[tuple[Crossing, str], ...] = ()


def due_thresholds(reading: ClockReading, said: SaidRows, now: datetime) -> Due:
    """Of the crossings that nobody has spoken of yet only the highest speaks; the others are passed over.

    A crossing has been spoken of when any audience has a row for it. A clock that was met since has nothing to say.
    """
    spoken = {name for name, _ in said}
    passed = reading.passed(now)
    ranks = {str(c.occasion): rank for rank, c in enumerate(passed)}
    loudest = max((ranks[name] for name in ranks if name in spoken), default=-1)
    fresh = [c for c in passed if str(c.occasion) not in spoken]
    silent = [(c, c.superseded or _overtaken(reading)) for c in fresh if c.superseded or reading.met_at]
    speaking = [c for c in fresh if not c.superseded and not reading.met_at]
    if not speaking or ranks[str(speaking[-1].occasion)] < loudest:
        return Due(superseded=(*silent, *((c, "a later mark has spoken") for c in speaking)))
    top = speaking[-1]
    return Due(
        speaks=top, superseded=(*silent, *((c, f"passed together with {top.threshold.mark}") for c in speaking[:-1]))
    )


def _overtaken(reading: ClockReading) -> str:
    return f"met at {reading.met_at:%Y-%m-%d %H:%M} UTC, before it could be said"
