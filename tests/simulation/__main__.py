"""``scripts/simulate``: days at the helpdesks, seed by seed; the same seed gives the same trace, byte for byte."""

# ruff: noqa: T201 - a program that prints
from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.crash.lab import room
from tests.lab.office import empty_state
from tests.simulation.run import Day, Report, simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, metavar="N", help="how many days that count (default 300)")
    parser.add_argument("--hours", type=float, default=24.0, help="simulated hours of a day (default 24)")
    parser.add_argument("--first", type=int, default=1, metavar="SEED", help="the first seed")
    parser.add_argument("--seed", type=int, help="play this day alone, twice")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="with --seed: write what happened, a fact per line")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--replay-every", type=int, default=10, metavar="N", help="play every n-th day twice")
    given = parser.parse_args()
    folder = room()
    try:
        template = empty_state(folder / "empty.db")
        if given.seed is not None:
            return _alone(given, folder, template)
        return _many(given, folder, template)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _alone(given: argparse.Namespace, folder: Path, template: Path) -> int:
    first = _play(Day(seed=given.seed, hours=given.hours, folder=folder / "a", template=template), given.trace)
    again = _play(Day(seed=given.seed, hours=given.hours, folder=folder / "a", template=template), None)
    _tell(first)
    same = first.digest == again.digest
    print(f"trace {first.digest}, played again: {'identical' if same else again.digest}")
    return int(bool(first.violation) or not same)


def _play(day: Day, trace: Path | None) -> Report:
    if trace is None:
        return simulate(day)
    with trace.open("w", encoding="utf-8") as out:
        return simulate(Day(seed=day.seed, hours=day.hours, folder=day.folder, template=day.template, trace=out))


def _many(given: argparse.Namespace, folder: Path, template: Path) -> int:
    began = time.perf_counter()
    reports: list[Report] = []
    replayed: dict[int, str] = {}
    wrong = 0
    print("seed events requests writes turns deaths alarms")
    with multiprocessing.get_context("fork").Pool(given.workers) as pool:
        for again, report in pool.imap(_job, _jobs(given, folder, template)):
            if again:
                wrong += replayed[report.seed] != report.digest
                if replayed[report.seed] != report.digest:
                    print(f"seed {report.seed}: played again it went another way")
                continue
            replayed[report.seed] = report.digest
            reports.append(report)
            _tell(report)
            wrong += bool(report.violation)
            if sum(r.counts for r in reports) >= given.seeds:
                break
        pool.terminate()
    counted = [r for r in reports if r.counts]
    print(
        f"{len(counted)} days of {given.hours:g} h ({len(reports) - len(counted)} more had fewer than 20 writes) in "
        f"{time.perf_counter() - began:.0f} s: {sum(r.events for r in counted)} events, "
        f"{sum(r.requests for r in counted)} requests, {sum(r.writes for r in counted)} writes, "
        f"{sum(r.deaths for r in counted)} deaths; {wrong} wrong"
    )
    if len(counted) < given.seeds:
        print(f"only {len(counted)} of {given.seeds} days count: the others have too few writes to show anything")
    return int(bool(wrong) or len(counted) < given.seeds)


def _jobs(given: argparse.Namespace, folder: Path, template: Path) -> Iterator[tuple[bool, Day]]:
    for number in range(given.seeds * 2):
        seed = given.first + number
        day = Day(seed=seed, hours=given.hours, folder=folder / f"{seed}", template=template)
        yield False, day
        if number % given.replay_every == 0:
            yield True, Day(seed=seed, hours=given.hours, folder=folder / f"{seed}-again", template=template)


def _job(job: tuple[bool, Day]) -> tuple[bool, Report]:
    again, day = job
    return again, simulate(day)


def _tell(report: Report) -> None:
    alarms = " ".join(f"{kind}:{count}" for kind, count in sorted(report.alarms.items())) or "-"
    note = "" if report.counts else "  (does not count)"
    print(
        f"{report.seed:>4} {report.events:>6} {report.requests:>8} {report.writes:>6} {report.turns:>5}"
        f" {report.deaths:>6} {alarms}{note}",
        flush=True,
    )
    if report.violation:
        print(f"     BROKEN {report.violation}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
