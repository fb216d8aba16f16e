"""SLA clocks: cycles as values, and the shapes in which Jira shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from connector.sandbox.jira.calendar import Calendar
from connector.sandbox.jira.moments import date_dto, duration_dto

ZERO = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One run of a clock from start to stop.

    Attributes:
        elapsed: Working time up to the last pause or stop.
        running_since: ``None`` while paused and once stopped.
        breached_at: When the goal was passed, once that is past a pause or stop.
    """

    started: datetime
    goal: timedelta
    calendar: Calendar
    elapsed: timedelta = ZERO
    running_since: datetime | None = None
    stopped: datetime | None = None
    breached_at: datetime | None = None

    def spent(self, now: datetime) -> timedelta:
        """Working time used up by ``now``."""
        if self.running_since is None:
            return self.elapsed
        return self.elapsed + self.calendar.between(self.running_since, now)

    def breaches_at(self) -> datetime | None:
        """When the goal was or will be passed; ``None`` while a pause keeps that open."""
        if self.breached_at is not None:
            return self.breached_at
        if self.running_since is None:
            return None
        return self.calendar.add(self.running_since, max(ZERO, self.goal - self.elapsed))

    def pause(self, now: datetime) -> Cycle:
        """Stop counting until resumed."""
        if self.running_since is None:
            return self
        due = self.breaches_at()
        passed = due if due is not None and due <= now else None
        return replace(self, elapsed=self.spent(now), running_since=None, breached_at=passed)

    def resume(self, now: datetime) -> Cycle:
        """Count again."""
        return self if self.running_since is not None else replace(self, running_since=now)

    def stop(self, now: datetime) -> Cycle:
        """End for good."""
        return replace(self.pause(now), stopped=now)

    def aim(self, goal: timedelta, calendar: Calendar, now: datetime) -> Cycle:
        """Take another goal; time already spent counts against it."""
        if (goal, calendar) == (self.goal, self.calendar):
            return self
        running = self.running_since is not None
        held = replace(self, elapsed=self.spent(now), running_since=None, goal=goal, calendar=calendar)
        held = replace(held, breached_at=now if held.elapsed > goal else None)
        return held.resume(now) if running else held


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What one SLA field measures.

    Attributes:
        goals: By priority id.
        paused_in: Status names in which the clock rests.
        stops_on_reply: Whether a team member's public comment ends it.
    """

    field_id: str
    key: str
    name: str
    goals: Mapping[str, timedelta]
    calendar: Calendar
    paused_in: frozenset[str] = frozenset()
    stops_on_reply: bool = False

    @property
    def number(self) -> str:
        """The metric's own id in the service desk API."""
        return self.field_id.removeprefix("customfield_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One metric on one issue."""

    metric: Metric
    completed: tuple[Cycle, ...] = ()
    ongoing: Cycle | None = None

    def start(self, priority: str | None, now: datetime) -> Clock:
        """Begin a cycle unless one runs or the metric has no goal for this priority."""
        goal = self.metric.goals.get(priority or "")
        if goal is None or self.ongoing is not None:
            return self
        cycle = Cycle(started=now, goal=goal, calendar=self.metric.calendar, running_since=now)
        return replace(self, ongoing=cycle)

    def stop(self, now: datetime) -> Clock:
        """Complete the ongoing cycle, if any."""
        if self.ongoing is None:
            return self
        return replace(self, completed=(*self.completed, self.ongoing.stop(now)), ongoing=None)

    def settle(self, *, status: str, priority: str | None, now: datetime) -> Clock:
        """Follow the issue's status and priority."""
        if self.ongoing is None:
            return self
        goal = self.metric.goals.get(priority or "", self.ongoing.goal)
        cycle = self.ongoing.aim(goal, self.metric.calendar, now)
        cycle = cycle.pause(now) if status in self.metric.paused_in else cycle.resume(now)
        return replace(self, ongoing=cycle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """How clocks are shown to one reader at one moment."""

    now: datetime
    zone: tzinfo
    breach_time: str = "full"

    def clock(self, clock: Clock, self_url: str) -> dict[str, Any] | None:
        """The value of an SLA field and of a metric; ``None`` when nothing was ever measured."""
        if clock.ongoing is None and not clock.completed:
            return None
        shown: dict[str, Any] = {
            "id": clock.metric.number,
            "name": clock.metric.name,
            "_links": {"self": self_url},
            "completedCycles": [self._completed(cycle) for cycle in clock.completed],
        }
        if clock.ongoing is not None:
            shown["ongoingCycle"] = self._ongoing(clock.ongoing)
        return shown

    def _completed(self, cycle: Cycle) -> dict[str, Any]:
        shown = {"startTime": self._date(cycle.started)}
        if cycle.stopped is not None:
            shown["stopTime"] = self._date(cycle.stopped)
        if cycle.breached_at is not None:
            shown["breachTime"] = self._date(cycle.breached_at)
        return {**shown, "breached": cycle.elapsed > cycle.goal, **self._durations(cycle)}

    def _ongoing(self, cycle: Cycle) -> dict[str, Any]:
        spent = cycle.spent(self.now)
        shown: dict[str, Any] = {"startTime": self._date(cycle.started)}
        due = cycle.breaches_at()
        if due is not None and self.breach_time != "none":
            shown["breachTime"] = self._breach(due)
        return {
            **shown,
            "breached": spent > cycle.goal,
            "paused": cycle.running_since is None,
            "withinCalendarHours": cycle.calendar.is_open(self.now),
            **self._durations(cycle),
        }

    def _durations(self, cycle: Cycle) -> dict[str, Any]:
        spent = cycle.spent(self.now)
        return {
            "goalDuration": duration_dto(cycle.goal),
            "elapsedTime": duration_dto(spent),
            "remainingTime": duration_dto(cycle.goal - spent),
        }

    def _breach(self, due: datetime) -> dict[str, Any]:
        whole = self._date(due)
        if self.breach_time == "empty":
            return {}
        return {k: whole[k] for k in ("jira", "friendly")} if self.breach_time == "jira" else whole

    def _date(self, moment: datetime) -> dict[str, Any]:
        return date_dto(moment, self.zone)
