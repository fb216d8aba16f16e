"""One seed: a day at the helpdesks, played in one thread on stepped time, with the real adapters and journal."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from connector.bootstrap.connector import Connector
from connector.bootstrap.helpdesks import connect
from connector.engine.daemon import Limits, SiteLoop
from connector.helpdesks.transport import Surroundings
from connector.journal import open_journal
from connector.journal.sql import SqlJournal
from connector.ports import Alarm
from connector.sandbox.core.ledger import Entry
from tests.canaries import MARKS
from tests.lab.office import JIRA, ZENDESK, Office, copy_state
from tests.lab.story import Plot, story
from tests.simulation.checks import Checks, Violation
from tests.simulation.death import Death, Killed, mortal_journal
from tests.simulation.line import network
from tests.simulation.world import SimulatedClock, open_scene, order_faults

SITES: tuple[tuple[str, ...], ...] = ((JIRA,), (ZENDESK,), (ZENDESK,), (JIRA,), (JIRA, ZENDESK))
"""Whose day it is, seed by seed; the third kind has both helpdesks under one policy."""

QUIET_TICKS, OFTEN = 100, 10
"""Turns without a change in the end; a hundred of them with every tenth seed, a tenth of that with the others."""

CALM = timedelta(hours=2)
"""At the end of the day nothing goes wrong any more, for so long."""

_RUN = re.compile(r"\d{8}T\d{6}Z-\d{5}-[0-9a-f]{4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What to play."""

    seed: int
    hours: float = 24.0
    folder: Path
    template: Path
    trace: TextIO | None = None


@dataclass(slots=True)
class Report:
    """What a day showed. ``digest`` is that of the whole trace; ``violation`` is empty when every promise held."""

    seed: int
    events: int = 0
    requests: int = 0
    writes: int = 0
    turns: int = 0
    deaths: int = 0
    alarms: dict[str, int] = field(default_factory=dict)
    digest: str = ""
    violation: str = ""

    @property
    def counts(self) -> bool:
        """A day with hardly any writes shows nothing."""
        return self.writes >= 20


class Ears:
    """Hears alarms and log lines."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []

    def alarm(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)

    def ping(self, *, ok: bool) -> None:
        """The dead-man's switch is not watched here."""

    def event(self, _name: str, /, **_values: object) -> None:
        """The log is not read here."""


class Simulation:
    """A day in the making."""

    poll_every = "2h"
    edits: Mapping[str, str] = MappingProxyType({})

    def __init__(self, day: Day) -> None:
        self.day = day
        self.rng = random.Random(f"simulation/{day.seed}")
        self.draw()
        self.scene = open_scene(self.scenario, seed=day.seed)
        self.clock = SimulatedClock(self.scene.clock)
        office = Office(
            folder=day.folder,
            sites=self.scene.describe(),
            poll_every=self.poll_every,
            update_every="3h",
            edits=self.edits,
        )
        office.furnish()
        copy_state(day.template, office.state)
        self.state = office.state
        self.ears = Ears()
        self.program = Connector.load(office.config, lambda _program: self.ears)
        self.death = Death(self.rng, every=self.rng.choice((150, 600, 2500)))
        self.checks = Checks(self.scene.exchanges, self.scene.facts, office.state)
        self.report = Report(seed=day.seed)
        self._digest = hashlib.sha256()
        self._told = 0
        self._journal: SqlJournal | None = None
        self._loops: list[SiteLoop] = []
        self._wakes: list[datetime] = []

    def draw(self) -> None:
        """Draw the day's story."""
        lasts = timedelta(hours=self.day.hours)
        self.sites = SITES[self.day.seed % len(SITES)]
        plot = Plot(
            tickets=3 if JIRA in self.sites else 5,
            lasts=lasts,
            deeds=self.rng.randrange(3, 10),
            rivals=self.day.seed % 2 == 0,
            urgent=0.9,
        )
        self.scenario = story(self.day.seed, self.sites, plot)

    # ---- the connector's life

    def _passing(self, boundary: str) -> None:
        self.checks.armed(boundary)
        self.death.passing(boundary)

    def _start(self) -> None:
        """Begin a life of the connector, from what the journal holds."""
        self._stop()
        self._journal = journal = open_journal(f"sqlite:///{self.state}", least_free=0)
        policies = self.program.policies.loaded
        journal.remember_policy(policies.policy, policies.document, now=self.clock.now())
        self._loops = [self._loop(name, journal) for name in self.sites]
        self._wakes = [self.clock.now()] * len(self._loops)

    def _loop(self, name: str, journal: SqlJournal) -> SiteLoop:
        fields = self.program.policies.loaded.maps[name].fields
        line = Surroundings(clock=self.clock, rng=random.Random(self.day.seed), redactor=self.program.redactor)
        site = connect(self.program.settings, self.program.rules(name), fields, line)
        return SiteLoop(site, self.program.around(name, journal, self.clock, self.ears), Limits())

    def _stop(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def turn(self, until: datetime) -> bool:
        """Take the next turn, whoever's it is; False when it would be after ``until``."""
        at = min(self._wakes, default=self.clock.now())
        if at > until:
            self.clock.wait(until)
            return False
        self.clock.wait(at)
        try:
            if not self._loops:
                self._start()
            chosen = self._wakes.index(min(self._wakes))
            self._wakes[chosen] = self._loops[chosen].turn()
        except Killed:
            self._die()
        self.report.turns += 1
        self.checks.step()
        self._trace()
        return True

    def _die(self) -> None:
        """Forget everything but the journal's file; the next life begins at once or some minutes later."""
        awake, self.death.awake = self.death.awake, False
        self._stop()
        self.death.awake = awake
        self._loops = []
        down = timedelta(minutes=self.rng.choice((0, 0, 1, 12)))
        self._wakes = [self.clock.now() + down] * len(self.sites)

    # ---- the day

    def play(self) -> Report:
        """Play the day, let everything come to rest, and say what it showed."""
        with ExitStack() as stack:
            stack.enter_context(network(self.scene.ports, self._passing))
            stack.enter_context(mortal_journal(self.death))
            stack.callback(self._stop)
            try:
                self._play()
            except (Violation, AssertionError) as broken:
                self.report.violation = f"{self.clock.now():%d %H:%M:%S} {broken}"
        self.report.events, self.report.writes = self.checks.events, self.checks.writes
        self.report.requests, self.report.deaths = self.checks.requests, self.death.came
        for alarm in self.ears.alarms:
            self.report.alarms[str(alarm.kind)] = self.report.alarms.get(str(alarm.kind), 0) + 1
        self.report.digest = self._digest.hexdigest()
        return self.report

    def _play(self) -> None:
        order_faults(self.scene, self.rng, self.scenario, until=self.scenario.ends_at - CALM)
        while self.turn(self.scenario.ends_at - CALM):
            pass
        self.death.awake = False
        while self.turn(self.scenario.ends_at):
            pass
        self._everybody_goes_home()
        self._rests()
        self.checks.end(self._canaries())

    def _everybody_goes_home(self) -> None:
        """Every ticket is closed; the connector hears of it."""
        for exchange in self.scene.exchanges.values():
            for row in exchange.site.view():
                if row["status"] != "closed":
                    exchange.site.people.close(row["ticket"], "ben")
        ends_at = self.clock.now() + timedelta(hours=2)
        while self.turn(ends_at):
            pass

    def _rests(self) -> None:
        """Nothing changes outside: nothing is written."""
        before = self.checks.writes
        ticks = QUIET_TICKS if self.day.seed % OFTEN == 0 else QUIET_TICKS // OFTEN
        for _ in range(ticks):
            self.turn(datetime.max.replace(tzinfo=self.clock.now().tzinfo))
        if self.checks.writes != before:
            raise Violation(f"I10: {self.checks.writes - before} writes in {ticks} turns without a change")

    def _canaries(self) -> frozenset[bytes]:
        secrets = {secret.get_secret_value().encode() for secret in self.program.settings.secrets.values()}
        return frozenset({*MARKS, b"nothing works", *secrets})

    # ---- the trace

    def _trace(self) -> None:
        """Add what has happened to the trace: facts in their order, a run's name left out, which is drawn anew."""
        for entry in self.scene.facts[self._told :]:
            line = _RUN.sub("RUN", json.dumps(_plain(entry), sort_keys=True, default=str))
            self._digest.update(line.encode())
            if self.day.trace is not None:
                self.day.trace.write(line + "\n")
        self._told = len(self.scene.facts)


def _plain(entry: Entry) -> dict[str, Any]:
    return entry.as_json()


def simulate(day: Day) -> Report:
    """Play one day in a folder of its own, which is gone afterwards."""
    try:
        return Simulation(day).play()
    finally:
        shutil.rmtree(day.folder, ignore_errors=True)


def days(seeds: range, *, hours: float, folder: Path, template: Path) -> Iterator[Report]:
    """Play seed after seed."""
    for seed in seeds:
        yield simulate(Day(seed=seed, hours=hours, folder=folder / str(seed), template=template))
