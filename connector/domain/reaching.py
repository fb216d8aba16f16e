"""Who stands behind a level right now: off shift means the next level with somebody reachable, with the reason."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from connector.domain.policy import Level, LevelTarget, Path, Policy
from connector.domain.situation import Reach, Situation

_UNKNOWN = Reach()


class Landing(NamedTuple):
    """The level where a step ends, and who was passed over on the way."""

    level: Level
    skipped: tuple[str, ...] = ()


def land(path: Path, number: int, *, situation: Situation, policy: Policy, now: datetime) -> Landing:
    """Return the first level from ``number`` upward with somebody reachable.

    Where there is nobody at all the step ends where it was meant to, and an alarm says so (``nobody_reachable``). A
    target that is kept out of the ticket is not called there either: the level stands, and sets nobody.
    """
    ahead = [level for level in path.levels if level.level >= number] or [path.levels[-1]]
    skipped: list[str] = []
    for level in ahead:
        target, why = reachable_target(level, situation=situation, policy=policy, now=now)
        if target is not None:
            passed_over = (*skipped, why) if why else tuple(skipped)
            return Landing(level, passed_over)
        skipped.append(why)
    return Landing(ahead[0], tuple(skipped))


def reachable_target(
    level: Level, *, situation: Situation, policy: Policy, now: datetime
) -> tuple[LevelTarget | None, str]:
    """Return the level's target or its fallback, whichever can be reached first, and who was passed over and why."""
    reasons: list[str] = []
    for target in filter(None, (level.target, level.fallback)):
        why = _why_not(target, level, situation=situation, policy=policy, now=now)
        if not why:
            return target, "; ".join(reasons)
        reasons.append(f"level {level.level}, {_named(target, situation)}: {why}")
    return None, "; ".join(reasons)


def _why_not(target: LevelTarget, level: Level, *, situation: Situation, policy: Policy, now: datetime) -> str:
    reach = reach_of(target, situation)
    if not reach.exists:
        return reach.why or "does not exist here"
    if not reach.reachable:
        return reach.why or "nobody can be reached"
    calendar = policy.calendars.get(level.calendar) if level.calendar and target is level.target else None
    return f"off shift ({level.calendar})" if calendar is not None and not calendar.is_open(now) else ""


def _named(target: LevelTarget, situation: Situation) -> str:
    """Return a target as notes and alarms may name it: who is involved in a confidential ticket is not named."""
    return f"its {target.kind}" if reach_of(target, situation).involved else str(target)


def called(level: Level, situation: Situation) -> str:
    """Return whom a level calls, as texts name it; empty where that is nobody who may be called."""
    return "" if reach_of(level.target, situation).involved else level.target.name


def reach_of(target: LevelTarget, situation: Situation) -> Reach:
    """Return who stands behind a target; one that nobody looked up counts as reachable."""
    return situation.reach.get(target, _UNKNOWN)


def nobody_reachable(path: Path, number: int, *, situation: Situation, policy: Policy, now: datetime) -> str:
    """Return why nobody can be reached at level ``number`` or above, empty when somebody can."""
    reasons = []
    for level in path.levels:
        if level.level >= number:
            target, why = reachable_target(level, situation=situation, policy=policy, now=now)
            if target is not None:
                return ""
            reasons.append(why)
    return "; ".join(reasons)


def missing_targets(path: Path, situation: Situation) -> tuple[str, ...]:
    """Return the path's targets that do not exist on this site, in words."""
    targets = {target: level for level in path.levels for target in filter(None, (level.target, level.fallback))}
    absent = ((level, target) for target, level in targets.items() if not reach_of(target, situation).exists)
    return tuple(f"path {path.name}, level {level.level}: {target} does not exist here" for level, target in absent)
