"""Jira Cloud behind the writer's port: one HTTP write each, checked just before and verified just after.

Jira has no compare-and-set. What a write depends on is read immediately before it and compared; a small window remains,
and the answer to an edit tells whether somebody slipped into it (``race``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from connector.domain.change import Change, Comment, Write
from connector.domain.events import TicketEvent
from connector.domain.ticket import Priority, Status, Ticket, TicketRef
from connector.errors import (
    Denied,
    Exposed,
    HelpdeskError,
    Malformed,
    Mute,
    NotSent,
    Rejected,
    Unknown,
)
from connector.helpdesks.jira import lookup, pages, race, wire
from connector.helpdesks.jira.adapter import JiraReader
from connector.helpdesks.jira.beforehand import Beforehand
from connector.helpdesks.jira.mails import Mails
from connector.helpdesks.jira.people import is_public
from connector.helpdesks.jira.refusals import Refusals
from connector.helpdesks.jira.shape import moment, version_at
from connector.helpdesks.jira.structs import Comment as Posted
from connector.helpdesks.jira.structs import Created, Fields, Issue
from connector.helpdesks.splitting import split_apart
from connector.helpdesks.transport import Answer, Client, PinnedAdapter, Request
from connector.ports import BulkResult, Clock, Presence, Receipt

STILL_FRESH = timedelta(seconds=2)
"""The answer to our own edit shows the issue as it is; a comment that follows at once needs no other reading."""

PATIENCE = timedelta(seconds=5)
"""The longest wait for room within a second's burst; a longer one is the engine's."""


class JiraWriter:
    """A ``TicketWriter`` for one Jira Cloud site.

    ``reader`` gives the site's shape (our accounts, the field map); ``client`` carries the writer's credentials.
    """

    def __init__(self, client: Client, reader: JiraReader, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._reader = reader
        self._mails = Mails(client)
        self._refusals = Refusals()
        self._beforehand = Beforehand(client, reader)
        self._edited: dict[str, datetime] = {}

    @property
    def transport(self) -> PinnedAdapter:
        """Return the transport that every write goes over."""
        return self._client.adapter

    @property
    def bulk_size(self) -> int:
        """Return 0: Jira's bulk edit takes one value for all issues and cannot carry a marker."""
        return 0

    def split(self, change: Change) -> tuple[Write, ...]:
        """Return the fields' write first, then one per comment."""
        return split_apart(change)

    def request_digest(self, write: Write, *, seen: Ticket) -> str:
        """Return SHA-256 hex of the request, of its refusal where a name in it is not bound here.

        ``seen`` is not part of a Jira request. Whether the edit is mailed is not part of the digest: that is settled
        when it is sent.
        """
        del seen
        try:
            request = self._request(write)
        except Rejected as error:
            return hashlib.sha256(f"{write.ref}|{write.key}|{error}".encode()).hexdigest()
        return hashlib.sha256(f"{request.method} {request.path}\n".encode() + (request.encoded() or b"")).hexdigest()

    def send(self, write: Write, *, seen: Ticket) -> Receipt:
        """Make one write; see the port for errors."""
        if seen.status in {Status.CLOSED, Status.GONE}:
            raise Rejected(f"{seen.key} is {seen.status}", fields=("status",))
        request = self._request(write)
        self._refusals.stop(write, now=self._clock.now())
        self._wait_for_room(write, seen)
        if not self._was_edited_just_now(write):
            self._beforehand.compare(write, seen)
        if write.comment is None:
            return self._edit(write, seen)
        answer = self._post(request, write, seen)
        return self._commented(write, write.comment, answer, seen)

    def retract(self, ref: TicketRef, comment: str) -> bool:
        """Remove a comment of ours; nobody sees it any more."""
        self._client.call(wire.delete_comment(ref.id, comment), urgent=True)
        return False

    def server_now(self) -> datetime:
        """Return Jira's time, by its latest answer."""
        return self._client.adapter.server_now()

    def submit(self, writes: Sequence[tuple[Write, Ticket]]) -> str:
        """Refuse: there is no bulk here."""
        raise Rejected(f"Jira takes no bulk of {len(writes)} writes")

    def collect(self, job_ids: Sequence[str]) -> Mapping[str, tuple[BulkResult, ...] | None]:
        """Return nothing: there are no jobs."""
        return dict.fromkeys(job_ids, ())

    def _request(self, write: Write, *, quiet: bool = False) -> Request:
        if write.comment is None:
            marker = {"key": write.key, **write.riders}
            return wire.edit(write.ref.id, write.fields, self._reader.shape.fields, marker=marker, quiet=quiet)
        if write.comment.public:
            return wire.add_comment(write.ref.id, write.comment, write.riders)
        return wire.add_note(write.ref.id, write.comment)

    # ---- just before

    def _wait_for_room(self, write: Write, seen: Ticket) -> None:
        """Bursts are counted by the second: a plan of many edits goes on instead of ending after the first dozen."""
        name = "edit" if write.comment is None else "comment" if write.comment.public else "note"
        rest = self._client.adapter.delay(name, urgent=_is_urgent(write, seen))
        if timedelta(0) < rest <= PATIENCE and not self._clock.wait(self._clock.now() + rest):
            raise NotSent(f"write to {seen.key}: interrupted while waiting")

    def _was_edited_just_now(self, write: Write) -> bool:
        edited_at = self._edited.pop(write.ref.id, None)
        return edited_at is not None and self._client.adapter.server_now() - edited_at <= STILL_FRESH

    # ---- edits

    def _edit(self, write: Write, seen: Ticket) -> Receipt:
        quiet = self._mails.may_be_suppressed(seen.scope)
        try:
            answer = self._put(write, seen, quiet=quiet)
        except Denied as refusal:
            if not quiet or refusal.about != "permission":
                raise
            answer = self._put(write, seen, quiet=False)  # 403: refused, not applied; the flag may be why
            self._mails.cannot_be_suppressed(seen.scope)  # it was
        issue = _issue(answer, write) or self._read_back(write)
        self._edited[write.ref.id] = answer.at
        return Receipt(
            key=write.key,
            remote_id=write.ref.id,
            version=_version(issue),
            at=answer.at.astimezone(UTC),
            overwritten=self._overwritten(issue, write, seen),
        )

    def _read_back(self, write: Write) -> Issue:
        """Ask for the issue where the answer to an edit does not show it: what answered may not have been Jira.

        Raises ``Unknown`` where the issue cannot be read, or does not show that it was edited.
        """
        try:
            answer = self._client.call(wire.issue(write.ref.id, ("updated",), properties=(wire.MARKER,)), urgent=True)
            issue = pages.decoded(answer.body, Issue, what="issue", odd=Malformed)
        except HelpdeskError as error:
            raise Unknown(f"the answer to an edit does not show the issue, which cannot be read: {error}") from error
        if lookup.find_edit(issue, write).presence is not Presence.FOUND:
            raise Unknown("the answer to an edit does not show the issue, and the issue no edit")
        return issue

    def _overwritten(self, issue: Issue, write: Write, seen: Ticket) -> tuple[TicketEvent, ...]:
        """Return what people did in the small window that is left; changes that cannot be read tell nothing."""
        try:
            return race.overwritten(issue, write, seen=seen, shape=self._reader.shape)
        except (msgspec.DecodeError, ValueError):
            return ()

    def _put(self, write: Write, seen: Ticket, *, quiet: bool) -> Answer:
        try:
            return self._client.call(self._request(write, quiet=quiet), urgent=_is_urgent(write, seen))
        except Rejected as error:
            fields = wire.refused(error.fields, write.fields, self._reader.shape.fields)
            self._refusals.remember(write, fields, now=self._clock.now())
            missing = wire.refused(error.missing, write.fields, self._reader.shape.fields)
            raise Rejected(str(error), fields=fields, missing=missing, remedy=error.remedy) from error

    # ---- comments

    def _post(self, request: Request, write: Write, seen: Ticket) -> Answer:
        """Send a comment; a note on an issue that is there all the same found no customer request behind it."""
        try:
            return self._client.call(request, fresh=True, urgent=_is_urgent(write, seen))
        except Rejected as error:
            if not error.absent:
                raise
            self._beforehand.compare(write, seen)  # raises where the issue is gone or hidden
            raise Rejected(
                f"{seen.key} is no customer request: Jira takes comments of this kind on requests alone ({error})",
                mute=True,
                remedy="give the issue a request type, or keep such issues out of the site's scope",
            ) from error

    def _commented(self, write: Write, comment: Comment, answer: Answer, seen: Ticket) -> Receipt:
        try:
            created = msgspec.json.decode(answer.body, type=Created, strict=False)
        except msgspec.DecodeError as error:
            raise Unknown(f"the answer to a comment cannot be read: {error}") from error
        if not comment.public:
            self._must_be_internal(write, created)
        elif created.jsd_public is False:
            became, removed = self._remove(write, created)
            why = f"a public comment on {seen.key} came out internal; {became}"
            raise (Denied if removed else Mute)(why, remedy="give the writing account the right to comment publicly")
        return Receipt(key=write.key, remote_id=created.id, version=seen.version, at=answer.at.astimezone(UTC))

    def _must_be_internal(self, write: Write, created: Created) -> None:
        """Read a note back; one that customers can read is removed at once and the site's notes are frozen."""
        if created.public is not True and not self._can_be_read(write, created):
            return
        became, removed = self._remove(write, created)
        raise Exposed(
            f"an internal note on {write.ref} came out public; {became}",
            removed=removed,
            remedy="look at the ticket, the project's comment settings and the account's role before resuming notes",
        )

    def _remove(self, write: Write, created: Created) -> tuple[str, bool]:
        """Take back what must not stand as it is; return what became of it, in words, and whether it is gone.

        What only agents can read would be there twice later, and pass for said once the state is lost.
        """
        try:
            self.retract(write.ref, created.id)
        except HelpdeskError as error:
            return f"it could NOT be removed ({type(error).__name__})", False
        return "it was removed", True

    def _can_be_read(self, write: Write, created: Created) -> bool:
        """True unless Jira says that customers cannot read it; its first answer counts where it cannot be read back."""
        try:
            answer = self._client.call(wire.get_comment(write.ref.id, created.id), urgent=True)
            return is_public(pages.decoded(answer.body, Posted, what="comment"))
        except HelpdeskError:
            return created.public is not False


def _issue(answer: Answer, write: Write) -> Issue | None:
    """Return the issue that came back; ``None`` where none did, or another one."""
    try:
        issue = msgspec.json.decode(answer.body or b"{}", type=Issue, strict=False)
    except msgspec.DecodeError:
        return None
    return issue if issue.id == write.ref.id else None


def _version(issue: Issue) -> str:
    """Return the issue's version; empty where it cannot be read."""
    try:
        return version_at(moment(msgspec.json.decode(issue.fields, type=Fields, strict=False).updated))
    except (msgspec.DecodeError, ValueError):
        return ""


def _is_urgent(write: Write, seen: Ticket) -> bool:
    raised = any(change.after == str(Priority.P1) for change in write.fields)
    return raised or seen.priority is Priority.P1
