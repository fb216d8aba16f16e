"""Puts a sandbox together from a few options and serves it until told to stop."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from connector.sandbox.assembly import Ports, Sandbox, SiteSpec
from connector.sandbox.core.http import ServerOptions
from connector.sandbox.core.moments import ClockOptions, Mode
from connector.sandbox.incidents import Replay, replay
from connector.sandbox.people import Cast
from connector.sandbox.scenarios.cast import ROSTER
from connector.sandbox.scenarios.demo import demo
from connector.sandbox.script import Scenario

Kind = Literal["jira", "zendesk"]
SITES: Mapping[str, str] = {"jsm-eu": "jira", "zendesk": "zendesk"}
REPLAY_SWITCHES: Mapping[str, Mapping[str, Any]] = {
    "zendesk": {"close_after": 0},  # the log says itself when an incident is closed
}
EMPTY_START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What to serve.

    Attributes:
        scenario: ``demo``, ``empty`` or ``incidents``.
        sites: Site name to kind.
        mode, speed: See the clock.
        start: Where an empty sandbox's clock starts; from when incidents are served.
        request_cost: Simulated time that each vendor request takes in stepped mode.
        site_options: The vendors' switches by site.
        ports: By site name, and ``control`` and ``clock``; missing or zero picks a free one.
        incidents: The incident log.
    """

    scenario: str = "demo"
    seed: int = 1
    sites: Mapping[str, str] = field(default_factory=lambda: dict(SITES))
    mode: Mode = "stepped"
    speed: float = 1.0
    start: datetime | None = None
    request_cost: timedelta = timedelta(0)
    site_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    compress: bool = False
    incidents: Path | None = None
    recorded_priority: bool = False
    limit: int | None = None


def make_scenario(options: ServeOptions) -> Scenario:
    """The story that these options ask for.

    Raises:
        ValueError: An unknown scenario, or incidents without a log.
    """
    if options.scenario == "demo":
        return demo(options.seed)
    if options.scenario == "empty":
        start = options.start or EMPTY_START
        rosters = dict.fromkeys(options.sites, ROSTER)
        return Scenario(name="empty", begins_at=start, opens_at=start, ends_at=start, rosters=rosters)
    if options.scenario == "incidents" and options.incidents is not None:
        opens = options.start or datetime(2016, 4, 1, tzinfo=UTC)
        told = Replay(
            sites=tuple(options.sites),
            opens_at=opens,
            recorded_priority=options.recorded_priority,
            limit=options.limit,
        )
        return replay(options.incidents, told)
    raise ValueError(f"cannot serve {options.scenario!r}: it is demo, empty, or incidents with a log")


def make_sandbox(options: ServeOptions) -> Sandbox:
    """A sandbox in the state in which its story opens, not yet serving."""
    return tell(make_scenario(options), options)


def tell(scenario: Scenario, options: ServeOptions) -> Sandbox:
    """A sandbox in the state in which ``scenario`` opens, not yet serving."""
    specs = tuple(_spec(name, kind, scenario, options) for name, kind in options.sites.items())
    begin = ClockOptions(start=scenario.begins_at, speed=options.speed, request_cost=options.request_cost)
    ports = Ports(control=options.ports.get("control", 0), clock=options.ports.get("clock", 0))
    sandbox = Sandbox(specs, begin, seed=options.seed, ports=ports)
    cast = Cast(scenario, {name: (door.site, door.world) for name, door in sandbox.exchanges.items()})
    cast.enter()
    _pass_history(sandbox, scenario)
    sandbox.clock.switch(options.mode)
    sandbox.control.story(scenario, cast)
    return sandbox


def _pass_history(sandbox: Sandbox, scenario: Scenario) -> None:
    """Play what lies before the opening; a replay's hundred thousand facts of it are not kept."""
    ledgers = [door.world.ledger for door in sandbox.exchanges.values()]
    for ledger in ledgers:
        ledger.recording = scenario.name != "incidents"
    sandbox.clock.set(scenario.opens_at)
    for ledger in ledgers:
        ledger.recording = True


def serve(options: ServeOptions, *, with_parent: bool = False) -> None:
    """Serve until SIGTERM, Ctrl-C or, ``with_parent``, until standard input ends.

    Prints one JSON line with every address and credential when ready.
    """
    orphaned = threading.Event()
    asked: list[int] = []  # a handler may interrupt a wait, whose lock it must not take
    with make_sandbox(options) as sandbox:
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda number, _frame: asked.append(number))
        if with_parent:
            threading.Thread(target=_watch_parent, args=(orphaned,), daemon=True).start()
        print(json.dumps(sandbox.describe(), ensure_ascii=False), flush=True)
        while not asked and not orphaned.wait(0.05):
            pass


def _watch_parent(orphaned: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):  # not through its buffer, whose lock would outlive the thread
        pass
    orphaned.set()


def _spec(name: str, kind: str, scenario: Scenario, options: ServeOptions) -> SiteSpec:
    if kind not in ("jira", "zendesk"):
        raise ValueError(f"site {name}: there is no kind {kind!r}; it is jira or zendesk")
    build = import_module(f"connector.sandbox.{kind}").build
    spec = SiteSpec(name=name, kind=kind, build=build, roster=scenario.rosters.get(name, ROSTER))
    told = REPLAY_SWITCHES.get(kind, {}) if scenario.name == "incidents" else {}
    switches = {**told, **scenario.options.get(name, {}), **options.site_options.get(name, {})}
    server = ServerOptions(port=options.ports.get(name, 0), compress=options.compress)
    return replace(spec, options=switches, server=server)
