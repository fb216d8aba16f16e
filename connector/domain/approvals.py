"""Steps that a threshold asks for and that a person has to let through first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connector.domain import occasion
from connector.domain.decision import LeftAlone
from connector.domain.occasion import Outcome, Record
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.view import Passed, View


def approved_at(view: View, passed: Passed) -> datetime | None:
    """Return when somebody let the step of a threshold through; ``None``: nobody has."""
    number = passed.crossing.threshold.escalate_to
    about = occasion.approve(number or 0, passed.crossing.occasion)
    row = view.situation.said.get((str(about), Effect.FIELDS))
    return row.at if row is not None and row.outcome is Outcome.DONE else None


def unapproved(view: View, state: EscalationState) -> tuple[LeftAlone, ...]:
    """Return the steps that thresholds ask for and that nobody has approved; they are left until somebody does."""
    return tuple(
        LeftAlone(
            what=f"escalate to level {each.crossing.threshold.escalate_to} ({each.name})",
            why=f"needs approval by {each.crossing.threshold.approval}",
        )
        for each in _asking(view, state)
    )


def asked(view: View, state: EscalationState) -> tuple[Record, ...]:
    """Return a row for each step that waits for approval, so that it is listed and can be let through."""
    rows = (
        Record(
            occasion=occasion.approve(each.crossing.threshold.escalate_to or 0, each.crossing.occasion),
            audience=Effect.FIELDS,
            outcome=Outcome.HELD,
            at=view.now,
        )
        for each in _asking(view, state)
    )
    return tuple(row for row in rows if (str(row.occasion), row.audience) not in view.situation.said)


def _asking(view: View, state: EscalationState) -> Iterator[Passed]:
    for passed in view.passed:
        threshold = passed.crossing.threshold
        asks = threshold.approval is not None and (threshold.escalate_to or 0) > state.level
        if asks and passed.stands and view.enforces(passed.at) and approved_at(view, passed) is None:
            yield passed
