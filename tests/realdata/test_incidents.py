"""A real incident log as either vendor's tickets: its priorities are reproduced, and a second pass writes nothing."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from connector.domain.inputs import compute
from connector.domain.ticket import Priority
from connector.policyfiles import load_policy
from connector.sandbox.client import SandboxClient, SandboxProcess
from connector.sandbox.incidents import read_log, read_moment
from connector.starter import starter_folder
from tests.realdata.installation import POLICY, TAGS, Installation

STOP = datetime(2016, 4, 1, tzinfo=UTC)
SAMPLE = 60
LATER = timedelta(days=10)
READ_BACK = {"jira": 200}
"""So many histories a pass reads at least where we keep a limit by ourselves; a ticket is written once it is read."""

UNHURRIED: Mapping[str, Mapping[str, Any]] = {
    "jira": {"limits": False, "index_lag": [0, 0], "bulk_lag": [0, 0]},
    "zendesk": {
        "account_limit": 1_000_000,
        "update_limit": 1_000_000,
        "incremental_limit": 1_000_000,
        "audit_limit": 1_000_000,
        "hidden": 0,
        "search_lag": [0, 0],
        "job_item": 0.0,
        "values": TAGS,
    },
}


def number(text: str) -> int:
    return int(text[0])


def known(row: Mapping[str, str]) -> bool:
    return "?" not in (row["impact"], row["urgency"])


def recorded(rows: list[Mapping[str, str]], at: datetime) -> Mapping[str, str]:
    """The incident's row in force at a moment; its first one before any update."""
    past = [row for row in rows if read_moment(row["sys_updated_at"]) <= at]
    return past[-1] if past else rows[0]


def incidents(log: Path) -> Iterator[tuple[str, list[Mapping[str, str]]]]:
    for name, rows in groupby(read_log(log), key=lambda row: row["number"]):
        yield name, list(rows)


@pytest.fixture(scope="session")
def log(shared: Path) -> Path:
    return shared / "data" / "incidents_uci.csv.gz"


@pytest.fixture(scope="session")
def served(log: Path, full: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log to serve: all of it, or some of those that stand open at the stop."""
    if full:
        return log
    still: list[str] = []
    moving: list[str] = []
    for name, rows in incidents(log):
        then = recorded(rows, STOP)
        if read_moment(rows[0]["opened_at"]) <= STOP and then["incident_state"] not in {"Resolved", "Closed"}:
            moves = recorded(rows, STOP + LATER)["priority"] != then["priority"]
            (moving if moves else still).append(name)
    wanted = {*moving[: SAMPLE // 4], *still[: SAMPLE - len(moving[: SAMPLE // 4])]}
    path = tmp_path_factory.mktemp("log") / "sample.csv.gz"
    with (
        gzip.open(log, "rt", encoding="utf-8", newline="") as source,
        gzip.open(path, "wt", encoding="utf-8", newline="") as target,
    ):
        reader = csv.DictReader(source)
        writer = csv.DictWriter(target, reader.fieldnames or ())
        writer.writeheader()
        writer.writerows(row for row in reader if row["number"] in wanted)
    return path


def test_every_recorded_priority_is_the_matrix_s(log: Path, tmp_path: Path) -> None:
    """First as opened, then as raised or lowered: every row of the log whose inputs are known."""
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, encoding="utf-8")
    policy, _ = load_policy(path, today=STOP.date())
    cells: dict[tuple[str, str], Priority | None] = {}
    rows = changed = 0
    for _, course in incidents(log):
        before = ""
        for row in filter(known, course):
            pair = row["impact"], row["urgency"]
            if pair not in cells:
                cells[pair] = compute(policy, {"impact": pair[0], "urgency": pair[1]}).priority
            assert cells[pair] == number(row["priority"]), row
            changed += bool(before) and before != row["priority"]
            before, rows = row["priority"], rows + 1
    sys.stdout.write(f"{rows} rows, {changed} of them with another priority than before, {len(cells)} cells\n")
    assert (rows > 90_000, changed > 100, len(cells)) == (True, True, 8)


@pytest.mark.parametrize("kind", ["zendesk", "jira"])
def test_stopped_in_april(kind: str, served: Path, full: bool, tmp_path: Path) -> None:
    arguments = ["--scenario", "incidents", "--incidents", str(served), "--site", f"desk={kind}"]
    arguments += ["--start", STOP.isoformat(), "--options", json.dumps({"desk": UNHURRIED[kind]})]
    courses = dict(incidents(served))
    with SandboxProcess(*arguments) as client:
        desk = Installation(client, kind, tmp_path, starter_folder())
        open_now = [row for row in client.view("desk") if row["status"] not in {"solved", "closed"}]
        passes = [desk.sync()]
        while passes[-1]["written"]:
            passes.append(desk.sync())
        first, second = passes[0], passes[-1]
        agreed = agreement(client, courses)
        client.advance(LATER)
        later = desk.sync()
        raised = agreement(client, courses)
    sys.stdout.write(f"{kind}: {len(open_now)} open, first {first}, second {second}, ten days on {later}\n")
    sys.stdout.write(f"{kind}: priorities agree on {agreed} tickets, ten days on {raised}\n")
    assert len(open_now) == (1480 if full else SAMPLE)
    assert first["written"] > 0
    assert (second["written"], second["held"]) == (0, 0)
    assert len(passes) <= 2 + len(open_now) // READ_BACK.get(kind, len(open_now) + 1)
    assert later["written"] > 0
    assert first["failed"] == second["failed"] == 0


def agreement(client: SandboxClient, courses: Mapping[str, list[Mapping[str, str]]]) -> int:
    """Compare every open ticket's priority with the recorded one; return how many were compared."""
    names = {ticket: name for name, ticket in client.handles("desk").items()}
    at, compared = client.now(), 0
    for row in client.view("desk"):
        then = recorded(courses[names[row["ticket"]]], at)
        if row["status"] in {"solved", "closed"} or not known(then):
            continue
        assert row["priority"] == f"P{number(then['priority'])}", (row["ticket"], then)
        compared += 1
    return compared
