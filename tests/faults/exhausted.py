"""What a daemon listens on, in a process of its own: descriptors and threads run out in it and come back.

``python -m tests.faults.exhausted PATH`` serves the control socket at PATH, and a web server on a free port, which is
the first line that it writes. It then obeys the lines that it is given, and answers each with one line.
"""

from __future__ import annotations

import resource
import sys
import threading
from pathlib import Path

from connector.engine.control import ControlServer
from connector.web.receiver import Receiver
from connector.web.server import WebServer
from tests.helpdesks.stopped_clock import StoppedClock

STANDARD = 3
"""Descriptors that stay: nothing is opened beside them."""
STACK = 256 << 20
"""What a new thread asks for: more than ``SPARE``, and than the stack of any thread that has ended."""
SPARE = 64 << 20
"""Address space that is left for everything else."""
LOOKS, LOOK_SECONDS = 100, 0.01


class CountedClock(StoppedClock):
    """Counts how often it is asked: the web server does so once in each of its turns."""

    turns = 0

    def monotonic(self) -> float:
        self.turns += 1
        return super().monotonic()


def _take(what: str) -> None:
    if what == "descriptors":
        resource.setrlimit(resource.RLIMIT_NOFILE, (STANDARD, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        return
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    threading.stack_size(STACK)
    most = pages * resource.getpagesize() + SPARE
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _give_back() -> None:
    for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS):
        hard = resource.getrlimit(which)[1]
        resource.setrlimit(which, (hard, hard))
    threading.stack_size(0)


def _turns(clock: CountedClock) -> int:
    """Return how many turns the web server has made meanwhile, for as long as it takes to see a thread die."""
    before, nothing = clock.turns, threading.Event()
    for _ in range(LOOKS):
        nothing.wait(LOOK_SECONDS)
    return clock.turns - before


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main(path: Path) -> None:
    """Serve, and obey: ``descriptors`` or ``threads`` run out, ``enough`` gives them back, ``turns`` are counted."""
    clock = CountedClock()
    control = ControlServer(path, {"echo": lambda request: {"said": request["word"]}})
    web = WebServer(("127.0.0.1", 0), Receiver(doors={}, clock=clock))
    control.start()
    web.start()
    _say(web.port)
    for line in sys.stdin:
        order, told = line.strip(), 0
        if order == "turns":
            told = _turns(clock)
        elif order == "enough":
            _give_back()
        else:
            _take(order)
        _say(told)
    web.stop()
    control.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
