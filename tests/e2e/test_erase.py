"""``erase`` as an operator runs it: the ticket is gone from every command and every file, and nothing is said again."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.desk import ZENDESK, Desk


def test_a_closed_ticket_goes_and_its_neighbour_stays(desk: Desk) -> None:
    desk.effects("fields", "notes")
    gone, stays = desk.ticket(ZENDESK), desk.ticket(ZENDESK)
    desk.later(minutes=5)
    desk.ok("sync")
    assert desk.run("erase", "--ticket", f"{ZENDESK}:{gone}").code == 5  # it is open
    desk.client.people(ZENDESK, "delete", ticket=gone, actor="anna")
    desk.later(minutes=30)
    desk.ok("sync")

    (desk.folder / "copy-1.db").write_bytes((desk.folder / "state.db").read_bytes())
    assert desk.run("erase").code == 64
    report = desk.ok("erase", "--ticket", f"{ZENDESK}:{gone}", "-o", "json").json
    assert report["erased"][0]["rows"] > 0
    assert report["erased"][0]["keys_kept"] > 0
    assert "copy-1.db" in [Path(copy["file"]).name for copy in report["copies"]]
    assert desk.run("explain", f"{ZENDESK}:{gone}").code == 1
    assert desk.ok("explain", f"{ZENDESK}:{stays}").out
    before = len(desk.writes())
    desk.ok("sync")
    assert [w for w in desk.writes()[before:] if w["ticket"] == gone] == []
