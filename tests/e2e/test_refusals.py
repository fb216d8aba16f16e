"""What the command line refuses, with which exit code and which words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from connector.cli.main import COMMANDS
from connector.cli.main import run as command_line
from tests.e2e.desk import BODY, JIRA, SUBJECT, ZENDESK, Desk

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("snyc",), "Did you mean 'sync'?"),
        (("sync", "--nonsense"), "--nonsense"),
        (("explain",), "Missing argument"),
        (("plan", "--at", "tomorrow"), "is not a moment"),
        (("plan", "--at", "2026-11-23T12:00"), "needs an offset"),
        (("-o", "xml", "plan"), "xml"),
        (("sandbox", "--nonsense"), "--nonsense"),
        (("sync", "--ping-url", "nonsense"), "is not a URL"),
        (("run", "--ping-url", "http://hc.example/abc"), "plain http:// is for this machine only"),
        (("sync", "--ping-url", "http://u:canary-pw@[h/abc"), "it is not a URL"),
        (("run", "--webhooks", "nonsense"), "'nonsense' is no address to listen on; write HOST:PORT"),
        (("run", "--webhooks", "127.0.0.1:65536"), "is no address to listen on"),
        (("run", "--webhooks", "127.0.0.1:٨٠"), "is no address to listen on"),
        (("plan", "--out", "/nowhere/at/all/plan.json"), "there is no folder /nowhere/at/all"),
    ],
)
def test_usage_is_64(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str) -> None:
    assert command_line(list(arguments)) == 64
    said = capsys.readouterr()
    assert words in said.err
    assert "canary" not in said.err
    assert said.out == ""


def test_an_output_that_is_full_is_said_in_words(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "connector", "--help"]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: the output: No space left on device\n  -> ")
    assert "internal error" not in ran.stderr


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    assert command_line(["demo", "--folder", str(file / "below")]) == 1
    said = capsys.readouterr().err
    assert f"error: {file}" in said
    assert "internal error" not in said


def test_a_plan_of_sites_that_cannot_be_read_is_no_plan(desk: Desk) -> None:
    desk.config.write_text(
        re.sub(r"base_url: http://127.0.0.1:\d+", "base_url: http://127.0.0.1:9", desk.config.read_text())
    )
    ran = desk.run("plan")
    assert ran.code == 1
    assert ran.out == "Plan: not made; no site could be read.\n"
    told = desk.run("-o", "json", "plan").json
    assert (told["sites"], {each["site"] for each in told["failed"]}) == ([], {JIRA, ZENDESK})
    assert all(each["why"] for each in told["failed"])


def test_a_plan_whose_credentials_are_refused_ends_as_a_sync_does(desk: Desk) -> None:
    (desk.folder / "secrets" / "jsm_eu").write_text("not-the-secret")
    assert desk.run("plan", "--select", JIRA).code == 4
    assert desk.run("plan").code == 3
    assert desk.run("sync", "--select", JIRA).code == 4


def test_the_whole_configuration_is_checked_at_once(desk: Desk) -> None:
    text = desk.config.read_text()
    text = text.replace("kind: zendesk", "kind: zendeks")
    text = text.replace("projects: [SUP]", "projcts: [SUP]")
    text = text.replace("poll: {every: 2m}", "poll: {every: soon}", 1)
    desk.config.write_text(text)
    lines = text.splitlines()
    ran = desk.run("plan")
    assert ran.code == 78
    for key in ("zendeks", "projcts", "soon"):
        row = next(i for i, line in enumerate(lines, start=1) if key in line)
        assert f"connector.yaml:{row}:" in ran.err, (key, ran.err)
    assert "projects" in ran.err  # what was meant
    assert "3 problem(s) found; nothing was done" in ran.err


def test_policy_map_and_texts_are_checked_together(desk: Desk) -> None:
    desk.edit_policy("at_least: P1", "at_leats: P1")
    desk.edit_policy("dwell: 30m", "dwell: soon")
    site_map = desk.folder / "mappings" / "sites" / "zendesk.yaml"
    site_map.write_text(site_map.read_text().replace("statuses:", "statusses:"))
    ran = desk.run("status")
    assert ran.code == 78
    assert "policy.yaml:" in ran.err
    assert "at_leats" in ran.err
    assert "priority.dwell" in ran.err
    assert "zendesk.yaml:" in ran.err


def test_a_missing_configuration_and_a_missing_secret(desk: Desk) -> None:
    (desk.folder / "secrets" / "zendesk_writer").unlink()
    ran = desk.run("sync")
    assert ran.code == 78
    assert "zendesk_writer" in ran.err
    assert desk.run("status").code == 0  # needs no secret
    desk.config.unlink()
    gone = desk.run("plan")
    assert (gone.code, "connector.yaml" in gone.err) == (78, True)


def test_plain_http_is_for_this_machine_alone(desk: Desk) -> None:
    desk.site(ZENDESK, base_url="http://acme.zendesk.example")
    ran = desk.run("plan")
    assert (ran.code, "base_url" in ran.err) == (78, True)


def test_a_wrong_token_is_4_and_shows_no_secret(desk: Desk) -> None:
    desk.ticket(ZENDESK)
    desk.later(minutes=3)
    wrong = "canary-token-44d0"
    for name in ("zendesk_reader", "zendesk_writer", "jsm_eu"):
        secret = desk.folder / "secrets" / name
        secret.write_text(wrong)
    ran = desk.run("sync")
    assert ran.code == 4, ran
    assert "credentials" in ran.err or "token" in ran.err
    assert "resume" in ran.err
    told = ran.out + ran.err + desk.run("status").out + desk.run("-o", "json", "log").out
    assert wrong not in told
    assert wrong.encode() not in b"".join(p.read_bytes() for p in desk.folder.rglob("state*") if p.is_file())
    kinds = {i["kind"] for i in desk.ok("-o", "json", "attention").json["items"]}
    assert "frozen" in kinds
    planned = desk.run("plan", "--select", ZENDESK)
    assert planned.code in {1, 4}
    assert wrong not in planned.err


def test_one_site_down_and_the_other_done(desk: Desk) -> None:
    tickets = {site: desk.ticket(site) for site in (JIRA, ZENDESK)}
    desk.later(minutes=3)
    desk.client.faults(JIRA, {"action": "status", "status": 503})
    ran = desk.run("-o", "json", "sync")
    assert ran.code == 3, ran
    outcomes = {row["site"]: row["outcome"] for row in ran.json["sites"]}
    assert outcomes == {JIRA: "failed", ZENDESK: "ok"}
    assert desk.view(ZENDESK, tickets[ZENDESK])["priority"] == "P1"
    planned = desk.run("plan")
    assert planned.code == 3
    assert f"error: {JIRA}" in planned.err
    desk.client.clear_faults(JIRA)
    desk.later(minutes=3)
    assert desk.run("sync").code == 0
    assert desk.view(JIRA, tickets[JIRA])["priority"] == "P1"


def test_log_lines_say_where_they_belong(desk: Desk) -> None:
    desk.ticket(ZENDESK)
    desk.later(minutes=45)
    ran = desk.ok("sync")
    writes, runs = ran.events("write_done"), ran.events("run_finished")
    assert {line["site"] for line in runs} == {JIRA, ZENDESK}
    for line in writes:
        assert {"run", "site", "ticket", "event", "policy", "time", "level"} <= set(line)
    for line in runs:
        assert {"run", "site", "event", "policy"} <= set(line)
        assert {"read", "decided", "written", "held", "left", "failed", "took"} <= set(line)
    assert {line["event"] for line in ran.log} == {"write_done", "run_finished"}
    assert all(json.loads(line) for line in ran.err.splitlines())
    quiet = desk.run("-q", "sync")
    assert quiet.err == ""
    assert desk.ok("-v", "sync").err != ""
    assert SUBJECT not in ran.err
    assert BODY not in ran.err


def test_reading_commands_in_text_and_json(desk: Desk) -> None:
    before = desk.run("attention")
    assert (before.code, "connector sync" in before.err) == (1, True)
    ticket = desk.ticket(JIRA)
    desk.ticket(ZENDESK)
    desk.later(minutes=45)
    desk.ok("sync")

    table = desk.ok("status").out.splitlines()
    assert table[1].split("\t")[0] == "site"
    assert [line.split("\t")[0] for line in table[2:]] == [JIRA, ZENDESK]
    status = desk.ok("-o", "json", "status").json
    assert (status["kind"], status["schema_version"], status["daemon"]) == ("status", 1, "no daemon")
    assert {s["name"]: s["open_tickets"] for s in status["sites"]} == {JIRA: 1, ZENDESK: 1}

    rows = desk.ok("-o", "json", "log").json["rows"]
    writes = [r for r in rows if r["what"] == "write"]
    assert {r["ticket"] for r in writes} == {ticket, "#1"}
    assert "P3 -> P1" in "".join(r["detail"] for r in writes)
    assert "impact department" in "".join(r["detail"] for r in writes)
    of_one = desk.ok("-o", "ndjson", "log", "--ticket", "zendesk:1").rows
    assert {(r["site"], r["ticket"]) for r in of_one} == {(ZENDESK, "#1")}
    runs = desk.ok("-o", "json", "log", "--runs", "--site", JIRA).json["rows"]
    assert [r["outcome"] for r in runs] == ["ok"]
    assert "written" in runs[0]["counts"]
    assert desk.ok("-o", "json", "log", "--since", "2026-11-24T00:00Z").json["rows"] == []

    told = desk.ok("explain", ticket)
    for words in ("impact department", "P1", "first_response", "path default", "next:", "policy acme-support @"):
        assert words in told.out, words
    data = desk.ok("-o", "json", "explain", ticket).json
    assert (data["kind"], data["priority"]["wanted"], data["path"]["path"]) == ("explain", "P1", "default")
    past = desk.ok("-o", "json", "explain", ticket, "--at", "2026-11-23T08:01Z").json
    assert past["now"].startswith("2026-11-23T08:01")
    for nobody in ("SUP-999", "zendesk:77"):
        ran = desk.run("explain", nobody)
        assert (ran.code, nobody in ran.err) == (1, True)


def test_policy_test_passes_and_says_what_differs(desk: Desk) -> None:
    good = desk.ok("policy", "test")
    assert good.out.splitlines()[-1] == "10 passed, 0 failed"
    cases = next((desk.folder / "mappings" / "tests").glob("*.yaml"))
    text = cases.read_text()
    spoiled = text.replace("priority: P1", "priority: P4", 1)
    assert spoiled != text
    cases.write_text(spoiled)
    bad = desk.run("policy", "test")
    assert bad.code == 1
    assert "FAIL" in bad.out
    assert "P4" in bad.out
    document = desk.run("-o", "json", "policy", "test").json
    assert len([c for c in document["cases"] if c["differences"]]) == 1
    assert desk.run("policy", "test", "-k", "no such case").code == 1
    shown = json.loads(desk.ok("policy", "show").out)
    assert shown["name"] == "acme-support"


def test_the_wheel_of_commands_helps(desk: Desk, tmp_path: Path) -> None:
    listed = desk.ok("--help").out
    assert [c for c in COMMANDS if f"  {c} " not in listed] == []
    for command in COMMANDS:
        assert desk.ok(command, "--help").out.startswith(("Usage: connector", "usage: connector"))
    assert desk.ok("--version").out.startswith("connector, version")
    assert [path.name for path in tmp_path.iterdir()] == ["desk"]  # nothing is left lying about
