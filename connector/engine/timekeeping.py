"""Whether our clock can be believed: against the machine's monotonic clock, and against the helpdesk's own time.

A clock that leaps (a step of NTP, a machine that slept) is in doubt until two answers of the helpdesk agree about how
far it is off. One that was off as the process began shows no leap: it is in doubt until the first answer. A clock that
is off by more than two minutes is corrected by the helpdesk's time; by more than a quarter of an hour, nothing is read
or decided and a person has to look. Time that a demo or a test steps is never in doubt.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.engine.kit import SiteReading, Surroundings
from connector.errors import ClockIsOff, Unavailable
from connector.ports import Alarm, AlarmKind, Clock

LEAP = timedelta(seconds=5)
AGREE = timedelta(seconds=5)  # the helpdesk's time has whole seconds, and answers take their time
FAR, TOO_FAR = timedelta(seconds=120), timedelta(minutes=15)


class CorrectedClock:
    """A clock that shows the helpdesk's time where ours is far off."""

    def __init__(self, real: Clock) -> None:
        self._real = real
        self.offset = timedelta(0)

    def now(self) -> datetime:
        """Return the present moment, corrected."""
        return self._real.now() + self.offset

    def monotonic(self) -> float:
        """Return the real clock's monotonic seconds."""
        return self._real.monotonic()

    def elapsed(self) -> float:
        """Return the real clock's seconds, a sleep of the machine included."""
        return self._real.elapsed()

    def wait(self, until: datetime | None) -> bool:
        """Wait until a moment of the corrected time."""
        return self._real.wait(None if until is None else until - self.offset)

    def wake(self) -> None:
        """End the present or the next wait."""
        self._real.wake()


class Timekeeper:
    """Watches one site's clock; belongs to the thread that owns the clock."""

    def __init__(self, real: Clock) -> None:
        self._real = real
        self.clock = CorrectedClock(real)
        self._last: tuple[datetime, float] | None = None
        self._in_doubt = True
        self._begins = True  # nothing is known of the time before

    def steady(self) -> bool:
        """Compare the wall with the monotonic clock; return whether nothing has leapt since it was found right."""
        wall, monotonic = self._real.now(), self._real.monotonic()
        if self._last is not None:
            leap = (wall - self._last[0]) - timedelta(seconds=monotonic - self._last[1])
            self._in_doubt = self._in_doubt or abs(leap) > LEAP
        self._last = (wall, monotonic)
        return not self._in_doubt

    def certain(self) -> bool:
        """Return whether the helpdesk has found the clock right and it has not leapt since; from any thread."""
        last, wall, monotonic = self._last, self._real.now(), self._real.monotonic()
        if last is None or self._in_doubt:
            return False
        return abs((wall - last[0]) - timedelta(seconds=monotonic - last[1])) <= LEAP

    def sound(self, site: SiteReading) -> None:
        """As a process begins, judge the clock by the helpdesk's first answer; after a leap, ask twice for its time.

        Raises:
            Unavailable: It does not answer, or its two answers do not agree; the clock stays in doubt.
            ClockIsOff: Ours is off by more than a quarter of an hour; it stays in doubt as well.
        """
        if self.steady():
            return
        skew = self._first(site) if self._begins else self._agreed(site)
        self._begins = False
        self._correct(site, skew)
        self._in_doubt = False

    def _first(self, site: SiteReading) -> timedelta:
        """Return how far we are off by the first answer: who we are would be asked as well without it."""
        if not site.reader.account:
            site.reader.check()
        return site.reader.server_now() - self._real.now()

    def _agreed(self, site: SiteReading) -> timedelta:
        first, second = self._ask(site), self._ask(site)
        if abs(first - second) > AGREE:
            raise Unavailable("the clock leapt, and two answers of the helpdesk do not agree about the time")
        return second

    def _ask(self, site: SiteReading) -> timedelta:
        site.reader.start_cursor()
        return site.reader.server_now() - self._real.now()

    def settle(self, site: SiteReading, around: Surroundings, now: datetime) -> datetime:
        """Return the moment to decide by, after the reads of a pass: the helpdesk's where ours is far off.

        Raises:
            ClockIsOff: Ours is off by more than a quarter of an hour; from then on it is in doubt.
        """
        skew = site.reader.server_now() - self._real.now()
        self._correct(site, skew)
        if not self.clock.offset:
            return now
        around.observer.event("clock_is_off", site=site.name, seconds=int(skew.total_seconds()))
        _alarm(site, around)
        return self.clock.now()

    def _correct(self, site: SiteReading, skew: timedelta) -> None:
        """Correct our clock by the helpdesk's where it is far off.

        More than a quarter of an hour is refused and used for nothing: which of the two clocks is wrong is not known,
        and what would be stored under a wrong moment stands in the way of all that comes before it.

        Raises:
            ClockIsOff: It is more than that.
        """
        if abs(skew) > TOO_FAR:
            self._in_doubt = True
            raise ClockIsOff(
                f"this machine's clock differs from {site.name}'s by more than {TOO_FAR}; nothing is decided",
                at=self._real.now() + min(skew, timedelta(0)),
                remedy="set the clock right",
            )
        self.clock.offset = skew if abs(skew) > FAR else timedelta(0)


def _alarm(site: SiteReading, around: Surroundings) -> None:
    around.notifier.alarm(
        Alarm.of_site(
            AlarmKind.FINDING,
            site.name,
            f"this machine's clock differs from {site.name}'s by more than {FAR}; the helpdesk's time is used",
            remedy="set the clock right (NTP)",
            at=around.clock.now(),
        )
    )
