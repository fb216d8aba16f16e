"""A state on a database server: a row says who holds it, and a server that does not answer is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import OperationalError

from connector.errors import Busy
from connector.journal import opening, sqlite
from connector.journal.faults import translate
from connector.journal.sql import SqlJournal
from connector.journal.tables import lease


def _shared(tmp_path: Path) -> SqlJournal:
    """Open a state as a database server's is opened: by the lease alone."""
    return opening._open(sqlite.writer_engine(tmp_path / "shared.db"), None, shared=True)


def _expire(connection: Connection) -> None:
    connection.execute(update(lease).values(renewed_at=0))


def test_who_closes_a_shared_state_lets_the_next_one_in_at_once(tmp_path: Path) -> None:
    _shared(tmp_path).close()
    with _shared(tmp_path), pytest.raises(Busy, match="holds this state"):
        _shared(tmp_path)


def test_who_was_superseded_takes_nothing_from_the_next_one_by_closing(tmp_path: Path) -> None:
    slept = _shared(tmp_path)
    slept._thread.run(_expire)
    with _shared(tmp_path) as awake:
        slept.close()
        assert awake._thread.run(lambda c: c.execute(select(lease.c.holder)).scalar_one()) != ""


@pytest.mark.parametrize("code", [None, "08006", "57P03"])
def test_a_server_that_does_not_answer_is_named_as_what_to_look_at(code: str | None) -> None:
    refused = RuntimeError("connection refused")
    refused.sqlstate = code
    assert "database server runs" in translate(OperationalError("x", {}, refused)).remedy
