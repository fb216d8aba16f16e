from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, select, text, update
from sqlalchemy.engine.interfaces import CacheStats
from sqlalchemy.exc import IntegrityError, OperationalError

from connector.errors import Busy, ConfigError, ConnectorError, NoState, Problem, StateFull, Unforeseen
from connector.journal import (
    make_backup,
    open_journal,
    open_records,
    open_scratch,
    require_folder,
    schema,
    sqlite,
)
from connector.journal.faults import StateBroken, translate
from connector.journal.lease import Lease
from connector.journal.lock import StateLock
from connector.journal.opening import database_path
from connector.journal.tables import lease, metadata, op, site, ticket
from tests.journal.samples import SITE, store
from tests.journal.samples import ticket as a_ticket


def _pragma(journal, name):
    return journal._thread.run(lambda c: c.exec_driver_sql(f"PRAGMA {name}").scalar_one())


# ---- settings


def test_a_state_is_opened_with_settings_that_lose_nothing(journal):
    assert _pragma(journal, "journal_mode") == "wal"
    assert _pragma(journal, "synchronous") == 2  # FULL
    assert _pragma(journal, "busy_timeout") == 10000
    assert _pragma(journal, "foreign_keys") == 1
    assert _pragma(journal, "mmap_size") == 0
    assert _pragma(journal, "trusted_schema") == 0
    assert _pragma(journal, "secure_delete") == 1
    assert _pragma(journal, "application_id") == sqlite.APPLICATION_ID


def test_readers_connections_are_for_reading_alone(journal):
    reader = journal.records()._runner
    assert reader.run(lambda c: c.exec_driver_sql("PRAGMA query_only").scalar_one()) == 1


def test_only_the_owner_may_read_a_state(tmp_path):
    path = tmp_path / "new" / "state.db"
    path.parent.mkdir()
    with open_journal(f"sqlite:///{path}", least_free=0) as journal:
        journal.open_site(SITE, fingerprint="f")
        files = sorted(found.name for found in path.parent.iterdir())
        assert files == ["state.db", "state.db-shm", "state.db-wal", "state.db.lock", "state.db.witness"]
        assert {stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()} == {0o600}


@pytest.mark.parametrize("wrong", ["stat/state.db", "a/b/c/state.db"])
def test_no_state_is_made_in_a_folder_that_is_not_there(tmp_path, wrong):
    """A mistyped path would begin a new, empty state, and with it a first load, beside one that knows what was said."""
    (tmp_path / "state").mkdir()
    path = tmp_path / wrong
    with pytest.raises(ConfigError, match=r"there is no folder") as refused:
        open_journal(f"sqlite:///{path}", least_free=0)
    (problem,) = refused.value.problems
    assert (problem.key, f"mkdir -p -m 700 {path.parent}" in problem.remedy) == ("state", True)
    assert sorted(found.name for found in tmp_path.rglob("*")) == ["state"]


def test_a_new_folder_outlasts_a_power_cut_with_all_that_lead_to_it(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(Path(f"/proc/self/fd/{file}").readlink()))
    sqlite.make_folder(tmp_path / "a" / "b" / "c")
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    sqlite.make_folder(tmp_path / "a" / "b" / "c")
    assert len(synced) == 3


def test_rights_that_grew_too_wide_are_narrowed(state):
    state.chmod(0o644)
    open_journal(str(state), least_free=0).close()
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


def test_a_path_alone_means_a_sqlite_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    open_journal("state.db", least_free=0).close()
    open_journal("sqlite:///state.db", least_free=0).close()
    assert (tmp_path / "state.db").is_file()


def test_a_name_that_looks_like_an_address_is_a_name(tmp_path, monkeypatch):
    """SQLite takes what begins with `file:` for an address of its own: the state would lie in another, open file."""
    monkeypatch.chdir(tmp_path)
    with open_journal("file:state.db?mode=memory", least_free=0) as journal:
        journal.open_site(SITE, fingerprint="f")
        store(journal, a_ticket())
        assert {found.name.removeprefix("file:state.db?mode=memory") for found in tmp_path.iterdir()} == {
            "",
            "-shm",
            "-wal",
            ".lock",
            ".witness",
        }
        assert make_backup(Path("file:state.db?mode=memory"), Path("file:copy.db")) == Path("file:copy.db")
    assert {stat.S_IMODE(found.stat().st_mode) for found in tmp_path.iterdir()} == {0o600}
    assert [site.site for site in open_records("file:state.db?mode=memory").sites()] == [SITE]
    with open_scratch("file:copy.db") as copy:
        assert copy.known_open(SITE) == {"1"}


def test_importing_the_journal_loads_no_database_library():
    code = "import sys, connector.journal; print(sorted({'sqlalchemy', 'alembic', 'sqlite3'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_opening_a_current_state_does_not_load_the_migrations(state):
    code = (
        "import sys; from connector.journal import open_journal; open_journal(sys.argv[1], least_free=0).close(); "
        "print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(state)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---- one writer


def test_a_statement_is_compiled_once_for_every_state_of_a_process(tmp_path):
    asked = select(site.c.name).where(site.c.loaded == 3, site.c.name != "never asked elsewhere")
    hits = []
    for name in ("one.db", "other.db"):
        open_journal(str(tmp_path / name), least_free=0).close()
        for engine in (sqlite.writer_engine(tmp_path / name), sqlite.reader_engine(tmp_path / name)):
            with engine.begin() as connection:
                hits.append(connection.execute(asked).context.cache_hit)
    assert hits == [CacheStats.CACHE_MISS, *[CacheStats.CACHE_HIT] * 3]


def test_a_second_writer_is_told_who_holds_the_state(state, journal):
    code = (
        "import sys; from connector.journal import open_journal; from connector.errors import Busy\n"
        "try: open_journal(sys.argv[1], least_free=0)\n"
        "except Busy as busy: print(busy)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(state)], capture_output=True, text=True, check=True)
    assert f"process {os.getpid()}" in done.stdout


def test_even_the_same_process_holds_a_state_once(state, journal):
    with pytest.raises(Busy):
        open_journal(str(state), least_free=0)


def test_a_closed_state_can_be_opened_again_and_closing_twice_is_closing_once(state):
    first = open_journal(str(state), least_free=0)
    first.close()
    first.close()
    with pytest.raises(ConnectorError, match="closed"):
        first.known_open(SITE)
    open_journal(str(state), least_free=0).close()


def test_a_failed_opening_lets_go_of_the_lock(state):
    with contextlib.closing(sqlite3.connect(state)) as connection:
        connection.execute("PRAGMA application_id=7")
    with pytest.raises(ConnectorError):
        open_journal(str(state), least_free=0)
    with StateLock(state.with_name("state.db.lock")):
        pass


def test_the_journals_thread_goes_by_its_name(journal):
    assert journal._thread.run(lambda _: threading.current_thread().name).startswith("journal")


def test_calls_from_many_threads_are_transactions_one_after_another(journal):
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                store(journal, a_ticket(f"{number}-{turn}"))
                journal.load(SITE, [f"{number}-{turn}"], now=a_ticket().opened_at)
                journal.records().find(f"{number}-{turn}")
        except BaseException as failure:  # noqa: BLE001 - reported below
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(journal.known_open(SITE)) == 60


def test_a_transaction_holds_the_write_lock_from_its_first_moment(journal, state):
    """One that began as a reader and then wrote would fail at once, whatever the busy timeout."""

    def compete(_: Connection) -> None:
        with contextlib.closing(sqlite3.connect(state, timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        journal._thread.run(compete)


# ---- scratch copies


def test_a_scratch_copy_starts_as_the_state_is_and_leaves_it_alone(journal, state):
    store(journal, a_ticket())
    with open_scratch(str(state)) as scratch:  # while another holds the state
        assert scratch.known_open(SITE) == {"1"}
        store(scratch, a_ticket("2"), cursor="elsewhere")
        assert scratch.records().sites()[0].cursor == "elsewhere"
    assert journal.known_open(SITE) == {"1"}
    assert journal.records().sites()[0].cursor is None


def test_a_scratch_copy_of_nothing_is_empty_and_makes_no_file(tmp_path):
    with open_scratch(str(tmp_path / "none.db")) as scratch:
        assert scratch.records().sites() == ()
    assert list(tmp_path.iterdir()) == []


# ---- refusals


def test_a_state_that_is_not_there_yet_says_what_to_run(tmp_path):
    none = str(tmp_path / "none.db")
    for url, place in ((none, none), (f"sqlite:///{none}", none), ("sqlite://", "memory")):
        with pytest.raises(ConnectorError) as raised:
            open_records(url)
        assert str(raised.value) == f"there is no state at {place} yet"
        assert "connector sync" in raised.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_somebody_elses_database_is_refused_and_left_as_it_was(tmp_path):
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE mine (x)")
    with pytest.raises(ConnectorError, match="not a connector's state") as raised:
        open_journal(str(path), least_free=0)
    assert raised.value.remedy == "name another file"
    with contextlib.closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


def test_a_reader_tells_what_is_no_state_from_what_is_none_yet(tmp_path):
    empty, foreign = tmp_path / "empty.db", tmp_path / "foreign.db"
    for path, statement in ((empty, "PRAGMA user_version=1"), (foreign, "CREATE TABLE mine (x)")):
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute(statement)
    with pytest.raises(NoState):
        open_records(str(empty))
    for path, told, remedy in (
        (foreign, "this database is not a connector's state", "name another one under `state`"),
        (tmp_path, f"{tmp_path} is no file", "name a file for the database under `state`"),
    ):
        with pytest.raises(ConnectorError) as raised:
            open_records(str(path))
        assert (str(raised.value), raised.value.remedy) == (told, remedy)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database, by far" * 100)
    with pytest.raises(StateBroken) as raised:
        open_journal(str(path), least_free=0)
    assert raised.value.remedy


def test_a_damaged_state_is_refused(state):
    with open_journal(str(state), least_free=0) as journal:
        journal.open_site(SITE, fingerprint="f")
        store(journal, *(a_ticket(str(n)) for n in range(500)))
    content = bytearray(state.read_bytes())
    content[8192:-4096] = b"\xff" * (len(content) - 12288)
    state.write_bytes(content)
    with pytest.raises(StateBroken):
        open_journal(str(state), least_free=0)


def test_damage_that_no_query_of_ours_would_meet_is_noticed(state):
    with open_journal(str(state), least_free=0) as journal:
        journal.open_site(SITE, fingerprint="f")
        store(journal, *(a_ticket(str(n)) for n in range(500)))
    content = bytearray(state.read_bytes())
    marker = max(n for n in range(0, len(content), 4096) if b'"499"' in content[n : n + 4096])
    content[marker : marker + 64] = b"\xff" * 64
    state.write_bytes(content)
    with pytest.raises(StateBroken, match="damaged"):
        open_journal(str(state), least_free=0)


def test_a_full_disk_refuses_the_writer_and_not_the_reader(state):
    wanted = 1 << 40
    with pytest.raises(ConnectorError, match=rf"MB free on its disk, the journal wants {wanted} MB$") as raised:
        open_journal(str(state), least_free=wanted << 20)
    free = shutil.disk_usage(state.parent).free >> 20
    said = int(str(raised.value).split(" MB free")[0].rsplit(" ", 1)[1])
    assert abs(said - free) < 1024, "in MB as the system tells it; others use the disk as well"
    assert "plan" in raised.value.remedy
    assert open_records(str(state)).sites() == ()


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError) as refused:
        open_journal(str(tmp_path / "file" / "state.db"), least_free=0)
    assert all(problem.remedy for problem in refused.value.problems)
    with pytest.raises(ConnectorError) as raised:
        open_journal("/proc/self/state.db", least_free=0)
    assert raised.value.remedy


def test_a_folder_that_is_not_there_or_cannot_be_looked_at_is_refused_before_anything_is_opened(tmp_path):
    for url in ("sqlite://", "postgresql://db.example/connector", f"sqlite:///{tmp_path / 'state.db'}"):
        require_folder(url)
    for folder, why in (("absent", "there is no folder"), ("a" * 300, "cannot be looked at")):
        with pytest.raises(ConfigError) as refused:
            require_folder(f"sqlite:///{tmp_path / folder / 'state.db'}")
        (problem,) = refused.value.problems
        assert why in problem.message
        assert problem.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["mysql://u@h/d", "nonsense://x", "http://[", "postgresql+nodriver://u@h/d"])
def test_an_address_that_is_no_database_of_ours_is_the_operators_to_mend(url):
    with pytest.raises(ConnectorError) as raised:
        open_journal(url)
    assert isinstance(raised.value, ConfigError) or raised.value.remedy


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://u@h/d", "mysql is not supported"),
        ("no scheme at all://", "'no scheme at all://' is not the address of a database"),
    ],
)
def test_a_database_of_another_kind_is_refused_with_the_place_to_mend(url, told):
    with pytest.raises(ConfigError) as raised:
        open_journal(url)
    remedy = "give a file's path, sqlite:///file.db or postgresql://user@host/database"
    assert raised.value.problems == (Problem(file="connector.yaml", key="state", message=told, remedy=remedy),)


_MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:40 / /srv rw shared:1 - nfs4 server:/srv rw
24 22 0:41 / /srv/local\\040disk rw - xfs /dev/sdb rw
25 22 0:42 / /mnt/s rw - fuse.sshfs me@host:/ rw
26 22 0:43 / /mnt/bare - btrfs /dev/sdc rw
a line that
 - tells nothing
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/connector", "ext4"),
        ("/srv/state", "nfs4"),
        ("/srv", "nfs4"),
        ("/srvx", "ext4"),
        ("/srv/local disk/state", "xfs"),
        ("/mnt/s/deep/er", "fuse.sshfs"),
        ("/mnt/bare", "btrfs"),
    ],
)
def test_the_file_system_of_a_folder_is_that_of_its_innermost_mount(folder, kind):
    assert sqlite.filesystem_kind(Path(folder), _MOUNTS) == kind


def test_network_file_systems_are_refused():
    assert {"nfs4", "cifs", "fuse.sshfs"} <= sqlite._SHARED_BY_NETWORK
    assert not {"ext4", "xfs", "btrfs", "tmpfs", "overlay", "apfs", "zfs"} & sqlite._SHARED_BY_NETWORK
    assert sqlite.filesystem_kind(Path("/x"), "") == ""


# ---- schema


def test_the_newest_migration_is_the_one_that_the_program_works_with():
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_migrations_lead_to_the_tables_that_the_program_names(journal):
    with create_engine("sqlite://").begin() as planned:
        metadata.create_all(planned)
        wanted = _definitions(planned)
    found = journal._thread.run(_definitions)
    del found["alembic_version"]
    assert found == wanted


def _definitions(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return {row.name: " ".join(row.sql.split()) for row in rows}


def test_partial_indexes_are_migrated_with_their_conditions(journal):
    wanted = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'"
    rows = journal._thread.run(lambda c: {row.name: row.sql.split("WHERE ")[1] for row in c.execute(text(wanted))})
    assert rows == {
        "ix_notification_waiting": "status = 'waiting'",
        "ix_ticket_due": "next_due_at IS NOT NULL",
        "ix_ticket_open": "is_open = 1",
        "ix_ticket_without_history": "is_open = 1 AND history_complete = 0",
        "uq_op_sending_fields": "status = 'sending' AND audience = ''",
        "uq_op_sending_comment": "status = 'sending' AND audience <> ''",
        "ix_op_look_at": "look_at IS NOT NULL",
        "ix_ticket_alike": "alike <> ''",
        "ix_ticket_awaits": "awaits IS NOT NULL",
    }


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT id FROM ticket WHERE site = ? AND next_due_at <= ? ORDER BY next_due_at LIMIT 5", "ix_ticket_due"),
        ("SELECT min(next_due_at) FROM ticket WHERE site = ? AND next_due_at IS NOT NULL", "ix_ticket_due"),
        (
            "SELECT id FROM ticket WHERE site = ? AND is_open = 1 AND policy_hash < ? ORDER BY policy_hash, id",
            "ix_ticket_open",
        ),
        ("SELECT count(*) FROM ticket WHERE site = ? AND is_open = 1", "ix_ticket_open"),
        ("SELECT site, id FROM ticket WHERE key IN (?, ?, ?)", "ix_ticket_key"),
        (
            "SELECT id FROM ticket WHERE site = ? AND alike <> '' AND alike IN (?, ?) AND alike_at >= ?",
            "ix_ticket_alike",
        ),
        ("SELECT site, ticket FROM link WHERE target_site = ? AND target IN (?, ?)", "ix_link_target_site_target"),
        ("SELECT site, id FROM ticket WHERE site IN (?, ?) AND id = ?", "sqlite_autoindex_ticket_1"),
        (
            (
                "SELECT id FROM ticket WHERE site = ? AND is_open = 1 AND history_complete = 0 "
                "ORDER BY priority_rank, updated_at"
            ),
            "ix_ticket_without_history",
        ),
    ],
)
def test_what_every_pass_asks_is_answered_by_an_index(journal, query, index):
    arguments = tuple("x" for _ in range(query.count("?")))
    plan = journal._thread.run(lambda c: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", arguments).all())
    assert index in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_a_newer_schema_is_refused_by_writer_and_reader(state):
    with contextlib.closing(sqlite3.connect(state)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for opening in (lambda: open_journal(str(state), least_free=0), lambda: open_records(str(state))):
        with pytest.raises(ConnectorError, match="newer version") as raised:
            opening()
        assert "install the newer version" in raised.value.remedy


def test_a_reader_does_not_migrate(tmp_path):
    path = tmp_path / "state.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA application_id={sqlite.APPLICATION_ID}")
        connection.execute("CREATE TABLE x (y)")
    with pytest.raises(ConnectorError, match="older version") as raised:
        open_records(str(path))
    assert "connector sync" in raised.value.remedy


def test_the_database_itself_refuses_two_writes_under_way_on_one_ticket(journal):
    row = {"site": SITE, "ticket": "1", "status": "sending", "attempts": 1, "sent_at": 0}
    journal._thread.run(lambda c: c.execute(op.insert().values(row | {"key": "a"})))
    with pytest.raises(ConnectorError, match="UNIQUE"):
        journal._thread.run(lambda c: c.execute(op.insert().values(row | {"key": "b"})))


def test_rows_of_a_ticket_go_with_it(journal):
    store(journal, a_ticket(), text_hits={})
    journal._thread.run(lambda c: c.execute(site.delete()))
    assert journal._thread.run(lambda c: c.execute(select(ticket)).all()) == []


# ---- failures


def test_a_failed_transaction_leaves_nothing_behind_and_the_next_goes_on(journal):
    def half(connection: Connection) -> None:
        connection.execute(site.insert().values(name="half", loaded=False))
        raise ConnectorError("in the middle")

    with pytest.raises(ConnectorError, match="in the middle"):
        journal._thread.run(half)
    assert [state.site for state in journal.records().sites()] == [SITE]
    store(journal, a_ticket())


def test_after_a_failure_of_the_disk_nothing_goes_on(journal):
    def fail(_: Connection) -> None:
        raise OperationalError("INSERT", {}, _sqlite_error("SQLITE_IOERR_WRITE"))

    for _ in range(2):
        with pytest.raises(StateBroken):
            journal._thread.run(fail)
    with pytest.raises(StateBroken):
        journal.known_open(SITE)


def _sqlite_error(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(name)
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("name", "kind", "remedy"),
    [
        ("SQLITE_BUSY_SNAPSHOT", Busy, "close whatever else has the database open, then try again"),
        ("SQLITE_LOCKED", Busy, "close whatever else has the database open, then try again"),
        ("SQLITE_FULL", StateFull, StateFull("x").remedy),
        ("SQLITE_IOERR_FSYNC", StateBroken, StateBroken("x").remedy),
        ("SQLITE_CORRUPT", StateBroken, StateBroken("x").remedy),
        ("SQLITE_NOTADB", StateBroken, StateBroken("x").remedy),
        ("SQLITE_PERM", ConnectorError, "check the permissions of the database and of its folder"),
        ("SQLITE_ERROR", ConnectorError, "see the log for the first error of this run"),
    ],
)
@pytest.mark.parametrize("wrapped", [IntegrityError, OperationalError])
def test_failures_of_the_database_say_what_to_do(name, kind, remedy, wrapped):
    error = translate(wrapped("x", {}, _sqlite_error(name)))
    assert (type(error), error.remedy) == (kind, remedy)
    assert str(error) == f"the state's database failed: {name}"


@pytest.mark.parametrize("code", ["SQLITE_CONSTRAINT_UNIQUE", "SQLITE_MISMATCH"])
def test_a_row_that_the_database_does_not_take_is_a_fault_of_ours(code):
    error = translate(IntegrityError("x", {}, _sqlite_error(code)))
    assert (type(error), str(error)) == (
        Unforeseen,
        f"the state's database refused what was to be stored ({code})",
    )


def test_a_database_that_cannot_be_opened_is_a_matter_of_permissions():
    error = translate(OperationalError("x", {}, _sqlite_error("SQLITE_CANTOPEN")))
    assert "check the permissions" in error.remedy


def test_a_full_disk_is_not_for_good():
    assert "free disk space" in translate(OperationalError("x", {}, _sqlite_error("SQLITE_FULL"))).remedy


# ---- lease


def test_each_opening_has_a_later_epoch(journal, reopen):
    epoch = select(lease.c.epoch)
    first = journal._thread.run(lambda c: c.execute(epoch).scalar_one())
    assert reopen()._thread.run(lambda c: c.execute(epoch).scalar_one()) == first + 1


def test_where_machines_share_a_database_a_living_holder_keeps_it(journal):
    thread = journal._thread
    held = thread.run(lambda c: Lease(c, holder="one", shared=True) if _expire(c) else None)
    thread.run(held.check)
    with pytest.raises(Busy) as refused:
        thread.run(lambda c: Lease(c, holder="two", shared=True))
    assert (str(refused.value), refused.value.remedy) == ("one holds this state", "wait 120 s after it has stopped")
    thread.run(held.give_up)
    taken = thread.run(lambda c: Lease(c, holder="two", shared=True))
    assert taken.epoch == held.epoch + 1
    with pytest.raises(Busy) as refused:
        thread.run(held.check)
    told = "another process took this state over"
    assert (str(refused.value), refused.value.remedy) == (told, "stop this one")


def test_a_lease_that_ran_out_can_be_taken_and_one_that_is_used_is_renewed(journal):
    thread = journal._thread
    held = thread.run(lambda c: Lease(c, holder="one", shared=True) if _expire(c) else None)
    thread.run(_expire)
    thread.run(held.check)  # nobody took it: it is still ours, and renewed
    with pytest.raises(Busy):
        thread.run(lambda c: Lease(c, holder="two", shared=True))
    thread.run(_expire)
    thread.run(lambda c: Lease(c, holder="two", shared=True))


def _expire(connection: Connection) -> bool:
    return connection.execute(update(lease).values(renewed_at=0)).rowcount == 1


def test_only_a_sqlite_address_names_a_file():
    from sqlalchemy import make_url  # noqa: PLC0415

    assert database_path(make_url("sqlite:////var/lib/x.db")) == Path("/var/lib/x.db")
    assert database_path(make_url("sqlite://")) is None
    assert database_path(make_url("sqlite:///")) is None
    assert database_path(make_url("sqlite:///:memory:")) is None
