"""What is parked is settled by a person: found, sent once more, or given up; with and without a daemon."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.desk import JIRA, Desk


@pytest.fixture
def parked(desk: Desk) -> str:
    """A note that Jira swallowed twice and that is parked now; returns its ticket."""
    desk.only(JIRA)
    ticket = desk.ticket(JIRA)
    desk.later(minutes=3)
    desk.ok("sync")
    desk.later(minutes=40)
    desk.client.faults(JIRA, {"action": "drop", "methods": ["POST"], "path": "/request/.*/comment$"})
    for _ in range(10):
        desk.run("sync")
        desk.later(seconds=70)
        if _items(desk):
            break
    desk.client.clear_faults(JIRA)
    return ticket


def _items(desk: Desk) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = desk.ok("-o", "json", "parked").json["items"]
    return items


def _notes(desk: Desk, ticket: str) -> list[str]:
    return [c["body"] for c in desk.ours(JIRA, ticket)]


def test_what_is_parked_is_shown_and_sent_again_by_order(desk: Desk, parked: str) -> None:
    (item,) = _items(desk)
    assert (item["site"], item["ticket"], item["copies"]) == (JIRA, parked, 2)
    assert item["text"]
    assert _notes(desk, parked) == []
    (told,) = [i for i in desk.ok("-o", "json", "attention").json["items"] if i["kind"] == "parked"]
    assert item["key"] in told["command"]
    assert parked in desk.ok("parked").out

    desk.ok("parked", "resend", item["key"])
    assert _items(desk) == []
    desk.ok("sync")
    (said,) = _notes(desk, parked)
    assert item["ref"] in said.replace("\\", "")
    (line,) = [row for row in desk.ok("-o", "json", "log").json["rows"] if row["what"] == "resend-ordered"]
    assert line["actor"] != "connector"
    desk.later(minutes=10)
    desk.ok("sync")
    assert len(_notes(desk, parked)) == 1


def test_what_is_parked_is_done_or_dropped_and_unknown_keys_are_refused(desk: Desk, parked: str) -> None:
    (item,) = _items(desk)
    assert desk.run("parked", "done", "0" * 12).code == 1
    assert desk.run("parked", "done", item["key"][:3]).code == 1
    done = desk.ok("-o", "json", "parked", "drop", item["key"]).json
    assert (done["action"], done["site"]) == ("drop", JIRA)
    assert desk.run("parked", "drop", item["key"]).code == 1
    assert desk.ok("parked").out == "nothing is parked\n"
    for _ in range(2):
        desk.later(minutes=2)
        desk.ok("sync")
    assert not [note for note in _notes(desk, parked) if item["ref"] in note.replace("\\", "")]


def test_a_daemon_settles_for_the_command_line(desk: Desk, parked: str) -> None:
    (item,) = _items(desk)
    desk.client.join("narrator")
    with desk.start("-v", "run") as daemon:
        daemon.await_event("daemon_started")
        desk.ok("parked", "resend", item["key"])
        daemon.await_event("write_resent")
        daemon.await_event("write_done")
        desk.client.leave("narrator")
        daemon.end()
    assert len(_notes(desk, parked)) == 1
