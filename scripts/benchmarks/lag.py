"""How long things take to be noticed: crossings by the local timer, changes by polling under the vendor's limits."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connector.bootstrap.clock import RealClock
from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.site import Budget, Effect, SiteRules
from connector.domain.situation import Reach
from connector.domain.ticket import Priority
from connector.engine.daemon import Limits, SiteLoop
from connector.engine.kit import SiteReading
from connector.engine.passes import Site
from connector.helpdesks.memory import MemoryDirectory, MemoryHelpdesk, MemoryReader, MemoryWriter
from connector.journal import open_journal
from connector.ports import Progress
from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.zendesk import build
from scripts.benchmarks.local import FINGERPRINT, SITE, fill
from scripts.benchmarks.parts import open_site, policy, site_map
from scripts.benchmarks.pipeline import WithoutHistory, surroundings
from scripts.benchmarks.server import START, roster

CROSSINGS = 100
FIRST_RESPONSE = timedelta(minutes=15)
"""The policy's target for P1, at whose end a note is due."""

BEGIN_AFTER, EVERY = timedelta(seconds=6), timedelta(milliseconds=400)
GIVE_UP_SECONDS = 30
PAGE_TAKES, AUDITS_TAKE, CHUNK_TAKES = timedelta(seconds=1), timedelta(seconds=0.3), timedelta(seconds=0.5)
"""What the simulation takes a page of the export, one ticket's audits and deciding up to 500 tickets to cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Seconds from one moment to another."""

    what: str
    count: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, what: str, seconds: Sequence[float]) -> Lag:
        """Return the percentiles; raises ``RuntimeError`` when nothing was measured."""
        if not seconds:
            raise RuntimeError(f"{what}: nothing was measured")
        ordered = sorted(seconds)
        at = [ordered[min(int(len(ordered) * part), len(ordered) - 1)] for part in (0.50, 0.95, 0.99)]
        return cls(what=what, count=len(ordered), p50=at[0], p95=at[1], p99=at[2])


class Witness:
    """A journal that lets somebody see what is stored before it goes on."""

    def __init__(self, journal: Any, **before: Callable[..., None]) -> None:
        self._journal = journal
        self._before = before

    def __getattr__(self, name: str) -> Any:
        method, look = getattr(self._journal, name), self._before.get(name)
        if look is None:
            return method

        def seen(*args: Any, **named: Any) -> Any:
            done = method(*args, **named)
            look(*args, **named)
            return done

        return seen


# ---- a threshold passes


def crossing_to_intent(*, others: int) -> Lag:
    """Let first-response targets pass in real time among ``others`` open tickets; see when their notes are armed."""
    clock = RealClock()
    begin = clock.now() + BEGIN_AFTER
    world = MemoryHelpdesk(SITE, clock)
    crossings = {_ticket(world, begin + EVERY * n - FIRST_RESPONSE): begin + EVERY * n for n in range(CROSSINGS)}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "state.db"
        fill(path, others, policy_hash=policy().hash, now=clock.now(), due=0)
        with open_journal(str(path)) as journal:
            armed = _armed(world, clock, journal, crossings)
    given_up_at = clock.now()  # what was not armed by now counts as armed now
    lags = [(armed.get(of, given_up_at) - at).total_seconds() for of, at in crossings.items()]
    return Lag.of(f"crossing to armed intent, {others + CROSSINGS} open", lags)


def _ticket(world: MemoryHelpdesk, opened_at: datetime) -> str:
    of = world.create(priority=Priority.P1, facts={"impact": "site", "urgency": "blocked"}, scope="s").id
    row = world.rows[of]
    row.ticket = replace(row.ticket, opened_at=opened_at)
    row.events[0] = replace(row.events[0], at=opened_at)
    return of


def _armed(
    world: MemoryHelpdesk, clock: RealClock, journal: Any, crossings: dict[str, datetime]
) -> dict[str, datetime]:
    """Run the daemon's loop until every note is armed; return when each was."""
    found: dict[str, datetime] = {}
    done = threading.Event()

    def note(_site: str, writes: Sequence[Any], **_: Any) -> None:
        at = clock.now()
        for write, _digest in writes:
            if write.comment is not None and at >= crossings[write.ref.id]:
                found.setdefault(write.ref.id, at)
        if len(found) == len(crossings):
            done.set()

    journal.advance(SITE, Progress(cursor="0", loaded=True, last_sweep_at=clock.now()))
    loop = _loop(world, Witness(journal, arm=note), clock)
    thread = threading.Thread(target=loop.run)
    thread.start()
    done.wait((BEGIN_AFTER + EVERY * CROSSINGS).total_seconds() + GIVE_UP_SECONDS)
    loop.stop()
    thread.join()
    return found


def _loop(world: MemoryHelpdesk, journal: Any, clock: RealClock) -> SiteLoop:
    around = replace(surroundings(journal), clock=clock)
    targets = {level.target for path in policy().escalation.paths.values() for level in path.levels}
    world.reach = {target: _reach(target) for target in targets}
    ample = Budget(least=1_000_000, window=timedelta(hours=1))
    rules = SiteRules(
        name=SITE,
        fingerprint=FINGERPRINT,
        effects=frozenset({Effect.NOTES}),
        budgets=dict.fromkeys(Effect, ample),
    )
    reading = SiteReading(rules=rules, reader=MemoryReader(world), directory=MemoryDirectory(world))
    return SiteLoop(Site(reading=reading, writer=MemoryWriter(world)), around, Limits())


def _reach(target: LevelTarget) -> Reach:
    return Reach() if target.kind is TargetKind.GROUP else Reach(person=target.name)


# ---- somebody changes a ticket


def change_to_decision(*, rate: int, minutes: int) -> tuple[Lag, ...]:
    """Simulate ``rate`` changes a minute, one in a hundred open tickets, under Zendesk's own limits."""
    spec = SiteSpec(
        name=SITE,
        kind=SITE,
        build=build,
        roster=roster(),
        options={"synthetic": rate * 100, "system_touch_chance": 0.0},
    )
    with Sandbox((spec,), ClockOptions(start=START, mode="manual")) as sandbox:
        ways = (Way(every=60), Way(every=10), Way(every=10, histories=True))
        return tuple(_simulated(sandbox, way, rate=rate, minutes=minutes) for way in ways)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a site is read.

    Attributes:
        every: Seconds between two polls.
        histories: Every ticket is seen for the first time and its history is read, as in the hours after a first load.
    """

    every: int
    histories: bool = False


@dataclass(slots=True)
class Changes:
    """People at work: one change after another on a clock that only this moves."""

    sandbox: Sandbox
    gap: timedelta
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    pending: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    shown: dict[str, datetime] = field(default_factory=dict)
    lags: list[float] = field(default_factory=list)
    number: int = 0
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rows = self.sandbox.site(SITE).view()
        self.ids = tuple(str(r["id"]) for r in rows if r["status"] not in {"closed", "solved"})

    def pass_until(self, moment: datetime) -> None:
        """Let time pass, with a change after every gap."""
        clock = self.sandbox.clock
        while (at := clock.now() + self.gap) <= moment:
            clock.set(at)
            self.number += 1
            of = self.rng.choice(self.ids)
            self.sandbox.site(SITE).people.add_labels(of, "anna", (f"seen-{at:%H%M%S}-{self.number}",))
            self.pending[of].append(at)
        if moment > clock.now():
            clock.set(moment)

    def take(self, length: timedelta) -> None:
        """Let something take its time."""
        self.pass_until(self.sandbox.clock.now() + length)

    def stored(self, _site: str, candidates: Sequence[Any], **_: Any) -> None:
        """Note how new the stored facts of each ticket are."""
        self.shown.update((c.ticket.ref.id, c.ticket.updated_at) for c in candidates)

    def decided(self, _site: str, verdicts: Sequence[Any], **_: Any) -> None:
        """Measure every change that the decisions have seen."""
        self.take(CHUNK_TAKES)
        now = self.sandbox.clock.now()
        for verdict in verdicts:
            of = verdict.decision.ref.id
            seen = [at for at in self.pending[of] if at.replace(microsecond=0) <= self.shown[of]]
            self.lags.extend((now - at).total_seconds() for at in seen)
            self.pending[of] = self.pending[of][len(seen) :]


class Played:
    """The loop's clock: waiting lets people work; at the end the loop is told to stop."""

    def __init__(self, changes: Changes, ends_at: datetime) -> None:
        self._changes = changes
        self._ends_at = ends_at
        self.at_end: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        """Return the simulated moment."""
        return self._changes.sandbox.clock.now()

    def monotonic(self) -> float:
        """Return the machine's seconds."""
        return time.perf_counter()

    def elapsed(self) -> float:
        """Return the machine's seconds."""
        return time.perf_counter()

    def wait(self, until: datetime | None) -> bool:
        """Let people work until then."""
        self._changes.pass_until(until or self._ends_at)
        if self.now() >= self._ends_at:
            self.at_end()
        return True

    def wake(self) -> None:
        """Nobody sleeps."""


class Distant:
    """A reader whose requests take as long as a vendor's."""

    def __init__(self, reader: Any, changes: Changes) -> None:
        self._reader = reader
        self._changes = changes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def changes(self, cursor: str) -> Iterator[Any]:
        """Yield pages, each after its time."""
        for page in self._reader.changes(cursor):
            self._changes.take(PAGE_TAKES)
            yield page

    def history(self, ids: Sequence[str], *, probe: bool = False) -> Iterator[Any]:
        """Yield histories, each after its time."""
        for history in self._reader.history(ids, probe=probe):
            self._changes.take(AUDITS_TAKE)
            yield history


def _simulated(sandbox: Sandbox, way: Way, *, rate: int, minutes: int) -> Lag:
    changes = Changes(sandbox, timedelta(minutes=1) / rate)
    clock = Played(changes, sandbox.clock.now() + timedelta(minutes=minutes))
    opened = open_site(SITE, {**sandbox.site(SITE).describe(), "base_url": sandbox.url(SITE)}, clock=clock)
    opened.reader.check()
    rules = SiteRules(name=SITE, fingerprint=FINGERPRINT, unwritable=site_map(SITE).unwritable)
    reader: Any = opened.reader if way.histories else WithoutHistory(opened.reader)
    reading = SiteReading(
        rules=rules,
        reader=Distant(reader, changes),
        directory=opened.directory,
        poll_every=timedelta(seconds=way.every),
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, open_journal(str(Path(folder) / "s.db")) as journal:
        journal.open_site(SITE, fingerprint=FINGERPRINT)
        if not way.histories:  # they were read long ago: nothing waits for them
            journal.end_recall(SITE, policy_hash="", now=clock.now())
        start = Progress(cursor=opened.reader.start_cursor(), loaded=True, last_sweep_at=clock.now())
        journal.advance(SITE, start)
        witness = Witness(journal, store_page=changes.stored, store_verdicts=changes.decided)
        around = replace(surroundings(witness), clock=clock)
        loop = SiteLoop(Site(reading=reading, writer=opened.writer), around, Limits())
        clock.at_end = loop.stop
        loop.run()
    what = f"change to decision, {rate}/min among {rate * 100} open, polled every {way.every} s"
    return Lag.of(what + (", histories read" if way.histories else ""), changes.lags)
