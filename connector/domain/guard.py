"""Bounded damage: the most urgent changes first, and no more of an effect than its budget allows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.domain.change import Change
from connector.domain.occasion import Occasion
from connector.domain.site import Budget, Effect
from connector.domain.ticket import Priority, TicketRef

OVER_BUDGET = "over its budget"
"""How the reason of a freeze begins that a budget caused."""


def by_budget(frozen: str) -> bool:
    """Return whether a budget that is used up is the reason of a freeze: the reserve is there all the same."""
    return frozen.startswith(OVER_BUDGET)


_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A part of a change that waits, and why.

    Attributes:
        key: The ticket's key, as people call it.
        effect: The effect whose budget, freeze or pause holds it.
        freezes: The budget of the whole effect is used up; what one ticket may get is nobody else's loss.
        what: What would be written, in words.
    """

    key: str
    ref: TicketRef
    effect: Effect
    what: str
    why: str
    severity: Priority | None = None
    deadline: datetime | None = None
    occasions: tuple[Occasion, ...] = ()
    freezes: bool = True


def order(changes: Sequence[Change]) -> list[Change]:
    """Return the changes by severity, then deadline; the ticket's name decides what is left, so plans compare."""
    return sorted(changes, key=_urgency)


def _urgency(change: Change) -> tuple[int, datetime, str]:
    return change.severity or len(Priority) + 1, change.deadline or _LAST, str(change.ref)


def guard(  # noqa: PLR0913 - what is wanted, what is allowed, and what has been used of it
    changes: Sequence[Change],
    *,
    budgets: Mapping[Effect, Budget],
    used: Mapping[Effect, int],
    used_by_ticket: Mapping[tuple[Effect, str], int],
    open_tickets: int,
    allowance: Mapping[Effect, int],
    frozen: Mapping[Effect, str],
) -> tuple[list[Change], list[Held]]:
    """Return what may be written now, in the order given, and the parts that are held, with the reason.

    Every change counts once per effect that it uses. A change may go in part: its fields pass while its note waits.
    P1 and hard triggers may use the reserve, also while the effect is frozen because its budget is used up: that is
    what the reserve is for. ``allowance`` is what an operator lets through beside the budget; what it pays for is not
    ``used``. Regular updates that the policy orders count against the site, not against what one ticket may get.
    """
    meter = _Meter(budgets, dict(used), dict(used_by_ticket), open_tickets, dict(allowance), frozen)
    go: list[Change] = []
    held: list[Held] = []
    for change in changes:
        reasons = {effect: meter.refuses(effect, change) for effect in sorted(change.effects)}
        for effect, why in reasons.items():
            if why:
                held.append(_held(change, effect, why, freezes=not meter.refuses_ticket(effect, change)))
            else:
                meter.count(effect, change)
        part = _part(change, frozenset(effect for effect, why in reasons.items() if not why))
        if part.effects:
            go.append(part)
    return go, held


@dataclass(slots=True)
class _Meter:
    """What has been used of each effect so far, this plan included."""

    budgets: Mapping[Effect, Budget]
    used: dict[Effect, int]
    used_by_ticket: dict[tuple[Effect, str], int]
    open_tickets: int
    allowance: dict[Effect, int]
    frozen: Mapping[Effect, str]

    def refuses(self, effect: Effect, change: Change) -> str:
        """Return why one more write is not allowed, empty when it is."""
        frozen, budget = self.frozen.get(effect, ""), self.budgets.get(effect)
        has_reserve = change.hard and budget is not None and budget.reserve > 0
        if frozen and not (has_reserve and by_budget(frozen)):
            return f"frozen: {frozen}"
        if budget is None:
            return ""
        if on_ticket := self.refuses_ticket(effect, change):
            return on_ticket
        if self.allowance.get(effect, 0) > 0:
            return ""
        limit = budget.limit(self.open_tickets) + (budget.reserve if change.hard else 0)
        used = self.used.get(effect, 0)
        return f"over the budget of {limit} {effect} within {budget.window}" if used >= limit else ""

    def refuses_ticket(self, effect: Effect, change: Change) -> str:
        """Return why this ticket may get no more of an effect, empty when it may."""
        budget, used = self.budgets.get(effect), self.used_by_ticket.get((effect, change.ref.id), 0)
        if budget is None or budget.per_ticket is None or used < budget.per_ticket or change.is_regular(effect):
            return ""
        return f"{used} {effect} on this ticket within {budget.per_ticket_window}"

    def count(self, effect: Effect, change: Change) -> None:
        """Count one more write."""
        on_ticket = effect, change.ref.id
        if self.allowance.get(effect, 0) > 0:
            self.allowance[effect] -= 1
        else:
            self.used[effect] = self.used.get(effect, 0) + 1
        if not change.is_regular(effect):
            self.used_by_ticket[on_ticket] = self.used_by_ticket.get(on_ticket, 0) + 1


def _part(change: Change, effects: frozenset[Effect]) -> Change:
    """Return the part of a change that uses only ``effects``."""
    if effects == change.effects:
        return change
    return dataclasses.replace(
        change,
        fields=tuple(field for field in change.fields if field.field.effect in effects),
        comments=tuple(comment for comment in change.comments if comment.notice.audience in effects),
    )


def _held(change: Change, effect: Effect, why: str, *, freezes: bool) -> Held:
    part = _part(change, frozenset({effect}))
    said = tuple(about for c in part.comments for about in (c.notice.occasion, *c.notice.covers))
    return Held(
        key=change.key,
        ref=change.ref,
        effect=effect,
        what=", ".join((*_told_fields(part), *(f"comment {c.notice.template}" for c in part.comments))),
        why=why,
        severity=change.severity,
        deadline=change.deadline,
        occasions=(*dict.fromkeys(field.occasion for field in part.fields), *said),
        freezes=freezes,
    )


def _told_fields(change: Change) -> tuple[str, ...]:
    return tuple(f"{each.field} {each.before or '(none)'} -> {each.after}" for each in change.fields)
