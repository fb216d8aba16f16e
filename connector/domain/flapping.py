"""A wanted value that goes to and fro is frozen until it has calmed down.

As in Nagios, what counts is how much of the last 21 samples changed. A sample is taken at every change and every ten
minutes without one, so that it matters neither how often one looks nor how fast it flaps: the changes alone are kept,
and the quiet samples between them follow from the time. From 20 % on the value flaps, below 5 % it no longer does.

Of the fields that we write only the priority can go to and fro: a path moves up alone, group and assignee are written
once per level. A priority that flaps is not lowered any more; it may still be raised, so that nothing urgent is lost to
the freeze and at most one more write follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from connector.domain.situation import EscalationState
from connector.domain.ticket import Priority

SAMPLES = 21
EVERY = timedelta(minutes=10)
HIGH, LOW = 0.20, 0.05
_STEPS = SAMPLES - 1


class Flapping(NamedTuple):
    """How much a wanted value goes to and fro.

    Attributes:
        last: The value wanted last.
        changes: The latest moments at which it changed.
        since: Since when it counts as flapping; ``None``: it does not.
        calm_at: When it no longer will, if nothing changes.
    """

    last: Priority | None = None
    changes: tuple[datetime, ...] = ()
    since: datetime | None = None
    calm_at: datetime | None = None


def read_flapping(state: EscalationState, wanted: Priority | None, now: datetime) -> Flapping:
    """Return how the wanted priority behaves; reading again at the same moment adds nothing."""
    if wanted is None:
        return Flapping(state.wanted_last, state.wanted_changes, state.flapping_since, _calm_at(state.wanted_changes))
    changed = state.wanted_last is not None and wanted is not state.wanted_last
    changes = (*state.wanted_changes, now)[-SAMPLES:] if changed else state.wanted_changes
    share = changed_share(changes, now)
    flaps = share >= (LOW if state.flapping_since is not None else HIGH)
    since = (state.flapping_since or now) if flaps else None
    return Flapping(wanted, changes, since, _calm_at(changes) if since is not None else None)


def changed_share(changes: Sequence[datetime], now: datetime) -> float:
    """Return which part of the steps between the last 21 samples were changes."""
    steps = counted = 0
    later = now
    for at in reversed(changes):
        steps += max((later - at) // EVERY, 0)
        if steps >= _STEPS:
            break
        steps += 1
        counted += 1
        later = at
    return counted / _STEPS


def _calm_at(changes: Sequence[datetime]) -> datetime | None:
    return changes[-1] + _STEPS * EVERY if changes else None
