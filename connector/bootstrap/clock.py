"""The only clocks of the program: the machine's, the sandbox's stepped one, and one that stands still."""

from __future__ import annotations

import json
import threading
import time
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from connector.errors import Unavailable


class RealClock:
    """The machine's time. One per thread of work: ``wake`` ends that thread's waiting."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def now(self) -> datetime:
        """Return the machine's present moment in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is where time comes from

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()  # noqa: TID251

    def wait(self, until: datetime | None) -> bool:
        """Wait until a moment or until woken; True when the moment was reached."""
        seconds = None if until is None else max((until - self.now()).total_seconds(), 0.0)
        woken = self._woken.wait(seconds)
        self._woken.clear()
        return not woken

    def wake(self) -> None:
        """End the present or the next wait."""
        self._woken.set()


class FixedClock(RealClock):
    """Stands still at one moment: for ``--at`` and for plans that look ahead."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at

    def now(self) -> datetime:
        """Return the moment that was given."""
        return self._at

    def wait(self, until: datetime | None) -> bool:
        """Return at once: nothing happens while time stands still."""
        return until is not None and until <= self._at


class _Line:
    """A connection to the sandbox's clock, kept open: time is asked for many times in a pass. One call at a time."""

    def __init__(self, url: str) -> None:
        self._where = urlsplit(url)
        self._lock = threading.Lock()
        self._connection: HTTPConnection | None = None

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Return the answer; every call may be repeated, so a connection that died idle costs nothing.

        Raises:
            Unavailable: The clock does not answer, or refuses.
        """
        with self._lock:
            if self._connection is not None:
                try:
                    return self._exchange(method, path, body)
                except (OSError, HTTPException, ValueError):
                    self._close()
            try:
                return self._exchange(method, path, body)
            except (OSError, HTTPException, ValueError) as error:
                self._close()
                remedy = "is the sandbox still running?"
                raise Unavailable("the sandbox's clock does not answer", remedy=remedy) from error

    def _exchange(self, method: str, path: str, body: Mapping[str, object] | None) -> dict[str, Any]:
        if self._connection is None:
            self._connection = HTTPConnection(self._where.hostname or "", self._where.port, timeout=60)
            weakref.finalize(self, self._connection.close)  # clocks are many and nobody ends them
        self._connection.request(method, self._where.path + path, None if body is None else json.dumps(body))
        answer = self._connection.getresponse()
        told = json.loads(answer.read())
        if answer.status != HTTPStatus.OK or not isinstance(told, dict):
            raise ValueError(f"status {answer.status}")
        return told

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SteppedClock:
    """Time that a sandbox owns. Each thread of work is a *party*: time moves only while every party waits.

    ``url`` is the sandbox's clock port; only loopback makes sense. A clock that only looks on (``join`` off) never
    holds time up; it takes part for the length of a wait alone.
    """

    def __init__(self, url: str, party: str, *, join: bool = True) -> None:
        self._party = party
        self._joined = join
        self._line, self._waker = _Line(url.rstrip("/")), _Line(url.rstrip("/"))
        if join:
            self._call("join", {"party": party})

    def now(self) -> datetime:
        """Return the sandbox's present moment."""
        told = self._line.ask("GET", "/_sandbox/clock")
        return datetime.fromisoformat(told["now"]).astimezone(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()  # noqa: TID251

    def wait(self, until: datetime | None) -> bool:
        """Announce the next wake and wait for time to come to it, or for a ``wake``."""
        if not self._joined:
            self._call("join", {"party": self._party})
        try:
            return self._wait(until)
        finally:
            if not self._joined:
                self.leave()

    def _wait(self, until: datetime | None) -> bool:
        while True:
            body: dict[str, object] = {
                "party": self._party,
                "until": until.isoformat() if until else None,
                "patience": 20,
            }
            answer = self._call("wait", body)
            if answer["reached"] or answer["poked"]:
                return bool(answer["reached"])

    def wake(self) -> None:
        """End the present or the next wait."""
        self._call("poke", {"party": self._party}, line=self._waker)

    def leave(self) -> None:
        """Take no part any more: time goes on without this thread."""
        self._call("leave", {"party": self._party})

    def _call(self, verb: str, body: Mapping[str, object], *, line: _Line | None = None) -> dict[str, Any]:
        return (line or self._line).ask("POST", f"/_sandbox/clock/{verb}", body)
