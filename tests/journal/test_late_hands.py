"""What comes too late, twice or from elsewhere moves nothing: rows that are settled, gone, or never were."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, Text, bindparam, create_engine, insert, select, update
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from connector.domain.marks import Mark
from connector.domain.ticket import Status, TicketRef
from connector.errors import Busy, ConfigError, ConnectorError, Problem
from connector.journal import has_room as journals_disk_has_room
from connector.journal import (
    intents,
    open_journal,
    open_records,
    open_scratch,
    opening,
    sqlite,
    state_file,
    statements,
)
from connector.journal.documents import mapping_document
from connector.journal.erasure import FACTS_OF_CLOSED
from connector.journal.faults import translate
from connector.journal.lock import StateLock
from connector.journal.sql import SqlJournal
from connector.journal.sqlite import has_room
from connector.journal.tables import op as op_table
from connector.journal.worker import JournalThread, Reader
from connector.ports import AsideKind, Op, OpStatus, SetAside, TicketHistory
from tests.domain.policies import POLICY
from tests.journal.samples import MINUTE, NOW, SITE, comment, receipt, store, ticket, write


def armed(journal: SqlJournal) -> Op:
    store(journal, ticket("1"))
    (op,) = journal.arm(SITE, [(write("1", "k1", comment=comment()), "digest")], run="r1", now=NOW)
    return op


def lines(journal: SqlJournal) -> list[str]:
    return [line.kind for line in journal.records().events(site=SITE)]


def test_what_is_done_is_moved_by_nobody(journal: SqlJournal) -> None:
    op = armed(journal)
    journal.settle(op, receipt(), now=NOW)
    before = lines(journal)
    journal.settle(op, receipt(), now=NOW + MINUTE)
    with pytest.raises(ConnectorError, match="a write that is done cannot become failed"):
        journal.conflict(op, "too late", now=NOW + MINUTE)
    assert lines(journal) == before
    outcomes = {said.outcome for said in journal.load(SITE, ["1"], now=NOW)[0].said.values()}
    assert outcomes == {"done"}


def test_what_has_failed_fails_once(journal: SqlJournal) -> None:
    op = armed(journal)
    journal.conflict(op, "changed", now=NOW)
    before = lines(journal)
    journal.conflict(op, "again", now=NOW)
    journal.withdraw(op, "again", now=NOW)
    journal.drop(op, now=NOW, actor="anna")
    journal.reject(op, "again", now=NOW)
    journal.fail(op, OpStatus.FAILED, "again", now=NOW)
    assert lines(journal) == before
    assert journal.records().ops(site=SITE)[0].why == "changed"
    assert journal.load(SITE, ["1"], now=NOW)[0].said == {}


def test_what_is_parked_is_parked_once(journal: SqlJournal) -> None:
    op = armed(journal)
    for why in ("unclear", "again"):
        journal.fail(op, OpStatus.PARKED, why, now=NOW)
    assert lines(journal).count("parked") == 1
    assert journal.records().ops(site=SITE)[0].why == "unclear"


FATES = ["done", "drop", "park", "withdraw", "reject"]


@pytest.mark.parametrize("fate", FATES)
def test_a_write_to_a_ticket_that_is_forgotten_is_settled_all_the_same(journal: SqlJournal, fate: str) -> None:
    store(journal, ticket("1", status=Status.CLOSED))
    given = write("1", "k1", comment=comment())
    (op,) = journal.arm(SITE, [(given, "digest")], run="r1", now=NOW)
    journal.purge(now=NOW + FACTS_OF_CLOSED + timedelta(days=1), most=10)
    assert journal.load(SITE, ["1"], now=NOW) == ()
    match fate:
        case "done":
            journal.settle(op, receipt(), now=NOW)
        case "drop":
            journal.drop(op, now=NOW, actor="anna")
        case "park":
            journal.fail(op, OpStatus.PARKED, "unclear", now=NOW)
        case "withdraw":
            journal.withdraw(op, "old news", now=NOW)
        case _:
            journal.reject(op, "closed", now=NOW)
    expected = {"done": OpStatus.DONE, "park": OpStatus.PARKED}.get(fate, OpStatus.FAILED)
    assert journal.records().ops(site=SITE)[0].status is expected


def test_a_row_that_somebody_armed_meanwhile_is_not_armed_again(journal: SqlJournal) -> None:
    op = armed(journal)
    journal.fail(op, OpStatus.FAILED, "429", now=NOW)

    def twice(connection: object) -> None:
        row = connection.execute(select(op_table)).one()  # type: ignore[attr-defined]
        sending = update(op_table).values(status=OpStatus.SENDING.value)
        connection.execute(sending)  # type: ignore[attr-defined]
        intents._arm_failed(connection, row, {"run": "r2"})  # type: ignore[arg-type]

    with pytest.raises(Busy, match="not known yet"):
        journal._run(twice)


def test_what_was_taken_back_is_not_taken_back_again(journal: SqlJournal) -> None:
    item = SetAside(kind=AsideKind.TICKET, ticket="1", why="not shown", since=NOW)
    journal.set_aside(SITE, [item])
    journal.take_back(SITE, [item, replace(item, ticket="2")], now=NOW)
    journal.take_back(SITE, [item], now=NOW)
    assert lines(journal).count("taken-back") == 1


def test_lifting_no_pause_leaves_no_line(journal: SqlJournal) -> None:
    before = lines(journal)
    journal.lift(SITE, now=NOW, actor="anna")
    assert lines(journal) == before


def test_an_account_that_is_only_a_fact_changes_nothing(journal: SqlJournal) -> None:
    store(journal, ticket("1", facts={"seats": "502"}, requester="7"))
    assert journal.erase(SITE, account="502").rows == 0


def test_another_state_in_the_place_of_ours_is_noticed(state: Path, tmp_path: Path) -> None:
    with open_journal(str(state), least_free=0) as journal:
        journal.open_site(SITE, fingerprint="f")
    elsewhere = tmp_path / "elsewhere.db"
    with open_journal(str(elsewhere), least_free=0) as journal:
        journal.open_site(SITE, fingerprint="f")
    shutil.copy(elsewhere, state)
    with open_journal(str(state), least_free=0) as journal:
        assert journal.forgotten == "another state was put in the place of this one"


def test_a_lock_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConnectorError) as refused:
        StateLock(tmp_path / "file" / "state.db.lock")
    assert refused.value.remedy == "make the state's folder writable"


def test_an_error_without_a_code_is_an_error_all_the_same() -> None:
    error = translate(DBAPIError("SELECT 1", {}, Exception("of a driver that gives no code")))
    assert type(error) is ConnectorError
    assert error.remedy == "see the log for the first error of this run"


def test_what_no_document_can_hold_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="complex"):
        mapping_document({"value": 1j})  # type: ignore[dict-item]


@pytest.mark.parametrize("url", ["mysql://user@host/name", "no scheme at all://", "oracle://host"])
def test_an_address_that_is_none_of_ours_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        open_journal(url)


def test_a_journal_is_closed_once_and_then_answers_nothing(state: Path) -> None:
    journal = open_journal(str(state), least_free=0)
    journal.close()
    journal.close()
    journal._thread.close()
    for work in (journal._thread.compact, lambda: journal._thread.run(lambda _: None)):
        with pytest.raises(ConnectorError) as refused:
            work()
        assert str(refused.value) == "the journal is closed"


@pytest.mark.parametrize("url", ["sqlite:///{place}/state.db", "sqlite://", "postgresql://owner@host/state"])
def test_a_state_has_room_on_a_disk_that_has_and_a_server_looks_after_its_own(tmp_path: Path, url: str) -> None:
    assert journals_disk_has_room(url.format(place=tmp_path))


def test_a_disk_that_cannot_be_asked_has_room(tmp_path: Path) -> None:
    assert has_room(tmp_path / "nowhere" / "state.db")


def test_a_place_in_memory_has_no_file() -> None:
    assert state_file("sqlite://") is None
    assert state_file("postgresql://user@host/name") is None
    assert state_file("sqlite:///a.db") == Path("a.db")


def test_marks_of_a_ticket_that_is_not_known_teach_nothing(journal: SqlJournal) -> None:
    before = lines(journal)
    ref = TicketRef(SITE, "404")
    told = TicketHistory(ref=ref, events=(), read_until=NOW, marks=(Mark(at=NOW, key="k", refs=frozenset({"R1"})),))
    journal.recall(SITE, [told], policy=POLICY, now=NOW)
    journal.recall("elsewhere", [told], policy=POLICY, now=NOW)
    assert lines(journal) == before
    assert journal.records().ops(site=SITE) == ()


def test_a_memory_that_cannot_be_read_and_a_site_that_is_not_known_recall_nothing(journal: SqlJournal) -> None:
    store(journal, ticket("1"))
    unreadable = Mark(at=NOW, refs=frozenset({"R1"}), public=False, memory="no memory of ours")
    told = TicketHistory(ref=TicketRef(SITE, "1"), events=(), read_until=NOW, marks=(unreadable,))
    journal.recall(SITE, [told], policy=POLICY, now=NOW)
    assert journal.load(SITE, ["1"], now=NOW)[0].state.path is None
    assert journal.end_recall("elsewhere", policy_hash=POLICY.hash, now=NOW).is_over


def test_a_state_on_a_network_file_system_is_refused(tmp_path: Path) -> None:
    mounts = f"36 35 0:36 / {tmp_path.resolve()} rw - nfs4 server:/x rw\n"
    with pytest.raises(ConfigError) as refused:
        sqlite._refuse_network(tmp_path / "state.db", mounts)
    path = tmp_path / "state.db"
    told = f"{path}: the state is on a network file system (nfs4), where SQLite cannot keep it safe"
    remedy = "move the state to a local disk, or use PostgreSQL"
    assert refused.value.problems == (Problem(file="connector.yaml", key="state", message=told, remedy=remedy),)
    assert sqlite._mounts(tmp_path / "no such table") == ""
    (tmp_path / "table").write_bytes(b"/mnt/\xff\xc3\xa9")
    assert sqlite._mounts(tmp_path / "table") == "/mnt/\ufffd\xe9", "a name in another encoding hides no other"


def test_a_state_of_another_account_is_refused_with_both_named(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch()
    sqlite._refuse_strangers(path)
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        path = Path("/")  # the system's own
    with pytest.raises(ConnectorError) as refused:
        sqlite._refuse_strangers(path)
    told = (
        f"{path}: the state belongs to another account (user {path.stat().st_uid}, this process is user {os.geteuid()})"
    )
    assert str(refused.value) == told
    assert refused.value.remedy == "run the connector as that account, or give the state's folder to this one"


def test_a_database_without_a_write_ahead_log_is_refused() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(ConnectorError, match="no write-ahead log here") as refused:
        sqlite.check_file(connection, Path("state.db"))
    assert refused.value.remedy == "move the state to a local disk"
    engine.dispose()


@pytest.mark.parametrize("opens", [open_journal, open_records, open_scratch])
def test_a_server_without_its_driver_says_so(opens: Callable[[str], object]) -> None:
    if importlib.util.find_spec("psycopg") is not None:
        pytest.skip("the driver is installed")
    with pytest.raises(ConnectorError) as refused:
        opens("postgresql://user@host/name")
    assert str(refused.value) == "the driver for PostgreSQL is not installed"
    assert refused.value.remedy == "install psycopg, or use a SQLite file"


class _Driver(PGDialect):
    """PostgreSQL's side of SQLAlchemy over SQLite's driver; it notes what each new connection is set to."""

    driver = "noting"
    supports_statement_cache = True
    levels: ClassVar[list[str]] = []
    settings: ClassVar[list[str]] = []
    default_isolation_level = "READ COMMITTED"

    @classmethod
    def import_dbapi(cls) -> object:
        return SimpleNamespace(
            Error=sqlite3.Error, paramstyle="qmark", connect=lambda _: _with_settings(sqlite3.connect(":memory:"))
        )

    def create_connect_args(self, url: URL) -> tuple[list[str], dict[str, bool]]:
        assert url.database == "name"
        return [":memory:"], {}

    def initialize(self, connection: Connection) -> None:
        """There is no server to ask."""

    def set_isolation_level(self, dbapi_connection: object, level: str) -> None:
        assert dbapi_connection is not None
        self.levels.append(level)


def _with_settings(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return a connection with a server's settings: whoever runs it has switched ``synchronous_commit`` off."""
    connection.execute("CREATE TABLE pg_settings (name TEXT, setting TEXT)")
    connection.execute("INSERT INTO pg_settings VALUES ('synchronous_commit', 'off')")
    connection.create_function("set_config", 3, lambda _name, value, _is_local: _Driver.settings.append(value))
    connection.commit()
    return connection


class _Gone(Exception):
    """What another driver than SQLite's says when its server is gone."""


class _Unreached(sqlite3.Connection):
    """A connection whose server goes once it is told to: nothing can be committed then, nor rolled back."""

    gone = False

    def commit(self) -> None:
        if self.gone:
            raise _Gone("the server is gone")

    rollback = commit


class _Losing(_Driver):
    """A driver with errors of its own."""

    driver = "losing"

    @classmethod
    def import_dbapi(cls) -> object:
        return SimpleNamespace(
            Error=_Gone,
            paramstyle="qmark",
            connect=lambda _: _with_settings(sqlite3.connect(":memory:", factory=_Unreached)),
        )


def test_a_server_that_goes_during_a_commit_is_a_failure_of_the_state_and_nothing_else() -> None:
    """Tidying up after it fails as well, in the driver's own words; what is told is what failed first."""
    registry.register("postgresql.losing", __name__, "_Losing")
    thread = JournalThread(opening._server_engine(make_url("postgresql+losing://user@host/name")))

    def lose(connection: Connection) -> None:
        connection.connection.driver_connection.gone = True  # type: ignore[union-attr]

    for _ in range(2):  # the next transaction has the same answer, and the thread goes on living
        with pytest.raises(ConnectorError) as refused:
            thread.run(lose)
        assert str(refused.value) == "the state's database failed: the server is gone"
    thread.close()


def test_each_transaction_on_a_server_has_a_connection_of_its_own_that_sees_what_is_committed() -> None:
    registry.register("postgresql.noting", __name__, "_Driver")
    _Driver.levels.clear()
    _Driver.settings.clear()
    engine = opening._server_engine(make_url("postgresql+noting://user@host/name"))
    for _ in range(2):
        with engine.connect():
            pass
    assert _Driver.levels == ["READ COMMITTED"] * 2
    assert _Driver.settings == ["on"] * 2, "each commits to disk"


def test_what_is_read_from_a_server_is_of_one_moment() -> None:
    """A copy of the state is many statements, and a daemon goes on writing beside them."""
    registry.register("postgresql.noting", __name__, "_Driver")
    engine = opening._server_engine(make_url("postgresql+noting://user@host/name"))
    reader = opening._readers(None, engine, None)  # type: ignore[arg-type]
    _Driver.levels.clear()
    assert [reader.run(lambda _: _Driver.levels[-1]) for _ in range(2)] == ["REPEATABLE READ"] * 2
    with engine.connect():
        assert _Driver.levels[-1] == "READ COMMITTED", "the writer goes on as before"


def test_a_copy_and_the_records_of_a_server_are_read_so_as_well() -> None:
    registry.register("postgresql.noting", __name__, "_Driver")
    for opens in (opening.open_scratch, opening.open_records):
        _Driver.levels.clear()
        with suppress(ConnectorError):  # what stands in for the server has no state
            opens("postgresql+noting://user@host/name")
        assert "REPEATABLE READ" in _Driver.levels


def test_a_state_of_a_server_is_copied_row_by_row(journal: SqlJournal, state: Path) -> None:
    """The same tables and statements, whatever database they are read from."""
    store(journal, ticket("1"), ticket("2"))
    engine = create_engine(f"sqlite:///{state}")
    copy = opening._copied(Reader(engine))
    assert copy.known_open(SITE) == {"1", "2"}
    assert copy.load(SITE, ["1"], now=NOW) == journal.load(SITE, ["1"], now=NOW)
    copy.close()
    engine.dispose()


def test_a_server_without_a_state_yet_is_copied_as_an_empty_one() -> None:
    engine = create_engine("sqlite://")
    copy = opening._copied(Reader(engine))
    assert copy.known_open(SITE) == set()
    copy.close()
    engine.dispose()


def test_a_server_that_cannot_be_reached_is_no_fault_of_ours(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'nowhere' / 'state.db'}")
    with pytest.raises(ConnectorError, match="the state's database failed"):
        opening._copied(Reader(engine))
    engine.dispose()


def test_rows_go_by_name_where_a_driver_wants_names(journal: SqlJournal) -> None:
    rows = [{"name": "b", "value": "2"}, {"name": "a", "value": "1"}]

    def named(connection: Connection) -> list[object]:
        connection.exec_driver_sql("CREATE TEMP TABLE named (name TEXT, value TEXT)")
        table = Table("named", MetaData(), Column("name", Text), Column("value", Text))
        values = {"name": bindparam("b_name"), "value": bindparam("b_value")}
        compiled = insert(table).values(values).compile(dialect=dialect(paramstyle="named"))
        statements._run_many(connection, compiled, rows)
        return sorted(map(tuple, connection.exec_driver_sql("SELECT * FROM named")))

    assert journal._run(named) == [("a", "1"), ("b", "2")]


def test_a_server_is_read_by_connections_of_its_own_and_tidies_up_itself() -> None:
    engine = create_engine("sqlite://")
    server = SimpleNamespace(dialect=SimpleNamespace(name="postgresql"), connect=engine.connect)
    server.execution_options = lambda **_: server
    reader = opening._readers(None, server, None)  # type: ignore[arg-type]
    assert isinstance(reader, Reader)
    assert reader.run(lambda c: c.engine) is engine
    engine.dispose()
    JournalThread._compact(SimpleNamespace(_connection=server))  # type: ignore[arg-type]
