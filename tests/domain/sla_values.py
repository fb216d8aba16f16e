"""Small values for tests of clocks: a policy of one target, tickets, and events in one line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.domain.calendar import Calendar
from connector.domain.calendar_hours import Span, week
from connector.domain.clocks import ClockReading
from connector.domain.events import Actor, EventKind, History, Role, TicketEvent
from connector.domain.policy import (
    CalendarChoice,
    Defaults,
    Escalation,
    Mark,
    Policy,
    PriorityRules,
    Reopen,
    Sla,
    Target,
    Threshold,
)
from connector.domain.site import SiteRules
from connector.domain.situation import EscalationState, Situation
from connector.domain.sla import read_clocks
from connector.domain.ticket import ClockName, Priority, Status, Ticket, TicketRef

FIRST, UPDATE, RESOLUTION = ClockName.FIRST_RESPONSE, ClockName.UPDATE, ClockName.RESOLUTION
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
ALWAYS = Calendar.always()
OFFICE = Calendar(name="office", timezone="UTC", hours=week(dict.fromkeys(WORKDAYS, ("09:00-17:00",))))
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
"""A Monday, 09:00 UTC: the minute at which `OFFICE` opens."""

NO_MEMORY = EscalationState()
RULES = SiteRules(name="demo", fingerprint="demo")


def after(text: str, since: datetime = START) -> datetime:
    """The instant a span of plain time after `since`; `after("2d 3h")`."""
    span = Span.parse(text)
    return since + timedelta(days=span.days) + span.time


def marks(*texts: str, clocks: Iterable[ClockName] = tuple(ClockName)) -> tuple[Threshold, ...]:
    """Thresholds on every clock: `75%`, or `-30m` for a lead time."""
    read = [
        Mark(percent=int(t[:-1])) if t.endswith("%") else Mark(before=Span.parse(t.removeprefix("-")).time)
        for t in texts
    ]
    return tuple(Threshold(clock=clock, mark=mark) for clock in clocks for mark in read)


def target(calendar: str = "always", **durations: Any) -> Target:
    """A target; durations by clock as text, the rest as it stands: `target(first_response="1h", priority=P1)`."""
    spans = {ClockName(n): Span.parse(durations.pop(n)) for n in tuple(ClockName) if n in durations}
    return Target(calendar=CalendarChoice(default=calendar), durations=spans, **durations)


def policy(*targets: Target, calendar: Calendar = ALWAYS, digest: str = "one", **sla: Any) -> Policy:
    """A policy with nothing but SLA rules, its default calendar `calendar`."""
    reopen = sla.pop("reopen", Reopen())
    return Policy(
        name="test",
        hash=digest,
        defaults=Defaults(calendar=calendar.name),
        calendars={c.name: c for c in (ALWAYS, OFFICE, calendar)},
        priority=PriorityRules(),
        triggers=(),
        sla=Sla(targets=targets, thresholds=sla.pop("thresholds", marks("75%", "100%")), reopen=reopen, **sla),
        escalation=Escalation(paths={}, routes=(), start={}),
    )


def ticket(status: Status = Status.OPEN, **changes: Any) -> Ticket:
    """A ticket opened at `START`."""
    values: dict[str, Any] = {"opened_at": START, "updated_at": START, "priority": Priority.P2, **changes}
    return Ticket(ref=TicketRef("demo", "1"), key="#1", version="1", status=status, **values)


AGENT, CUSTOMER, OURS = Actor("a", Role.AGENT), Actor("c", Role.CUSTOMER), Actor("us", Role.OURS)
ROBOT, SOMEBODY = Actor("r", Role.AUTOMATION), Actor("", Role.UNKNOWN)


def event(at: datetime, kind: EventKind, actor: Actor = AGENT, **changes: Any) -> TicketEvent:
    """One event; its id is made of what it says, so that the order is that of time."""
    said = ":".join(str(v) for v in (kind, actor.role, *changes.values()))
    return TicketEvent(id=f"{at:%Y%m%dT%H%M%S}:{said}", at=at, kind=kind, actor=actor, **changes)


def status(at: datetime, to: Status, actor: Actor = AGENT, **changes: Any) -> TicketEvent:
    """The ticket goes to a status."""
    return event(at, EventKind.STATUS, actor, after=str(to), **changes)


def says(at: datetime, actor: Actor = AGENT, *, public: bool = True, **changes: Any) -> TicketEvent:
    """Somebody comments."""
    return event(at, EventKind.COMMENT, actor, public=public, **changes)


def created(at: datetime = START, to: Status = Status.OPEN) -> TicketEvent:
    """The ticket is opened by its requester."""
    return event(at, EventKind.CREATED, CUSTOMER, after=str(to))


def history(*events: TicketEvent, complete: bool = True) -> History:
    """The log of a ticket that begins with its creation, oldest first."""
    opened = () if any(e.kind is EventKind.CREATED for e in events) else (created(),)
    return History(events=tuple(sorted((*opened, *events), key=lambda e: e.at)), complete=complete)


def situation(*events: TicketEvent, state: EscalationState = NO_MEMORY, **changes: Any) -> Situation:
    """A ticket with these events, its live status the last one that they tell."""
    log = changes.pop("history", None) or history(*events)
    told = [Status(e.after) for e in log.events if e.kind in {EventKind.CREATED, EventKind.STATUS} and e.after]
    more = {name: changes.pop(name) for name in ("applied", "said") if name in changes}
    shown = changes.pop("status", told[-1] if told else Status.OPEN)
    opened = next((e.at for e in log.events if e.kind is EventKind.CREATED), START)
    live = ticket(shown, **{"opened_at": opened, "updated_at": max((opened, *(e.at for e in log.events))), **changes})
    return Situation(ticket=live, rules=RULES, history=log, state=state, **more)


def clocks(
    told: Situation,
    rules: Policy,
    now: datetime,
    *,
    priority: Priority | None = Priority.P2,
    variant: str | None = None,
) -> Mapping[ClockName, ClockReading]:
    """The readings by clock."""
    return {r.clock: r for r in read_clocks(told, rules, priority=priority, variant=variant, now=now)}


def crossed_at(reading: ClockReading, mark: str) -> datetime | None:
    """When a mark is crossed, `75%` or `before 1800s`."""
    return next(c.at for c in reading.crossings if str(c.threshold.mark) == mark)
