"""Power fails: what was not synced is lost or torn. Nothing that the journal said is stored may be among it.

A day of the journal runs in a process of its own under a recorder (``disk_recorder``), which sees every write and every
sync of SQLite and of our Python code: database, log, rollback journals, witness, lock, backups and a restore. From the
record, the files are made anew (``power_cut``) as they may stand if the power fails at a moment: all that was synced,
and of the rest nothing, or any sectors of it. Opened again by the journal itself, they must keep its promises.

Two checks show that the eye is sharp: with ``synchronous=OFF``, and with ``NORMAL``, the same day loses what was
promised.

Taken on trust: that the disk keeps what it said is synced, and that a sector is written wholly or not at all.
"""

from __future__ import annotations

import pickle
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connector.errors import ConnectorError
from connector.journal import open_journal
from connector.journal.backup import verify
from connector.ports import OpStatus
from tests.journal.disk_recorder import Entry, why_not
from tests.journal.power_cut import Disk
from tests.journal.power_lab import STATE
from tests.journal.samples import FINGERPRINT, NOW, SITE

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(why_not() != "", reason=why_not())


@dataclass(slots=True)
class Promises:
    """What the journal said is stored, by kind; ``backups`` holds what each backup must hold."""

    said: dict[str, set[str]] = field(default_factory=lambda: {"page": set(), "armed": set(), "settled": set()})
    backups: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    restored: str = ""
    """Empty, ``restoring`` or ``restored``: from then on the state may be the backup, if it knows that it forgot."""

    def take(self, kind: str, *words: str) -> None:
        if kind in self.said:
            self.said[kind].add(words[0])
        elif kind == "backup":
            self.backups[words[0]] = {name: set(keys) for name, keys in self.said.items()}
        else:
            self.restored = kind
            if kind == "restored":
                self.said = {name: set(keys) for name, keys in self.backups[words[0]].items()}


def record(folder: Path, steps: int, *weakened: str) -> list[Entry]:
    """Return what a day of the journal did to the files in ``folder``."""
    folder.mkdir()
    out = folder.with_suffix(".record")
    command = [sys.executable, "-m", "tests.journal.power_lab", str(folder), str(out), str(steps), *weakened]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    entries: list[Entry] = pickle.loads(out.read_bytes())  # noqa: S301 - our own child wrote it
    assert not [entry for entry in entries if entry[0] == "unseen"], "a write that the recorder cannot judge"
    return entries


class Judge:
    """Opens what a power cut left; a backup that was found whole before, byte by byte, is not opened again."""

    def __init__(self) -> None:
        self._whole: set[tuple[str, bytes]] = set()

    def broken(self, folder: Path, promises: Promises) -> str:
        """Return which promise the files in ``folder`` break, empty for none."""
        for name, held in promises.backups.items():
            content = (folder / name).read_bytes() if (folder / name).exists() else b""
            if (name, content) in self._whole:
                continue
            if missing := _missing_in_backup(folder / name, held):
                return f"{name} lacks {missing}"
            self._whole.add((name, content))
        return _missing(folder / STATE, promises.said, promises.restored)


def _missing_in_backup(backup: Path, held: dict[str, set[str]]) -> str:
    try:
        verify(backup)
    except ConnectorError as error:
        return f"everything: {error}"
    return _missing(Path(shutil.copy(backup, backup.with_name("opened.db"))), held)


def _missing(state: Path, said: dict[str, set[str]], restored: str = "") -> str:
    try:
        with open_journal(str(state), least_free=0) as journal:
            recalls = journal.open_site(SITE, fingerprint=FINGERPRINT).recall.freezes
            if restored == "restored" and not recalls:
                return "knowing that it was restored"
            if restored == "restoring" and recalls:
                return ""
            ops = journal.records().ops(site=SITE, limit=1000)
            pages = journal.load(SITE, sorted(said["page"]), now=NOW)
            found = {
                "page": {each.ticket.ref.id for each in pages},
                "armed": {op.write.key for op in ops},
                "settled": {op.write.key for op in ops if op.status is OpStatus.DONE},
            }
            if journal.records().verify_chain() is not None:
                return "an unbroken chain"
    except ConnectorError as error:
        return f"everything: {error}"
    lacking = {kind: sorted(keys - found[kind]) for kind, keys in said.items() if keys - found[kind]}
    return str(lacking or "")


def losses(entries: list[Entry], root: Path, moments: set[int], seed: int, *, torn: bool) -> list[str]:
    """Cut the power after each of the moments; return the promises that were broken. ``root`` is where it ran."""
    folder = root.with_name(f"{root.name}-cut")
    disk, promises, rng, judge = Disk(root), Promises(), random.Random(seed), Judge()
    found = []
    for place, entry in enumerate(entries):
        disk.take(entry)
        if entry[0] == "said":
            promises.take(*entry[1:])
        if place in moments:
            disk.cut(folder, rng if torn else None)
            if what := judge.broken(folder, promises):
                found.append(f"cut after entry {place}: {what}")
            shutil.rmtree(folder)
    return found


def words(entries: list[Entry]) -> list[int]:
    """Return the moments at which the journal said something."""
    return [place for place, entry in enumerate(entries) if entry[0] == "said"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("day").resolve() / "disk"


@pytest.fixture(scope="module")
def day(root: Path, full: bool) -> list[Entry]:
    return record(root, 16 if full else 5)


def test_what_the_journal_said_is_stored_was_synced(day: list[Entry], root: Path) -> None:
    """The power fails at each word, and nothing that was not synced survives."""
    assert losses(day, root, set(words(day)), 0, torn=False) == []


def test_what_was_torn_harms_nothing_that_was_promised(day: list[Entry], root: Path, full: bool) -> None:
    """The power fails anywhere, and any sectors of what was not synced survive."""
    rng = random.Random(11)
    for seed in range(2 if full else 1):
        moments = set(rng.sample(range(words(day)[0], len(day)), 300 if full else 50))
        assert losses(day, root, moments, seed, torn=True) == []


def test_a_power_cut_while_restoring_leaves_a_state_that_knows(day: list[Entry], root: Path, full: bool) -> None:
    """Either all is there that was promised, or the state knows that it has forgotten something."""
    start, end = (place for place in words(day) if day[place][1] in {"restoring", "restored"})
    put = next(place for place in range(start, end) if day[place][0] == "replace")
    moments = {start, end, *range(put, end, 1 if full else 3)}
    assert losses(day, root, moments, 0, torn=False) == []
    for seed in range(6 if full else 2):
        assert losses(day, root, moments, seed, torn=True) == []


@pytest.mark.parametrize("weakened", ["OFF", "NORMAL"])
def test_a_weaker_setting_is_seen_to_lose_what_was_promised(tmp_path: Path, weakened: str) -> None:
    root = tmp_path.resolve() / "disk"
    entries = record(root, 2, weakened)
    found = losses(entries, root, set(words(entries)[:8]), 0, torn=False)
    assert [each for each in found if "armed" in each or "everything" in each]
