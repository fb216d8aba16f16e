"""Mutation scores of the code that the promises rest on, part by part; the mutations and their running are mutmut's.

A change is switched on after everything was imported: one in a function that runs at import alone is noticed by nobody.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[2]
LEAST = 0.90
NOTICED = frozenset({1, 3, 24, 36, -24, 152, 255})
"""mutmut's codes for a change that some test noticed, by failing or by never ending."""
UNTRIED = -1


_SEVERAL_TIMES = """
_QUICK = settings.get_profile("quick")
settings.register_profile("quick", _QUICK, suppress_health_check=list(HealthCheck))
"""
"""mutmut runs every test several times in one process, each time with a new instance, at which Hypothesis balks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Source files that are changed together, and the tests that have to notice."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


def _journal(*names: str) -> tuple[str, ...]:
    return tuple(f"connector/journal/{name}.py" for name in names)


def _journal_tests(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/journal/test_{name}.py" for name in names)


_OF_TICKETS = "asides control documents intents outbox pages recall records unchanged verdicts waiting"
_OF_THE_PORT = "asides backup control erasure found intents late_hands links outbox pages recall records"

PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "outcome": Part(
            files=("connector/helpdesks/transport/outcome.py",),
            tests=("tests/helpdesks/test_outcome.py", "tests/helpdesks/test_transport.py"),
        ),
        "origin": Part(
            files=("connector/helpdesks/transport/origin.py",),
            tests=("tests/helpdesks/test_origin.py", "tests/helpdesks/test_transport.py"),
        ),
        "guard": Part(
            files=("connector/domain/guard.py",),
            tests=("tests/domain/test_plan.py", "tests/domain/test_guard.py"),
        ),
        "ownership": Part(
            files=(
                "connector/domain/ownership.py",
                "connector/domain/claims.py",
                "connector/domain/standoffs.py",
                "connector/domain/flapping.py",
            ),
            tests=(
                "tests/domain/test_ownership.py",
                "tests/domain/test_plan.py",
                "tests/domain/test_semantics.py",
                "tests/domain/test_holds.py",
                "tests/domain/test_standoffs.py",
                "tests/domain/test_priority.py",
                "tests/domain/test_unread.py",
                "tests/domain/test_resuming.py",
            ),
        ),
        "unread": Part(files=("connector/domain/unread.py",), tests=("tests/domain/test_unread.py",)),
        "recover": Part(
            files=("connector/engine/recover.py",),
            tests=("tests/engine/test_recover.py", "tests/engine/test_resend.py"),
        ),
        "intents": Part(
            files=_journal("intents", "outcomes"),
            tests=_journal_tests("intents", "records", "found", "control"),
        ),
        "pages": Part(
            files=_journal("pages", "histories", "endings"),
            tests=_journal_tests("pages", "unchanged", "found", "links", "waiting", "verdicts"),
        ),
        "tickets": Part(
            files=_journal("tickets", "records", "documents", "moments", "statements"),
            tests=_journal_tests(*_OF_TICKETS.split()),
        ),
        "verdicts": Part(
            files=_journal("verdicts", "standoffs"),
            tests=_journal_tests("verdicts", "control", "found", "intents", "asides", "outbox"),
        ),
        "books": Part(
            files=_journal("sites", "audit"),
            tests=_journal_tests("control", "records", "erasure"),
        ),
        "control": Part(
            files=_journal("control", "approvals", "setaside", "runs", "links", "alarms", "outbox"),
            tests=_journal_tests("control", "records", "asides", "outbox", "links"),
        ),
        "recall": Part(
            files=_journal("recalls", "recollection", "strangers", "witness"),
            tests=_journal_tests("recall", "strangers", "late_hands", "witness", "waiting"),
        ),
        "erasure": Part(
            files=_journal("erasure", "naming", "returning", "unreadable"),
            tests=_journal_tests("erasure", "pages"),
        ),
        "opening": Part(
            files=_journal("opening", "lock", "lease", "schema", "sqlite", "worker", "faults", "backup"),
            tests=_journal_tests("opening", "backup", "lock", "shared", "late_hands"),
        ),
        "port": Part(
            files=_journal("__init__", "sql"),
            tests=_journal_tests(*_OF_THE_PORT.split(), "strangers", "unchanged", "verdicts"),
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What became of one file's changes; fewer are ``tried`` than can be ``made`` where a sample was asked for."""

    part: str
    file: str
    noticed: int
    tried: int
    made: int
    took: float

    @property
    def share(self) -> float:
        """Return the noticed share; a file in which nothing was tried has nothing to notice."""
        return self.noticed / self.tried if self.tried else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    """What the command line asks for, the same for every part."""

    jobs: int
    show: bool
    sample: int | None
    seed: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when every chosen part reaches its score."""
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), help="one part")
    parser.add_argument("--show", action="store_true", help="print every change that nobody noticed")
    parser.add_argument("--jobs", type=int, default=2, help="changes tried at a time (2)")
    parser.add_argument("--sample", type=int, help="try this many changes of a part, chosen at random, not all")
    parser.add_argument("--seed", type=int, default=0, help="what a sample is chosen by (0)")
    wanted = parser.parse_args(arguments)
    how = _How(jobs=wanted.jobs, show=wanted.show, sample=wanted.sample, seed=wanted.seed)
    names = [wanted.only] if wanted.only else sorted(PARTS)
    scores = [score for name in names for score in _measure(name, how)]
    if how.sample is not None:
        print(f"\na sample: at most {how.sample} changes of each part, chosen with the seed {how.seed}")
    return _table(scores)


def _measure(name: str, how: _How) -> list[Score]:
    part, began = PARTS[name], time.perf_counter()
    print(f"{name}: {', '.join(part.files)} …", flush=True)
    with tempfile.TemporaryDirectory(prefix="connector-mutate-") as folder:
        root = _copy(Path(folder), part)
        chosen = _chosen(root, part, how)
        done = _mutmut(root, "run", "--max-children", str(how.jobs), *chosen)
        made = {file: _results(root, file) for file in part.files}
        found = {
            file: {each: code for each, code in codes.items() if not chosen or each in chosen}
            for file, codes in made.items()
        }
        if not any(found.values()) or any(code == UNTRIED for codes in found.values() for code in codes.values()):
            raise SystemExit(f"{name}: the changes were not tried; the tests said: {done[-2000:]}")
        if how.show:
            _show(root, found)
    took = time.perf_counter() - began
    return [
        Score(
            part=name,
            file=file,
            noticed=sum(code in NOTICED for code in codes.values()),
            tried=len(codes),
            made=len(made[file]),
            took=took,
        )
        for file, codes in found.items()
    ]


def _chosen(root: Path, part: Part, how: _How) -> list[str]:
    """Return the names of the changes that the sample holds; none where all are to be tried."""
    if how.sample is None:
        return []
    done = _mutmut(root, "run", "--max-children", str(how.jobs), "none of them")
    made = sorted(each for file in part.files for each in _results(root, file))
    if not made:
        raise SystemExit(f"no changes were made; the tests said: {done[-2000:]}")
    return random.Random(how.seed).sample(made, min(how.sample, len(made)))


def _copy(folder: Path, part: Part) -> Path:
    """Copy the project with the part's own settings for mutmut, beside the reference data if it is there."""
    root = folder / "project"
    skip = shutil.ignore_patterns(
        ".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "connector-demo", "mutants"
    )
    shutil.copytree(ROOT, root, ignore=skip, symlinks=True)
    data = ROOT.parent / "shared"
    if data.is_dir():
        (folder / "shared").symlink_to(data)
        (root / "shared").symlink_to(data)
    tests = [test for test in part.tests if (root / test).exists()]
    lines = (
        "\n[tool.mutmut]",
        f"source_paths = {json.dumps(part.files)}",
        f"pytest_add_cli_args_test_selection = {json.dumps(tests)}",
        'pytest_add_cli_args = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]',
        'also_copy = ["connector", "mappings", "tests", "scripts", "pyproject.toml", "README.md"]',
    )
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    with (root / "tests" / "conftest.py").open("a", encoding="utf-8") as file:
        file.write(_SEVERAL_TIMES)
    return root


def _mutmut(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _results(root: Path, file: str) -> dict[str, int]:
    """Return the exit code of every change made to ``file``."""
    meta = root / "mutants" / f"{file}.meta"
    if not meta.is_file():
        return {}
    codes: dict[str, int | None] = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return {name: UNTRIED if code is None else code for name, code in codes.items()}


def _show(root: Path, found: Mapping[str, Mapping[str, int]]) -> None:
    for codes in found.values():
        for name, code in codes.items():
            if code not in NOTICED:
                changed = [line for line in _mutmut(root, "show", name).splitlines() if line[:2] in ("- ", "+ ")]
                print(f"  {name} ({code})\n    " + "\n    ".join(changed))


def _table(scores: Sequence[Score]) -> int:
    print(f"\n{'part':<12} {'file':<48} {'made':>6} {'tried':>6} {'noticed':>8} {'score':>7} {'s':>6}")
    for score in scores:
        counts = f"{score.made:>6} {score.tried:>6} {score.noticed:>8} {score.share:>7.1%} {score.took:>6.0f}"
        print(f"{score.part:<12} {score.file:<48} {counts}")
    low = [part for part in {s.part for s in scores} if _share([s for s in scores if s.part == part]) < LEAST]
    print(f"\nbelow {LEAST:.0%}: {', '.join(sorted(low)) or 'none'}")
    return 1 if low else 0


def _share(scores: Sequence[Score]) -> float:
    return sum(s.noticed for s in scores) / max(sum(s.tried for s in scores), 1)


if __name__ == "__main__":
    raise SystemExit(main())
