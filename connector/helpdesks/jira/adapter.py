"""Jira Cloud behind the reader's port: pages of issues, histories, look-ups. Thin: requests and sense are elsewhere.

Data Center has no ``search/jql``, no bulk reads and no ADF; it would be a sibling of this module on the same
``normalise``, with requests of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connector.domain.change import Comment as Wanted
from connector.domain.change import Write
from connector.domain.ticket import Ticket, TicketRef
from connector.errors import Denied, Malformed, Rejected
from connector.helpdesks.jira import lookup, normalise, pages, wire
from connector.helpdesks.jira.account import Accounts
from connector.helpdesks.jira.histories import Histories, Proven
from connector.helpdesks.jira.insight import Insight
from connector.helpdesks.jira.languages import Languages
from connector.helpdesks.jira.limits import HISTORY
from connector.helpdesks.jira.search import Search
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import Comment, CommentPage, Issue
from connector.helpdesks.transport import Client, PinnedAdapter
from connector.ports import Budgets, Cursor, Lookup, Page, Presence, TicketHistory, Version, fetched

OVERLAP = timedelta(minutes=6)
"""The search index lags by up to minutes and dates have minute grain: each window begins this much earlier."""

PROVE_EVERY = timedelta(minutes=10)
"""How long Jira may answer with nothing before it is asked whether it still knows us."""

STEP_BACK = timedelta(days=1)
"""Where a delta begins anew when its cursor cannot be read; the sweep finds what is older."""

HISTORY_SECONDS = 10
"""One pass reads as many histories as their share of the read budget allows in this time; the rest comes later."""


class JiraReader:
    """A ``TicketReader`` for one Jira Cloud site; the site's thread owns it.

    ``writer`` carries the credentials that write, where those are not the reader's own: what it writes is ours.
    """

    def __init__(self, client: Client, shape: Shape, projects: Sequence[str], *, writer: Client | None = None) -> None:
        """Make a reader; ``shape.account`` may be empty until ``check`` has asked who we are."""
        self._client = client
        self._author = writer or client
        self._proven = Proven()
        self._shape = shape
        self._projects = tuple(key.upper() for key in projects)
        self._accounts = Accounts(client, writer or client)
        self._search = Search(client)
        self._proved_at: datetime | None = None
        self._languages = Languages(client)
        self._insight = Insight(client, projects)

    @property
    def account(self) -> str:
        """Return the id of the account that we write as."""
        return self._shape.account

    @property
    def transport(self) -> PinnedAdapter:
        """Return the transport that every read goes over."""
        return self._client.adapter

    @property
    def shape(self) -> Shape:
        """Return what normalising needs; complete after ``check``."""
        return self._shape

    def check(self) -> None:
        """Learn our accounts and the ids of fields that the map names by title."""
        self._shape = self._accounts.complete(self._shape)

    # ---- deltas

    def start_cursor(self) -> Cursor:
        """Return a cursor for now, by the site's own clock; an answer that is fresh tells it."""
        self.prove_account()
        return _cursor(self._now())

    def load_open(self, *, cursor: Cursor) -> Iterator[Page]:
        """Yield all open issues."""
        self.prove_account()
        for found in self._walk(wire.open_jql(self._projects)):
            yield self._page(found, cursor)

    def changes(self, cursor: Cursor) -> Iterator[Page]:
        """Yield what changed since the cursor, and a little more; the new cursor comes with the last page.

        Bad credentials make Jira answer anonymously, with nothing: an empty result never moves the cursor beyond the
        moment at which we were last known, and is doubted every ``PROVE_EVERY``.
        """
        self._known_account()
        began = self._now()
        since = _moment(cursor, now=began) - OVERLAP
        empty = True
        for found in self._walk(wire.changed_jql(self._projects, since)):
            empty = empty and not (found.issues or found.malformed)
            if found.token is not None:
                yield self._page(found, cursor)
            else:
                yield self._page(found, _cursor(max(self._known_until(began), since + OVERLAP) if empty else began))

    def _known_until(self, now: datetime) -> datetime:
        """Return up to when an empty result is to be believed; ask who we are when that was long ago."""
        if self._proved_at is None or now - self._proved_at >= PROVE_EVERY:
            self.prove_account()
            return now
        return min(self._proved_at, now)

    def open_ids(self) -> Iterator[Mapping[str, Version]]:
        """Yield ids of all open issues with their versions: a change that the index shows too late passes deltas by."""
        self.prove_account()
        for found in self._search.walk(wire.open_jql(self._projects), ("updated",), size=1000):
            yield {issue.id: normalise.version_of(issue, self._shape) for issue in found.issues}

    def _walk(self, jql: str) -> Iterator[pages.Found]:
        return self._search.walk(jql, self._shape.asked, read=self._shape.decode_page)

    def _page(self, found: pages.Found, cursor: Cursor) -> Page:
        self._shape = self._insight.with_team(self._shape, now=self._now())
        spoken = self._spoken(found)
        observations, malformed = pages.observed(found, self._shape, now=self._now(), languages=spoken)
        return Page(observations=observations, cursor=cursor, malformed=malformed)

    def _spoken(self, found: pages.Found) -> normalise.Languages:
        if not self._shape.wants_languages:
            return normalise.UNASKED
        return self._languages.of(normalise.requesters_of(found.issues, self._shape))

    # ---- single tickets

    def get(self, ids: Sequence[str]) -> Page:
        """Return issues as they are now.

        One that is hidden from us is gone as well, Jira tells no difference; so is one that was moved out of our
        projects.
        """
        self._known_account()
        read = [self._fetch(ids[n : n + wire.MOST_IDS]) for n in range(0, len(ids), wire.MOST_IDS)]
        seen = tuple(o for p in read for o in p.observations)
        observations = tuple(o for o in seen if self.looks_after(o.ticket))
        malformed = tuple(q for p in read for q in p.malformed)
        page = self._gone_of(ids, Page(observations=observations, cursor="", malformed=malformed))
        moved = {o.ticket.ref.id: o.ticket.scope for o in seen if not self.looks_after(o.ticket)}
        return replace(page, elsewhere=tuple(moved), moved_to=moved)

    def looks_after(self, ticket: Ticket) -> bool:
        """Return whether an issue is in one of the site's projects; one whose project is not shown is."""
        return not (self._projects and ticket.scope) or ticket.scope.upper() in self._projects

    def _gone_of(self, ids: Sequence[str], read: Page) -> Page:
        """Return what was read of ``ids``, with those that are gone; believed only while Jira knows us."""
        page = fetched(ids, read.observations, read.malformed)
        if page.gone:
            self.prove_account()
        return page

    def _fetch(self, ids: Sequence[str]) -> Page:
        return self._page(self._found(ids), "")

    def _found(self, ids: Sequence[str], *, properties: Sequence[str] = ()) -> pages.Found:
        asked = (*self._shape.asked, wire.CREATOR) if properties else self._shape.asked
        answer = self._client.call(wire.bulk_fetch(ids, asked, properties=properties))
        read = pages.read_page if properties else self._shape.decode_page
        return pages.found_in(answer.body, what="bulkfetch", read=read)

    def history(self, ids: Sequence[str], *, probe: bool = False) -> Iterator[TicketHistory]:
        """Yield changelog and comments of issues; one that is gone or cannot be read says so instead."""
        with self._client.adapter.retry.briefly(probe=probe), self._author.adapter.retry.briefly(probe=probe):
            yield from self._histories(ids)

    def _histories(self, ids: Sequence[str]) -> Iterator[TicketHistory]:
        for start in range(0, len(ids), wire.MOST_IDS):
            chunk = ids[start : start + wire.MOST_IDS]
            read_until = self._now()
            self._known_account()
            found = self._found(chunk, properties=(wire.MARKER,))
            page = self._gone_of(chunk, self._page(found, ""))
            tickets = [observation.ticket for observation in page.observations]
            issues = {issue.id: issue for issue in found.issues}
            histories = Histories(self._client, self._shape, self._insight, author=self._author, proven=self._proven)
            yield from histories.read(tickets, issues, read_until=read_until)
            why = dict.fromkeys(page.gone, "the issue is gone or hidden") | {q.id: q.why for q in page.malformed}
            for id_, reason in why.items():
                ref = TicketRef(self._shape.site, id_)
                yield TicketHistory(ref=ref, events=(), read_until=read_until, unreadable=reason)

    def history_allowance(self) -> int:
        """Return how many histories the share kept for them allows in a pass: each costs about one request."""
        adapter = self._client.adapter
        if adapter.delay("comments"):
            return 0
        _, share = adapter.room(HISTORY.name)
        return share * HISTORY_SECONDS

    # ---- our own writes

    def look_up(self, write: Write, *, since: datetime, probe: bool = False) -> Lookup:
        """Look for a write's marker: the comment's property or reference, or the issue property of a field write."""
        self._known_account()
        try:
            with self._client.adapter.retry.briefly(probe=probe), self._author.adapter.retry.briefly(probe=probe):
                found = self._comment(write.ref.id, write.comment, since) if write.comment else self._edit(write)
        except (Rejected, Denied) as refusal:
            if isinstance(refusal, Denied) and refusal.about != "permission":
                raise  # of the author's credentials, which says nothing of the ticket
            self.prove_account()  # raises where nothing at all is shown to us
            found = Lookup(presence=Presence.UNPROVABLE)
        return replace(found, at=self._now())

    def _edit(self, write: Write) -> Lookup:
        answer = self._client.call(wire.issue(write.ref.id, ("updated",), properties=(wire.MARKER,)), urgent=True)
        return lookup.find_edit(pages.decoded(answer.body, Issue, what="issue", odd=Malformed), write)

    def _comment(self, id_: str, wanted: Wanted, since: datetime) -> Lookup:
        """Look through the comments since ``since`` as their author: what others may not see, its author may.

        Comments that are counted and not shown prove nothing.
        """
        young: list[Comment] = []
        start = 0
        while True:
            answer = self._author.call(wire.comments(id_, start=start, newest_first=True), urgent=True)
            page = pages.decoded(answer.body, CommentPage, what="comments", odd=Malformed)
            comments = page.comments or []
            young += [comment for comment in comments if not lookup.is_older(comment, since)]
            start += len(comments)
            met_older = any(lookup.is_older(comment, since) for comment in comments)
            if met_older or not comments or start >= (page.total or 0):
                found = lookup.find_comment(young, wanted, self._shape.ours)
                hidden = not met_older and start < (page.total or 0)
                unclear = hidden and found.presence is Presence.ABSENT
                return Lookup(presence=Presence.UNPROVABLE) if unclear else found

    # ---- budgets

    def server_now(self) -> datetime:
        """Return Jira's present time, as its last answer told it."""
        return self._now()

    def requests_made(self) -> int:
        """Return how many requests reader and writer have made, those of the vendor's own client included."""
        return self._accounts.requests_made()

    def budgets(self) -> Budgets:
        """Return what is left of each limit."""
        return Budgets(remaining=self._client.adapter.remaining())

    def pause_before_reads(self) -> timedelta:
        """Return how long the next search has to wait for its budget."""
        return self._client.adapter.delay("search")

    # ---- who we are

    def prove_account(self) -> None:
        """Raise ``Denied`` unless Jira still takes us for whom we are."""
        self._known_account()
        self._accounts.prove(self._shape)
        self._proved_at = self._now()

    def _known_account(self) -> None:
        if not self._shape.account:
            self.check()

    def _now(self) -> datetime:
        return self._client.adapter.server_now()


def _cursor(at: datetime) -> Cursor:
    return str(int(at.timestamp() * 1000))


def _moment(cursor: Cursor, *, now: datetime) -> datetime:
    """Return the moment of a cursor; one that is not ours, or not from the past, is replaced."""
    try:
        return min(datetime.fromtimestamp(int(cursor) / 1000, UTC), now)
    except (ValueError, OverflowError, OSError):
        return now - STEP_BACK
