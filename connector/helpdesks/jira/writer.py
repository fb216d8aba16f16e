"""Jira Cloud behind the writer's port: one HTTP write each, checked just before and verified just after.

Jira has no compare-and-set. The fields that a write depends on are read immediately before it and compared; a small
window remains, and the changelog shows later whether somebody slipped into it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC

import msgspec

from connector.domain.change import Change, Comment, Write
from connector.domain.ticket import Ticket
from connector.errors import Conflict, Denied, HelpdeskError, Rejected, Unavailable, Unknown
from connector.helpdesks.jira import wire
from connector.helpdesks.jira.adapter import JiraReader
from connector.helpdesks.jira.normalise import observe
from connector.helpdesks.jira.structs import Comment as Posted
from connector.helpdesks.jira.structs import Created, Fields, Issue
from connector.helpdesks.splitting import fields_key
from connector.helpdesks.transport import Answer, Client, Request
from connector.ports import BulkResult, Receipt


class JiraWriter:
    """A ``TicketWriter`` for one Jira Cloud site.

    ``reader`` gives the site's shape (our account, the field map); ``client`` carries the writer's credentials.
    """

    def __init__(self, client: Client, reader: JiraReader) -> None:
        self._client = client
        self._reader = reader
        self._quiet: bool | None = None
        self._verified: dict[str, str] = {}

    @property
    def bulk_size(self) -> int:
        """Return 0: Jira's bulk edit takes one value for all issues and cannot carry a marker."""
        return 0

    def split(self, change: Change) -> tuple[Write, ...]:
        """Return the fields' write first, then one per comment."""
        writes = []
        if change.fields:
            writes.append(
                Write(
                    ref=change.ref,
                    key=fields_key(change),
                    seen=change.seen,
                    fields=change.fields,
                    riders=change.riders,
                )
            )
        writes += [
            Write(ref=change.ref, key=c.key, seen=change.seen, comment=c, riders=change.riders) for c in change.comments
        ]
        return tuple(writes)

    def request_digest(self, write: Write, *, seen: Ticket) -> str:
        """Return SHA-256 hex of the request; ``seen`` is not part of a Jira request."""
        del seen
        try:
            request = self._request(write)
        except Rejected as error:
            return hashlib.sha256(str(error).encode()).hexdigest()
        return hashlib.sha256(f"{request.method} {request.path}".encode() + (request.encoded() or b"")).hexdigest()

    def send(self, write: Write, *, seen: Ticket) -> Receipt:
        """Make one write; see the port for errors."""
        request = self._request(write)
        if self._verified.pop(write.ref.id, None) != seen.version:
            self._compare(write, seen)
        urgent = write.comment is not None and write.comment.public
        answer = self._client.call(request, fresh=write.comment is not None, urgent=urgent)
        if write.comment is None:
            return self._edited(write, answer)
        return self._commented(write, write.comment, answer, seen)

    def submit(self, writes: Sequence[tuple[Write, Ticket]]) -> str:
        """Refuse: there is no bulk here."""
        raise Rejected(f"Jira takes no bulk of {len(writes)} writes")

    def collect(self, job_ids: Sequence[str]) -> Mapping[str, tuple[BulkResult, ...] | None]:
        """Return nothing: there are no jobs."""
        return dict.fromkeys(job_ids, ())

    def _request(self, write: Write) -> Request:
        if write.comment is None:
            marker = {"key": write.key, **write.riders}
            return wire.edit(
                write.ref.id, write.fields, self._reader.shape.fields, marker=marker, quiet=self._may_be_quiet()
            )
        make = wire.add_comment if write.comment.public else wire.add_note
        return make(write.ref.id, write.comment)

    def _may_be_quiet(self) -> bool:
        """Ask once whether we may suppress the mails of edits; without the right the flag is an error, so leave it."""
        if self._quiet is None:
            try:
                answer = self._client.call(wire.my_permissions())
                rights = msgspec.json.decode(answer.body, type=dict).get("permissions", {})
                self._quiet = any(right.get("havePermission") for right in rights.values())
            except (HelpdeskError, msgspec.DecodeError, AttributeError):
                return False
        return self._quiet

    def _compare(self, write: Write, seen: Ticket) -> None:
        """Read what this write depends on and refuse when it is no longer as seen."""
        shape = self._reader.shape
        try:
            answer = self._client.call(wire.issue(write.ref.id, shape.asked_for_writing))
            issue = msgspec.json.decode(answer.body, type=Issue, strict=False)
        except Rejected as error:
            raise Rejected(f"the issue is gone or hidden: {error}") from error
        except (Unavailable, msgspec.DecodeError) as error:
            raise Conflict(f"the issue could not be read just before the write: {error}") from error
        live, _ = observe(issue, shape, now=answer.at)
        if not live.is_open and seen.is_open:
            raise Conflict("the issue was finished since it was seen")
        if differs := wire.changed_since(seen, live, write.fields):
            raise Conflict(f"{differs} changed since it was seen")

    # ---- what the answers say

    def _edited(self, write: Write, answer: Answer) -> Receipt:
        version = _updated(answer)
        if version:
            self._verified[write.ref.id] = version
        return Receipt(key=write.key, remote_id=write.ref.id, version=version, at=answer.at.astimezone(UTC))

    def _commented(self, write: Write, comment: Comment, answer: Answer, seen: Ticket) -> Receipt:
        try:
            created = msgspec.json.decode(answer.body, type=Created, strict=False)
        except msgspec.DecodeError as error:
            raise Unknown(f"the answer to a comment cannot be read: {error}") from error
        if not comment.public:
            self._must_be_internal(write, created)
        self._verified[write.ref.id] = seen.version
        return Receipt(key=write.key, remote_id=created.id, version=seen.version, at=answer.at.astimezone(UTC))

    def _must_be_internal(self, write: Write, created: Created) -> None:
        """Read a note back; one that customers can read is removed at once and the site's notes are frozen."""
        try:
            answer = self._client.call(wire.get_comment(write.ref.id, created.id))
            public = msgspec.json.decode(answer.body, type=Posted, strict=False).jsd_public is not False
        except (Unavailable, Rejected, msgspec.DecodeError):
            public = created.public is not False
        if public or created.public is True:
            self._client.call(wire.delete_comment(write.ref.id, created.id))
            raise Denied(
                "an internal note came out public and was removed",
                remedy="look at the project's comment settings and the account's role",
            )


def _updated(answer: Answer) -> str:
    """Return ``updated`` of an edit's answer; empty when Jira did not return the issue."""
    try:
        issue = msgspec.json.decode(answer.body or b"{}", type=Issue, strict=False)
        return msgspec.json.decode(issue.fields, type=Fields, strict=False).updated
    except msgspec.DecodeError:
        return ""
