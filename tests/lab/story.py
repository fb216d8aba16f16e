"""Stories drawn from a seed: tickets of every urgency, people who answer, acknowledge and overrule, rival bots."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.sandbox.core.site import NewTicket
from connector.sandbox.scenarios.cast import ROSTER
from connector.sandbox.script import Reaction, Scenario, Step, opening
from tests.canaries import MARK

OPENS = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
IMPACTS, URGENCIES = ("site", "department", "team", "user"), ("blocked", "degraded", "inconvenient")
CUSTOMERS, AGENTS = ("pieter", "sanne", "grace", "oliver"), ("ben", "chloe", "daan")
SETTLE = timedelta(minutes=75)
"""Nobody does anything in a story's last part: what is under way comes to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """How a story is drawn.

    Attributes:
        tickets: How many there are in a site.
        lasts: From the opening to the end.
        deeds: How many things people do in a site.
        rivals: Whether bots undo and mirror what the connector writes.
        urgent: Share of tickets that are P1 or P2 by the policy.
        crowd: So many tickets of little urgency come at the opening: from five on their fields are written in bulk.
    """

    tickets: int = 2
    lasts: timedelta = timedelta(minutes=150)
    deeds: int = 3
    rivals: bool = False
    urgent: float = 0.8
    crowd: int = 0
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def story(seed: int, sites: tuple[str, ...], plot: Plot) -> Scenario:
    """Return the story of this seed."""
    steps = sorted((step for site in sites for step in _site(random.Random(f"{seed}/{site}"), site, plot)), key=_when)
    return Scenario(
        name="lab",
        begins_at=OPENS,
        opens_at=OPENS,
        ends_at=OPENS + plot.lasts,
        rosters=dict.fromkeys(sites, ROSTER),
        options=plot.options,
        steps=tuple(steps),
        reactions=tuple(_rivals(sites)) if plot.rivals else (),
    )


def _when(step: Step) -> datetime:
    return step.at


def _site(rng: random.Random, site: str, plot: Plot) -> Iterator[Step]:
    active = plot.lasts - SETTLE
    opened: dict[str, datetime] = {}
    for number in range(plot.tickets):
        handle = f"t{number}"
        at = OPENS + timedelta(seconds=rng.randrange(int(active.total_seconds() * (0.1 if number < 2 else 0.8))))
        opened[handle] = at
        yield opening(at, site, handle, _ticket(rng, urgent=rng.random() < plot.urgent))
    for _ in range(plot.deeds):
        handle = rng.choice(sorted(opened))
        left = OPENS + active - opened[handle]
        at = opened[handle] + timedelta(seconds=60 + rng.randrange(max(int(left.total_seconds()) - 60, 1)))
        yield _deed(rng, site, handle, at)
    for number in range(plot.crowd):
        at = OPENS + timedelta(seconds=number)
        yield opening(at, site, f"c{number}", replace(_ticket(rng, urgent=False), type="incident", urgency="degraded"))


def _ticket(rng: random.Random, *, urgent: bool) -> NewTicket:
    impact = rng.choice(IMPACTS[:2] if urgent else IMPACTS[2:])
    urgency = rng.choice(URGENCIES[:2] if urgent else URGENCIES)
    return NewTicket(
        subject=f"{MARK}nothing works {rng.randrange(1000)}",
        body=f"{MARK}since: this morning nothing works here any more.",
        requester=rng.choice(CUSTOMERS),
        type="security-incident" if rng.random() < 0.1 else "incident",
        impact=None if rng.random() < 0.1 else impact,
        urgency=urgency,
        group="service-desk",
    )


def _deed(rng: random.Random, site: str, handle: str, at: datetime) -> Step:
    do, details = rng.choice(_DEEDS)
    given = {name: rng.choice(value) if isinstance(value, tuple) else value for name, value in details.items()}
    if do == "add_labels":
        given["labels"] = ("looked-at",)
    return Step(at=at, site=site, do=do, ticket=handle, details=given)


_DEEDS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("comment", {"actor": AGENTS, "text": "We are looking into it.", "public": True}),
    ("comment", {"actor": AGENTS, "text": "/esc ack", "public": False}),
    ("comment", {"actor": CUSTOMERS, "text": "It has become worse.", "public": True}),
    ("comment", {"actor": AGENTS, "text": "Have you tried the other one?", "public": False}),
    ("set_field", {"actor": AGENTS, "name": "impact", "value": ("site", "department")}),
    ("set_field", {"actor": AGENTS, "name": "urgency", "value": ("blocked", "degraded")}),
    ("set_priority", {"actor": AGENTS, "priority": ("P1", "P2", "P3")}),
    ("assign", {"actor": AGENTS, "assignee": AGENTS}),
    ("set_status", {"actor": AGENTS, "status": ("waiting_customer", "open", "solved")}),
    ("add_labels", {"actor": AGENTS, "labels": "looked-at"}),
)


def _rivals(sites: tuple[str, ...]) -> Iterator[Reaction]:
    """A bot that sets our priority back, one that moves the group, and a mirror that repeats what we say."""
    for site in sites:
        yield Reaction(
            site=site,
            kind="field",
            name="priority",
            do="set_priority",
            details={"actor": "tidy-bot", "priority": "P4"},
            delay=timedelta(seconds=90),
            times=6,
        )
        yield Reaction(
            site=site,
            kind="field",
            name="group",
            do="set_group",
            details={"actor": "tidy-bot", "group": "service-desk"},
            delay=timedelta(minutes=4),
            times=6,
        )
        yield Reaction(
            site=site,
            kind="comment",
            do="comment",
            details={"actor": "tidy-bot", "text": "Mirrored from elsewhere: a comment was added.", "public": False},
            delay=timedelta(minutes=2),
            times=10,
        )
