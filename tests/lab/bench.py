"""Helpdesks without sockets, the real adapters and journal, one thread; people and faults by a test's order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from connector.sandbox.core.faults import Fault
from connector.sandbox.core.site import NewTicket
from tests.canaries import BODY, SUBJECT
from tests.lab.office import empty_template
from tests.lab.story import OPENS, Plot, story
from tests.simulation.death import Death
from tests.simulation.line import network
from tests.simulation.run import Day, Simulation

HOUR = timedelta(hours=1)


class Bench(Simulation):
    """A day without a drawn story: the test creates tickets, orders faults and lets time go by."""

    poll_every = "5m"

    def __init__(
        self, folder: Path, sites: Sequence[str], options: Mapping[str, Mapping[str, Any]], edits: Mapping[str, str]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.edits = edits
        self._given = (tuple(sites), options)
        self._deeds: list[Callable[[], object]] = []
        super().__init__(Day(seed=1, folder=folder, template=empty_template()))
        self.death = Death(random.Random(1), every=10)
        self.death.awake = False

    def draw(self) -> None:
        self.sites, options = self._given
        plot = Plot(tickets=0, deeds=0, lasts=timedelta(days=2), options=options)
        self.scenario = story(self.day.seed, self.sites, plot)

    def fault(self, site: str, **order: Any) -> None:
        self.scene.exchanges[site].faults.add(Fault(**order))

    def ticket(self, site: str, **details: Any) -> str:
        """Create a P1, or what ``details`` say."""
        known = {"subject": SUBJECT, "body": BODY, "requester": "pieter", "group": "service-desk"}
        facts = {"impact": "site", "urgency": "blocked"}
        return self.scene.exchanges[site].site.people.create_ticket(NewTicket(**{**known, **facts, **details}))

    def goes_by(self, length: timedelta) -> None:
        """Let the connector work while time goes by."""
        until = self.clock.now() + length
        while self.turn(until):
            pass

    def at_next_write(self, deed: Callable[[], object]) -> None:
        """Let somebody do something while our next write is on its way."""
        self._deeds.append(deed)

    def passing(self, boundary: str) -> None:
        """Take part in the network: deeds that wait for a write come before the site sees it."""
        while boundary == "sent" and self._deeds:
            self._deeds.pop()()
        self.checks.armed(boundary)

    def ours(self, site: str, ticket: str) -> list[dict[str, Any]]:
        """Comments of our own account on one ticket."""
        rows = {row["ticket"]: row for row in self.scene.exchanges[site].site.view()}
        return [c for c in rows[ticket]["comments"] if str(c["author"]).startswith("connector")]

    def requests(self, site: str) -> list[dict[str, Any]]:
        return [dict(f.data, at=f.at) for f in self.scene.facts if f.kind == "request" and f.site == site]


@contextmanager
def bench(
    folder: Path, *sites: str, edits: Mapping[str, str] = MappingProxyType({}), **options: Mapping[str, Any]
) -> Iterator[Bench]:
    """Open a bench at 8 in the morning; ``options`` are switches by the site's name with ``_`` for ``-``.

    ``edits`` are what stands in policy, maps and configuration in the place of what.
    """
    made = Bench(folder, sites, {name.replace("_", "-"): value for name, value in options.items()}, edits)
    with ExitStack() as stack:
        stack.enter_context(network(made.scene.ports, made.passing))
        stack.callback(made._stop)
        yield made


__all__ = ["HOUR", "OPENS", "Bench", "bench"]
