"""A helpdesk that answers everything but tells no histories: nothing is lost over it, on either vendor."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.lab.bench import Bench, bench
from tests.lab.office import JIRA, ZENDESK
from tests.quick import some

MINUTE = timedelta(minutes=1)
MILD = {"impact": "user", "urgency": "inconvenient"}
HISTORY = {JIRA: "changelog/bulkfetch", ZENDESK: "/audits"}
FAULTS: dict[str, dict[str, Any]] = {
    "an error": {"action": "status", "status": 500},
    "a gateway's page": {"action": "html", "status": 502},
    "refused": {"action": "status", "status": 400},
    "no answer": {"action": "drop"},
    "a moment's rest": {"action": "status", "status": 503, "retry_after": 1},
}


def priority(made: Bench, site: str, ticket: str) -> str:
    (row,) = (row for row in made.scene.exchanges[site].site.view() if row["ticket"] == ticket)
    return str(row["priority"])


def asked(made: Bench, site: str) -> int:
    return sum(1 for request in made.requests(site) if HISTORY[site].strip("/") in request["path"])


@pytest.mark.parametrize(
    ("site", "fault"),
    some(product((ZENDESK, JIRA), FAULTS), [*zip((ZENDESK, JIRA, ZENDESK, JIRA, ZENDESK), FAULTS, strict=True)]),
)
def test_a_new_p1_is_raised_though_no_history_is_told(tmp_path: Path, site: str, fault: str) -> None:
    with bench(tmp_path, site) as made:
        made.goes_by(10 * MINUTE)
        made.fault(site, path=HISTORY[site], **FAULTS[fault])
        ticket = made.ticket(site)
        made.goes_by(25 * MINUTE)
        assert priority(made, site, ticket) == "P1"
        assert made.ours(site, ticket), "and said"
        made.checks.step()


@pytest.mark.parametrize("site", [ZENDESK, JIRA])
def test_they_are_asked_for_again_and_read_once_they_are_told(tmp_path: Path, site: str) -> None:
    with bench(tmp_path, site) as made:
        made.goes_by(10 * MINUTE)
        back_at = made.clock.now() + 60 * MINUTE
        made.fault(site, path=HISTORY[site], action="status", status=500, ends_at=back_at)
        made.ticket(site, **MILD)
        made.goes_by(59 * MINUTE)
        before = asked(made, site)
        assert 1 < before <= 5 * 14, "five tries a pass, and no more than a pass in five minutes"
        made.goes_by(20 * MINUTE)
        assert before < asked(made, site) <= before + 3
        made.checks.step()


@pytest.mark.parametrize(("site", "status"), [(ZENDESK, 500), (ZENDESK, 400), (JIRA, 400), (JIRA, 500)])
def test_one_ticket_whose_history_is_not_told_costs_the_others_nothing(tmp_path: Path, site: str, status: int) -> None:
    """A person set the others' priority before we saw them: without their history each would wait."""
    with bench(tmp_path, site) as made:
        made.goes_by(10 * MINUTE)
        people = made.scene.exchanges[site].site.people
        tickets = [made.ticket(site, priority="P4") for _ in range(4)]
        rows = {row["ticket"]: str(row["id"]) for row in made.scene.exchanges[site].site.view()}
        where: dict[str, Any] = {"path": f"tickets/{rows[tickets[0]]}/audits"}
        if site == JIRA:
            where = {"path": HISTORY[JIRA], "body": f'"{rows[tickets[0]]}"'}
        made.fault(site, action="status", status=status, **where)
        for ticket in tickets:
            people.set_field(ticket, "ben", "urgency", "blocked")
        made.goes_by(40 * MINUTE)
        assert [priority(made, site, ticket) for ticket in tickets[1:]] == ["P1"] * 3
        made.checks.step()
