"""A power cut in the middle of a write: what was sent is looked up, never repeated. The helpdesks' own truth judges."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.e2e.desk import JIRA, ZENDESK, Desk, await_fault

NOTE = {ZENDESK: ("PUT", "/tickets/{}(\\.json)?$"), JIRA: ("POST", "/request/{}/comment$")}


def intents(desk: Desk) -> dict[str, int]:
    """How many writes are in which state, by the journal."""
    engine = create_engine(f"sqlite:///file:{desk.folder / 'state.db'}?mode=ro&uri=true")
    with engine.connect() as connection:
        rows = connection.execute(text("select status, count(*) from op group by status")).all()
    engine.dispose()
    return {str(status): int(count) for status, count in rows}


def fault(desk: Desk, site: str, ticket: str, **order: Any) -> None:
    """Strike the write of a note on one ticket, once."""
    method, path = NOTE[site]
    names = {ticket, str(desk.view(site, ticket)["id"])}
    known = {"methods": [method], "path": path.format(f"({'|'.join(sorted(names))})"), "times": 1}
    desk.client.faults(site, {**known, **order})


def dies(desk: Desk, site: str, name: str) -> None:
    """Run ``sync`` and kill it while the other side works on the request that the fault struck."""
    with desk.start("sync", "--select", site) as sync:
        await_fault(desk.client, site, name)
        sync.kill()
    desk.client.leave("connector/*")


def notes(desk: Desk, site: str, ticket: str) -> list[str]:
    return [c["body"] for c in desk.ours(site, ticket)]


@pytest.fixture
def late(desk: Desk, request: pytest.FixtureRequest) -> tuple[str, list[str]]:
    """Four tickets of one site, known at level 1 and now due for a note each."""
    site: str = request.param
    tickets = []
    for _ in range(4):
        tickets.append(desk.ticket(site))
        desk.later(minutes=1)
    desk.later(minutes=3)
    desk.ok("sync", "--select", site)
    desk.later(minutes=40)
    return site, tickets


@pytest.mark.parametrize("late", [pytest.param(ZENDESK, marks=pytest.mark.full), JIRA], indirect=True)
def test_killed_in_the_middle(desk: Desk, late: tuple[str, list[str]]) -> None:
    site, (absent, lost, hung, untouched) = late
    fault(desk, site, absent, action="late", seconds=20 * 60, name="absent")
    fault(desk, site, lost, action="lose", name="lost")
    fault(desk, site, hung, action="hang", pause=20, name="hung")
    dies(desk, site, "hung")
    assert intents(desk)["sending"] == 3
    assert notes(desk, site, untouched) == []

    first = desk.run("-v", "-o", "json", "sync", "--select", site)
    assert {e["ticket"] for e in first.events("write_found")} == {_ref(desk, site, lost), _ref(desk, site, hung)}
    if site == ZENDESK:  # at most one copy is ever applied, so it goes at once
        assert len(first.events("write_resent")) == 1
    else:  # it may still land
        assert [len(notes(desk, site, t)) for t in (absent, lost, hung, untouched)] == [0, 1, 1, 1]
        assert intents(desk)["sending"] == 1
        for minutes in (1, 2):
            desk.later(minutes=minutes)
            again = desk.run("-v", "-o", "json", "sync", "--select", site)
        assert len(again.events("write_resent")) == 1
    assert [len(notes(desk, site, t)) for t in (absent, lost, hung, untouched)] == [1, 1, 1, 1]
    assert not first.events("alarm")

    desk.client.clear_faults(site)
    if site == ZENDESK:
        desk.later(minutes=15)  # the first copy arrives after all, and is refused
    for _ in range(2):
        desk.later(minutes=3)
        desk.run("sync", "--select", site)
    for ticket in (absent, lost, hung, untouched):
        said = notes(desk, site, ticket)
        assert len(said) == len(set(said)), said
    assert intents(desk).get("sending", 0) == 0


@pytest.mark.parametrize("site", [ZENDESK, pytest.param(JIRA, marks=pytest.mark.full)])
def test_killed_before_and_after_a_field_write(desk: Desk, site: str) -> None:
    ticket = desk.ticket(site)
    desk.later(minutes=3)
    desk.client.faults(site, {"action": "hang", "methods": ["PUT"], "pause": 20, "name": "hung", "times": 1})
    dies(desk, site, "hung")
    assert intents(desk) == {"sending": 1}
    again = desk.ok("sync", "--select", site)
    assert len(again.events("write_found")) == 1
    written = [f["data"]["name"] for f in desk.writes(site)]
    assert len(written) == len(set(written))
    assert desk.view(site, ticket)["priority"] == "P1"
    desk.later(minutes=3)
    assert (
        desk.ok("-o", "json", "sync", "--select", site).json["sites"][0]["left"] == 0
    )  # our own write is nobody else's


def test_killed_between_deciding_and_writing_forgets_nothing(desk: Desk) -> None:
    """Jira is read once more just before a write; the power fails in that moment."""
    ticket = desk.ticket(JIRA)
    desk.later(minutes=3)
    look = {"action": "hang", "methods": ["GET"], "path": f"/issue/{desk.view(JIRA, ticket)['id']}", "pause": 20}
    desk.client.faults(JIRA, {**look, "name": "look", "times": 1})
    dies(desk, JIRA, "look")
    desk.run("sync", "--select", JIRA)  # nobody has touched the ticket, and its next deadline is far
    assert desk.view(JIRA, ticket)["priority"] == "P1"


def test_killed_daemon_leaves_no_lock(desk: Desk) -> None:
    desk.ticket(ZENDESK)
    desk.client.join("narrator")
    with desk.start("-v", "run") as daemon:
        daemon.await_event("daemon_started")
        daemon.kill()
    desk.client.leave("connector/*")
    desk.client.leave("narrator")
    assert (desk.folder / "state.db.sock").exists()
    desk.later(minutes=3)
    desk.ok("sync", "--select", ZENDESK)  # neither the lock nor the socket of the dead one is in the way


def _ref(desk: Desk, site: str, ticket: str) -> str:
    return f"{site}:{desk.view(site, ticket)['id']}"
