"""What a pass holds back instead of writing it: said once in the journal, with one alarm for each frozen effect."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.guard import Held
from connector.domain.site import Effect
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.reconcile import PassPlan
from connector.ports import Alarm, AlarmKind, JournalEvent, SiteState


def all_held(plan: PassPlan, state: SiteState) -> PassPlan:
    """Turn every change of a paused site into held ones."""
    held = [
        Held(
            key=p.change.key,
            ref=p.change.ref,
            effect=effect,
            what=", ".join(sorted(p.change.effects)),
            why=f"paused: {state.paused}",
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
    _journal_held(around, plan)
    for item in plan.held:
        if item.freezes and item.effect not in state.frozen and not state.paused:
            over[item.effect] = over.get(item.effect, 0) + 1
    for effect, count in sorted(over.items()):
        why = f"over its budget: {count} more wanted"
        around.observer.event("held", site=site.name, effect=str(effect), count=count)
        around.notifier.alarm(
            Alarm(
                kind=AlarmKind.HOLD,
                site=site.name,
                ticket="",
                message=f"{site.name}: {count} {effect} writes are over the budget and are held",
                remedy=f"connector plan --select site:{site.name}, then: connector resume {site.name} --allow {count}",
                at=now,
            )
        )
        around.journal.freeze(site.name, effect, why, now=now)  # after the alarm: a crash must not lose it


def _journal_held(around: Surroundings, plan: PassPlan) -> None:
    """Store what is held, where it is not the very same as before: a daemon looks at it again with every poll."""
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
    known = {_told(line) for line in around.journal.records().held(site=plan.site)} if lines else set()
    if {_told(line) for line in lines} != known:
        for line in lines:
            around.journal.record(line)


def _told(line: JournalEvent) -> tuple[str, ...]:
    return line.ticket, *(line.data[name] for name in ("effect", "what", "why"))
