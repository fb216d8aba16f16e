"""The control API's client, and a sandbox as a child process, for tests, the demo and benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from connector.sandbox.line import Line

PATIENCE = 600.0
"""Seconds that an answer may take: waiting is a question, too."""


class ControlError(RuntimeError):
    """The control API refused; the message is its sentence."""


class SandboxClient:
    """Talks to a running sandbox's control API. Threads may share one: each has its own connection.

    Attributes:
        ready: What the sandbox printed when it was ready.
    """

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.ready = ready
        self._address = urlsplit(ready["control_url"]).netloc
        self._lines = threading.local()

    @property
    def clock_url(self) -> str:
        """What a connector on stepped time is told."""
        return str(self.ready["clock_url"])

    def site(self, name: str) -> Mapping[str, Any]:
        """``kind``, ``base_url`` and whatever the site describes of itself."""
        found: Mapping[str, Any] = self.ready["sites"][name]
        return found

    def now(self) -> datetime:
        """The simulated moment."""
        return datetime.fromisoformat(self.clock()["now"])

    def clock(self) -> dict[str, Any]:
        """``now``, ``mode``, ``speed``, ``parties``, ``next_event_at``."""
        state: dict[str, Any] = self._call("GET", "clock")
        return state

    def set_clock(self, to: datetime) -> None:
        """Move to a moment, running what falls due on the way."""
        self._call("POST", "clock/set", {"to": to.isoformat()})

    def advance(self, by: timedelta) -> None:
        """Move forward."""
        self._call("POST", "clock/advance", {"seconds": by.total_seconds()})

    def switch(self, mode: str, *, speed: float | None = None) -> None:
        """Change how time moves."""
        self._call("POST", "clock/mode", {"mode": mode, "speed": speed})

    def join(self, party: str) -> None:
        """Take part in stepped time: from now on time waits for this party."""
        self._call("POST", "clock/join", {"party": party})

    def wait(self, party: str, until: datetime | None, *, patience: float = 30.0) -> dict[str, Any]:
        """Wait for a moment or a poke: ``now``, ``reached``, ``poked``."""
        body = {"party": party, "until": until and until.isoformat(), "patience": patience}
        woken: dict[str, Any] = self._call("POST", "clock/wait", body)
        return woken

    def poke(self, party: str) -> None:
        """End a party's wait now."""
        self._call("POST", "clock/poke", {"party": party})

    def leave(self, party: str) -> None:
        """Let a party go (a killed one cannot say so itself); a trailing ``*`` stands for any ending."""
        self._call("POST", "clock/leave", {"party": party})

    def people(self, site: str, do: str, *, at: datetime | None = None, **details: Any) -> Any:
        """Let somebody act, now or at a moment; returns the ticket or comment id where there is one."""
        body = {"site": site, "do": do, "with": details, "at": at and at.isoformat()}
        return self._call("POST", "people", body).get("result")

    def create_ticket(self, site: str, **details: Any) -> str:
        """Create a ticket now and return its id or key."""
        return str(self.people(site, "create_ticket", **details))

    def faults(self, site: str, *orders: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Order faults; returns every order with how often it was met and how often it struck."""
        status: list[dict[str, Any]] = self._call("POST", "faults", {"site": site, "faults": list(orders)})
        return status

    def clear_faults(self, site: str, name: str | None = None) -> None:
        """Forget orders."""
        self._call("DELETE", "faults?" + urlencode({"site": site, **({"name": name} if name else {})}))

    def truth(self, site: str | None = None, **chosen: Any) -> list[dict[str, Any]]:
        """Facts, filtered by ``kind``, ``ticket``, ``actor`` and ``since`` (a ``seq``)."""
        wanted = {name: value for name, value in {"site": site, **chosen}.items() if value is not None}
        facts: list[dict[str, Any]] = self._call("GET", "truth?" + urlencode(wanted))
        return facts

    def view(self, site: str) -> list[dict[str, Any]]:
        """Every ticket as people see it."""
        tickets: list[dict[str, Any]] = self._call("GET", f"view?site={quote(site)}")
        return tickets

    def handles(self, site: str) -> dict[str, str]:
        """The scenario's own names of tickets, with their ids or keys."""
        found: dict[str, dict[str, str]] = self._call("GET", "story")["tickets"]
        return found[site]

    def story(self) -> dict[str, Any]:
        """``name``, ``opens_at``, ``ends_at`` and ``tickets`` by site and handle."""
        told: dict[str, Any] = self._call("GET", "story")
        return told

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        status, told = self._line().ask(method, f"/_sandbox/{path}", body)
        if status != 200:
            raise ControlError(f"{method} {path}: {told['error']}")
        return told

    def _line(self) -> Line:
        line: Line | None = getattr(self._lines, "line", None)
        if line is None:
            line = self._lines.line = Line(self._address, timeout=PATIENCE)
        return line


class SandboxProcess:
    """A sandbox in a process of its own; a context manager that yields its client.

    Arguments are those of ``python -m connector.sandbox``. It ends with this process.
    """

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> SandboxClient:
        """Start and wait until it is ready.

        Raises:
            RuntimeError: It ended instead; its own words are on standard error.
        """
        command = [sys.executable, "-m", "connector.sandbox", "--with-parent", *self._arguments]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C is for us: it is still needed for what we do on our way out
        )
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the sandbox ended with exit code {self._process.wait()} before it was ready")
        return SandboxClient(json.loads(line))

    def stop(self) -> int:
        """End it and return its exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.terminate()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        return process.wait(timeout=30)

    def __enter__(self) -> SandboxClient:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
