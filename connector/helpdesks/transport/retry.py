"""Repeats what may be repeated: reads, with full jitter, never before the helpdesk's own wish."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import tenacity

from connector.errors import NotSent, Throttled, Unavailable, Unknown
from connector.ports import Clock

T = TypeVar("T")

ATTEMPTS = 5
FIRST_WAIT = 0.5
LONGEST_BACKOFF = 30.0
TOTAL_SECONDS = 65.0  # of one exchange; outlasts a gateway that gives up after 60
PROBE_SECONDS = 30.0
"""Of the one exchange by which something is tried that failed before: others wait for its end meanwhile."""

PATIENCE = timedelta(minutes=2)
"""The longest single wait inside a read; a longer wish ends the read, the pass comes back later."""

WRITE_PATIENCE = timedelta(seconds=2)
"""A burst's window passes quickly: a write waits for it rather than end its site's pass."""


def pause(clock: Clock, length: timedelta, *, what: str) -> None:
    """Wait through the clock.

    Raises:
        Unavailable: Somebody woke us (a stop, a pause): the read is given up rather than the wake ignored.
    """
    if length > timedelta(0) and not clock.wait(clock.now() + length):
        raise Unavailable(f"{what}: interrupted while waiting", retry_after=length)


class ReadRetry:
    """One policy for every read. ``rng`` is injected so that a run can be repeated exactly.

    ``seconds`` is how long one exchange may take.
    """

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._attempts = ATTEMPTS
        self.seconds = TOTAL_SECONDS

    @contextmanager
    def briefly(self, *, probe: bool = True) -> Iterator[None]:
        """Try every read once and not for long, until the block ends, where it is a ``probe``: it failed before."""
        before = self._attempts, self.seconds
        if probe:
            self._attempts, self.seconds = 1, PROBE_SECONDS
        try:
            yield
        finally:
            self._attempts, self.seconds = before

    def call(self, read: Callable[[], T], *, what: str) -> T:
        """Return ``read()``, repeated after ``NotSent``, ``Throttled`` and ``Unknown``.

        Raises:
            Unavailable: It failed for good; ``retry_after`` is the helpdesk's last wish.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_worth_it),
            stop=tenacity.stop_after_attempt(self._attempts),
            wait=self._wait,
            sleep=lambda seconds: pause(self._clock, timedelta(seconds=seconds), what=what),
            reraise=True,
        )
        try:
            return retrying(read)
        except (NotSent, Throttled, Unknown) as failure:
            raise Unavailable(str(failure), retry_after=_wish(failure), remedy=failure.remedy) from failure

    def _wait(self, state: tenacity.RetryCallState) -> float:
        backoff = self._rng.uniform(0, min(LONGEST_BACKOFF, FIRST_WAIT * 2**state.attempt_number))
        failure = state.outcome.exception() if state.outcome else None
        wish = _wish(failure) if failure else None
        return wish.total_seconds() + backoff if wish else backoff


def _is_worth_it(failure: BaseException) -> bool:
    wish = _wish(failure)
    return isinstance(failure, NotSent | Throttled | Unknown) and (wish is None or wish <= PATIENCE)


def _wish(failure: BaseException) -> timedelta | None:
    return failure.retry_after if isinstance(failure, Throttled) else None
