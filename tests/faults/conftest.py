from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.stage import MONDAY, Desk, Stage
from tests.faults.two_clocks import Watched
from tests.helpdesks.stopped_clock import StoppedClock


@pytest.fixture
def desk() -> Desk:
    """A site in memory whose clock stands still."""
    return Desk("desk", StoppedClock(MONDAY))


@pytest.fixture
def stage(empty_state: Path, desk: Desk) -> Iterator[Stage]:
    """The whole engine on that site."""
    made = Stage(empty_state, desk, clock=desk.world.clock)  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.fixture
def watched(empty_state: Path) -> Iterator[Watched]:
    opened = Watched(empty_state)
    yield opened
    opened.stage.close()
