"""What comes back of our own writes is never taken for a person's act, whether written singly or in bulk."""

from __future__ import annotations

import pytest

from tests.e2e.desk import ZENDESK, Desk

MANY, FEW = 6, 2


@pytest.fixture(params=[MANY, FEW], ids=["in bulk", "singly"])
def tickets(desk: Desk, request: pytest.FixtureRequest) -> list[str]:
    desk.only(ZENDESK)
    desk.site(ZENDESK, effects=["fields", "assign"])
    desk.edit_policy("{group: service-desk}", "{user: anna}")
    made = [desk.ticket(ZENDESK, impact="team", urgency="blocked") for _ in range(request.param)]
    desk.later(minutes=10)
    desk.ok("sync")
    return made


def paths(desk: Desk) -> set[str]:
    return {str(request["path"]).removesuffix(".json") for request in desk.requests(ZENDESK)}


def test_the_echo_is_nobodys_act(desk: Desk, tickets: list[str]) -> None:
    in_bulk = "/api/v2/tickets/update_many" in paths(desk)
    assert in_bulk is (len(tickets) == MANY)
    statuses = {desk.view(ZENDESK, ticket)["status"] for ticket in tickets}
    for _ in range(3):
        desk.later(minutes=5)
        (again,) = desk.ok("-o", "json", "sync").json["sites"]
        assert (again["outcome"], again["written"], again["left"]) == ("ok", 0, 0)
    assert statuses == {"open"}, "assigning did not open the tickets: this test shows nothing"
    for ticket in tickets:
        told = desk.ok("-o", "json", "explain", f"zendesk:{ticket}").json
        assert "acknowledged" not in str(told.get("level", "")), told
        assert not [item for item in told.get("left", []) if "person" in str(item)], told
