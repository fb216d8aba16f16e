from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.stage import MONDAY, Desk, Stage
from tests.helpdesks.stopped_clock import StoppedClock


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(MONDAY)


@pytest.fixture
def set_up(empty_state: Path, clock: StoppedClock) -> Iterator[Callable[..., Stage]]:
    """Sets up a stage with the desks given."""
    stages: list[Stage] = []

    def made(*desks: Desk) -> Stage:
        stages.append(Stage(empty_state, *desks, clock=clock))
        return stages[-1]

    yield made
    for stage in stages:
        stage.close()


@pytest.fixture
def desk(clock: StoppedClock) -> Desk:
    return Desk("desk", clock)


@pytest.fixture
def stage(set_up: Callable[..., Stage], desk: Desk) -> Stage:
    return set_up(desk)
