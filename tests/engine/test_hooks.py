"""The notify thread: nothing that it is given can silence it for what comes after."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import StateFull
from connector.notify.hooks import OWED_FOR, Hooks, passable
from connector.notify.outbox import Deliveries
from connector.ports import Alarm, AlarmKind, Delivery
from tests.engine.stage import Stage
from tests.engine.test_outbox import due

__all__ = ["due"]

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
APPENDS = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + chr(10))"
ODD = ["SUP-1\x00", "SUP-\ud83d", "SUP-\udc80"]


class Heard:
    def __init__(self) -> None:
        self.events: list[tuple[str, Mapping[str, Any]]] = []

    def event(self, name: str, /, **values: Any) -> None:
        self.events.append((name, values))


class Broken:
    """Deliveries whose code fails."""

    def run(self, _hand: object) -> None:
        raise KeyError("the customer's own words")


class Hanging:
    """Deliveries that take until they are let go."""

    def __init__(self) -> None:
        self.hangs, self.goes_on = threading.Event(), threading.Event()

    def run(self, _hand: object) -> None:
        self.hangs.set()
        self.goes_on.wait()


def alarm(ticket: str, message: str) -> Alarm:
    return Alarm(kind=AlarmKind.FREEZE, site="desk", ticket=ticket, message=message, remedy="resume", at=AT)


def taken(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_key_reaches_the_command_and_so_does_what_follows(odd: str, tmp_path: Path) -> None:
    hooks = Hooks(command=(sys.executable, "-c", APPENDS, str(tmp_path / "said")), ping_url=None, observer=Heard())
    hooks.alarm(alarm(odd, "first"))
    hooks.alarm(alarm("7", "second"))
    hooks.close()
    assert [said["message"] for said in taken(tmp_path / "said")] == ["first", "second"]


def test_a_task_that_fails_is_told_without_its_words_and_silences_none(tmp_path: Path) -> None:
    heard, command = Heard(), (sys.executable, "-c", APPENDS, str(tmp_path / "said"))
    broken: Any = Broken()
    hooks = Hooks(command=command, ping_url=None, observer=heard, deliveries=broken)
    hooks.ping(ok=True)
    hooks.alarm(alarm("7", "after it"))
    hooks.close()
    assert [said["message"] for said in taken(tmp_path / "said")] == ["after it"]
    (failed,) = [values for name, values in heard.events if name == "notify_failed"]
    assert failed["why"] == "KeyError"


def test_what_there_is_no_memory_for_is_handed_over_later(stage: Stage, due: str) -> None:
    deliveries, said = Deliveries(stage.journal, stage.clock.now, stage.ears), []

    def hand(values: Mapping[str, str]) -> str:
        said.append(values["target"])
        if len(said) == 1:
            raise MemoryError
        return ""

    with pytest.raises(MemoryError):
        deliveries.run(hand)
    deliveries.run(hand)
    records = stage.journal.records()
    assert records.notifications(site="desk", status=Delivery.FAILED, ticket=due) == ()
    assert sorted(said) == ["assignee", "assignee", "duty-channel"]


def test_what_cannot_be_handed_over_is_given_up_and_holds_up_nothing(stage: Stage, due: str) -> None:
    def hand(values: Mapping[str, str]) -> str:
        if values["target"] == "assignee":
            raise ValueError("embedded null byte")
        return ""

    Deliveries(stage.journal, stage.clock.now, stage.ears).run(hand)
    records = stage.journal.records()
    (failed,) = records.notifications(site="desk", status=Delivery.FAILED, ticket=due)
    assert (failed.target, failed.error) == ("assignee", "it cannot be handed over: ValueError")
    (done,) = records.notifications(site="desk", status=Delivery.DONE, ticket=due)
    assert done.target == "duty-channel"


def test_a_command_that_leaves_something_running_has_taken_the_alarm(tmp_path: Path) -> None:
    """What it leaves behind holds its output open: nobody waits for that."""
    stays = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.05)"
    script = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {stays!r}, sys.argv[1]])"
    heard = Heard()
    hooks = Hooks(command=(sys.executable, "-c", script, str(tmp_path / "go")), ping_url=None, observer=heard)
    hooks.alarm(alarm("7", "frozen"))
    hooks.close()
    (tmp_path / "go").touch()
    assert "alarm_failed" not in [name for name, _ in heard.events]


@pytest.mark.parametrize(("status", "why"), [(204, []), (302, ["status 302"]), (404, ["status 404"])])
def test_a_ping_that_nobody_counts_is_told(status: int, why: list[str]) -> None:
    """A monitor answers a mistyped address as well."""

    class Monitor(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    heard = Heard()
    with HTTPServer(("127.0.0.1", 0), Monitor) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hooks = Hooks(command=(), ping_url=f"http://127.0.0.1:{server.server_port}/", observer=heard)
        hooks.ping(ok=True)
        hooks.ping(ok=True)
        hooks.close()
        server.shutdown()
    assert [values["why"] for name, values in heard.events if name == "ping_failed"] == why


@settings(max_examples=50)
@given(st.text(st.characters()))
def test_every_value_can_be_given_to_a_process(value: str) -> None:
    given_over = passable(value)
    assert "\0" not in given_over
    assert given_over.encode().decode() == given_over


class TestAlarmsOfOtherProcesses:
    """A ``sync`` by cron is a new process every minute: what the one before said stands in the journal."""

    def said(self, stage: Stage, path: Path, at: datetime, *, ends_with: int = 0) -> int:
        """Raise the same alarm in a process of its own; return how often the command was run for it."""
        before = len(taken(path))
        script = f"{APPENDS}; sys.exit({ends_with})"
        hooks = Hooks(
            command=(sys.executable, "-c", script, str(path)), ping_url=None, observer=Heard(), memory=stage.journal
        )
        hooks.alarm(replace(alarm("", "writes to desk are frozen"), at=at))
        hooks.close()
        return len(taken(path)) - before

    def test_an_alarm_is_given_once_an_hour_whoever_gives_it(self, stage: Stage, tmp_path: Path) -> None:
        path = tmp_path / "said"
        minutes = [self.said(stage, path, AT + timedelta(minutes=n)) for n in (0, 1, 59, 61)]
        assert minutes == [1, 0, 0, 1]

    def test_one_that_was_not_taken_is_given_again(self, stage: Stage, tmp_path: Path) -> None:
        path = tmp_path / "said"
        assert self.said(stage, path, AT, ends_with=1) == 1
        assert self.said(stage, path, AT + timedelta(minutes=1)) == 1

    def test_what_goes_wrong_again_after_a_resume_is_told_again(self, stage: Stage, tmp_path: Path) -> None:
        path = tmp_path / "said"
        assert self.said(stage, path, AT) == 1
        stage.journal.freeze("desk", None, "why", now=AT)
        stage.journal.resume("desk", allow=0, now=AT + timedelta(minutes=5), actor="op")
        assert self.said(stage, path, AT + timedelta(minutes=6)) == 1

    def test_so_it_is_where_the_resume_found_nothing_stopped(self, stage: Stage, tmp_path: Path) -> None:
        path = tmp_path / "said"
        assert self.said(stage, path, AT) == 1
        stage.journal.resume("desk", allow=0, now=AT + timedelta(minutes=5), actor="op")
        assert self.said(stage, path, AT + timedelta(minutes=6)) == 1
        assert self.said(stage, path, AT + timedelta(minutes=7)) == 0


class TestAlarmsThatWereNotTaken:
    """What an alarm tells of is stored as told: the alarm itself must outlast a command that fails, and a crash."""

    FAILS_WHILE = (
        "import os, sys; os.path.exists(sys.argv[2]) and sys.exit(1); "
        "open(sys.argv[1], 'a').write(sys.stdin.read() + chr(10))"
    )

    def hooks(self, stage: Stage, folder: Path, **more: Any) -> Hooks:
        command = (sys.executable, "-c", self.FAILS_WHILE, str(folder / "said"), str(folder / "down"))
        now = more.pop("now", lambda: AT)
        return Hooks(command=command, ping_url=None, observer=Heard(), memory=stage.journal, now=now, **more)

    @pytest.mark.parametrize("same_process", [True, False])
    def test_one_that_the_command_did_not_take_is_handed_over_once_it_does(
        self, stage: Stage, tmp_path: Path, same_process: bool
    ) -> None:
        (tmp_path / "down").touch()
        hooks = self.hooks(stage, tmp_path)
        hooks.alarm(alarm("7", "a write is parked"))
        if not same_process:
            hooks.close()
            hooks = self.hooks(stage, tmp_path)
        hooks.ping(ok=True)
        hooks.close()
        assert taken(tmp_path / "said") == []
        (tmp_path / "down").unlink()
        for _ in range(3):
            hooks = self.hooks(stage, tmp_path)
            hooks.ping(ok=True)
            hooks.ping(ok=True)
            hooks.close()
        assert [said["message"] for said in taken(tmp_path / "said")] == ["a write is parked"]
        assert stage.journal.records().verify_chain() is None
        assert stage.journal.alarms_owed(since=AT - timedelta(days=9)) == ()

    def test_one_that_a_killed_process_had_not_given_yet_is_given_by_the_next(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        busy = Hanging()
        dying = self.hooks(stage, tmp_path, deliveries=busy)
        dying.ping(ok=True)
        assert busy.hangs.wait(60)
        dying.alarm(alarm("7", "a write is parked"))
        following = self.hooks(stage, tmp_path)
        following.ping(ok=True)
        following.close()
        assert [said["message"] for said in taken(tmp_path / "said")] == ["a write is parked"]
        busy.goes_on.set()
        dying.close()

    def test_it_is_asked_less_and_less_often_and_given_up_after_a_day(self, stage: Stage, tmp_path: Path) -> None:
        (tmp_path / "down").touch()
        now = [AT]
        hooks = self.hooks(stage, tmp_path, now=lambda: now[0])
        hooks.ping(ok=True)
        hooks.alarm(alarm("7", "a write is parked"))
        for _ in range(12):
            hooks.ping(ok=True)
        hooks.close()
        heard: Any = hooks._observer
        assert [name for name, _ in heard.events].count("alarm_failed") == 5, "at once, and with passes 1, 2, 4 and 8"
        (tmp_path / "down").unlink()
        now[0] = AT + OWED_FOR + timedelta(seconds=1)
        late = self.hooks(stage, tmp_path, now=lambda: now[0])
        late.ping(ok=True)
        late.close()
        assert taken(tmp_path / "said") == []

    def test_what_is_in_the_queue_is_not_handed_over_as_owed_beside(self, stage: Stage, tmp_path: Path) -> None:
        busy = Hanging()
        hooks = self.hooks(stage, tmp_path, deliveries=busy)
        hooks.ping(ok=True)
        assert busy.hangs.wait(60)
        hooks.alarm(alarm("7", "a write is parked"))
        busy.goes_on.set()
        hooks.close()
        assert [said["message"] for said in taken(tmp_path / "said")] == ["a write is parked"]

    def test_one_that_was_given_up_holds_back_no_later_one(self, stage: Stage, tmp_path: Path) -> None:
        (tmp_path / "down").touch()
        moments = (AT, AT + 2 * OWED_FOR)
        for at in moments:
            hooks = self.hooks(stage, tmp_path, now=lambda at=at: at)
            hooks.alarm(replace(alarm("7", "a write is parked"), at=at))
            hooks.close()
        (tmp_path / "down").unlink()
        following = self.hooks(stage, tmp_path, now=lambda: moments[-1])
        following.ping(ok=True)
        following.close()
        assert [said["at"] for said in taken(tmp_path / "said")] == [str(moments[-1])]

    def test_what_one_said_that_was_given_up_goes(self, stage: Stage, tmp_path: Path) -> None:
        (tmp_path / "down").touch()
        for at in (AT, AT + OWED_FOR + timedelta(seconds=1)):
            hooks = self.hooks(stage, tmp_path, now=lambda at=at: at)
            if at == AT:
                hooks.alarm(alarm("7", "a write is parked"))
            hooks.ping(ok=True)
            hooks.close()
        assert stage.journal.alarms_owed(since=AT - timedelta(days=9)) == ()
        assert stage.journal.records().verify_chain() is None

    def test_one_that_was_taken_and_cannot_be_noted_is_not_handed_over_again(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        real = stage.journal

        class Full:
            """A state that was full for a while."""

            is_full = True

            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            def note_alarm(self, key: str, **values: Any) -> None:
                if self.is_full:
                    raise StateFull("the disk is full")
                real.note_alarm(key, **values)

        memory: Any = Full()
        command = (sys.executable, "-c", self.FAILS_WHILE, str(tmp_path / "said"), str(tmp_path / "down"))
        hooks = Hooks(command=command, ping_url=None, observer=Heard(), memory=memory, now=lambda: AT)
        hooks.alarm(alarm("7", "a write is parked"))
        for _ in range(3):
            hooks.ping(ok=True)
        hooks.close()
        assert [said["message"] for said in taken(tmp_path / "said")] == ["a write is parked"]

    def test_one_that_is_taken_hours_later_is_not_repeated_at_once(self, stage: Stage, tmp_path: Path) -> None:
        """What goes on for hours is told once when the command works again, whichever of several sites passes first."""
        (tmp_path / "down").touch()
        before = self.hooks(stage, tmp_path)
        before.alarm(alarm("7", "a write is parked"))
        before.close()
        (tmp_path / "down").unlink()
        later = AT + timedelta(hours=2)
        hooks = self.hooks(stage, tmp_path, now=lambda: later)
        hooks.ping(ok=True)  # of another site
        hooks.close()
        hooks = self.hooks(stage, tmp_path, now=lambda: later)
        hooks.alarm(replace(alarm("7", "a write is parked"), at=later))
        hooks.close()
        assert [said["at"] for said in taken(tmp_path / "said")] == [str(AT)]

    @pytest.mark.parametrize("told_anew", [False, True])
    def test_one_that_could_not_be_noted_is_noted_later_and_hides_no_other(
        self, stage: Stage, tmp_path: Path, told_anew: bool
    ) -> None:
        """What is taken and not noted is no longer owed; the same trouble an hour later is, until it is taken."""
        real, later = stage.journal, AT + timedelta(hours=2)

        class FullOnce:
            """A state that is full when the first alarm is noted."""

            was_full = threading.Event()

            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            def note_alarm(self, key: str, **values: Any) -> None:
                if not self.was_full.is_set():
                    self.was_full.set()
                    raise StateFull("the disk is full")
                real.note_alarm(key, **values)

        memory: Any = FullOnce()
        command = (sys.executable, "-c", self.FAILS_WHILE, str(tmp_path / "said"), str(tmp_path / "down"))
        hooks = Hooks(command=command, ping_url=None, observer=Heard(), memory=memory, now=lambda: later)
        hooks.ping(ok=True)  # nothing is owed any more, as far as this process knows
        hooks.alarm(alarm("7", "a write is parked"))
        if told_anew:
            assert memory.was_full.wait(60)
            (tmp_path / "down").touch()
            hooks.alarm(replace(alarm("7", "a write is parked"), at=later))
        hooks.ping(ok=True)
        hooks.close()
        (tmp_path / "down").unlink(missing_ok=True)
        following = self.hooks(stage, tmp_path, now=lambda: later)
        following.ping(ok=True)
        following.close()
        assert len(taken(tmp_path / "said")) == 1 + told_anew

    def test_the_dead_mans_switch_does_not_wait_for_what_is_owed(self, stage: Stage, tmp_path: Path) -> None:
        (tmp_path / "down").touch()
        before = self.hooks(stage, tmp_path)
        before.alarm(alarm("7", "a write is parked"))
        before.close()
        (tmp_path / "down").unlink()
        told_by_then: list[int] = []

        class Switch(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told_by_then.append(len(taken(tmp_path / "said")))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        with HTTPServer(("127.0.0.1", 0), Switch) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            command = (sys.executable, "-c", self.FAILS_WHILE, str(tmp_path / "said"), str(tmp_path / "down"))
            url = f"http://127.0.0.1:{server.server_port}/"
            hooks = Hooks(command=command, ping_url=url, observer=Heard(), memory=stage.journal, now=lambda: AT)
            hooks.ping(ok=True)
            hooks.close()
            server.shutdown()
        assert told_by_then == [0]
        assert len(taken(tmp_path / "said")) == 1

    @pytest.mark.parametrize("odd", ODD)
    def test_an_odd_key_is_owed_like_any_other(self, stage: Stage, tmp_path: Path, odd: str) -> None:
        hooks = self.hooks(stage, tmp_path)
        hooks.alarm(alarm(odd, "first"))
        hooks.close()
        assert [said["message"] for said in taken(tmp_path / "said")] == ["first"]
