"""What budgets, freezes and allowances let through of the changes that a pass wants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.domain.change import Change
from connector.domain.guard import Held, guard, order
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.recall import frozen_by
from connector.ports import SiteState


def allowed(
    site: SiteReading, around: Surroundings, changes: Sequence[Change], *, state: SiteState, now: datetime
) -> tuple[list[Change], list[Held]]:
    """Return the changes that budgets and freezes let through now, most urgent first, and the parts that are held."""
    windows = {effect: now - budget.window for effect, budget in site.rules.budgets.items()}
    spent = around.journal.spent(site.name, windows=windows, now=now)
    return guard(
        order(changes),
        budgets=site.rules.budgets,
        used=spent.used,
        used_by_ticket=spent.by_ticket,
        open_tickets=state.open_tickets,
        allowance=state.allowance,
        frozen={**frozen_by(state.recall), **state.frozen},
    )
