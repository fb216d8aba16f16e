"""One whole pass over one site: recover, reconcile, apply, report. ``sync`` runs one, the daemon one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from connector.domain.guard import by_budget
from connector.domain.site import Effect
from connector.engine.apply import Applied, apply_plan
from connector.engine.aside import leave_alone, respect_rest
from connector.engine.held import all_held, end_old_allowance, report_held
from connector.engine.histories import read_rest
from connector.engine.kit import SiteReading, Surroundings, new_run_id
from connector.engine.outage import note_answer, note_outage
from connector.engine.reconcile import PassPlan, reconcile
from connector.engine.recover import Recovered, recover
from connector.engine.remembering import PassAsides
from connector.engine.sending import NOT_NOW
from connector.errors import (
    ClockIsOff,
    ConnectorError,
    Denied,
    HelpdeskError,
    StateFull,
    Unavailable,
    UnsafePlan,
    what_failed,
)
from connector.ports import (
    Alarm,
    AlarmKind,
    Fence,
    Progress,
    RunRow,
    RunSummary,
    TicketWriter,
)

LONG_REST = timedelta(minutes=15)
"""The longest that a helpdesk's wish is followed without asking again; a longer wish is an alarm."""


BY_CRON = "sync"
"""The kind of runs that are each a process of their own; a daemon remembers by itself."""


class PassOutcome(StrEnum):
    """How a pass ended; the command line turns it into an exit code."""

    OK = "ok"
    PARTIAL = "partial"  # some writes failed or wait
    HELD = "held"  # a guard held something back
    FAILED = "failed"  # the helpdesk could not be read
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site with its writer; only ``run_pass`` and ``apply`` of a plan file hold one."""

    reading: SiteReading
    writer: TicketWriter
    fence: Fence = field(default_factory=lambda: Fence(lambda: 0.0))

    @property
    def name(self) -> str:
        """Return the site's name."""
        return self.reading.name


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    """What one pass did.

    Attributes:
        plan: What was planned; ``None`` when the pass ended before.
        applied: What became of it.
        error: The error that ended the pass, if one did.
        learned: Histories were read once all was decided: what they tell is to be decided next.
    """

    site: str
    run: str
    outcome: PassOutcome
    summary: RunSummary
    plan: PassPlan | None = None
    applied: Applied | None = None
    error: ConnectorError | None = None
    learned: bool = False


def run_pass(
    site: Site,
    around: Surroundings,
    *,
    kind: str,
    fetch: bool = True,
    may_write: Callable[[], bool] = lambda: True,
) -> PassResult:
    """Run one pass; every expected failure is in the result, so one site's trouble never reaches another.

    ``fetch`` off decides only what is due, from what is stored: no request is made to find it.
    """
    around = replace(around, fence=site.fence, remembered=PassAsides(around.journal))
    try:
        return _run(site, around, kind=kind, fetch=fetch, may_write=may_write)
    except StateFull as error:
        around.observer.event("state_is_full", site=site.name, why=str(error))
        around.notifier.alarm(_full(site, around, error))
        return PassResult(site=site.name, run="", outcome=PassOutcome.FAILED, summary=RunSummary(failed=1), error=error)


def _full(site: Site, around: Surroundings, error: StateFull) -> Alarm:
    return Alarm.of_site(
        AlarmKind.FREEZE,
        site.name,
        f"nothing is written to {site.name}: the state's disk is full",
        remedy=error.remedy,
        at=around.clock.now(),
    )


def _run(site: Site, around: Surroundings, *, kind: str, fetch: bool, may_write: Callable[[], bool]) -> PassResult:
    now = around.clock.now()
    policy = around.policies.current()
    row = RunRow(id=new_run_id(now), site=site.name, kind=kind, policy=policy.hash, started_at=now)
    around.journal.open_site(site.name, fingerprint=site.reading.rules.fingerprint)
    around.journal.begin_run(row)
    around.observer.event("run_started", site=site.name, run=row.id, kind=kind, policy=policy.short_hash)
    requests, began = site.reading.reader.requests_made(), around.clock.monotonic()
    try:
        if fetch:
            respect_rest(site.reading, around, now=now)
        if around.time is not None:
            around.time.sound(site.reading)
            row = replace(row, started_at=around.clock.now())
        result = _pass(site, around, row.id, fetch=fetch, may_write=lambda: may_write() and is_steady(around))
    except ConnectorError as error:
        result = _failed(site, around, row.id, error, kind=kind, now=now)
    except Exception as error:
        broken = replace(row, outcome=str(PassOutcome.FAILED), why=what_failed(error), summary=RunSummary(failed=1))
        around.journal.end_run(replace(broken, ended_at=around.clock.now()))
        raise
    summary = replace(result.summary, requests=site.reading.reader.requests_made() - requests)
    result = replace(result, summary=summary)
    _finish(site, around, row, result, fetch=fetch, took=around.clock.monotonic() - began)
    return result


def is_steady(around: Surroundings) -> bool:
    """True while the machine's clock can be believed."""
    return around.time is None or around.time.steady()


def _pass(site: Site, around: Surroundings, run: str, *, fetch: bool, may_write: Callable[[], bool]) -> PassResult:
    state = around.journal.open_site(site.name, fingerprint=site.reading.rules.fingerprint)
    end_old_allowance(site.reading, around, state, now=around.clock.now())
    writer = site.writer if may_write() and not state.paused else None
    recovered = recover(site.reading, writer, around, every=fetch)
    plan = reconcile(site.reading, around, run=run, fetch=fetch)
    state = around.journal.open_site(site.name, fingerprint=site.reading.rules.fingerprint)
    if state.paused:
        plan = all_held(plan, state)
    report_held(site.reading, around, plan)
    ready = {} if state.paused else recovered.ready
    applied = apply_plan(plan, site.writer, around, ready=ready, may_write=may_write)
    _tell_of_a_long_rest(site, around, applied.retry_after, now=around.clock.now())
    move_on(around, plan, applied)
    learned = fetch and state.recall.is_over and read_rest(site.reading, around)
    summary = RunSummary(
        read=plan.read,
        decided=plan.decided,
        written=applied.written + recovered.found,
        held=len(plan.held),
        left=len(plan.left),
        failed=applied.failed + plan.malformed + plan.failed + recovered.stumbled,
        parked=recovered.parked,
        would_do=plan.would_do,
        insufficient=plan.insufficient,
    )
    return PassResult(
        site=site.name,
        run=run,
        outcome=_outcome(plan, applied, recovered),
        summary=summary,
        plan=plan,
        applied=applied,
        learned=learned,
    )


def move_on(around: Surroundings, plan: PassPlan, applied: Applied) -> None:
    """Let tickets go whose whole change is written; the others stay due and are planned anew by the next pass."""
    waiting = {item.ref.id for item in plan.held}
    written = {p.change.ref.id: p.next_due_at for p in plan.planned if p.change.ref.id in applied.complete}
    around.journal.move_on(plan.site, {id_: due for id_, due in written.items() if id_ not in waiting}, since=plan.now)


def _outcome(plan: PassPlan, applied: Applied, recovered: Recovered) -> PassOutcome:
    if applied.denied:
        return PassOutcome.DENIED
    stopped = applied.stopped and applied.stopped != NOT_NOW
    odd = plan.malformed or plan.failed or recovered.stumbled
    if applied.failed or applied.unknown or stopped or odd or recovered.parked:
        return PassOutcome.PARTIAL
    return PassOutcome.HELD if plan.held or applied.stopped else PassOutcome.OK


def _failed(
    site: Site, around: Surroundings, run: str, error: ConnectorError, *, kind: str, now: datetime
) -> PassResult:
    outcome = PassOutcome.FAILED
    if isinstance(error, ClockIsOff):
        now = error.at
        around.journal.fall_due(site.name, now=now)  # what was stored by a wrong clock would wait for its time
    if isinstance(error, Denied | UnsafePlan):
        outcome = PassOutcome.DENIED if isinstance(error, Denied) else PassOutcome.HELD
        _freeze(site, around, error, now=now)
    elif not isinstance(error, HelpdeskError):
        raise error
    if kind == BY_CRON:
        note_outage(site.reading, around, error, now=around.clock.now())
    if leave_alone(site.reading, around, error, now=now) and isinstance(error, Unavailable):
        _tell_of_a_long_rest(site, around, error.retry_after, now=now)
    return PassResult(site=site.name, run=run, outcome=outcome, summary=RunSummary(failed=1), error=error)


def _freeze(site: Site, around: Surroundings, error: ConnectorError, *, now: datetime) -> None:
    """Freeze every write; the alarm is raised once, however often the same trouble is met again."""
    known = around.journal.open_site(site.name, fingerprint=site.reading.rules.fingerprint).frozen
    if not {effect for effect, why in known.items() if not by_budget(why)} >= set(Effect):
        around.notifier.alarm(
            Alarm.of_site(
                AlarmKind.FREEZE,
                site.name,
                f"writes to {site.name} are frozen: {error}",
                remedy=_then_resume(error.remedy or "mend the cause", site.name),
                at=now,
            )
        )
    around.journal.freeze(site.name, None, str(error), now=now)


def _tell_of_a_long_rest(site: Site, around: Surroundings, rest: timedelta | None, *, now: datetime) -> None:
    """Raise the alarm when a helpdesk wants to be left alone for longer than we do at a time."""
    if rest is None or rest < LONG_REST:
        return
    message = f"{site.name} asks to leave it alone for a quarter of an hour or longer; asked again after that"
    remedy = "connector status; look at the helpdesk's limits and at what else uses the account"
    alarm = Alarm.of_site(AlarmKind.STALE, site.name, message, remedy=remedy, at=now)
    around.notifier.alarm(alarm)


def _then_resume(remedy: str, site: str) -> str:
    command = f"connector resume {site}"
    return remedy if command in remedy else f"{remedy}, then: {command}"


def _finish(site: Site, around: Surroundings, row: RunRow, result: PassResult, *, fetch: bool, took: float) -> None:
    """Store how the run ended; a pass that read the helpdesk well moves the site's last good moment."""
    now = around.clock.now()
    if isinstance(result.error, ClockIsOff):  # whichever clock is right, a moment to come would hide what comes before
        now = result.error.at
        row = replace(row, started_at=min(row.started_at, now))
    why = str(result.error) if result.error else result.applied.stopped if result.applied else ""
    around.journal.end_run(replace(row, ended_at=now, outcome=str(result.outcome), why=why, summary=result.summary))
    good = result.error is None
    if good and fetch:
        around.journal.advance(site.name, Progress(last_good_at=now))
        note_answer(site.reading, around, now=now)
    around.notifier.ping(ok=good)
    around.observer.event(
        "run_finished",
        site=site.name,
        run=row.id,
        kind=row.kind,
        outcome=str(result.outcome),
        why=why,
        summary=result.summary,
        policy=row.policy[:7],
        took=took,
    )
