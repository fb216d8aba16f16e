"""The demo's working day, Monday 23 November 2026, with the days before it as history.

The tickets that matter keep their moments; the everyday ones around them are drawn from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from connector.sandbox.core.roster import Person
from connector.sandbox.core.site import NewTicket
from connector.sandbox.scenarios.cast import ROSTER
from connector.sandbox.scenarios.everyday import ANSWERS, EVERYDAY, FIXED, JSM, ZENDESK, Everyday
from connector.sandbox.scenarios.highlights import highlights, reactions
from connector.sandbox.script import Scenario, Step, opening

BEGINS = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
OPENS = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
ENDS = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
WORKDAYS = (datetime(2026, 11, 19, 8, 0, tzinfo=UTC), datetime(2026, 11, 20, 8, 0, tzinfo=UTC))


def demo(seed: int) -> Scenario:
    """The working day of this seed."""
    rng = random.Random(f"demo/{seed}")
    everyday = (step for number, ticket in enumerate(EVERYDAY) for step in _course(rng, number, ticket))
    steps = sorted((*highlights(), *everyday), key=lambda step: step.at)
    return Scenario(
        name="demo",
        begins_at=BEGINS,
        opens_at=OPENS,
        ends_at=ENDS,
        rosters={JSM: ROSTER, ZENDESK: ROSTER},
        steps=tuple(steps),
        reactions=reactions(),
    )


def _course(rng: random.Random, number: int, everyday: Everyday) -> Iterator[Step]:
    """One everyday ticket from its creation to wherever its people leave it."""
    handle = f"everyday-{number + 1}"
    requester = ROSTER.person(everyday.requester)
    opened = _opening_moment(rng, number)
    yield opening(opened, everyday.site, handle, _as_ticket(everyday))
    fate = rng.random()
    if fate < 0.35:
        return  # nobody picks it up: the connector's business
    picked = opened + timedelta(minutes=rng.randrange(10, 90))
    yield from _picked_up(everyday.site, handle, requester, picked)
    if fate < 0.6:
        return
    solved = picked + timedelta(minutes=rng.randrange(30, 240))
    yield from _solved(everyday.site, handle, requester, solved)


def _opening_moment(rng: random.Random, number: int) -> datetime:
    day = WORKDAYS[number % 2] if number % 3 else OPENS
    return day + timedelta(minutes=rng.randrange(0, 480))


def _as_ticket(everyday: Everyday) -> NewTicket:
    return NewTicket(
        subject=everyday.subject,
        body=everyday.body,
        requester=everyday.requester,
        type="request" if everyday.category == "access" else "incident",
        impact=everyday.impact,
        urgency=everyday.urgency,
        group="service-desk",
        fields={"category": everyday.category},
    )


def _agent_for(requester: Person) -> str:
    return {"de": "anna", "ja": "emi"}.get(requester.locale, "ben")


def _picked_up(site: str, handle: str, requester: Person, at: datetime) -> Iterator[Step]:
    agent = _agent_for(requester)
    yield Step(at=at, site=site, do="assign", ticket=handle, details={"actor": agent, "assignee": agent})
    answer = {"actor": agent, "text": ANSWERS[requester.locale]}
    yield Step(at=at + timedelta(minutes=2), site=site, do="comment", ticket=handle, details=answer)


def _solved(site: str, handle: str, requester: Person, at: datetime) -> Iterator[Step]:
    agent = _agent_for(requester)
    words = {"actor": agent, "text": FIXED[requester.locale]}
    yield Step(at=at, site=site, do="comment", ticket=handle, details=words)
    done = {"actor": agent, "status": "solved"}
    yield Step(at=at + timedelta(minutes=1), site=site, do="set_status", ticket=handle, details=done)
