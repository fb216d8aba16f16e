"""What a state holds after its process was killed: all of a transaction or nothing, and all that was promised."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from connector.journal import open_journal
from connector.ports import OpStatus
from tests.journal.crash_lab import ACTIONS
from tests.journal.samples import FINGERPRINT, NOW, SITE

ROOT = Path(__file__).resolve().parents[2]
GIVE_UP_SECONDS = 600


def _lab(template, folder, *words):
    command = [sys.executable, "-m", "tests.journal.crash_lab", str(template), str(folder), *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _content(path):
    """Return every row of a state, but for who held it when."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)  # noqa: S608
            for name in tables
            if name not in {"lease", "identity"}
        }


def _number(path):
    return int(re.findall(r"\d+", path.name)[0])


@pytest.fixture(scope="module")
def killed_everywhere(empty_state, tmp_path_factory, full):
    """The kills of every action, each in a folder: one process makes them all, for starting one takes a second."""
    folder = tmp_path_factory.mktemp("kills")
    with _lab(empty_state, folder, "1" if full else "3", *ACTIONS) as lab:  # odd: before and after statements in turn
        assert lab.wait(timeout=GIVE_UP_SECONDS) == 0
    return folder


@pytest.mark.parametrize("action", ACTIONS)
def test_a_transaction_that_is_killed_anywhere_happened_wholly_or_not_at_all(killed_everywhere, action):
    folder = killed_everywhere / action
    before, after = _content(folder / "before.db"), _content(folder / "after.db")
    assert before != after
    killed = sorted(folder.glob("killed-*.db"), key=_number)
    assert len(killed) >= 6
    for path in killed:
        with open_journal(str(path), least_free=0) as journal:  # what the next process does first
            journal.open_site(SITE, fingerprint=FINGERPRINT)
            assert journal.records().verify_chain() is None
        assert _content(path) == before, f"{path.name} has half of it"


def test_a_new_state_whose_making_is_killed_anywhere_can_be_opened(empty_state, tmp_path, full):
    with _lab(empty_state, tmp_path, "open", "5" if full else "9") as lab:  # odd: before and after statements in turn
        assert lab.wait(timeout=GIVE_UP_SECONDS) == 0
    killed = sorted(tmp_path.glob("killed-*.db"), key=_number)
    assert len(killed) > 12
    for path in killed:
        open_journal(str(path), least_free=0).close()
        assert _content(path) == _content(empty_state)


@pytest.mark.parametrize("lines", [1, *(pytest.param(n, marks=pytest.mark.full) for n in (2, 3, 50)), 7, 101])
def test_what_the_journal_said_is_stored_is_there_after_a_kill(empty_state, tmp_path, lines):
    with _lab(empty_state, tmp_path, "acknowledge") as lab:
        said = [lab.stdout.readline().split() for _ in range(lines)]
        lab.kill()
    with open_journal(str(tmp_path / "state.db"), least_free=0) as journal:
        state = journal.open_site(SITE, fingerprint=FINGERPRINT)
        stored = {"page": {t.ticket.ref.id for t in journal.load(SITE, [str(n) for n in range(1, 300)], now=NOW)}}
        ops = {op.write.ref.id: op for op in journal.records().ops(limit=1000)}
        assert journal.records().verify_chain() is None
    stored["armed"] = set(ops)
    stored["settled"] = {of for of, op in ops.items() if op.status is OpStatus.DONE}
    for kind, number in said:
        assert number in stored[kind]
    assert state.cursor == f"c{len(stored['page'])}"  # never ahead of its rows, never behind
    assert all(op.write.ref.id in stored["page"] for op in ops.values())
