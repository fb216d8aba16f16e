"""A site whose time and ours are two things."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path

from connector.engine.kit import Surroundings
from connector.engine.passes import PassResult, run_pass
from connector.engine.timekeeping import Timekeeper
from tests.engine.stage import MONDAY, Desk, Stage
from tests.helpdesks.stopped_clock import START, StoppedClock


class OurClock(StoppedClock):
    """The machine's clock, beside the world's: its wall can be stepped, its monotonic seconds cannot."""

    def __init__(self, world: StoppedClock) -> None:
        super().__init__()
        self._world = world
        self.off = timedelta(0)
        self.slept = timedelta(0)

    def now(self) -> datetime:
        return self._world.now() + self.off

    def monotonic(self) -> float:
        return (self._world.now() - START - self.slept).total_seconds()

    def elapsed(self) -> float:
        return (self._world.now() - START).total_seconds()

    def wait(self, until: datetime | None) -> bool:
        return until is not None and self._world.wait(until - self.off)


class Watched:
    """A desk whose time and ours are two things."""

    def __init__(self, empty_state: Path) -> None:
        self.world = StoppedClock(MONDAY)
        self.ours = OurClock(self.world)
        self.desk = Desk("desk", self.world)
        self.stage = Stage(empty_state, self.desk, clock=self.world)
        self.keeper = Timekeeper(self.ours)

    @property
    def around(self) -> Surroundings:
        return dataclasses.replace(self.stage.around, clock=self.keeper.clock, time=self.keeper)

    def run(self) -> PassResult:
        return run_pass(self.desk.site, self.around, kind="sync")

    def urgent(self) -> None:
        self.desk.world.create(facts={"impact": "department", "urgency": "blocked"}, group="service-desk")

    def sleep(self, length: timedelta) -> None:
        """The machine is suspended: the world goes on, monotonic seconds do not."""
        self.world.move(length)
        self.ours.slept += length

    def begin_anew(self, off: timedelta = timedelta(0)) -> None:
        """Another process begins, on a machine whose clock is off by as much; the operator lets the site go on."""
        self.stage.restart()
        self.keeper = Timekeeper(self.ours)
        self.ours.off = off
        self.stage.journal.resume("desk", allow=0, now=self.world.now(), actor="anna")

    def said(self) -> list[datetime]:
        return [c.at for c in self.desk.world.comments if c.key]
