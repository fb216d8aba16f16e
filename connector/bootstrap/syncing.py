"""``sync``: one pass per site, side by side, and what is done once after all of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING

from connector.bootstrap import backups
from connector.bootstrap.answering import answering
from connector.bootstrap.certainty import Certainty
from connector.bootstrap.clock import SteppedClock
from connector.bootstrap.erasing import purge
from connector.bootstrap.expiring import warn_of_endings
from connector.bootstrap.service import FINISH_SECONDS, WATCH_SECONDS
from connector.bootstrap.stale import tell_of_silence
from connector.bootstrap.stopping import heeding_signals
from connector.bootstrap.upkeep import kept_up
from connector.engine.contained import run_contained
from connector.engine.kit import TimeTrust
from connector.engine.passes import PassResult
from connector.notify.hooks import Hooks
from connector.ports import Journal

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector


def sync_sites(
    program: Connector, journal: Journal, names: Sequence[str], *, ping_url: str | None = None
) -> list[PassResult]:
    """Run one pass per site, so that one site's outage never delays another; return what came of them.

    On SIGTERM or Ctrl-C each site finishes its write in hand and begins no other; one that does not end within
    ``FINISH_SECONDS`` is left out of the answer.
    """
    times: list[TimeTrust | None] = []
    certainty = Certainty(times, program.observer)
    all_are_done = threading.Event()  # one ping for the whole of it, and none where a site failed
    hooks = program.hooks(ping_url, outbox=journal, is_well=all_are_done.is_set)
    with answering(program, journal, "a sync", resumed=hooks.resumed):
        warn_of_endings(program.settings, hooks, now=program.now())
        try:
            with heeding_signals(program.stopping):
                results = _side_by_side(program, journal, names, hooks, times)
            tell_of_silence(journal, results, hooks, stale_after=program.settings.stale_after, now=program.now())
            if not program.stopping.is_set():
                all_are_done.set()
            hooks.ping(ok=all(result.error is None for result in results))
            if certainty.may_delete():
                kept_up(
                    program.observer, "retention", lambda: purge(journal, program.settings.state_url, now=program.now())
                )
            return results
        finally:
            hooks.close()
            kept_up(program.observer, "backup", partial(_back_up_if_due, program, certainty))


def _side_by_side(
    program: Connector, journal: Journal, names: Sequence[str], hooks: Hooks, times: list[TimeTrust | None]
) -> list[PassResult]:
    pool = ThreadPoolExecutor(max_workers=len(names), thread_name_prefix="site")
    passes = [pool.submit(_sync_site, program, name, journal, hooks, times) for name in names]
    while wait(passes, timeout=WATCH_SECONDS).not_done:
        if program.stopping.is_set():
            program.observer.event("stopping", why="asked to end")
            wait(passes, timeout=FINISH_SECONDS)
            break
    pool.shutdown(wait=False)
    return [each.result() for each in passes if each.done()]


def _sync_site(
    program: Connector, name: str, journal: Journal, hooks: Hooks, times: list[TimeTrust | None]
) -> PassResult:
    clock = program.make_clock(name)
    try:
        around = program.around(name, journal, clock, hooks)
        times.append(around.time)
        return run_contained(program.site(name, clock), around, kind="sync", may_write=program.may_write)
    finally:
        if isinstance(clock, SteppedClock):
            clock.leave()


def _back_up_if_due(program: Connector, certainty: Certainty) -> None:
    """Make the regular backup where the last one is old: a ``sync`` by the minute needs no daemon for it."""
    regular, now = backups.RegularBackups(program, certainty), program.now()
    if not program.stopping.is_set() and regular.due(now):
        regular.make(now)
