"""The alarm command and the dead-man ping, on a thread of their own so that they never delay a site.

The command gets the alarm as JSON on its standard input and its parts as ``CONNECTOR_ALARM_*`` variables; nothing of it
is on the command line. An alarm that repeats within ``REPEAT_AFTER`` is not sent again, in this process or in the next:
the journal remembers what the command took. After the site's ``resume`` the same trouble is told anew. What cannot be
handed over costs itself alone: the thread lives on for what comes after it. The journal keeps an alarm until the
command has ended with 0, so neither a crash nor a command that fails loses one: it is tried again for a day.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import requests

from connector.errors import ConnectorError, what_failed, where_failed
from connector.notify.outbox import Deliveries
from connector.ports import Alarm, AlarmKind, Observer, Outbox

REPEAT_AFTER = timedelta(hours=1)
OWED_FOR = timedelta(days=1)
"""How long an alarm is tried again that the command did not take."""

MOST_PASSES = 64
"""After so many passes at most it is tried again; at first with the next one, then each time after twice as many."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

COMMAND_SECONDS = 30
PING_SECONDS = 10


class Hooks:
    """A ``Notifier``: hands alarms to a command and pings a URL after every pass."""

    def __init__(  # noqa: PLR0913 - whom it tells, and what it asks before
        self,
        *,
        command: Sequence[str],
        ping_url: str | None,
        observer: Observer,
        deliveries: Deliveries | None = None,
        memory: Outbox | None = None,
        is_well: Callable[[], bool] = lambda: True,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        """Start the thread; ``deliveries`` empties the outbox after every pass, no ping goes out unless ``is_well``.

        ``memory`` remembers the alarms of other processes; ``now`` tells which are too old to be tried again.
        """
        self._command = tuple(command)
        self._ping_url = ping_url
        self._observer = observer
        self._deliveries = deliveries
        self._memory = memory
        self._is_well = is_well
        self._now = now
        self._ping_fails = False
        self._owes = True  # the process before may have left some
        self._pause, self._passes_to_wait = 0, 0
        self._queued: set[str] = set()
        self._given: set[str] = set()
        self._said: dict[tuple[str, str, str, str], datetime] = {}
        self._resumed: dict[str, datetime] = {}
        self._queue: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)
        self._thread.start()

    def alarm(self, alarm: Alarm) -> None:
        """Log the alarm and run the command with it, unless the same one was given within the hour.

        One from before the site's last ``resume`` does not count.
        """
        name = (str(alarm.kind), alarm.site, alarm.ticket, alarm.message)
        since = max(alarm.at - REPEAT_AFTER, self._resumed.get(alarm.site, alarm.at - REPEAT_AFTER))
        last = self._said.get(name)
        if last is not None and last > since:
            return
        self._said[name] = alarm.at
        if last is None and self._was_told(alarm, since=since):
            return
        self._observer.event("alarm", alarm=alarm)
        self._queued.add(_key(alarm))
        if self._memory is not None and self._command:
            with suppress(ConnectorError):  # a state that is broken or full keeps none back
                since, key = alarm.at - OWED_FOR, _key(alarm)
                self._memory.owe_alarm(key, _values(alarm), site=alarm.site, since=since, now=alarm.at)
        self._queue.put(lambda: self._run_queued(alarm))

    def resumed(self, site: str, *, at: datetime) -> None:
        """Take note that an operator let a site go on: what goes wrong there again is news. Callable by any thread."""
        self._resumed[site] = at

    def _was_told(self, alarm: Alarm, *, since: datetime) -> bool:
        """Return whether another process has handed the same alarm over; a state that is broken keeps none back."""
        if self._memory is None:
            return False
        try:
            return self._memory.alarm_told(_key(alarm), site=alarm.site, since=since)
        except ConnectorError:
            return False

    def ping(self, *, ok: bool) -> None:
        """Ping the dead-man's switch after a good pass, as long as all is well; silence is the signal that it is not.

        Whatever became of the pass, what it put into the outbox is delivered.
        """
        if self._deliveries is not None:
            deliveries, hand = self._deliveries, self._hand if self._command else None
            self._queue.put(lambda: deliveries.run(hand))
        if ok and self._ping_url and self._is_well():
            self._queue.put(self._ping)
        if self._memory is not None and self._command:  # last: a command that hangs would keep the ping back
            self._queue.put(self._run_owed)

    def close(self) -> None:
        """Finish what is queued and end the thread."""
        self._queue.put(None)
        self._thread.join(COMMAND_SECONDS + PING_SECONDS)

    def _work(self) -> None:
        while (task := self._queue.get()) is not None:
            try:
                task()
            except Exception as error:  # noqa: BLE001 - one task that fails must not silence all that come after it
                self._observer.event("notify_failed", why=what_failed(error), where=where_failed(error))

    def _run_queued(self, alarm: Alarm) -> None:
        self._queued.discard(_key(alarm))
        self._run(alarm)

    def _run(self, alarm: Alarm, *, late_at: datetime | None = None) -> str:
        why = self._hand(_values(alarm)) if self._command else ""
        if why:
            self._given.discard(_key(alarm))  # that was an earlier one of the same words
            self._owes = True
            self._observer.event("alarm_failed", why=why)
        else:
            self._note(alarm, late_at=late_at)
        return why

    def _note(self, alarm: Alarm, *, late_at: datetime | None = None) -> None:
        """Store that the command took an alarm; where the state is full that is tried again, and the command is not.

        ``late_at`` is when it took one that was owed: people have just heard of it, however old it is.
        """
        if self._memory is None:
            return
        self._given.add(_key(alarm))
        self._owes, owed = True, self._owes  # where the next line fails, it stands there as owed
        at = max(alarm.at, late_at or alarm.at)
        self._memory.note_alarm(_key(alarm), site=alarm.site, kind=str(alarm.kind), now=at)
        self._given.discard(_key(alarm))
        self._owes = owed

    def _run_owed(self) -> None:
        """Try again what the command did not take, or was not given before the process ended.

        What is in the queue is owed as well, and has its turn there.
        """
        self._passes_to_wait -= 1
        if self._memory is None or not self._owes or self._passes_to_wait > 0:
            return
        now = self._now() if self._now is not None else None
        since = now - OWED_FOR if now is not None else _LONG_AGO
        left = False
        for alarm in map(_alarm, self._memory.alarms_owed(since=since)):
            if _key(alarm) in self._given:
                self._note(alarm)
            elif _key(alarm) not in self._queued:
                left |= bool(self._run(alarm, late_at=now))
        self._owes = left
        self._pause = min(max(2 * self._pause, 1), MOST_PASSES) if left else 0
        self._passes_to_wait = self._pause

    def _hand(self, values: Mapping[str, str]) -> str:
        """Run the command with some values; return why it did not take them, empty when it did."""
        values = {k: passable(v) for k, v in values.items()}
        own = {k: v for k, v in os.environ.items() if not k.startswith("CONNECTOR_")}  # secrets may come that way
        environment = {**own, **{f"CONNECTOR_ALARM_{k.upper()}": v for k, v in values.items()}}
        try:
            done = subprocess.run(  # noqa: S603 - the operator's own command, from a file that only admins write
                self._command,
                input=json.dumps(values).encode(),
                env=environment,
                stdout=subprocess.DEVNULL,  # a pipe would be waited for as long as anything it leaves behind lives
                stderr=subprocess.DEVNULL,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"the alarm command could not run: {type(error).__name__}"
        return f"the alarm command ended with {done.returncode}" if done.returncode else ""

    def _ping(self) -> None:
        """Ping; the first ping that fails is told, and those after it only once one has got through again."""
        why = self._ask()
        if why and not self._ping_fails:
            self._observer.event("ping_failed", host=urlsplit(self._ping_url or "").hostname or "", why=why)
        self._ping_fails = bool(why)

    def _ask(self) -> str:
        """Ask the ping's address; return why nobody counted it, empty when somebody did."""
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy and no password from the environment
                with session.get(self._ping_url or "", timeout=PING_SECONDS, allow_redirects=False) as answer:
                    return "" if answer.status_code < 300 else f"status {answer.status_code}"
        except requests.RequestException as error:
            return type(error).__name__


def _key(alarm: Alarm) -> str:
    """Return what an alarm is known by: the same kind, place and words are the same alarm."""
    told = f"{alarm.kind}|{alarm.site}|{alarm.ticket}|{alarm.message}"
    return hashlib.sha256(passable(told).encode()).hexdigest()


def _values(alarm: Alarm) -> dict[str, str]:
    return {k: passable(str(v)) for k, v in asdict(alarm).items()}


def _alarm(values: Mapping[str, str]) -> Alarm:
    said = {name: values.get(name, "") for name in ("site", "ticket", "message", "remedy")}
    return Alarm(kind=AlarmKind(values["kind"]), at=datetime.fromisoformat(values["at"]), **said)


def passable(value: str) -> str:
    """Return a value that a process can be given: without NUL and without halves of characters."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
