"""Upkeep: what fails beside the passes is told in words that quote nothing, and ends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connector.bootstrap.upkeep import kept_up
from connector.errors import Busy, StateFull


class Heard:
    def __init__(self) -> None:
        self.events: list[tuple[str, Mapping[str, Any]]] = []

    def event(self, name: str, /, **values: Any) -> None:
        self.events.append((name, values))


def failing(error: Exception) -> Any:
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Busy("the state is in use"), "the state is in use"),
        (OSError(116, "Stale file handle", "/backups"), "OSError"),
        (KeyError("the customer's own words"), "KeyError"),
    ],
)
def test_what_fails_is_told(error: Exception, why: str) -> None:
    heard = Heard()
    kept_up(heard, "backup", failing(error))
    ((name, values),) = heard.events
    assert (name, values["what"], values["why"]) == ("upkeep_failed", "backup", why)
    assert "own words" not in str(values)
    assert "test_upkeep.py" in values["where"]


def test_a_full_state_is_told_by_the_passes() -> None:
    heard = Heard()
    kept_up(heard, "retention", failing(StateFull("no room")))
    assert heard.events == []


def test_what_goes_well_is_done_and_not_told() -> None:
    heard, done = Heard(), []
    kept_up(heard, "reminders", lambda: done.append(1))
    assert (done, heard.events) == ([1], [])
