"""Every setting reaches the part that it is for: a program is composed from files as an operator writes them."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from connector.bootstrap import Connector
from connector.bootstrap.certainty import Certainty
from connector.bootstrap.clock import RealClock
from connector.bootstrap.erasing import LOOK_AT_TIME, Retention
from connector.bootstrap.policies import CurrentRenderer
from connector.bootstrap.service import Service
from connector.domain.change import Notice
from connector.domain.occasion import Occasion
from connector.domain.site import Effect
from connector.errors import StateFull
from connector.helpdesks.jira.adapter import JiraReader
from connector.helpdesks.zendesk.reader import ZendeskReader
from connector.ports import Alarm, AlarmKind, Journal
from connector.render import VOCABULARY
from tests.bootstrap.conftest import SECRETS, Compose, Heard
from tests.helpdesks.stopped_clock import StoppedClock

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ALARM = Alarm(kind=AlarmKind.FREEZE, site="zendesk", ticket="", message="frozen", remedy="resume", at=AT)


class Sleeper(StoppedClock):
    """The clock of a machine that may sleep: its monotonic seconds stand still then, as Linux's do."""

    slept = timedelta(0)

    def monotonic(self) -> float:
        return super().monotonic() - self.slept.total_seconds()

    def sleep(self, length: timedelta) -> None:
        self.move(length)
        self.slept += length


def test_nothing_is_sent_that_was_armed_before_the_machine_slept(compose: Compose) -> None:
    program, clock = compose(), Sleeper()
    for name in ("jsm-eu", "zendesk"):
        fence = program.site(name, clock).fence
        fence.arm()
        before = clock.monotonic()
        assert fence.may_begin(65.0)
        clock.sleep(timedelta(minutes=10))
        assert clock.monotonic() == before
        assert not fence.may_begin(65.0)


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="the platform has no clock that counts a sleep")
def test_the_real_clock_counts_what_the_machine_slept() -> None:
    first = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert first <= RealClock().elapsed() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def notice(locale: str) -> Notice:
    about = Occasion("level", ("default", "20261123T150000Z", "2"))
    return Notice(
        occasion=about, audience=Effect.NOTES, template="breached", locale=locale, values=VOCABULARY, reason="r"
    )


@pytest.fixture
def pinged() -> Iterator[tuple[str, list[str], threading.Event]]:
    """A server of our own: its address, the paths that were asked for, and a sign of the first."""
    paths: list[str] = []
    came = threading.Event()

    class Take(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            came.set()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Take)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", paths, came
    server.shutdown()
    thread.join()
    server.server_close()


def zendesk_reader(program: Connector) -> ZendeskReader:
    reader = program.site("zendesk", program.make_clock("test")).reading.reader
    assert isinstance(reader, ZendeskReader)
    return reader


def jira_reader(program: Connector) -> JiraReader:
    reader = program.site("jsm-eu", program.make_clock("test")).reading.reader
    assert isinstance(reader, JiraReader)
    return reader


def test_ping_url_is_pinged_after_a_good_pass_alone(
    compose: Compose, pinged: tuple[str, list[str], threading.Event]
) -> None:
    address, paths, _ = pinged
    hooks = compose(ping_url=f"{address}/configured").hooks()
    hooks.ping(ok=False)
    hooks.ping(ok=True)
    hooks.close()
    assert paths == ["/configured"]
    hooks = compose(ping_url=f"{address}/configured").hooks(f"{address}/given")
    hooks.ping(ok=True)
    hooks.close()
    assert paths == ["/configured", "/given"]


def test_a_ping_is_never_led_elsewhere(compose: Compose, pinged: tuple[str, list[str], threading.Event]) -> None:
    address, paths, _ = pinged
    hooks = compose(ping_url=f"{address}/moved").hooks()
    hooks.ping(ok=True)
    hooks.close()
    assert paths == ["/moved"]


def test_alarm_command_gets_the_alarm_and_none_of_our_environment(
    compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_SECRETS__UNUSED", "canary-env")
    said = tmp_path / "said.json"
    script = "import json, os, sys; said = [json.load(sys.stdin), dict(os.environ)]"
    script += "; json.dump(said, open(sys.argv[1], 'w'))"
    hooks = compose(alarm_command=[sys.executable, "-c", script, str(said)]).hooks()
    hooks.alarm(ALARM)
    hooks.alarm(ALARM)
    hooks.close()
    told = json.loads(said.read_text())
    assert (told[0]["kind"], told[1]["CONNECTOR_ALARM_MESSAGE"]) == ("freeze", "frozen")
    assert "canary-env" not in said.read_text()


def test_stale_after_is_what_the_daemon_alarms_by(compose: Compose) -> None:
    program = compose(stale_after="42m")
    with program.journal() as journal:
        service = Service(program, journal)
        assert {loop._limits.stale_after for loop in service._loops} == {timedelta(minutes=42)}
        service._hooks.close()
        service._control.stop()


def test_a_daemon_that_nobody_can_pause_is_not_well(compose: Compose) -> None:
    program = compose()
    with program.journal() as journal:
        service = Service(program, journal)
        service._control.start()
        assert service._is_well()
        service._control.stop()
        service._control._thread.join()
        assert not service._is_well()
        service._hooks.close()


class FullDisk:
    """A journal whose disk has been full since it was opened: it is read, and nothing is stored."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def purge(self, **_: object) -> int:
        raise StateFull("no space")

    def remember_policy(self, *_: object, **__: object) -> None:
        raise StateFull("no space")


def test_a_full_disk_ends_no_daemon_and_changes_no_policy(compose: Compose, tmp_path: Path) -> None:
    program, policy = compose(), tmp_path / "mappings" / "policy.yaml"
    with program.journal() as journal:
        full = cast("Journal", FullDisk(journal))
        service = Service(program, full)
        certain = Certainty([None], program.observer)
        service._retention = Retention(program.now, full, program.settings.state_url, certain)
        before = program.policies.loaded
        policy.write_text(policy.read_text().replace("timezone: Europe/Berlin", "timezone: UTC", 1))
        service._reload.set()
        for _ in range(LOOK_AT_TIME):
            service._watch()
        with pytest.raises(StateFull):
            service._handlers()["reload"]({})
        service._hooks.close()
        service._control.stop()
    assert program.policies.loaded is before
    assert isinstance(program.observer, Heard)
    assert [name for name, _ in program.observer.events].count("reload_refused") == 2


def test_what_goes_wrong_again_after_a_resume_is_told_anew_by_the_same_daemon(compose: Compose) -> None:
    """Once more for each site that was resumed, and then once an hour as before."""
    program = compose()
    now = program.now() + timedelta(seconds=1)
    with program.journal() as journal:
        service = Service(program, journal)
        troubles = [replace(ALARM, site=name, at=now) for name in ("jsm-eu", "zendesk")]
        for minutes in (0, 1):
            for trouble in troubles:
                service._hooks.alarm(replace(trouble, at=now - timedelta(minutes=10 - minutes)))
        service._handlers()["resume"]({"sites": ["zendesk"], "allow": 0, "actor": "anna"})
        for minutes in (1, 2):
            for trouble in troubles:
                service._hooks.alarm(replace(trouble, at=now + timedelta(minutes=minutes)))
        service._hooks.close()
        service._control.stop()
    assert isinstance(program.observer, Heard)
    told = [values["alarm"].site for name, values in program.observer.events if name == "alarm"]
    assert told == ["jsm-eu", "zendesk", "zendesk"]


def test_poll_sets_the_cadence(compose: Compose) -> None:
    program = compose(of_zendesk={"poll": {"every": "7m", "sweep_every": "2h", "history_share": "10%"}})
    reading = program.site("zendesk", program.make_clock("test")).reading
    assert (reading.poll_every, reading.sweep_every) == (timedelta(minutes=7), timedelta(hours=2))
    assert reading.reader.history_allowance() == pytest.approx(400 * 0.7 * 0.1, abs=1)
    other = compose().site("zendesk", program.make_clock("test")).reading
    assert other.reader.history_allowance() == pytest.approx(400 * 0.7 * 0.3, abs=1)


@pytest.mark.parametrize(
    ("policy_zone", "site_zone", "shown"),
    [("Europe/Berlin", None, "18:00"), ("Europe/Berlin", "America/New_York", "12:00"), ("UTC", None, "17:00")],
)
def test_moments_in_texts_are_of_the_sites_time_zone_else_of_the_policys(
    compose: Compose, tmp_path: Path, policy_zone: str, site_zone: str | None, shown: str
) -> None:
    policy = tmp_path / "mappings" / "policy.yaml"
    policy.write_text(policy.read_text().replace("timezone: Europe/Berlin", f"timezone: {policy_zone}", 1))
    program = compose(of_zendesk={"timezone": site_zone} if site_zone else {})
    text = CurrentRenderer(program.policies, program.settings.site("zendesk")).render(notice("de"))
    assert shown in text


def test_a_text_without_its_language_is_in_the_sites(compose: Compose) -> None:
    def rendered(locale: str) -> str:
        program = compose(of_zendesk={"locale": locale})
        return CurrentRenderer(program.policies, program.settings.site("zendesk")).render(notice("xx"))

    assert rendered("de") != rendered("nl") != rendered("en")
    assert compose(of_zendesk={"locale": "nl"}).rules("zendesk").locale == "nl"


def test_web_url_is_where_people_open_tickets_and_requests_never_go(compose: Compose) -> None:
    there = {"web_url": "https://help.acme.example"}
    program = compose(of_jira=there, of_zendesk=there)
    assert zendesk_reader(program)._view.web_base == "https://help.acme.example"
    assert jira_reader(program).shape.web_url == "https://help.acme.example"
    assert str(jira_reader(program).transport.pin.origin).startswith("https://acme.atlassian.net")


def test_api_base_is_where_requests_go_and_links_do_not(compose: Compose) -> None:
    reader = jira_reader(compose(of_jira={"api_base": "https://api.atlassian.com/ex/jira/abc"}))
    assert str(reader.transport.pin.origin) == "https://api.atlassian.com/ex/jira/abc"
    assert reader.shape.web_url == "https://acme.atlassian.net"


def test_secrets_dir_gives_the_secrets_and_every_one_is_masked(compose: Compose) -> None:
    program = compose()
    for secret in SECRETS.values():
        assert program.redactor.clean(f"x {secret} y") == "x *** y"
    zendesk_reader(program)
    adapters = [zendesk_reader(program)._http.adapter, jira_reader(program).transport]
    assert all(adapter._around.redactor is program.redactor for adapter in adapters)


def test_what_a_site_looks_after_reaches_its_reader(compose: Compose) -> None:
    reader = zendesk_reader(compose(of_zendesk={"brands": [7], "groups": [101, 102], "views": [3601]}))
    assert reader._view.sieve.brands == {"7"}
    assert reader._view.sieve.groups == {"101", "102"}
    assert reader._members.views == ("3601",)


def test_rules_are_as_configured(compose: Compose) -> None:
    rules = compose(
        of_zendesk={
            "effects": ["fields"],
            "scopes": {"900": ["fields", "notes"]},
            "enforce_from": "2026-11-23T10:00:00+01:00",
            "budgets": {"notes": {"least": 3, "per": "30m"}},
            "may_stop_native_first_response": True,
        }
    ).rules("zendesk")
    assert [rules.allows(Effect.NOTES, scope) for scope in ("900", "901")] == [True, False]
    assert rules.enforce_from == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert (rules.budgets[Effect.NOTES].least, rules.budgets[Effect.NOTES].window) == (3, timedelta(minutes=30))
    assert rules.may_stop_native_first_response
