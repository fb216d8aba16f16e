"""What a pass holds back instead of writing it: said once in the journal, with one alarm for each frozen effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.guard import OVER_BUDGET, Held
from connector.domain.site import Effect
from connector.domain.ticket import Priority
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.reconcile import PassPlan
from connector.ports import Alarm, AlarmKind, JournalEvent, SiteState

ALLOWED_FOR = timedelta(hours=1)
"""How long ``resume --allow N`` counts: its number was read off what was held then."""

PAUSED = "paused: "
"""How the reason begins of what a pause holds."""

NAMED = 5
"""Tickets that an alarm names; how many more there are, ``attention`` tells."""


def all_held(plan: PassPlan, state: SiteState) -> PassPlan:
    """Turn every change of a paused site into held ones."""
    held = [
        Held(
            key=p.change.key,
            ref=p.change.ref,
            effect=effect,
            what=", ".join(sorted(p.change.effects)),
            why=f"{PAUSED}{state.paused}",
            severity=p.change.severity,
            deadline=p.change.deadline,
        )
        for p in plan.planned
        for effect in sorted(p.change.effects)
    ]
    return replace(plan, planned=(), held=(*plan.held, *held))


def report_held(site: SiteReading, around: Surroundings, plan: PassPlan) -> None:
    """Journal what is held; freeze an effect that is over its budget and raise the alarm, once per freeze."""
    now = plan.now
    over: dict[Effect, int] = {}
    state = around.journal.open_site(site.name, fingerprint=site.rules.fingerprint)
    _journal_held(site, around, plan, state)
    for item in plan.held:
        if item.freezes and item.effect not in state.frozen and not state.paused:
            over[item.effect] = over.get(item.effect, 0) + 1
    for effect, count in sorted(over.items()):
        why = f"{OVER_BUDGET}: {count} more wanted"
        around.observer.event("held", site=site.name, effect=str(effect), count=count)
        around.notifier.alarm(
            Alarm.of_site(
                AlarmKind.HOLD,
                site.name,
                f"{site.name}: {count} {effect} writes are over the budget and are held",
                remedy=f"connector plan --select site:{site.name}, then: connector resume {site.name} --allow {count}",
                at=now,
            )
        )
        around.journal.freeze(site.name, effect, why, now=now)  # after the alarm: a crash must not lose it


def end_old_allowance(site: SiteReading, around: Surroundings, state: SiteState, *, now: datetime) -> None:
    """Take back what an operator let through and nothing has used for ``ALLOWED_FOR``."""
    if not state.allowance:
        return
    resumed_at = around.journal.resumed_at(site.name)
    if resumed_at is None or now - resumed_at > ALLOWED_FOR:
        around.journal.end_allowance(site.name, now=now)


def _journal_held(site: SiteReading, around: Surroundings, plan: PassPlan, state: SiteState) -> None:
    """Store what is held, where it is not the very same as before: a daemon looks at it again with every poll.

    A P1 that comes after the alarm of its effect's freeze is told by name; a pause is somebody's own word.
    """
    lines = [
        JournalEvent(
            at=plan.now,
            kind="held",
            site=plan.site,
            ticket=item.ref.id,
            key=item.key,
            run=plan.run,
            data={"effect": str(item.effect), "what": item.what, "why": item.why},
        )
        for item in plan.held
    ]
    known = {_told(line) for line in around.journal.records().held(site=plan.site, until=plan.now)} if lines else set()
    if {_told(line) for line in lines} == known:
        return
    if not state.paused:
        told = {ticket for ticket, *_ in known}
        urgent = (h for h in plan.held if h.severity is Priority.P1 and h.freezes and h.effect in state.frozen)
        news = {h.key: h for h in urgent if h.ref.id not in told}
        _tell_of_p1(site, around, list(news.values()), now=plan.now)
    for line in lines:
        around.journal.record(line)


def _tell_of_p1(site: SiteReading, around: Surroundings, items: Sequence[Held], *, now: datetime) -> None:
    if not items:
        return
    named = ", ".join(item.key for item in items[:NAMED]) + (", …" if len(items) > NAMED else "")
    around.notifier.alarm(
        Alarm(
            kind=AlarmKind.HOLD,
            site=site.name,
            ticket=str(items[0].ref) if len(items) == 1 else "",
            message=f"{site.name}: held although P1: {named}; {items[0].why}",
            remedy=f"connector resume {site.name} --allow {len(items)}",
            at=now,
        )
    )


def _told(line: JournalEvent) -> tuple[str, ...]:
    return line.ticket, *(line.data[name] for name in ("effect", "what", "why"))
