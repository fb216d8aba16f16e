"""How much a policy edit would change at once, and how much of that goes through without a person's word.

Only what nothing but the edit asks for is weighed: tickets that changed or were due anyway are left to the budgets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connector.domain.decision import TicketPlan

LEAST = 10
SHARE = 0.2


def edit_limit(open_tickets: int, *, allowed: int = 0) -> int:
    """Return how many tickets one policy edit may change: a share of the open ones, or what an operator allowed."""
    return max(LEAST, int(open_tickets * SHARE), allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditWeight:
    """What a policy edit would write: tickets, and how many of them per field or audience of a comment."""

    tickets: int
    counts: Mapping[str, int]

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))


def weigh(plans: Iterable[TicketPlan]) -> EditWeight:
    """Return the weight of an edit by the plans that it leads to; what shadow keeps back weighs nothing."""
    tickets, counts = 0, Counter[str]()
    for each in plans:
        written = {*(str(change.field) for change in each.fields), *(f"{n.audience} said" for n in each.notices)}
        counts.update(written)
        tickets += bool(written)
    return EditWeight(tickets=tickets, counts=dict(counts))
