"""The writing side of the helpdesk in memory, with every way in which a write can go wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connector.domain.change import Change, Field, FieldChange, Write
from connector.domain.ticket import Ticket, TicketRef
from connector.errors import Conflict, Denied, HelpdeskError, NotSent, Rejected, Throttled, Unknown
from connector.helpdesks.memory.records import Fault, Update
from connector.helpdesks.memory.world import MemoryHelpdesk, as_priority
from connector.helpdesks.splitting import split_apart, split_change
from connector.ports import BulkResult, Failure, Receipt

_RETRY_AFTER = timedelta(seconds=60)


@dataclass(slots=True)
class _Job:
    results: tuple[BulkResult, ...]
    polls: int


class MemoryWriter:
    """``TicketWriter`` over a ``MemoryHelpdesk``. ``polls_per_job`` polls find a job still running."""

    def __init__(self, world: MemoryHelpdesk, *, bulk_size: int = 100, polls_per_job: int = 1) -> None:
        self._world = world
        self._bulk_size = bulk_size
        self._polls = polls_per_job
        self._jobs: dict[str, _Job] = {}

    def split(self, change: Change) -> tuple[Write, ...]:
        """Return fields together with the first comment, then each further comment; apart where nothing compares."""
        return split_change(change) if self._world.compares else split_apart(change)

    def request_digest(self, write: Write, *, seen: Ticket) -> str:
        """Return a digest of everything that would be written."""
        fields = [(f.field, f.after) for f in write.fields]
        body = (write.comment.body, write.comment.public) if write.comment else None
        return hashlib.sha256(repr((str(write.ref), seen.version, fields, body, write.key)).encode()).hexdigest()

    def send(self, write: Write, *, seen: Ticket) -> Receipt:
        """Make one write; the next fault of the world decides how it ends."""
        self._world.requests["write"] += 1
        return self._write(write, seen, self._next_fault())

    def server_now(self) -> datetime:
        """Return the world's time."""
        return self._world.clock.now()

    def retract(self, ref: TicketRef, comment: str) -> bool:
        """Remove a comment of ours; nobody sees it any more."""
        self._world.requests["retract"] += 1
        self._world.retract(comment)
        del ref
        return False

    @property
    def bulk_size(self) -> int:
        """Return how many writes one job takes."""
        return self._bulk_size

    def submit(self, writes: Sequence[tuple[Write, Ticket]]) -> str:
        """Make field-only writes; a fault meets the whole job."""
        self._world.requests["submit"] += 1
        fault = self._next_fault()
        if fault in _BEFORE:
            raise _BEFORE[fault](f"job refused: {fault}")
        job = f"job-{len(self._jobs) + 1}"
        self._jobs[job] = _Job(tuple(self._result(write, seen, fault) for write, seen in writes), self._polls)
        return job

    def collect(self, job_ids: Sequence[str]) -> Mapping[str, tuple[BulkResult, ...] | None]:
        """Return results; a job that is not known here is lost and answers nothing."""
        self._world.requests["poll"] += 1
        return {id_: self._poll(id_) for id_ in job_ids}

    def forget_jobs(self) -> None:
        """Lose every job's results, as a helpdesk does after a day."""
        for job in self._jobs.values():
            lost = "the job's results are gone"
            job.results = tuple(replace(r, receipt=None, failure=Failure.UNKNOWN, why=lost) for r in job.results)

    def _poll(self, id_: str) -> tuple[BulkResult, ...] | None:
        job = self._jobs.get(id_)
        if job is None:
            return ()
        job.polls -= 1
        return None if job.polls >= 0 else job.results

    def _result(self, write: Write, seen: Ticket, fault: Fault | None) -> BulkResult:
        try:
            return BulkResult(key=write.key, receipt=self._write(write, seen, fault))
        except HelpdeskError as error:
            return BulkResult(key=write.key, failure=_failure(error), why=str(error))

    def _write(self, write: Write, seen: Ticket, fault: Fault | None) -> Receipt:
        if fault in _BEFORE:
            raise _BEFORE[fault](f"{write.ref}: {fault}")
        update = self._update(write, seen)
        if fault is Fault.LATE:
            self._world.land_later(write.ref.id, seen.version, update)
        if fault in {Fault.LATE, Fault.LOST_REQUEST}:
            raise Unknown(f"{write.ref}: {fault}")
        version = self._world.write(write.ref.id, seen.version, update)
        if fault is Fault.LOST_ANSWER:
            raise Unknown(f"{write.ref}: {fault}")
        return Receipt(key=write.key, remote_id=version, version=version, at=self._world.clock.now())

    def _update(self, write: Write, seen: Ticket) -> Update:
        values = dict(_value(change, seen) for change in write.fields if change.field is not Field.NEXT_DUE)
        return Update(
            by=self._world.us,
            values=values,
            comment=write.comment.body if write.comment else None,
            public=write.comment is not None and write.comment.public,
            marker=write.key,
            also=write.comment.also if write.comment else (),
            riders=write.riders,
        )

    def _next_fault(self) -> Fault | None:
        self._world.land_late()
        return self._world.write_faults.popleft() if self._world.write_faults else None


def _value(change: FieldChange, seen: Ticket) -> tuple[str, Any]:
    match change.field:
        case Field.PRIORITY:
            return "priority", as_priority(change.after)
        case Field.LEVEL:
            return "level", int(change.after) if change.after else None
        case Field.LABELS:
            return "labels", seen.labels | frozenset((change.after or "").split())
        case _:
            return str(change.field), change.after


def _failure(error: HelpdeskError) -> Failure:
    kinds = {Conflict: Failure.CONFLICT, Rejected: Failure.REJECTED}
    return kinds.get(type(error), Failure.UNKNOWN)


_BEFORE: Mapping[Fault | None, Callable[[str], HelpdeskError]] = {
    Fault.NOT_SENT: NotSent,
    Fault.THROTTLED: lambda text: Throttled(text, retry_after=_RETRY_AFTER),
    Fault.THROTTLED_TICKET: lambda text: Throttled(text, retry_after=_RETRY_AFTER, scope="ticket"),
    Fault.REFUSED: Rejected,
    Fault.DENIED: Denied,
    Fault.CONFLICT: Conflict,
    Fault.UNAVAILABLE: NotSent,
}
