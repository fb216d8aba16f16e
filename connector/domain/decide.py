"""The decision: what a ticket should look like, what is to be said about it, why, and when to look again.

``decide`` is a function of its arguments alone. It reads the triggers, then what people hold, then the priority, then
the clocks under that priority, then the path, then what is to be said. Every moment that it remembers is in the state
that it returns, so deciding again on that state, at the same moment, wants nothing new.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from connector.domain import outlook
from connector.domain.acts import Acts, read_acts
from connector.domain.approvals import asked, unapproved
from connector.domain.change import Field
from connector.domain.clocks import ClockReading
from connector.domain.copying import changed
from connector.domain.decision import Decision, Explanation, FieldWant, LeftAlone, PathVerdict, PriorityVerdict
from connector.domain.escalation import Escalated, escalate
from connector.domain.levels import level_wants
from connector.domain.memory import settled, with_priority
from connector.domain.notices import Saying, say
from connector.domain.notifying import notifications
from connector.domain.occasion import set_field
from connector.domain.owed import asked_for, still_owed, unsettled
from connector.domain.ownership import Holding, read_holding
from connector.domain.policy import Policy
from connector.domain.priority import Judgement, calmed, judge
from connector.domain.situation import EscalationState, Situation
from connector.domain.sla import read_clocks
from connector.domain.storms import look_of
from connector.domain.ticket import Priority
from connector.domain.triggers import TriggerReading, read_triggers
from connector.domain.unread import no_longer_waiting
from connector.domain.view import View, sort_crossings


def decide(situation: Situation, policy: Policy, now: datetime) -> Decision:
    """Return the decision for one ticket at ``now``. Total: every well-formed situation has an answer."""
    if not situation.ticket.is_open:
        return _finished(situation, policy, now)
    view = _look(situation, policy, now)
    escalated = escalate(view)
    saying = say(view, escalated.state)
    return _decision(view, escalated, saying)


def _look(situation: Situation, policy: Policy, now: datetime) -> View:
    """Read triggers, holds, priority and clocks, in this order."""
    acts = read_acts(situation, policy, now=now)
    triggers, holding, judgement, state = _weigh(situation, policy, acts, now)
    timed = situation if state is situation.state else changed(situation, state=state)
    if acts.settles_at is not None and timed is not situation:
        # how long a reopening may be a mere "thanks" is counted on the calendar of the priority that was just found
        acts = read_acts(timed, policy, now=now)
        triggers, holding, judgement, state = _weigh(situation, policy, acts, now)
        timed = changed(situation, state=state)
    readings = read_clocks(timed, policy, priority=judgement.verdict.effective, variant=state.variant, now=now)
    passed, ahead = sort_crossings(readings, situation.said, now, owed=situation.state.owed)
    return View(situation, policy, now, state, acts, triggers, holding, judgement, readings, passed, ahead)


class _Weighed(NamedTuple):
    """What triggers, holds and priority say, and the state with the priority in it."""

    triggers: TriggerReading
    holding: Holding
    judgement: Judgement
    state: EscalationState


def _weigh(situation: Situation, policy: Policy, acts: Acts, now: datetime) -> _Weighed:
    triggers = read_triggers(situation, policy, dismissed=acts.dismissed)
    holding = read_holding(situation, policy, acts=acts, triggers=triggers, now=now)
    judged = judge(situation, policy, acts=acts, triggers=triggers, holding=holding, now=now)
    judgement = calmed(situation, judged, now)
    state = with_priority(situation, judgement, triggers=triggers, holding=holding, now=now)
    return _Weighed(triggers, holding, judgement, state)


def _decision(view: View, escalated: Escalated, saying: Saying) -> Decision:
    levels = level_wants(view, escalated.state)
    waits = view.judgement.waits or view.holding.waits or levels.waits
    overdue = outlook.overdue(view, levels.left) if waits else ""
    deadline = outlook.deadline_of(view.readings)
    left = (
        *_priority_left(view),
        *_escalation_left(view),
        *levels.left,
        *unapproved(view, escalated.state),
        *saying.left,
    )
    state = still_owed(view, escalated.state, asked_for(saying.waiting, saying.notices))
    return Decision(
        ref=view.situation.ticket.ref,
        now=view.now,
        policy_hash=view.policy.hash,
        state=settled(view, state, waits=waits, told=bool(overdue)),
        reasons=_Reasons(view, escalated, saying, left, state.owed),
        fields=(*_priority_want(view), *levels.fields, *_next_due_want(view)),
        notices=saying.notices,
        notifications=notifications(view),
        records=(
            *view.situation.inherited,
            *levels.records,
            *escalated.records,
            *saying.records,
            *asked(view, escalated.state),
        ),
        next_due_at=outlook.next_due_at(view, escalated, saying, waits=waits),
        unread_text=view.triggers.unread or escalated.unread,
        unread_history=waits,
        overdue=overdue,
        alarms=outlook.alarms(view, escalated),
        left=left,
        standoffs=tuple(told for told in view.holding.standoffs if told not in view.situation.state.standoffs),
        owned={conflict.field: str(conflict) for conflict in view.holding.conflicts},
        look=look_of(view),
        severity=view.priority,
        deadline=deadline,
        hard=view.priority is Priority.P1 or any(trigger.at_least for trigger in view.triggers.hits),
        riders=outlook.riders(view),
    )


class _Reasons(NamedTuple):
    """What the explanation of a decision is told from."""

    view: View
    escalated: Escalated
    saying: Saying
    left: tuple[LeftAlone, ...]
    owed: frozenset[str]

    @property
    def clocks(self) -> tuple[ClockReading, ...]:
        return self.view.readings

    @property
    def sufficient(self) -> bool:
        return self.view.judgement.verdict.sufficient

    def explained(self) -> Explanation:
        view = self.view
        return Explanation(
            priority=view.judgement.verdict,
            triggers=view.triggers.verdicts,
            clocks=view.readings,
            path=self.escalated.verdict,
            holds=outlook.holds(view),
            left_alone=tuple(f"{each.what}: {each.why}" for each in self.left),
            upcoming=outlook.upcoming(view, self.escalated, self.saying),
            findings=outlook.findings(view),
            owed=unsettled(view, self.owed),
        )


def _priority_want(view: View) -> tuple[FieldWant, ...]:
    verdict, about = view.judgement.verdict, view.judgement.occasion
    if verdict.wanted is None or about is None or view.holding.ticket is not None:
        return ()
    reason = ", ".join(verdict.lines)
    return (FieldWant(field=Field.PRIORITY, value=str(verdict.wanted), reason=reason, occasion=about),)


def _priority_left(view: View) -> tuple[LeftAlone, ...]:
    judged, whole = view.judgement, view.holding.ticket
    if whole is not None:
        return (LeftAlone(what="everything", why=f"held: {whole.by}"),)
    return (LeftAlone(what="priority", why=judged.left),) if judged.left else ()


def _escalation_left(view: View) -> tuple[LeftAlone, ...]:
    """Return that the path stands still where another ticket speaks for this one."""
    if view.leader is None or view.holding.ticket is not None:
        return ()
    return (LeftAlone(what="escalation", why=f"follows {view.leader.key}"),)


def _next_due_want(view: View) -> tuple[FieldWant, ...]:
    """Return the visible field that shows the next deadline, where the site has one; ``plan`` limits its writes."""
    deadline = outlook.next_deadline(view)
    if deadline is None or Field.NEXT_DUE.value in view.situation.rules.unwritable or view.holding.ticket is not None:
        return ()
    value = deadline.isoformat(timespec="minutes")
    about = set_field(Field.NEXT_DUE, value)
    return (FieldWant(field=Field.NEXT_DUE, value=value, reason="next deadline", occasion=about),)


def _finished(situation: Situation, policy: Policy, now: datetime) -> Decision:
    """Return the decision for a solved, closed or vanished ticket: nothing is wanted, open intents end with it."""
    ticket, state = situation.ticket, situation.state
    status = ticket.status.value
    priority = PriorityVerdict(
        computed=None, wanted=None, effective=ticket.priority, lines=(f"the ticket is {status}",)
    )
    path = PathVerdict(path=state.path.name if state.path else None, level=state.level, why=f"the ticket is {status}")
    clocks = read_clocks(situation, policy, priority=ticket.priority, variant=state.variant, now=now)
    return Decision(
        ref=ticket.ref,
        now=now,
        policy_hash=policy.hash,
        state=no_longer_waiting(state),
        reasons=Explanation(priority=priority, clocks=clocks, path=path),
        severity=ticket.priority,
    )
