"""Steps that a threshold asks for and that a person has to let through first."""

from __future__ import annotations

from connector.domain.decision import LeftAlone
from connector.domain.situation import EscalationState
from connector.domain.view import View


def unapproved(view: View, state: EscalationState) -> tuple[LeftAlone, ...]:
    """Return the steps that thresholds ask for and that nobody has approved; they are left until somebody does."""
    asking = (passed for passed in view.passed if passed.stands and passed.crossing.threshold.approval is not None)
    return tuple(
        LeftAlone(
            what=f"escalate to level {each.crossing.threshold.escalate_to} ({each.name})",
            why=f"needs approval by {each.crossing.threshold.approval}",
        )
        for each in asking
        if (each.crossing.threshold.escalate_to or 0) > state.level
    )
