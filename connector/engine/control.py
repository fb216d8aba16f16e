"""The control socket: ``run``, and ``sync`` and ``apply`` at work, serve it beside the state for the command line.

One line of JSON in, one line of JSON out, then the connection ends. The socket's file mode (0600) is the access
control: only the account that runs the connector can reach it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from connector.errors import Busy, ConfigError, ConnectorError, Denied, Problem, UnsafePlan, WrongUse, what_failed

Handler = Callable[[Mapping[str, Any]], Mapping[str, Any]]

MAX_LINE = 64 * 1024
MAX_ANSWER = 16 * 1024 * 1024
TIMEOUT_SECONDS = 120.0
BREATH_SECONDS = 0.5
"""How long nothing more is taken in when descriptors, threads or memory have run out."""


_KINDS: Mapping[str, type[ConnectorError]] = {kind.__name__: kind for kind in (UnsafePlan, Busy, Denied, WrongUse)}
"""Errors of the other side that come out here as themselves: the exit code must not depend on who does the work."""


class NobodyServes(Busy):
    """Nobody listens on the control socket: its owner was killed, or whoever holds the state holds it for a moment."""


class ControlServer:
    """Serves commands on a Unix socket, one at a time; those named ``slow`` run beside the others.

    A pause must get through while a plan is being applied.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler], *, slow: frozenset[str] = frozenset()) -> None:
        self._path = path
        self._handlers = handlers
        self._slow = slow
        self._one_at_a_time = threading.Lock()
        self._ended = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)

    def start(self) -> None:
        """Bind and serve. A socket file left by a crash is replaced: the caller holds the state's lock."""
        before = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)
            with _short(self._path) as name:
                self._socket.bind(name)
        except OSError:
            self._socket.close()
            raise
        finally:
            os.umask(before)
        self._socket.listen(8)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """True while commands are taken in: from ``start`` to ``stop``."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop serving and remove the socket's file."""
        self._ended.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def _serve(self) -> None:
        while not self._ended.is_set() and self._socket.fileno() >= 0:
            try:
                self._take_in()
            except Exception:  # noqa: BLE001 - what has run out may come back, and nobody could pause us without this
                self._ended.wait(BREATH_SECONDS)

    def _take_in(self) -> None:
        """Wait for a connection and hand it to a thread of its own; where there is none to be had it is closed."""
        connection, _ = self._socket.accept()
        try:
            threading.Thread(target=self._talk, args=(connection,), name="control talk", daemon=True).start()
        except BaseException:
            connection.close()
            raise

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, MemoryError):
            connection.settimeout(TIMEOUT_SECONDS)
            answer = self._answer(_read_line(connection, most=MAX_LINE))
            connection.sendall(json.dumps(answer).encode() + b"\n")

    def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            request = _request(line)
            handler = self._handlers.get(command := request["command"])
            if handler is None:
                return {"ok": False, "error": f"unknown command {command!r}"}
            with contextlib.nullcontext() if command in self._slow else self._one_at_a_time:
                return {"ok": True, **handler(request)}
        except ConnectorError as error:
            return _refusal(error)
        except Exception as error:  # noqa: BLE001 - without an answer it would look as if nobody were there
            why = f"a fault of the connector itself ended it ({what_failed(error)}); part of it may be done"
            return {"ok": False, "error": why, "remedy": "connector status; please report it"}


class _Request(dict[str, Any]):
    """A request; what a handler asks for and does not find there was left out by whoever sent it."""

    def __missing__(self, name: str) -> Any:
        raise ConnectorError(f"the request cannot be read: it has no {name!r}")


def _request(line: bytes) -> _Request:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConnectorError(f"the request cannot be read: {error}") from error
    if not isinstance(request, dict) or not isinstance(request.get("command", ""), str):
        raise ConnectorError("the request cannot be read: it names no command")
    return _Request(request)


def _refusal(error: ConnectorError) -> Mapping[str, Any]:
    """Return an error as the other side raises it again: by the nearest kind that it knows, a file's problems whole."""
    problems = [asdict(problem) for problem in error.problems] if isinstance(error, ConfigError) else []
    kind = next((base.__name__ for base in type(error).__mro__ if base.__name__ in _KINDS), "")
    return {"ok": False, "error": str(error), "remedy": error.remedy, "kind": kind, "problems": problems}


def call(socket_path: Path, command: str, *, patience: float = TIMEOUT_SECONDS, **arguments: Any) -> Mapping[str, Any]:
    """Send one command to the process that serves ``socket_path`` and return its answer, for ``patience`` seconds.

    Raises:
        UnsafePlan, Denied, WrongUse, ConfigError: The other side's own.
        NobodyServes: Nobody listens; for a caller who found the state locked that is a command of a moment.
        Busy: Whoever listens does not answer.
        ConnectorError: The other side refused; the message is its own.
    """
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
        connection.settimeout(patience)
        try:
            with _short(socket_path) as name:
                connection.connect(name)
            connection.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            answer = json.loads(_read_line(connection, most=MAX_ANSWER))
        except (ConnectionRefusedError, FileNotFoundError) as error:
            raise NobodyServes(
                "another process holds the state and takes no commands",
                remedy="try again when it has ended; a file PAUSED beside the state stops what it would still write",
            ) from error
        except (OSError, ValueError) as error:
            raise Busy(
                "another process holds the state but does not answer on its control socket",
                remedy="try again; if it stays so, look at that process",
            ) from error
    if not answer.pop("ok"):
        if problems := tuple(Problem(**each) for each in answer.get("problems", ())):
            raise ConfigError(problems)
        kind = _KINDS.get(answer.get("kind", ""), ConnectorError)
        raise kind(answer.get("error", "refused"), remedy=answer.get("remedy", ""))
    return dict(answer)


def _read_line(connection: socket.socket, *, most: int) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        chunk = connection.recv(4096)
        if not chunk or len(data) > most:
            break
        data += chunk
    return data


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield a name for ``path`` that fits a socket address (about 100 bytes), whatever its length."""
    if len(os.fsencode(path)) < 100:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
