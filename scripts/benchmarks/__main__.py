"""The command behind ``scripts/bench``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from dataclasses import replace
from importlib.metadata import version

from scripts.benchmarks.sections import QUICK, SECTIONS, Sizes
from scripts.benchmarks.tables import Verdicts

LIBRARIES = ("requests", "urllib3", "msgspec", "zenpy", "jira", "sqlalchemy")


def main() -> int:
    """Run the sections that are asked for; 1 with ``--strict`` and a missed target, otherwise 0."""
    given = _parser().parse_args()
    sizes = _sizes(given)
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, {_load()}")
    print(", ".join(f"{name} {version(name)}" for name in LIBRARIES))
    print("CPU is the client's own; ratios are paired within a repetition, median [least..most].")
    verdicts = Verdicts()
    for name in given.only or SECTIONS:
        SECTIONS[name](sizes, verdicts)
    verdicts.show()
    return 1 if given.strict and verdicts.missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure the connector against its targets.")
    add = parser.add_argument
    add("--quick", action="store_true", help="small sizes: to see that it works, not to judge by")
    add("--full", action="store_true", help="decide a million tickets instead of extrapolating")
    add("--tickets", type=int, help="tickets of a pull (10000)")
    add("--reps", type=int, help="interleaved repetitions (5)")
    add("--only", action="append", choices=tuple(SECTIONS), metavar="SECTION", help=", ".join(SECTIONS))
    add("--strict", action="store_true", help="end with 1 when a target is missed")
    return parser


def _sizes(given: argparse.Namespace) -> Sizes:
    sizes = QUICK if given.quick else Sizes()
    asked = {name: getattr(given, name) for name in ("tickets", "reps") if getattr(given, name)}
    if given.full:
        asked["decided"] = 1_000_000
    return replace(sizes, **asked)


def _load() -> str:
    busy = os.getloadavg()[0]
    return f"load {busy:.1f}" + (": busy, trust the ratios and not the times" if busy > 1 else "")


if __name__ == "__main__":
    sys.exit(main())
