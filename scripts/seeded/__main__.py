"""Plant each listed defect in a copy of the project, run the tests that should notice, print the table."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scripts.seeded.catalogue import ROOT, Defect, defects, unguarded

PATIENCE = 900
"""Seconds for the tests of one defect: one that hangs is noticed as well, but late."""

NOTICED, PASSED = 1, 0  # pytest's exit codes; every other one means that the tests did not run


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of one defect."""

    defect: Defect
    caught: bool
    said: str
    took: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when every chosen defect is noticed."""
    wanted = _arguments(arguments)
    chosen = [d for d in defects() if wanted.only in f"{d.id} {d.listed} {d.file}"]
    if wanted.list:
        for defect in chosen:
            print(f"{defect.id:<36} {defect.file:<48} {' '.join(map(str, defect.faults))}")
        return 0
    if not chosen:
        print(f"no defect has {wanted.only!r} in its name", file=sys.stderr)
        return 64
    if not _sound(chosen):
        return 1
    with ThreadPoolExecutor(wanted.jobs) as pool:
        seen = list(pool.map(_told, chosen))
    return _table(seen)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/defects", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME", help="those whose name or file contains NAME")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--list", action="store_true", help="name them and plant nothing")
    return parser.parse_args(arguments)


def _sound(chosen: Sequence[Defect]) -> bool:
    """Tell whether the tests pass while nothing is planted: otherwise their failing would prove nothing."""
    tests = sorted({test for defect in chosen for test in defect.tests})
    print(f"{len(tests)} tests on the sound project …", flush=True)
    with tempfile.TemporaryDirectory(prefix="connector-sound-") as folder:
        code, said = _run(_copy(Path(folder)), tests)
    if code != PASSED:
        print(f"they do not pass as it is: {said}", file=sys.stderr)
    return code == PASSED


def _told(defect: Defect) -> Seen:
    seen = _try(defect)
    print(f"{'caught' if seen.caught else 'MISSED':<7} {seen.took:6.1f} s  {defect.id}: {seen.said}", flush=True)
    return seen


def _try(defect: Defect) -> Seen:
    began = time.perf_counter()
    problem = defect.problem()
    if problem:
        return Seen(defect=defect, caught=False, said=f"cannot be planted: {problem}", took=0.0)
    with tempfile.TemporaryDirectory(prefix="connector-defect-") as folder:
        root = _copy(Path(folder))
        defect.plant(root)
        code, said = _run(root, defect.tests)
    return Seen(defect=defect, caught=code == NOTICED, said=said, took=time.perf_counter() - began)


def _copy(folder: Path) -> Path:
    """Copy what the tests need, beside the reference data if it is there, and return the copy's root."""
    root = folder / "project"
    # what is compiled comes along: its sources keep their times, and a planted one is newer and compiled anew
    skip = shutil.ignore_patterns(".git", ".venv", ".*_cache", ".hypothesis", "connector-demo")
    shutil.copytree(ROOT, root, ignore=skip, symlinks=True)
    data = ROOT.parent / "shared"
    if data.is_dir():
        (folder / "shared").symlink_to(data)
    return root


def _run(root: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Run ``tests`` in ``root``; return pytest's exit code and its last telling line."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return NOTICED, f"its tests hung for {PATIENCE} s"
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    failed = next((line for line in lines if line.startswith(("FAILED", "ERROR"))), "")
    return done.returncode, (failed or (lines[-1] if lines else done.stderr.strip()[-200:]))[:160]


def _table(seen: Sequence[Seen]) -> int:
    missed = [s for s in seen if not s.caught]
    print(f"\n{'defect':<36} {'faults':<10} {'noticed by':<90} {'s':>6}")
    for s in seen:
        faults = " ".join(map(str, s.defect.faults)) or "-"
        print(f"{s.defect.id:<36} {faults:<10} {s.said if s.caught else 'MISSED: ' + s.said:<90} {s.took:6.1f}")
    for entry in unguarded():
        print(f"{'(no guard of ours)':<36} {' '.join(map(str, entry.faults)):<10} {entry.why}")
    print(f"\n{len(seen)} planted, {len(seen) - len(missed)} caught, {len(missed)} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
