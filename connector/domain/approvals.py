"""Steps that a threshold asks for and that a person has to let through first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connector.domain import occasion
from connector.domain.confidential import may_hear
from connector.domain.decision import LeftAlone
from connector.domain.occasion import Occasion, Outcome, Record
from connector.domain.policy import Threshold
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.view import Passed, View


def approved_at(view: View, passed: Passed) -> datetime | None:
    """Return when somebody let the step of a threshold through; ``None``: nobody has."""
    row = view.situation.said.get((str(_approval(passed)), Effect.FIELDS))
    return row.at if row is not None and row.outcome is Outcome.DONE else None


def unapproved(view: View, state: EscalationState) -> tuple[LeftAlone, ...]:
    """Return the steps that thresholds ask for and that nobody has approved; they are left until somebody does."""
    return tuple(
        LeftAlone(
            what=f"escalate to level {level_of(each.crossing.threshold, state)} ({each.name})",
            why=f"needs approval by {_approver(view, each.crossing.threshold.approval or '')}",
        )
        for each in _asking(view, state)
    )


def _approver(view: View, named: str) -> str:
    """Return who may let a step through: on a confidential ticket nobody who is involved in it, nor are they named."""
    seen = view.situation
    may = may_hear(named, seen.ticket, people=seen.people, reach=seen.reach)
    return named if may else "somebody who is not involved in this confidential ticket"


def asked(view: View, state: EscalationState) -> tuple[Record, ...]:
    """Return a row for each step that waits for approval, so that it is listed and can be let through."""
    rows = (
        Record(
            occasion=_approval(each),
            audience=Effect.FIELDS,
            outcome=Outcome.HELD,
            at=view.now,
        )
        for each in _asking(view, state)
    )
    return tuple(row for row in rows if (str(row.occasion), row.audience) not in view.situation.said)


def withdrawn(view: View, state: EscalationState) -> frozenset[str]:
    """Return the approvals that were asked for and that nothing waits for now: letting them through would do nothing.

    That changes back where the reason does: a shorter path is left, or the helpdesk shows its clock again.
    """
    held = [name for (name, _), row in view.situation.said.items() if row.outcome is Outcome.HELD]
    if not held:
        return frozenset()
    asking = {str(_approval(each)) for each in _asking(view, state)}
    return frozenset(name for name in held if name.startswith(f"{occasion.APPROVE}:") and name not in asking)


def waiting_for(view: View, state: EscalationState, *, above: int) -> Iterator[Passed]:
    """Yield the thresholds whose step is still to be made: above a level, as far as the path goes."""
    for passed in view.passed:
        if (
            passed.asks(Effect.FIELDS)
            and view.enforces(passed.at)
            and level_of(passed.crossing.threshold, state) > above
        ):
            yield passed


def level_of(threshold: Threshold, state: EscalationState) -> int:
    """Return the level that a threshold asks for, as far as the path goes; 0: it asks for none."""
    number = threshold.escalate_to or 0
    return number if state.path is None else min(number, state.path.levels[-1].level)


def _asking(view: View, state: EscalationState) -> Iterator[Passed]:
    for passed in waiting_for(view, state, above=state.level):
        if passed.crossing.threshold.approval is not None and approved_at(view, passed) is None:
            yield passed


def _approval(passed: Passed) -> Occasion:
    return occasion.approve(passed.crossing.threshold.escalate_to or 0, passed.crossing.occasion)
