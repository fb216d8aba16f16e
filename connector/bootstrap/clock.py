"""The only clocks of the program: the machine's, the sandbox's stepped one, and one that stands still."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

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


def _session() -> requests.Session:
    """Return a session for one thread; every call may be repeated, so a connection that died idle costs nothing."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(max_retries=Retry(total=2, backoff_factor=0, allowed_methods=None)))
    return session


class SteppedClock:
    """Time that a sandbox owns. Each thread of work is a *party*: time moves only while every party waits.

    ``url`` is the sandbox's clock port; only loopback makes sense. A clock that only looks on (``join`` off) never
    holds time up; it takes part for the length of a wait alone.
    """

    def __init__(self, url: str, party: str, *, join: bool = True) -> None:
        self._url = url.rstrip("/")
        self._party = party
        self._joined = join
        self._session, self._waker = _session(), _session()
        if join:
            self._call("join", {"party": party})

    def now(self) -> datetime:
        """Return the sandbox's present moment."""
        try:
            answer = self._session.get(f"{self._url}/_sandbox/clock", timeout=30)
            return datetime.fromisoformat(answer.json()["now"]).astimezone(UTC)
        except (requests.RequestException, ValueError, KeyError) as error:
            raise Unavailable("the sandbox's clock does not answer", remedy="is the sandbox still running?") from error

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
        self._call("poke", {"party": self._party}, session=self._waker)

    def leave(self) -> None:
        """Take no part any more: time goes on without this thread."""
        self._call("leave", {"party": self._party})

    def _call(
        self, verb: str, body: dict[str, object], *, session: requests.Session | None = None
    ) -> dict[str, object]:
        try:
            answer = (session or self._session).post(f"{self._url}/_sandbox/clock/{verb}", json=body, timeout=60)
            answer.raise_for_status()
            return dict(answer.json())
        except (requests.RequestException, ValueError) as error:
            raise Unavailable("the sandbox's clock does not answer", remedy="is the sandbox still running?") from error
