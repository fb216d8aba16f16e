"""Backups: made online and verified, thinned out, and put back with what stood there kept aside."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.errors import ConfigError, ConnectorError
from connector.journal import (
    back_up,
    backup_folder,
    backup_name,
    backups_in,
    ends_at,
    expire,
    make_backup,
    open_journal,
    restore,
)
from connector.journal.backup import backup_before_migrating, made_at, superfluous, verify
from connector.journal.faults import StateBroken
from connector.journal.schema import HEAD, KNOWN
from connector.journal.sqlite import has_room
from tests.journal.samples import SITE, store, ticket

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def filled(state: Path) -> Path:
    with open_journal(str(state), least_free=0) as journal:
        journal.open_site(SITE, fingerprint="f")
        store(journal, ticket("1"), ticket("2"))
    return state


def open_tickets(path: Path) -> frozenset[str]:
    with open_journal(str(path), least_free=0) as journal:
        return journal.known_open(SITE)


def told(error: ConnectorError) -> tuple[str, str]:
    return str(error), error.remedy


def killed_while_writing(state: Path) -> dict[str, bytes]:
    """Leave a state as a process leaves it that is killed after its last word; return the files of its log."""
    with open_journal(str(state), least_free=0) as journal:
        store(journal, ticket("3"))
        left = {suffix: state.with_name(state.name + suffix).read_bytes() for suffix in ("", "-wal", "-shm")}
    for suffix, content in left.items():
        state.with_name(state.name + suffix).write_bytes(content)
    return left


class Dies(BaseException):
    """The process is killed."""


class TestMaking:
    def test_one_is_whole_and_ours_and_private(self, filled: Path, tmp_path: Path) -> None:
        target = make_backup(filled, tmp_path / "deep" / "copy.db")
        assert verify(target) == HEAD
        assert target.stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in target.parent.iterdir()) == ["copy.db"]
        assert open_tickets(target) == {"1", "2"}

    def test_a_state_in_use_can_be_backed_up(self, filled: Path, tmp_path: Path) -> None:
        with open_journal(str(filled), least_free=0) as journal:
            store(journal, ticket("3"))
            make_backup(filled, tmp_path / "copy.db")
        assert open_tickets(tmp_path / "copy.db") == {"1", "2", "3"}

    def test_what_is_not_there_cannot_be_backed_up(self, tmp_path: Path) -> None:
        with pytest.raises(ConnectorError) as refused:
            make_backup(tmp_path / "state.db", tmp_path / "copy.db")
        message = f"there is no state at {tmp_path / 'state.db'} to back up"
        assert told(refused.value) == (message, "run `connector sync` first")

    def test_nothing_is_overwritten(self, filled: Path, tmp_path: Path) -> None:
        (tmp_path / "copy.db").write_text("mine")
        with pytest.raises(ConnectorError) as refused:
            make_backup(filled, tmp_path / "copy.db")
        assert told(refused.value) == (f"{tmp_path / 'copy.db'} exists already", "name another file, or a folder")
        assert (tmp_path / "copy.db").read_text() == "mine"

    def test_a_place_that_cannot_be_written_is_told(self, filled: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(ConnectorError) as refused:
            make_backup(filled, tmp_path / "file" / "copy.db")
        message = f"{tmp_path / 'file' / 'copy.db'}: {os.strerror(errno.EEXIST)}"
        assert told(refused.value) == (message, "free disk space, or name another place")

    def test_each_step_is_on_the_disk_before_the_next(
        self, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        synced: list[Path] = []
        monkeypatch.setattr(os, "fsync", lambda file: synced.append(Path(f"/proc/self/fd/{file}").readlink()))
        make_backup(filled, tmp_path / "copy.db")
        assert synced == [tmp_path / "copy.db.part", tmp_path]

    def test_what_is_no_database_is_told_and_leaves_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "state.db").write_bytes(b"no database, by far" * 1000)
        with pytest.raises(ConnectorError) as refused:
            make_backup(tmp_path / "state.db", tmp_path / "copy.db")
        message = f"{tmp_path / 'state.db'} could not be backed up: file is not a database"
        assert told(refused.value) == (message, "check the disk")
        assert [path.name for path in tmp_path.glob("copy*")] == []


class TestVerifying:
    def test_what_cannot_be_read_is_broken(self, tmp_path: Path) -> None:
        (tmp_path / "copy.db").write_bytes(b"no database, by far" * 1000)
        with pytest.raises(StateBroken) as refused:
            verify(tmp_path / "copy.db")
        message = f"{tmp_path / 'copy.db'} cannot be read: file is not a database"
        assert told(refused.value) == (message, "take another backup")

    def test_lost_rows_are_damage(self, filled: Path, tmp_path: Path) -> None:
        """Readable, and not whole: an index that lacks what its table has."""
        copy = make_backup(filled, tmp_path / "copy.db")
        with contextlib.closing(sqlite3.connect(copy)) as raw, raw:
            (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_ticket_key'").fetchone()
            (size,) = raw.execute("PRAGMA page_size").fetchone()
        content = bytearray(copy.read_bytes())
        content[(page - 1) * size + 3 : (page - 1) * size + 5] = b"\0\0"  # its number of entries
        copy.write_bytes(content)
        with pytest.raises(StateBroken) as refused:
            verify(copy)
        message, remedy = told(refused.value)
        assert message.startswith(f"{copy} is damaged: ")
        assert remedy == "take another backup"

    def test_damage_is_told(self, filled: Path, tmp_path: Path) -> None:
        copy = make_backup(filled, tmp_path / "copy.db")
        with sqlite3.connect(copy) as raw:
            raw.execute("PRAGMA writable_schema = ON")
            raw.execute("UPDATE sqlite_master SET rootpage = 1 WHERE name = 'ix_ticket_key'")
        raw.close()
        with pytest.raises(StateBroken):
            verify(copy)

    def test_another_programs_database_is_not_ours(self, tmp_path: Path) -> None:
        with sqlite3.connect(tmp_path / "other.db") as raw:
            raw.execute("CREATE TABLE a (b)")
        raw.close()
        with pytest.raises(ConnectorError) as refused:
            verify(tmp_path / "other.db")
        message = f"{tmp_path / 'other.db'} is not a connector's state"
        assert told(refused.value) == (message, "name a file that `connector backup` made")

    def test_a_newer_one_is_refused(self, filled: Path, tmp_path: Path) -> None:
        copy = make_backup(filled, tmp_path / "copy.db")
        with sqlite3.connect(copy) as raw:
            raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.close()
        with pytest.raises(ConnectorError, match="newer"):
            verify(copy)


class TestKeeping:
    def test_a_name_tells_when_it_was_made(self) -> None:
        name = backup_name(Path("/x/state.db"), NOW)
        assert made_at(Path("/x/state.db"), Path(name)) == NOW
        assert made_at(Path("/x/state.db"), Path("state.db")) is None
        assert backup_folder(Path("/x/state.db")) == Path("/x/state.db.backups")

    def test_they_are_listed_latest_first_and_strangers_are_not(self, tmp_path: Path) -> None:
        for age in (DAY, timedelta(0), HOUR):
            (tmp_path / backup_name(Path("state.db"), NOW - age)).write_text("")
        (tmp_path / "notes.db").write_text("")
        assert [at for at, _ in backups_in(Path("state.db"), tmp_path)] == [NOW, NOW - HOUR, NOW - DAY]

    @pytest.mark.parametrize("other", ["state-2", "sta", "STATE", f"state-{NOW:%Y%m%dT%H%M%SZ}", "[s]tate", "sta.e"])
    def test_those_of_another_state_in_the_folder_are_none_of_ours(
        self, filled: Path, tmp_path: Path, other: str
    ) -> None:
        """Two states keep their backups in one folder: neither deletes the other's, nor goes without its own."""
        folder = tmp_path / "shared"
        folder.mkdir()
        theirs, mine = Path(f"{other}.db"), Path("state.db")
        for state in (mine, theirs):
            for age in (30 * DAY, 31 * DAY):
                (folder / backup_name(state, NOW - age)).write_text("")
        assert [at for at, _ in backups_in(theirs, folder)] == [NOW - 30 * DAY, NOW - 31 * DAY]
        made = back_up(filled, folder, now=NOW)
        assert [path for _, path in backups_in(mine, folder)] == [made]
        assert len(backups_in(theirs, folder)) == 2
        assert [ends_at(mine, path) for _, path in backups_in(theirs, folder)] == [None, None]

    def test_an_hour_a_day_and_a_week_are_kept_by_their_grain(self) -> None:
        ages = [timedelta(minutes=15 * n) for n in range(4 * 24 * 10)]
        made = [(NOW - age, Path(str(age))) for age in ages]
        gone = set(superfluous(made, now=NOW))
        kept = [age for age in ages if Path(str(age)) not in gone]
        assert [age for age in kept if age <= HOUR] == ages[:5]
        assert len([age for age in kept if HOUR < age <= DAY]) in {23, 24, 25}
        assert len([age for age in kept if DAY < age <= 7 * DAY]) in {6, 7}
        assert [age for age in kept if age > 8 * DAY] == []

    def test_the_latest_stays_however_old(self) -> None:
        old = [(NOW - n * 30 * DAY, Path(str(n))) for n in (1, 2)]
        assert list(superfluous(old, now=NOW)) == [Path("2")]

    def test_one_from_the_future_stays_and_stands_in_no_others_place(self) -> None:
        ahead = [(NOW + n * DAY, Path(f"ahead {n}")) for n in range(1, 4)]
        old = [(NOW - n * 30 * DAY, Path(str(n))) for n in (1, 2)]
        assert list(superfluous([*ahead, *old], now=NOW)) == [Path("2")]
        assert list(superfluous(ahead, now=NOW + 40 * DAY)) == [Path("ahead 2"), Path("ahead 1")]

    def test_a_thinning_deletes_a_few_at_a_time_the_oldest_first(self, filled: Path, tmp_path: Path) -> None:
        folder = tmp_path / "backups"
        folder.mkdir()
        for age in range(30, 40):
            (folder / backup_name(filled, NOW - age * DAY)).write_text("")
        left = []
        for number in range(3):
            back_up(filled, folder, now=NOW + number * timedelta(minutes=1))
            left.append([(NOW - at).days for at, _ in backups_in(filled, folder) if NOW - at >= DAY])
        assert left == [[30, 31, 32, 33, 34], [], []]

    def test_the_regular_one_thins_out_what_is_there(self, filled: Path, tmp_path: Path) -> None:
        folder = tmp_path / "backups"
        folder.mkdir()
        for age in (30 * DAY, 31 * DAY):
            (folder / backup_name(filled, NOW - age)).write_text("")
        made = back_up(filled, folder, now=NOW)
        assert [path for _, path in backups_in(filled, folder)] == [made]


class TestPuttingBack:
    def test_the_state_that_stood_there_is_kept_aside(self, filled: Path, tmp_path: Path) -> None:
        copy = make_backup(filled, tmp_path / "copy.db")
        with open_journal(str(filled), least_free=0) as journal:
            store(journal, ticket("3"))
        aside = restore(str(filled), filled, copy, now=NOW, why="restored")
        assert aside is not None
        assert open_tickets(filled) == {"1", "2"}
        assert aside.name.startswith("state.db.replaced-")
        with open_journal(str(filled), least_free=0) as journal:
            assert journal.records().sites()[0].recall.why == "restored"

    @pytest.mark.parametrize("stands", [True, False])
    def test_the_log_of_a_process_that_was_killed_is_not_put_under_the_backup(
        self, filled: Path, tmp_path: Path, stands: bool
    ) -> None:
        """Whoever moves a broken state away by hand leaves its log."""
        copy = make_backup(filled, tmp_path / "copy.db")
        logs = killed_while_writing(filled)
        if not stands:
            filled.unlink()
        aside = restore(str(filled), filled, copy, now=NOW, why="restored")
        assert (aside is not None) is stands
        assert open_tickets(filled) == {"1", "2"}
        kept = {path.name: path.read_bytes() for path in tmp_path.glob("state.db.replaced-*-wal")}
        assert kept == {f"state.db.replaced-{NOW:%Y%m%dT%H%M%SZ}-wal": logs["-wal"]}

    def test_a_rollback_journal_is_not_put_under_the_backup(self, filled: Path, tmp_path: Path) -> None:
        copy = make_backup(filled, tmp_path / "copy.db")
        filled.with_name("state.db-journal").write_bytes(b"pages")
        filled.unlink()
        restore(str(filled), filled, copy, now=NOW, why="restored")
        aside = tmp_path / f"state.db.replaced-{NOW:%Y%m%dT%H%M%SZ}-journal"
        assert aside.read_bytes() == b"pages"
        assert aside in expire(filled, now=NOW + 14 * DAY)
        assert not aside.exists()

    def test_a_death_between_any_two_steps_leaves_no_log_without_its_state(
        self, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What opened it then would play the log over another state, or delete it as none of its own."""
        copy = make_backup(filled, tmp_path / "copy.db")
        logs = killed_while_writing(filled)
        before, real, steps = filled.read_bytes(), Path.replace, 0

        def dies(path: Path, target: Path) -> Path:
            nonlocal steps
            if path.name.startswith(filled.name):
                if steps == 0:
                    raise Dies
                steps -= 1
            return real(path, target)

        monkeypatch.setattr(Path, "replace", dies)
        for number in range(5):
            steps = number
            with contextlib.suppress(Dies):
                restore(str(filled), filled, copy, now=NOW + number * HOUR, why="restored")
            assert filled.exists() or not filled.with_name("state.db-wal").exists()
            kept = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
            assert {before, logs["-wal"]} <= set(kept), number
        assert open_tickets(filled) == {"1", "2"}

    def test_what_is_set_aside_is_so_on_the_disk_before_the_backup_stands_there(
        self, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy = make_backup(filled, tmp_path / "copy.db")
        killed_while_writing(filled)
        stood: list[frozenset[str]] = []
        real = os.fsync

        def sees(file: int) -> None:
            if Path(f"/proc/self/fd/{file}").readlink() == tmp_path:
                stood.append(frozenset(path.name for path in tmp_path.iterdir() if path.name.startswith("state.db")))
            real(file)

        monkeypatch.setattr(os, "fsync", sees)
        restore(str(filled), filled, copy, now=NOW, why="restored")
        away = [names for names in stood if not names & {"state.db", "state.db-wal", "state.db-shm"}]
        assert len(away) == 1

    def test_where_none_stood_nothing_is_kept(self, filled: Path, tmp_path: Path) -> None:
        copy = make_backup(filled, tmp_path / "copy.db")
        fresh = tmp_path / "new" / "state.db"
        fresh.parent.mkdir()
        assert restore(str(fresh), fresh, copy, now=NOW, why="moved") is None
        assert open_tickets(fresh) == {"1", "2"}

    def test_into_a_folder_that_is_not_there_is_refused(self, filled: Path, tmp_path: Path) -> None:
        copy = make_backup(filled, tmp_path / "copy.db")
        mistyped = tmp_path / "nwe" / "state.db"
        with pytest.raises(ConfigError, match=r"there is no folder .*nwe"):
            restore(str(mistyped), mistyped, copy, now=NOW, why="moved")
        assert not mistyped.parent.exists()

    def test_what_cannot_be_used_leaves_the_state_as_it_was(self, filled: Path, tmp_path: Path) -> None:
        (tmp_path / "bad.db").write_bytes(b"no database, by far" * 1000)
        with pytest.raises(StateBroken):
            restore(str(filled), filled, tmp_path / "bad.db", now=NOW, why="restored")
        assert open_tickets(filled) == {"1", "2"}

    def test_a_place_that_cannot_be_written_leaves_the_state_as_it_was(self, filled: Path, tmp_path: Path) -> None:
        copy = make_backup(filled, tmp_path / "copy.db")
        filled.with_name("state.db.part").mkdir()
        with pytest.raises(ConnectorError) as refused:
            restore(str(filled), filled, copy, now=NOW, why="restored")
        message = f"{filled}: {os.strerror(errno.EISDIR)}"
        assert told(refused.value) == (message, "free disk space; nothing is lost")
        assert open_tickets(filled) == {"1", "2"}


def test_what_is_no_state_is_not_backed_up_before_migrating(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"no database, by far" * 1000)
    assert backup_before_migrating(tmp_path / "state.db") is None
    assert has_room(tmp_path / "state.db")


def test_a_state_of_an_older_version_is_backed_up_once_before_it_migrates(filled: Path) -> None:
    assert backup_before_migrating(filled) is None, "it is of this version"
    older = KNOWN[-2]
    with contextlib.closing(sqlite3.connect(filled)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = ?", (older,))
    made = backup_before_migrating(filled)
    assert made == backup_folder(filled) / f"state-schema-{older}.db"
    before = made.stat()
    assert verify(made) == older
    assert backup_before_migrating(filled) == made
    assert (made.stat().st_ino, made.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_state_that_went_on_since_is_backed_up_anew_before_it_migrates(filled: Path, suffix: str) -> None:
    """It was migrated, an earlier version was put back, and weeks later it is to be migrated again."""
    older = KNOWN[-2]
    with contextlib.closing(sqlite3.connect(filled)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = ?", (older,))
    made = backup_before_migrating(filled)
    assert made is not None
    with contextlib.closing(sqlite3.connect(filled)) as raw, raw:
        raw.execute("DELETE FROM ticket WHERE id = '1'")
    before, later = (made.stat().st_mtime + days * DAY.total_seconds() for days in (-1, 21))
    os.utime(filled, (before, before))
    changed = filled.with_name(filled.name + suffix)
    changed.touch()
    os.utime(changed, (later, later))
    assert backup_before_migrating(filled) == made
    assert sorted(path.name for path in made.parent.iterdir()) == [made.name]
    with contextlib.closing(sqlite3.connect(made)) as raw:
        assert raw.execute("SELECT id FROM ticket").fetchall() == [("2",)]


def test_a_state_that_is_damaged_since_costs_no_earlier_copy(filled: Path) -> None:
    with contextlib.closing(sqlite3.connect(filled)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = ?", (KNOWN[-2],))
    made = backup_before_migrating(filled)
    assert made is not None
    before = made.read_bytes()
    with contextlib.closing(sqlite3.connect(filled)) as raw, raw:
        raw.execute("PRAGMA writable_schema = ON")
        raw.execute("UPDATE sqlite_master SET rootpage = 1 WHERE name = 'ix_ticket_key'")
    with pytest.raises(ConnectorError):
        backup_before_migrating(filled)
    assert made.read_bytes() == before


class TestExpiring:
    def test_when_each_kind_of_copy_ends(self, filled: Path) -> None:
        folder = backup_folder(filled)
        regular = back_up(filled, folder, now=NOW)
        schema = make_backup(filled, folder / f"{filled.stem}-schema-0001.db")
        os.utime(schema, (NOW.timestamp(), NOW.timestamp()))
        copy = make_backup(filled, folder / "mine.db")
        aside = restore(str(filled), filled, copy, now=NOW, why="a test")
        assert aside is not None
        ends = [ends_at(filled, path) for path in (regular, schema, aside, Path(f"{aside}-wal"), copy, filled)]
        assert ends == [NOW + 7 * DAY, NOW + 14 * DAY, NOW + 14 * DAY, NOW + 14 * DAY, None, None]

    def test_what_belongs_to_a_state_whose_name_looks_like_a_pattern_goes_as_well(self, state: Path) -> None:
        """A name with brackets is a name."""
        odd = state.rename(state.with_name("[a]*.db"))
        like = odd.with_name(f"a.db.replaced-{NOW:%Y%m%dT%H%M%SZ}")
        like.write_bytes(b"another state's")
        copy = make_backup(odd, odd.parent / "copy.db")
        aside = restore(str(odd), odd, copy, now=NOW, why="a test")
        schema = make_backup(odd, backup_folder(odd) / "[a]*-schema-0001.db")
        os.utime(schema, (NOW.timestamp(), NOW.timestamp()))
        assert {aside, schema} <= set(expire(odd, now=NOW + 14 * DAY))
        assert like.exists()

    def test_what_was_set_aside_goes_with_its_log_and_nothing_else_does(self, filled: Path) -> None:
        copy = make_backup(filled, filled.parent / "copy.db")
        aside = restore(str(filled), filled, copy, now=NOW, why="a test")
        assert aside is not None
        Path(f"{aside}-wal").write_bytes(b"rows")
        folder = backup_folder(filled)
        schema = make_backup(filled, folder / f"{filled.stem}-schema-0001.db")
        os.utime(schema, (NOW.timestamp(), NOW.timestamp()))
        regular = back_up(filled, folder, now=NOW)
        assert expire(filled, now=NOW + 14 * DAY - timedelta(seconds=1)) == ()
        assert {aside, Path(f"{aside}-wal"), schema} <= set(expire(filled, now=NOW + 14 * DAY))
        assert list(filled.parent.glob("*.replaced-*")) == []
        assert [path.exists() for path in (filled, copy, regular, aside, schema)] == [True, True, True, False, False]
