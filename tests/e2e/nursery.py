"""Sandboxes for desks: each a process of its own, forked off one that has loaded the code, which takes half a second.

``python -m tests.e2e.nursery FD`` is that one. It ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from connector.sandbox import __main__ as sandbox
from connector.sandbox.client import SandboxClient

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 65_536


class Nursery:
    """Asks for sandboxes, one at a time."""

    def __init__(self) -> None:
        self._asking, asked = socket.socketpair()
        command = [sys.executable, "-m", "tests.e2e.nursery", str(asked.fileno())]
        with asked:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[asked.fileno()], process_group=0
            )

    @contextlib.contextmanager
    def sandbox(self, *arguments: str) -> Iterator[SandboxClient]:
        """Run one until the context ends; ``arguments`` are those of ``python -m connector.sandbox``."""
        (its_in, to_it), (from_it, its_out) = os.pipe(), os.pipe()
        socket.send_fds(self._asking, [json.dumps(arguments).encode()], [its_in, its_out])
        os.close(its_in)
        os.close(its_out)
        with os.fdopen(from_it) as said:
            try:
                ready = said.readline()
                if not ready:
                    raise RuntimeError("the sandbox ended before it was ready; its own words are on standard error")
                yield SandboxClient(json.loads(ready))
            finally:
                os.close(to_it)  # it ends with whoever holds the other end
                said.read()


@functools.cache
def nursery() -> Nursery:
    """The one of this process."""
    return Nursery()


def main(descriptor: int) -> None:
    """Fork off a sandbox for each message, with the standard input and output that come along, until nobody asks."""
    for kind in ("jira", "zendesk"):
        importlib.import_module(f"connector.sandbox.{kind}")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    with socket.socket(fileno=descriptor) as asked:
        while True:
            message, descriptors, _, _ = socket.recv_fds(asked, MOST_BYTES, 2)
            if not message:
                return
            if os.fork() == 0:
                asked.close()
                _be_sandbox(json.loads(message), descriptors)
            for each in descriptors:
                os.close(each)


def _be_sandbox(arguments: Sequence[str], descriptors: Sequence[int]) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for standard, given in enumerate(descriptors):
        os.dup2(given, standard)
        os.close(given)
    code = 1
    try:
        sandbox.main(["--with-parent", *arguments])
        code = 0
    except BaseException:  # noqa: BLE001 - what is left of this process ends here
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
