"""The parts that ``scripts/mutate`` changes are the whole of what they are said to be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from scripts.mutation.__main__ import PARTS

ROOT = Path(__file__).resolve().parents[1]
JOURNAL = ROOT / "connector" / "journal"

NO_LOGIC = {
    "connector/journal/tables.py": "names, types and constraints, made at import, where no change is noticed",
}
"""Modules of the journal that belong to no part, with the reason."""

MIGRATIONS = JOURNAL / "migrations"
"""Steps that have run on states that exist: they are frozen, and run by Alembic, which imports them by path."""


def test_every_module_of_the_journal_belongs_to_one_part() -> None:
    modules = {file.relative_to(ROOT).as_posix() for file in JOURNAL.rglob("*.py") if MIGRATIONS not in file.parents}
    named = Counter(file for part in PARTS.values() for file in part.files if file.startswith("connector/journal/"))
    assert set(named) | set(NO_LOGIC) == modules
    assert not set(named) & set(NO_LOGIC)
    assert set(named.values()) == {1}


def test_a_part_names_only_files_and_tests_that_exist() -> None:
    """A test that was renamed would be left out without a word, and what it noticed with it."""
    named = {path for part in PARTS.values() for path in (*part.files, *part.tests)}
    assert {path for path in named if not (ROOT / path).is_file()} == set()
