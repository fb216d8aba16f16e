"""The notify thread: nothing that it is given can silence it for what comes after."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.notify.hooks import Hooks, passable
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
