"""A lost state against real adapters: what was said is read back from both helpdesks, and said no second time."""

from __future__ import annotations

import shutil
from collections import Counter

from connector.journal.witness import SUFFIX
from tests.e2e.desk import JIRA, SITES, ZENDESK, Desk


def said(desk: Desk, tickets: dict[str, str]) -> Counter[tuple[str, str]]:
    """What we said on each ticket: its first line, which names the occasion."""
    return Counter((site, c["body"].splitlines()[0]) for site, t in tickets.items() for c in desk.ours(site, t))


def levels(desk: Desk, tickets: dict[str, str]) -> dict[str, object]:
    return {site: (desk.view(site, t)["priority"], desk.view(site, t).get("level")) for site, t in tickets.items()}


def lived(desk: Desk) -> dict[str, str]:
    """A ticket per site that has its first levels and notes behind it."""
    tickets = {site: desk.ticket(site) for site in SITES}
    desk.later(minutes=3)
    for minutes in (20, 20, 3):
        desk.ok("sync")
        desk.later(minutes=minutes)
    assert all(desk.ours(site, t) for site, t in tickets.items())
    return tickets


def test_a_deleted_state_says_nothing_twice_and_goes_on(desk: Desk) -> None:
    tickets = lived(desk)
    before, stood = said(desk, tickets), levels(desk, tickets)
    for suffix in ("", "-wal", "-shm", SUFFIX):
        (desk.folder / f"state.db{suffix}").unlink(missing_ok=True)
    for _ in range(2):
        desk.run("sync")
        desk.later(seconds=30)
    assert said(desk, tickets) == before
    assert levels(desk, tickets) == stood
    desk.later(hours=2)
    desk.run("sync")
    assert max(said(desk, tickets).values()) == 1
    assert all(len(desk.ours(site, t)) > sum(s == site for s, _ in before.elements()) for site, t in tickets.items())


def test_backup_and_restore(desk: Desk) -> None:
    tickets = {site: desk.ticket(site) for site in SITES}
    desk.later(minutes=3)
    desk.ok("sync")
    made = desk.ok("-o", "json", "backup", str(desk.folder / "kept.db")).json["file"]
    assert (desk.folder / "kept.db").stat().st_mode & 0o777 == 0o600
    assert desk.run("backup", made).code == 1
    desk.later(minutes=40)
    desk.ok("sync")
    before = said(desk, tickets)
    assert before
    desk.client.join("narrator")
    with desk.start("-v", "run") as daemon:
        daemon.await_event("daemon_started")
        assert desk.run("restore", made).code == 75
        assert desk.run("backup", str(desk.folder / "beside.db")).code == 0
        desk.client.leave("narrator")
        daemon.end()
    desk.client.leave("connector/*")
    told = desk.ok("restore", made)
    assert "is kept" in told.out
    assert list(desk.folder.glob("state.db.replaced-*"))
    assert "restored" in desk.ok("status").out
    assert [i["kind"] for i in desk.ok("-o", "json", "attention").json["items"]].count("recalling") == len(SITES)
    desk.later(minutes=1)
    desk.run("sync")
    desk.later(minutes=1)
    desk.ok("sync")
    assert said(desk, tickets) == before
    assert "recalling" not in desk.ok("attention").out
    assert desk.run("restore").code == 64
    shutil.copy(desk.folder / "connector.yaml", desk.folder / "no-state.db")
    assert desk.run("restore", str(desk.folder / "no-state.db")).code == 1


def test_a_server_s_state_is_backed_up_by_the_server(desk: Desk) -> None:
    desk.configure(lambda document: document.update(state="postgresql://someone@localhost/none"))
    refused = desk.run("backup")
    assert refused.code == 1
    assert "pg_dump" in refused.err


def test_a_killed_daemon_does_not_hold_the_state_in_status(desk: Desk) -> None:
    desk.ticket(ZENDESK)
    desk.client.join("narrator")
    with desk.start("-v", "run") as daemon:
        daemon.await_event("daemon_started")
        daemon.kill()
    desk.client.leave("connector/*")
    desk.client.leave("narrator")
    told = desk.ok("status").out
    assert "no daemon" in told
    assert "holds the state" not in told
    (desk.folder / "PAUSED").touch()
    desk.later(minutes=3)
    assert desk.run("sync", "--select", ZENDESK).code == 5
    assert JIRA in desk.ok("status").out
