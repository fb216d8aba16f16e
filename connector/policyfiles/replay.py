"""One ticket under a policy, replayed: people act, time passes, the connector decides and writes.

The connector looks whenever something happens and whenever it said that it would, as it does in earnest. What it wants
is written at once, so a replay shows the policy and not a helpdesk's delays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connector.domain.change import Field, Write
from connector.domain.decide import decide
from connector.domain.decision import Decision, TicketPlan
from connector.domain.events import Actor, EventKind, History, Role
from connector.domain.occasion import Outcome, Said
from connector.domain.plan import plan
from connector.domain.policy import LevelTarget, Policy, TargetKind
from connector.domain.site import Effect, SiteRules
from connector.domain.situation import Applied, EscalationState, Reach, Situation
from connector.domain.ticket import Ticket
from connector.domain.words import read_text
from connector.domain.written import as_written, live_value
from connector.policyfiles.acting import Acting, opened
from connector.policyfiles.cases_file import CaseFile

_OURS = Actor("connector", Role.OURS)
_MOST_LOOKS = 5_000
_DAY = timedelta(hours=24)
_KINDS: Mapping[Field, EventKind] = {
    Field.PRIORITY: EventKind.PRIORITY,
    Field.GROUP: EventKind.GROUP,
    Field.ASSIGNEE: EventKind.ASSIGNEE,
    Field.LABELS: EventKind.LABELS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the ticket stands at a step, and what was written and said since the step before."""

    at: datetime
    opened_at: datetime
    ticket: Ticket
    decision: Decision
    written: Mapping[str, str]
    said: tuple[str, ...]


@dataclass(slots=True)
class _Memory:
    """What the journal would remember."""

    state: EscalationState = EscalationState()
    said: dict[tuple[str, Effect], Said] = field(default_factory=dict)
    applied: dict[Field, Applied] = field(default_factory=dict)
    notes_at: list[datetime] = field(default_factory=list)


class Replay:
    """One case under way."""

    def __init__(self, case: CaseFile, policy: Policy) -> None:
        self._case = case
        self._policy = policy
        self._acting = Acting(opened(case.ticket))
        self._memory = _Memory()
        self._events = [(event.at.since(self.opened_at), event) for event in case.events]
        self._due: datetime | None = self.opened_at
        self._decision: Decision | None = None
        self._written: dict[str, str] = {}
        self._said: list[str] = []

    @property
    def opened_at(self) -> datetime:
        """Return when the ticket was opened, in UTC."""
        return self._case.ticket.opened.astimezone(UTC)

    def advance(self, until: datetime) -> Standing:
        """Let everything happen up to and at ``until``, look once more, and return how the ticket stands.

        Raises:
            RuntimeError: the policy makes the connector look without end.
        """
        for _ in range(_MOST_LOOKS):
            moment = min((at for at in (self._next_event(), self._due) if at is not None), default=None)
            if moment is None or moment > until:
                break
            self._look(moment)
        else:
            raise RuntimeError(f"looked {_MOST_LOOKS} times before {until}: the policy never comes to rest")
        decision = self._look(until)
        standing = Standing(
            at=until,
            opened_at=self.opened_at,
            ticket=self._acting.ticket,
            decision=decision,
            written=self._written,
            said=tuple(self._said),
        )
        self._written, self._said = {}, []
        return standing

    def _next_event(self) -> datetime | None:
        return self._events[0][0] if self._events else None

    def _look(self, now: datetime) -> Decision:
        while self._events and self._events[0][0] <= now:
            at, event = self._events.pop(0)
            self._acting.act(event, at)
        situation = self._situation(now)
        decision = decide(situation, self._policy, now)
        self._take(plan(decision, situation), now)
        self._memory.state = decision.state
        self._due = decision.next_due_at
        return decision

    # ---- what the connector knows

    def _situation(self, now: datetime) -> Situation:
        ticket, memory = self._acting.ticket, self._memory
        text = self._acting.ticket.text
        return Situation(
            ticket=ticket,
            rules=self._rules(),
            history=History(events=tuple(self._acting.events), complete=True, read_until=now),
            state=memory.state,
            said=dict(memory.said),
            applied=dict(memory.applied),
            text_hits=read_text(self._policy, text, ticket.locale) if text else {},
            reach={target: self._reach(target) for target in _targets(self._policy)},
            people={name: name for name in self._case.site.people},
            notes_today=sum(now - at < _DAY for at in memory.notes_at),
            last_note_at=max(memory.notes_at, default=None),
        )

    def _rules(self) -> SiteRules:
        site = self._case.site
        return SiteRules(name="case", fingerprint="case", effects=frozenset(site.effects), locale=site.locale)

    def _reach(self, target: LevelTarget) -> Reach:
        site = self._case.site
        why = site.unreachable.get(target.name, "")
        if target.kind is TargetKind.GROUP:
            members = frozenset(name for name, groups in site.people.items() if target.name in groups)
            return Reach(reachable=not why, member_ids=members, group=target.name, why=why)
        return Reach(reachable=not why, member_ids=frozenset({target.name}), person=target.name, why=why)

    # ---- what the connector does

    def _take(self, made: TicketPlan, now: datetime) -> None:
        memory = self._memory
        for record in made.records:
            memory.said[str(record.occasion), record.audience] = Said(outcome=record.outcome, at=record.at)
        for adopted in made.adopted:
            value = live_value(self._acting.ticket, adopted)
            memory.applied[adopted] = Applied(value=value, at=now, baseline=True)
        self._write(made, now)
        self._say(made, now)

    def _write(self, made: TicketPlan, now: datetime) -> None:
        before = self._acting.ticket
        for change in made.fields:
            self._memory.said[str(change.occasion), change.field.effect] = Said(outcome=Outcome.DONE, at=now)
            self._memory.applied[change.field] = Applied(value=change.after, at=now)
            if change.field is not Field.NEXT_DUE:
                self._written[change.field.value] = change.after or ""
            if change.field in _KINDS:
                self._acting.note(_KINDS[change.field], now, _OURS, before=change.before, after=change.after)
        write = Write(ref=before.ref, key="", seen=before.version, fields=made.fields)
        self._acting.ticket = as_written(before, write, version="")

    def _say(self, made: TicketPlan, now: datetime) -> None:
        for notice in made.notices:
            for about in (notice.occasion, *notice.covers):
                self._memory.said[str(about), notice.audience] = Said(outcome=Outcome.DONE, at=now)
            public = notice.audience is Effect.PUBLIC
            self._said.append(f"public {notice.template}" if public else notice.template)
            self._memory.notes_at.append(now)
            self._acting.note(EventKind.COMMENT, now, _OURS, public=public)


def _targets(policy: Policy) -> frozenset[LevelTarget]:
    levels = (level for path in policy.escalation.paths.values() for level in path.levels)
    return frozenset(t for level in levels for t in (level.target, level.fallback) if t is not None)
