"""What a write depends on, read immediately before it and compared: Jira has no compare-and-set."""

from __future__ import annotations

from connector.domain.change import Write
from connector.domain.ticket import Status, Ticket
from connector.errors import Conflict, HelpdeskError, Malformed, NotSent, Rejected, Throttled, Unavailable, Unchecked
from connector.helpdesks.jira import compare, pages, wire
from connector.helpdesks.jira.adapter import JiraReader
from connector.helpdesks.jira.normalise import observe
from connector.helpdesks.jira.structs import CommentPage, Issue
from connector.helpdesks.transport import Client

_NEWEST = 20


class Beforehand:
    """One look at an issue just before a write on it; ``client`` carries the writer's credentials."""

    def __init__(self, client: Client, reader: JiraReader) -> None:
        self._client = client
        self._reader = reader
        self._unread: set[str] = set()

    def compare(self, write: Write, seen: Ticket) -> None:
        """Read what a write depends on; an issue that could not be read the last time is tried once, and not for long.

        Raises:
            Conflict: It is no longer as it was seen.
            Rejected: The issue is gone, hidden, or in a project that is not looked after.
            Throttled: Jira wants to be left alone.
            NotSent: Nothing at all can be read.
            Unchecked: It cannot be read although others can; the cause says more.
        """
        id_ = write.ref.id
        try:
            with self._client.adapter.retry.briefly(probe=id_ in self._unread):
                self._read(write, seen)
        except Rejected as error:
            self._reader.prove_account()
            raise Rejected(f"the issue is gone or hidden: {error}", absent=error.absent) from error
        except (Unavailable, Malformed) as error:
            if isinstance(error, Unavailable) and error.retry_after is not None:
                raise Throttled(f"not sent: {error}", retry_after=error.retry_after) from error
            self._prove(error)
            self._unread.add(id_)
            raise Unchecked(f"the issue could not be read just before the write: {error}") from error
        self._unread.discard(id_)

    def _prove(self, error: HelpdeskError) -> None:
        """Raise ``NotSent`` where Jira does not answer for itself either."""
        try:
            self._reader.prove_account()
        except Unavailable as silence:
            raise NotSent(f"the issue could not be read just before the write: {error}") from silence

    def _read(self, write: Write, seen: Ticket) -> None:
        live = self._live(write)
        if live.version == seen.version:
            return
        if differs := compare.changed_since(seen, live, write, hold=self._reader.shape.fields.hold_label):
            raise Conflict(f"{differs} changed since it was seen", closed=live.status is Status.CLOSED)
        if write.comment is not None:
            self._hear(write, seen)

    def _live(self, write: Write) -> Ticket:
        shape = self._reader.shape
        answer = self._client.call(wire.issue(write.ref.id, shape.asked_for_writing))
        issue = pages.decoded(answer.body, Issue, what="issue", odd=Malformed)
        try:
            live = observe(issue, shape, now=answer.at).ticket
        except Malformed as error:
            raise Conflict(f"the issue cannot be read just before the write: {error}") from error
        if not self._reader.looks_after(live):
            raise Rejected("it was moved out of the projects that are looked after", absent=True)
        return live

    def _hear(self, write: Write, seen: Ticket) -> None:
        """Something happened since: a comment waits when somebody spoke, what it says may be out of date."""
        answer = self._client.call(wire.comments(write.ref.id, size=_NEWEST, newest_first=True), urgent=True)
        page = pages.decoded(answer.body, CommentPage, what="comments", odd=Malformed)
        if compare.somebody_spoke(page.comments or (), since=seen.updated_at, ours=self._reader.shape.ours):
            raise Conflict("somebody commented since it was seen")
