"""One simulated helpdesk in a process of its own: real sizes, no limits in the way, answers serialised once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.roster import Roster
from connector.sandbox.scenarios.cast import ROSTER

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NO_LIMIT = 1_000_000_000
FURTHER_FIELDS = 32
"""Custom fields beside those that the policy reads; real accounts have them by the dozen."""


def roster() -> Roster:
    """Return the demo's people in an account with as many ticket fields as real ones have."""
    further = {f"field-{number}": () for number in range(FURTHER_FIELDS)}
    return replace(ROSTER, choices={**ROSTER.choices, **further})


def options(kind: str, tickets: int) -> Mapping[str, Any]:
    """Return the switches of a site that nothing but its size holds back."""
    if kind == "jira":
        return {"load": tickets, "load_fields": 40, "limits": False, "index_lag": (0.0, 0.0)}
    limits = ("account_limit", "update_limit", "incremental_limit", "search_export_limit", "audit_limit")
    return {
        **dict.fromkeys(limits, NO_LIMIT),
        "synthetic": tickets,
        "repeat_chance": 0.0,
        "system_touch_chance": 0.0,
    }


def serve(kind: str, tickets: int) -> None:
    """Print where the site is and how to sign in, then serve until standard input ends."""
    module = __import__(f"connector.sandbox.{kind}", fromlist=["build"])
    spec = SiteSpec(name=kind, kind=kind, build=module.build, roster=roster(), options=options(kind, tickets))
    with Sandbox((spec,), ClockOptions(start=START, mode="manual")) as sandbox:
        print(json.dumps(sandbox.describe()["sites"][kind]), flush=True)
        sys.stdin.read()


@contextmanager
def running(kind: str, tickets: int) -> Iterator[dict[str, Any]]:
    """Run a site in another process; what it prints when ready is yielded."""
    command = [sys.executable, "-m", "scripts.benchmarks.server", kind, str(tickets)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the site has no pipes")
        try:
            told = json.loads(stdout.readline())
            told.pop("people", None)  # thousands of customers that nobody here asks for
            yield told
        finally:
            stdin.close()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
