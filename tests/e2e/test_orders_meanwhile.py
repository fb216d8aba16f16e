"""What people can order while a ``sync`` or an ``apply`` is at work, as they can while a daemon runs."""

from __future__ import annotations

import stat

import pytest

from tests.e2e.desk import JIRA, ZENDESK, Desk, await_fault

SOCKET = "state.db.sock"


def puts(desk: Desk) -> int:
    return sum(1 for request in desk.requests(ZENDESK) if request["method"] == "PUT")


def at_work(desk: Desk) -> None:
    """Prepare a slow site with more to write than is written before somebody has paused it, and a plan for it."""
    for _ in range(5):
        desk.ticket(ZENDESK)
    desk.later(minutes=3)
    desk.ok("plan", "--out", str(desk.folder / "plan.json"))
    desk.client.faults(ZENDESK, {"action": "hang", "methods": ["PUT"], "pause": 3.0, "name": "slow"})


@pytest.mark.parametrize("command", ["sync", "apply"])
def test_a_pause_stops_the_pass_at_work(desk: Desk, command: str) -> None:
    at_work(desk)
    plan = str(desk.folder / "plan.json")
    with desk.start("-v", command, *([plan] if command == "apply" else [])) as working:
        await_fault(desk.client, ZENDESK, "slow")
        desk.ok("pause", ZENDESK, "--reason", "stocktaking")
        begun = puts(desk)
        assert stat.S_IMODE((desk.folder / SOCKET).stat().st_mode) == 0o600
        ended = working.end(None)
    assert ended.code == (5 if command == "sync" else 3), ended
    assert len(ended.events("write_done")) <= puts(desk) == begun
    assert "Traceback" not in ended.err
    assert not (desk.folder / SOCKET).exists()
    assert "stocktaking" in desk.ok("status").out

    desk.client.clear_faults(ZENDESK)
    desk.ok("resume", ZENDESK)
    desk.later(minutes=2)
    desk.ok("sync")
    assert {view["priority"] for view in desk.client.view(ZENDESK)} == {"P1"}


def test_what_else_a_sync_takes_and_what_it_refuses(desk: Desk) -> None:
    at_work(desk)
    with desk.start("sync") as working:
        await_fault(desk.client, ZENDESK, "slow")
        desk.ok("pause", JIRA)
        desk.ok("resume", JIRA)
        told = desk.ok("-o", "json", "status").json
        assert (told["running"], told["daemon"][:41]) == (False, "no daemon; a sync is under way, begun at ")
        ticket = desk.client.view(ZENDESK)[-1]["ticket"]
        desk.ok("release", f"{ZENDESK}:{ticket}")
        unknown = [desk.run("approve", f"{ZENDESK}:{ticket}"), desk.run("parked", "done", "abcdef")]
        assert [(ran.code, "takes no commands" in ran.err) for ran in unknown] == [(1, False)] * 2
        refused = desk.run("apply", str(desk.folder / "plan.json"))
        assert (refused.code, "a sync is under way; it takes pause, resume" in refused.err) == (75, True), refused.err
        assert desk.run("sync").code == 75
        assert desk.run("run").code == 75
        assert desk.run("sync", "--skip-if-locked").code == 0
        working.kill()
    assert (desk.folder / SOCKET).exists()
    desk.client.leave("connector/*")
    assert "no daemon; a process was killed and left its socket" in desk.ok("status").out

    desk.client.clear_faults(ZENDESK)
    desk.later(minutes=2)
    desk.ok("sync")
    assert not (desk.folder / SOCKET).exists()
