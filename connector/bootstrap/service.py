"""The daemon as a process: threads, signals, watchdog, control socket, reload."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from connector.bootstrap.answering import orders
from connector.bootstrap.backups import RegularBackups
from connector.bootstrap.certainty import Certainty
from connector.bootstrap.clock import SteppedClock
from connector.bootstrap.erasing import Retention
from connector.bootstrap.expiring import warn_of_endings
from connector.bootstrap.listening import listen
from connector.bootstrap.upkeep import kept_up, words_of
from connector.engine.control import ControlServer, Handler
from connector.engine.daemon import Limits, SiteLoop
from connector.engine.passes import Site
from connector.engine.signs import LifeSigns
from connector.engine.threads import Daemon
from connector.errors import ConfigError, Unavailable, what_failed, where_failed
from connector.journal import has_room
from connector.ports import Alarm, AlarmKind, Clock, Journal
from connector.web.hints import Hints

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

WATCH_SECONDS = 1.0
FINISH_SECONDS = 75.0
"""Longest time for the write in hand: it outlasts the transport's own deadline."""

BACKUP_LOOK_SECONDS = 60.0


class Service:
    """One daemon: a loop per site, the control socket, and the main thread that watches over them."""

    def __init__(
        self, program: Connector, journal: Journal, *, ping_url: str | None = None, webhooks: str | None = None
    ) -> None:
        """Compose the loops; nothing runs yet. ``webhooks`` is the address to listen on, ``HOST:PORT``."""
        self._program = program
        self._journal = journal
        self._hooks = program.hooks(ping_url, outbox=journal, is_well=self._no_site_is_stale)
        self._stop = threading.Event()
        self._reload = threading.Event()
        self._crashed: list[str] = []
        self._warned_on: date | None = None
        self._since = datetime.now(UTC)  # noqa: TID251 - for status only
        limits = Limits(stale_after=program.settings.stale_after, may_write=program.may_write)
        self._clocks = {name: program.make_clock(name) for name in program.settings.site_names}
        self._hints = {name: Hints(partial(self._poll_soon, name)) for name in self._clocks}
        around = {name: program.around(name, journal, clock, self._hooks) for name, clock in self._clocks.items()}
        self._loops = [SiteLoop(self._site(name, clock), around[name], limits) for name, clock in self._clocks.items()]
        self._signs = LifeSigns(self._loops)
        self._web = listen(program, webhooks, self._hints, is_well=self._is_well) if webhooks else None
        self._daemon = Daemon(loops=self._loops, on_crash=self._on_crash, on_end=self._leave_time)
        certainty = Certainty([each.time for each in around.values()], program.observer)
        self._retention = Retention(program.now, journal, program.settings.state_url, certainty)
        self._backups = RegularBackups(program, certainty)
        self._looked_for_backups_at: float | None = None
        self._control = ControlServer(program.places.socket, self._handlers(), slow=frozenset({"apply"}))

    def run(self, *, until: Callable[[], bool] | None = None, on_signal: Callable[[], None] = lambda: None) -> int:
        """Serve until a signal (or until ``until`` says so) and return the exit code.

        ``on_signal`` is called where it was not ``until`` that ended it, before the sites' threads are waited for.
        """
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._on_signal)
            signal.signal(signal.SIGHUP, self._on_reload)
        self._control.start()
        self._daemon.start()
        if self._web is not None:
            self._web.start()
            self._program.observer.event("listening", port=self._web.port)
        _notify("READY=1")
        self._program.observer.event("daemon_started", sites=[loop.site.name for loop in self._loops])
        try:
            while not self._stop.wait(WATCH_SECONDS):
                self._watch()
                if until is not None and until():
                    break
            else:
                on_signal()
        finally:
            self._end()
        return 1 if self._crashed else 0

    def stop(self) -> None:
        """Ask the daemon to end; callable from any thread."""
        self._stop.set()

    def _watch(self) -> None:
        if self._reload.is_set():
            self._reload.clear()
            with contextlib.suppress(Exception):  # said in the log; the policy in force stays
                self._reload_policy()
        observer = self._program.observer
        kept_up(observer, "backup", self._back_up_if_due)
        kept_up(observer, "reminders", self._warn_of_endings)
        kept_up(observer, "retention", self._retention.step)
        if self._crashed:
            self._stop.set()
        elif self._all_alive():
            _notify("WATCHDOG=1")

    def _back_up_if_due(self) -> None:
        """Make the regular backup in a thread of its own; the clock is asked once a minute."""
        monotonic = self._loops[0].monotonic()
        if self._looked_for_backups_at is not None and monotonic - self._looked_for_backups_at < BACKUP_LOOK_SECONDS:
            return
        self._looked_for_backups_at = monotonic
        now = self._program.now()
        if not has_room(self._program.settings.state_url):
            self._hooks.alarm(_disk_alarm(now))
        elif self._backups.due(now):
            self._backups.start(now)

    def _warn_of_endings(self) -> None:
        """Look once a day for secrets that are about to end."""
        now = datetime.now(UTC)  # noqa: TID251 - certificates and tokens end by the real calendar
        if self._warned_on != now.date():
            self._warned_on = now.date()
            warn_of_endings(self._program.settings, self._hooks, now=now)

    def _site(self, name: str, clock: Clock) -> Site:
        site = self._program.site(name, clock)
        return replace(site, reading=replace(site.reading, asked_for=self._hints[name].take))

    def _poll_soon(self, name: str) -> None:
        for loop in self._loops:
            if loop.site.name == name:
                loop.poll_soon()

    def _no_site_is_stale(self) -> bool:
        """True while every site had a good pass lately: one that is dead must not hide behind the others' pings."""
        return not any(loop.pulse.stale_alarm for loop in self._loops)

    def _is_well(self) -> bool:
        return not self._crashed and self._all_alive()

    def _all_alive(self) -> bool:
        """True while every site's thread runs and gives signs of life, and somebody can pause them."""
        return self._daemon.alive and self._control.alive and self._signs.all_there()

    def _end(self) -> None:
        _notify("STOPPING=1")
        self._control.stop()
        if self._web is not None:
            self._web.stop()
        self._daemon.stop()
        finished = self._daemon.join(FINISH_SECONDS)
        self._hooks.close()
        self._program.observer.event("daemon_stopped", finished=finished)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._reload.set()

    def _leave_time(self, site: str) -> None:
        """Take this thread out of stepped time as it ends: the others' waits must not wait for it."""
        clock = self._clocks[site]
        if isinstance(clock, SteppedClock):
            with contextlib.suppress(Unavailable):
                clock.leave()

    def _on_crash(self, site: str, error: BaseException) -> None:
        self._crashed.append(site)
        self._program.observer.event("site_crashed", site=site, why=what_failed(error), where=where_failed(error))

    def _reload_policy(self) -> str:
        """Load every file anew; on any problem what is in force stays, whole."""
        program, now = self._program, datetime.now(UTC)  # noqa: TID251 - the calendar's present day
        before = program.policies.loaded.maps
        try:
            policy = program.policies.reload(today=now.date(), keep=partial(self._journal.remember_policy, now=now))
        except Exception as error:
            problems = error.problems if isinstance(error, ConfigError) else (words_of(error),)
            program.observer.event("reload_refused", problems=[str(p) for p in problems])
            raise
        program.observer.event("policy_reloaded", policy=policy.short_hash)
        for loop in self._loops:
            if program.policies.loaded.maps[name := loop.site.name] != before[name]:
                loop.becomes(self._site(name, self._clocks[name]))
            loop.poll_now()
        return policy.short_hash

    # ---- control

    def _handlers(self) -> Mapping[str, Handler]:
        return {
            **orders(self._program, self._journal, resumed=self._hooks.resumed, then=self._poll),
            "apply": self._apply,
            "reload": lambda _: {"policy": self._reload_policy()},
            "status": self._status,
            "poll": self._polled,
        }

    def _poll(self) -> None:
        for loop in self._loops:
            loop.poll_now()

    def _polled(self, _request: Mapping[str, Any]) -> Mapping[str, Any]:
        self._poll()
        return {}

    def _apply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Apply a plan file in the sites' own threads, between two passes: nobody else writes there meanwhile."""
        at = {loop.site.name: loop for loop in self._loops}
        report = self._program.apply_with(self._journal, Path(request["path"]), at)
        return {
            "written": report.written,
            "failed": report.failed,
            "stopped": report.stopped,
            "refused": [list(item) for item in report.refused],
            "held": report.held,
        }

    def _status(self, _request: Mapping[str, Any]) -> Mapping[str, Any]:
        sites = {
            loop.site.name: {
                "outcome": loop.pulse.last_outcome,
                "waiting_until": loop.pulse.waiting_until.isoformat() if loop.pulse.waiting_until else None,
                "next_poll_at": loop.pulse.next_poll_at.isoformat() if loop.pulse.next_poll_at else None,
                "failures": loop.pulse.failures,
                "budgets": {name: list(room) for name, room in loop.pulse.budgets.items()},
            }
            for loop in self._loops
        }
        return {"since": f"{self._since:%Y-%m-%d %H:%M:%S} UTC", "pid": os.getpid(), "sites": sites}


def _disk_alarm(now: datetime) -> Alarm:
    return Alarm.of_site(
        AlarmKind.FREEZE,
        "",
        "nothing is written to any site: the state's disk is all but full",
        remedy="free disk space; writing goes on by itself then",
        at=now,
    )


def _notify(state: str) -> None:
    """Tell systemd how we are, where it asked to be told (``$NOTIFY_SOCKET``; abstract addresses begin with @)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    target = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(state.encode(), target)
    except OSError:
        return
