"""The stories on both vendors' sites: whole, without a mistake, and the same for the same seed."""

from __future__ import annotations

import gzip
import socket
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.__main__ import main, parse
from connector.sandbox.assembly import Sandbox
from connector.sandbox.client import SandboxProcess
from connector.sandbox.incidents import READ, Replay, read_log, replay
from connector.sandbox.scenarios.cast import ROSTER
from connector.sandbox.scenarios.demo import ENDS, OPENS, demo
from connector.sandbox.serve import ServeOptions, make_sandbox, make_scenario


def told(seed: int) -> tuple[Sandbox, list[dict[str, Any]]]:
    sandbox = make_sandbox(ServeOptions(seed=seed, mode="manual"))
    sandbox.clock.set(ENDS)
    return sandbox, [entry.as_json() for entry in sandbox.facts]


def test_the_demo_day_goes_by_without_a_mistake() -> None:
    sandbox, facts = told(1)
    assert [fact["data"] for fact in facts if fact["kind"] == "problem"] == []
    tickets = {name: sandbox.site(name).view() for name in sandbox.exchanges}
    assert 30 <= sum(map(len, tickets.values())) <= 45
    sandbox.stop()


def test_the_demo_has_what_it_promises() -> None:
    scenario = demo(1)
    created = {step.ticket: step.details["ticket"] for step in scenario.steps if step.do == "create_ticket"}
    assert {"outage", "security", "vip", "legal", "cosmetic", "waiting", "by-hand", "closed"} <= set(created)
    languages = Counter(ROSTER.person(ticket.requester).locale for ticket in created.values())
    assert set(languages) == {"en", "de", "nl", "ja", "fr"}
    assert {step.site for step in scenario.steps} == {"jsm-eu", "zendesk"}
    assert scenario.opens_at == OPENS


@pytest.mark.parametrize("seed", range(2, 6))
def test_other_seeds_tell_other_stories_without_a_mistake(seed: int) -> None:
    sandbox, facts = told(seed)
    sandbox.stop()
    assert [fact["data"] for fact in facts if fact["kind"] == "problem"] == []
    assert demo(seed).steps != demo(1).steps


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = told(7), told(7)
    for sandbox, _ in (first, second):
        sandbox.stop()
    assert first[1] == second[1]


def row(state: str, count: int, updated: str, *, urgency: str, assigned: str = "Resolver 5") -> str:
    """One update of an incident that was opened on the first of March, as the log has it."""
    priority = {"1 - High": "1 - Critical", "2 - Medium": "2 - High"}[urgency]
    what = f"Category 1,?,Symptom 1,1 - High,{urgency},{priority},Group 1,{assigned}"
    return f"INC1,{state},{count},Caller 1,1/3/2016 08:00,Updated by {count},{updated},{what}"


LOG = (
    row("New", 0, "1/3/2016 08:05", urgency="2 - Medium", assigned="?"),
    row("Active", 1, "1/3/2016 09:00", urgency="1 - High"),
    row("Resolved", 3, "2/3/2016 09:00", urgency="1 - High"),
    row("Closed", 4, "7/3/2016 09:00", urgency="1 - High"),
    "INC0,Awaiting User Info,2,Caller 2,29/2/2016 08:00,Updated by 1,1/3/2016 10:00,?,?,?,?,3 - Low,3 - Moderate,?,?",
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress("\n".join((",".join(READ), *LOG)).encode()))
    return path


def test_a_log_becomes_steps_in_time(log: Path) -> None:
    steps = replay(log, Replay(sites=("z",), opens_at=datetime(2016, 4, 1, tzinfo=UTC), recorded_priority=True)).steps
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    course = [(step.at.strftime("%d %H:%M"), step.do) for step in steps if step.ticket == "INC1"]
    assert course == [
        ("01 08:00", "create_ticket"),
        ("01 08:05", "set_group"),
        ("01 09:00", "set_field"),
        ("01 09:00", "set_priority"),
        ("01 09:00", "assign"),
        ("01 09:00", "set_status"),
        ("02 09:00", "set_status"),
        ("07 09:00", "close"),
    ]


def test_what_the_log_knows_only_at_the_end_is_never_read() -> None:
    assert not {"made_sla", "resolved_at", "closed_at", "resolved_by", "closed_code"} & set(READ)


@pytest.mark.parametrize("kind", ["jira", "zendesk"])
def test_a_log_is_served_in_the_state_of_a_moment_and_goes_on(kind: str, log: Path) -> None:
    start = datetime(2016, 3, 1, 12, 0, tzinfo=UTC)
    options = ServeOptions(
        scenario="incidents", sites={"s": kind}, mode="manual", incidents=log, start=start, recorded_priority=True
    )
    sandbox = make_sandbox(options)
    handles = {ticket: handle for handle, ticket in sandbox.control.handles()["s"].items()}

    def states() -> dict[str, tuple[str, str | None]]:
        return {handles[row["ticket"]]: (row["status"], row["priority"]) for row in sandbox.site("s").view()}

    assert states() == {"INC1": ("open", "P1"), "INC0": ("waiting_customer", "P3")}
    sandbox.clock.set(start + timedelta(days=2))
    assert states()["INC1"] == ("solved", "P1")
    sandbox.clock.set(start + timedelta(days=7))
    assert states()["INC1"] == ("closed", "P1")
    assert [entry.data for entry in sandbox.facts if entry.kind == "problem"] == []
    sandbox.stop()


def test_the_public_log_reads_whole(shared: Path) -> None:
    rows = list(read_log(shared / "data" / "incidents_uci.csv.gz"))
    assert len(rows) == 90_268
    known = [row for row in rows if "?" not in (row["impact"], row["urgency"])]
    for row in known:
        assert int(row["priority"][0]) == min(4, int(row["impact"][0]) + int(row["urgency"][0]) - 1)


@pytest.mark.parametrize("options", [{"scenario": "opera"}, {"scenario": "incidents"}])
def test_a_story_that_cannot_be_told(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot serve"):
        make_scenario(ServeOptions(**options))


def test_a_process_of_its_own_is_ready_plays_and_ends_cleanly() -> None:
    process = SandboxProcess("--seed", "3", "--site", "jsm-eu=jira")
    client = process.start()
    client.join("audience")
    assert client.story()["opens_at"] == client.now().isoformat() == OPENS.isoformat()
    assert client.wait("audience", OPENS + timedelta(hours=2))["reached"]
    assert "outage" in client.handles("jsm-eu")
    assert process.stop() == 0


def test_the_command_line_is_read_as_its_help_says(log: Path) -> None:
    words = f"--scenario incidents --incidents {log} --site s=jira --start 2016-04-01T00:00:00+00:00 --limit 1"
    options, with_parent = parse([*words.split(), "--speed", "60", "--options", '{"s": {"limits": false}}'])
    assert (options.mode, options.speed, options.sites, with_parent) == ("running", 60.0, {"s": "jira"}, False)
    assert options.site_options == {"s": {"limits": False}}
    assert {step.ticket for step in make_scenario(options).steps} == {"INC0"}
    defaults, _ = parse([])
    assert (defaults.mode, dict(defaults.sites)) == ("stepped", {"jsm-eu": "jira", "zendesk": "zendesk"})


@pytest.mark.parametrize("arguments", [["--scenario", "incidents"], ["--site", "a=trello"]])
def test_a_mistake_on_the_command_line_is_a_sentence(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("sandbox: ")


def test_a_port_that_is_taken_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit):
        main(["--scenario", "empty", "--site", "s=jira", "--port", f"control={taken.getsockname()[1]}"])
    assert "in use" in capsys.readouterr().err
