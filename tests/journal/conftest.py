from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.journal import open_journal
from connector.journal.sql import SqlJournal
from tests.journal.samples import FINGERPRINT, SITE


@pytest.fixture
def state(empty_state: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty_state, tmp_path / "state.db"))


@pytest.fixture
def reopen(state: Path) -> Iterator[Callable[[], SqlJournal]]:
    """Opens the state, again and again: the one before is closed first."""
    opened: list[SqlJournal] = []

    def again() -> SqlJournal:
        for journal in opened:
            journal.close()
        opened.append(open_journal(str(state), least_free=0))
        return opened[-1]

    yield again
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(reopen: Callable[[], SqlJournal]) -> SqlJournal:
    opened = reopen()
    opened.open_site(SITE, fingerprint=FINGERPRINT)
    return opened
