"""The first week: what shadow would do is read in ``plan``, with its texts, and in ``log``, once for each occasion."""

from __future__ import annotations

from tests.e2e.desk import SITES, ZENDESK, Desk


def test_shadow_is_readable_before_anything_is_written(desk: Desk) -> None:
    desk.effects()
    tickets = {desk.ticket(site) for site in SITES}
    desk.later(minutes=40)

    planned = [row for row in desk.ok("plan", "-o", "json").json["changes"] if row["state"] == "shadow"]
    assert {row["site"] for row in planned} == set(SITES)
    assert {"priority", "level"} <= {row.get("field") for row in planned}
    assert all(row["why"] for row in planned)
    assert "would: priority" in desk.ok("plan").out

    desk.ok("sync")
    rows = [row for row in desk.ok("log", "-o", "json").json["rows"] if row["what"] == "would-do"]
    assert {row["ticket"].removeprefix("#") for row in rows} == {ticket.removeprefix("#") for ticket in tickets}
    assert all("priority" in row["detail"] and row["data"]["why"] for row in rows)
    desk.ok("sync")
    assert [row for row in desk.ok("log", "-o", "json").json["rows"] if row["what"] == "would-do"] == rows
    assert desk.writes() == []


def test_the_mails_that_shadow_would_cause_are_counted(desk: Desk) -> None:
    """The week before effects are switched on is when somebody wants to know."""
    desk.effects()
    desk.only(ZENDESK)
    desk.edit_policy("note: status-update, public: false", "note: customer-update, public: true")
    ticket = desk.ticket(ZENDESK)
    desk.later(minutes=5)
    desk.client.people(ZENDESK, "comment", ticket=ticket, actor="anna", text="We look into it.", public=True)
    desk.ok("sync")
    desk.later(minutes=65)

    planned = desk.ok("plan", "-o", "json").json
    would = [row for row in planned["changes"] if row["state"] == "shadow" and row.get("audience") == "public"]
    assert len(would) == planned["totals"]["would_public"] == 1
    assert planned["totals"]["public"] == 0
    assert "1 in shadow (`would:`, 1 mail to customers), not written." in desk.ok("plan").out
