"""One cycle, one name: what the helpdesk's clock has told ours does not tell again, nor the other way round."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest

from connector.domain.policy import SlaSource
from connector.domain.ticket import ClockName, NativeClock, NativeStage, Priority
from tests.domain.desk import ANNA, MONDAY, Desk
from tests.domain.policies import POLICY
from tests.domain.sla_values import FIRST, RESOLUTION, START, clocks, marks, policy, situation, target

GOAL = timedelta(hours=4)
HELPDESK = dataclasses.replace(POLICY, sla=dataclasses.replace(POLICY.sla, source=SlaSource.HELPDESK), cadence={})
BREACH = ["breached (notes)"]


def desk() -> Desk:
    """A P1 that was answered and taken over, so that only its resolution has anything to tell."""
    made = Desk(HELPDESK, facts={"impact": "site", "urgency": "blocked"}, priority=Priority.P1)
    made.wait(minutes=1).says(ANNA)
    made.command("/esc ack", ANNA)
    return made


def shows(made: Desk, began_at: datetime | None) -> None:
    """The helpdesk shows its clock for the resolution, or none."""
    stated = () if began_at is None else (resolution(began_at, made.now),)
    made.ticket = dataclasses.replace(made.ticket, native=stated)


def resolution(began_at: datetime, now: datetime) -> NativeClock:
    breach_at = began_at + GOAL
    stage = NativeStage.BREACHED if breach_at <= now else NativeStage.RUNNING
    name, clock = "time to resolution", ClockName.RESOLUTION
    return NativeClock(
        clock=clock, name=name, stage=stage, read_at=now, started_at=began_at, breach_at=breach_at, goal=GOAL
    )


def goes_by(made: Desk, until: datetime, began_at: datetime | None) -> None:
    """A pass every quarter of an hour, while the helpdesk shows the clock that began then, or none."""
    while made.now < until:
        shows(made, began_at)
        made.sync()
        made.wait(minutes=15)
    shows(made, began_at)
    made.sync()


def breaches(made: Desk) -> list[str]:
    return [each for each in made.spoken if each in BREACH]


@pytest.mark.parametrize("later", [timedelta(seconds=2), timedelta(minutes=40)], ids=["seconds", "later"])
def test_a_clock_that_is_missing_once_says_nothing_twice(later: timedelta) -> None:
    made, began_at = desk(), MONDAY + later
    goes_by(made, began_at + timedelta(hours=4, minutes=5), began_at)
    assert breaches(made) == BREACH
    goes_by(made, made.wait(minutes=15).now + timedelta(hours=1), None)
    goes_by(made, made.wait(minutes=15).now + timedelta(hours=1), began_at)
    assert breaches(made) == BREACH


def test_what_our_own_clock_has_told_the_helpdesks_does_not_tell_again() -> None:
    made = desk()
    goes_by(made, MONDAY + timedelta(hours=4, minutes=5), None)
    assert breaches(made) == BREACH
    goes_by(made, MONDAY + timedelta(hours=6), MONDAY + timedelta(minutes=40))
    assert breaches(made) == BREACH


def test_what_no_clock_has_told_is_told_by_the_one_that_counts() -> None:
    made = desk()
    goes_by(made, MONDAY + timedelta(hours=3, minutes=50), MONDAY + timedelta(minutes=40))
    assert breaches(made) == []
    goes_by(made, MONDAY + timedelta(hours=4, minutes=10), None)
    assert breaches(made) == BREACH


def test_a_cycle_that_the_helpdesk_began_since_has_a_breach_of_its_own() -> None:
    made = desk()
    goes_by(made, MONDAY + timedelta(hours=4, minutes=5), MONDAY)
    began_at = made.now
    goes_by(made, began_at + timedelta(hours=4, minutes=5), began_at)
    assert breaches(made) == 2 * BREACH


def test_a_cycle_that_begins_with_the_ticket_has_the_same_name_on_either_clock() -> None:
    """No memory is needed for it: a state that was lost finds its own notes by their names."""
    rules = policy(target(resolution="4h"), source=SlaSource.HELPDESK, thresholds=marks("100%", clocks=[RESOLUTION]))
    shown = situation(native=(resolution(START + timedelta(seconds=2), START),))
    names = [
        [str(c.occasion) for c in clocks(told, rules, START)[RESOLUTION].crossings] for told in (shown, situation())
    ]
    assert names[0] == names[1]
    later = situation(native=(resolution(START + timedelta(minutes=40), START),))
    assert clocks(later, rules, START)[RESOLUTION].cycle_start == START + timedelta(minutes=40)
    assert clocks(later, rules, START)[FIRST].cycle_start == START


def test_somebody_beside_the_ticket_is_told_once_as_well() -> None:
    told = [t for t in HELPDESK.sla.thresholds if t.clock is ClockName.RESOLUTION and t.mark.percent == 100]
    only = tuple(dataclasses.replace(t, note=None, escalate_to=None, notify=("owner",)) for t in told)
    made = desk()
    made.policy = dataclasses.replace(HELPDESK, sla=dataclasses.replace(HELPDESK.sla, thresholds=only))
    goes_by(made, MONDAY + timedelta(hours=4, minutes=45), MONDAY + timedelta(minutes=40))
    goes_by(made, made.wait(minutes=15).now + timedelta(hours=1), None)
    assert [n.target for _, planned in made.plans for n in planned.notifications] == ["owner"]
