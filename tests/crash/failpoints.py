"""Where a process dies. Installed in a forked child before the command line runs; the connector knows nothing of it.

Everything is watched from outside our own code: SQLite's connection class below SQLAlchemy, and the sockets below
urllib3. Only sockets that lead to a helpdesk's port count. At the ordered passing of the ordered boundary the process
gets a real ``SIGKILL``: no handler runs, no buffer is flushed, no lock is given back but by the kernel.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import socket
import sqlite3
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BOUNDARIES = {
    "migration": "while a state that does not exist yet gets its schema: at a statement of the very first transaction",
    "before-commit": "the statements of a transaction have run, its commit has not",
    "after-commit": "a transaction is on disk, nobody has been told",
    "checkpoint": "within a commit whose write-ahead log is being copied into the database",
    "backup": "while a copy of the state is being made",
    "before-connect": "a connection to the helpdesk is wanted; for a comment the intent is armed",
    "before-request": "connected, the first byte of a write is not sent",
    "within-request": "after k bytes of a write, k drawn from the seed",
    "after-request": "the last byte of a write has left; the helpdesk applies it without us",
    "applied": "the helpdesk has applied a write and its answer waits in our socket, unread",
    "after-headers": "the head of a write's answer is read, its body is not",
    "after-body": "a write's answer is read completely, nothing is stored of it",
    "before-settle": "the receipt's transaction has run, its commit has not",
    "after-settle": "the receipt is on disk, the site's thread does not know",
    "reading": "after the request of a read, while pages come in",
    "reload": "while the policy's files are read anew on SIGHUP",
}
_NAMES = tuple(BOUNDARIES)
_COUNTER = struct.Struct(f"={len(_NAMES)}Q")


class Tally:
    """How often each boundary was passed, in memory that outlives the process."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, _COUNTER.size)

    def clear(self) -> None:
        self._shared[:] = bytes(_COUNTER.size)

    def add(self, boundary: str) -> int:
        """Count one passing and return its number, from 1."""
        at = _NAMES.index(boundary) * 8
        (count,) = struct.unpack_from("=Q", self._shared, at)
        struct.pack_into("=Q", self._shared, at, count + 1)
        return int(count) + 1

    def counts(self) -> dict[str, int]:
        return dict(zip(_NAMES, _COUNTER.unpack(self._shared[: _COUNTER.size]), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Die at the ``nth`` passing of ``boundary``; ``fraction`` says how far into it, from 0 to 1."""

    boundary: str
    nth: int
    fraction: float = 0.5


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Failpoints:
    """Counts passings and ends the process at the ordered one. ``ports`` are those of the helpdesks."""

    def __init__(self, kill: Kill | None, tally: Tally, ports: frozenset[int]) -> None:
        self.kill = kill
        self._tally = tally
        self.ports = ports
        self.answered = False  # a write's answer has been read and nothing stored since
        self.served = False  # some request has gone out: the state was opened long ago
        self.commit_took = 0.0  # seconds of the last commit

    def passes(self, boundary: str) -> bool:
        """Count a passing; True when this is the one to die at."""
        nth = self._tally.add(boundary)
        return self.kill is not None and self.kill.boundary == boundary and self.kill.nth == nth

    def reach(self, boundary: str) -> None:
        if self.passes(boundary):
            die()

    def install(self) -> None:
        _watch_sqlite(self)
        _watch_sockets(self)
        if self.kill is not None and self.kill.boundary == "reload":
            _watch_reload(self)


# ---- the journal


class _Watched(sqlite3.Connection):
    """A connection whose commits, statements and copies are boundaries; ``points`` is set when watching begins."""

    points: Failpoints

    def cursor(self, *_: Any) -> sqlite3.Cursor:
        return super().cursor(_WatchedCursor)

    def commit(self) -> None:
        if self.in_transaction:
            _commit(self.points, super().commit)
        else:
            super().commit()


class _Copied(sqlite3.Connection):
    """A connection that only reads: what a copy of the state is made from, piece by piece."""

    def backup(self, target: sqlite3.Connection, **options: Any) -> None:
        points = _Watched.points
        points.reach("backup")
        super().backup(target, **{**options, "pages": 8, "progress": lambda *_: points.reach("backup")})


class _WatchedCursor(sqlite3.Cursor):
    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if not _Watched.points.served:
            _Watched.points.reach("migration")
        return super().execute(sql, *values)


def _watch_sqlite(points: Failpoints) -> None:
    """Make every connection that may write a watched one."""
    connect = sqlite3.connect
    _Watched.points = points

    def watched(database: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
        if "mode=ro" in str(database):
            return connect(database, *arguments, **{**options, "factory": _Copied})
        connection = connect(database, *arguments, **{**options, "factory": _Watched})
        if points.kill is not None and points.kill.boundary == "checkpoint":
            connection.execute("PRAGMA wal_autocheckpoint=1").close()
        return connection

    sqlite3.connect = watched  # type: ignore[assignment]


def _commit(points: Failpoints, commit: Callable[[], None]) -> None:
    settles, points.answered = points.answered, False
    points.reach("before-commit")
    if settles:
        points.reach("before-settle")
    if points.passes("checkpoint"):
        _die_within(points.commit_took * 1.2 * (points.kill.fraction if points.kill else 0.0))
    began = time.perf_counter()
    commit()
    points.commit_took = time.perf_counter() - began
    points.reach("after-commit")
    if settles:
        points.reach("after-settle")


def _die_within(seconds: float) -> None:
    """Die from another thread while this one is inside the commit, which leaves the interpreter's lock."""
    ready = threading.Event()

    def spin() -> None:
        ready.set()
        ends_at = time.perf_counter() + seconds
        while time.perf_counter() < ends_at:
            pass
        die()

    threading.Thread(target=spin).start()
    ready.wait()


# ---- the helpdesk


@dataclass(slots=True)
class _Line:
    """One connection to a helpdesk: what has gone out and come in of the exchange in hand."""

    writes: bool = False
    left: int = 0  # of the request's body, once its head is out
    head_read: bool = False
    answer_left: int = 0


def _watch_sockets(points: Failpoints) -> None:
    lines: dict[int, _Line] = {}
    plain_connect, plain_sendall = socket.socket.connect, socket.socket.sendall
    plain_recv_into = socket.socket.recv_into

    def connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[1] in points.ports:
            points.reach("before-connect")
            lines[id(self)] = _Line()
        else:
            lines.pop(id(self), None)
        plain_connect(self, address)

    def sendall(self: socket.socket, data: Any, *flags: Any) -> None:
        line = lines.get(id(self))
        if line is None:
            plain_sendall(self, data, *flags)
            return
        _send(points, line, bytes(data), lambda piece: plain_sendall(self, piece, *flags))

    def recv_into(self: socket.socket, buffer: Any, *given: Any) -> int:
        line = lines.get(id(self))
        if line is None or given:
            return plain_recv_into(self, buffer, *given)
        return _receive(
            points, line, self, lambda size: plain_recv_into(self, memoryview(buffer)[:size], size), len(buffer)
        )

    socket.socket.connect = connect  # type: ignore[method-assign]
    socket.socket.sendall = sendall  # type: ignore[method-assign]
    socket.socket.recv_into = recv_into  # type: ignore[method-assign]


def _send(points: Failpoints, line: _Line, data: bytes, send: Callable[[bytes], None]) -> None:
    points.served = True
    if line.left <= 0:
        line.writes, line.left = _writes(data), _body_length(data)
        line.head_read, line.answer_left = False, 0
        body_follows = line.left > 0
        if line.writes:
            points.reach("before-request")
    else:
        line.left -= len(data)
        body_follows = line.left > 0
    if line.writes and points.passes("within-request"):
        cut = int(len(data) * (points.kill.fraction if points.kill else 0))
        if cut:
            send(data[:cut])
        die()
    send(data)
    if not body_follows:
        points.reach("after-request" if line.writes else "reading")


def _writes(head: bytes) -> bool:
    """Whether a request's head is one of a write of ours to a ticket."""
    method, _, rest = head.partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0]
    return method in {b"PUT", b"DELETE"} or (method == b"POST" and path.endswith(b"/comment"))


def _body_length(head: bytes) -> int:
    """What of the body is still to be handed over after this piece."""
    top, end, rest = head.partition(b"\r\n\r\n")
    for row in top.split(b"\r\n"):
        name, _, value = row.partition(b":")
        if name.lower() == b"content-length" and end:
            return int(value) - len(rest)
    return 0


def _receive(points: Failpoints, line: _Line, sock: socket.socket, read: Callable[[int], int], size: int) -> int:
    """Read so that the head's end is a boundary of its own."""
    if not line.writes:
        return read(size)
    if not line.head_read:
        return _receive_head(points, line, sock, read, size)
    got = read(size)
    line.answer_left -= got
    if line.answer_left <= 0:
        _answered(points, line)
    return got


def _receive_head(points: Failpoints, line: _Line, sock: socket.socket, read: Callable[[int], int], size: int) -> int:
    select.select([sock], [], [], sock.gettimeout())
    seen = sock.recv(min(size, 65536), socket.MSG_PEEK)
    end = seen.find(b"\r\n\r\n") + 4
    if end < 4:
        return read(size)
    points.reach("applied")
    got = read(end)
    line.head_read, line.answer_left = True, _body_length(seen[:end])
    points.reach("after-headers")
    if line.answer_left <= 0:
        _answered(points, line)
    return got


def _answered(points: Failpoints, line: _Line) -> None:
    line.writes = False
    points.answered = True
    points.reach("after-body")


# ---- the operator


def _watch_reload(points: Failpoints) -> None:
    """Ask for a reload as soon as the daemon serves, and die while its files are read the second time.

    Files that are read before anything was sent belong to the start.
    """
    asked = threading.Event()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and points.served and not asked.is_set():
            asked.set()
            os.kill(os.getpid(), signal.SIGHUP)
        elif event == "open" and asked.is_set() and "mappings" in str(arguments[0]):
            points.reach("reload")

    sys.addaudithook(hook)
