"""Writing to one Zendesk site: one compare-and-set update per write, or a job for many changes of fields alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from connector.domain.change import Change, FieldChange, Write
from connector.domain.site import FieldMap
from connector.domain.ticket import Priority, Status, Ticket, TicketRef
from connector.errors import Exposed, HelpdeskError, Malformed, Mute, NotSent, Rejected, Unknown
from connector.helpdesks.splitting import split_change
from connector.helpdesks.transport import Answer, Client
from connector.helpdesks.zendesk import history, normalise, shapes, wire
from connector.helpdesks.zendesk.listed import Listed, listed_by, unlisted
from connector.ports import BulkResult, Clock, Failure, Receipt

SETTLING = timedelta(seconds=2)
"""A stamp has whole seconds: two updates within one are not told apart, so we let the second pass first."""


class ZendeskWriter:
    """``TicketWriter`` over one site. Not thread-safe: the site's thread owns it.

    ``listed`` tells which custom fields the tickets listed that were read last.
    """

    def __init__(self, client: Client, fields: FieldMap, clock: Clock, listed: Listed) -> None:
        self._http = client
        self._fields = fields
        self._clock = clock
        self._listed = listed
        self._jobs: dict[str, tuple[tuple[str, str], ...]] = {}

    def split(self, change: Change) -> tuple[Write, ...]:
        """Return fields together with the first comment, then each further comment."""
        return split_change(change)

    def request_digest(self, write: Write, *, seen: Ticket) -> str:
        """Return SHA-256 hex of the request; of its refusal where a name in it is not bound here."""
        try:
            request = wire.update(write, seen=seen, fields=self._fields)
        except Rejected as refusal:
            return hashlib.sha256(f"{write.ref}|{write.key}|{refusal}".encode()).hexdigest()
        body = request.encoded() or b""
        return hashlib.sha256(f"{request.method} {request.path}\n".encode() + body).hexdigest()

    def send(self, write: Write, *, seen: Ticket) -> Receipt:
        """Make one update; see the port for errors.

        A comment is sent on a connection of its own, and the answer has to show our marker and the visibility asked
        for.
        """
        if seen.status in {Status.CLOSED, Status.GONE}:
            raise Rejected(f"{seen.key} is {seen.status}", fields=("status",))
        request = wire.update(write, seen=seen, fields=self._fields)
        self._let_the_second_pass(seen)
        answer = self._http.call(request, fresh=write.comment is not None, urgent=_is_urgent(write, seen))
        return self._receipt(write, answer)

    @property
    def bulk_size(self) -> int:
        """Return Zendesk's most tickets per job."""
        return wire.MOST_IDS

    def submit(self, writes: Sequence[tuple[Write, Ticket]]) -> str:
        """Send one job of changes of fields alone and return its id.

        Raises:
            Rejected: It would set a custom field that no ticket listed of late. A job's results never say what was
                ignored; the answer to a single update does.
        """
        if absent := self._ignored((change for write, _ in writes for change in write.fields), self._listed.ids):
            raise Rejected(f"no ticket lists {', '.join(absent)}")
        answer = self._http.call(wire.update_many(writes, self._fields))
        try:
            job = normalise.decoded(answer.body, shapes.JobReply, what="job").job_status.id
        except Malformed as error:
            raise Unknown(str(error)) from None
        self._jobs[job] = tuple((write.key, write.ref.id) for write, _ in writes)
        return job

    def collect(self, job_ids: Sequence[str]) -> Mapping[str, tuple[BulkResult, ...] | None]:
        """Ask for all jobs at once. One that is no longer known, or was not sent by us, answers ``UNKNOWN``."""
        if not job_ids:
            return {}
        answer = self._http.call(wire.jobs(job_ids))
        known = {job.id: job for job in normalise.decoded(answer.body, shapes.JobReplies, what="jobs").job_statuses}
        return {id_: self._results(id_, known.get(id_), answer) for id_ in job_ids}

    # ---- single updates

    def _let_the_second_pass(self, seen: Ticket) -> None:
        rest = _stamped_at(seen) + SETTLING - self._http.adapter.server_now()
        if rest > timedelta(0) and not self._clock.wait(self._clock.now() + rest):
            raise NotSent(f"write to {seen.key}: interrupted while waiting")

    def _receipt(self, write: Write, answer: Answer) -> Receipt:
        try:
            reply = normalise.decoded(answer.body, shapes.UpdateReply, what=f"update of {write.ref}")
        except Malformed as error:
            raise Unknown(str(error)) from None
        if write.comment is not None:
            self._verify(write, reply.audit)
        listed = listed_by((reply.ticket,))
        self._listed.note(listed)
        ignored = self._ignored(write.fields, listed)
        if ignored and write.comment is None and len(ignored) == len(write.fields):
            raise Rejected(f"Zendesk has no {', '.join(ignored)} to write to", fields=ignored, missing=ignored)
        remote = str(reply.audit.id) if reply.audit else f"unchanged:{reply.ticket.updated_at}"
        stamp = reply.ticket.updated_at
        return Receipt(key=write.key, remote_id=remote, version=stamp, at=answer.at, ignored=ignored)

    def _ignored(self, changes: Iterable[FieldChange], listed: frozenset[int] | None) -> tuple[str, ...]:
        """Return the names of fields that Zendesk ignores, each once."""
        return tuple(dict.fromkeys(unlisted(changes, self._fields, listed)))

    def _verify(self, write: Write, audit: shapes.Audit | None) -> None:
        if audit is None or history.marker(audit) != write.key:
            raise Unknown(f"update of {write.ref}: the answer does not show our marker")
        said = [e for e in audit.events or () if e.type == "Comment"]
        if not said:
            raise Unknown(f"update of {write.ref}: the answer does not show our comment")
        public = write.comment is not None and write.comment.public
        if public and not all(event.public for event in said):
            raise Mute(
                f"a public comment on {write.ref} came out private and stands so; it is parked",
                remedy="give the writing account the right to comment publicly, resume, then: connector parked",
            )
        if not public and any(event.public is not False for event in said):
            self._hide(write, said)

    def _hide(self, write: Write, said: Sequence[shapes.AuditEvent]) -> None:
        """An internal note came out public: hide it at once, then stop this site's notes."""
        hidden, mended = "it was made private", True
        for event in said:
            try:
                self.retract(write.ref, str(event.id))
            except HelpdeskError as error:
                hidden, mended = f"it could NOT be made private ({type(error).__name__})", False
        raise Exposed(
            f"an internal note on {write.ref} came out public; {hidden}",
            mended=mended,
            remedy="look at the ticket and at the account's comment settings before resuming notes",
        )

    def retract(self, ref: TicketRef, comment: str) -> bool:
        """Make a comment of ours private: Zendesk removes none, colleagues still see it."""
        self._http.call(wire.make_private(ref.id, comment), urgent=True)
        return True

    def server_now(self) -> datetime:
        """Return Zendesk's time, by its latest answer."""
        return self._http.adapter.server_now()

    # ---- jobs

    def _results(self, id_: str, job: shapes.JobStatus | None, answer: Answer) -> tuple[BulkResult, ...] | None:
        asked = self._jobs.get(id_, ())
        if job is not None and job.status in {"queued", "working"}:
            return None
        found = job.results if job is not None and isinstance(job.results, list) else []
        by_ticket = {str(result.id): result for result in found if result.id is not None}
        self._jobs.pop(id_, None)
        return tuple(_result(key, by_ticket.get(ticket), id_, answer) for key, ticket in asked)


def _result(key: str, result: shapes.JobResult | None, job: str, answer: Answer) -> BulkResult:
    if result is None:
        return BulkResult(key=key, failure=Failure.UNKNOWN, why=f"job {job} says nothing about it")
    if _is_success(result):
        return BulkResult(key=key, receipt=Receipt(key=key, remote_id=f"{job}/{result.id}", version="", at=answer.at))
    code = str(result.error or result.errors or result.status or "failed")[:100]
    failure = Failure.CONFLICT if "conflict" in f"{code} {result.details}".lower() else Failure.REJECTED
    return BulkResult(key=key, failure=failure, why=code)


def _is_success(result: shapes.JobResult) -> bool:
    if result.success is not None:
        return result.success
    return result.status == "Updated"


def _stamped_at(seen: Ticket) -> datetime:
    """Return the moment in the stamp: after a write of ours it is later than what was read of the ticket."""
    try:
        return max(normalise.moment(seen.version), seen.updated_at)
    except ValueError:
        return seen.updated_at


def _is_urgent(write: Write, seen: Ticket) -> bool:
    raised = any(c.after == str(Priority.P1) for c in write.fields)
    return raised or seen.priority is Priority.P1
