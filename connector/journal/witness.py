"""A witness beside the state: what notices that a state was deleted, rolled back or exchanged.

Every state has an identity (``identity`` in the database): a mark made at random, an epoch, and a count that grows with
every transaction that changed anything. The witness is a small file beside the database that repeats them. No backup
carries it, so a state that is older than its witness, or another one, has forgotten something.

It is written after each commit and not synced: after a power cut it may be older than the state, which says nothing.
Only before a backup is put back it is synced. A witness that cannot be written never stops the journal: it only notices
less.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from connector.journal.statements import AnyRow, change_rows
from connector.journal.tables import identity, site

_NAME = "journal"
SUFFIX = ".witness"


@dataclass(frozen=True, slots=True)
class Testimony:
    """What a witness says: whose state, which epoch, how many changes it had seen."""

    mark: str
    epoch: int
    count: int

    def text(self) -> bytes:
        """Return it as it stands in the file; always of the same length, so that it is overwritten in place."""
        return json.dumps({"mark": self.mark, "epoch": self.epoch, "count": self.count}).ljust(120).encode() + b"\n"


def read_witness(path: Path) -> Testimony | None:
    """Return what the witness beside the database ``path`` says; ``None`` where there is none that can be read."""
    try:
        said = json.loads(path.with_name(path.name + SUFFIX).read_text(encoding="utf-8"))
        return Testimony(str(said["mark"]), int(said["epoch"]), int(said["count"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def what_is_forgotten(connection: Connection, witness: Testimony | None) -> str:
    """Return why this state does not know all that was done, empty where nothing tells so."""
    known = _identity(connection)
    if known is None:
        return "the state was deleted, or replaced by an empty one" if witness is not None else ""
    if witness is None:
        has_past = connection.execute(select(site.c.name).limit(1)).scalar_one_or_none() is not None
        return "the state stands without its witness: it was copied here, or restored by hand" if has_past else ""
    if witness.mark != known.mark:
        return "another state was put in the place of this one"
    if (known.epoch, known.count) < (witness.epoch, witness.count):
        return "the state is older than what was last stored here: it was rolled back"
    return ""


def _identity(connection: Connection) -> AnyRow | None:
    return connection.execute(select(identity).where(identity.c.name == _NAME)).one_or_none()


def begin_epoch(connection: Connection, witness: Testimony | None, *, forgotten: str) -> Testimony:
    """Return the state's testimony, made on first sight; one that has forgotten something begins a new epoch."""
    known = _identity(connection)
    if known is None:
        first = Testimony(secrets.token_hex(8), (witness.epoch if witness else 0) + 1, 0)
        row = {"name": _NAME, "mark": first.mark, "epoch": first.epoch, "count": first.count}
        connection.execute(insert(identity).values(row))
        return first
    if not forgotten:
        return Testimony(known.mark, known.epoch, known.count)
    epoch = max(known.epoch, witness.epoch if witness else 0) + 1
    connection.execute(update(identity).where(identity.c.name == _NAME).values(epoch=epoch))
    return Testimony(known.mark, epoch, known.count)


class Witness:
    """Counts the transactions that change something, and says so to the file beside the state after each."""

    def __init__(self, path: Path, testimony: Testimony, *, changes: int) -> None:
        """Begin with what the state says of itself, after ``changes`` rows changed on its connection."""
        self._path = path.with_name(path.name + SUFFIX)
        self._said = testimony
        self._changes = changes
        self.say(testimony)

    def count(self, connection: Connection) -> Callable[[], None] | None:
        """Count the transaction in hand, where it changed anything; return what to do once it is committed.

        Runs inside the transaction, as its last act.
        """
        if changes_of(connection) == self._changes:
            return None
        said = Testimony(self._said.mark, self._said.epoch, self._said.count + 1)
        change_rows(connection, identity, [{"name": _NAME, "count": said.count}], key=("name",))
        changes = changes_of(connection)

        def seen() -> None:
            self._said, self._changes = said, changes
            self.say(said)

        return seen

    def say(self, testimony: Testimony) -> None:
        """Write the file, in place."""
        with contextlib.suppress(OSError):
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(file, testimony.text(), 0)
            finally:
                os.close(file)


def changes_of(connection: Connection) -> int:
    """Return how many rows this connection has changed since it was opened."""
    return int(connection.connection.driver_connection.total_changes)  # type: ignore[union-attr]
