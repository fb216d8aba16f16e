"""Effects are switched on scope by scope: by project, brand and group, judged by what reaches the helpdesks."""

from __future__ import annotations

from typing import Any

from tests.e2e.desk import JIRA, ZENDESK, Desk


def map_scope(desk: Desk, scope: str) -> None:
    path = desk.folder / "mappings" / "sites" / "zendesk.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("scope: brand", f"scope: {scope}"), encoding="utf-8")


def written(desk: Desk, ticket: str) -> set[str]:
    return {str(fact["data"]["name"]) for fact in desk.writes(ZENDESK) if fact["ticket"] == ticket}


def escalated(desk: Desk, **scopes: Any) -> tuple[str, str]:
    """Two P1 tickets, one of the service desk and one of the lawyers, after a sync with these effects by group."""
    desk.only(ZENDESK)
    map_scope(desk, "group")
    desk.site(ZENDESK, effects=[], scopes={name.replace("_", "-"): list(on) for name, on in scopes.items()})
    tickets = desk.ticket(ZENDESK), desk.ticket(ZENDESK, group="legal")
    desk.later(minutes=3)
    desk.ok("sync")
    return tickets


def test_a_group_is_switched_on_alone(desk: Desk) -> None:
    own, other = escalated(desk, service_desk=["fields"])
    assert {"priority", "level", "path"} <= written(desk, own)
    assert written(desk, other) == set()
    assert desk.view(ZENDESK, other)["priority"] is None


def test_a_scope_can_be_in_shadow_while_the_rest_is_on(desk: Desk) -> None:
    desk.site(JIRA, effects=["fields"], scopes={"SUP": []})
    brand = str(desk.view(ZENDESK, desk.ticket(ZENDESK))["vendor"]["brand_id"])
    desk.site(ZENDESK, effects=["fields"], scopes={brand: []})
    desk.ticket(JIRA)
    desk.later(minutes=3)
    rows = desk.ok("-o", "json", "sync").json["sites"]
    assert [(row["written"], row["would_do"] > 0) for row in rows] == [(0, True), (0, True)]
    assert desk.writes() == []
    desk.site(JIRA, effects=[], scopes={"SUP": ["fields"]})
    desk.site(ZENDESK, effects=[], scopes={brand: ["fields"]})
    new = {site: desk.ticket(site) for site in (JIRA, ZENDESK)}
    desk.later(minutes=3)
    desk.ok("sync")
    assert {fact["ticket"] for fact in desk.writes()} >= set(new.values())


def test_a_ticket_that_comes_back_from_an_ignored_scope_goes_on_escalating_and_repeats_nothing(desk: Desk) -> None:
    desk.only(ZENDESK)
    map_scope(desk, "group")
    desk.site(ZENDESK, effects=["fields", "notes"], confidential={"legal": "ignore"})
    ticket = desk.ticket(ZENDESK)

    def pass_after(minutes: int) -> None:
        desk.later(minutes=minutes)
        desk.ok("sync")

    pass_after(3)
    pass_after(35)
    (overdue,) = desk.ours(ZENDESK, ticket)
    for group in ("legal", "service-desk"):
        desk.client.people(ZENDESK, "set_group", ticket=ticket, actor="anna", group=group)
        pass_after(3)
    for minutes in (12, 30, 30):
        pass_after(minutes)
    first, *later = desk.ours(ZENDESK, ticket)
    assert first == overdue
    assert "first response of" in first["body"]
    assert "Level 2" in first["body"]
    assert [note for note in later if "first response of" in note["body"] or "default, level 2." in note["body"]] == []
    assert [note for note in later if "level 3" in note["body"]], "the path goes on"
