"""Faults of the state: of its disk, its files, its process and its operators. The helpdesk's own record judges."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import event

from connector.cli.log import Log
from connector.domain.site import Effect
from connector.engine.passes import PassOutcome
from connector.engine.strangers import SETTLING
from connector.errors import Busy, ConnectorError, StateFull
from connector.helpdesks.memory import MemoryReader
from connector.journal import make_backup, open_journal, open_records, open_scratch, restore, schema, sqlite
from connector.journal.backup import backup_folder, verify
from connector.journal.faults import StateBroken
from connector.ports import AlarmKind
from tests.amnesia.story import Storyteller, loss_of
from tests.engine.ledger import nothing_is_said_twice
from tests.engine.stage import MONDAY, Desk, Stage, Witness
from tests.faults.network_stage import desk as desk_over_http
from tests.helpdesks.stopped_clock import StoppedClock
from tests.journal import samples
from tests.journal.samples import FINGERPRINT, NOW, SITE

NOBODY = 65534
STANDARD = (0, 1, 2)
"""Descriptors that every process keeps, whatever its threads close meanwhile."""
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def state(empty_state: Path, tmp_path: Path) -> Path:
    """A state with a site in it, and its witness."""
    path = Path(shutil.copy(empty_state, tmp_path / "state.db"))
    with open_journal(str(path), least_free=0) as journal:
        journal.open_site(SITE, fingerprint=FINGERPRINT)
        samples.store(journal, samples.ticket("1"), samples.ticket("2"))
    return path


def urgent(desk: Desk, count: int = 1) -> None:
    for _ in range(count):
        desk.world.create(facts={"impact": "department", "urgency": "blocked"}, group="service-desk")


def standing(desk: Desk) -> list[tuple[Any, ...]]:
    """What the helpdesk shows of every ticket, and how often we spoke there."""
    return [
        (t.priority, t.level, t.path, t.group, sum(c.ticket == id_ for c in desk.world.comments))
        for id_, row in desk.world.rows.items()
        for t in [row.ticket]
    ]


def play(stage: Stage, desk: Desk, passes: int = 4) -> list[PassOutcome]:
    """A standard run: two tickets, their levels and notes."""
    outcomes = []
    for _ in range(passes):
        outcomes.append(stage.run("desk").outcome)
        stage.clock.move(20 * MINUTE)
    return outcomes


# ---- the delta's cursor


def test_fault_44_a_cursor_that_expired_is_replaced_and_old_news_stay_unsaid(stage: Stage, desk: Desk) -> None:
    """A delta that begins anew shows everything once more: nothing that is older is said, nothing said is repeated."""
    urgent(desk, 2)
    play(stage, desk)
    said = len(desk.world.comments)
    assert said
    stage.journal._run(lambda c: c.exec_driver_sql("UPDATE cursor SET value = '0'"))
    stage.clock.move(25 * HOUR)
    stage.run("desk")
    stage.journal._run(lambda c: c.exec_driver_sql("UPDATE cursor SET value = '0'"))
    stage.run("desk")
    nothing_is_said_twice(desk)
    young = [c for c in desk.world.comments[said:] if c.key]
    assert len(young) <= 2, "after a day one latest note per ticket"


# ---- ending, stopping, being killed


def test_fault_59_a_stop_finishes_the_write_in_hand_and_begins_no_other(stage: Stage, desk: Desk) -> None:
    """SIGTERM in the middle of a plan: what is being written is settled, the rest waits for the next start."""
    urgent(desk, 3)
    stopping: list[bool] = []
    desk.writer.before_send = lambda _write: stopping.append(True)
    stage.run("desk", may_write=lambda: not stopping)
    assert len(desk.writer.sent) == 1
    assert not stage.journal.sending("desk")
    desk.writer.before_send = lambda _write: None
    play(stage, desk)
    nothing_is_said_twice(desk)
    assert {t.priority for t in (desk.live("1"), desk.live("2"), desk.live("3"))} == {desk.live("1").priority}


KILLED = """
import os, signal, sys
from connector.journal import open_journal
from tests.journal import samples
journal = open_journal(sys.argv[1], least_free=0)
journal.arm("zd", [(samples.write("1", "k1"), "d")], run="r", now=samples.NOW)
print("armed", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_after_arming(state: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(state)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "armed\n"), done.stderr


def test_fault_61_killed_for_memory_leaves_what_was_armed_and_no_lock(state: Path) -> None:
    """The kernel kills without a word: the armed row is there, the lock is not, and nothing was forgotten."""
    killed_after_arming(state)
    with open_journal(str(state), least_free=0) as journal:
        assert [op.write.key for op in journal.sending(SITE)] == ["k1"]
        assert journal.forgotten == ""


def test_fault_62_a_second_process_is_turned_away(state: Path) -> None:
    """Two daemons on one state: the second is told who holds it, before it reads or sends anything."""
    with open_journal(str(state), least_free=0), pytest.raises(Busy, match=f"process {os.getpid()}"):
        open_journal(str(state), least_free=0)
    open_journal(str(state), least_free=0).close()


@pytest.fixture
def two_hosts(empty_state: Path) -> Iterator[tuple[Stage, Stage]]:
    """Two installations with a state each, on one site, with one account."""
    clock = StoppedClock(MONDAY)
    here, there = Desk("desk", clock), Desk("desk", clock)
    there.world = here.world
    there.reader, there.writer = MemoryReader(here.world), Witness(here.world, bulk_size=0)
    stages = Stage(empty_state, here, clock=clock), Stage(empty_state, there, clock=clock)
    for stage in stages:
        stage.run("desk")
    clock.move(SETTLING)
    yield stages
    for stage in stages:
        stage.close()


def frozen(stage: Stage) -> set[Effect]:
    return set(stage.journal.open_site("desk", fingerprint=stage.desks["desk"].rules.fingerprint).frozen)


def in_turns(stages: tuple[Stage, Stage], passes: int) -> None:
    for _ in range(passes):
        for stage in stages:
            stage.clock.move(timedelta(minutes=5))
            stage.run("desk")


def test_fault_62_of_two_hosts_with_a_state_each_one_falls_silent_and_says_so(two_hosts: tuple[Stage, Stage]) -> None:
    """It finds a write of its own account that it knows nothing of: its comments freeze until a person has spoken."""
    world = two_hosts[0].desks["desk"].world
    ids = [world.create(facts={"impact": "site", "urgency": "blocked"}).id for _ in range(2)]
    in_turns(two_hosts, 8)
    silent = [stage for stage in two_hosts if frozen(stage)]
    assert silent
    for stage in silent:
        assert frozen(stage) == {Effect.NOTES, Effect.PUBLIC}
        (why,) = {a.message for a in stage.ears.alarms if a.kind is AlarmKind.FREEZE}
        assert "another installation" in why
    known = len(world.comments)
    in_turns(two_hosts, 20)
    later = Counter((c.ticket, c.body) for c in world.comments[known:])
    assert set(later.values()) <= {1}
    assert {world.ticket(id_).level for id_ in ids} == {4}, "escalating goes on"


def test_fault_62_once_one_of_them_is_stopped_the_other_goes_on(two_hosts: tuple[Stage, Stage]) -> None:
    """Who resumes has settled it: what the other wrote before is old news, and what was held is said."""
    world = two_hosts[0].desks["desk"].world
    world.create(facts={"impact": "site", "urgency": "blocked"})
    in_turns(two_hosts, 8)
    stays = next(stage for stage in two_hosts if frozen(stage))
    stays.clock.move(MINUTE)
    stays.journal.resume("desk", allow=0, now=stays.clock.now(), actor="anna")
    before = len(world.comments)
    for _ in range(6):
        stays.clock.move(30 * MINUTE)
        stays.run("desk")
    assert len(world.comments) > before
    assert not frozen(stays)


def test_fault_62_two_hosts_with_a_state_each_never_fight_over_a_field(two_hosts: tuple[Stage, Stage]) -> None:
    """Fields are written once: what the other has written is what is wanted; and nothing is said more than twice."""
    here, there = (stage.desks["desk"] for stage in two_hosts)
    for _ in range(2):
        here.world.create(facts={"impact": "site", "urgency": "blocked"})
    in_turns(two_hosts, 8)
    sent = [each.write for each in (*here.writer.sent, *there.writer.sent)]
    written = [(w.ref.id, f.field, f.after) for w in sent for f in w.fields]
    assert len(written) == len(set(written))
    texts = Counter((c.ticket, c.body) for c in here.world.comments if c.key)
    assert max(texts.values()) <= 2


# ---- the disk


class Faulty:
    """Fails the n-th write of a journal's connection, or its commit, as a disk does."""

    def __init__(self, stage: Stage, error: str) -> None:
        self._stage, self._error = stage, error
        self._left: int | None = None
        self.seen = 0
        dialect = stage.journal._thread._connection.engine.dialect
        self._commit = dialect.do_commit
        dialect.do_commit = self._do_commit  # type: ignore[method-assign]
        event.listen(stage.journal._thread._connection.engine, "do_execute", self._do_execute)
        event.listen(stage.journal._thread._connection.engine, "do_executemany", self._do_execute)

    def at(self, index: int | None) -> None:
        """Fail at the ``index``-th write from now on; with ``None`` never."""
        self._left, self.seen = index, 0

    def _do_execute(self, _cursor: object, statement: str, *_: object) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "BEGIN")):
            self._count()

    def _do_commit(self, connection: Any) -> None:
        self._count()
        self._commit(connection)

    def _count(self) -> None:
        self.seen += 1
        if self._left is not None and self.seen > self._left:
            error = sqlite3.OperationalError("the disk failed")
            error.sqlite_errorname = self._error
            raise error


def every(indexes: range, *, full: bool, share: int = 9) -> list[int]:
    """All indexes in a full run, every ninth in a quick one."""
    return list(indexes) if full else list(indexes)[::share]


Meets = Callable[[Stage, Desk, Faulty], Faulty | None]
"""Makes one pass; where the disk failed it checks what must hold, mends that, and returns the disk from then on."""


def test_fault_63_a_full_disk_at_every_write_sends_nothing_unarmed_and_recovers(empty_state: Path, full: bool) -> None:
    """No space at the n-th write of a run, for every n: nothing is said twice, and all is said once there is space."""
    _one_story_whichever_write_fails(empty_state, "SQLITE_FULL", _full, full=full)


def test_fault_64_a_failing_disk_ends_the_process_and_nothing_goes_on(empty_state: Path, full: bool) -> None:
    """EIO at the n-th write of a run, for every n: no later call goes on, and a new process finds what was armed."""
    _one_story_whichever_write_fails(empty_state, "SQLITE_IOERR_WRITE", _broken, full=full)


def _one_story_whichever_write_fails(empty_state: Path, error: str, meets: Meets, *, full: bool) -> None:
    undisturbed, writes = _a_run(empty_state, None, error, meets)
    assert writes > 50
    for index in every(range(writes), full=full, share=23):
        told, _ = _a_run(empty_state, index, error, meets)
        assert told == undisturbed, f"write {index}"


def _a_run(empty_state: Path, index: int | None, error: str, meets: Meets) -> tuple[list[tuple[Any, ...]], int]:
    """Play a run whose disk fails at one write; return what stands in the helpdesk at its end, and how many writes."""
    desk = Desk("desk", StoppedClock(MONDAY))
    stage = Stage(empty_state, desk, clock=desk.world.clock)  # type: ignore[arg-type]
    disk = Faulty(stage, error)
    urgent(desk, 2)
    writes = 0
    try:
        for number in range(3):
            disk.at(index - writes if index is not None and index >= writes else None)
            mended = meets(stage, desk, disk)
            writes += disk.seen
            if mended is not None:
                disk, index = mended, None
                stage.run("desk")
            disk.at(None)
            stage.clock.move((5 + 20 * number) * MINUTE)
        assert index is None or index >= writes, f"write {index} did not fail"
        for _ in range(3):
            stage.run("desk")
            stage.clock.move(6 * MINUTE)
        nothing_is_said_twice(desk)
        return standing(desk), writes
    finally:
        stage.close()


def _full(stage: Stage, _desk: Desk, disk: Faulty) -> Faulty | None:
    """A pass that finds no space says so; the same process goes on once there is."""
    result = stage.run("desk")  # a witness refuses what is sent without an armed row
    if not isinstance(result.error, StateFull):
        return None
    assert [a for a in stage.ears.alarms if "disk is full" in a.message]
    disk.at(None)
    return disk


def _broken(stage: Stage, desk: Desk, disk: Faulty) -> Faulty | None:
    """The disk works again, but what it kept is unknown: the process that saw the error must not go on."""
    try:
        stage.run("desk")  # a witness refuses what is sent without an armed row
    except StateBroken:
        disk.at(None)
    else:
        return None
    sent = len(desk.writer.sent)
    for _ in range(2):
        with pytest.raises(StateBroken):
            stage.run("desk")
    assert len(desk.writer.sent) == sent
    stage.restart()
    return Faulty(stage, "SQLITE_IOERR_WRITE")


def test_fault_64_an_answer_that_cannot_be_stored_is_looked_up_and_not_repeated(stage: Stage, desk: Desk) -> None:
    """The disk fails between the send and its receipt: the next process finds the note in the helpdesk."""
    urgent(desk)
    play(stage, desk, 1)
    disk = Faulty(stage, "SQLITE_IOERR_FSYNC")
    desk.writer.before_send = lambda _write: disk.at(0)
    with pytest.raises(StateBroken):
        play(stage, desk)
    desk.writer.before_send = lambda _write: None
    disk.at(None)
    stage.restart()
    play(stage, desk)
    nothing_is_said_twice(desk)


def test_fault_65_a_state_that_was_rolled_back_is_noticed_and_nothing_is_repeated(empty_state: Path) -> None:
    """An old backup is put back: comments wait until what was said since was read back, then all goes on."""
    day = Storyteller(empty_state, 3, loss_of(3)).tell()  # it asserts that nothing is said twice
    assert day.forgot


def test_fault_65_a_damaged_state_is_refused_and_a_deleted_one_is_noticed(state: Path) -> None:
    """A random page overwritten, or no file at all: neither is taken for a state that knows everything."""
    kept = make_backup(state, state.with_name("kept.db"))
    data = bytearray(state.read_bytes())
    data[4096 : len(data)] = random.Random(1).randbytes(len(data) - 4096)
    state.write_bytes(data)
    with pytest.raises(ConnectorError, match=r"damaged|malformed"):
        open_journal(str(state), least_free=0)
    restore(str(state), state, kept, now=NOW, why="restored")
    with open_journal(str(state), least_free=0) as journal:
        assert journal.open_site(SITE, fingerprint=FINGERPRINT).recall.freezes
    state.unlink()
    with open_journal(str(state), least_free=0) as journal:
        assert "deleted" in journal.forgotten
        assert journal.open_site(SITE, fingerprint=FINGERPRINT).recall.freezes
    with open_journal(str(state), least_free=0) as journal:  # a site that is configured later was perhaps known as well
        assert journal.forgotten == ""
        recall = journal.open_site("later", fingerprint="another helpdesk").recall
        assert recall.freezes
        assert "deleted" in recall.why


def test_fault_66_a_lost_log_is_a_lost_memory(state: Path) -> None:
    """The write-ahead log is deleted between two starts, and with it what was stored last: that is noticed."""
    killed_after_arming(state)
    state.with_name(state.name + "-wal").unlink()
    with contextlib.suppress(FileNotFoundError):
        state.with_name(state.name + "-shm").unlink()
    with open_journal(str(state), least_free=0) as journal:
        assert "rolled back" in journal.forgotten
        assert journal.open_site(SITE, fingerprint=FINGERPRINT).recall.freezes


def test_fault_66_a_state_of_another_account_is_refused(state: Path) -> None:
    """Rights that changed, or a state that belongs to somebody else: a clear refusal, and wide rights are narrowed."""
    state.chmod(0o666)
    open_journal(str(state), least_free=0).close()
    assert state.stat().st_mode & 0o777 == 0o600
    if os.geteuid() == 0:  # only then can a file be given away
        os.chown(state, 12345, -1)
        with pytest.raises(ConnectorError, match="belongs to another account"):
            open_journal(str(state), least_free=0)


def test_fault_66_a_disk_that_cannot_be_written_is_refused_and_reading_goes_on(state: Path) -> None:
    """Too little space to begin with: no writer, but status and log still read."""
    with pytest.raises(StateFull):
        open_journal(str(state), least_free=1 << 62)
    assert open_records(str(state)).sites()


@pytest.fixture
def unwritable(state: Path) -> Iterator[Path]:
    """The state in a folder in which its owner, no administrator, can write nothing: as on a read-only file system."""
    # in the folder that everybody may pass: the one for temporary files may be closed to all but us
    folder = Path(tempfile.mkdtemp(prefix="read-only-", dir="/tmp"))
    path = Path(shutil.copy(state, folder / "state.db"))
    if os.geteuid() == 0:
        for each in (path, folder):
            os.chown(each, NOBODY, NOBODY)
    path.chmod(0o400)
    folder.chmod(0o500)
    yield path
    folder.chmod(0o700)
    shutil.rmtree(folder)


def test_fault_66_where_nothing_can_be_written_there_is_no_writer_and_reading_goes_on(unwritable: Path) -> None:
    """Mounted read-only, or its rights taken away: a clear refusal to write; status, log and plan still read."""

    def look() -> None:
        if os.geteuid() == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        with pytest.raises(ConnectorError, match=r"state\.db: Permission denied") as refused:
            open_journal(str(unwritable), least_free=0)
        assert "writable" in refused.value.remedy
        assert [site.site for site in open_records(str(unwritable)).sites()] == [SITE]
        with open_scratch(str(unwritable)) as scratch:
            assert [site.site for site in scratch.records().sites()] == [SITE]

    assert _in_a_child(look)


# ---- versions


def _oldest(path: Path) -> Path:
    """Return a state with a site in it, as the first version made it."""
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    engine = sqlite.writer_engine(path)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(f"PRAGMA application_id={sqlite.APPLICATION_ID}")
        connection.exec_driver_sql("INSERT INTO site (name, fingerprint, loaded) VALUES ('zd', 'f', 1)")
        connection.exec_driver_sql(
            "INSERT INTO ticket (site, id, is_open, priority_rank, updated_at, history_complete, document)"
            """ VALUES ('zd', '1', 1, 3, 0, 1, '{"labels":["esc-hold"]}')"""
        )
    engine.dispose()
    return path


@contextlib.contextmanager
def _dies_at(boundary: int) -> Iterator[None]:
    """End this process at the n-th statement on any connection."""
    from sqlalchemy import Engine  # noqa: PLC0415

    passed = 0

    def count(*_: object) -> None:
        nonlocal passed
        passed += 1
        if passed == boundary:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)
    yield


def test_fault_67_a_migration_killed_at_any_step_runs_again(tmp_path: Path, full: bool) -> None:
    """The schema is brought up to date in one transaction, after a backup: a kill leaves the old one whole."""
    oldest = _oldest(tmp_path / "oldest.db")
    boundary, survived = 0, False
    while not survived:
        boundary += 1 if full else 9
        path = Path(shutil.copy(oldest, tmp_path / f"killed-{boundary}.db"))
        survived = _in_a_child(lambda path=path, boundary=boundary: _migrate(path, boundary))  # type: ignore[misc]
        with open_journal(str(path), least_free=0) as journal:
            assert [site.site for site in journal.records().sites()] == ["zd"]
            assert journal.records().verify_chain() is None
            assert journal.without_history("zd", limit=9) == ("1",), "whose its labels are is asked once more"
        kept = backup_folder(path) / f"{path.stem}-schema-0001.db"
        assert verify(kept) == "0001", "the state as it was before is kept"
    assert boundary > 9


def _migrate(path: Path, boundary: int) -> None:
    with _dies_at(boundary):
        open_journal(str(path), least_free=0).close()


def _in_a_child(work: Callable[[], None]) -> bool:
    """Run ``work`` in a process of its own; return whether it lived."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the child must end here, whatever happens
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(70)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def test_fault_68_a_state_of_a_newer_version_is_refused(state: Path) -> None:
    """After a downgrade nothing is opened, read or changed; a backup of the newer version is not put back either."""
    with contextlib.closing(sqlite3.connect(state)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = state.read_bytes()
    for opening in (open_journal, open_records):
        with pytest.raises(ConnectorError, match="newer version"):
            opening(str(state))
    with pytest.raises(ConnectorError, match="newer version"):
        restore(str(state.with_name("other.db")), state.with_name("other.db"), state, now=NOW, why="")
    assert state.read_bytes() == before


# ---- what runs out


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open nothing more: of the numbers below the limit, all are taken and stay so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(STANDARD), hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            os.dup(2)
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("kind", ["zendesk", "jira"])
def test_fault_69_without_file_descriptors_nothing_is_sent_unarmed(kind: str) -> None:
    """No descriptor is left to connect with: the pass fails as a whole, nothing is armed, later all is done once."""
    with desk_over_http(kind) as site:
        site.later(minutes=5)
        assert site.run().outcome is PassOutcome.OK
        ticket, cursor = site.ticket(), site.cursor
        site.later(minutes=5)
        site.restart()
        before = site.now
        with no_descriptor_left():
            assert site.run().outcome is PassOutcome.FAILED
        assert site.requests(since=before) == []
        assert site.journal.sending(kind) == ()
        assert site.cursor == cursor
        assert site.run().summary.written == 1
        assert site.priority(ticket) == "P1"
        assert site.run().summary.written == 0


class Pipe:
    """A log's far end that nobody reads any more, or whose disk is full."""

    def __init__(self, error: type[OSError]) -> None:
        self._error = error

    def write(self, _text: str) -> int:
        raise self._error(28, "No space left on device")

    def flush(self) -> None:
        raise self._error(28, "No space left on device")

    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize("error", [BrokenPipeError, OSError])
def test_fault_70_a_log_that_cannot_be_written_never_stops_a_send(
    stage: Stage, desk: Desk, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    """The log's pipe is closed or its disk is full: every write is made all the same."""
    monkeypatch.setattr(sys, "stderr", Pipe(error))
    log = Log(stage.clock.now, clean=str, level="debug", form="json")
    monkeypatch.setattr(stage.ears, "event", log.event)
    urgent(desk, 2)
    play(stage, desk)
    monkeypatch.undo()
    assert desk.live("1").level
    assert desk.world.comments
    nothing_is_said_twice(desk)


def test_fault_70_a_log_that_nobody_reads_never_holds_up_a_send() -> None:
    """The pipe is full and its reader hangs: lines are dropped, the sender goes on."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb"), os.fdopen(writer, "w") as stream:
        log = Log(lambda: NOW, clean=str, level="debug", form="json", stream=stream)
        done = threading.Event()

        def talk() -> None:
            for number in range(3000):
                log.event("state_is_full", site="desk", why=f"line {number} of a pass that nobody reads")
            done.set()

        threading.Thread(target=talk, daemon=True).start()
        went_on = done.wait(60)
        if not went_on:
            os.read(reader, 1 << 20)  # let the thread go
        assert went_on
