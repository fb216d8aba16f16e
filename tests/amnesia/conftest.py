from __future__ import annotations

from pathlib import Path

import pytest

from connector.journal import open_journal


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new state with its tables."""
    path = tmp_path_factory.mktemp("amnesia") / "state.db"
    open_journal(str(path), least_free=0).close()
    return path
