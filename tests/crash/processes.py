"""Processes made by forking this one, in which everything is imported already: the sandbox and the connector.

Starting Python takes a second, forking some milliseconds; the forked connector runs the very command line, in a process
of its own, with nothing shared but the code. This process must have one thread only, or a fork could copy a held lock.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel.dates import format_datetime

import connector as connector_package
from connector.cli.main import run as command_line
from connector.sandbox.client import SandboxClient
from connector.sandbox.script import Scenario
from connector.sandbox.serve import ServeOptions, tell
from tests.crash.failpoints import Failpoints

NARRATOR = "narrator"
GIVE_UP = 60.0


def warm() -> None:
    """Import all that a connector or a sandbox will want, once, so that no child has to.

    What is imported must not start a thread: ``fork`` checks.
    """
    for found in pkgutil.walk_packages(connector_package.__path__, "connector."):
        if ".migrations" not in found.name and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in ("alembic.command", "alembic.ddl.sqlite", "sqlalchemy.dialects.sqlite", "multiprocessing.connection"):
        importlib.import_module(name)
    format_datetime(datetime(2026, 11, 23, tzinfo=UTC), locale="en")
    assert threading.active_count() == 1, "a process with threads cannot be forked safely"


def fork(work: Callable[[], None], output: Path) -> int:
    """Run ``work`` in a child with its output in a file, and return the child's process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        work()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException as error:  # noqa: BLE001 - the child must end here, whatever happens
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


@contextlib.contextmanager
def sandbox(scenario: Scenario, kinds: Mapping[str, str], folder: Path) -> Iterator[SandboxClient]:
    """Serve a story from a child, in stepped time, and give its client."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        ours.close()
        with tell(scenario, ServeOptions(scenario="empty", sites=kinds)) as served:
            theirs.sendall(json.dumps(served.describe(), ensure_ascii=False).encode() + b"\n")
            theirs.recv(1)  # ends when the other side is gone

    child = fork(serve, folder / "sandbox.log")
    theirs.close()
    try:
        with ours.makefile("rb") as said:
            yield SandboxClient(json.loads(said.readline()))
    finally:
        ours.close()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@dataclass(slots=True)
class Child:
    """A connector in a process of its own."""

    pid: int
    handle: int
    code: int | None = None

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL

    def reap(self) -> int:
        """Wait until it has ended and return its exit code; minus the signal that ended it."""
        if self.code is None:
            _, status = os.waitpid(self.pid, 0)
            os.close(self.handle)
            self.code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return self.code

    def kill(self) -> int:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
        return self.reap()


def connector(arguments: list[str], points: Failpoints | None, log: Path) -> Child:
    """Start the command line in a child that dies where ``points`` say."""

    def work() -> None:
        if points is not None:
            points.install()
        raise SystemExit(command_line(arguments))

    pid = fork(work, log)
    return Child(pid=pid, handle=os.pidfd_open(pid))


def until_dead_or(child: Child, client: SandboxClient, ends_at: datetime | None) -> bool:
    """Let time go by until ``ends_at``; True when the child has ended before. ``None``: time stands still meanwhile."""
    if ends_at is None:
        return bool(select.select([child.handle], [], [], 3.0)[0])
    address = client.ready["control_url"].rpartition("/")[2].rpartition(":")
    body = json.dumps({"party": NARRATOR, "until": ends_at.isoformat(), "patience": GIVE_UP}).encode()
    head = f"POST /_sandbox/clock/wait HTTP/1.1\r\nHost: lab\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection((address[0], int(address[2]))) as line:
        line.sendall(head + body)
        ready, _, _ = select.select([child.handle, line], [], [], GIVE_UP + 5)
        if not ready:
            raise AssertionError(f"neither the story nor the process came to an end: {client.clock()}")
        if child.handle in ready:
            return True
        answer = line.recv(65536)
        if b'"reached":true' not in answer:
            raise AssertionError(f"time stands still: {client.clock()}, {answer!r}")
    return False
