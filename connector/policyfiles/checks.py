"""What must hold between the parts of a policy; each problem says where and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from connector.documents import KeyPath, Refused, closest
from connector.domain.calendar import Calendar
from connector.domain.policy import TargetKind
from connector.domain.ticket import Priority
from connector.policyfiles.build import level_target
from connector.policyfiles.calendars import check_zone
from connector.policyfiles.checks_conditions import check_when
from connector.policyfiles.model import LevelFile, MatrixFile, PolicyFile, ScoreFile, TargetFile, TriggerFile
from connector.policyfiles.sitemap import SiteMap


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a policy may refer to.

    Attributes:
        calendars: those of the policy that are right.
        templates: names of the texts; ``None`` where they are not at hand, then nothing is said about them.
        sites: maps of the sites that run under the policy; empty where they are not at hand, ``None`` for one that
            cannot be read.
    """

    calendars: Mapping[str, Calendar]
    templates: frozenset[str] | None = None
    sites: Mapping[str, SiteMap | None] = field(default_factory=dict)

    @property
    def inputs(self) -> frozenset[str] | None:
        """Return the inputs that at least one site binds; ``None`` unless every site's map is known."""
        if not self.sites or None in self.sites.values():
            return None
        return frozenset(name for site in self.maps for name in site.fields.inputs)

    @property
    def maps(self) -> tuple[SiteMap, ...]:
        """Return the maps that can be read."""
        return tuple(site for site in self.sites.values() if site is not None)


def check_policy(file: PolicyFile, known: Known, refused: Refused) -> None:
    """Note every problem of priority, triggers, paths, routes, texts and names."""
    _defaults(file, refused)
    _priority(file, known, refused)
    _triggers(file, known, refused)
    for name, levels in file.escalation.paths.items():
        _path(("escalation", "paths", name), levels, refused)
        _names(("escalation", "paths", name), levels, known, refused)
        _calendars_of_levels(name, levels, file, refused)
    _routes(file, known, refused)
    _texts(file, known, refused)


def _defaults(file: PolicyFile, refused: Refused) -> None:
    check_zone(file.defaults.timezone, ("defaults", "timezone"), refused)
    if file.defaults.calendar not in file.calendars:
        unknown(refused, ("defaults", "calendar"), "calendar", file.defaults.calendar, file.calendars)


def unknown(refused: Refused, path: KeyPath, kind: str, name: str, options: Iterable[str]) -> None:
    """Note that ``name`` is not among ``options``."""
    refused.add(path, f"there is no {kind} {name}", closest(name, options))


# ---- priority


def _priority(file: PolicyFile, known: Known, refused: Refused) -> None:
    rules = file.priority
    if (rules.matrix is None) == (rules.score is None):
        refused.add(("priority",), "needs exactly one of matrix and score", "remove one of them or write one")
    if rules.matrix:
        _matrix(rules.matrix, refused)
        wanted: Iterable[str] = ("impact", "urgency")
    else:
        wanted = rules.score.factors if rules.score else ()
    if rules.score:
        _score(rules.score, refused)
    for name in wanted:
        if known.inputs is not None and name not in known.inputs:
            refused.add(("priority",), f"no site binds the input {name}", "bind it under inputs in a site's map")


def _matrix(matrix: MatrixFile, refused: Refused) -> None:
    path: KeyPath = ("priority", "matrix")
    for key in ("impact", "urgency"):
        values: tuple[str, ...] = getattr(matrix, key)
        if len(set(values)) < len(values):
            refused.add((*path, key), "names a value twice: two rules tie", "keep one of them")
    if len(matrix.cells) != len(matrix.impact):
        message = f"has {len(matrix.cells)} rows for {len(matrix.impact)} values of impact"
        refused.add((*path, "cells"), message, "write one row per impact")
    for index, row in enumerate(matrix.cells):
        if len(row) != len(matrix.urgency):
            message = f"has {len(row)} cells for {len(matrix.urgency)} values of urgency"
            refused.add((*path, "cells", index), message, "write one cell per urgency")


def _score(score: ScoreFile, refused: Refused) -> None:
    path: KeyPath = ("priority", "score", "bounds")
    bounds = [bound for _, bound in sorted(score.bounds.items())]
    if any(higher <= lower for higher, lower in pairwise(bounds)):
        refused.add(
            path, "must fall from P1 to P3: two rules tie", "give each priority a lower bound than the one above"
        )
    if Priority.P4 in score.bounds:
        refused.add((*path, "P4"), "means nothing: P4 is what remains", "remove it")


# ---- triggers


def _triggers(file: PolicyFile, known: Known, refused: Refused) -> None:
    variants = {target.targets for target in file.sla.targets if target.targets}
    seen: set[str] = set()
    for index, trigger in enumerate(file.triggers):
        path: KeyPath = ("triggers", index)
        if trigger.name in seen:
            refused.add((*path, "name"), f"{trigger.name} is the name of two triggers: two rules tie", "rename one")
        seen.add(trigger.name)
        _trigger(trigger, path, refused)
        check_when(trigger.when, (*path, "when"), known.inputs, refused, paths=file.escalation.paths)
        check_when(trigger.unless, (*path, "unless"), known.inputs, refused, paths=file.escalation.paths)
        if trigger.targets and trigger.targets not in variants:
            unknown(refused, (*path, "targets"), "SLA target named", trigger.targets, variants)
        if trigger.path and trigger.path not in file.escalation.paths:
            unknown(refused, (*path, "path"), "path", trigger.path, file.escalation.paths)


def _trigger(trigger: TriggerFile, path: KeyPath, refused: Refused) -> None:
    effects = (trigger.at_least, trigger.raise_by, trigger.targets, trigger.path, trigger.notify, trigger.ask)
    if not any(effects):
        remedy = "give it at_least, raise_by, targets, path, notify or ask"
        refused.add(path, f"the trigger {trigger.name} has no effect", remedy)
    if trigger.cap and not trigger.raise_by:
        refused.add((*path, "cap"), "means nothing without raise_by", "add raise_by or remove it")
    if not (trigger.when.all or trigger.when.any or trigger.when.none):
        refused.add((*path, "when"), "is empty and would hit every ticket", "write all, any or none")


# ---- paths


def _path(path: KeyPath, levels: tuple[LevelFile, ...], refused: Refused) -> None:
    if not levels:
        refused.add(path, "has no level", "write at least one")
    for index, level in enumerate(levels):
        if level.level != index + 1:
            message = f"is level {level.level} where level {index + 1} is next"
            refused.add((*path, index, "level"), message, "number levels 1, 2, 3 … in order, without gaps")
        if level.repeat and level.within is None:
            refused.add((*path, index, "repeat"), "means nothing without within", "add within or remove it")
        for key in ("target", "fallback"):
            target: TargetFile | None = getattr(level, key)
            if target and sum(getattr(target, kind) is not None for kind in TargetKind) != 1:
                refused.add((*path, index, key), "needs exactly one of group, user and schedule")


def _names(path: KeyPath, levels: tuple[LevelFile, ...], known: Known, refused: Refused) -> None:
    """Every site must bind every group, person and schedule: a level that leads nowhere is found out too late."""
    for index, level in enumerate(levels):
        for key in ("target", "fallback"):
            file: TargetFile | None = getattr(level, key)
            if file is None or not any((file.group, file.user, file.schedule)):
                continue
            target = level_target(file)
            for site in known.maps:
                bound = site.fields.groups if target.kind is TargetKind.GROUP else site.fields.people
                if target.name not in bound:
                    message = f"the site {site.name} binds no {target.kind} {target.name}"
                    remedy = closest(target.name, bound) or f"bind it in the map of {site.name}"
                    refused.add((*path, index, key, str(target.kind)), message, remedy)


def _calendars_of_levels(name: str, levels: tuple[LevelFile, ...], file: PolicyFile, refused: Refused) -> None:
    for index, level in enumerate(levels):
        if level.calendar is not None and level.calendar not in file.calendars:
            path: KeyPath = ("escalation", "paths", name, index, "calendar")
            unknown(refused, path, "calendar", level.calendar, file.calendars)


def _routes(file: PolicyFile, known: Known, refused: Refused) -> None:
    path: KeyPath = ("escalation", "routes")
    if not file.escalation.routes:
        refused.add(path, "is empty", "add - {path: default}")
    for index, route in enumerate(file.escalation.routes):
        at, is_last = (*path, index), index == len(file.escalation.routes) - 1
        if route.path not in file.escalation.paths:
            unknown(refused, (*at, "path"), "path", route.path, file.escalation.paths)
        check_when(route.when, (*at, "when"), known.inputs, refused, paths=file.escalation.paths)
        conditional = route.when is not None and bool(route.when.all or route.when.any or route.when.none)
        if is_last and conditional:
            refused.add(
                at, "the last route has a condition, so that some tickets have no path", "add - {path: default}"
            )
        if not is_last and not conditional:
            refused.add(
                at, "takes every ticket, so that the routes after it never apply", "give it a `when` or move it down"
            )
        if conditional and any(route.when == other.when for other in file.escalation.routes[:index]):
            refused.add(at, "has the condition of a route before it: two rules tie", "remove one of them")


# ---- texts


def _texts(file: PolicyFile, known: Known, refused: Refused) -> None:
    if known.templates is None:
        return
    for path, name in _named_texts(file):
        if name not in known.templates:
            unknown(refused, path, "template", name, known.templates)


def _named_texts(file: PolicyFile) -> Iterator[tuple[KeyPath, str]]:
    for index, trigger in enumerate(file.triggers):
        if trigger.ask:
            yield ("triggers", index, "ask"), trigger.ask
    for name, levels in file.escalation.paths.items():
        for index, level in enumerate(levels):
            if level.note:
                yield ("escalation", "paths", name, index, "note"), level.note
    for priority, cadence in file.communication.items():
        yield ("communication", priority.name, "update", "note"), cadence.update.note
