"""Repetitions: every client in a process of its own, interleaved, so that a slow minute slows all of them alike."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Result = dict[str, Any]
Results = dict[str, list[Result]]
"""Client → what each repetition measured."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A middle value with its range."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the median and the extremes."""
        return cls(statistics.median(values), min(values), max(values))


def run(section: str, name: str, site: dict[str, Any]) -> Result:
    """Run one client once; raises ``RuntimeError`` with its last words when it fails."""
    command = [sys.executable, "-m", "scripts.benchmarks.client", section, name]
    done = subprocess.run(command, input=json.dumps(site), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{section}: {name} failed:\n{done.stderr[-3000:]}")
    result: Result = json.loads(done.stdout)
    return result


def interleaved(section: str, names: Sequence[str], site: dict[str, Any], *, reps: int) -> Results:
    """Run A, B, C, then A, B, C again."""
    results: Results = defaultdict(list)
    for rep in range(reps):
        for name in names:
            print(f"\r  {section}, repetition {rep + 1} of {reps}: {name:<40}", end="", file=sys.stderr, flush=True)
            results[name].append(run(section, name, site))
    print("\r" + " " * 90 + "\r", end="", file=sys.stderr, flush=True)
    return results


def per_ticket(results: Sequence[Result], tickets: int, *, of: str = "cpu") -> Spread:
    """Return microseconds per ticket."""
    return Spread.of([result[of] / tickets * 1e6 for result in results])


def ratio(results: Results, above: str, below: str, *, of: str = "cpu") -> Spread:
    """Return how many times as much ``above`` takes as ``below``, paired within each repetition."""
    return Spread.of([a[of] / b[of] for a, b in zip(results[above], results[below], strict=True)])


def agree(results: Results) -> bool:
    """Return whether every client that made rows made the same rows."""
    return len({(r["count"], r["sum"]) for found in results.values() for r in found if r["sum"] is not None}) <= 1
