"""Outages, bursts, and pages that repeat, overlap, stand still or lag, each judged by the sites' own account."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connector.domain.site import Effect
from connector.engine.passes import PassOutcome
from connector.engine.reconcile import CHUNK
from connector.helpdesks.memory import CUSTOMER, Fault
from connector.ports import Progress, Stored
from tests.engine.stage import Desk as MemoryDesk
from tests.engine.stage import Stage
from tests.faults.counting import CountingJournal, CountingReader
from tests.faults.network_stage import Desk, desk
from tests.lab.bench import HOUR, Bench, bench
from tests.lab.office import JIRA, ZENDESK

MINUTE = timedelta(minutes=1)


def priorities(made: Bench, site: str) -> list[str]:
    return [str(row["priority"]) for row in made.scene.exchanges[site].site.view()]


@pytest.mark.parametrize("site", [ZENDESK, JIRA])
def test_fault_26_down_for_six_hours_then_one_latest_comment_per_ticket(tmp_path: Path, site: str) -> None:
    """Away for six hours, no write in the air. What is overdue by then is said once per ticket, at its latest."""
    with bench(tmp_path, site) as made:
        first = made.ticket(site)
        made.goes_by(10 * MINUTE)
        second = made.ticket(site, impact="department")
        made.goes_by(8 * MINUTE)
        back_at = made.clock.now() + 6 * HOUR
        made.fault(site, action="html", status=503, ends_at=back_at)
        before = {ticket: len(made.ours(site, ticket)) for ticket in (first, second)}
        made.goes_by(6 * HOUR)
        assert {ticket: len(made.ours(site, ticket)) for ticket in before} == before
        made.goes_by(9 * MINUTE)  # one step of the path has its ten minutes
        for ticket in before:
            new = made.ours(site, ticket)[before[ticket] :]
            assert [c["public"] for c in new].count(False) == 1, new
            assert [c["public"] for c in new].count(True) <= 1, new
        made.goes_by(2 * HOUR)
        levels = [row["fields"]["level"] for row in made.scene.exchanges[site].site.view()]
        assert {str(level)[0] for level in levels} == {"4"}
        made.checks.step()


def test_fault_26_what_an_outage_held_up_is_caught_up_in_the_order_of_deadlines(stage: Stage, desk: MemoryDesk) -> None:
    """Twelve are overdue: neither their names (10 before 2) nor who changed meanwhile decides who comes first."""
    stage.run("desk")
    for _ in range(12):
        desk.world.create(facts={"impact": "site", "urgency": "blocked"})
        stage.clock.move(MINUTE)
    stage.run("desk")
    assert [desk.live(str(n)).level for n in range(1, 13)] == [1] * 12
    desk.world.read_faults.extend([Fault.UNAVAILABLE] * 6)
    for hour in range(6):
        desk.world.update(str(12 - hour), CUSTOMER, facts={"impact": "department", "urgency": "blocked"})
        stage.clock.move(HOUR)
        assert stage.run("desk").error is not None
    stage.clock.move(5 * MINUTE)  # for so long it is left alone after a failure
    before = len(desk.writer.sent)
    assert stage.run("desk").outcome is PassOutcome.OK
    caught_up = dict.fromkeys(each.write.ref.id for each in desk.writer.sent[before:])
    assert list(caught_up) == [str(n) for n in range(1, 13)]
    assert [desk.live(str(n)).level for n in range(1, 13)] == [3] * 12, "as far as a breach of the resolution leads"


@pytest.mark.parametrize(
    ("site", "options"),
    [(ZENDESK, {"stuck_pages": 250}), (JIRA, {"page_limit": 2, "repeat_token_every": 1})],
    ids=["zendesk", "jira"],
)
def test_fault_45_a_cursor_that_stands_still_ends_the_read(tmp_path: Path, site: str, options: dict[str, int]) -> None:
    """The answer hands out the cursor that it was asked with: no endless loop, and no flood of requests."""
    with bench(tmp_path, site, **{site.replace("-", "_"): options}) as made:
        for _ in range(5):
            made.ticket(site)
            made.goes_by(MINUTE)
        made.goes_by(30 * MINUTE)
        assert len(made.requests(site)) < 200
        made.checks.step()


def test_a_change_that_the_index_shows_too_late_for_the_delta_is_found_by_the_sweep() -> None:
    """After bulk edits Jira's index lags for longer than windows overlap; the issue was open before and still is."""
    with desk("jira", index_lag=(1200.0, 1200.0)) as made:
        tickets = [made.ticket(impact="user") for _ in range(3)]
        made.passes(1, minutes=30)
        made.passes(2, hours=1)  # histories are in, our writes are seen
        made.people.set_field(tickets[0], "anna", "impact", "site")
        made.passes(9, minutes=5)
        assert impacts(made, tickets) == ["user", "user", "user"], "no delta shows it"
        made.later(hours=6)
        fetched = len(made.requests(path="/rest/api/3/issue/bulkfetch"))
        made.run()
        assert impacts(made, tickets) == ["site", "user", "user"]
        assert len(made.requests(path="/rest/api/3/issue/bulkfetch")) - fetched <= 2  # the sweep's, and a history's
        made.later(hours=6)
        fetched = len(made.requests(path="/rest/api/3/issue/bulkfetch"))
        made.run()
        assert len(made.requests(path="/rest/api/3/issue/bulkfetch")) == fetched, "what is known is not read again"


@pytest.mark.parametrize("by_search", [True, False], ids=["index", "export"])
@pytest.mark.parametrize("own_clocks", [True, False], ids=["our clocks", "its clocks"])
def test_a_change_of_an_open_zendesk_ticket_that_no_poll_showed_is_found_by_the_sweep(
    *, by_search: bool, own_clocks: bool
) -> None:
    """The index is late by more than polls look back, or a page of the export was lost with its cursor stored."""
    with desk("zendesk", by_search=by_search, own_clocks=own_clocks, search_lag=(1200, 1200)) as made:
        tickets = [made.ticket(impact="user") for _ in range(3)]
        made.passes(1, minutes=30)
        made.passes(2, hours=1)
        made.people.set_field(tickets[0], "anna", "impact", "site")
        if not by_search:
            made.later(minutes=5)
            *_, last = made.ports.reader.changes(made.cursor)
            made.journal.advance("zendesk", Progress(cursor=last.cursor))
        made.passes(9, minutes=5)
        assert impacts(made, tickets) == ["user", "user", "user"], "no poll shows it"
        made.passes(1, hours=6)
        assert impacts(made, tickets) == ["site", "user", "user"]
        assert made.priority(tickets[0]) == "P1"
        made.passes(8, hours=6)  # until its path has come to its end
        for _ in range(2):  # our own writes changed it as well: the sweep takes them for what they are
            made.later(hours=6)
            written, before = len(made.requests(method="PUT")), rows(made)
            made.run()
            assert (len(made.requests(method="PUT")), rows(made)) == (written, before)


@pytest.mark.parametrize("own_clocks", [False, True], ids=["their clocks", "public in a project"])
def test_a_goal_that_somebody_edits_is_found_by_the_sweep(*, own_clocks: bool) -> None:
    """The service desk counts a shorter time from now on: every deadline moves, and no version does.

    Where our clocks count, theirs still tell whether the requester may be spoken to, be it in one project alone.
    """
    with desk("jira", own_clocks=own_clocks) as made:
        if own_clocks:
            rules = replace(made.site.reading.rules, scopes={"SUP": frozenset({Effect.FIELDS, Effect.PUBLIC})})
            made.site = replace(made.site, reading=replace(made.site.reading, rules=rules))
        ticket, other = made.ticket(impact="user"), made.ticket(impact="user")
        made.passes(1, minutes=30)
        made.passes(8, minutes=20)
        before = deadlines(made, [ticket, other])
        shorten_goals(made, ticket)
        made.passes(1, hours=6)
        after = deadlines(made, [ticket, other])
        assert after[0] < before[0]
        assert after[1] == before[1]
        made.later(hours=6)
        fetched = len(made.requests(path="/rest/api/3/issue/bulkfetch"))
        made.run()
        assert len(made.requests(path="/rest/api/3/issue/bulkfetch")) == fetched, "what is known is not read again"


def test_an_sla_that_somebody_edits_on_zendesk_is_found_by_the_sweep() -> None:
    """An administrator halves every target: the deadlines move, ``updated_at`` does not and no poll shows it."""
    with desk("zendesk") as made:
        tickets = [made.ticket(impact="user") for _ in range(2)]
        made.passes(1, minutes=30)
        made.passes(8, minutes=20)
        before = deadlines(made, tickets)
        halve_targets(made)
        made.passes(1, minutes=20)
        assert deadlines(made, tickets) == before, "no poll shows it"
        made.passes(1, hours=6)
        after = deadlines(made, tickets)
        assert all(now < then for now, then in zip(after, before, strict=True))
        made.passes(1, hours=6)
        assert deadlines(made, tickets) == after


def halve_targets(made: Desk) -> None:
    """Let an administrator edit the account's SLA policies."""
    desk_ = made.running.site("zendesk").office.desk
    desk_.slas.policies = tuple(
        {**policy, "policy_metrics": [{**m, "target_in_seconds": m["target_in_seconds"] // 2} for m in metrics]}
        for policy in desk_.slas.policies
        for metrics in (policy["policy_metrics"],)
    )
    for ticket in desk_.tickets.values():
        ticket.touched()  # what was reckoned by the old targets


def shorten_goals(made: Desk, ticket: str) -> None:
    """Let an administrator edit the goals of an issue's clocks, which leaves ``updated`` as it was."""
    state = made.running.site("jira").state
    issue = state.issues[int(made.issue_id(ticket))]
    aimed = [replace(c.ongoing, goal=c.ongoing.goal / 2) if c.ongoing else None for c in issue.clocks]
    clocks = tuple(replace(c, ongoing=to) for c, to in zip(issue.clocks, aimed, strict=True))
    state.publish(replace(issue, clocks=clocks, memo={}))


def deadlines(made: Desk, tickets: list[str]) -> list[datetime]:
    """Return the latest deadline of each ticket's own clocks, as stored."""
    return [max(c.breach_at for c in each.ticket.native if c.breach_at) for each in known(made, tickets)]


def impacts(made: Desk, tickets: list[str]) -> list[object]:
    """Return what is known of tickets."""
    return [each.ticket.facts["impact"] for each in known(made, tickets)]


def known(made: Desk, tickets: list[str]) -> list[Stored]:
    """Return what is stored of tickets, in their order."""
    return list(made.journal.load(made.kind, [made.issue_id(ticket) for ticket in tickets], now=made.now))


def rows(made: Desk) -> dict[str, tuple[object, ...]]:
    """Return which version of each open ticket is stored, and which was ours."""
    stored = made.journal.load(made.kind, sorted(made.known()), now=made.now)
    return {each.ticket.ref.id: (each.ticket.version, each.own_version) for each in stored}


def test_fault_46_more_than_a_page_of_tickets_of_one_moment(tmp_path: Path) -> None:
    """Thirteen tickets carry the same stamp and a page holds two: none is lost, nothing loops."""
    with bench(tmp_path, JIRA, jsm_eu={"page_limit": 2, "index_lag": (0, 0)}) as made:
        made.goes_by(6 * MINUTE)
        for _ in range(13):
            made.ticket(JIRA)
        made.goes_by(20 * MINUTE)
        assert priorities(made, JIRA) == ["P1"] * 13
        assert len(made.requests(JIRA)) < 600
        made.checks.step()


@pytest.mark.parametrize(
    ("site", "options"),
    [
        (ZENDESK, {"repeat_chance": 1.0, "system_touch_chance": 1.0}),
        (JIRA, {"page_limit": 2, "short_page_every": 2, "empty_page_every": 3, "index_lag": (0, 240)}),
    ],
    ids=["zendesk", "jira"],
)
def test_fault_47_pages_that_overlap_and_tickets_that_change_meanwhile(
    tmp_path: Path, site: str, options: dict[str, object]
) -> None:
    """Rows come twice, out of order, and change while they are read: every ticket ends as the last look at it wants."""
    with bench(tmp_path, site, **{site.replace("-", "_"): options}) as made:
        people = made.scene.exchanges[site].site.people
        tickets = [made.ticket(site, impact="user", urgency="inconvenient") for _ in range(5)]
        made.goes_by(6 * MINUTE)
        for number, ticket in enumerate(tickets):
            made.scene.clock.after(timedelta(seconds=number), "it becomes worse", lambda t=ticket: _worse(people, t))
        made.goes_by(30 * MINUTE)
        assert priorities(made, site) == ["P1"] * 5
        for ticket in tickets:
            bodies = [c["body"] for c in made.ours(site, ticket)]
            assert len(bodies) == len(set(bodies))
        made.checks.step()


def _worse(people: object, ticket: str) -> None:
    people.set_field(ticket, "ben", "impact", "site")  # type: ignore[attr-defined]
    people.set_field(ticket, "ben", "urgency", "blocked")  # type: ignore[attr-defined]


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kathmandu", "Pacific/Auckland"])
def test_fault_48_the_accounts_time_zone_hides_no_change(tmp_path: Path, zone: str) -> None:
    """The profile of our account lies hours off UTC: each change is seen with the next poll, and none over again."""
    with bench(tmp_path, JIRA, jsm_eu={"zone": zone, "index_lag": (0, 0)}) as made:
        people = made.scene.exchanges[JIRA].site.people
        tickets = [made.ticket(JIRA, impact="user", urgency="inconvenient") for _ in range(3)]
        made.goes_by(30 * MINUTE)
        for ticket in tickets:
            _worse(people, ticket)
            made.goes_by(6 * MINUTE)
            assert priorities(made, JIRA).count("P1") == tickets.index(ticket) + 1
        made.goes_by(30 * MINUTE)
        assert priorities(made, JIRA) == ["P1"] * 3
        for ticket in tickets:
            bodies = [c["body"] for c in made.ours(JIRA, ticket)]
            assert len(bodies) == len(set(bodies))
        made.checks.step()


def test_fault_49_an_index_five_minutes_behind_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """Searches show each change five minutes late: nothing is taken for gone, no level is entered twice."""
    with bench(tmp_path, JIRA, jsm_eu={"index_lag": (300, 300)}) as made:
        tickets = []
        for _ in range(5):  # wherever between two polls
            tickets.append(made.ticket(JIRA))
            made.goes_by(MINUTE)
        made.goes_by(2 * HOUR)
        rows = made.scene.exchanges[JIRA].site.view()
        assert [row["priority"] for row in rows] == ["P1"] * 5
        assert {str(row["fields"]["level"])[0] for row in rows} == {"4"}
        changes = [f for f in made.scene.facts if f.kind == "field" and f.data["name"] == "level"]
        assert len({(f.ticket, f.data["after"]) for f in changes}) == len(changes)
        for ticket in tickets:
            bodies = [c["body"] for c in made.ours(JIRA, ticket) if not c["public"]]
            assert len(bodies) == len(set(bodies))
        made.checks.step()


def test_fault_73_a_burst_is_taken_deadline_first_and_starves_nobody(tmp_path: Path, full: bool) -> None:
    """Thousands of tickets change at once on one site: the most urgent are written first, the other site is served."""
    crowd = 10_000 if full else 150
    with bench(tmp_path, ZENDESK, JIRA, zendesk={"update_limit": 100}) as made:
        made.goes_by(3 * MINUTE)
        for number in range(crowd):
            urgent = number % 30 == 29
            made.ticket(ZENDESK, impact="site" if urgent else "team", urgency="blocked" if urgent else "degraded")
        other = made.ticket(JIRA)
        made.goes_by(8 * MINUTE)
        order = [
            str(f.data["after"])
            for f in made.scene.facts
            if f.kind == "field" and f.data["name"] == "priority" and f.via == "api" and f.site == ZENDESK
        ]
        urgent = crowd // 30
        assert order[: len(order[:urgent])] == ["P1"] * len(order[:urgent])
        assert len(order) >= min(urgent, 20)
        row = next(row for row in made.scene.exchanges[JIRA].site.view() if row["ticket"] == other)
        assert row["priority"] == "P1"
        assert len([r for r in made.requests(ZENDESK) if r["status"] == 429]) <= 2
        made.checks.step()


def test_fault_73_of_a_burst_a_page_and_a_chunk_are_held_at_once(stage: Stage, desk: MemoryDesk) -> None:
    """However many tickets change: what people wrote is held page by page, and what is known in chunks."""
    crowd, a_page = 2 * CHUNK + 100, desk.world.page_size
    reader, journal = CountingReader(desk.world), CountingJournal(stage.around.journal)
    desk.reader = reader
    stage.run("desk")
    for _ in range(crowd):
        desk.world.create(facts={"impact": "team", "urgency": "degraded"})
    summary = stage.run_with("desk", replace(stage.around, journal=journal)).summary
    assert summary.read == summary.decided == reader.texts.all == crowd
    assert journal.tickets.all >= crowd
    assert reader.texts.most <= 2 * a_page, "one page, while the next is being made"
    assert journal.tickets.most <= CHUNK


def test_fault_49_an_index_takes_nothing_back_that_was_found_after_a_lost_answer(tmp_path: Path) -> None:
    """Our write landed, its answer did not, and the index still shows what was before: nobody has overruled us.

    The raised priority holds from the moment of the rise, so the first response is due a quarter of an hour later.
    """
    with bench(tmp_path, JIRA, edits={"{every: 5m}": "{every: 1m}"}, jsm_eu={"index_lag": (150, 150)}) as made:
        ticket = made.ticket(JIRA, impact="user", urgency="inconvenient")
        made.goes_by(20 * MINUTE)
        made.fault(JIRA, action="lose", methods=("PUT",), path=r"/issue/[^/]+$", times=1)
        _worse(made.scene.exchanges[JIRA].site.people, ticket)
        seen_by = made.clock.now() + 5 * MINUTE
        made.goes_by(30 * MINUTE)
        (said,) = [c for c in made.ours(JIRA, ticket) if "first response" in c["body"]]
        assert datetime.fromisoformat(said["created"]) <= seen_by + 15 * MINUTE
        made.checks.step()
