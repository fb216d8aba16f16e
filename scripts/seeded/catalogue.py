"""The list of defects that the tests must notice: ``tests/defects/*.toml``, read and checked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "defects"
_FAULT_TEST = re.compile(r"^ *def (test_fault_(\d\d)_\w+)\(", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One change that a careless hand might make.

    Attributes:
        id: Its short name, unique.
        faults: Numbers of the faults whose guard it takes out; may be empty.
        file: The source file, relative to the project's root.
        old: Text that stands exactly once in ``file``.
        new: What stands there instead.
        tests: What must fail, as pytest names it.
        listed: The file that lists it.
    """

    id: str
    faults: tuple[int, ...]
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    listed: str

    def problem(self, root: Path = ROOT) -> str:
        """Return why the defect cannot be planted in ``root``; empty when it can."""
        path = root / self.file
        if not path.is_file():
            return f"{self.file} does not exist"
        found = path.read_text(encoding="utf-8").count(self.old)
        if found != 1:
            return f"its text stands {found} times in {self.file}, not once"
        if self.old == self.new:
            return "it changes nothing"
        missing = [test for test in self.tests if not (root / test.partition("::")[0]).is_file()]
        return f"no such test: {missing[0]}" if missing else "" if self.tests else "it names no test"

    def notices(self, fault: int) -> bool:
        """Return whether one of ``tests`` is named after the fault of this number."""
        return any(test.rpartition("::")[2].startswith(f"test_fault_{fault:02d}_") for test in self.tests)

    def plant(self, root: Path) -> None:
        """Write the defect into the copy at ``root``."""
        path = root / self.file
        path.write_text(path.read_text(encoding="utf-8").replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unguarded:
    """Faults that nothing of ours guards against: their tests hold the outcome alone."""

    faults: tuple[int, ...]
    why: str


def defects(folder: Path = FOLDER) -> tuple[Defect, ...]:
    """Return every listed defect, in the order of the files."""
    return tuple(
        Defect(
            id=entry["id"],
            faults=tuple(entry.get("fault", ())),
            file=entry["file"],
            old=entry["old"],
            new=entry["new"],
            tests=tuple(entry["tests"]),
            listed=path.name,
        )
        for path, document in _documents(folder)
        for entry in document.get("defect", ())
    )


def unguarded(folder: Path = FOLDER) -> tuple[Unguarded, ...]:
    """Return the faults that have no guard to take out, with the reason."""
    return tuple(
        Unguarded(faults=tuple(entry["fault"]), why=entry["why"])
        for _, document in _documents(folder)
        for entry in document.get("unguarded", ())
    )


def fault_tests(root: Path = ROOT) -> dict[int, list[str]]:
    """Return the tests named after each fault: number → names, as pytest writes them."""
    found: dict[int, list[str]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        for name, number in _FAULT_TEST.findall(path.read_text(encoding="utf-8")):
            found.setdefault(int(number), []).append(f"{path.relative_to(root)}::{name}")
    return found


def _documents(folder: Path) -> Iterator[tuple[Path, dict[str, list[dict[str, Any]]]]]:
    for path in sorted(folder.glob("*.toml")):
        yield path, tomllib.loads(path.read_text(encoding="utf-8"))
