"""A state on a database server: a row says who holds it, and a server that does not answer is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import OperationalError

from connector.errors import Busy
from connector.journal import open_journal, opening, sqlite
from connector.journal.faults import translate
from connector.journal.sql import SqlJournal
from connector.journal.tables import lease
from tests.journal.samples import SITE


def _shared(tmp_path: Path) -> SqlJournal:
    """Open a state as a database server's is opened: by the lease alone."""
    return opening._open(sqlite.writer_engine(tmp_path / "shared.db"), None, shared=True)


def _expire(connection: Connection) -> None:
    connection.execute(update(lease).values(renewed_at=0))


def _age(connection: Connection, seconds: int) -> int:
    """Make a lease older; return when it was renewed."""
    connection.execute(update(lease).values(renewed_at=lease.c.renewed_at - seconds * 10**6))
    return int(connection.execute(select(lease.c.renewed_at)).scalar_one())


@pytest.mark.parametrize(("age", "renewed"), [(5, False), (16, True)])
def test_a_lease_is_renewed_when_it_grows_old_and_not_with_every_transaction(
    tmp_path: Path, age: int, renewed: bool
) -> None:
    with _shared(tmp_path) as journal:
        before = journal._thread.run(lambda c: _age(c, age))
        after = journal._thread.run(lambda c: int(c.execute(select(lease.c.renewed_at)).scalar_one()))
    assert (after > before) is renewed


def test_a_new_state_has_forgotten_nothing(tmp_path: Path) -> None:
    for journal in (_shared(tmp_path), open_journal("sqlite://")):
        assert journal.forgotten == ""
        journal.close()


def test_who_closes_a_shared_state_lets_the_next_one_in_at_once(tmp_path: Path) -> None:
    _shared(tmp_path).close()
    with _shared(tmp_path), pytest.raises(Busy, match="holds this state"):
        _shared(tmp_path)


def test_who_was_superseded_takes_nothing_from_the_next_one_by_closing(tmp_path: Path) -> None:
    slept = _shared(tmp_path)
    slept._thread.run(_expire)
    with _shared(tmp_path) as awake:
        with pytest.raises(Busy, match="another process took this state over"):
            slept.open_site(SITE, fingerprint="f")
        slept.close()
        assert awake.records().sites() == ()
        assert awake._thread.run(lambda c: c.execute(select(lease.c.holder)).scalar_one()) != ""


@pytest.mark.parametrize("code", [None, "08006", "57P03"])
def test_a_server_that_does_not_answer_is_named_as_what_to_look_at(code: str | None) -> None:
    refused = RuntimeError("connection refused")
    refused.sqlstate = code
    remedy = "check that the database server runs and that `state` names it"
    assert translate(OperationalError("x", {}, refused)).remedy == remedy
