"""Jira Cloud behind the reader's port: pages of issues, histories, look-ups. Thin: requests and sense are elsewhere.

Data Center has no ``search/jql``, no bulk reads and no ADF; it would be a sibling of this module on the same
``normalise``, with requests of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from connector.domain.change import Write
from connector.domain.events import TicketEvent
from connector.domain.ticket import ClockName
from connector.errors import Denied, Malformed, Rejected, Unavailable
from connector.helpdesks.collecting import uncollected
from connector.helpdesks.jira import wire
from connector.helpdesks.jira.changelog import history_events, history_fields
from connector.helpdesks.jira.normalise import Shape, comment_events, moment, observe
from connector.helpdesks.jira.structs import (
    SLA_TYPE,
    BulkIssues,
    ChangelogPage,
    Comment,
    CommentPage,
    FieldInfo,
    Issue,
    IssueChangelog,
    Myself,
    SearchPage,
)
from connector.helpdesks.jira.text import plain
from connector.helpdesks.transport import Client, PinnedAdapter, Request
from connector.ports import (
    Budgets,
    Cursor,
    Lookup,
    Observation,
    Page,
    Presence,
    Quarantined,
    TicketHistory,
)

OVERLAP = timedelta(minutes=6)
"""The search index lags by up to minutes and dates have minute grain: each window begins this much earlier."""

MOST_PAGES = 10_000
_FETCH, _IDS, _LOGS = 100, 1000, 100

T = TypeVar("T")


class JiraReader:
    """A ``TicketReader`` for one Jira Cloud site; the site's thread owns it."""

    def __init__(self, client: Client, shape: Shape, projects: Sequence[str]) -> None:
        """Make a reader; ``shape.account`` may be empty until ``check`` has asked who we are."""
        self._client = client
        self._shape = shape
        self._projects = tuple(projects)

    @property
    def account(self) -> str:
        """Return our own account id."""
        return self._shape.account

    @property
    def transport(self) -> PinnedAdapter:
        """Return the transport that every request goes over."""
        return self._client.adapter

    @property
    def shape(self) -> Shape:
        """Return what normalising needs; complete after ``check``."""
        return self._shape

    def check(self) -> None:
        """Learn our account. Without it Jira answers anonymously with nothing, which looks like an empty site."""
        try:
            me = self._decode(wire.myself(), Myself)
        except Rejected as error:
            raise Denied(f"the account cannot be read: {error}", remedy="check this site's credentials") from error
        self._shape = replace(self._shape, account=me.account_id, clocks=self._clocks())

    def _clocks(self) -> Mapping[str, ClockName]:
        """Return SLA field ids for the map's clocks, which may name a field by id or by its (renamed) title."""
        bound = self._shape.fields.clocks
        if all(name.startswith("customfield_") for name in bound):
            return bound
        fields = self._decode(wire.all_fields(), list[FieldInfo])
        slas = [f for f in fields if f.schema_ is not None and f.schema_.custom == SLA_TYPE]
        found = {f.id: bound[name] for f in slas for name in (f.id, f.name) if name in bound}
        missing = sorted(set(bound) - {f.name for f in slas} - {f.id for f in slas})
        if missing:
            raise Denied(
                f"SLA fields are not visible: {', '.join(missing)}",
                remedy="correct `clocks` in the site's map, or give the account an agent's seat",
            )
        return found

    # ---- deltas

    def start_cursor(self) -> Cursor:
        """Return a cursor for now, by the site's own clock."""
        self._known_account()
        return _cursor(self._client.adapter.server_now())

    def load_open(self, *, cursor: Cursor) -> Iterator[Page]:
        """Yield all open issues."""
        for issues, _ in self._search(wire.open_jql(self._projects)):
            yield self._page(issues, cursor)

    def changes(self, cursor: Cursor) -> Iterator[Page]:
        """Yield what changed since the cursor, and a little more; the new cursor comes with the last page."""
        self._known_account()
        began = self._client.adapter.server_now()
        since = _moment(cursor) - OVERLAP
        for issues, last in self._search(wire.changed_jql(self._projects, since)):
            yield self._page(issues, _cursor(max(began, _moment(cursor))) if last else cursor)

    def open_ids(self) -> Iterator[tuple[str, ...]]:
        """Yield ids of all open issues."""
        for issues, _ in self._search(wire.open_jql(self._projects), fields=("id",), size=_IDS):
            yield tuple(issue.id for issue in issues)

    def _search(
        self, jql: str, *, fields: Sequence[str] | None = None, size: int = _FETCH
    ) -> Iterator[tuple[list[Issue], bool]]:
        """Yield pages with whether they are the last; ends on a missing token, never on a short or empty page."""
        token: str | None = None
        asked = self._shape.asked if fields is None else fields
        for _ in range(MOST_PAGES):
            page = self._decode(wire.search(jql, asked, token=token, size=size), SearchPage)
            last = page.next_page_token is None
            yield page.issues, last
            if last:
                return
            if page.next_page_token == token:
                raise Unavailable("Jira repeated a page token; the search is given up")
            token = page.next_page_token
        raise Unavailable(f"a search did not end within {MOST_PAGES} pages")

    @uncollected()
    def _page(self, issues: Sequence[Issue], cursor: Cursor) -> Page:
        now = self._client.adapter.server_now()
        observations: list[Observation] = []
        malformed: list[Quarantined] = []
        for issue in issues:
            try:
                ticket, events = observe(issue, self._shape, now=now)
                observations.append(Observation(ticket=ticket, events=events))
            except Malformed as error:
                digest = hashlib.sha256(bytes(issue.fields)).hexdigest()
                malformed.append(Quarantined(id=issue.id, why=str(error), digest=digest))
        return Page(observations=tuple(observations), cursor=cursor, malformed=tuple(malformed))

    # ---- single tickets

    def get(self, ids: Sequence[str]) -> tuple[Observation, ...]:
        """Return issues as they are now, in the order asked; what is gone or hidden is absent."""
        self._known_account()
        found: dict[str, Observation] = {}
        for start in range(0, len(ids), _FETCH):
            chunk = ids[start : start + _FETCH]
            page = self._page(self._decode(wire.bulk_fetch(chunk, self._shape.asked), BulkIssues).issues, "")
            found.update((o.ticket.ref.id, o) for o in page.observations)
        return tuple(found[id_] for id_ in ids if id_ in found)

    def history(self, ids: Sequence[str]) -> Iterator[TicketHistory]:
        """Yield changelog and comments of issues."""
        for start in range(0, len(ids), _LOGS):
            chunk = ids[start : start + _LOGS]
            read_until = self._client.adapter.server_now()
            logs = self._changelogs(chunk)
            for observation in self.get(chunk):
                ticket = observation.ticket
                comments = self._comments(ticket.ref.id, requester=ticket.requester)
                histories = [h for log in logs.get(ticket.ref.id, ()) for h in log.change_histories]
                events = history_events(ticket, histories, comments, self._shape)
                yield TicketHistory(ref=ticket.ref, events=events, read_until=read_until)

    def history_allowance(self) -> int:
        """Return how many histories fit the share of the read budget: each costs about one request."""
        return 0 if self._client.adapter.delay("comments") else 100

    def _changelogs(self, ids: Sequence[str]) -> dict[str, list[IssueChangelog]]:
        logs: dict[str, list[IssueChangelog]] = {}
        token: str | None = None
        fields = history_fields(self._shape.fields)
        for _ in range(MOST_PAGES):
            page = self._decode(wire.changelogs(ids, fields, token=token), ChangelogPage)
            for log in page.issue_change_logs:
                logs.setdefault(log.issue_id, []).append(log)
            if not page.next_page_token or page.next_page_token == token:
                return logs
            token = page.next_page_token
        return logs

    def _comments(self, id_: str, *, requester: str | None) -> tuple[TicketEvent, ...]:
        comments: list[Comment] = []
        while True:
            page = self._decode(wire.comments(id_, start=len(comments)), CommentPage)
            comments += page.comments
            if not page.comments or len(comments) >= page.total:
                return tuple(comment_events(comments, self._shape, requester=requester))

    # ---- our own writes

    def look_up(self, write: Write, *, since: datetime) -> Lookup:
        """Look for a write's marker: the comment's property or reference, or the issue property of a field write."""
        self._known_account()
        try:
            return self._find_comment(write, since) if write.comment else self._find_edit(write)
        except Rejected:
            return Lookup(presence=Presence.UNPROVABLE)

    def _find_edit(self, write: Write) -> Lookup:
        issue = self._decode(wire.issue(write.ref.id, ("updated",), properties=(wire.MARKER,)), Issue)
        found = (issue.properties.get(wire.MARKER) or {}).get("key") == write.key
        return Lookup(presence=Presence.FOUND if found else Presence.ABSENT, remote_id=write.key[:10] if found else "")

    def _find_comment(self, write: Write, since: datetime) -> Lookup:
        start = 0
        while True:
            page = self._decode(wire.comments(write.ref.id, start=start, newest_first=True), CommentPage)
            for comment in page.comments:
                if moment(comment.created) < since:
                    return Lookup(presence=Presence.ABSENT)
                if self._is_ours(comment) and _marks(comment, write):
                    return Lookup(presence=Presence.FOUND, remote_id=comment.id)
            start += len(page.comments)
            if not page.comments or start >= page.total:
                return Lookup(presence=Presence.ABSENT)

    def _is_ours(self, comment: Comment) -> bool:
        return comment.author is not None and comment.author.account_id == self._shape.account

    # ---- budgets

    def requests_made(self) -> int:
        """Return requests so far."""
        return sum(self._client.adapter.counts.values())

    def budgets(self) -> Budgets:
        """Return what is left of each limit."""
        return Budgets(remaining=self._client.adapter.allowance.remaining(self._client.adapter.server_now()))

    def pause_before_reads(self) -> timedelta:
        """Return how long the next search has to wait for its budget."""
        return self._client.adapter.delay("search")

    def _known_account(self) -> None:
        if not self._shape.account:
            self.check()

    def _decode(self, request: Request, kind: type[T]) -> T:
        answer = self._client.call(request)
        try:
            return msgspec.json.decode(answer.body, type=kind, strict=False)
        except msgspec.DecodeError as error:
            raise Unavailable(f"{request.method} {request.path.split('/')[-1]}: unreadable answer: {error}") from error


def _marks(comment: Comment, write: Write) -> bool:
    """True when a comment carries the write's marker; references count, too, where properties were dropped."""
    if write.comment is None:
        return False
    for item in comment.properties:
        if isinstance(item, dict) and item.get("key") == wire.MARKER:
            value = item.get("value")
            return isinstance(value, dict) and value.get("key") == write.comment.key
    return not write.comment.public and f"Ref {write.comment.ref}" in plain(comment.body)


def _cursor(at: datetime) -> Cursor:
    return str(int(at.timestamp() * 1000))


def _moment(cursor: Cursor) -> datetime:
    return datetime.fromtimestamp(int(cursor) / 1000, UTC)
