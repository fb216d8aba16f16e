"""The lock of a state: taken by one, let go of once, and clear about who has it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from connector.errors import Busy
from connector.journal.lock import StateLock

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db.lock"


def refused(path: Path) -> Busy:
    with pytest.raises(Busy) as raised, StateLock(path):
        pass
    return raised.value


def test_whoever_holds_it_is_named_with_the_file_and_what_to_do(path: Path) -> None:
    path.write_text("a longer line that an earlier holder left")
    with StateLock(path):
        assert path.read_text() == str(os.getpid())
        busy = refused(path)
    assert str(busy) == f"{path}: another process holds this state (process {os.getpid()})"
    assert busy.remedy == "let it do the work, or stop it first"


def test_nobody_but_the_owner_may_read_a_new_one(path: Path) -> None:
    with StateLock(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "holder"), [(b"", "unknown"), (b"\xff\xfe", "\ufffd\ufffd"), (b"4" * 99, "4" * 32)]
)
def test_a_holder_that_left_no_readable_number_keeps_it_all_the_same(path: Path, content: bytes, holder: str) -> None:
    with StateLock(path):
        path.write_bytes(content)
        assert f"(process {holder})" in str(refused(path))


def test_who_was_turned_away_keeps_no_file_open(path: Path) -> None:
    with StateLock(path):
        lowest = os.dup(0)
        os.close(lowest)
        refused(path)
        after = os.dup(0)
        os.close(after)
    assert after == lowest


def test_letting_go_twice_closes_nobody_elses_file(path: Path) -> None:
    lock = StateLock(path)
    lock.release()
    taken = StateLock(path)  # its file has the number that the first one had
    lock.release()
    refused(path)
    taken.release()
    StateLock(path).release()


def test_a_process_without_standard_input_lets_go_as_well(path: Path) -> None:
    """Its lock is file number 0."""
    kept = os.dup(0)
    os.close(0)
    try:
        for _ in range(2):
            with StateLock(path) as lock:
                assert lock._file == 0
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_a_child_does_not_inherit_it(path: Path) -> None:
    with StateLock(path) as lock:
        assert not os.get_inheritable(lock._file)


LEAVING = """
import logging, sys
from pathlib import Path
from connector.journal import lock

def held():
    with lock.StateLock(Path(sys.argv[1])):
        yield

logging.last_word, logging.last_module = held(), lock
next(logging.last_word)
"""
"""A lock in hands that go last of all, when the modules have lost their names."""


def test_one_that_is_let_go_of_as_the_interpreter_exits_says_nothing(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LEAVING, path], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert path.read_text()
