"""``plan`` and ``apply`` as an operator uses them, judged by what the helpdesks hold afterwards."""

from __future__ import annotations

import json
import stat

from tests.e2e.desk import BODY, JIRA, SITES, SUBJECT, ZENDESK, Desk


def plain(value: object) -> str:
    """The two spellings that a helpdesk makes of a number and of a moment."""
    return str(value).removesuffix(".0").replace(":00:00+00:00", ":00+00:00")


def test_plan_shows_everything_and_touches_nothing(desk: Desk) -> None:
    desk.ticket(ZENDESK)
    desk.ticket(JIRA)
    desk.later(minutes=5)
    text = desk.ok("plan")
    assert "P3 -> P1" in text.out
    assert "impact department × urgency blocked = P1" in text.out
    assert "Plan: 2 priority" in text.out.splitlines()[-1]
    assert "─" not in text.out  # no boxes in a pipe

    document = desk.ok("-o", "json", "plan").json
    assert (document["schema_version"], document["kind"], document["sites"]) == (1, "plan", list(SITES))
    priority = next(c for c in document["changes"] if c["site"] == ZENDESK and c.get("field") == "priority")
    assert (priority["before"], priority["after"]) == (None, "P1")
    rows = desk.ok("-o", "ndjson", "plan", "--select", f"site:{ZENDESK}").rows
    assert {row["site"] for row in rows} == {ZENDESK}
    assert [{k: v for k, v in r.items() if k not in {"schema_version", "kind"}} for r in rows] == [
        c for c in document["changes"] if c["site"] == ZENDESK
    ]

    assert desk.run("plan", "--detailed-exitcode").code == 2
    assert desk.writes() == []
    assert not (desk.folder / "state.db").exists()

    desk.ok("sync")
    written = desk.writes()
    ahead = desk.ok("-o", "json", "plan", "--at", "2026-11-23T09:30:00+00:00").json
    assert any(c.get("comment") for c in ahead["changes"])  # level 2 by then, and an update
    assert desk.writes() == written
    assert SUBJECT not in text.err + text.out
    assert BODY not in text.err + text.out


def test_a_plan_with_nothing_in_it(desk: Desk) -> None:
    desk.ticket(ZENDESK, impact="user", urgency="inconvenient", priority="P4")
    desk.later(minutes=5)
    desk.ok("sync")
    desk.later(minutes=3)
    ran = desk.run("plan", "--detailed-exitcode", "--select", ZENDESK)
    assert ran.code == 0
    assert "Plan: no changes; 1 open ticket unchanged;" in ran.out  # beside those that anything was decided on


def test_apply_writes_exactly_the_plan(desk: Desk) -> None:
    tickets = {site: desk.ticket(site) for site in SITES}
    desk.later(minutes=5)
    file = desk.folder / "plan.json"
    planned = desk.ok("-o", "json", "plan", "--out", str(file)).json
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert desk.writes() == []
    desk.ticket(ZENDESK)  # came after the plan: not in it

    applied = desk.ok("-o", "json", "apply", str(file)).json
    assert (applied["written"], applied["failed"], applied["refused"]) == (2, 0, [])
    written = {(f["site"], f["data"]["name"], plain(f["data"]["after"])) for f in desk.writes()}
    assert written == {(c["site"], c["field"], plain(c["after"])) for c in planned["changes"]}
    for site, ticket in tickets.items():
        assert desk.view(site, ticket)["priority"] == "P1"
    assert {f["ticket"] for f in desk.writes(ZENDESK)} == {tickets[ZENDESK]}

    again = desk.run("apply", str(file))
    assert again.code == 3
    assert "Applied: 0 written, 2 refused" in again.out


def test_apply_refuses_what_has_changed_since(desk: Desk) -> None:
    touched, quiet = desk.ticket(JIRA), desk.ticket(JIRA)
    desk.later(minutes=5)
    file = str(desk.folder / "plan.json")
    desk.ok("plan", "--out", file, "--select", JIRA)
    desk.later(minutes=1)
    desk.client.people(JIRA, "set_priority", ticket=touched, actor="ben", priority="P2")
    desk.later(minutes=3)
    ran = desk.run("-o", "json", "apply", file)
    assert ran.code == 3, ran
    assert [r["ticket"] for r in ran.json["refused"]] == [touched]
    assert desk.view(JIRA, touched)["priority"] == "P2"
    assert desk.view(JIRA, quiet)["priority"] == "P1"


def test_a_site_that_cannot_be_written_costs_no_other_its_share_of_the_plan(desk: Desk) -> None:
    tickets = {site: desk.ticket(site) for site in SITES}
    desk.later(minutes=5)
    file = str(desk.folder / "plan.json")
    desk.ok("plan", "--out", file)
    for still, other in (SITES, SITES[::-1]):
        desk.ok("pause", still, "--reason", "stocktaking")
        ran = desk.run("-o", "json", "apply", file)
        assert (ran.code, ran.json["written"]) == (3, 1)
        (refused,) = ran.json["refused"]
        assert (refused["ticket"], "stocktaking" in refused["why"]) == (still, True)
        assert desk.view(other, tickets[other])["priority"] == "P1"
        desk.ok("resume", still)
    for site in SITES:
        desk.ok("pause", site, "--reason", "stocktaking")
    assert desk.run("apply", file).code == 5, "nothing could be written at all"


def test_a_plan_that_names_a_site_nobody_knows_is_refused_before_anything_is_written(desk: Desk) -> None:
    ticket = desk.ticket(ZENDESK)
    desk.later(minutes=5)
    file = desk.folder / "plan.json"
    desk.ok("plan", "--out", str(file), "--select", ZENDESK)
    plan = json.loads(file.read_text(encoding="utf-8"))
    plan["sites"].append({**plan["sites"][0], "site": "elsewhere", "changes": []})
    file.write_text(json.dumps(plan), encoding="utf-8")
    refused = desk.run("apply", str(file))
    assert (refused.code, "'elsewhere'" in refused.err) == (64, True)
    assert desk.view(ZENDESK, ticket)["priority"] is None


def test_apply_refuses_an_old_plan_another_policy_and_what_is_no_plan(desk: Desk) -> None:
    desk.ticket(ZENDESK)
    desk.later(minutes=5)
    file = str(desk.folder / "plan.json")
    desk.ok("plan", "--out", file, "--select", ZENDESK)
    desk.edit_policy("quiet: {notes_per_day: 6", "quiet: {notes_per_day: 5")
    other = desk.run("apply", file)
    assert (other.code, "was made under policy" in other.err) == (5, True)
    desk.edit_policy("quiet: {notes_per_day: 5", "quiet: {notes_per_day: 6")
    desk.later(minutes=61)
    old = desk.run("apply", file)
    assert (old.code, "valid for one hour" in old.err) == (5, True)
    nonsense = desk.folder / "no-plan.json"
    nonsense.write_text("{}")
    assert desk.run("apply", str(nonsense)).code == 78
    assert desk.run("apply", str(desk.folder / "missing.json")).code == 64
    assert desk.run("plan", "--out", file, "--at", "2026-11-23T12:00Z").code == 64
    assert desk.writes() == []
