"""What a pass costs, counted: requests to the helpdesk, calls of the journal, rows, index look-ups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from connector.domain.site import Budget, Effect
from connector.domain.ticket import Status
from connector.errors import Rejected, Unavailable
from connector.helpdesks.memory import AGENT
from tests.engine.stage import SECOND, Desk, Stage
from tests.engine.test_lost_state import hide
from tests.engine.test_passes import DEGRADED, P4, at_rest, opened
from tests.helpdesks.stopped_clock import StoppedClock

ROOMY = dict.fromkeys(Effect, Budget(least=10_000, window=timedelta(hours=1)))


class Counting:
    """A journal whose calls are counted by name."""

    def __init__(self, real: Any) -> None:
        self.calls: Counter[str] = Counter()
        self._real = real

    def __getattr__(self, name: str) -> Any:
        self.calls[name] += 1
        return getattr(self._real, name)


def desk_of(clock: StoppedClock, *, bulk_size: int) -> Desk:
    desk = Desk("desk", clock, bulk_size=bulk_size)
    desk.rules = replace(desk.rules, budgets=ROOMY)
    return desk


def test_a_hundred_changes_of_fields_are_one_job(set_up: Callable[..., Stage], clock: StoppedClock) -> None:
    desk = desk_of(clock, bulk_size=100)
    stage = set_up(desk)
    ids = opened(desk, 100, facts={})
    at_rest(stage)
    clock.move(SECOND)
    for id_ in ids:
        desk.world.update(id_, AGENT, facts=DEGRADED)
    before = desk.world.requests.copy()
    assert stage.run("desk").summary.written == 100
    spent = desk.world.requests - before
    assert (spent["delta"], spent["submit"], spent["write"], spent["get"]) == (1, 1, 0, 0)
    assert spent["poll"] <= 2


def test_a_quiet_pass_asks_once_and_changes_nothing(stage: Stage, desk: Desk) -> None:
    opened(desk, 20)
    at_rest(stage)
    before, requests = stage.rows(), desk.world.requests.total()
    stage.clock.move(SECOND)
    result = stage.run("desk")
    assert (result.summary.requests, desk.world.requests.total() - requests) == (1, 1)
    assert (result.summary.decided, stage.rows()) == (0, before)


def test_deadlines_cost_no_request(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    opened(desk, 5)
    at_rest(stage)
    due = stage.journal.next_due("desk")
    assert due is not None
    clock.move(due - clock.now())
    before = desk.world.requests.copy()
    assert stage.run("desk", fetch=False).summary.decided == 5
    assert set(desk.world.requests - before) <= {"write"}


@pytest.mark.parametrize("shadow", [True, False])
def test_calls_of_the_journal_do_not_grow_with_the_tickets_of_a_page(
    set_up: Callable[..., Stage], clock: StoppedClock, *, shadow: bool
) -> None:
    counted = []
    for count in (5, 45):
        desk = desk_of(clock, bulk_size=100)
        desk.rules = replace(desk.rules, effects=frozenset() if shadow else frozenset({Effect.FIELDS}))
        stage = set_up(desk)
        opened(desk, count, facts={})
        journal = Counting(stage.journal)
        stage.run_with("desk", replace(stage.around, journal=journal))
        counted.append(journal.calls)
    assert counted[0] == counted[1]


def plan_of(connection: Connection, statement: str) -> str:
    return " ".join(row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}")))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM ticket WHERE site = 'desk' AND next_due_at <= 1 ORDER BY next_due_at LIMIT 100",
        "SELECT min(next_due_at) FROM ticket WHERE site = 'desk' AND next_due_at > 1",
    ],
)
def test_what_is_due_is_found_by_an_index(stage: Stage, statement: str) -> None:
    found = stage.journal._run(lambda connection: plan_of(connection, statement))
    assert "USING" in found
    assert "INDEX ix_ticket" in found
    assert "TEMP B-TREE" not in found


def test_what_waits_to_be_read_back_costs_a_pass_nothing(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    desk.world.page_size = 5  # of which a pass reads the histories
    opened(desk, 20)
    loaded = []
    for _ in range(4):
        journal = Counting(stage.journal)
        journal.load = lambda site, ids, **given: loaded.append(len(ids)) or stage.journal.load(site, ids, **given)  # type: ignore[attr-defined]
        stage.run_with("desk", replace(stage.around, journal=journal))
        clock.move(SECOND)
    assert not stage.journal.without_history("desk", limit=20)
    assert not stage.journal.undecided("desk", policy_hash=stage.policies.current().hash, limit=20)
    assert loaded[0] == 20
    assert max(loaded[1:]) <= 10  # those that are read by now, and those that were written on a pass before


@pytest.mark.parametrize("room", [0, 1, 3])
def test_a_ticket_whose_history_cannot_be_read_is_decided_once(
    set_up: Callable[..., Stage], clock: StoppedClock, room: int
) -> None:
    """A decision made again on what was known the first time is the same one, at twice the price."""
    desk = desk_of(clock, bulk_size=100)
    stage = set_up(desk)
    stage.run("desk")
    ids = opened(desk, 12)
    clock.move(20 * SECOND)
    for id_ in ids:
        desk.world.update(id_, AGENT, priority=P4)
    desk.world.histories_left = room
    loaded: list[str] = []
    journal = Counting(stage.journal)
    journal.load = lambda site, ids, **given: loaded.extend(ids) or stage.journal.load(site, ids, **given)  # type: ignore[attr-defined]
    stage.run_with("desk", replace(stage.around, journal=journal))
    times = Counter(loaded)
    assert sorted(times) == sorted(ids)
    assert sorted(times.values()) == [1] * (12 - room) + [2] * room
    assert all(desk.live(id_).priority is P4 for id_ in ids), "each waits for its history, or was held when it came"
    assert len(stage.journal.awaited("desk", limit=20)) == 12 - room


class Loads(Counting):
    """A journal that counts the tickets whose decision is begun: all that is known of them is loaded."""

    def __init__(self, real: Any) -> None:
        super().__init__(real)
        self.ids: list[str] = []

    def load(self, site: str, ids: Sequence[str], *, now: datetime) -> Any:
        self.ids += ids
        return self._real.load(site, ids, now=now)


def loads_of_passes(stage: Stage, count: int) -> list[int]:
    """Return how many tickets each of some passes decides, a while apart."""
    found = []
    for _ in range(count):
        stage.clock.move(20 * SECOND)
        journal = Loads(stage.journal)
        stage.run_with("desk", replace(stage.around, journal=journal))
        found.append(len(journal.ids))
    return found


def nobody_tells(desk: Desk, how: str) -> None:
    """From now on no history can be read: their share is used up, they are refused, or nobody answers."""
    if how == "no room":
        desk.world.histories_left = 0
    else:
        error = Rejected("403") if how == "refused" else Unavailable("down")
        desk.world.history_fault = lambda _: error


@pytest.mark.parametrize("how", ["no room", "refused", "down"])
def test_what_waits_for_its_own_history_costs_a_quiet_pass_nothing(
    set_up: Callable[..., Stage], clock: StoppedClock, how: str
) -> None:
    desk = desk_of(clock, bulk_size=100)
    stage = set_up(desk)
    stage.run("desk")
    nobody_tells(desk, how)
    ids = opened(desk, 300, facts=DEGRADED, priority=P4)
    clock.move(20 * SECOND)
    for id_ in ids:
        desk.world.update(id_, AGENT, status=Status.OPEN)
    first, *quiet = loads_of_passes(stage, 4)
    assert first >= 300
    assert len(stage.journal.awaited("desk", limit=1000)) == 300, "each may have been set to P4 by a person"
    assert quiet == [0, 0, 0]


def test_what_is_read_back_is_not_decided_with_every_pass_until_the_rest_is(stage: Stage, desk: Desk) -> None:
    opened(desk, 20, facts=DEGRADED)
    at_rest(stage)
    stage.lose_state("it was deleted")
    desk.world.page_size = 4  # of which a pass reads the histories
    found = loads_of_passes(stage, 5)
    assert found[0] == 20
    assert sum(found[1:4]) <= 2 * 16, "each once it is read, and once more where its priority was written"
    assert not stage.journal.without_history("desk", limit=20)


def test_a_ticket_whose_history_stays_hidden_after_a_loss_is_not_decided_with_every_pass(
    stage: Stage, desk: Desk
) -> None:
    ids = opened(desk, 6, facts=DEGRADED)
    at_rest(stage)
    stage.lose_state("it was deleted")
    hide(desk, ids[:3])
    loads_of_passes(stage, 6)
    assert loads_of_passes(stage, 3) == [0, 0, 0]
