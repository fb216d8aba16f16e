"""Targets of the policy's paths behind which nobody stands: a group that is gone, a person who was deactivated.

A ticket whose level needs such a target raises its own alarm. That the target is missing stands in ``status`` and
``attention`` from the first pass that sees it to the first that finds it again, whether or not a ticket needs it now.
So does a target of which the helpdesk refuses to say who stands behind it: its levels call it as if somebody did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from connector.domain.policy import LevelTarget
from connector.domain.situation import Reach
from connector.engine.kit import SiteReading, Surroundings
from connector.ports import AsideKind, SetAside

UNKNOWN = "unknown"
"""The value that marks a target of which it is not known who stands behind it."""

_SOME = re.compile(r"(\d+) known, (\d+) not")
"""The value that marks one of which it is known of some people only."""


def of_some(item: SetAside) -> tuple[int, int] | None:
    """Return of how many people behind a target it is known, and of how many not; ``None``: of none, or of all."""
    found = _SOME.fullmatch(item.value)
    return (int(found[1]), int(found[2])) if found else None


def _mark(found: Reach) -> str:
    return f"{found.known} known, {found.untold} not" if found.known and found.untold else UNKNOWN


def note_targets(site: SiteReading, around: Surroundings, reach: Mapping[LevelTarget, Reach], *, now: datetime) -> None:
    """Set aside the targets that nobody can be reached behind, and take back those that are there again."""
    known = {(i.field, i.value): i for i in around.asides.aside(site.name) if i.kind is AsideKind.TARGET}
    missing = {(str(t), ""): found.why or "nobody can be reached" for t, found in reach.items() if not found.reachable}
    called = {t: found for t, found in reach.items() if found.reachable and found.refused}
    missing |= {(str(t), _mark(found)): found.refused for t, found in called.items()}
    untold = {item.field: item.since for item in known.values() if item.value}  # since when, of however many
    fresh = [
        SetAside(kind=AsideKind.TARGET, field=name, value=value, why=why, since=untold.get(name, now) if value else now)
        for (name, value), why in sorted(missing.items())
        if (name, value) not in known
    ]
    if fresh:
        around.asides.set_aside(site.name, fresh)
    unasked = {str(target) for target, found in reach.items() if found.unasked}
    if back := [i for (name, value), i in known.items() if (name, value) not in missing and name not in unasked]:
        around.asides.take_back(site.name, back, now=now)
