"""Shadow, switching effects on, budgets and people: what may be written when, judged by the helpdesks."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine, text

from tests.e2e.desk import BODY, JIRA, SITES, SUBJECT, ZENDESK, Desk


def rows_of(state: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the state but for the runs themselves and what tells when a site was last read."""
    engine = create_engine(f"sqlite:///file:{state}?mode=ro&uri=true")
    with engine.connect() as connection:
        tables = connection.execute(text("select name from sqlite_master where type = 'table'")).scalars().all()
        found = {t: [tuple(r) for r in connection.execute(text(f'select * from "{t}"'))] for t in tables}  # noqa: S608
    engine.dispose()
    return {
        name: rows
        for name, rows in found.items()
        if name not in {"run", "cursor", "site", "lease", "identity", "recall"}
    }


def test_shadow_records_and_never_writes(desk: Desk) -> None:
    desk.effects()
    tickets = {site: desk.ticket(site) for site in SITES}
    desk.later(minutes=40)
    first = desk.ok("-o", "json", "sync")
    assert [row["would_do"] > 0 for row in first.json["sites"]] == [True, True]
    assert desk.writes() == []
    desk.later(minutes=3)
    second = desk.ok("-o", "json", "sync").json["sites"]
    assert [row["would_do"] for row in second] == [0, 0]  # said once, to ourselves
    desk.later(minutes=30)
    assert desk.ok("-o", "json", "sync").json["sites"][0]["would_do"] > 0  # level 2, with its note: still unsaid
    assert desk.ok("-o", "json", "explain", tickets[JIRA]).json["path"]["level"] == 2
    assert desk.writes() == []

    # fields on: values that shadow decided are the baseline, nothing old is said
    desk.effects("fields")
    desk.ok("sync")
    assert [f for f in desk.writes() if f["kind"] == "comment"] == []
    desk.effects("fields", "notes")
    desk.later(minutes=2)
    desk.ok("sync")
    assert [f for f in desk.writes() if f["kind"] == "comment"] == []  # the escalation to level 2 was in shadow

    # what is crossed from now on speaks
    desk.later(minutes=65)
    desk.ok("sync")
    for site, ticket in tickets.items():
        (note,) = desk.ours(site, ticket)
        assert note["public"] is False
        assert desk.view(site, ticket)["fields"]["level"] in {2.0, "2"}  # nobody had heard of shadow's levels
        assert desk.view(site, ticket)["group"] == "service-desk"  # assign is still off
    mails = [f for f in desk.client.truth(kind="mail") if f["via"] == "api"]
    assert mails == []


def test_a_second_sync_writes_nothing_and_changes_no_row(desk: Desk) -> None:
    for site in SITES:
        desk.ticket(site)
        desk.ticket(site, impact="user", urgency="degraded")
    desk.later(minutes=45)
    desk.ok("sync")
    written = desk.writes()
    assert written
    for pause in (0, 1, 4):  # at once, while indexes lag, and when they have caught up
        desk.later(minutes=pause)
        again = desk.ok("-o", "json", "sync").json["sites"]
        assert [(r["outcome"], r["written"], r["left"]) for r in again] == [("ok", 0, 0), ("ok", 0, 0)]
    assert desk.writes() == written
    settled = rows_of(desk.folder / "state.db")
    again = desk.ok("-o", "json", "sync").json["sites"]
    assert rows_of(desk.folder / "state.db") == settled
    assert desk.ok("plan").out.splitlines()[-1].startswith("Plan: no changes")


def test_a_priority_set_by_hand_stays_and_is_explained(desk: Desk) -> None:
    tickets = {site: desk.ticket(site) for site in SITES}
    desk.later(minutes=3)
    desk.ok("sync")
    desk.later(minutes=5)
    for site, ticket in tickets.items():
        desk.client.people(site, "set_priority", ticket=ticket, actor="ben", priority="P3")
    for _ in range(3):
        desk.later(minutes=4)
        desk.ok("sync")
    for site, ticket in tickets.items():
        assert desk.view(site, ticket)["priority"] == "P3"
        told = desk.ok("explain", f"{site}:{_id(desk, site, ticket)}")
        assert "priority" in told.out
        assert "left alone: priority" in told.out, told.out
        assert any(h for h in desk.ok("-o", "json", "explain", _name(site, ticket)).json["left_alone"])


def test_enforce_from_leaves_the_past_unsaid(desk: Desk) -> None:
    old = {site: desk.ticket(site) for site in SITES}
    desk.later(hours=5)
    start = desk.client.now().isoformat()
    for site in SITES:
        desk.site(site, enforce_from=start)
    new = {site: desk.ticket(site) for site in SITES}
    desk.later(minutes=3)
    desk.ok("sync")
    desk.later(minutes=45)
    desk.ok("sync")
    for site in SITES:
        said = "".join(c["body"] for c in desk.ours(site, old[site]))
        assert not any(word in said for word in ("escalated", "overdue", "breached"))  # those were crossed before
        assert len(desk.ours(site, new[site])) == 1
    assert "enforce" in desk.ok("explain", old[JIRA]).out


def test_over_the_budget_is_held_until_a_person_lets_it_through(desk: Desk) -> None:
    budget = {"fields": {"least": 1, "share": 0, "reserve": 0}}
    alarms = desk.folder / "alarms.txt"
    desk.configure(lambda c: c.update(alarm_command=["sh", "-c", f"cat >> {alarms}; echo >> {alarms}"]))
    desk.only(ZENDESK)
    desk.site(ZENDESK, budgets=budget)
    tickets = [desk.ticket(ZENDESK) for _ in range(3)]
    desk.later(minutes=3)
    ran = desk.run("-o", "json", "sync")
    assert ran.code == 5, ran
    (row,) = ran.json["sites"]
    assert (row["outcome"], row["written"], row["held"]) == ("held", 1, 2)
    assert [a["kind"] for a in ran.events("alarm")] == ["hold"]
    assert '"kind": "hold"' in alarms.read_text()

    waits = desk.ok("-o", "json", "attention").json["items"]
    held = [i for i in waits if i["kind"] == "held"]
    assert {i["ticket"] for i in held} <= {f"#{t}" for t in tickets}
    assert len(held) == 2
    assert "frozen" in {i["kind"] for i in waits}
    assert f"resume {ZENDESK} --allow 2" in held[0]["command"]
    assert "frozen" in desk.ok("status").out

    desk.later(minutes=2)
    assert desk.run("sync").code == 5  # nothing is forgotten, nothing goes by itself
    assert len([i for i in desk.ok("-o", "json", "attention").json["items"] if i["kind"] == "held"]) == 2
    desk.ok("resume", ZENDESK, "--allow", "2")
    desk.later(minutes=1)
    assert desk.run("sync").code == 0
    assert all(desk.view(ZENDESK, t)["priority"] == "P1" for t in tickets)
    assert desk.ok("attention").out == "nothing waits for a person\n"


def test_a_plan_that_is_over_the_budget_by_now_is_held_as_well(desk: Desk) -> None:
    desk.only(ZENDESK)
    tickets = [desk.ticket(ZENDESK) for _ in range(3)]
    desk.later(minutes=3)
    file = str(desk.folder / "plan.json")
    desk.ok("plan", "--out", file)
    desk.site(ZENDESK, budgets={"fields": {"least": 1, "share": 0, "reserve": 0}})
    ran = desk.run("-o", "json", "apply", file)
    assert (ran.code, ran.json["held"], len(ran.json["refused"])) == (5, 2, 2), ran
    assert [desk.view(ZENDESK, t)["priority"] for t in tickets].count("P1") == 1


def test_pause_resume_and_the_file(desk: Desk) -> None:
    tickets = {site: desk.ticket(site) for site in SITES}
    desk.later(minutes=3)
    desk.ok("pause", ZENDESK, "--reason", "moving house")
    assert desk.run("sync").code == 5
    assert {f["site"] for f in desk.writes()} == {JIRA}
    assert "moving house" in desk.ok("status").out
    assert desk.ok("-o", "json", "attention").json["items"][0]["kind"] == "paused"
    desk.ok("resume", "all")
    desk.later(minutes=2)
    stop = desk.folder / "PAUSED"
    stop.touch()
    desk.run("sync")
    assert {f["site"] for f in desk.writes()} == {JIRA}
    assert "PAUSED" in desk.ok("status").out
    stop.unlink()
    desk.later(minutes=2)
    assert desk.run("sync").code == 0
    assert desk.view(ZENDESK, tickets[ZENDESK])["priority"] == "P1"
    assert desk.run("pause", "nowhere").code == 64


def test_nothing_secret_and_no_ticket_text_leaves_memory(desk: Desk) -> None:
    for site in SITES:
        desk.ticket(site)
    desk.later(minutes=45)
    said = [desk.ok("-v", "sync"), desk.ok("status"), desk.ok("log"), desk.ok("-o", "json", "log", "--runs")]
    said += [desk.ok("-o", "json", "explain", "SUP-1"), desk.ok("attention"), desk.ok("-v", "plan")]
    secrets = [path.read_text() for path in (desk.folder / "secrets").iterdir()]
    canaries = [*secrets, SUBJECT, BODY, "canary-subject", "canary-body"]
    shown = "".join(ran.out + ran.err for ran in said)
    assert not [c for c in canaries if c in shown]
    for file in (path for path in desk.folder.rglob("state*") if path.is_file()):  # backups among them
        stored = file.read_bytes()
        assert not [c for c in canaries if c.encode() in stored], file
    assert "pieter@" not in shown


def _name(site: str, ticket: str) -> str:
    return ticket if site == JIRA else f"{ZENDESK}:{ticket}"


def _id(desk: Desk, site: str, ticket: str) -> str:
    return str(desk.view(site, ticket)["id"])


def test_a_level_that_is_entered_late_sets_the_group_unless_somebody_just_gave_the_ticket_away(desk: Desk) -> None:
    """Hands are kept off for what was changed shortly before the pass, not for all since the ticket was opened."""
    old, new = (desk.ticket(JIRA, group="legal") for _ in range(2))
    desk.later(minutes=5)
    for ticket, pause in ((old, 120), (new, 5)):
        desk.client.people(JIRA, "assign", ticket=ticket, actor="anna", assignee="ben")
        desk.later(minutes=pause)
    for _ in range(3):
        desk.ok("sync")
        desk.later(minutes=3)
    assert [desk.view(JIRA, ticket)["group"] for ticket in (old, new)] == ["service-desk", "legal"]
    assert "left alone: group service-desk: the assignee was changed by anna" in desk.ok("explain", new).out
