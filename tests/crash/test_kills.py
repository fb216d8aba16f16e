"""A sample of ``scripts/crash``; the run that releases are judged by makes four hundred kills."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.crash.failpoints import BOUNDARIES
from tests.crash.lab import Result, never_struck, too_few_again

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ("--scenarios", "6", "--kills", "5", "--plays", "1", "--workers", "1")


def test_fault_58_a_kill_at_any_boundary_says_nothing_twice_and_loses_nothing() -> None:
    """The process dies by SIGKILL wherever it stands; what it had begun is ended once, by the next one.

    In a process of its own: it forks, which wants a process without threads.
    """
    command = [sys.executable, "-m", "tests.crash", *SAMPLE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {
        row.split()[0]: row.split()[-1] for row in done.stdout.splitlines() if row.split()[0] in {*BOUNDARIES, "kills"}
    }
    assert int(rows.pop("kills")) >= 6
    assert set(rows) == set(BOUNDARIES)
    assert sum(1 for kills in rows.values() if int(kills)) >= 5, "the deaths are spread over the boundaries"


def telling(*killed: str, vendor: str = "jira") -> Result:
    return Result(vendor=vendor, seed=1, killed=list(killed), offered=["backup", "applied"])


def test_a_boundary_that_was_reached_and_never_struck_is_named() -> None:
    """A run whose kills never come to one of the boundaries has not shown what it is run for."""
    told = [telling("backup"), telling("backup", "applied", vendor="zendesk")]
    assert never_struck(told, wished=40) == ["jira applied"]
    assert never_struck([*told, telling("applied")], wished=40) == []


def test_a_small_run_need_not_strike_everywhere() -> None:
    assert never_struck([telling("backup")], wished=19) == []


def test_a_long_run_that_hardly_ever_kills_a_recovery_is_no_success() -> None:
    """Four kills of which one came during recovery are enough, five are not; a short run is not judged."""
    told = [
        Result(vendor="jira", seed=1, killed=["backup"] * 3),
        Result(vendor="zendesk", seed=1, killed=["sent"], again=1),
    ]
    assert too_few_again(told, wished=400) == ""
    assert "1 of 5 kills" in too_few_again([*told, telling("backup")], wished=400)
    assert too_few_again([*told, telling("backup")], wished=399) == ""
