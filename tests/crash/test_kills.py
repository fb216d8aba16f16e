"""A sample of ``scripts/crash``; the run that releases are judged by makes four hundred kills."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.crash.failpoints import BOUNDARIES

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ("--scenarios", "8", "--kills", "5", "--plays", "1", "--workers", "1")


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
    assert int(rows["kills"]) >= 8
    assert set(rows) == {*BOUNDARIES, "kills"}
