"""Apply: make the planned writes, one at a time, intent first. The only place that is handed a writer.

Every outcome has one answer here:

=============  ========================================================================================
receipt        settle: receipt, applied values and occasion rows in one transaction
``Conflict``   the ticket changed since it was seen: drop the change, the next pass plans anew
``Rejected``   never accepted: recorded for good, not tried again
``NotSent``    nothing left this machine: stop this site, the next pass plans anew
``Throttled``  refused: skip the ticket, or stop the site until the helpdesk's own time
``Unknown``    may have been applied: the row stays ``sending`` and is looked up before anything else
``Denied``     credentials or permissions: freeze the site's writes and raise the alarm
=============  ========================================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connector.domain.change import Write
from connector.domain.ticket import Ticket
from connector.domain.written import as_written
from connector.engine.kit import Surroundings
from connector.engine.reconcile import PassPlan, Planned
from connector.errors import Busy, Conflict, Denied, HelpdeskError, NotSent, Rejected, Throttled, Unknown
from connector.ports import Alarm, AlarmKind, Failure, Op, OpStatus, Receipt, TicketWriter

BULK_FROM = 5
"""Field-only changes in one pass from which a bulk job costs fewer requests than single writes."""

NOT_NOW = "paused or stopping"
"""Why the rest of a plan waits when nothing may be written: a person's word, no failure."""

POLL_JOBS_EVERY = timedelta(seconds=2)
JOBS_IN_FLIGHT = 10
"""A thousand tickets at a time; the vendor's own limit is three times that."""


@dataclass(slots=True)
class Applied:
    """Counts of what became of the planned writes.

    Attributes:
        retry_after: How long the helpdesk asked to be left alone, where it did.
        stopped: Why the rest of the plan was not tried; empty when all of it was.
        complete: Ids of tickets whose every planned write is settled.
    """

    written: int = 0
    conflicts: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    retry_after: timedelta | None = None
    stopped: str = ""
    denied: bool = False
    unreachable: bool = False
    complete: set[str] = field(default_factory=set)


class _StopSite(Exception):
    """The rest of this site's plan has to wait."""


def apply_plan(
    plan: PassPlan,
    writer: TicketWriter,
    around: Surroundings,
    *,
    may_write: Callable[[], bool] = lambda: True,
) -> Applied:
    """Make the plan's writes in its order and return what became of them.

    ``may_write`` is asked before every write: a pause or a stop lets the write in hand finish and begins no other.
    """
    return _Apply(plan, writer, around, may_write).run()


class _Apply:
    """One application of one plan; holds the counts while it works."""

    def __init__(
        self, plan: PassPlan, writer: TicketWriter, around: Surroundings, may_write: Callable[[], bool]
    ) -> None:
        self._plan = plan
        self._writer = writer
        self._around = around
        self._may_write = may_write
        self._done = Applied()
        self._log = around.observer

    def run(self) -> Applied:
        single, bulk = self._sorted()
        try:
            for planned in single:
                self._one_ticket(planned)
            for chunk in _chunks(bulk, max(self._writer.bulk_size, 1) * JOBS_IN_FLIGHT):
                self._jobs(chunk)
        except _StopSite:
            pass
        return self._done

    def _sorted(self) -> tuple[list[Planned], list[Planned]]:
        """Split the plan into single writes, in order, and field-only changes that a bulk job may take."""
        plain = [p for p in self._plan.planned if not p.change.comments and not p.change.hard]
        if not self._writer.bulk_size or len(plain) < BULK_FROM:
            return list(self._plan.planned), []
        taken = {id(p) for p in plain}
        return [p for p in self._plan.planned if id(p) not in taken], plain

    # ---- one ticket at a time

    def _one_ticket(self, planned: Planned) -> None:
        ticket = planned.ticket
        for write in self._writer.split(planned.change):
            self._check_may_write()
            receipt = self._one_write(write, ticket)
            if receipt is None:
                return
            ticket = as_written(ticket, write, version=receipt.version)
        self._done.complete.add(ticket.ref.id)

    def _one_write(self, write: Write, ticket: Ticket) -> Receipt | None:
        """Arm, send, settle; return the receipt, or ``None`` when the ticket's other writes have to wait."""
        op = self._arm([(write, ticket)])[0]
        if op is None:
            return None
        try:
            receipt = self._writer.send(write, seen=ticket)
        except HelpdeskError as error:
            self._failed(op, ticket, error)
            rest = _without_refused(write, error)
            return self._one_write(rest, ticket) if rest is not None else None
        self._settle(op, ticket, receipt)
        return receipt

    def _arm(self, writes: Sequence[tuple[Write, Ticket]]) -> list[Op | None]:
        """Store intents; ``None`` stands for a write that is already settled or blocked and must not be sent."""
        armed: list[Op | None] = []
        for write, ticket in writes:
            digest = self._writer.request_digest(write, seen=ticket)
            try:
                (op,) = self._around.journal.arm(
                    self._plan.site, [(write, digest)], run=self._plan.run, now=self._around.clock.now()
                )
            except Busy:
                self._log.event("write_waits", site=self._plan.site, ticket=ticket.key, why="another write is open")
                self._done.skipped += 1
                armed.append(None)
                continue
            if op.status is not OpStatus.SENDING:
                self._done.skipped += 1
            armed.append(op if op.status is OpStatus.SENDING else None)
        return armed

    def _settle(self, op: Op, ticket: Ticket, receipt: Receipt) -> None:
        self._around.journal.settle(op, receipt, now=self._around.clock.now())
        self._done.written += 1
        self._log.event("write_done", site=self._plan.site, ticket=ticket.key, write=op.write, remote=receipt.remote_id)

    # ---- many field-only changes at once

    def _jobs(self, planned: Sequence[Planned]) -> None:
        """Submit up to ``JOBS_IN_FLIGHT`` bulk jobs and collect their results."""
        flying: dict[str, list[tuple[Op, Ticket]]] = {}
        try:
            for chunk in _chunks(planned, self._writer.bulk_size):
                self._check_may_write()
                self._submit(chunk, flying)
        finally:
            self._collect(flying)

    def _submit(self, chunk: Sequence[Planned], flying: dict[str, list[tuple[Op, Ticket]]]) -> None:
        pairs = [(w, p.ticket) for p in chunk for w in self._writer.split(p.change)]
        ops = self._arm(pairs)
        armed = [(op, ticket) for op, (_, ticket) in zip(ops, pairs, strict=True) if op is not None]
        if not armed:
            return
        try:
            job = self._writer.submit([(op.write, ticket) for op, ticket in armed])
        except HelpdeskError as error:
            for op, ticket in armed:
                self._failed(op, ticket, error, stop=False)
            if not isinstance(error, Conflict | Rejected):
                raise _StopSite from error
            return
        self._around.journal.attach_job([op for op, _ in armed], job)
        flying[job] = armed

    def _collect(self, flying: dict[str, list[tuple[Op, Ticket]]]) -> None:
        clock = self._around.clock
        while flying:
            clock.wait(clock.now() + POLL_JOBS_EVERY)  # no job is done at once: asking so early is a wasted request
            for job, results in self._writer.collect(sorted(flying)).items():
                if results is None:
                    continue
                by_key = {r.key: r for r in results}
                for op, ticket in flying.pop(job):
                    result = by_key.get(op.write.key)
                    if result is not None and result.receipt is not None:
                        self._settle(op, ticket, result.receipt)
                        self._done.complete.add(ticket.ref.id)
                    else:
                        failure = result.failure if result else Failure.UNKNOWN
                        self._failed(op, ticket, _error(failure, result.why if result else "no result"), stop=False)

    # ---- outcomes

    def _failed(self, op: Op, ticket: Ticket, error: HelpdeskError, *, stop: bool = True) -> None:
        """Give one failed write its answer; raise ``_StopSite`` when the rest has to wait."""
        now, why = self._around.clock.now(), str(error)
        self._log.event("write_failed", site=self._plan.site, ticket=ticket.key, write=op.write, error=error)
        match error:
            case Unknown():
                self._done.unknown += 1
                return
            case Conflict():
                self._done.conflicts += 1
                self._around.journal.fail(op, OpStatus.FAILED, why, now=now)
                return
            case Rejected():
                self._done.failed += 1
                self._around.journal.reject(op, why, now=now)
                return
        self._done.failed += 1
        self._around.journal.fail(op, OpStatus.FAILED, why, now=now)
        if isinstance(error, Throttled):
            if error.scope == "ticket":
                return
            self._done.retry_after = error.retry_after
        if isinstance(error, Denied):
            self._freeze(why, now=now)
        self._done.unreachable = isinstance(error, NotSent)
        self._done.stopped = why
        if stop:
            raise _StopSite

    def _freeze(self, why: str, *, now: datetime) -> None:
        self._done.denied = True
        self._around.journal.freeze(self._plan.site, None, why, now=now)
        self._around.notifier.alarm(
            Alarm(
                kind=AlarmKind.FREEZE,
                site=self._plan.site,
                ticket="",
                message=f"writes to {self._plan.site} are frozen: {why}",
                remedy=f"mend the credentials or permissions, then: connector resume {self._plan.site}",
                at=now,
            )
        )

    def _check_may_write(self) -> None:
        if not self._may_write():
            self._done.stopped = NOT_NOW
            raise _StopSite


def _without_refused(write: Write, error: HelpdeskError) -> Write | None:
    """Return a write of the fields that were not refused by name: one field never keeps the others from a ticket.

    ``None`` when nothing of ours was named, nothing else is left, or a comment travels along (its intent is one).
    """
    refused = error.fields if isinstance(error, Rejected) and write.comment is None else ()
    rest = tuple(change for change in write.fields if str(change.field) not in refused)
    if not rest or len(rest) == len(write.fields):
        return None
    names = "|".join(f"{change.field}={change.after}" for change in rest)
    key = hashlib.sha256(f"{write.key}|{names}".encode()).hexdigest()
    return replace(write, key=key, fields=rest)


def _error(failure: Failure | None, why: str) -> HelpdeskError:
    match failure:
        case Failure.CONFLICT:
            return Conflict(why)
        case Failure.REJECTED:
            return Rejected(why)
    return Unknown(why)


def _chunks(items: Sequence[Planned], size: int) -> Iterator[Sequence[Planned]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
