"""``plan``: the same code as a pass, on a private copy of the state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from connector.engine.reconcile import PassPlan, reconcile
from connector.errors import ConnectorError
from connector.journal import open_scratch
from connector.ports import Journal, RunRow

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector


def plan_sites(
    program: Connector, names: Sequence[str], *, at: datetime | None
) -> tuple[list[PassPlan], list[tuple[str, ConnectorError]]]:
    """Return the plan of each site, and of which none could be made and why; nothing is stored or sent."""
    plans: list[PassPlan] = []
    failures: list[tuple[str, ConnectorError]] = []
    with open_scratch(program.settings.state_url) as journal:
        for name in names:
            site = program.site(name, program.clock_at(None))
            try:
                _begin_on_copy(program, name, journal, at)
                around = program.around(name, journal, program.clock_at(at))
                plans.append(reconcile(site.reading, around, run="plan"))
            except ConnectorError as error:
                failures.append((name, error))
    return plans, failures


def _begin_on_copy(program: Connector, name: str, journal: Journal, at: datetime | None) -> None:
    """Apply the policy on the copy from now on, so that a plan ahead announces what comes until then."""
    now = program.moment()
    row = RunRow(
        id="plan", site=name, kind="plan", policy=program.policies.current().hash, started_at=min(now, at or now)
    )
    journal.open_site(name, fingerprint=program.rules(name).fingerprint)
    journal.begin_run(row)
