"""One simulated ticket with its people: a story in a few lines, with the passes of the connector in between."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.domain.change import Field
from connector.domain.decide import decide
from connector.domain.decision import Decision, TicketPlan
from connector.domain.events import Actor, EventKind, History, Role, TicketEvent
from connector.domain.occasion import Outcome, Said
from connector.domain.plan import plan
from connector.domain.policy import LevelTarget, Policy, TargetKind
from connector.domain.site import Effect, SiteRules
from connector.domain.situation import Applied, EscalationState, Reach, Situation
from connector.domain.ticket import Priority, Status, Ticket, TicketRef
from tests.domain.policies import POLICY

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
"""10:00 in Berlin: the office is open."""

ANNA, BEN = Actor("anna-id", Role.AGENT), Actor("ben-id", Role.AGENT)
CARLA = Actor("carla-id", Role.CUSTOMER)
ROBOT, SOMEBODY = Actor("robot-id", Role.AUTOMATION), Actor("", Role.UNKNOWN)
OURS = Actor("connector-id", Role.OURS)
ALL_EFFECTS = frozenset(Effect)

REACH = {
    LevelTarget(TargetKind.GROUP, "service-desk"): Reach(member_ids=frozenset({"id:anna-id"})),
    LevelTarget(TargetKind.GROUP, "second-line"): Reach(member_ids=frozenset({"id:ben-id"})),
    LevelTarget(TargetKind.GROUP, "specialists"): Reach(),
    LevelTarget(TargetKind.GROUP, "security-incident"): Reach(),
    LevelTarget(TargetKind.GROUP, "legal"): Reach(),
    LevelTarget(TargetKind.USER, "duty-manager"): Reach(person="duty-manager"),
    LevelTarget(TargetKind.SCHEDULE, "follow-the-sun"): Reach(person="ben", group="security-incident"),
}


class Desk:
    """A ticket, what is known about it, and a clock that only goes forward."""

    def __init__(self, policy: Policy = POLICY, *, rules: SiteRules | None = None, **ticket: Any) -> None:
        self.policy = policy
        self.now: datetime = ticket.pop("opened_at", MONDAY)
        self.text_hits: dict[str, bool] = ticket.pop("text_hits", {"security-words-1": False})
        self.reach: Mapping[LevelTarget, Reach] = REACH
        self.rules = rules or SiteRules(name="demo", fingerprint="demo", effects=ALL_EFFECTS)
        self.ticket = Ticket(
            **{
                "ref": TicketRef("demo", "1"), "key": "#1", "version": "1", "status": Status.OPEN,
                "opened_at": self.now, "updated_at": self.now, "priority": Priority.P3, **ticket,
            }
        )  # fmt: skip
        created = TicketEvent(id="created", at=self.now, kind=EventKind.CREATED, actor=CARLA, after=self.ticket.status)
        self.events: list[TicketEvent] = [created]
        self.complete = True
        self.unseen_until: datetime | None = None
        self.policy_since: datetime | None = None
        self.state = EscalationState()
        self.said: dict[tuple[str, Effect], Said] = {}
        self.applied: dict[Field, Applied] = {}
        self.notes: list[datetime] = []
        self.plans: list[tuple[datetime, TicketPlan]] = []

    # ---- people

    def event(self, kind: EventKind, actor: Actor, **said: Any) -> None:
        self.events.append(TicketEvent(id=f"{len(self.events):04}", at=self.now, kind=kind, actor=actor, **said))
        self.ticket = dataclasses.replace(self.ticket, updated_at=self.now, version=str(int(self.ticket.version) + 1))

    def status(self, to: Status, actor: Actor = ANNA, **said: Any) -> None:
        if to is not self.ticket.status:
            self.event(EventKind.STATUS, actor, before=self.ticket.status, after=to, **said)
            self.ticket = dataclasses.replace(self.ticket, status=to)

    def priority(self, to: Priority, actor: Actor = ANNA, **said: Any) -> None:
        if to is not self.ticket.priority:
            self.event(EventKind.PRIORITY, actor, before=str(self.ticket.priority), after=str(to), **said)
            self.ticket = dataclasses.replace(self.ticket, priority=to)

    def assign(self, group: str | None = None, assignee: str | None = None, actor: Actor = ANNA, **said: Any) -> None:
        for kind, name, value in ((EventKind.GROUP, "group", group), (EventKind.ASSIGNEE, "assignee", assignee)):
            before = getattr(self.ticket, name)
            if value is not None and value != before:
                self.event(kind, actor, before=before, after=value, **said)
                self.ticket = dataclasses.replace(self.ticket, **{name: value})

    def label(self, *labels: str, actor: Actor = ANNA) -> None:
        self._labels(self.ticket.labels | frozenset(labels), actor)

    def unlabel(self, *labels: str, actor: Actor = ANNA) -> None:
        self._labels(self.ticket.labels - frozenset(labels), actor)

    def _labels(self, after: frozenset[str], actor: Actor) -> None:
        if after != self.ticket.labels:
            before, told = (" ".join(sorted(labels)) for labels in (self.ticket.labels, after))
            self.event(EventKind.LABELS, actor, before=before, after=told)
            self.ticket = dataclasses.replace(self.ticket, labels=after)

    def fact(self, name: str, value: str | None, actor: Actor = ANNA) -> None:
        self.event(EventKind.FACT, actor, name=name, before=self.ticket.facts.get(name), after=value)
        facts = {**self.ticket.facts, name: value}
        self.ticket = dataclasses.replace(self.ticket, facts={k: v for k, v in facts.items() if v is not None})

    def says(self, actor: Actor = ANNA, *, public: bool = True, **said: Any) -> None:
        self.event(EventKind.COMMENT, actor, public=public, **said)

    def command(self, line: str, actor: Actor = ANNA, *, public: bool = False) -> None:
        self.event(EventKind.COMMAND, actor, name=line.split()[1], after=line, public=public)

    # ---- time and passes

    def wait(self, **time: float) -> Desk:
        self.now += timedelta(**time)
        return self

    @property
    def situation(self) -> Situation:
        recent = [at for at in self.notes if at > self.now - timedelta(hours=24)]
        return Situation(
            ticket=self.ticket,
            rules=self.rules,
            history=History(events=tuple(self.events), complete=self.complete),
            state=self.state,
            said=dict(self.said),
            applied=dict(self.applied),
            text_hits=self.text_hits,
            reach=self.reach,
            policy_since=self.policy_since,
            unseen_until=self.unseen_until,
            notes_today=len(recent),
            last_note_at=self.notes[-1] if self.notes else None,
        )

    def look(self) -> tuple[Decision, TicketPlan]:
        """Decide and plan without doing anything."""
        decision = decide(self.situation, self.policy, self.now)
        return decision, plan(decision, self.situation)

    def sync(self) -> TicketPlan:
        """One pass: decide, plan, store, write, settle."""
        decision, planned = self.look()
        self.store(decision, planned)
        self.write(planned)
        self.plans.append((self.now, planned))
        return planned

    def store(self, decision: Decision, planned: TicketPlan) -> None:
        self.state = decision.state
        for record in planned.records:
            key = str(record.occasion), record.audience
            if key not in self.said or not self.said[key].outcome.is_final:
                self.said[key] = Said(outcome=record.outcome, at=record.at)
        for name in planned.adopted:
            self.applied[name] = Applied(value=_text(getattr(self.ticket, name.value)), at=self.now, baseline=True)

    def write(self, planned: TicketPlan) -> None:
        for change in planned.fields:
            self._set(change.field, change.after or "")
            self.applied[change.field] = Applied(value=change.after, at=self.now)
            self.said[str(change.occasion), change.field.effect] = Said(outcome=Outcome.DONE, at=self.now)
        for notice in planned.notices:
            self.notes.append(self.now)
            for about in (notice.occasion, *notice.covers):
                self.said[str(about), notice.audience] = Said(outcome=Outcome.DONE, at=self.now)

    def _set(self, name: Field, value: str) -> None:
        shown: Any = value
        if name is Field.PRIORITY:
            shown = Priority[value]
        elif name is Field.LEVEL:
            shown = int(value)
        elif name is Field.LABELS:
            shown = self.ticket.labels | frozenset(value.split())
        if name is not Field.NEXT_DUE:
            self.ticket = dataclasses.replace(self.ticket, **{name.value: shown}, version=self.ticket.version + "0")

    def run(self, **time: float) -> Desk:
        """Let time pass, with a pass whenever one is due and one at the end."""
        until = self.now + timedelta(**time)
        while True:
            self.sync()
            due_at = self.look()[0].next_due_at
            if due_at is None or due_at > until:
                break
            self.now = due_at
        self.now = until
        self.sync()
        return self

    # ---- what was written

    @property
    def written(self) -> list[str]:
        """Every field write so far: ``priority P3 -> P1``."""
        return [f"{c.field} {c.before or '-'} -> {c.after}" for _, p in self.plans for c in p.fields]

    @property
    def spoken(self) -> list[str]:
        """Every notice so far: ``breached (notes)``."""
        return [f"{n.template} ({n.audience})" for _, p in self.plans for n in p.notices]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
