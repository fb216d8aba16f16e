"""Reading one Zendesk site: cursor export for changes, search export for the first load and the sweep."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connector.domain.change import Write
from connector.domain.events import TicketEvent
from connector.domain.marks import Mark
from connector.domain.ticket import Ticket, TicketRef
from connector.errors import Denied, Malformed, Rejected, Unavailable, why_no_history
from connector.helpdesks.transport import Client, PageSize
from connector.helpdesks.zendesk import history, lookup, marks, normalise, pages, shapes, wire
from connector.helpdesks.zendesk.audits import read_audits
from connector.helpdesks.zendesk.clients import Clients
from connector.helpdesks.zendesk.export import Export, before
from connector.helpdesks.zendesk.limits import ACCOUNT, HISTORY
from connector.helpdesks.zendesk.listed import Listed
from connector.helpdesks.zendesk.members import FRESH_FOR, KEPT_FOR, Moved, ViewMembers, scope_digest
from connector.helpdesks.zendesk.roles import Roles
from connector.helpdesks.zendesk.view import View
from connector.helpdesks.zendesk.wire import Position
from connector.ports import Budgets, Cursor, Lookup, Page, Presence, TicketHistory, Version, fetched

INDEX_LAG = timedelta(minutes=10)
"""How far behind the search index may be: it is said to lag by a few minutes."""

SEARCH_EVERY = timedelta(minutes=1)
OPEN = "status<solved"
NOT_CLOSED = "status<closed"


class ZendeskReader:
    """``TicketReader`` over one site. Not thread-safe: the site's thread owns it.

    The export is admin only, so ``clients.reader`` has an admin's credential with the scope ``read``; whose writes are
    ours is told by ``clients.writer``. ``by_search`` reads changes from the search index instead, which an agent may:
    it lags by minutes, so every poll looks ``INDEX_LAG`` further back than the last one began. ``listed`` is told which
    custom fields tickets list.
    """

    def __init__(
        self, clients: Clients, view: View, members: ViewMembers, listed: Listed, *, by_search: bool = False
    ) -> None:
        self._clients = clients
        self._http = clients.reader
        self._view = view
        self._members = members
        self._listed = listed
        self._by_search = by_search
        self._scope = scope_digest(view.sieve, members.views) + ("search" if by_search else "")
        self._account = ""
        self._ours: frozenset[str] = frozenset()
        self._roles = Roles(clients.reader, view.fields)
        self._pages = Export(clients.reader, view)
        self._audits = PageSize(wire.AUDIT_PAGE, least=wire.LEAST_AUDIT_PAGE)

    @property
    def account(self) -> str:
        """Return the id of the account that we write as."""
        return self._account

    def check(self) -> None:
        """Learn who we are.

        Raises:
            Denied: A credential does not work, or names nobody.
        """
        reader = self._whoami(self._clients.reader)
        same = self._clients.writer.adapter is self._clients.reader.adapter
        self._account = reader if same else self._whoami(self._clients.writer)
        self._ours = frozenset({reader, self._account})
        self._roles.ours = self._ours

    def start_cursor(self) -> Cursor:
        """Return a cursor five minutes back: the export refuses the last minute, and repeats cost nothing."""
        return before(self._asked_at(), self._scope).text()

    def load_open(self, *, cursor: Cursor) -> Iterator[Page]:
        """Yield every ticket that is not closed; where the search gives no SLAs, tickets are read singly."""
        self._members.refresh()
        for found in self._search(NOT_CLOSED):
            yield pages.told(self._completed(found), cursor)

    def changes(self, cursor: Cursor) -> Iterator[Page]:
        """Yield what changed since ``cursor``, at least one page.

        Raises:
            Unavailable: The export cannot be read, or its cursor does not move on though there is more.
        """
        position = self._parsed(cursor)
        if position.scope != self._scope:
            yield from self._rescoped(cursor)
            position = Position(position.start, position.after, self._scope)
        yield from self._moved(self._members.refresh(older_than=KEPT_FOR), cursor)
        yield from self._searched(position, cursor) if self._by_search else self._exported(position)

    def _searched(self, position: Position, cursor: Cursor) -> Iterator[Page]:
        """Yield what the index says was updated lately; the cursor moves on when all of it has been read."""
        begun = self._asked_at()
        since = datetime.fromtimestamp(position.start, tz=UTC) - INDEX_LAG
        for found in self._search(f"updated>={since:%Y-%m-%dT%H:%M:%SZ}", narrow=False):
            if found.observations:
                self._members.refresh(older_than=FRESH_FOR)
            yield pages.told(self._completed(found), cursor)
        yield Page(observations=(), cursor=Position(int(begun.timestamp()), scope=self._scope).text())

    def _asked_at(self) -> datetime:
        """Return the helpdesk's own present time."""
        self._whoami(self._http)  # an answer that is fresh tells it
        return self._http.adapter.server_now()

    def _exported(self, position: Position) -> Iterator[Page]:
        while True:
            found, position, repeated = self._export(position)
            yield pages.told(found, position.text())
            if found.ended:
                return
            if repeated:
                raise Unavailable("the export's cursor does not move on", retry_after=timedelta(minutes=1))

    def open_ids(self) -> Iterator[Mapping[str, Version]]:
        """Yield ids of open tickets with their versions, as the index knows them: a poll may have missed a change."""
        self._members.refresh(older_than=FRESH_FOR)
        after = ""
        while True:
            answer = self._http.call(wire.search(self._view.sieve.within(OPEN), after=after, sideload=False))
            page = normalise.decoded(answer.body, shapes.SweptPage, what="search page")
            yield {id_: each.version for each in page.results if self._members.holds(id_ := str(each.id))}
            before, after = after, (page.meta.after_cursor or "") if page.meta and page.meta.has_more else ""
            if not after or after == before:
                return

    def get(self, ids: Sequence[str]) -> Page:
        """Return tickets as they are now, never from an index; ones that the site does not look after are gone."""
        self._members.refresh(older_than=KEPT_FOR)
        starts = range(0, len(ids), wire.MOST_IDS)
        found = [self._show(tuple(ids[start : start + wire.MOST_IDS])) for start in starts]
        observations = itertools.chain.from_iterable(page.observations for page in found)
        read = fetched(ids, observations, itertools.chain.from_iterable(page.malformed for page in found))
        return replace(read, elsewhere=tuple(itertools.chain.from_iterable(page.elsewhere for page in found)))

    def history(self, ids: Sequence[str], *, probe: bool = False) -> Iterator[TicketHistory]:
        """Yield histories in the order asked; one that is gone or cannot be read says so instead."""
        with self._http.adapter.retry.briefly(probe=probe):
            yield from self._histories(ids)

    def _histories(self, ids: Sequence[str]) -> Iterator[TicketHistory]:
        self._know_ourselves()
        for id_ in ids:
            ref = TicketRef(self._view.site, id_)
            try:
                events, marks_, read_until = self._history(id_)
            except Exception as error:  # noqa: BLE001 - one ticket never costs the others theirs
                now, why = self._http.adapter.server_now(), why_no_history(error)
                yield TicketHistory(ref=ref, events=(), read_until=now, unreadable=why)
            else:
                yield TicketHistory(ref=ref, events=events, read_until=read_until, marks=marks_)

    def _history(self, id_: str) -> tuple[tuple[TicketEvent, ...], tuple[Mark, ...], datetime]:
        audits, read_until = read_audits(self._http, id_, self._audits)
        self._roles.learn(history.authors(audits))
        witness = history.Witness(fields=self._view.fields, role_of=self._roles.of, may_command=self._roles.may_command)
        return history.events(audits, witness), tuple(marks.marks(audits, self._ours)), read_until

    def history_allowance(self) -> int:
        """Return how many audit pages the share kept for histories still allows this minute."""
        adapter = self._http.adapter
        if adapter.delay("history"):
            return 0
        return min(adapter.room(limit.name)[0] for limit in (HISTORY, ACCOUNT))

    def look_up(self, write: Write, *, since: datetime, probe: bool = False) -> Lookup:
        """Look for our marker, or for fields alone for their values, in our own audits since ``since``."""
        self._know_ourselves()
        with self._http.adapter.retry.briefly(probe=probe):
            ticket = self._as_it_stands(write) if write.comment is not None else None
            try:
                audits, at = read_audits(self._http, write.ref.id, self._audits, urgent=True)
            except (Rejected, Denied, Malformed) as refusal:
                if isinstance(refusal, Denied) and refusal.about != "permission":
                    raise  # of our credentials, which says nothing of the ticket
                return Lookup(presence=Presence.UNPROVABLE, at=self._http.adapter.server_now())
        search = lookup.Search(accounts=self._ours, since=since, fields=self._view.fields)
        guard = lookup.guard(ticket, write)
        return replace(lookup.find(audits, write, search), guard=guard, ticket=ticket, at=at)

    def _as_it_stands(self, write: Write) -> Ticket | None:
        """Return the ticket as it is; read before its audits, so that what moved it stands in them."""
        answer = self._http.call(wire.show_many((write.ref.id,)), urgent=True)
        found = pages.export_page(answer.body, self._view, read_at=answer.at)
        return next((o.ticket for o in found.observations if o.ticket.ref.id == write.ref.id), None)

    def server_now(self) -> datetime:
        """Return Zendesk's present time, as its last answer told it."""
        return self._http.adapter.server_now()

    def requests_made(self) -> int:
        """Return how many requests reader and writer have made."""
        adapters = {id(c.adapter): c.adapter for c in (self._clients.reader, self._clients.writer)}
        return sum(adapter.counts.total() for adapter in adapters.values())

    def budgets(self) -> Budgets:
        """Return what is left of the limits this minute."""
        return Budgets(remaining={**self._clients.writer.adapter.remaining(), **self._http.adapter.remaining()})

    def pause_before_reads(self) -> timedelta:
        """Return how long the next poll has to wait; one by search reads much again, so it comes once a minute."""
        if self._by_search:
            return max(self._http.adapter.delay("search"), SEARCH_EVERY)
        return self._http.adapter.delay("export")

    def _know_ourselves(self) -> None:
        """Ask once who we are: without it our own audits look like anybody's, and a write of ours is never found."""
        if not self._ours:
            self.check()

    # ---- pages

    def _export(self, position: Position) -> tuple[pages.Tickets, Position, bool]:
        """Return a page, the position after it, and whether that did not move."""
        found, moved, repeated = self._pages.page(position)
        self._note(found)
        if found.observations:  # after the page, so that membership is never older than what the page tells
            self._members.refresh(older_than=FRESH_FOR)
        return self._in_views(found), moved, repeated

    def _search(self, query: str, *, narrow: bool = True) -> Iterator[pages.Tickets]:
        after = ""
        asked = self._view.sieve.within(query) if narrow else query
        while True:
            answer = self._http.call(wire.search(asked, after=after))
            found = pages.search_page(answer.body, self._view, read_at=answer.at)
            self._note(found)
            yield self._in_views(found)
            if found.ended or found.after == after:
                return
            after = found.after

    def _note(self, found: pages.Tickets) -> None:
        """Note what a page tells of the account beside its tickets."""
        self._roles.note(found.roles)
        self._listed.note(found.listed)

    def _in_views(self, found: pages.Tickets) -> pages.Tickets:
        inside = tuple(o for o in found.observations if self._members.holds(o.ticket.ref.id))
        left_out = tuple(o.ticket.ref.id for o in found.observations if not self._members.holds(o.ticket.ref.id))
        return replace(found, observations=inside, outside=(*found.outside, *left_out)) if left_out else found

    def _rescoped(self, cursor: Cursor) -> Iterator[Page]:
        """Yield every ticket that is not closed, in scope or out of it: the site looks after others than before."""
        self._members.refresh()
        for found in self._search(NOT_CLOSED, narrow=False):
            yield pages.told(self._completed(found), cursor)

    def _moved(self, moved: Moved, cursor: Cursor) -> Iterator[Page]:
        """Yield a page of what came into the views, or left them, without any change of the tickets themselves.

        A view that shows nothing any more may be one that was edited, or is hidden from us by now.
        """
        if moved.joined or moved.left:
            yield replace(self.get(moved.joined), cursor=cursor, gone=(), doubtful=moved.left)

    def _completed(self, found: pages.Tickets) -> pages.Tickets:
        if not found.without_sla or not found.observations:
            return found
        page = self.get([o.ticket.ref.id for o in found.observations])
        return replace(found, observations=page.observations, malformed=(*found.malformed, *page.malformed))

    def _show(self, ids: tuple[str, ...]) -> pages.Tickets:
        answer = self._http.call(wire.show_many(ids))
        read = pages.export_page(answer.body, self._view, read_at=answer.at)
        over = (o.ticket.ref.id for o in read.observations if o.ticket.status.is_finished)
        left = tuple(id_ for id_ in over if not self._members.holds(id_))  # what is solved leaves a view of open ones
        found = replace(self._in_views(read), elsewhere=(*read.outside, *left))
        self._note(found)
        return found

    # ---- who is who

    def _whoami(self, client: Client) -> str:
        user = normalise.decoded(client.call(wire.me()).body, shapes.UserReply, what="users/me").user
        if user is None or user.id is None:
            raise Denied("Zendesk takes us for nobody", remedy="check this site's credentials")
        return str(user.id)

    def _parsed(self, cursor: Cursor) -> Position:
        try:
            return Position.parse(cursor)
        except ValueError:
            return before(self._http.adapter.server_now(), self._scope)
