"""Merges, moves, deletions, problems and twins as people make them in both helpdesks; the sites' own account judges.

The real adapters and journal work on both sandboxes.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.lab.bench import HOUR, Bench, bench
from tests.lab.office import JIRA, ZENDESK

MINUTE = timedelta(minutes=1)
BOTH = pytest.mark.parametrize("site", [ZENDESK, JIRA])
ZENDESK_FIRST = pytest.mark.parametrize("site", [ZENDESK, pytest.param(JIRA, marks=pytest.mark.full)])
JIRA_FIRST = pytest.mark.parametrize("site", [JIRA, pytest.param(ZENDESK, marks=pytest.mark.full)])
SELDOM = {"poll: {every: 5m}": "poll: {every: 15m}"}
NATIVE = {"source: own": "source: helpdesk", **SELDOM}
MILD = {"impact": "team", "urgency": "inconvenient"}
LESS_URGENT = {"impact": "department", "urgency": "degraded"}
PROMISES = ("is overdue", "is at risk", "was missed")


def people(made: Bench, site: str) -> Any:
    return made.scene.exchanges[site].site.people


def row(made: Bench, site: str, ticket: str) -> dict[str, Any]:
    rows = made.scene.exchanges[site].site.view()
    return next(r for r in rows if ticket in {r["ticket"], str(r["id"])})


def said(made: Bench, site: str, ticket: str) -> list[str]:
    """What our account wrote on a ticket, each with who reads it, without the backslashes of wiki text."""
    return [
        f"{'public' if c['public'] else 'internal'}: {c['body']}".replace("\\", "")
        for c in row(made, site, ticket)["comments"]
        if ours(c)
    ]


def ours(comment: dict[str, Any]) -> bool:
    return str(comment["author"]).startswith("connector")


def unsettled(made: Bench) -> list[tuple[str, str]]:
    """Writes that wait for an outcome or for a person, by ticket."""
    with contextlib.closing(sqlite3.connect(f"file:{made.state}?mode=ro", uri=True)) as connection:
        return connection.execute("select ticket, status from op where status in ('sending', 'parked')").fetchall()


def level(made: Bench, site: str, ticket: str) -> int:
    found = re.match(r"\d", str(row(made, site, ticket)["fields"].get("level") or "0"))
    return int(found[0]) if found else 0


def promises(lines: list[str]) -> list[str]:
    """Which deadlines were spoken of, clock by clock."""
    return sorted(
        line.splitlines()[0].split(": ", 1)[1].split(" of ")[0] for line in lines if any(p in line for p in PROMISES)
    )


class TestMerges:
    @ZENDESK_FIRST
    def test_fault_31_what_was_said_before_a_merge_is_not_said_again(self, tmp_path: Path, site: str) -> None:
        """An overdue P1 is merged into a mild ticket: that one is as old and as urgent, and repeats nothing."""
        with bench(tmp_path, site) as made:
            source = made.ticket(site)
            made.goes_by(150 * MINUTE)
            before = promises(said(made, site, source))
            assert len(before) >= 3
            reached = level(made, site, source)
            target = made.ticket(site, **MILD)
            made.goes_by(10 * MINUTE)
            assert level(made, site, target) == 0
            people(made, site).merge(source, "ben", target)
            written = len(said(made, site, source))
            made.goes_by(HOUR)
            assert promises(said(made, site, target)) == []
            assert level(made, site, target) >= reached >= 3
            assert row(made, site, target)["priority"] == "P1"
            assert len(said(made, site, source)) == written
            made.checks.step()

    @BOTH
    def test_fault_31_the_survivor_still_speaks_to_the_customer(self, tmp_path: Path, site: str) -> None:
        """What happened last on the merged ticket is read from its history, and then the customer hears as ever."""
        with bench(tmp_path, site, edits=SELDOM) as made:
            source, target = made.ticket(site), made.ticket(site)
            made.goes_by(15 * MINUTE)
            people(made, site).merge(source, "ben", target)
            made.goes_by(4 * HOUR)
            public = [line for line in said(made, site, target) if line.startswith("public")]
            assert len(public) == 1
            made.checks.step()

    @ZENDESK_FIRST
    def test_fault_31_a_chain_of_merges_loses_nothing(self, tmp_path: Path, site: str) -> None:
        """A P1 on a high level is merged into a mild ticket, and that one into another, between two looks."""
        with bench(tmp_path, site) as made:
            first = made.ticket(site)
            made.goes_by(100 * MINUTE)
            between, into = made.ticket(site, **MILD), made.ticket(site, **MILD)
            made.goes_by(10 * MINUTE)
            reached = level(made, site, first)
            people(made, site).merge(first, "ben", between)
            people(made, site).merge(between, "ben", into)
            made.goes_by(20 * MINUTE)
            assert row(made, site, into)["priority"] == "P1"
            assert level(made, site, into) >= reached >= 3
            assert promises(said(made, site, into)) == []
            made.checks.step()

    @BOTH
    def test_fault_31_the_label_that_holds_the_source_holds_the_survivor(self, tmp_path: Path, site: str) -> None:
        with bench(tmp_path, site) as made:
            source, target = made.ticket(site), made.ticket(site, **MILD)
            people(made, site).add_labels(source, "ben", ("esc-hold",))
            made.goes_by(10 * MINUTE)
            people(made, site).merge(source, "ben", target)
            made.goes_by(10 * MINUTE)
            before = (row(made, site, target)["priority"], said(made, site, target))
            for name, value in (("impact", "site"), ("urgency", "blocked")):
                people(made, site).set_field(target, "ben", name, value)
            made.goes_by(HOUR)
            assert (row(made, site, target)["priority"], said(made, site, target), level(made, site, target)) == (
                *before,
                0,
            )
            made.checks.step()

    def test_fault_31_a_duplicate_that_is_resolved_later_counts_from_then_on(self, tmp_path: Path) -> None:
        """Jira links a duplicate now and resolves it an hour later: the target hears of it though nobody touches it."""
        with bench(tmp_path, JIRA) as made:
            source, target = made.ticket(JIRA), made.ticket(JIRA, **MILD)
            made.goes_by(30 * MINUTE)
            api = made.scene.exchanges[JIRA].site.people
            api._desk.link(api._issue(source), api._issue(target), api._actor("ben"), "10001")
            made.goes_by(HOUR)
            assert row(made, JIRA, target)["priority"] != "P1"
            people(made, JIRA).set_status(source, "ben", "solved")
            made.goes_by(20 * MINUTE)
            assert row(made, JIRA, target)["priority"] == "P1"


def test_a_follow_up_speaks_to_the_customer_and_reads_its_history_once(tmp_path: Path) -> None:
    """The closed ticket's history is read where it is wanted, and the follow-up's own not at every look."""
    with bench(tmp_path, ZENDESK) as made:
        first = made.ticket(ZENDESK)
        made.goes_by(15 * MINUTE)
        people(made, ZENDESK).comment(first, "ben", "Done.", public=True)
        made.goes_by(5 * MINUTE)
        people(made, ZENDESK).close(first, "ben")
        made.goes_by(15 * MINUTE)
        later = made.ticket(ZENDESK, follows=first)
        made.goes_by(15 * MINUTE)
        settled = made.clock.now()
        made.goes_by(4 * HOUR)
        assert len([line for line in said(made, ZENDESK, later) if line.startswith("public")]) == 1
        path = re.compile(rf"/tickets/{later}/audits")
        assert [r for r in made.requests(ZENDESK) if r["at"] > settled and path.search(r["path"])] == []
        made.checks.step()


class TestGone:
    @JIRA_FIRST
    def test_fault_32_a_deleted_ticket_is_let_go(self, tmp_path: Path, site: str) -> None:
        """A ticket is deleted with steps ahead: they end with it, others go on, and nothing is alarmed or retried."""
        with bench(tmp_path, site) as made:
            gone, other = made.ticket(site), made.ticket(site)
            made.goes_by(10 * MINUTE)
            id_ = str(row(made, site, gone)["id"])
            people(made, site).delete(gone, "ben")
            noticed_by = made.clock.now() + 30 * MINUTE  # the next step is tried in vain, and a second look settles it
            made.goes_by(2 * HOUR)
            path = re.compile(rf"/(tickets|issue|request)/{id_}\b")
            asked = [r for r in made.requests(site) if path.search(r["path"]) and r["at"] > noticed_by]
            assert asked == []
            assert level(made, site, other) >= 3
            made.checks.step()

    def test_fault_32_a_restored_ticket_goes_on_and_repeats_nothing(self, tmp_path: Path) -> None:
        """Deleted by mistake and taken back an hour later: no deadline is told twice, and the path goes on."""
        with bench(tmp_path, ZENDESK, edits=SELDOM) as made:
            ticket = made.ticket(ZENDESK)
            made.goes_by(HOUR)
            before = said(made, ZENDESK, ticket)
            people(made, ZENDESK).delete(ticket, "ben")
            made.goes_by(HOUR)
            people(made, ZENDESK).restore(ticket, "ben")
            made.goes_by(2 * HOUR)
            after = said(made, ZENDESK, ticket)
            assert after[: len(before)] == before
            told = promises(after)
            assert len(told) == len(set(told)) >= 2
            assert level(made, ZENDESK, ticket) == 4
            made.checks.step()

    def test_fault_32_spam_is_let_go_and_its_requesters_other_tickets_are_not(self, tmp_path: Path) -> None:
        """Marked as spam, which suspends the requester: the next poll tells of it, and no further step is even tried.

        What the same person has asked for elsewhere goes on; and taken back, as no spam, it goes on without repeating.
        """
        with bench(tmp_path, ZENDESK) as made:
            spam, honest = made.ticket(ZENDESK), made.ticket(ZENDESK)
            made.goes_by(20 * MINUTE)
            id_, before = str(row(made, ZENDESK, spam)["id"]), said(made, ZENDESK, spam)
            people(made, ZENDESK).spam(spam, "ben")
            noticed_by = made.clock.now() + 7 * MINUTE  # a poll, and the minute that the export keeps to itself
            made.goes_by(2 * HOUR)
            assert said(made, ZENDESK, spam) == before
            path = re.compile(rf"/tickets/{id_}\b")
            assert [r for r in made.requests(ZENDESK) if path.search(r["path"]) and r["at"] > noticed_by] == []
            assert level(made, ZENDESK, honest) >= 3
            assert len(promises(said(made, ZENDESK, honest))) >= 2
            people(made, ZENDESK).restore(spam, "ben")
            made.goes_by(HOUR)
            after = said(made, ZENDESK, spam)
            assert after[: len(before)] == before
            assert len(after) > len(before)
            assert len(promises(after)) == len(set(promises(after)))
            made.checks.step()

    def test_fault_32_what_was_planned_for_a_ticket_is_cancelled_when_it_becomes_spam(self, tmp_path: Path) -> None:
        """Between the look and the write it is marked as spam: the write is refused, and nobody is alarmed for it."""
        with bench(tmp_path, ZENDESK, edits=SELDOM) as made:
            ticket, other = made.ticket(ZENDESK), made.ticket(ZENDESK)
            desk = people(made, ZENDESK)
            made.at_next_write(lambda: desk.spam(ticket, "ben"))
            made.goes_by(HOUR)
            assert said(made, ZENDESK, ticket) == []
            assert made.ears.alarms == []
            assert unsettled(made) == []
            assert level(made, ZENDESK, other) >= 2
            made.checks.step()

    def test_fault_33_a_moved_ticket_is_the_same_ticket(self, tmp_path: Path) -> None:
        """Its project and so its key change: what was said counts, levels go on, and people read the new key."""
        both = {"projects: [SUP]": "projects: [SUP, HR]"}
        with bench(tmp_path, JIRA, edits=both, jsm_eu={"sees_security": True}) as made:
            ticket = made.ticket(JIRA)
            made.goes_by(50 * MINUTE)
            before = said(made, JIRA, ticket)
            id_ = str(row(made, JIRA, ticket)["id"])
            moved = people(made, JIRA).move(ticket, "ben", "HR")
            assert moved != ticket
            made.goes_by(2 * HOUR)
            after = said(made, JIRA, id_)
            assert after[: len(before)] == before
            told = promises(after)
            assert len(told) == len(set(told)) >= 3
            assert any(moved in line for line in after[len(before) :])
            assert not any(ticket in line for line in after[len(before) :])
            assert level(made, JIRA, id_) == 4
            made.checks.step()

    def test_fault_33_a_ticket_that_is_moved_out_of_scope_is_left_alone(self, tmp_path: Path) -> None:
        """Its new project is nobody's business of ours: from the next look on nothing is written there."""
        with bench(tmp_path, JIRA, jsm_eu={"sees_security": True}) as made:
            ticket = made.ticket(JIRA)
            made.goes_by(10 * MINUTE)
            id_ = str(row(made, JIRA, ticket)["id"])
            before = (said(made, JIRA, id_), level(made, JIRA, id_))
            people(made, JIRA).move(ticket, "ben", "HR")
            made.goes_by(HOUR)
            assert (said(made, JIRA, id_), level(made, JIRA, id_)) == before
            made.checks.step()


class TestClocks:
    @JIRA_FIRST
    def test_fault_50_a_deadline_that_moves_later_is_not_told_early(self, tmp_path: Path, site: str) -> None:
        """A person lowers the priority before the helpdesk's clock runs out: what was planned for then is off."""
        with bench(tmp_path, site, edits=NATIVE) as made:
            ticket, control = made.ticket(site), made.ticket(site)
            made.goes_by(8 * MINUTE)
            people(made, site).set_priority(ticket, "ben", "P4")
            made.goes_by(5 * HOUR)
            assert promises(said(made, site, ticket)) == []
            told = promises(said(made, site, control))
            assert len(told) == len(set(told)) >= 1
            made.checks.step()

    @JIRA_FIRST
    def test_fault_50_a_deadline_that_moves_to_and_fro_is_told_once(self, tmp_path: Path, site: str) -> None:
        """After the deadline was told a person changes the priority twice: the same cycle does not tell it again."""
        with bench(tmp_path, site, edits=NATIVE) as made:
            ticket = made.ticket(site)
            made.goes_by(5 * HOUR)
            before = promises(said(made, site, ticket))
            assert before
            for priority in ("P2", "P1"):
                people(made, site).set_priority(ticket, "ben", priority)
                made.goes_by(HOUR)
            assert promises(said(made, site, ticket)) == before
            made.checks.step()

    def test_fault_50_no_clock_of_the_helpdesks_is_no_deadline_missed(self, tmp_path: Path) -> None:
        """The account has no SLA policy at all: our own clock counts, once per deadline."""
        with bench(tmp_path, ZENDESK, edits=NATIVE, zendesk={"sla_policies": []}) as made:
            ticket = made.ticket(ZENDESK)
            made.goes_by(3 * HOUR)
            told = promises(said(made, ZENDESK, ticket))
            assert len(told) == len(set(told)) >= 1
            made.checks.step()


class TestProblems:
    def attached(self, made: Bench, site: str, count: int = 3) -> tuple[str, list[str]]:
        problem = made.ticket(site)
        made.goes_by(6 * MINUTE)
        children = [made.ticket(site, **LESS_URGENT) for _ in range(count)]
        for child in children:
            people(made, site).attach(child, "ben", problem)
        return problem, children

    @BOTH
    def test_attached_tickets_are_silent_while_the_problem_speaks(self, tmp_path: Path, site: str) -> None:
        with bench(tmp_path, site) as made:
            problem, children = self.attached(made, site)
            made.goes_by(80 * MINUTE)
            assert [said(made, site, child) for child in children] == [[], [], []]
            assert {level(made, site, child) for child in children} == {0}
            assert len(said(made, site, problem)) >= 3
            made.checks.step()

    @JIRA_FIRST
    def test_attached_tickets_go_their_own_way_when_the_problem_is_solved(self, tmp_path: Path, site: str) -> None:
        with bench(tmp_path, site) as made:
            problem, children = self.attached(made, site, 2)
            for child in children:
                people(made, site).set_field(child, "ben", "impact", "site")
                people(made, site).set_field(child, "ben", "urgency", "blocked")
            made.goes_by(HOUR)
            assert {level(made, site, child) for child in children} == {0}
            people(made, site).set_status(problem, "ben", "solved")
            made.goes_by(HOUR)
            assert {level(made, site, child) > 0 for child in children} == {True}
            assert {row(made, site, child)["priority"] for child in children} == {"P1"}
            told = [promises(said(made, site, child)) for child in children]
            assert all(len(each) == len(set(each)) for each in told)
            made.checks.step()


class TestTwins:
    def test_jira_work_of_a_zendesk_ticket_gets_fields_at_most(self, tmp_path: Path) -> None:
        """Zendesk's external id names the issue: the customer's ticket speaks, the issue is raised and keeps silent."""
        named = {"links:\n  problem:": "twins: {jsm-eu: {field: external_id, means: work}}\nlinks:\n  problem:"}
        with bench(tmp_path, ZENDESK, JIRA, edits=named) as made:
            ticket, work = made.ticket(ZENDESK), made.ticket(JIRA)
            people(made, ZENDESK).refer(ticket, "ben", work)
            made.goes_by(100 * MINUTE)
            assert said(made, JIRA, work) == []
            assert (level(made, JIRA, work), row(made, JIRA, work)["priority"]) == (0, "P1")
            assert level(made, ZENDESK, ticket) >= 3
            people(made, ZENDESK).set_status(ticket, "ben", "solved")
            made.goes_by(HOUR)
            assert level(made, JIRA, work) > 0
            made.checks.step()

    def test_twins_on_two_sites_tell_the_customer_once(self, tmp_path: Path) -> None:
        """A field in Jira names the Zendesk ticket, opened later: only the issue's customer is told how it stands."""
        named = {
            "links:\n  Duplicate:": "twins: {zendesk: {field: customfield_10116}}\nlinks:\n  Duplicate:",
            "every: 3h": "every: 40m",
            "poll: {every: 5m}": "poll: {every: 10m}",
        }
        with bench(tmp_path, ZENDESK, JIRA, edits=named) as made:
            issue = made.ticket(JIRA)
            made.clock.wait(made.clock.now() + MINUTE)
            ticket = made.ticket(ZENDESK)
            people(made, JIRA).refer(issue, "ben", f"{ticket},")
            made.goes_by(100 * MINUTE)
            public = {
                site: [s for s in said(made, site, t) if "public" in s]
                for site, t in ((JIRA, issue), (ZENDESK, ticket))
            }
            assert (len(public[JIRA]), public[ZENDESK]) == (1, [])
            assert min(level(made, JIRA, issue), level(made, ZENDESK, ticket)) >= 2
            made.checks.step()


@pytest.mark.full
@BOTH
def test_a_storm_of_alike_tickets_has_one_voice(tmp_path: Path, site: str) -> None:
    """Twelve customers report the same outage within minutes: all are raised, the first one alone speaks and climbs."""
    with bench(tmp_path, site) as made:
        first, *others = [made.ticket(site, fields={"category": "network"}) for _ in range(12)]
        made.goes_by(50 * MINUTE)
        assert len(said(made, site, first)) >= 2
        assert [said(made, site, other) for other in others] == [[]] * 11
        assert {row(made, site, other)["priority"] for other in others} == {"P1"}
        assert {level(made, site, other) for other in others} == {0}
        people(made, site).set_status(first, "ben", "solved")
        made.goes_by(40 * MINUTE)
        assert [level(made, site, other) > 0 for other in others] == [True] + [False] * 10
        made.checks.step()
