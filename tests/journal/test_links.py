"""Which tickets hang together, as the journal finds them from either end, and who falls due when one changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.event import listens_for, remove

from connector.domain.decision import Look
from connector.domain.ticket import Link, LinkKind, Status, Ticket, TicketRef
from connector.journal import links
from connector.journal.sql import SqlJournal
from connector.journal.statements import IN_AT_ONCE
from connector.ports import Candidate, JournalEvent
from connector.ports.links import STORM, Alike, Named
from tests.journal.samples import MINUTE, NOW, SITE, page, ticket, verdict

HOUR = timedelta(hours=1)
OTHER = "jira"


@pytest.fixture
def two(journal: SqlJournal) -> SqlJournal:
    """A state that knows two sites."""
    journal.open_site(OTHER, fingerprint="j")
    return journal


def put(journal: SqlJournal, *tickets: Ticket) -> None:
    for one in tickets:
        journal.store_page(one.ref.site, [Candidate(ticket=one)], page=page(), now=NOW)


def linked(id_: str, *links: tuple[LinkKind, str, str], **values: object) -> Ticket:
    return ticket(id_, links=tuple(Link(kind=kind, target=to, site=site) for kind, to, site in links), **values)


def later(found: Ticket, **values: object) -> Ticket:
    return replace(found, version=found.version + "+", updated_at=found.updated_at + MINUTE, **values)


def due(journal: SqlJournal, site: str, id_: str) -> datetime | None:
    (found,) = journal.load(site, [id_], now=NOW)
    return found.next_due_at


def test_a_twin_is_found_from_the_end_that_does_not_name_it(two: SqlJournal) -> None:
    put(two, linked("1", (LinkKind.TWIN, "SUP-7", OTHER)), linked("9", (LinkKind.TWIN, "SUP-7", OTHER)))
    put(two, linked("2", (LinkKind.WORK, "SUP-8", OTHER)), linked("3", (LinkKind.PROBLEM, "1", "")))
    twins = (
        Named("SUP-7", TicketRef(SITE, "1"), LinkKind.TWIN),
        Named("SUP-7", TicketRef(SITE, "9"), LinkKind.TWIN),
        Named("SUP-8", TicketRef(SITE, "2"), LinkKind.WORK),
    )
    assert two.naming(OTHER, ["SUP-8", "SUP-7", "SUP-7", "SUP-9"]) == twins
    assert two.records().naming(OTHER, ["SUP-7"]) == twins[:2]
    assert two.naming(SITE, ["SUP-7", "1"]) == ()


def test_any_number_of_names_is_looked_for(two: SqlJournal) -> None:
    put(two, linked("1", (LinkKind.TWIN, "A-7", OTHER)), linked("2", (LinkKind.TWIN, "SUP-7", OTHER)))
    names = ["SUP-7", *(f"A-{n}" for n in range(IN_AT_ONCE))]
    assert [each.target for each in two.naming(OTHER, names)] == ["A-7", "SUP-7"]
    assert set(two.identify(SITE, ["2", "1", *names])) == {"1", "2"}


def test_what_is_attached_is_open_and_comes_in_the_order_of_its_ids(two: SqlJournal) -> None:
    follows = [linked(id_, (LinkKind.PROBLEM, "1", "")) for id_ in ("10", "9")]
    put(two, *follows, linked("8", (LinkKind.PROBLEM, "1", ""), status=Status.CLOSED))
    put(two, linked("7", (LinkKind.TWIN, "1", "")), linked("5", (LinkKind.WORKS_FOR, "1", SITE), site=OTHER))
    assert two.attached(SITE, ["1", "#1"]) == tuple(
        TicketRef(site, id_) for site, id_ in ((OTHER, "5"), (SITE, "9"), (SITE, "10"))
    )
    assert two.attached(OTHER, ["1"]) == ()


def test_links_that_are_taken_away_are_found_no_more_and_the_rest_stays(two: SqlJournal) -> None:
    both = linked("1", (LinkKind.TWIN, "SUP-7", OTHER), (LinkKind.WORK, "SUP-7", OTHER), (LinkKind.FOLLOW_UP, "4", ""))
    put(two, both, linked("2", (LinkKind.TWIN, "SUP-7", OTHER)))
    assert {each.kind for each in two.naming(OTHER, ["SUP-7"])} == {LinkKind.TWIN, LinkKind.WORK}
    assert two.naming(SITE, ["4"]) == ()
    kept = [Link(kind=LinkKind.WORK, target=target, site=OTHER) for target in ("SUP-7", "SUP-8")]
    put(two, later(both, links=tuple(kept)))
    put(two, later(later(both), links=tuple(kept[:1])))
    assert two.naming(OTHER, ["SUP-8"]) == ()
    assert two.naming(OTHER, ["SUP-7"]) == (
        Named("SUP-7", TicketRef(SITE, "1"), LinkKind.WORK),
        Named("SUP-7", TicketRef(SITE, "2"), LinkKind.TWIN),
    )


def test_names_are_ids_and_keys_of_one_site(two: SqlJournal) -> None:
    put(two, ticket("1"), ticket("10007", site=OTHER, key="SUP-7"))
    assert two.identify(OTHER, ["SUP-7", "10007", "SUP-8"]) == {"SUP-7": "10007", "10007": "10007"}
    assert two.identify(SITE, ["SUP-7", "1", "#1"]) == {"1": "1", "#1": "1"}


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        pytest.param(linked("1", (LinkKind.TWIN, "SUP-7", OTHER)), NOW + HOUR, id="it names the other by its key"),
        pytest.param(linked("1", (LinkKind.MERGED_INTO, "10007", OTHER)), None, id="it names the other by its id"),
        pytest.param(ticket("2"), None, id="the other names it by its id"),
        pytest.param(ticket("3", key="K-3"), NOW + HOUR, id="the other names it by its key"),
    ],
)
def test_who_hangs_together_with_a_ticket_that_changed_falls_due(
    two: SqlJournal, changes: Ticket, before: datetime | None
) -> None:
    """Whether it was to fall due later, or was not due at all."""
    names = ((LinkKind.TWIN, "2", SITE), (LinkKind.WORKS_FOR, "K-3", SITE))
    put(two, linked("10007", *names, site=OTHER, key="SUP-7"), ticket("10008", site=OTHER, key="SUP-8"))
    given = [verdict(id_, due=before) for id_ in ("10007", "10008")]
    moved = [replace(v, decision=replace(v.decision, ref=TicketRef(OTHER, v.decision.ref.id))) for v in given]
    two.store_verdicts(OTHER, moved, run="r")
    put(two, changes)
    assert due(two, OTHER, "10007") == NOW
    assert due(two, OTHER, "10008") == before


def test_who_is_due_already_or_at_rest_is_not_woken(two: SqlJournal) -> None:
    closed = linked("3", (LinkKind.TWIN, "1", ""), status=Status.CLOSED)
    put(two, linked("2", (LinkKind.TWIN, "1", "")), closed, ticket("4"))
    earlier = NOW - HOUR
    two.store_verdicts(SITE, [verdict("2", due=earlier), verdict("4", due=None)], run="r")
    put(two, ticket("1"))
    assert (due(two, SITE, "2"), due(two, SITE, "3"), due(two, SITE, "4")) == (earlier, None, None)


def test_tickets_that_look_alike_come_in_the_order_of_their_opening(two: SqlJournal) -> None:
    looks = {"1": ("a", 3 * MINUTE), "2": ("a", MINUTE), "3": ("b", MINUTE), "4": ("c", MINUTE), "5": ("a", -HOUR)}
    put(two, *(ticket(id_) for id_ in (*looks, "6")))
    for id_, (digest, after) in looks.items():
        given = verdict(id_)
        seen = Look(digest, NOW + after, "words")
        two.store_verdicts(SITE, [replace(given, decision=replace(given.decision, look=seen))], run="r")
    assert two.alike(SITE, ["b", "a", "a", ""], since=NOW + MINUTE) == (
        Alike("a", "2", NOW + MINUTE, True, 3),
        Alike("b", "3", NOW + MINUTE, True, 3),
        Alike("a", "1", NOW + 3 * MINUTE, True, 3),
    )
    assert two.alike(OTHER, ["a"], since=NOW - HOUR) == ()
    assert two.alike(SITE, ["a"], since=NOW + 4 * MINUTE) == ()


def test_storms_that_people_were_told_of_come_in_the_order_of_their_telling(two: SqlJournal) -> None:
    lines = [JournalEvent(at=NOW + n * MINUTE, kind=STORM, site=SITE, ticket=str(n), key="look") for n in range(3)]
    other = JournalEvent(at=NOW + MINUTE, kind="alarm", site=SITE)
    for line in (*lines, other):
        two.record(line)
    assert two.storms(SITE, since=NOW + MINUTE) == tuple(lines[1:])
    assert two.storms(OTHER, since=NOW) == ()


def test_storms_are_found_by_their_moment_and_not_among_all_lines_of_a_site(two: SqlJournal) -> None:
    def plan_of(connection: Connection) -> str:
        asked: list[tuple[str, Any]] = []

        def listen(_c: object, _cursor: object, statement: str, given: Any, *_rest: object) -> None:
            asked.append((statement, given))

        listens_for(connection, "before_cursor_execute")(listen)
        links.storms(connection, SITE, since=NOW)
        remove(connection, "before_cursor_execute", listen)
        ((statement, given),) = asked
        return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all())

    found = two._run(plan_of)
    assert "ix_event_at" in found
    assert "TEMP B-TREE" not in found
