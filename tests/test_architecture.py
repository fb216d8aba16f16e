"""The house's walls: the contracts hold, and each is seen to fail when somebody breaks it."""

from __future__ import annotations

import ast
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "connector"

PLANTS = {
    "The house: each layer imports only those below it": (
        "engine/apply.py",
        "from connector.helpdesks.jira import adapter",
    ),
    "The vendors' packages do not know each other": (
        "helpdesks/zendesk/wire.py",
        "from connector.helpdesks.jira import wire",
    ),
    "The domain is pure": ("domain/decide.py", "import requests"),
    "The sandbox shares nothing with the adapters": (
        "sandbox/people.py",
        "from connector.helpdesks.transport import outcome",
    ),
    "Documents are read by settings and policy files only": (
        "journal/runs.py",
        "from connector.documents import parse",
    ),
}

LONGER = {
    "connector/domain/policy.py": "the policy's values and nothing else",
    "connector/bootstrap/connector.py": "what every command calls",
    "connector/engine/reconcile.py": "one pass over one site, read from top to bottom",
    "connector/journal/sql.py": "the journal's port, a line or two for each of its methods",
    "connector/journal/tables.py": "every table in one place: the schema is read as a whole",
    "connector/helpdesks/zendesk/shapes.py": "the shapes of one vendor's answers",
    "connector/helpdesks/jira/structs.py": "the shapes of one vendor's answers",
    "connector/helpdesks/memory/world.py": "one world: its people, its updates and its faults",
}
"""Modules over 300 lines, with the reason."""


def lint(folder: Path) -> tuple[int, str]:
    """Check the contracts of the package in ``folder``."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"}
    done = subprocess.run(
        [*command, "--no-cache", "--config", str(folder / "pyproject.toml")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(PACKAGE, folder / "connector", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.fixture
def planted(copy: Path) -> Iterator[Path]:
    """The package with every wall broken at once; each contract must name its own hole."""
    before: dict[Path, str] = {}
    for file, line in PLANTS.values():
        path = copy / "connector" / file
        before[path] = path.read_text(encoding="utf-8")
        path.write_text(f"{before[path]}\n{line}\n", encoding="utf-8")
    yield copy
    for path, text in before.items():
        path.write_text(text, encoding="utf-8")


def test_the_contracts_hold(copy: Path) -> None:
    code, said = lint(copy)
    assert code == 0, said
    assert "0 broken" in said


def test_each_contract_is_seen_to_fail(planted: Path) -> None:
    code, said = lint(planted)
    assert code == 1, said
    kept = [name for name in PLANTS if f"{name} BROKEN" not in " ".join(said.split())]
    assert kept == [], said
    for file, line in PLANTS.values():
        importer = "connector." + file.removesuffix(".py").replace("/", ".")
        assert f"{importer} -> " in said, (file, line)


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function, docstrings apart."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_sizes(record_property: Callable[[str, object], None]) -> None:
    """Functions stay small and modules readable; the figures stand in the report."""
    lengths = [length for path in modules() for _, length in functions(path) if length]
    median, tenth = statistics.median(lengths), statistics.quantiles(lengths, n=10)[-1]
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if (lines := path.read_text(encoding="utf-8").count("\n")) > 300
    }
    for name, value in (("functions", len(lengths)), ("median", median), ("p90", tenth), ("longer modules", long)):
        record_property(name, str(value))
    assert median <= 8
    assert tenth <= 25
    assert set(long) <= set(LONGER), long
    assert max(long.values(), default=0) <= 400, long
