"""One sandbox: a clock, sites on ports of their own, and the control API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from connector.sandbox.control import Control
from connector.sandbox.core.clock import SandboxClock
from connector.sandbox.core.exchange import Exchange
from connector.sandbox.core.faults import FaultPlan
from connector.sandbox.core.http import Server, ServerOptions
from connector.sandbox.core.ledger import Entry
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.roster import Roster
from connector.sandbox.core.site import Site
from connector.sandbox.core.world import World

CONTROL, CLOCK = "/control", "/clock"  # no site can be called that
Build = Callable[[World, Roster], Site]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSpec:
    """One site to simulate.

    Attributes:
        name: The site's name, such as ``jsm-eu``.
        kind: ``jira`` or ``zendesk``.
        build: The vendor package's ``build``.
        roster: Who exists there.
        options: The vendor's switches.
        server: Port and compression.
    """

    name: str
    kind: str
    build: Build
    roster: Roster = field(default_factory=Roster)
    options: Mapping[str, Any] = field(default_factory=dict)
    server: ServerOptions = field(default_factory=ServerOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Ports of the sandbox's own APIs; zero picks a free one."""

    control: int = 0
    clock: int = 0


class Sandbox:
    """Everything in one process. ``start`` serves, ``stop`` ends; also a context manager."""

    def __init__(
        self, specs: tuple[SiteSpec, ...], clock: ClockOptions, *, seed: int = 1, ports: Ports | None = None
    ) -> None:
        self.seed = seed
        self.facts: list[Entry] = []
        self.clock = SandboxClock(clock)
        self.kinds = {spec.name: spec.kind for spec in specs}
        self.exchanges = {spec.name: self._furnish(spec) for spec in specs}
        self.control = Control(self.clock, self.exchanges, self.facts)
        self.servers: dict[str, Server] = {}
        try:
            self._listen(specs, ports or Ports())
        except OSError:
            self.stop()
            raise

    def _listen(self, specs: tuple[SiteSpec, ...], ports: Ports) -> None:
        now = self.clock.now
        for spec in specs:
            self.servers[spec.name] = Server(self.exchanges[spec.name].run, now, spec.server)
        self.servers[CONTROL] = Server(self.control.run, now, ServerOptions(port=ports.control))
        self.servers[CLOCK] = Server(self.control.run_clock, now, ServerOptions(port=ports.clock))

    def site(self, name: str) -> Site:
        """The simulated site of this name."""
        return self.exchanges[name].site

    def url(self, name: str) -> str:
        """Where the site of this name answers."""
        return self.servers[name].url

    @property
    def control_url(self) -> str:
        """The control API; nothing of the connector may know it."""
        return self.servers[CONTROL].url

    @property
    def clock_url(self) -> str:
        """The clock alone: what a connector on stepped time is told."""
        return self.servers[CLOCK].url

    def describe(self) -> dict[str, Any]:
        """Where everything is and how to sign in, as the ready line prints it."""
        sites = {
            name: {"kind": self.kinds[name], "base_url": self.url(name), **self.site(name).describe()}
            for name in self.exchanges
        }
        return {"seed": self.seed, "control_url": self.control_url, "clock_url": self.clock_url, "sites": sites}

    def start(self) -> Self:
        """Serve in threads of its own."""
        threading.Thread(target=self.clock.pace, name="pace", daemon=True).start()
        for server in self.servers.values():
            server.start()
        return self

    def stop(self) -> None:
        """Stop serving and release whoever waits."""
        self.clock.stop()
        for server in self.servers.values():
            server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _furnish(self, spec: SiteSpec) -> Exchange:
        world = World.of(spec.name, self.clock, self.facts, seed=self.seed, options=spec.options)
        with self.clock.lock:
            site = spec.build(world, spec.roster)
        return Exchange(site, world, FaultPlan(world.rng))
