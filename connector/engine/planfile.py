"""Plan files: a plan that a person can read, keep for an hour, and have applied exactly as it stands.

The file holds the rendered texts, so what is applied is what was reviewed. It is private (0600), expires after one
hour, and is refused under another policy. A ticket is refused when it changed since, or when a newer threshold or level
makes the planned text out of date.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connector.domain.change import Change
from connector.domain.serial import change_from_dict, change_to_dict
from connector.engine.allowed import allowed
from connector.engine.apply import Applied, apply_plan
from connector.engine.aside import Aside, respect_rest
from connector.engine.gather import reach_all
from connector.engine.kit import Surroundings, new_run_id
from connector.engine.passes import Site, is_steady, move_on
from connector.engine.pull import take_in
from connector.engine.reconcile import PassPlan, Planned, Work, decide_rounds
from connector.engine.recover import recover
from connector.engine.steering import notice_switches
from connector.engine.unread import Round
from connector.errors import ConfigError, ConnectorError, Problem, UnsafePlan, what_failed
from connector.ports import Recall, RunRow, RunSummary

SCHEMA_VERSION = 1
VALID_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A stored plan: changes per site, under one policy, made at one moment."""

    policy: str
    created_at: datetime
    fingerprints: Mapping[str, str]
    changes: Mapping[str, tuple[Change, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A planned change that is not made, and why; ``held``: it stands, and a budget or a freeze keeps it back."""

    key: str
    why: str
    held: bool = False


def write_plan_file(path: Path, plans: Sequence[PassPlan], *, fingerprints: Mapping[str, str]) -> None:
    """Write plans to a private file; replaces an earlier one at once or not at all."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "created_at": min(p.now for p in plans).isoformat(),
        "policy": plans[0].policy.hash,
        "sites": [
            {
                "site": p.site,
                "fingerprint": fingerprints[p.site],
                "changes": [change_to_dict(planned.change) for planned in p.planned],
            }
            for p in plans
        ],
    }
    path = path.resolve()  # what stands behind a link is written, and the link stays
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)  # left by a crash or laid there by somebody: only a new file is surely private
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False, indent=1, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)  # the texts of comments stand in it


def read_plan_file(path: Path) -> PlanFile:
    """Read a plan file; raises ``ConfigError`` that names what cannot be read."""
    try:
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError((Problem(file=str(path), message=f"cannot be read: {error.strerror}"),)) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        what = f"is not a plan file: {error}" if isinstance(error, ValueError) else "is not a plan file"
        problem = Problem(file=str(path), message=what, remedy="make one: connector plan --out")
        raise ConfigError((problem,)) from error


def _parsed(document: Mapping[str, Any]) -> PlanFile:
    if document["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema_version {document['schema_version']} is not {SCHEMA_VERSION}")
    created_at = datetime.fromisoformat(document["created_at"])
    if created_at.tzinfo is None:
        raise ValueError(f"created_at {document['created_at']} has no offset")
    return PlanFile(
        policy=document["policy"],
        created_at=created_at,
        fingerprints={s["site"]: s["fingerprint"] for s in document["sites"]},
        changes={s["site"]: tuple(change_from_dict(c) for c in s["changes"]) for s in document["sites"]},
    )


def check_plan_file(file: PlanFile, *, policy_hash: str, now: datetime) -> None:
    """Raise ``UnsafePlan`` when the whole file is out of date: older than an hour, or made under another policy."""
    if not timedelta(0) <= now - file.created_at <= VALID_FOR:
        raise UnsafePlan(
            f"the plan was made at {file.created_at:%Y-%m-%d %H:%M} UTC and is valid for one hour",
            remedy="make a new one: connector plan --out FILE",
        )
    if file.policy != policy_hash:
        raise UnsafePlan(
            f"the plan was made under policy {file.policy[:7]}, now {policy_hash[:7]} is in force",
            remedy="make a new one: connector plan --out FILE",
        )


def apply_changes(
    site: Site, around: Surroundings, file: PlanFile, *, may_write: Callable[[], bool] = lambda: True
) -> tuple[Applied, tuple[Refused, ...]]:
    """Write exactly the file's changes for one site; refuse those that no longer stand.

    Every ticket is read afresh and decided again: its version must be the one seen, and what the policy wants now must
    still include what the plan holds, with nothing newer to say. Budgets and freezes hold as in any pass; so does what
    a pass does before it decides: a clock in doubt is asked about, a helpdesk's wish for rest is kept, and what is open
    is looked for first.

    Raises:
        UnsafePlan: The site is paused, another one than the plan was made for, or our clock is far off.
        Unavailable, Denied: The helpdesk cannot be read, or is to be left alone.
    """
    around = replace(around, fence=site.fence)
    wanted = {change.ref.id: change for change in file.changes.get(site.name, ())}
    if not wanted:
        return Applied(), ()
    _check_site(site, around, file)
    now, policy = around.clock.now(), around.policies.current()
    row = RunRow(id=new_run_id(now), site=site.name, kind="apply", policy=policy.hash, started_at=now)
    around.journal.begin_run(row)
    around.observer.event("run_started", site=site.name, run=row.id, kind="apply", policy=policy.short_hash)
    outcome, why, summary = "failed", "", RunSummary()
    try:
        applied, refused, summary = _applied(site, around, wanted, run=row.id, may_write=may_write)
        outcome = "partial" if refused or applied.failed or applied.stopped else "ok"
        why = applied.stopped
    except ConnectorError as error:
        why = str(error)
        raise
    finally:
        around.journal.end_run(replace(row, ended_at=around.clock.now(), outcome=outcome, why=why, summary=summary))
    return applied, tuple(refused)


def _applied(
    site: Site, around: Surroundings, wanted: Mapping[str, Change], *, run: str, may_write: Callable[[], bool]
) -> tuple[Applied, list[Refused], RunSummary]:
    def may_go_on() -> bool:
        return may_write() and is_steady(around)

    recovered = recover(site.reading, site.writer if may_go_on() else None, around)
    plan, refused, decided = _still_standing(site, around, wanted, run=run)
    applied = apply_plan(plan, site.writer, around, may_write=may_go_on)
    move_on(around, plan, applied)
    written = applied.written + recovered.found
    return applied, refused, RunSummary(read=plan.read, decided=decided, written=written, failed=len(refused))


def _check_site(site: Site, around: Surroundings, file: PlanFile) -> None:
    if file.fingerprints[site.name] != site.reading.rules.fingerprint:
        raise UnsafePlan(f"the plan was made for another {site.name}; its address has changed since")
    state = around.journal.open_site(site.name, fingerprint=site.reading.rules.fingerprint)
    if state.paused:
        raise UnsafePlan(f"{site.name} is paused: {state.paused}", remedy=f"connector resume {site.name}")
    respect_rest(site.reading, around, now=around.clock.now())
    if around.time is not None:
        around.time.sound(site.reading)
    notice_switches(site.reading, around, state, now=around.clock.now())


def _still_standing(
    site: Site, around: Surroundings, wanted: Mapping[str, Change], *, run: str
) -> tuple[PassPlan, list[Refused], int]:
    """Return what of ``wanted`` is to be written, what is refused, and how many tickets were decided for that."""
    policy, reading, now = around.policies.current(), site.reading, around.clock.now()
    page = reading.reader.get(tuple(wanted))
    if around.time is not None:
        now = around.time.settle(reading, around, now)
    versions = {o.ticket.ref.id: o.ticket for o in page.observations}
    take_in(reading, around, policy, replace(page, gone=()), now=now, reread=True)
    known = around.journal.open_site(site.name, fingerprint=reading.rules.fingerprint).recall
    recall = known if known.why else Recall()  # of a site first seen the plan has read back what it holds
    work, reach = Work(aside=Aside.of(reading, around), alone=True, recall=recall), reach_all(reading, policy, now=now)
    asked = Round(around=around, policy=policy, reach=reach, ids=tuple(versions))
    decide_rounds(reading, around, (asked,), work, now=now, run=run)
    current = {planned.change.ref.id: planned for planned in work.changes}
    objections = {id_: _objection(change, versions.get(id_), current.get(id_)) for id_, change in wanted.items()}
    objections |= {id_: f"deciding it fails: {what_failed(error)}" for id_, error in work.failed.items()}
    state = around.journal.open_site(site.name, fingerprint=reading.rules.fingerprint)
    go, held = allowed(reading, around, [c for id_, c in wanted.items() if not objections[id_]], state=state, now=now)
    objections |= {item.ref.id: f"held, {item.why}" for item in held}
    planned = tuple(_as_in_file(c, current[c.ref.id], now=now) for c in go if not objections[c.ref.id])
    kept = {item.ref.id for item in held}
    refused = [Refused(key=wanted[i].key, why=why, held=i in kept) for i, why in objections.items() if why]
    plan = PassPlan(site=site.name, run=run, policy=policy, now=now, planned=planned, read=len(page.observations))
    return plan, refused, work.decided


def _as_in_file(change: Change, current: Planned, *, now: datetime) -> Planned:
    """Return the file's change to be written; where more is wanted by now, the ticket stays due for the next pass."""
    more = len(current.change.fields) > len(change.fields)
    return replace(current, change=change, next_due_at=now if more else current.next_due_at)


def _objection(change: Change, ticket: object, current: Planned | None) -> str:
    """Return why a planned change no longer stands, or nothing."""
    if ticket is None:
        return "the ticket is gone or cannot be read"
    if current is None:
        return "nothing of it is wanted any more"
    if current.change.seen != change.seen:
        return "the ticket changed since the plan was made"
    now_wanted = {(f.field, f.after) for f in current.change.fields}
    if not {(f.field, f.after) for f in change.fields} <= now_wanted:
        return "the policy wants other values by now"
    if _said(current.change) != _said(change):
        return "a newer threshold or level has been reached since"
    return ""


def _said(change: Change) -> set[tuple[str, str]]:
    """Return what a change's comments speak of, by audience and name of the occasion."""
    notices = [comment.notice for comment in change.comments]
    return {(n.audience, str(about)) for n in notices for about in (n.occasion, *n.covers)}
