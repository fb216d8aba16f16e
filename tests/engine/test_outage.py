"""A helpdesk that does not answer is left alone by a ``sync`` that cron starts anew every minute."""

from __future__ import annotations

from datetime import timedelta

from connector.engine.outage import DOWN
from connector.engine.passes import PassOutcome, run_pass
from connector.helpdesks.memory import Fault
from tests.engine.stage import MINUTE, Desk, Stage


def by_cron(stage: Stage, desk: Desk, minutes: int) -> int:
    """Run a process of its own every minute while the helpdesk is down; return in how many minutes it was asked."""
    asked = 0
    for _ in range(minutes):
        stage.restart()
        desk.world.read_faults.append(Fault.UNAVAILABLE)
        before = desk.world.requests.total()
        assert stage.run("desk").outcome is PassOutcome.FAILED
        asked += desk.world.requests.total() > before
        desk.world.read_faults.clear()
        stage.clock.move(MINUTE)
    return asked


def test_it_is_asked_less_and_less_often(stage: Stage, desk: Desk) -> None:
    stage.run("desk")
    stage.clock.move(MINUTE)
    assert by_cron(stage, desk, 3) == 3, "a run that fails is no outage"
    assert by_cron(stage, desk, 57) <= 14


def test_an_answer_ends_it(stage: Stage, desk: Desk) -> None:
    stage.run("desk")
    by_cron(stage, desk, 30)
    stage.clock.move(timedelta(minutes=5))
    assert stage.run("desk").outcome is PassOutcome.OK
    assert stage.journal.aside("desk") == ()
    assert by_cron(stage, desk, 2) == 2


def test_it_is_noted_once(stage: Stage, desk: Desk) -> None:
    stage.run("desk")
    by_cron(stage, desk, 12)
    assert [item.field for item in stage.journal.aside("desk")] == [DOWN]


def test_a_daemon_that_reads_well_ends_it(stage: Stage, desk: Desk) -> None:
    stage.run("desk")
    by_cron(stage, desk, 1)
    assert run_pass(desk.site, stage.around, kind="run").outcome is PassOutcome.OK
    assert stage.journal.aside("desk") == ()


def test_a_resume_asks_at_once(stage: Stage, desk: Desk) -> None:
    stage.run("desk")
    by_cron(stage, desk, 10)
    stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="op")
    assert stage.run("desk").outcome is PassOutcome.OK


def test_a_daemon_keeps_its_own_cadence(stage: Stage, desk: Desk) -> None:
    """Its back-off and breaker live as long as it does: what it meets is no business of the state."""
    for _ in range(5):
        desk.world.read_faults.append(Fault.UNAVAILABLE)
        assert run_pass(desk.site, stage.around, kind="run").outcome is PassOutcome.FAILED
        stage.clock.move(timedelta(seconds=15))
    assert stage.journal.aside("desk") == ()


def test_a_clock_that_is_set_back_makes_no_rest_longer(stage: Stage, desk: Desk) -> None:
    stage.run("desk")
    by_cron(stage, desk, 10)
    stage.clock.move(timedelta(hours=-3))
    assert stage.run("desk").outcome is PassOutcome.OK
    assert stage.journal.aside("desk") == ()
