"""The same statements for PostgreSQL: each compiles for it, and a server that is installed takes them all."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Select, event
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from connector.domain.marks import Mark
from connector.domain.site import Effect
from connector.domain.ticket import Link, LinkKind, TicketRef
from connector.journal import links, open_journal, schema
from connector.journal.lease import Lease
from connector.journal.opening import COMMIT_TO_DISK, _commit_to_disk
from connector.journal.recalls import forget_all
from connector.journal.statements import _compiled, _insert, _update
from connector.journal.tables import lease, metadata
from connector.ports import OpStatus, Progress, RunRow, TicketHistory
from tests.engine.stage import POLICY
from tests.journal import crash_lab
from tests.journal.samples import NOW, SITE, store, ticket

DIALECT = postgresql.dialect(paramstyle="named")


def _alarms(journal):
    """Call what stores alarms that are owed."""
    journal.owe_alarm("owed", {"ticket": "404"}, site=SITE, since=NOW, now=NOW)
    journal.alarms_owed(since=NOW)
    journal.note_alarm("owed", site=SITE, kind="park", now=NOW)


def _everything(journal):
    """Call every method once, so that every statement is seen."""
    crash_lab._prepare(journal)
    for name in ("store_page", "store_verdicts", "store_history", "settle", "arm", "switch_effects"):
        crash_lab.ACTIONS[name](journal)
    op, other = journal.sending(SITE)
    journal.attach_job([op], "job")
    journal.reject(op, "why", now=NOW)
    journal.fail(other, OpStatus.PARKED, "why", now=NOW)
    journal.arm(SITE, [(op.write, "again")], run="r", now=NOW)
    row = RunRow(id="r", site=SITE, kind="sync", policy="p", started_at=NOW)
    journal.begin_run(row)
    journal.end_run(row)
    journal.advance(SITE, Progress(cursor="c", loaded=True))
    journal.freeze(SITE, None, "why", now=NOW)
    store(journal, ticket("1"), ask_history=True)
    marked = Mark(at=NOW, key="f" * 64, refs=frozenset({"F" * 10}), public=False, memory='{"P":"P1"}', policy="aaaaaaa")
    read = TicketHistory(ref=TicketRef(SITE, "1"), events=(), read_until=NOW, marks=(marked,))
    journal._run(lambda c: forget_all(c, "why"))
    journal.recall(SITE, [read], policy=POLICY, now=NOW)
    journal.store_history([replace(read, ref=TicketRef(SITE, id_)) for id_ in journal.known_open(SITE)])
    journal.end_recall(SITE, policy_hash="a" * 64, now=NOW)
    journal.previous(SITE, ["1"])
    journal.load(SITE, ["1", "2"], now=NOW)
    (stored,) = journal.load(SITE, ["1"], now=NOW)
    for linked in ((Link(kind=LinkKind.TWIN, target="2"),), ()):
        changed = replace(stored.ticket, links=linked)
        journal._run(lambda c, changed=changed: links.store(c, SITE, [changed], due=1))
    journal.naming(SITE, ["2"])
    journal.identify(SITE, ["1", "SUP-1"])
    _ = [journal.alike(SITE, ["look"], since=NOW, edited=edited) for edited in (False, True)]
    journal.storms(SITE, since=NOW)
    journal.due(SITE, now=NOW, limit=1)
    journal.undecided(SITE, policy_hash="p", limit=1)
    journal.without_history(SITE, limit=1)
    journal.put_off(
        SITE, {"1": NOW, **{each.id: NOW for each in journal.awaited(SITE, limit=1)}}, policy_hash="p", awaits={"1": 7}
    )
    journal.read_last(SITE, limit=1)
    journal.retry_histories(SITE)
    journal.known_open(SITE)
    journal.spent(SITE, windows=dict.fromkeys(Effect, NOW), now=NOW)
    journal._thread.run(lambda c: Lease(c, holder="h", shared=False).give_up(c))
    records = journal.records()
    records.find("x:1")
    records.events(site=SITE, ticket="1", since=NOW)
    records.ops(site=SITE, ticket="1", status=OpStatus.DONE)
    records.passes(SITE, since=NOW, until=NOW)
    records.policies(SITE, since=NOW, until=NOW)
    list(records.held())
    records.quarantined(site=SITE)
    records.unread(SITE, now=NOW)
    records.policy("ab")
    records.next_due(SITE)
    records.verify_chain()


@pytest.fixture(scope="module")
def statements() -> dict[str, str]:
    """Every statement that the journal makes, as PostgreSQL would get it, by its text for SQLite."""
    found: dict[str, str] = {}

    def collect(
        conn: object, clauseelement: object, multiparams: object, params: object, execution_options: object
    ) -> None:
        if params and not isinstance(clauseelement, Select):
            return  # for a row of one table by its key: those are seen for every table below
        given = clauseelement.params(params) if params else clauseelement
        literal = given.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})
        found[str(clauseelement)] = str(literal)

    with open_journal("sqlite://") as journal:
        event.listen(journal._thread._connection, "before_execute", collect)
        _everything(journal)
        _alarms(journal)
    return found


def test_every_statement_compiles_for_postgresql(statements):
    assert len(statements) > 50
    for given, compiled in statements.items():
        assert "sqlite" not in compiled.lower(), given
        assert " = 1 AND" not in compiled or "is_open = 1" not in compiled


def test_truth_values_and_moments_are_spelled_as_postgresql_wants_them(statements):
    texts = " ".join(statements.values())
    assert "ticket.is_open" in texts
    assert "is_open = 1" not in texts
    assert "EXTRACT(EPOCH FROM clock_timestamp())" in texts
    assert "strftime" not in texts
    assert "FOR UPDATE" in str(lease.select().with_for_update().compile(dialect=DIALECT))


def test_statements_for_many_rows_name_their_values_for_drivers_that_want_names():
    columns = ("site", "ticket", "field", "value")
    inserted = _compiled(_insert(metadata.tables["applied"], columns), DIALECT).string.replace("::VARCHAR", "")
    assert inserted.endswith("VALUES (:b_site, :b_ticket, :b_field, :b_value)")
    changed = _update(metadata.tables["applied"], columns, columns[:3])
    updated = _compiled(changed, DIALECT).string.replace("::VARCHAR", "")
    assert updated.split("WHERE")[0].strip() == "UPDATE applied SET value=:b_value"


def test_tables_and_indexes_compile_for_postgresql():
    definitions = " ".join(_definitions())
    assert "WHERE is_open AND NOT history_complete" in definitions
    assert "WITHOUT ROWID" not in definitions
    assert "BIGSERIAL" in definitions


def _definitions() -> Iterator[str]:
    for table in metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=DIALECT))
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            yield str(CreateIndex(index).compile(dialect=DIALECT))


def _migrations() -> str:
    """Return the migrations as the SQL that PostgreSQL would be given."""
    from io import StringIO  # noqa: PLC0415

    from alembic.migration import MigrationContext  # noqa: PLC0415
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    said = StringIO()
    options = {"as_sql": True, "output_buffer": said}
    context = MigrationContext.configure(dialect=postgresql.dialect(), opts=options)
    with Operations.context(context):
        for script in reversed(list(ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions())):
            script.module.upgrade()
    return said.getvalue()


def _for_many_rows() -> Iterator[str]:
    """Yield what inserts and updates pages of rows, for every table."""
    numbered = postgresql.dialect(paramstyle="numeric_dollar")
    for table in metadata.sorted_tables:
        columns = tuple(table.columns.keys())
        key = tuple(column.name for column in table.primary_key)
        yield _compiled(_insert(table, columns), numbered).string
        if len(columns) > len(key):  # rows that are nothing but their key are put in and taken out, never changed
            yield _compiled(_update(table, columns, key), numbered).string


@pytest.fixture(scope="module")
def server() -> Iterator[list[str]]:
    """A PostgreSQL of our own, in a folder of our own, reached by a Unix socket; the command that talks to it."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    if programs is None or not (programs / "initdb").exists():
        pytest.skip("PostgreSQL is not installed here")
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    drop = {"user": account.pw_uid, "group": account.pw_gid} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    shutil.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        subprocess.run([programs / program, *arguments], check=True, capture_output=True, cwd=folder, **drop)

    run("initdb", "-D", str(data), "-A", "trust", "-U", "owner", "--no-sync")
    log = str(folder / "log")
    run("pg_ctl", "-D", str(data), "-l", log, "-w", "-o", f"-k {folder} -c listen_addresses= -c fsync=off", "start")
    try:
        yield [str(programs / "psql"), "-h", str(folder), "-U", "owner", "-v", "ON_ERROR_STOP=1", "-q", "postgres"]
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.mark.full
def test_a_server_takes_the_migrations_and_every_statement(server, statements):
    explained = [f"EXPLAIN {compiled};" for compiled in statements.values()]
    prepared = [f"PREPARE p{number} AS {compiled};" for number, compiled in enumerate(_for_many_rows())]
    script = "\n".join([_migrations(), *explained, *prepared])
    done = subprocess.run(server, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.full
@pytest.mark.parametrize(("set_to", "is_then"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")])
def test_a_server_commits_to_disk_before_it_says_so(server, set_to, is_then):
    """Whoever set it weaker for a role did not have in mind what an armed row promises."""
    script = f"SET synchronous_commit = {set_to};\n{COMMIT_TO_DISK};\n\\t on\nSHOW synchronous_commit;"
    done = subprocess.run(server, input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[-1]) == (0, is_then), done.stderr


@pytest.mark.parametrize(("setting", "set_to"), [("off", ["on"]), ("on", []), ("remote_apply", [])])
def test_a_connection_to_a_server_is_set_to_commit_to_disk(setting, set_to):
    said = []
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE pg_settings (name TEXT, setting TEXT)")
        connection.execute("INSERT INTO pg_settings VALUES ('synchronous_commit', ?)", (setting,))
        connection.create_function("set_config", 3, lambda _name, value, _is_local: said.append(value))
        _commit_to_disk(connection, None)
        assert not connection.in_transaction
    assert said == set_to
