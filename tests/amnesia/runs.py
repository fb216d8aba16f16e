"""Plays many days with a lost state and prints a table; see ``scripts/amnesia``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from connector.journal import open_journal
from tests.amnesia.story import WAYS, compare, loss_of


def one(template: Path, seed: int) -> tuple[str, str]:
    """Return how the state was lost and what went wrong, if anything did."""
    try:
        return loss_of(seed).way, compare(template, seed)
    except AssertionError as error:
        return loss_of(seed).way, f"a promise was broken: {str(error)[:200]}"


def main(arguments: list[str]) -> int:
    """Play, print and return the exit code."""
    options = argparse.ArgumentParser(prog="scripts/amnesia")
    options.add_argument("--runs", type=int, default=1000)
    options.add_argument("--from", dest="first", type=int, default=0)
    options.add_argument("--workers", type=int, default=2)
    asked = options.parse_args(arguments)
    seeds = range(asked.first, asked.first + asked.runs)
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "state.db"
        open_journal(str(template), least_free=0).close()
        with ProcessPoolExecutor(asked.workers) as pool:
            return _show(zip(seeds, pool.map(partial(one, template), seeds, chunksize=4), strict=True), len(seeds))


def _show(results: Iterator[tuple[int, tuple[str, str]]], asked: int) -> int:
    """Print what went wrong as it is found, how far this is on stderr, and the table."""
    runs: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for seed, (way, told) in results:
        runs[way] += 1
        if told:
            wrong[way] += 1
            print(f"seed {seed} ({way}): {told}", flush=True)  # noqa: T201
        if runs.total() % 20 == 0:
            print(f"{runs.total()} of {asked} runs, {wrong.total()} wrong", file=sys.stderr, flush=True)  # noqa: T201
    for way in WAYS:
        print(f"{way:26} {runs[way]:5} runs {wrong[way]:3} wrong")  # noqa: T201
    print(f"{runs.total()} runs, {wrong.total()} wrong")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
