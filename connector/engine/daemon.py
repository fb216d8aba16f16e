"""A site's loop in a daemon: it passes, waits for the next poll or the next due ticket, and passes again."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from connector.engine.contained import run_contained
from connector.engine.kit import Surroundings
from connector.engine.passes import PassOutcome, PassResult, Site
from connector.errors import Busy, ConnectorError, Unavailable
from connector.ports import Alarm, AlarmKind

T = TypeVar("T")

BACK_OFF_FROM = timedelta(seconds=15)
BACK_OFF_TO = timedelta(minutes=5)
HINT_GRAIN = timedelta(seconds=15)
"""Polls that hints ask for are at least so far apart: a flood of hints costs no more than a quicker cadence."""
DUE_GRAIN = timedelta(seconds=1)
"""Due tickets are taken together within this grain, so that a burst of deadlines is one pass."""


@dataclass(slots=True)
class Pulse:
    """What one site's thread says about itself; read by the watchdog and by ``status``.

    Attributes:
        ticked_at: Monotonic seconds of the last sign of life.
        waiting_until: The stated wait, while there is one.
        budgets: What was left of the helpdesk's limits after the last pass: name → (left, limit).
    """

    ticked_at: float = 0.0
    waiting_until: datetime | None = None
    last_outcome: str = ""
    last_good_at: datetime | None = None
    failures: int = 0
    next_poll_at: datetime | None = None
    budgets: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    stale_alarm: bool = False


@dataclass(slots=True, kw_only=True)
class Limits:
    """How the daemon behaves.

    Attributes:
        stale_after: Time without a good pass after which the alarm is raised, once.
        may_write: Asked before every write (the ``PAUSED`` file, a stop in progress).
    """

    stale_after: timedelta = timedelta(minutes=15)
    may_write: Callable[[], bool] = lambda: True


class SiteLoop:
    """Passes over one site until told to stop; runs in a thread of its own."""

    def __init__(self, site: Site, around: Surroundings, limits: Limits) -> None:
        self._conflicted = tuple[str, ...]()
        self._take(site)
        self.pulse = Pulse()
        self._around = around
        self._limits = limits
        self._stopping = threading.Event()
        self._poll_now = threading.Event()
        self._poll_soon = threading.Event()
        self._soonest: datetime | None = None  # a hint may cause a poll from then on
        self._polled_at: datetime | None = None
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._has_ended = threading.Event()

    def _take(self, site: Site) -> None:
        self._hinted = site.reading.asked_for
        self.site = replace(site, reading=replace(site.reading, asked_for=self._asked_for))

    def becomes(self, site: Site) -> None:
        """Go on with the same site's new adapters from the next pass on; callable from any thread."""
        self._tasks.put(partial(self._take, site))
        self._around.clock.wake()

    def stop(self) -> None:
        """Finish the write in hand, begin no other, and end; callable from any thread."""
        self._stopping.set()
        self._around.clock.wake()

    def poll_now(self) -> None:
        """Poll as soon as the pass in hand has ended; callable from any thread."""
        self._poll_now.set()
        self._around.clock.wake()

    def poll_soon(self) -> None:
        """Poll within ``HINT_GRAIN`` of the last poll, or at once when that is longer ago; callable from any thread."""
        self._poll_soon.set()
        if self.pulse.waiting_until is not None:  # a wake within a pass would end a wait of it, and the pass with that
            self._around.clock.wake()

    def do(self, work: Callable[[Site, Surroundings, Callable[[], bool]], T]) -> T:
        """Have this site's own thread do something between two passes, and wait for it; for other threads only.

        ``work`` gets the site, its surroundings and what is asked before every write: nobody else writes meanwhile.

        Raises:
            Busy: The thread has ended.
        """
        done: Future[T] = Future()

        def task() -> None:
            try:
                done.set_result(work(self.site, self._around, self._may_write))
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked, and no pass is its business
                done.set_exception(error)

        self._tasks.put(task)
        self._around.clock.wake()
        while True:
            try:
                return done.result(timeout=1.0)
            except FutureTimeout:
                if self._has_ended.is_set() and not done.done():
                    raise Busy(f"{self.site.name} is being left; nothing was done") from None

    def monotonic(self) -> float:
        """Return this loop's monotonic seconds, to compare with the pulse."""
        return self._around.clock.monotonic()

    def run(self) -> None:
        """Pass and wait, until ``stop``."""
        clock = self._around.clock
        clock.wait(clock.now())  # stepped time lets its parties go one at a time; real time goes on at once
        try:
            while not self._stopping.is_set():
                clock.wait(self.turn())
        finally:
            self._has_ended.set()

    def turn(self) -> datetime:
        """Pass once and return when the next turn is: at the next poll, or when a ticket falls due before it."""
        clock = self._around.clock
        self._do_what_was_asked()
        now = clock.now()
        self.pulse.last_good_at = min(self.pulse.last_good_at or now, now)
        fetch = self._takes_a_poll(now)
        self._tick(None)
        result = run_contained(self.site, self._around, kind="run", fetch=fetch, may_write=self._may_write)
        now = clock.now()
        next_poll = self.pulse.next_poll_at or now
        if fetch:
            pause, self._polled_at = self._pause_after(result), now
            next_poll = now + pause
            self._soonest = now + (max(HINT_GRAIN, pause) if result.error else HINT_GRAIN)
        self._note(result, fetch=fetch, now=now)
        self.pulse.next_poll_at = next_poll = self._sooner(next_poll, result, now=now)
        self.pulse.budgets = dict(self.site.reading.reader.budgets().remaining)
        wake = self._next_wake(next_poll, result, now=now)
        self._tick(wake)  # before hints are looked at: those that come later wake us
        wake = min(wake, max(self._soonest or now, now)) if self._poll_soon.is_set() else wake
        if self._stopping.is_set() or self._poll_now.is_set() or not self._tasks.empty():
            wake = now  # a wait within the pass may have taken up the wake
        self._tick(wake)
        return wake

    def _do_what_was_asked(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._tick(None)
                self._tasks.get_nowait()()

    def _takes_a_poll(self, now: datetime) -> bool:
        """Whether this turn polls: it is time, somebody asked, or a hint came and the last poll is long enough ago."""
        is_back = now < (self._polled_at or now)  # a clock that was set back: what was reckoned by it is void
        hinted = self._poll_soon.is_set() and now >= (self._soonest or now)
        fetch = is_back or now >= (self.pulse.next_poll_at or now) or self._poll_now.is_set() or hinted
        self._poll_now.clear()
        if fetch:
            self._poll_soon.clear()
        return fetch

    def _may_write(self) -> bool:
        return not self._stopping.is_set() and self._limits.may_write()

    def _tick(self, waiting_until: datetime | None) -> None:
        self.pulse.ticked_at = self._around.clock.monotonic()
        self.pulse.waiting_until = waiting_until

    def _pause_after(self, result: PassResult) -> timedelta:
        """Return how long to wait before the next poll: the cadence, longer after failures or when asked to."""
        pause = max(self.site.reading.poll_every, self.site.reading.reader.pause_before_reads())
        if result.error is not None:
            self.pulse.failures += 1
            asked = _wish(result.error)
            doublings = min(self.pulse.failures - 1, 10)
            return max(min(BACK_OFF_FROM * (1 << doublings), BACK_OFF_TO), asked)
        self.pulse.failures = 0
        if result.applied is not None and result.applied.retry_after is not None:
            return max(pause, result.applied.retry_after)
        return pause

    def _sooner(self, next_poll: datetime, result: PassResult, *, now: datetime) -> datetime:
        """Return when to poll: soon where a ticket had changed under a write, to decide on what it shows now."""
        applied = result.applied
        if applied is None or not applied.conflicted or applied.retry_after is not None:
            return next_poll
        self._conflicted = tuple(sorted(applied.conflicted))
        return min(next_poll, now + max(HINT_GRAIN, self.site.reading.reader.pause_before_reads()))

    def _asked_for(self) -> tuple[str, ...]:
        """Return the tickets to read by themselves: a delta may show them later than they can be read."""
        taken, self._conflicted = (*self._conflicted, *self._hinted()), ()
        return tuple(dict.fromkeys(taken))

    def _next_wake(self, next_poll: datetime, result: PassResult, *, now: datetime) -> datetime:
        """Return the earlier of the next poll and the next due ticket.

        A ticket that was looked at and still is due waits for something (a budget, a resume, another attempt): for
        the next poll, not for the next second. One whose history came in after that is looked at anew.
        """
        applied = result.applied
        if result.error is not None or (applied is not None and applied.stopped):
            return next_poll  # what is due stays due; do not spin on it
        if result.learned:
            return min(next_poll, now + DUE_GRAIN)
        looked_at = result.plan.now if result.plan is not None else now
        due = self._around.journal.next_due(self.site.name, after=looked_at)
        return min(next_poll, max(due, now + DUE_GRAIN)) if due is not None else next_poll

    def _note(self, result: PassResult, *, fetch: bool, now: datetime) -> None:
        """Remember how it went; no good pass for too long is an alarm, once."""
        self.pulse.last_outcome = str(result.outcome)
        if result.error is None:
            if fetch:
                self.pulse.last_good_at, self.pulse.stale_alarm = now, False
            return
        silent = now - (self.pulse.last_good_at or now)
        if silent >= self._limits.stale_after and not self.pulse.stale_alarm:
            self.pulse.stale_alarm = True
            minutes = int(silent.total_seconds() // 60)
            self._around.notifier.alarm(
                Alarm.of_site(
                    AlarmKind.STALE,
                    self.site.name,
                    f"{self.site.name}: no good pass for {minutes} minutes; last error: {result.error}",
                    remedy="connector status; the connector keeps trying by itself",
                    at=now,
                )
            )


def _wish(error: ConnectorError) -> timedelta:
    wish = error.retry_after if isinstance(error, Unavailable) else None
    return wish or timedelta(0)


__all__ = ["Limits", "PassOutcome", "Pulse", "SiteLoop"]
