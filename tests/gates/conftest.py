"""A journal per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.journal import open_journal
from connector.journal.sql import SqlJournal


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def journal(state: Path) -> Iterator[SqlJournal]:
    with open_journal(str(state), least_free=0) as opened:
        yield opened
