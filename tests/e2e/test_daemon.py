"""``run`` as a process: what people can do with it while it works, and how it ends."""

from __future__ import annotations

import os
import signal
import stat
import threading
from datetime import timedelta

import pytest

from tests.e2e.desk import JIRA, ZENDESK, Desk, Process, await_fault

NARRATOR = "narrator"


class Day:
    """Time that this test moves while a daemon takes part in it."""

    def __init__(self, desk: Desk) -> None:
        self._client = desk.client
        self._client.join(NARRATOR)

    def passes(self, **length: float) -> None:
        until = self._client.now() + timedelta(**length)
        while not self._client.wait(NARRATOR, until, patience=30.0)["reached"]:
            pass


def reloads(desk: Desk, daemon: Process, day: Day, *, before: str) -> None:
    """A broken policy is refused as a whole, and the one in force stays; a sound one is taken with its maps."""
    policy, names = (desk.folder / "mappings" / name for name in ("policy.yaml", f"sites/{ZENDESK}.yaml"))
    good = policy.read_text(encoding="utf-8")
    policy.write_text(good.replace("at_least: P1", "at_least: P9", 1), encoding="utf-8")
    daemon.tell(signal.SIGHUP)
    said = daemon.await_event("reload_refused")
    assert "P9" in str(said["problems"])
    policy.write_text(good.replace("notes_per_day: 6", "notes_per_day: 4"), encoding="utf-8")
    names.write_text(names.read_text(encoding="utf-8").replace("\npath:", "\n# path:"), encoding="utf-8")
    daemon.tell(signal.SIGHUP)
    daemon.await_event("policy_reloaded")
    later = desk.ticket(ZENDESK)
    day.passes(minutes=5)
    assert desk.view(ZENDESK, later)["priority"] == "P1"
    paths = [desk.view(ZENDESK, of)["fields"].get("path") for of in (before, later)]
    assert [bool(path) for path in paths] == [True, False], "the map binds it no more"


def test_a_daemon_s_life(desk: Desk) -> None:
    day = Day(desk)
    with desk.start("-v", "run") as daemon:
        daemon.await_event("daemon_started")
        day.passes(minutes=1)
        first = desk.ticket(ZENDESK)
        day.passes(minutes=5)
        assert desk.view(ZENDESK, first)["priority"] == "P1"
        assert "daemon running since" in desk.ok("status").out
        assert stat.S_IMODE((desk.folder / "state.db.sock").stat().st_mode) == 0o600

        # one process at a time; what needs the state asks the one that has it
        assert desk.run("sync").code == 75
        assert desk.run("run").code == 75
        assert desk.run("sync", "--skip-if-locked").code == 0
        desk.ok("pause", ZENDESK, "--reason", "stocktaking")
        second = desk.ticket(ZENDESK)
        day.passes(minutes=5)
        assert desk.view(ZENDESK, second)["priority"] is None
        assert "stocktaking" in desk.ok("status").out
        file = str(desk.folder / "plan.json")
        desk.ok("plan", "--out", file, "--select", ZENDESK)
        refused = desk.run("apply", file)
        assert (refused.code, "is paused: stocktaking" in refused.err) == (5, True)
        desk.ok("resume", ZENDESK)
        day.passes(minutes=3)
        assert desk.view(ZENDESK, second)["priority"] == "P1"

        (desk.folder / "PAUSED").touch()
        third = desk.ticket(ZENDESK)
        day.passes(minutes=5)
        assert desk.view(ZENDESK, third)["priority"] is None
        (desk.folder / "PAUSED").unlink()
        day.passes(minutes=3)
        assert desk.view(ZENDESK, third)["priority"] == "P1"

        reloads(desk, daemon, day, before=first)

        desk.client.leave(NARRATOR)
        ended = daemon.end(signal.SIGTERM)
    assert ended.code == 0, ended.err[-2000:]
    assert ended.events("daemon_stopped")[0]["finished"] is True
    assert "Traceback" not in ended.err
    assert not (desk.folder / "state.db.sock").exists()
    assert "no daemon" in desk.ok("status").out


@pytest.mark.full
def test_one_site_s_outage_does_not_delay_the_other(desk: Desk) -> None:
    day = Day(desk)
    desk.client.faults(JIRA, {"action": "status", "status": 503})
    alarms = desk.folder / "alarms.txt"
    desk.configure(lambda c: c.update(alarm_command=["sh", "-c", f"cat >> {alarms}; echo >> {alarms}"]))
    with desk.start("-v", "run") as daemon:
        daemon.await_event("daemon_started")
        ticket = desk.ticket(ZENDESK)
        other = desk.ticket(JIRA)
        day.passes(minutes=5)
        assert desk.view(ZENDESK, ticket)["priority"] == "P1"
        day.passes(minutes=15)
        daemon.await_event("alarm", kind="stale", site=JIRA)
        desk.client.clear_faults(JIRA)
        day.passes(minutes=10)
        assert desk.view(JIRA, other)["priority"] == "P1"
        ended = daemon.end(signal.SIGTERM)
    assert ended.code == 0
    assert '"kind": "stale"' in alarms.read_text()


def test_sigterm_finishes_the_write_in_hand(desk: Desk) -> None:
    ticket = desk.ticket(ZENDESK)
    desk.later(minutes=3)
    desk.client.join(NARRATOR)  # who waits for no later moment: time stands still
    desk.client.faults(ZENDESK, {"action": "hang", "methods": ["PUT"], "pause": 1.5, "name": "slow"})
    with desk.start("run") as daemon:
        await_fault(desk.client, ZENDESK, "slow", meanwhile=lambda: _take_a_turn(desk))
        desk.client.leave(NARRATOR)
        ended = daemon.end(signal.SIGTERM)
    assert ended.code == 0
    assert len(ended.events("write_done")) == 1
    assert desk.view(ZENDESK, ticket)["priority"] == "P1"
    desk.client.clear_faults(ZENDESK)
    assert desk.ok("sync").events("write_done") == []


def _take_a_turn(desk: Desk) -> None:
    """Let the others go on at the present moment: stepped time lets its parties go one at a time."""
    desk.client.wait(NARRATOR, desk.client.now(), patience=0.2)


def test_ctrl_c_is_130_and_clean(desk: Desk) -> None:
    desk.ticket(ZENDESK)
    desk.later(minutes=3)
    desk.client.faults(ZENDESK, {"action": "hang", "methods": ["PUT"], "pause": 3.0, "name": "slow"})
    with desk.start("sync") as sync:
        await_fault(desk.client, ZENDESK, "slow")
        ended = sync.end(signal.SIGINT)
    assert ended.code == 130
    assert "interrupted" in ended.err
    assert "Traceback" not in ended.err
    assert not (desk.folder / "state.db.sock").exists()
    desk.client.clear_faults(ZENDESK)
    desk.later(minutes=3)
    desk.ok("sync")
    assert len({f["data"]["name"] for f in desk.writes() if f["kind"] == "field"}) == len(desk.writes())


@pytest.mark.parametrize("command", [("sync",), ("apply", "plan.json")], ids=["sync", "apply"])
def test_sigterm_lets_a_single_pass_finish_the_write_in_hand_alone(
    desk: Desk, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal comes to this process: the command runs in it."""
    untouched = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: untouched.set())
    monkeypatch.chdir(desk.folder)
    for _ in range(3):
        desk.ticket(ZENDESK)
    desk.later(minutes=3)
    desk.ok("plan", "--out", "plan.json")
    desk.client.faults(ZENDESK, {"action": "hang", "methods": ["PUT"], "pause": 0.5, "name": "slow"})

    def ask() -> None:
        await_fault(desk.client, ZENDESK, "slow")
        os.kill(os.getpid(), signal.SIGTERM)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        ended = desk.run(*command)
    finally:
        asking.join()
        handler = signal.signal(signal.SIGTERM, before)
    assert not untouched.is_set()
    assert ended.code == 130
    assert "interrupted: what was in hand is finished and stored" in ended.err
    assert not (desk.folder / "state.db.sock").exists()
    assert len(ended.events("write_done")) == 1
    assert len({fact["ticket"] for fact in desk.writes()}) == 1
    assert handler is not signal.SIG_DFL  # whoever called it has its own handlers back
    desk.client.clear_faults(ZENDESK)
    desk.later(minutes=3)
    rest = desk.ok("sync").events("write_done")
    assert len({line["ticket"] for line in rest}) == 2


def test_the_log_can_be_followed(desk: Desk) -> None:
    desk.ok("sync")
    with desk.start("log", "--follow") as log:
        ticket = desk.ticket(ZENDESK)
        desk.later(minutes=3)
        desk.ok("sync")
        while ticket not in log.read_line():
            pass
        ended = log.end(signal.SIGINT)
    assert (ended.code, ended.err) == (0, "")


def test_a_site_that_does_not_exist_is_wrong_usage(desk: Desk) -> None:
    for command in (("sync", "--select", "jsm"), ("pause", "jsm"), ("log", "--site", "jsm")):
        refused = desk.run(*command)
        assert (refused.code, "known: jsm-eu, zendesk" in refused.err) == (64, True), (command, refused.err)
