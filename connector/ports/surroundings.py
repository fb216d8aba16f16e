"""What surrounds the engine: time, texts, alarms, observers, policies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from connector.domain.change import Notice
from connector.domain.policy import Policy


class Clock(Protocol):
    """Time for one thread of work. Only the composition root makes one."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean anything."""

    def elapsed(self) -> float:
        """Return seconds like ``monotonic``, which go on while the machine sleeps, where the platform counts those."""

    def wait(self, until: datetime | None) -> bool:
        """Wait until ``until`` (``None``: for good) or until woken; return True when the moment was reached."""

    def wake(self) -> None:
        """End the present or the next ``wait`` at once; callable from any thread and from a signal handler."""


class Fence:
    """Between arming a write and its first byte: a process that was stopped in between must not send any more.

    Nor must one whose machine slept. Whoever took over meanwhile has looked for the write and not found it. ``arm`` is
    called before the intent is stored, ``may_begin`` immediately before the first byte.
    """

    LASTS = 120.0
    """Seconds for which an armed write is ours."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._armed_at: float | None = None

    def arm(self) -> None:
        """Note that a write is about to be armed."""
        self._armed_at = self._elapsed()

    def disarm(self) -> None:
        """Note that the write is over, however it ended."""
        self._armed_at = None

    def may_begin(self, seconds: float) -> bool:
        """Return whether a request that may take ``seconds`` ends while the armed write is still ours."""
        return self._armed_at is None or self._elapsed() - self._armed_at + seconds <= self.LASTS


class Renderer(Protocol):
    """Turns a notice into text. Templates are admins' files; everything else is data."""

    def render(self, notice: Notice) -> str:
        """Return plain text in the best available locale; raises ``ConfigError`` for a template that cannot work."""


class AlarmKind(StrEnum):
    """What an alarm is about."""

    FREEZE = "freeze"
    PARK = "park"
    HOLD = "hold"
    STALE = "stale"  # no good pass for N minutes
    UNREACHABLE = "unreachable"  # nobody can be reached for a level
    STANDOFF = "standoff"  # another program owns a field, or our own writes went round in circles
    FINDING = "finding"
    SELF_REPORT = "self-report"  # we did what we promise never to do, and say so


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something a person must hear now. Carries no ticket text and no secret."""

    kind: AlarmKind
    site: str
    ticket: str
    message: str
    remedy: str
    at: datetime

    @classmethod
    def of_site(cls, kind: AlarmKind, site: str, message: str, *, remedy: str, at: datetime) -> Alarm:
        """Return an alarm about a whole site; ``site`` is empty for all of them."""
        return cls(kind=kind, site=site, ticket="", message=message, remedy=remedy, at=at)


class Notifier(Protocol):
    """Gets alarms to people and pings to the dead-man's switch; never blocks a site and never raises."""

    def alarm(self, alarm: Alarm) -> None:
        """Hand over one alarm."""

    def ping(self, *, ok: bool) -> None:
        """Say that a pass ended."""


class Observer(Protocol):
    """Hears what the engine does; the log, the progress bar and the demo's story are observers. Must not raise."""

    def event(self, name: str, /, **values: object) -> None:
        """Take one event: ``run_started``, ``page_read``, ``write_done``, ``run_finished`` and so on."""


class Policies(Protocol):
    """The current policy, and older ones by hash."""

    def current(self) -> Policy:
        """Return the policy in force."""

    def document(self, digest: str) -> str | None:
        """Return the canonical document of a policy by hash."""

    def kept(self, document: str, *, today: date) -> Policy | None:
        """Return the policy of a document that was kept; ``None`` where it does not go with present texts and maps."""
