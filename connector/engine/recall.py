"""Recall: after the state has forgotten something, say nothing until what was said has been read back.

The helpdesk is the truth about what was written. A site is recalled when it is first seen, and after its state was
deleted, damaged, rolled back or restored. A ticket whose history is not in is left alone: neither what was said there
nor what people hold is known. While the state has really forgotten something the whole site keeps silent, and only
priorities go on, on tickets that have been read back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.change import Change, Field
from connector.domain.decision import TicketPlan
from connector.domain.marks import remember
from connector.domain.occasion import Outcome, level
from connector.domain.plan import change
from connector.domain.site import Effect
from connector.domain.situation import EscalationState, Situation
from connector.engine.kit import SiteReading, Surroundings
from connector.ports import Alarm, AlarmKind, Recall, TicketHistory

UNREAD = "what was written here before is not read back yet"
BLIND = "its history cannot be read: what was said here before is not known"

STUCK_AFTER = timedelta(hours=1)
"""Without a history read for so long while tickets wait for theirs, somebody has to look."""


def waits_for(situation: Situation, recall: Recall) -> str:
    """Return why nothing may be written on a ticket until it has been read back, empty where it may."""
    if recall.is_over and not recall.why:
        return ""
    history, ticket = situation.history, situation.ticket
    unread = history.read_until is None or (
        not history.complete and recall.since is not None and history.read_until <= recall.since
    )
    if not unread:
        return ""
    if not recall.is_over:
        return UNREAD
    if ticket.ref.id in recall.blind:
        return BLIND
    return UNREAD if recall.done_at is not None and ticket.opened_at < recall.done_at else ""


def only_priority(ticket_plan: TicketPlan, situation: Situation) -> Change | None:
    """Return what goes on while a site is recalled: the priority, with the memory of the state as it was read back."""
    fields = tuple(f for f in ticket_plan.fields if f.field is Field.PRIORITY)
    made = change(replace(ticket_plan, fields=fields, notices=()), (), situation)
    return made and replace(made, riders={**made.riders, **memory(situation.state, situation, frozenset())})


def memory(state: EscalationState, situation: Situation, effects: frozenset[Effect]) -> Mapping[str, str]:
    """Return the rider that remembers a ticket, with the effects that its level has had so far or has now."""
    had: set[Effect] = set()
    if state.path is not None and state.entered_at is not None:
        about = str(level(state.path.name, state.entered_at, state.level))
        rows = ((audience, row) for (name, audience), row in situation.said.items() if name == about)
        had = {audience for audience, row in rows if row.outcome in {Outcome.DONE, Outcome.PARKED}}
    told = remember(state, had | effects)
    return {"memory": told} if told else {}


def recall(site: SiteReading, around: Surroundings, histories: Sequence[TicketHistory], *, now: datetime) -> None:
    """Take in what our marks in histories tell, of all tickets or of those that were forgotten one by one."""
    if any(history.marks for history in histories):
        around.journal.recall(site.name, histories, policy=around.policies.current(), now=now)


def go_on(site: SiteReading, around: Surroundings, *, now: datetime) -> Recall:
    """Return how far the site's recall is, after ending it when every open ticket is read back; say so aloud."""
    known = around.journal.open_site(site.name, fingerprint=site.rules.fingerprint).recall
    if known.is_over:
        return known
    found = around.journal.end_recall(site.name, policy_hash=around.policies.current().hash, now=now)
    if is_stuck(found, now=now):
        around.notifier.alarm(_stuck_alarm(site, now))
    if not found.why:
        return found
    if found.is_over:
        around.observer.event("recalled", site=site.name, why=found.why, blind=len(found.blind))
        return found
    around.observer.event("recalling", site=site.name, left=found.left, why=found.why)
    _alarm(site, around, found, now)
    return found


def is_stuck(recall_: Recall, *, now: datetime) -> bool:
    """True for a recall that has got no further for an hour: no history was read, and tickets wait for theirs."""
    return recall_.left > 0 and recall_.read_at is not None and now - recall_.read_at >= STUCK_AFTER


def _stuck_alarm(site: SiteReading, now: datetime) -> Alarm:
    return Alarm.of_site(
        AlarmKind.STALE,
        site.name,
        f"no history could be read on {site.name} for an hour: tickets that wait for theirs are not written to",
        remedy="connector status shows how many tickets wait; see what uses up the limits of the helpdesk, and whether "
        "the account may read histories",
        at=now,
    )


def _alarm(site: SiteReading, around: Surroundings, found: Recall, now: datetime) -> None:
    around.notifier.alarm(
        Alarm.of_site(
            AlarmKind.FREEZE,
            site.name,
            f"comments on {site.name} wait: {found.why}",
            remedy="they go on by themselves once every open ticket is read back; connector status shows how far it is",
            at=now,
        )
    )


def frozen_by(recall_: Recall) -> Mapping[Effect, str]:
    """Return what a recall freezes, with the reason."""
    if not recall_.freezes:
        return {}
    why = f"reading back what was said, {recall_.left} tickets left ({recall_.why})"
    return dict.fromkeys((Effect.NOTES, Effect.PUBLIC, Effect.ASSIGN), why)
