"""The clock that the sandbox owns.

Terms:
    party: Somebody outside who takes part in stepped time, such as a site thread of the daemon.
    running party: It works; time stands still for it.
    waiting party: It has said until when it has nothing to do.
    event: Something that the sandbox itself will do at a moment (a person acts, a job ends).

Modes:
    stepped: When every party that joined waits and no vendor request is in flight, time jumps to the
        earliest of the parties' moments and the events. Events of a moment run before any party
        is released, and parties are released one at a time, in the order of (moment, name), so
        the same seed gives the same story however the machine schedules threads.
    running: Simulated time passes at ``speed`` times real time.
    manual: Time moves only when it is set or advanced.

Every moment is an aware ``datetime`` in UTC; every wait's ``patience`` is real seconds.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count

from connector.sandbox.core.moments import FAR, ClockOptions, Event, Mode, Party, Wake

GLANCE = 0.25  # real seconds between looks at whether a waiting caller is still there


class SandboxClock:
    """Simulated time, its events and its parties; ``lock`` is the world's one lock."""

    def __init__(self, options: ClockOptions, *, on_fault: Callable[[str, Exception], None] | None = None) -> None:
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._mode: Mode = options.mode
        self._speed = options.speed
        self._cost = options.request_cost
        self._now = options.start
        self._anchor = time.perf_counter()
        self._events: list[Event] = []
        self._order = count()
        self._parties: dict[str, Party] = {}
        self._in_flight = 0
        self._advancing = False
        self._stopped = False
        self._on_fault = on_fault

    # -- reading -----------------------------------------------------------------------------

    @property
    def mode(self) -> Mode:
        """The present mode."""
        return self._mode

    @property
    def speed(self) -> float:
        """Simulated seconds per real second while running."""
        return self._speed

    def now(self) -> datetime:
        """Return the simulated moment."""
        if self._mode != "running" or self._advancing:
            return self._now
        with self.lock:
            elapsed = (time.perf_counter() - self._anchor) * self._speed
            return self._now + timedelta(seconds=elapsed)

    def parties(self) -> dict[str, datetime | None]:
        """Name every party with the moment it waits for, ``None`` while it works."""
        with self.lock:
            return {p.name: p.until if p.waiting else None for p in self._parties.values()}

    def next_event_at(self) -> datetime | None:
        """The moment of the next event, if any."""
        with self.lock:
            self._drop_cancelled()
            return self._events[0].at if self._events else None

    # -- the sandbox's own events --------------------------------------------------------------

    def at(self, moment: datetime, name: str, run: Callable[[], None]) -> Event:
        """Run ``run`` under the lock when ``moment`` comes; in the past means as soon as possible."""
        with self.lock:
            event = Event(at=moment, order=next(self._order), name=name, run=run)
            heapq.heappush(self._events, event)
            self._changed.notify_all()
            return event

    def after(self, delay: timedelta, name: str, run: Callable[[], None]) -> Event:
        """Run ``run`` once ``delay`` has passed."""
        return self.at(self.now() + delay, name, run)

    # -- moving time ---------------------------------------------------------------------------

    def set(self, moment: datetime) -> None:
        """Move to ``moment``, running what falls due on the way in its order.

        Raises:
            ValueError: ``moment`` lies in the past.
        """
        with self.lock:
            if moment < self.now():
                raise ValueError(f"the clock cannot go back from {self.now().isoformat()} to {moment.isoformat()}")
            self._advance_to(moment)
            self._settle()

    def advance(self, by: timedelta) -> None:
        """Move forward by ``by``."""
        with self.lock:
            self.set(self.now() + by)

    def switch(self, mode: Mode, *, speed: float | None = None) -> None:
        """Change the mode from now on."""
        with self.lock:
            self._now = self.now()
            self._anchor = time.perf_counter()
            self._mode = mode
            self._speed = self._speed if speed is None else speed
            self._settle()

    # -- parties -------------------------------------------------------------------------------

    def join(self, name: str) -> None:
        """Take part; a party that joins again (after a crash) starts afresh, working."""
        with self.lock:
            self._parties[name] = Party(name=name)
            self._changed.notify_all()

    def leave(self, pattern: str) -> tuple[str, ...]:
        """Let a party go; a trailing ``*`` stands for any ending. Returns who left."""
        with self.lock:
            ending = pattern.endswith("*")
            gone = tuple(n for n in self._parties if n == pattern or (ending and n.startswith(pattern[:-1])))
            for name in gone:
                del self._parties[name]
            self._settle()
            return gone

    def poke(self, name: str) -> None:
        """Release a waiting party at the present moment (or make its next wait return at once)."""
        with self.lock:
            if name in self._parties:
                self._parties[name].poked = True
                self._settle()

    def wait(
        self, name: str, until: datetime | None, *, patience: float = 30.0, present: Callable[[], bool] = lambda: True
    ) -> Wake:
        """Block until the moment, a poke, ``patience`` real seconds, or until the caller is gone.

        ``until=None`` waits for a poke alone. A caller whose ``present`` turns false leaves.
        """
        with self.lock:
            party = self._parties.setdefault(name, Party(name=name))
            party.until, party.waiting = until or FAR, True
            self._settle()
            self._hold(party, patience, present)
            if self._parties.get(name) is not party:  # it left, or joined anew from elsewhere
                return Wake(now=self.now(), reached=False, poked=False)
            woken = Wake(now=self.now(), reached=party.until <= self.now(), poked=party.poked)
            party.waiting, party.poked = False, False
            if not present():
                self.leave(name)
            return woken

    def _hold(self, party: Party, patience: float, present: Callable[[], bool]) -> None:
        deadline = time.perf_counter() + patience
        while party.waiting and not self._stopped and self._parties.get(party.name) is party:
            left = deadline - time.perf_counter()
            if left <= 0 or not present():
                return
            self._changed.wait(min(left, GLANCE, self._real_seconds_to(party)))
            self._settle()

    def _real_seconds_to(self, party: Party) -> float:
        if self._mode != "running" or party.until == FAR:
            return GLANCE
        return max(0.0, (party.until - self.now()).total_seconds() / self._speed)

    # -- vendor requests -----------------------------------------------------------------------

    @contextmanager
    def request(self) -> Iterator[None]:
        """Time does not jump while a vendor request is in flight."""
        with self.lock:
            self._in_flight += 1
            self._charge()
        try:
            yield
        finally:
            with self.lock:
                self._in_flight -= 1
                if not self._in_flight:
                    self._settle()

    def pass_time(self, by: timedelta) -> None:
        """Let time go by while the sandbox works on a request; nobody is released before it ends."""
        with self.lock:
            self._advance_to(self.now() + by)

    def _charge(self) -> None:
        if self._mode == "stepped":
            if self._cost:
                self._advance_to(self._now + self._cost)
        elif self._mode == "running":
            self._advance_to(self.now())

    # -- the heart -----------------------------------------------------------------------------

    def stop(self) -> None:
        """Release everybody for good."""
        with self.lock:
            self._stopped = True
            self._changed.notify_all()

    def pace(self) -> None:
        """Run events as real time passes until ``stop``; the body of the pacing thread."""
        with self.lock:
            while not self._stopped:
                if self._mode == "running":
                    self._advance_to(self.now())
                    self._settle()
                self._changed.wait(self._real_seconds_to_event())

    def _real_seconds_to_event(self) -> float:
        due = self.next_event_at()
        if self._mode != "running" or due is None:
            return 1.0
        return min(1.0, max(0.001, (due - self.now()).total_seconds() / self._speed))

    def _drop_cancelled(self) -> None:
        while self._events and self._events[0].cancelled:
            heapq.heappop(self._events)

    def _advance_to(self, moment: datetime) -> None:
        """Run events up to ``moment``, each at its own time, then stand there."""
        if self._advancing:  # an event may cause a request of the sandbox's own; it is part of this advance
            return
        self._advancing = True
        try:
            while (due := self.next_event_at()) is not None and due <= moment:
                event = heapq.heappop(self._events)
                self._now = max(self._now, event.at)
                self._run(event)
            self._now = max(self._now, moment)
        finally:
            self._anchor = time.perf_counter()
            self._advancing = False
        self._changed.notify_all()

    def _run(self, event: Event) -> None:
        try:
            event.run()
        except Exception as error:  # a script's mistake must not stop time for everybody
            if self._on_fault is None:
                raise
            self._on_fault(event.name, error)

    def _settle(self) -> None:
        """Release whoever's moment has come; in stepped mode, jump when all are idle."""
        if self._advancing:
            return
        if self._mode != "stepped":
            for party in self._ready():
                self._release(party)
            return
        while not self._in_flight and self._parties and all(p.waiting for p in self._parties.values()):
            self._advance_to(self._now)  # what is due now comes before anybody is released
            if ready := self._ready():
                self._release(ready[0])
                return
            target = self._next_moment()
            if target is None:
                return
            self._advance_to(target)

    def _next_moment(self) -> datetime | None:
        moments = [p.until for p in self._parties.values() if p.until != FAR]
        if (event := self.next_event_at()) is not None:
            moments.append(event)
        return min(moments, default=None)

    def _ready(self) -> list[Party]:
        now = self.now()
        ready = [p for p in self._parties.values() if p.waiting and (p.poked or p.until <= now)]
        return sorted(ready, key=lambda p: (min(p.until, now), p.name))

    def _release(self, party: Party) -> None:
        party.waiting = False
        self._changed.notify_all()
