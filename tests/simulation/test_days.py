"""A few days of ``scripts/simulate``; three hundred are played in the run that releases are judged by."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.office import empty_state
from tests.simulation.run import Day, Report, simulate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_state(tmp_path_factory.mktemp("state") / "empty.db")


def play(seed: int, folder: Path, template: Path, *, hours: float = 10) -> tuple[Report, str]:
    trace = io.StringIO()
    report = simulate(Day(seed=seed, hours=hours, folder=folder / str(seed), template=template, trace=trace))
    return report, trace.getvalue()


@pytest.mark.parametrize("seed", [4, 11])
def test_every_promise_holds_on_a_day_with_faults_people_bots_and_deaths(
    seed: int, tmp_path: Path, template: Path
) -> None:
    report, _ = play(seed, tmp_path, template)
    assert not report.violation
    assert report.writes >= 10
    assert report.deaths


def test_the_same_seed_gives_the_same_day(tmp_path: Path, template: Path) -> None:
    (first, one), (_, two) = (play(3, tmp_path, template, hours=5) for _ in range(2))
    assert one == two
    assert not first.violation
    assert first.requests > 50


def test_a_run_of_which_too_few_days_count_is_no_success() -> None:
    """Days of two hours have few writes: nothing is broken, and nothing was shown.

    In a process of its own: it forks, which wants a process without threads.
    """
    short = ("--seeds", "1", "--hours", "2", "--workers", "1")
    command = [sys.executable, "-m", "tests.simulation", *short]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "0 wrong" in done.stdout, done.stdout + done.stderr
    assert "only 0 of 1 days count" in done.stdout
    assert done.returncode == 1
