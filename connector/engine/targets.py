"""Targets of the policy's paths behind which nobody stands: a group that is gone, a person who was deactivated.

A ticket whose level needs such a target raises its own alarm. That the target is missing stands in ``status`` and
``attention`` from the first pass that sees it to the first that finds it again, whether or not a ticket needs it now.
So does a target of which the helpdesk refuses to say who stands behind it: its levels call it as if somebody did.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connector.domain.policy import LevelTarget
from connector.domain.situation import Reach
from connector.engine.kit import SiteReading, Surroundings
from connector.ports import AsideKind, SetAside

UNKNOWN = "unknown"
"""The value that marks a target of which it is not known who stands behind it."""


def note_targets(site: SiteReading, around: Surroundings, reach: Mapping[LevelTarget, Reach], *, now: datetime) -> None:
    """Set aside the targets that nobody can be reached behind, and take back those that are there again."""
    known = {(i.field, i.value): i for i in around.asides.aside(site.name) if i.kind is AsideKind.TARGET}
    missing = {(str(t), ""): found.why or "nobody can be reached" for t, found in reach.items() if not found.reachable}
    missing |= {(str(t), UNKNOWN): found.refused for t, found in reach.items() if found.reachable and found.refused}
    fresh = [
        SetAside(kind=AsideKind.TARGET, field=name, value=value, why=why, since=now)
        for (name, value), why in sorted(missing.items())
        if (name, value) not in known
    ]
    if fresh:
        around.asides.set_aside(site.name, fresh)
    unasked = {str(target) for target, found in reach.items() if found.unasked}
    if back := [i for (name, value), i in known.items() if (name, value) not in missing and name not in unasked]:
        around.asides.take_back(site.name, back, now=now)
