"""Which SLA target and calendar apply to a ticket, and when a re-score last made its target stricter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from connector.domain.calendar import Calendar
from connector.domain.change import Field
from connector.domain.events import EventKind, TicketEvent
from connector.domain.matching import Matcher, compile_when, spelled
from connector.domain.policy import CalendarChoice, Mark, Policy, Span, Target, Threshold
from connector.domain.situation import Situation
from connector.domain.ticket import ClockName, Priority, Ticket

_PRIORITIES = {str(priority): priority for priority in Priority}
_LENGTHS_KEPT = 64
_CLOCKS_DIFFER = timedelta(minutes=2)


class Promise(NamedTuple):
    """What was promised: a target, if any applies, the calendar that it runs on, and the terms of each clock."""

    target: Target | None
    calendar: Calendar
    terms: Mapping[ClockName, Terms]


class Terms(NamedTuple):
    """What a target promises for one clock, and the thresholds of that clock in the policy's order."""

    span: Span | None
    thresholds: tuple[Threshold, ...]
    known: dict[tuple[timedelta, timedelta], tuple[timedelta, ...]]

    @classmethod
    def of(cls, policy: Policy, target: Target | None, clock: ClockName) -> Terms:
        """The terms of a clock; without a target it has thresholds that are never crossed."""
        span = target.durations.get(clock) if target else None
        return cls(span, tuple(t for t in policy.sla.thresholds if t.clock is clock), {})

    def amounts(self, total: timedelta, promised: timedelta) -> tuple[timedelta, ...]:
        """Open time that must be used until the deadline and until each threshold, see `amount_at`.

        Most tickets under one target have the same length of it, so the answers are kept, up to a bound.
        """
        found = self.known.get((total, promised))
        if found is None:
            if len(self.known) >= _LENGTHS_KEPT:
                self.known.clear()
            amounts = (amount_at(t.mark, total, promised) for t in self.thresholds)
            found = self.known[total, promised] = (total, *amounts)
        return found


def amount_at(mark: Mark, total: timedelta, promised: timedelta) -> timedelta:
    """Open time that must be used for a mark; `total` is that until the deadline, `promised` the target's own length.

    A mark up to the deadline is a share of that time, or that time less the lead time. What goes beyond is counted in
    shares of the target: where a rise extended it, a ticket that is late is as late as any other under this target.
    """
    if mark.percent is None:
        return total - (mark.before or timedelta())
    if mark.percent <= 100:
        return total * mark.percent / 100
    return total + promised * (mark.percent - 100) / 100


def share_of(used: timedelta, total: timedelta | None, promised: timedelta | None) -> float | None:
    """The percentage that `used` is, so that a clock shows a mark's percentage at the mark; None without a target."""
    if not total or not promised:
        return None
    return 100 * (used / total) if used <= total else 100 + 100 * ((used - total) / promised)


class Rescore(NamedTuple):
    """The moment since which a stricter target applies, and why in words."""

    at: datetime
    why: str


def promise_of(policy: Policy, situation: Situation, *, priority: Priority | None, variant: str | None) -> Promise:
    """The first target that matches; without one the policy's default calendar still measures.

    A condition on text that is not read yet does not match.
    """
    ticket = situation.ticket
    for promise, meets in _offers(policy, priority, variant):
        if meets is not None and not meets(ticket, situation.text_hits):
            continue
        target = promise.target
        if target is None or target.calendar.by is None:
            return promise
        return promise._replace(calendar=_calendar(policy, _calendar_name(target.calendar, ticket)))
    raise AssertionError("the last offer has no condition")


_Offers = tuple[tuple[Promise, Matcher | None], ...]


def _offers(policy: Policy, priority: Priority | None, variant: str | None) -> _Offers:
    """What a priority and variant may be promised, first match first; the last offer is none and always matches."""
    known: dict[tuple[Priority | None, str | None], _Offers] = policy.memo.setdefault("sla offers", {})
    found = known.get((priority, variant))
    if found is None:
        fitting = [t for t in policy.sla.targets if t.priority in {None, priority} and t.variant in {None, variant}]
        offers = [(_offer(policy, t), compile_when(t.when) if t.when.tests else None) for t in fitting]
        found = known[priority, variant] = (*offers, (_offer(policy, None), None))
    return found


def _offer(policy: Policy, target: Target | None) -> Promise:
    name = target.calendar.default if target else policy.defaults.calendar
    terms = {clock: Terms.of(policy, target, clock) for clock in ClockName}
    return Promise(target, _calendar(policy, name), terms)


def _calendar(policy: Policy, name: str) -> Calendar:
    return policy.calendars.get(name) or policy.calendars[policy.defaults.calendar]


def _calendar_name(choice: CalendarChoice, ticket: Ticket) -> str:
    value = ticket.facts.get(choice.by) if choice.by else None
    return choice.default if value is None else choice.map.get(spelled(value), choice.default)


def rescored(
    situation: Situation, policy: Policy, *, priority: Priority | None, variant: str | None, now: datetime
) -> Rescore | None:
    """The latest rise of the priority, or beginning of a faster variant; None where the first answer still stands."""
    risen = _risen(situation, priority, now)
    quick = None if variant is None else _quickened(situation, policy, variant, now)
    return quick if risen is None or (quick is not None and quick.at > risen.at) else risen


def _risen(situation: Situation, priority: Priority | None, now: datetime) -> Rescore | None:
    if priority is None:
        return None
    at = (
        _rise_remembered(situation, priority, now)
        if situation.state.decided_at
        else _rise_recorded(situation, priority)
    )
    return Rescore(at=at, why=f"raised to {priority}") if at else None


def _rise_remembered(situation: Situation, priority: Priority, now: datetime) -> datetime | None:
    """By our own memory: the present decision raises, or an earlier one did.

    The first answer of all is remembered as standing since the opening, and is no rise.
    """
    state = situation.state
    if state.priority is not priority:
        return now if priority.is_above(state.priority) else None
    since = state.priority_since
    if since is None or since <= situation.ticket.opened_at:
        return None
    live, change = situation.ticket.priority, _last_change_to(situation, priority)
    falling = live is not None and live.is_above(priority)
    return None if falling or (change and not _rises(change)) else since


def _rise_recorded(situation: Situation, priority: Priority) -> datetime | None:
    """Without a memory of our own: by the helpdesk's history."""
    change = _last_change_to(situation, priority)
    return change.at if change and _rises(change) else None


def rise_written(situation: Situation) -> Rescore | None:
    """Our own write of a priority, from which on the helpdesk's clock has another deadline; None where it fell.

    That it fell only the helpdesk's history tells; the first answer of all, which is no rise for our own clocks, makes
    the helpdesk's stricter as any other does.
    """
    written = situation.applied.get(Field.PRIORITY)
    priority = None if written is None else _PRIORITIES.get(written.value or "")
    if written is None or written.baseline or priority is None:
        return None
    change = _last_change_to(situation, priority)
    if change is not None and change.at >= written.at - _CLOCKS_DIFFER and not _rises(change):
        return None
    return Rescore(at=written.at, why="our own priority moved the helpdesk's deadline")


def _last_change_to(situation: Situation, priority: Priority) -> TicketEvent | None:
    changes = [e for e in situation.history.events if e.kind is EventKind.PRIORITY and e.after == str(priority)]
    return changes[-1] if changes else None


def _rises(change: TicketEvent) -> bool:
    before, after = _PRIORITIES.get(change.before or ""), _PRIORITIES[change.after or ""]
    return after.is_above(before)


def _quickened(situation: Situation, policy: Policy, variant: str, now: datetime) -> Rescore | None:
    state = situation.state
    if state.variant == variant:
        at = state.variant_since
    else:
        asked = any(t.name in state.active_triggers for t in policy.triggers if t.targets == variant)
        at = now if state.decided_at and not asked else None
    return Rescore(at=at, why=f"faster targets {variant}") if at else None
