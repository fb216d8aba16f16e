"""The only clocks of the program: the machine's, the sandbox's stepped one, and one that stands still."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from connector.errors import Unavailable
from connector.sandbox.line import Line

ANSWER_SECONDS = 60.0
_SILENT, _IS_IT_THERE = "the sandbox's clock does not answer", "is the sandbox still running?"


def _since_start() -> float:
    """Return monotonic seconds that go on in a suspend: Linux stops its monotonic clock then, and has another one."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)  # noqa: TID251


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

    def elapsed(self) -> float:
        """Return the seconds since the machine started, those in which it slept included where it counts them."""
        return _since_start()

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


class SteppedClock:
    """Time that a sandbox owns. Each thread of work is a *party*: time moves only while every party waits.

    ``url`` is the sandbox's clock port; only loopback makes sense. A clock that only looks on (``join`` off) never
    holds time up; it takes part for the length of a wait alone.
    """

    def __init__(self, url: str, party: str, *, join: bool = True) -> None:
        address = urlsplit(url).netloc
        self._party = party
        self._joined = join
        self._line, self._waker = (Line(address, timeout=ANSWER_SECONDS) for _ in range(2))
        self._known: datetime | None = None
        if join:
            self._learn(self._call("join", {"party": party}))

    def now(self) -> datetime:
        """Return the sandbox's present moment.

        While a party works it is asked for once: stepped time stands still then, but for what a helpdesk's answer may
        take, and who sends a request looks at ``monotonic`` first.
        """
        known = self._known
        if known is not None:
            return known
        state = self._ask(self._line, "GET", "/_sandbox/clock")
        self._learn(state)
        return _moment(state)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds: something begins that takes time, perhaps the sandbox's as well."""
        self._known = None
        return time.monotonic()  # noqa: TID251

    def elapsed(self) -> float:
        """Return the machine's seconds, as ``monotonic`` does."""
        self._known = None
        return _since_start()

    def wait(self, until: datetime | None) -> bool:
        """Announce the next wake and wait for time to come to it, or for a ``wake``."""
        self._known = None
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
                self._learn(answer)
                return bool(answer["reached"])

    def wake(self) -> None:
        """End the present or the next wait."""
        self._ask(self._waker, "POST", "/_sandbox/clock/poke", {"party": self._party})

    def leave(self) -> None:
        """Take no part any more: time goes on without this thread."""
        self._known, self._joined = None, False
        self._call("leave", {"party": self._party})

    def _learn(self, answer: Mapping[str, Any]) -> None:
        """Keep the moment where it cannot pass before this party waits again."""
        self._known = _moment(answer) if self._joined and answer.get("mode") == "stepped" else None

    def _call(self, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask(self._line, "POST", f"/_sandbox/clock/{verb}", body)

    def _ask(self, line: Line, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            status, answer = line.ask(method, path, body)
            if status == HTTPStatus.OK:
                return dict(answer)
        except (OSError, HTTPException, ValueError) as error:
            raise Unavailable(_SILENT, remedy=_IS_IT_THERE) from error
        raise Unavailable(_SILENT, remedy=_IS_IT_THERE)


def _moment(answer: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(answer["now"]).astimezone(UTC)
