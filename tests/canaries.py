"""Canaries: secrets and personal data of the tests, each recognisable wherever it turns up, and who looks for them.

Every secret of the simulated sites and every text of a customer's ticket that the tests make begins with ``MARK``;
the customers' names and addresses are known as they are. None of it may be in a file that the connector writes (state,
its log and index beside it, backups, plans, logs) nor in what it says. ``tests/conftest.py`` has all that a session
left behind read through at its end; a test that throws its folder away itself asks ``found_below`` before.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path

from connector.sandbox.scenarios.cast import CUSTOMERS

MARK = "canary-"
SUBJECT = f"{MARK}subject-7c1"
BODY = f"{MARK}body-2f9 and the customer's own words"

INPUTS = frozenset({"secrets", "keys", "connector"})
"""Folders that hold secrets by their purpose, and copies of this project's code."""

_CHUNK = 1 << 24


def _encoded(mark: bytes) -> Iterator[bytes]:
    """Yield what is left of ``mark`` inside a longer text in base64, whatever stands before it."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + mark)
        yield whole[(before * 8 + 5) // 6 : (before + len(mark)) * 8 // 6]


def _people() -> Iterator[str]:
    for person in CUSTOMERS:
        yield person.email
        yield person.name


MARKS = (MARK.encode(), MARK.encode().hex().encode(), *_encoded(MARK.encode()), *(p.encode() for p in _people()))
"""Whatever of these is found is one too many. A mark needs no quoting in an address, so it is there as it is."""


def found_in(content: bytes | str) -> list[str]:
    """Return the marks in a text, each once."""
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return [mark.decode() for mark in MARKS if mark in raw]


def found_below(folder: Path) -> list[str]:
    """Return one line for every file below ``folder`` with a mark in it; what holds secrets by its purpose apart."""
    return [f"{path}: {', '.join(marks)}" for path in _kept(folder) if (marks := _found_at(path))]


def refuse(folder: Path, said: Sequence[str]) -> None:
    """Raise ``AssertionError`` where a file below ``folder`` has a mark, or something with one was ``said``."""
    found = [*found_below(folder), *said]
    assert not found, "\n".join(("canaries were found:", *found))


def _kept(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts[:-1]
        if path.is_file() and not path.is_symlink() and not INPUTS.intersection(inside):
            yield path


def _found_at(path: Path) -> list[str]:
    """Read a file piece by piece, with an overlap, so that a mark on an edge is seen.

    Zero bytes are left out: nine tenths of small databases are zeros, and a text in UTF-16 is seen as well.
    """
    found: list[str] = []
    overlap = max(map(len, MARKS))
    with path.open("rb") as file:
        rest = b""
        while piece := file.read(_CHUNK):
            text = rest + piece.translate(None, b"\0")
            found += found_in(text)
            rest = text[-overlap:]
    return list(dict.fromkeys(found))
