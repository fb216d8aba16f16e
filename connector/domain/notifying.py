"""Whom the policy tells of a threshold or a hard trigger, beside the ticket: once per occasion and target."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connector.domain import occasion
from connector.domain.change import Notification
from connector.domain.confidential import may_hear
from connector.domain.occasion import Occasion
from connector.domain.policy import Trigger
from connector.domain.site import Effect
from connector.domain.view import Passed, View

ASSIGNEE = "assignee"
"""The one target that is a role and not a name of the policy's: whoever has the ticket."""


def notifications(view: View) -> tuple[Notification, ...]:
    """Return whom to tell now and has not been told; nobody while a person holds it or a problem speaks for it."""
    if view.holding.ticket is not None or view.leader is not None:
        return ()
    found = (*_of_thresholds(view), *_of_triggers(view))
    return tuple(n for n in found if not view.is_said(n.occasion, Effect.NOTES) and _may_hear(view, n))


def _may_hear(view: View, told: Notification) -> bool:
    """True unless whoever is to be told is involved in a confidential ticket."""
    seen = view.situation
    heard = (who for who in (told.target, told.person) if who)
    return all(may_hear(who, seen.ticket, people=seen.people, reach=seen.reach) for who in heard)


def _of_thresholds(view: View) -> Iterator[Notification]:
    """Yield those of the highest mark that each clock has passed and that stands: lower ones are old news by then."""
    highest: dict[str, Passed] = {p.reading.clock.value: p for p in view.passed if p.stands}
    for passed in highest.values():
        if view.enforces(passed.at):
            for target in passed.crossing.threshold.notify:
                yield _notification(view, target, passed.crossing.occasion, f"{passed.name} reached")


def _of_triggers(view: View) -> Iterator[Notification]:
    opened_at = view.situation.ticket.opened_at
    for trigger in view.triggers.hits:
        if trigger.notify and _is_news(view, trigger, opened_at):
            about = occasion.ask(trigger.name, opened_at)
            for target in trigger.notify:
                yield _notification(view, target, about, f"trigger {trigger.name}")


def _is_news(view: View, trigger: Trigger, opened_at: datetime) -> bool:
    """True where the ticket itself is news, or the trigger hits it for the first time."""
    before = view.situation.state
    is_new = before.decided_at is not None and trigger.name not in before.active_triggers
    return view.is_news(opened_at) or (is_new and view.is_news(view.now))


def _notification(view: View, target: str, about: Occasion, why: str) -> Notification:
    ticket = view.situation.ticket
    person = (ticket.assignee or "") if target == ASSIGNEE else ""
    named = occasion.notify(target, about)
    return Notification(occasion=named, target=target, person=person, why=why, ticket=ticket.key, link=ticket.url)
