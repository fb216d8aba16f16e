"""Faults that come in by the door: configuration, secrets, webhooks. Judged by what was read, written and refused."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from connector.bootstrap import Connector
from connector.bootstrap.expiring import endings
from connector.domain.ticket import Priority
from connector.engine.daemon import DUE_GRAIN, HINT_GRAIN, Limits, SiteLoop
from connector.errors import ConfigError, Denied, UnsafePlan
from connector.helpdesks.transport import (
    Bearer,
    Client,
    Dialect,
    Endpoint,
    Origin,
    Pin,
    PinnedAdapter,
    Request,
    Rotating,
    Surroundings,
)
from connector.policyfiles import load_policy
from connector.settings.site import PollSettings
from connector.settings.sources import read_secret
from connector.web.hints import Hints
from connector.web.receiver import Asked, Door, Receiver
from connector.web.signatures import from_jira
from tests.bootstrap.conftest import compose
from tests.engine.conftest import desk, set_up, stage
from tests.engine.stage import MINUTE, MONDAY, Desk, Stage, told
from tests.engine.test_daemon import EndingClock
from tests.engine.test_passes import OUTAGE
from tests.helpdesks.scripted_server import answer, scripted_server
from tests.helpdesks.stopped_clock import START, StoppedClock
from tests.security.test_webhooks import NEW, OLD, jira_body, jira_headers

__all__ = ["compose", "desk", "set_up", "stage"]

ROOT = Path(__file__).parents[2] / "mappings"
POLICY = (ROOT / "policy.yaml").read_text(encoding="utf-8")


class WakingClock(EndingClock):
    """Time that stops where somebody wakes us, as a real wait does."""

    def wait(self, until: datetime | None) -> bool:
        assert until is not None
        for event in sorted((e for e in self.events if e[0] <= min(until, self.until)), key=lambda e: e[0]):
            self.events.remove(event)
            self.move(max(event[0] - self.now(), timedelta(0)))
            event[1]()
            if self._woken:
                self._woken = False
                return False
        return super().wait(until)


@pytest.fixture
def clock() -> WakingClock:
    return WakingClock(MONDAY, until=MONDAY + MINUTE * 12)


class TestFault51:
    def test_fault_51_another_address_under_the_same_name_is_refused(self, stage: Stage, desk: Desk) -> None:
        """A sandbox's address where production's was: nothing is read into its state, nothing is written."""
        desk.world.create(facts=OUTAGE, priority=Priority.P3)
        stage.run("desk")
        sent = len(desk.writer.sent)
        desk.rules = replace(desk.rules, fingerprint="fingerprint of another site")
        desk.world.create(facts=OUTAGE, priority=Priority.P3)
        with pytest.raises((ConfigError, UnsafePlan)):
            stage.run("desk")
        assert len(desk.writer.sent) == sent


def _changed(old: str, new: str) -> str:
    assert old in POLICY, old
    return POLICY.replace(old, new, 1)


WRONG = {
    "bad yaml": "triggers: [",
    "a key twice": POLICY + "\nname: again\n",
    "an unknown key": POLICY + "\nsurprise: 1\n",
    "a wrong type": _changed("at_least: P1", "at_least: [P1]"),
    "an empty policy": "",
    "a negative threshold": _changed("150%", "-150%") if "150%" in POLICY else POLICY + "\nsla: -1\n",
    "too deep": "a: " + "[" * 60 + "]" * 60,
    "a bomb of aliases": "a: &a [x]\nb: [" + ", ".join(["*a"] * 200) + "]",
    "a tag": "name: !!python/object/apply:os.system [true]",
    "a second document": POLICY + "\n---\nname: other\n",
    "too large": "# " + "x" * 1_000_001,
    "two triggers of one name": POLICY.replace("- name: security-words", "- name: legal", 1)
    if "- name: legal" in POLICY
    else POLICY + "\nname: again\n",
}


@pytest.mark.parametrize("name", WRONG)
def test_fault_71_a_wrong_policy_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    """Bad YAML, a key twice, unknown or wrong, empty, negative, a bomb: refused at load, with the place."""
    path = tmp_path / "policy.yaml"
    path.write_text(WRONG[name])
    with pytest.raises(ConfigError) as caught:
        load_policy(path, today=date(2026, 11, 22))
    assert all(problem.file == str(path) for problem in caught.value.problems)
    assert any(problem.line or not WRONG[name] or name == "too large" for problem in caught.value.problems)


@pytest.mark.parametrize("name", ["bad yaml", "a key twice", "an empty policy"])
def test_fault_71_a_reload_keeps_the_last_good_policy(
    compose: Callable[..., Connector], tmp_path: Path, name: str
) -> None:
    """A daemon that is told to reload a wrong file goes on under the policy that it has, whole."""
    program = compose()
    before = program.policies.loaded
    (tmp_path / "mappings" / "policy.yaml").write_text(WRONG[name])
    with pytest.raises(ConfigError):
        program.policies.reload(today=date(2026, 11, 22))
    assert program.policies.loaded is before


@pytest.mark.parametrize("bomb", ["(a+)+$", "(?:a|a)*b", ".*.*.*=", "a{1,9999}"])
def test_fault_71_a_word_is_never_a_pattern(tmp_path: Path, bomb: str) -> None:
    """There are no patterns in a policy, only words, so none can take long: what looks like one means itself."""
    path = tmp_path / "policy.yaml"
    words = re.search(r"(\n\s+en: \[)", POLICY)
    assert words is not None
    path.write_text(POLICY.replace(words[1], f"{words[1]}'{bomb}', ", 1))
    policy, _ = load_policy(path, today=date(2026, 11, 22))
    tests = [test for trigger in policy.triggers for test in (*trigger.when.any, *trigger.when.all)]
    assert any(bomb in str(test.value) for test in tests)


DIALECT = Dialect(endpoints=(Endpoint(name="read", method="GET", path=re.compile("/.*"), safe=True),))


class TestFault75:
    @pytest.mark.parametrize("state", ["rotated", "expired", "unreadable"])
    def test_fault_75_a_secret_that_changed_is_found_and_one_that_ended_stops_the_site(
        self, tmp_path: Path, state: str
    ) -> None:
        """Rotated: read again after one 401. Expired or unreadable: refused once, no storm, the site is frozen."""
        path = tmp_path / "token"
        path.write_text("the-first-token")
        path.chmod(0o600)
        credentials = Rotating(Bearer, lambda: read_secret(path), first=read_secret(path))
        if state == "rotated":
            path.write_text("the-second-token")
        elif state == "unreadable":
            path.chmod(0o666)
        with scripted_server() as server:
            around = Surroundings(clock=StoppedClock(), rng=random.Random(1))
            client = Client(PinnedAdapter(Pin(Origin.parse(server.url)), credentials, DIALECT, around))
            server.will(answer(status=401), answer())
            if state == "rotated":
                assert client.call(Request("GET", "/x")).body == b'{"ok":true}'
                assert b"the-second-token" in server.requests[1]
            else:
                with pytest.raises(Denied):
                    client.call(Request("GET", "/x"))
                assert len(server.requests) == 1

    @pytest.mark.parametrize(("days", "told"), [(15, 0), (14, 1), (0, 1), (-1, 1)])
    def test_fault_75_an_alarm_comes_14_days_before_the_end(
        self, compose: Callable[..., Connector], days: int, told: int
    ) -> None:
        """A secret whose end is known is spoken of two weeks ahead, and after it."""
        ends = (START + timedelta(days=days)).date().isoformat()
        auth = {"method": "token", "email": "desk@acme.example", "expires_on": ends}
        program = compose(of_jira={"auth": auth})
        alarms = list(endings(program.settings, now=START))
        assert len(alarms) == told
        assert all("jsm-eu" in alarm.message for alarm in alarms)


class Doors:
    """A loop with webhooks at its door."""

    def __init__(self, stage: Stage, desk: Desk, clock: EndingClock, *, poll_every: timedelta = MINUTE) -> None:
        self.loops: list[SiteLoop] = []
        self.hints = Hints(self._poll_soon)
        reading = replace(desk.site.reading, asked_for=self.hints.take, poll_every=poll_every)
        self.loops.append(SiteLoop(replace(desk.site, reading=reading), stage.around, Limits()))
        door = Door(verify=from_jira, secrets=lambda: (OLD, NEW), hints=self.hints)
        self.receiver = Receiver(doors={"desk": door}, clock=clock)
        clock.at_the_end = self.loops[0].stop

    def _poll_soon(self) -> None:
        self.loops[0].poll_soon()

    def knock(self, body: bytes, secret: str) -> int:
        return self.receiver.answer(
            Asked("POST", "/webhooks/desk", jira_headers(body, secret=secret, name=str(hash(body))), body)
        ).status

    def run(self) -> None:
        self.loops[0].run()


def test_fault_76_a_flood_of_webhooks_changes_nothing(stage: Stage, desk: Desk, clock: EndingClock) -> None:
    """A thousand forged and replayed ones a second: 401 and 429, no write, not one poll more or later."""
    doors, statuses = Doors(stage, desk, clock), set()
    genuine = jira_body("1", at=MONDAY)
    doors.knock(genuine, NEW)

    def flood() -> None:
        for _ in range(500):
            statuses.update({doors.knock(jira_body("1", at=clock.now()), "forged"), doors.knock(genuine, NEW)})

    for second in range(1, 600, 30):
        clock.events.append((MONDAY + timedelta(seconds=second), flood))
    doors.run()
    assert statuses == {200, 401, 429}
    assert desk.writer.sent == []
    assert 12 <= desk.world.requests["delta"] <= 13
    assert doors.hints.take() == ()


def test_fault_76_genuine_ones_ask_for_a_poll_and_never_for_more_than_a_quicker_cadence(
    stage: Stage, desk: Desk, clock: EndingClock
) -> None:
    """A genuine webhook is followed by a look within seconds; four a second cost a poll in ``HINT_GRAIN``."""
    doors = Doors(stage, desk, clock)
    clock.until = MONDAY + MINUTE * 4
    for n in range(240):
        at = MONDAY + timedelta(seconds=60.5 + n / 4)
        clock.events.append((at, lambda n=n, at=at: doors.knock(jira_body("1", at=at, n=n), NEW)))  # type: ignore[misc]
    doors.run()
    assert desk.world.requests["delta"] <= 4 + MINUTE * 2 / HINT_GRAIN
    assert desk.world.requests["delta"] > 5


def test_fault_76_a_hint_never_brings_in_a_ticket_that_polling_did_not(
    stage: Stage, desk: Desk, clock: EndingClock
) -> None:
    """Whatever number a webhook names: only tickets that we look after already are read by it."""
    doors = Doors(stage, desk, clock)
    desk.world.create(facts=OUTAGE, priority=Priority.P3)
    doors.run()
    before = desk.world.requests.copy()
    clock.until = clock.now() + MINUTE
    again = Doors(stage, desk, clock)
    for n, id_ in enumerate(("999", "1", "1")):
        again.knock(jira_body(id_, at=clock.now(), n=n), NEW)
    again.run()
    read = desk.world.requests - before
    assert read["get"] <= 1


FIRST_RESPONSE = 15 * MINUTE
"""What the policy gives a P1, round the clock."""


def test_fault_77_without_any_webhook_a_deadline_is_met(
    stage: Stage, desk: Desk, clock: EndingClock, full: bool
) -> None:
    """Webhooks lost for a day: polling alone raises each ticket long before its deadline, and is there when it passes.

    Polled at the default cadence; where time is short, more seldom than that, which is harder.
    """
    poll_every = PollSettings().every if full else 3 * MINUTE
    doors = Doors(stage, desk, clock, poll_every=poll_every)
    clock.until = MONDAY + timedelta(hours=24)
    opened_at = {"1": MONDAY + timedelta(hours=5, seconds=3), "2": MONDAY + timedelta(hours=22.5, seconds=1)}
    for moment in opened_at.values():
        clock.events.append((moment, lambda: desk.world.create(facts=OUTAGE, priority=Priority.P3)))
    doors.run()
    for id_, opened in opened_at.items():
        said = [(each.at - opened, told(each.write)) for each in desk.writer.sent if each.write.ref.id == id_]
        (raised,) = [late for late, words in said if "priority=P1 level=1" in words]
        (overdue,) = [late for late, words in said if "level=2" in words and "overdue" in words]
        assert raised <= poll_every < FIRST_RESPONSE
        assert FIRST_RESPONSE <= overdue <= FIRST_RESPONSE + DUE_GRAIN
