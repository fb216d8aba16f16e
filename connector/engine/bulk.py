"""Many changes of fields alone at once: jobs that the helpdesk works off by itself, asked for until they are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from connector.domain.change import Write
from connector.domain.ticket import Ticket
from connector.engine.apart import one_by_one, put_off, take_apart
from connector.engine.reconcile import Planned
from connector.engine.sending import Sender, StopSite
from connector.errors import Conflict, HelpdeskError, Rejected, Unknown
from connector.ports import BulkResult, Failure, Op

BULK_FROM = 5
"""Field-only changes in one pass from which a bulk job costs fewer requests than single writes."""

POLL_JOBS_EVERY = timedelta(seconds=2)
JOBS_IN_FLIGHT = 10
"""A thousand tickets at a time; the vendor's own limit is three times that."""

PATIENCE = timedelta(minutes=2)
"""How long a job may take before its writes are left to the next pass, which looks for them like for any other."""

HURRY = timedelta(seconds=10)
"""The same once somebody has paused the site or asked the process to stop."""


def write_in_bulk(sender: Sender, planned: Sequence[Planned]) -> None:
    """Make changes of fields alone in jobs of the writer's size; raises ``StopSite`` when the rest has to wait."""
    for chunk in _chunks(planned, max(sender.writer.bulk_size, 1) * JOBS_IN_FLIGHT):
        _Jobs(sender).run(chunk)


class _Jobs:
    """Up to ``JOBS_IN_FLIGHT`` jobs at a time."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._flying: dict[str, list[tuple[Op, Ticket]]] = {}
        self._apart: list[tuple[Sequence[Write], Ticket]] = []  # what a job refused, to be tried by single writes

    def run(self, planned: Sequence[Planned]) -> None:
        try:
            for chunk in _chunks(planned, self._sender.writer.bulk_size):
                self._sender.check_may_write()
                self._submit(chunk)
        finally:
            self._collect()
        for parts, ticket in self._apart:
            one_by_one(self._sender, parts, ticket)

    def _submit(self, chunk: Sequence[Planned]) -> None:
        sender = self._sender
        pairs = [(w, p.ticket) for p in chunk for w in sender.split(p.change)]
        ops = sender.arm(pairs)
        armed = [(op, ticket) for op, (_, ticket) in zip(ops, pairs, strict=True) if op is not None]
        if not armed:
            return
        try:
            job = sender.writer.submit([(op.write, ticket) for op, ticket in armed])
        except HelpdeskError as error:
            for op, ticket in armed:
                self._not_submitted(op, ticket, error)
            if not isinstance(error, Conflict | Rejected):
                raise StopSite from error
            return
        finally:
            sender.around.fence.disarm()
        sender.around.journal.attach_job([op for op, _ in armed], job)
        self._flying[job] = armed

    def _not_submitted(self, op: Op, ticket: Ticket, error: HelpdeskError) -> None:
        """A job that is refused as a whole says nothing of any ticket in it: each is tried by itself."""
        if isinstance(error, Rejected):
            put_off(self._sender, op, ticket, error)
            self._apart.append(((op.write,), ticket))
        else:
            self._sender.failed(op, ticket, error, stop=False)

    def _collect(self) -> None:
        clock = self._sender.around.clock
        until, is_hurried = clock.now() + PATIENCE, False
        while self._flying:
            clock.wait(clock.now() + POLL_JOBS_EVERY)  # no job is done at once: asking so early is a wasted request
            for job, results in self._sender.writer.collect(sorted(self._flying)).items():
                if results is not None:
                    self._take(self._flying.pop(job), results)
            if not is_hurried and not self._sender.may_go_on():
                until, is_hurried = min(until, clock.now() + HURRY), True
            if clock.now() >= until:
                self._leave()

    def _take(self, armed: Sequence[tuple[Op, Ticket]], results: Sequence[BulkResult]) -> None:
        """Settle what a job that has ended tells of each of its writes."""
        by_key = {r.key: r for r in results}
        for op, ticket in armed:
            result = by_key.get(op.write.key)
            if result is not None and result.receipt is not None:
                self._sender.settle(op, ticket, result.receipt)
                self._sender.done.complete.add(ticket.ref.id)
            else:
                failure = result.failure if result else Failure.UNKNOWN
                why = result.why if result else "no result"
                self._not_done(op, ticket, _error(failure, why))

    def _not_done(self, op: Op, ticket: Ticket, error: HelpdeskError) -> None:
        if isinstance(error, Rejected):
            self._apart.append((take_apart(self._sender, op, ticket, error), ticket))
        else:
            self._sender.failed(op, ticket, error, stop=False)

    def _leave(self) -> None:
        """Leave jobs that do not end: nobody knows what becomes of their writes, and the site goes on."""
        for job, armed in self._flying.items():
            for op, ticket in armed:
                self._sender.failed(op, ticket, Unknown(f"job {job} has not ended"), stop=False)
        self._flying.clear()


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
