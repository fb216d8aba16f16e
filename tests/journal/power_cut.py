"""A disk that loses power: from the record of what a process did, the files as they may stand afterwards.

What was synced is kept. Of what was written since, any part may be kept, sector by sector, whatever its order; the
names in a folder (new, changed, gone) are kept up to some moment since the folder was synced, in their order, as file
systems with a journal do. A new folder that was never synced into its own folder is lost with all that is in it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from tests.journal.disk_recorder import Entry

SECTOR = 512


class Disk:
    """Takes up a record, entry by entry; at any moment the power may be cut."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()
        self._kept: dict[int, bytes] = {}
        self._unsynced: dict[int, list[Entry]] = {}
        self._names: dict[str, int | None] = {}  # a folder has no number
        self._changes: list[Entry] = []
        self._done = {
            "create": self._rename,
            "mkdir": self._rename,
            "replace": self._rename,
            "unlink": self._rename,
            "write": self._change,
            "truncate": self._change,
            "sync": self._sync,
            "syncdir": self._sync_folder,
        }

    def take(self, entry: Entry) -> None:
        """Take up one more entry of the record."""
        if entry[0] in self._done:
            self._done[entry[0]](entry)

    def _rename(self, entry: Entry) -> None:
        self._changes.append(entry)

    def _change(self, entry: Entry) -> None:
        self._unsynced.setdefault(entry[1], []).append(entry)

    def _sync(self, entry: Entry) -> None:
        file = entry[1]
        self._kept[file] = _changed(self._kept.get(file, b""), self._unsynced.pop(file, []))

    def _sync_folder(self, entry: Entry) -> None:
        now = [change for change in self._changes if str(Path(change[1]).parent) == entry[1]]
        self._changes = [change for change in self._changes if change not in now]
        _name(self._names, now)

    def cut(self, target: Path, rng: random.Random | None) -> None:
        """Write the files into ``target`` as they stand after a power cut; without ``rng`` all unsynced is lost."""
        names = dict(self._names)
        _name(names, self._changes[: rng.randrange(len(self._changes) + 1)] if rng else ())
        target.mkdir()
        for path, file in sorted(names.items()):
            place = target / Path(path).relative_to(self._root)
            if not place.parent.is_dir():
                continue  # its folder is lost
            if file is None:
                place.mkdir()
            else:
                unsynced = _some(self._unsynced.get(file, []), rng) if rng else ()
                place.write_bytes(_changed(self._kept.get(file, b""), unsynced))


def _name(names: dict[str, int | None], changes: Iterable[Entry]) -> None:
    """Carry out changes of names; each is done wholly or not at all."""
    for change in changes:
        if change[0] == "create":
            names[change[1]] = change[2]
        elif change[0] == "mkdir":
            names[change[1]] = None
        elif change[1] in names:
            file = names.pop(change[1])
            if change[0] == "replace":
                names[change[2]] = file


def _changed(data: bytes, changes: Iterable[Entry]) -> bytes:
    content = bytearray(data)
    for change in changes:
        if change[0] == "truncate":
            del content[change[2] :]
            content.extend(bytes(change[2] - len(content)))
        else:
            _, _, offset, written = change
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + len(written)] = written
    return bytes(content)


def _some(changes: list[Entry], rng: random.Random) -> list[Entry]:
    """Return the part of the unsynced changes that reached the disk: the first ones, or of each some sectors."""
    if rng.random() < 0.5:
        return changes[: rng.randrange(len(changes) + 1)]
    share = rng.choice((0.1, 0.5, 0.9, 1.0))
    found: list[Entry] = []
    for change in changes:
        if change[0] == "truncate":
            found.extend([change] if rng.random() < share else [])
            continue
        name, file, offset, data = change
        for start, piece in _sectors(offset, data):
            if rng.random() < share:
                found.append((name, file, start, piece))
    return found


def _sectors(offset: int, data: bytes) -> Iterable[tuple[int, bytes]]:
    place = 0
    while place < len(data):
        size = SECTOR - (offset + place) % SECTOR
        yield offset + place, data[place : place + size]
        place += size
