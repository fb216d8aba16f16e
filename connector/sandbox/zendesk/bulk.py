"""Many plausible tickets at once, for benchmarks: made directly, with their history told only when asked for."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.sandbox.zendesk.accounts import User
from connector.sandbox.zendesk.desk import Desk
from connector.sandbox.zendesk.tally import begin
from connector.sandbox.zendesk.ticket import STATUS_IDS, Ticket

FIRST_CUSTOMER = 100_001
CUSTOMERS_PER_TICKET = 0.2
SPAN = 60 * 86400  # seconds over which the tickets were opened
STATUS_WEIGHTS = {"new": 15, "open": 45, "pending": 15, "hold": 5, "solved": 15, "closed": 5}
PRIORITY_WEIGHTS = {None: 10, "low": 25, "normal": 40, "high": 20, "urgent": 5}
TOPICS = ("VPN drops", "Printer jams", "Invoice missing", "Login loop", "Slow report", "Broken badge", "Mail bounces")
WORDS = ("the user", "reports", "that since", "this morning", "nothing", "works", "as it should", "and asks for help")


class Bulk:
    """Fills a desk from the site's own randomness."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._rng: random.Random = desk.world.rng
        self._agents = [user for user in desk.directory.users.values() if user.is_agent and user.group_ids]

    def load(self, count: int) -> None:
        """Add ``count`` tickets with customers of their own."""
        customers = self._customers(max(1, int(count * CUSTOMERS_PER_TICKET)))
        begun = self._desk.now() - SPAN
        moments = sorted(self._rng.randrange(begun, begun + SPAN - 3600) for _ in range(count))
        for created_at in moments:
            self._desk.add(self._ticket(created_at, self._rng.choice(customers)), indexed=True)

    def _customers(self, count: int) -> list[User]:
        organizations = tuple(self._desk.directory.organizations) or (None,)
        made = [
            User(
                id=FIRST_CUSTOMER + number,
                key=f"customer-{number + 1}",
                name=f"Customer {number + 1}",
                email=f"customer-{number + 1}@bulk.example",
                role="end-user",
                created_at=self._desk.directory.created_at,
                locale=self._rng.choice(("en", "de", "nl", "ja", "fr")),
                tags=("vip",) if self._rng.random() < 0.03 else (),
                organization_id=self._rng.choice(organizations),
            )
            for number in range(count)
        ]
        for user in made:
            self._desk.directory.add(user)
        return made

    def _ticket(self, created_at: int, requester: User) -> Ticket:
        rng, desk = self._rng, self._desk
        status = _weighted(rng, STATUS_WEIGHTS)
        agent = rng.choice(self._agents) if self._agents and status != "new" else None
        custom = self._custom()
        changed_at = rng.randrange(created_at, desk.now() - 1800)
        ticket = Ticket(
            id=desk.fresh_ticket_id(),
            created_at=created_at,
            updated_at=changed_at,
            generated_at=changed_at + rng.randrange(0, 60),
            subject=f"{rng.choice(TOPICS)} ({rng.randrange(10_000)})",
            description=" ".join(rng.choices(WORDS, k=rng.randrange(10, 60))),
            requester_id=requester.id,
            submitter_id=requester.id,
            status=status,
            custom_status_id=STATUS_IDS[status],
            priority=_weighted(rng, PRIORITY_WEIGHTS),
            type=rng.choice(("incident", "question")),
            group_id=agent.group_ids[0] if agent else min(desk.directory.groups),
            assignee_id=agent.id if agent else None,
            organization_id=requester.organization_id,
            tags=tuple(sorted(set(custom.values()) | set(requester.tags))),
            custom=custom,
            channel=rng.choice(("web", "email", "api")),
        )
        begin(ticket, requester)
        if status not in ("new", "open"):
            ticket.statuses = ((created_at, "open"), (changed_at, status))
        if status == "solved":
            ticket.tally = replace(ticket.tally, solved_at=changed_at)
        return ticket

    def _custom(self) -> dict[int, str]:
        chosen = {}
        for field in self._desk.fields.taggers:
            if self._rng.random() < 0.8:
                chosen[field.id] = self._rng.choice(tuple(field.tags.values()))
        return chosen


def _weighted(rng: random.Random, weights: Mapping[Any, int]) -> Any:
    return rng.choices(tuple(weights), weights=tuple(weights.values()))[0]
