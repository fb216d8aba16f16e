"""Applying a plan file: each site's share in the thread that writes there anyway, or here where none runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from connector.bootstrap.reports import ApplyReport
from connector.engine.applied import Applied
from connector.engine.daemon import SiteLoop
from connector.engine.kit import Surroundings
from connector.engine.passes import Site
from connector.engine.planfile import PlanFile, Refused, apply_changes, check_plan_file, read_plan_file
from connector.errors import ConnectorError, UnsafePlan
from connector.ports import Journal

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

Outcome: TypeAlias = tuple[Applied, tuple[Refused, ...]]


def apply_plan_file(program: Connector, journal: Journal, path: Path, at: Mapping[str, SiteLoop] | None) -> ApplyReport:
    """Apply a plan file with the state held; ``at`` are the threads of a daemon's sites.

    Where one of several sites cannot be written the others are, and the report says so: what is done is never untold.

    Raises:
        ConfigError: The file cannot be read.
        WrongUse: It names a site that is not configured; nothing is written then.
        UnsafePlan: It is out of date, writes are paused, or no site is one that it was made for.
        ConnectorError: No site could be read or written now.
    """
    file, report = read_plan_file(path), ApplyReport()
    left: list[ConnectorError] = []
    check_plan_file(file, policy_hash=program.policies.current().hash, now=program.now())
    if not program.may_write():
        raise UnsafePlan(f"writes are paused by the file {program.places.paused}", remedy="remove it")
    program.select(tuple(file.changes))
    for name in file.changes:
        try:
            applied, refused = _here(program, journal, name, file) if at is None else at[name].do(partial(_apply, file))
        except ConnectorError as error:
            left.append(error)
            report.refused.append((name, f"{error}; {error.remedy}" if error.remedy else str(error)))
            continue
        report.written += applied.written
        report.failed += applied.failed + applied.unknown
        report.stopped = report.stopped or applied.stopped
        report.refused += [(r.key, r.why) for r in refused]
        report.held += sum(r.held for r in refused)
        if applied.conflicted:
            report.refused.append((name, f"{len(applied.conflicted)} changed while they were written"))
    if left and len(left) == len(file.changes):
        raise left[0]
    return report


def _here(program: Connector, journal: Journal, name: str, file: PlanFile) -> Outcome:
    hooks, clock = program.hooks(outbox=journal), program.make_clock("apply", join=False)
    try:
        return _apply(file, program.site(name, clock), program.around(name, journal, clock, hooks), program.may_write)
    finally:
        hooks.close()


def _apply(file: PlanFile, site: Site, around: Surroundings, may_write: Callable[[], bool]) -> Outcome:
    return apply_changes(site, around, file, may_write=may_write)
