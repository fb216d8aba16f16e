"""How many requests things take: the vendors' limits bind long before our own speed does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.domain.change import Field
from connector.domain.events import EventKind
from connector.domain.site import Effect
from connector.domain.ticket import Priority, Status, Ticket
from connector.engine.apply import apply_plan
from connector.engine.reconcile import PassPlan, Planned
from connector.helpdesks.zendesk.wire import Position
from connector.journal import open_journal
from connector.journal.sql import SqlJournal
from connector.ports import Candidate, Page
from connector.sandbox.assembly import Sandbox
from connector.sandbox.core.site import NewTicket
from tests.canaries import BODY, SUBJECT
from tests.gates.site import POLICY, Passes, connect, sandbox
from tests.helpdesks.contract import change, note, wanted
from tests.helpdesks.sandbox_stage import START

CHANGED = 1_000
BEGIN = Position(1_000_000_000).text()


class TestZendesk:
    def test_a_hundred_changed_tickets_take_two_requests(self) -> None:
        """The page that shows a thousand, ten jobs and asking after them: at most two requests a hundred."""
        with sandbox("zendesk", CHANGED) as running, open_journal("sqlite://") as journal:
            passes = Passes(running, "zendesk", journal, Path())
            journal.open_site("zendesk", fingerprint="gates")
            before = Counter(_counts(passes))
            tickets = [o.ticket for page in passes.ports.reader.changes(BEGIN) for o in page.observations]
            assert len(tickets) == CHANGED
            taken = [t for t in tickets if t.status is not Status.CLOSED]
            _store(journal, taken)
            done = apply_plan(_plan(taken), passes.ports.writer, passes.around)
            spent = Counter(_counts(passes)) - before
        assert done.written == len(taken) > 0.9 * CHANGED
        assert set(spent) <= {"export", "bulk", "jobs", "oauth.token"}
        assert spent["bulk"] == -(-len(taken) // 100)
        requests = spent["export"] + spent["bulk"] + spent["jobs"]
        assert requests / (len(taken) / 100) <= 2

    def test_unchanged_tickets_take_the_page_alone(self) -> None:
        with sandbox("zendesk", CHANGED) as running:
            reader = connect(running, "zendesk").reader
            (first,) = reader.changes(BEGIN)
            before = reader.requests_made()
            assert sum(len(page.observations) for page in reader.changes(first.cursor)) == 0
            assert reader.requests_made() - before == 1


def _counts(passes: Passes) -> dict[str, int]:
    clients = passes.ports.reader._clients
    return sum((Counter(a.counts) for a in {clients.reader.adapter, clients.writer.adapter}), Counter())


def _store(journal: SqlJournal, tickets: list[Ticket]) -> None:
    candidates = [Candidate(ticket=replace(ticket, text=None)) for ticket in tickets]
    journal.store_page("zendesk", candidates, page=Page(observations=(), cursor=""), now=START)


def _plan(tickets: list[Ticket]) -> PassPlan:
    planned = [
        Planned(change=change(t, wanted(Field.LEVEL, "2"), wanted(Field.PATH, "default")), ticket=t) for t in tickets
    ]
    return PassPlan(site="zendesk", run="r", policy=POLICY, now=START, planned=tuple(planned))


class TestJira:
    @pytest.fixture
    def running(self) -> Iterator[Sandbox]:
        with sandbox("jira", 0) as running:
            yield running

    @pytest.fixture
    def passes(self, running: Sandbox, journal: SqlJournal, state: Path) -> Passes:
        return Passes(running, "jira", journal, state)

    def ticket(self, passes: Passes) -> Ticket:
        """Open an issue and read it; what is asked once per process is asked here."""
        key = passes.running.site("jira").people.create_ticket(NewTicket(subject=SUBJECT, body=BODY, requester="greta"))
        rows = passes.running.site("jira").view()
        (found,) = passes.ports.reader.get([next(str(r["id"]) for r in rows if r["ticket"] == key)]).observations
        passes.ports.writer._mails.may_be_suppressed(found.ticket.scope)
        passes.running.clock.advance(timedelta(minutes=1))
        ticket: Ticket = found.ticket
        return ticket

    def spent(self, passes: Passes, before: Counter[str]) -> dict[str, int]:
        return dict(Counter(passes.ports.reader.transport.counts) - before)

    def test_fields_take_a_look_and_a_write(self, passes: Passes) -> None:
        ticket = self.ticket(passes)
        before = Counter(passes.ports.reader.transport.counts)
        wish = change(
            ticket, wanted(Field.PRIORITY, str(Priority.P1)), wanted(Field.LEVEL, "2"), wanted(Field.LABELS, "x")
        )
        for write in passes.ports.writer.split(wish):
            passes.ports.writer.send(write, seen=ticket)
        assert sum(self.spent(passes, before).values()) == 2

    @pytest.mark.parametrize(("public", "requests"), [(True, 1), (False, 2)], ids=["public", "internal, read back"])
    def test_a_comment_beside_fields_takes_no_further_look(self, passes: Passes, public: bool, requests: int) -> None:
        ticket = self.ticket(passes)
        wish = change(ticket, wanted(Field.LEVEL, "2"), comments=(note(ticket.ref, "We are on it", public=public),))
        fields, comment = passes.ports.writer.split(wish)
        receipt = passes.ports.writer.send(fields, seen=ticket)
        before = Counter(passes.ports.reader.transport.counts)
        passes.ports.writer.send(comment, seen=replace(ticket, version=receipt.version))
        assert sum(self.spent(passes, before).values()) == requests

    @pytest.mark.parametrize(("public", "requests"), [(True, 1), (False, 2)], ids=["public", "internal, read back"])
    def test_a_comment_alone_takes_a_look_first(self, passes: Passes, public: bool, requests: int) -> None:
        """One more than beside fields: nobody is told that work is late on an issue that was just finished."""
        ticket = self.ticket(passes)
        before = Counter(passes.ports.reader.transport.counts)
        (comment,) = passes.ports.writer.split(change(ticket, comments=(note(ticket.ref, "late", public=public),)))
        passes.ports.writer.send(comment, seen=ticket)
        assert sum(self.spent(passes, before).values()) == 1 + requests

    @pytest.mark.parametrize(("before", "requests"), [(25, 1), (3, 0)], ids=["a long thread", "a short one"])
    def test_what_a_search_does_not_show_of_a_thread_takes_a_request(
        self, passes: Passes, journal: SqlJournal, before: int, requests: int
    ) -> None:
        """Jira shows the first of an issue's comments: a command behind them is heard all the same."""
        ticket, people = self.ticket(passes), passes.running.site("jira").people
        for n in range(before):
            people.comment(ticket.key, "greta", f"and {n}?")
        self.go_on(passes)
        spent = Counter(passes.ports.reader.transport.counts)
        people.comment(ticket.key, "anna", "/esc hold 4h", public=False)
        self.go_on(passes)
        (known,) = journal.load("jira", [ticket.ref.id], now=START)
        assert [e.after for e in known.history.events if e.kind is EventKind.COMMAND] == ["/esc hold 4h"]
        assert known.history.complete
        assert self.spent(passes, spent).get("comments", 0) == requests

    def go_on(self, passes: Passes) -> None:
        """Let ten minutes go by, longer than windows overlap, with a pass at each end."""
        for _ in range(2):
            passes.run()
            passes.running.clock.advance(timedelta(minutes=10))

    def test_a_quiet_pass_reads_no_thread_however_long(
        self, running: Sandbox, journal: SqlJournal, state: Path
    ) -> None:
        """Neither after edits and comments of our own."""
        passes = Passes(running, "jira", journal, state, effects=frozenset({Effect.FIELDS, Effect.NOTES}))
        ticket, people = self.ticket(passes), running.site("jira").people
        for n in range(25):
            people.comment(ticket.key, "greta", f"and {n}?")
        for _ in range(4):
            self.go_on(passes)
        before = Counter(passes.ports.reader.transport.counts)
        passes.run()
        assert set(self.spent(passes, before)) <= {"search", "account", "users"}

    def test_unchanged_issues_take_the_search_alone(self, running: Sandbox, passes: Passes) -> None:
        """And a look at our account: to an anonymous reader every site is empty."""
        for _ in range(3):
            self.ticket(passes)
        running.clock.advance(timedelta(minutes=10))  # longer than the windows overlap
        cursor = passes.ports.reader.start_cursor()
        running.clock.advance(timedelta(minutes=9))  # a longer silence is doubted: are we still known?
        before = Counter(passes.ports.reader.transport.counts)
        assert sum(len(page.observations) for page in passes.ports.reader.changes(cursor)) == 0
        spent = self.spent(passes, before)
        assert spent["search"] == 1
        assert set(spent) <= {"search", "account"}
        assert spent.get("account", 0) <= 1
