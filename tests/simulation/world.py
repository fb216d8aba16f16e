"""The simulated sites of one seed, their people and faults, and the clock that everybody shares."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from connector.sandbox.core.clock import SandboxClock
from connector.sandbox.core.exchange import Exchange
from connector.sandbox.core.faults import Fault, FaultPlan
from connector.sandbox.core.ledger import Entry
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.world import World
from connector.sandbox.people import Cast
from connector.sandbox.script import Scenario
from tests.lab.office import JIRA, KINDS, ZENDESK
from tests.simulation.line import HOST

PORTS: Mapping[str, int] = {JIRA: 7001, ZENDESK: 7002}


class SimulatedClock:
    """A ``Clock`` of one thread: waiting moves everybody's time."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._start = clock.now()

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return (self._clock.now() - self._start).total_seconds()

    def elapsed(self) -> float:
        return (self._clock.now() - self._start).total_seconds()

    def wait(self, until: datetime | None) -> bool:
        if until is not None and until > self._clock.now():
            self._clock.set(until)
        return until is not None

    def wake(self) -> None:
        """Nobody else runs who could wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Two helpdesks in this process, without servers."""

    clock: SandboxClock
    exchanges: Mapping[str, Exchange]
    facts: list[Entry]

    @property
    def ports(self) -> dict[int, Exchange]:
        return {PORTS[name]: exchange for name, exchange in self.exchanges.items()}

    def describe(self) -> dict[str, Mapping[str, Any]]:
        return {
            name: {**exchange.site.describe(), "base_url": f"http://{HOST}:{PORTS[name]}"}
            for name, exchange in self.exchanges.items()
        }

    def view(self) -> dict[str, list[dict[str, Any]]]:
        return {name: exchange.site.view() for name, exchange in self.exchanges.items()}


def open_scene(scenario: Scenario, *, seed: int, cost: timedelta = timedelta(milliseconds=150)) -> Scene:
    """Build the sites and schedule what people do; time stands at the opening."""
    clock = SandboxClock(ClockOptions(start=scenario.opens_at, mode="stepped", request_cost=cost))
    facts: list[Entry] = []
    exchanges: dict[str, Exchange] = {}
    for name in scenario.rosters:
        world = World.of(name, clock, facts, seed=seed, options=scenario.options.get(name, {}))
        site = import_module(f"connector.sandbox.{KINDS[name]}").build(world, scenario.rosters[name])
        exchanges[name] = Exchange(site, world, FaultPlan(world.rng))
    Cast(scenario, {name: (door.site, door.world) for name, door in exchanges.items()}).enter()
    return Scene(clock=clock, exchanges=exchanges, facts=facts)


def order_faults(scene: Scene, rng: random.Random, scenario: Scenario, *, until: datetime) -> None:
    """Order this seed's faults: answers lost or late, refusals, cuts, and perhaps an outage; none after ``until``."""
    for exchange in scene.exchanges.values():
        for fault in (*_outages(rng, scenario, until), *_everyday(rng, until)):
            exchange.faults.add(fault)


WRITES = ("PUT", "POST")


def _everyday(rng: random.Random, until: datetime) -> Iterator[Fault]:
    often = rng.choice((0.0, 0.02, 0.06))
    comment = r"/(tickets/\d+(\.json)?|comment|issue/[^/]+)$"
    yield Fault(action="lose", methods=WRITES, path=comment, chance=often, ends_at=until)
    yield Fault(action="late", methods=WRITES, path=comment, chance=often, seconds=rng.uniform(1, 55), ends_at=until)
    yield Fault(action="status", methods=WRITES, path=comment, status=503, chance=often, ends_at=until)
    yield Fault(action="status", status=502, chance=often / 2, ends_at=until)
    yield Fault(action="status", status=429, retry_after=rng.randrange(1, 90), chance=often / 2, ends_at=until)
    yield Fault(action="cut", after_bytes=rng.randrange(40, 400), chance=often / 2, ends_at=until)
    yield Fault(action="empty", methods=WRITES, path=comment, chance=often / 3, ends_at=until)
    yield Fault(action="html", status=200, chance=often / 6, ends_at=until)


def _outages(rng: random.Random, scenario: Scenario, until: datetime) -> Iterator[Fault]:
    if rng.random() < 0.4:
        begins = scenario.opens_at + timedelta(minutes=rng.randrange(60, 900))
        ends = min(begins + timedelta(minutes=rng.choice((7, 40, 200, 360))), until)
        yield Fault(action="html", status=503, starts_at=begins, ends_at=ends, name="outage")
