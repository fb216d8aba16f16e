"""Power fails: what the disk had not been told to keep is gone or torn. No armed row may be among it.

What this proves: the state is one of SQLite in WAL mode with ``synchronous=FULL``, where a commit returns after the log
has been synced. At each return of ``arm`` we keep the files as they are, which is what the disk must then hold. A power
cut later leaves these bytes and any part of what was written after them, torn and with garbage behind. Opened again,
every armed row is there.

What it takes on trust: that SQLite does sync the log at a commit under that setting (a test holds the setting), and
that the disk keeps what it was told to keep.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from connector.journal import open_journal
from connector.journal.witness import SUFFIX
from tests.journal import samples
from tests.journal.samples import FINGERPRINT, NOW, SITE


@dataclass(frozen=True, slots=True)
class Moment:
    """The files at the return of a commit, and the keys that were armed by then."""

    database: bytes
    log: bytes
    armed: frozenset[str]


def record(state: Path, steps: int) -> list[Moment]:
    """Arm and settle, with pages between; keep every moment at which an ``arm`` returned."""
    moments: list[Moment] = []
    armed: set[str] = set()
    with open_journal(str(state), least_free=0) as journal:
        journal.open_site(SITE, fingerprint=FINGERPRINT)
        for number in range(steps):
            samples.store(journal, samples.ticket(str(number)), cursor=f"c{number}")
            (op,) = journal.arm(SITE, [(samples.write(str(number), f"k{number}"), "d")], run="r", now=NOW)
            armed.add(f"k{number}")
            log = state.with_name(f"{state.name}-wal")
            moments.append(Moment(state.read_bytes(), log.read_bytes(), frozenset(armed)))
            if number % 2:
                journal.settle(op, samples.receipt(f"k{number}"), now=NOW)
    return moments


def cut(moment: Moment, later: Moment, rng: random.Random) -> tuple[bytes, bytes]:
    """Return the files after a power cut between two moments."""
    went_on = later.log.startswith(moment.log)  # else it began anew: what stands behind is anybody's
    rest = later.log[len(moment.log) :] if went_on else rng.randbytes(8192)
    kept = bytearray(rest[: rng.randrange(len(rest) + 1)])
    for _ in range(rng.randrange(3)):
        if kept:
            kept[rng.randrange(len(kept))] ^= rng.randrange(1, 256)
    return moment.database, moment.log + bytes(kept)


def test_no_armed_row_is_lost_to_a_power_cut(empty_state: Path, tmp_path: Path, full: bool) -> None:
    state = Path(shutil.copy(empty_state, tmp_path / "state.db"))
    moments = record(state, 60 if full else 12)
    rng = random.Random(7)
    for number in range(500 if full else 24):
        place = rng.randrange(len(moments) - 1)
        moment, later = moments[place], moments[rng.randrange(place + 1, min(place + 4, len(moments)))]
        path = tmp_path / f"cut-{number}.db"
        database, log = cut(moment, later, rng)
        path.write_bytes(database)
        path.with_name(f"{path.name}-wal").write_bytes(log)
        shutil.copy(f"{state}{SUFFIX}", f"{path}{SUFFIX}")
        with open_journal(str(path), least_free=0) as journal:
            found = {op.write.key for op in journal.records().ops(site=SITE, limit=1000)}
            assert moment.armed <= found
            assert journal.records().verify_chain() is None
        path.unlink()
