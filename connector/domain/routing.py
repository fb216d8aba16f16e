"""Which path a ticket takes: that of the first trigger which names one, else that of the first route that matches."""

from __future__ import annotations

from dataclasses import dataclass

from connector.domain.matching import Matcher, compile_when
from connector.domain.policy import Path, Policy
from connector.domain.situation import Situation
from connector.domain.triggers import TriggerReading


@dataclass(frozen=True, slots=True)
class Choice:
    """A path and why; ``path`` is ``None`` where the policy has none for this ticket."""

    path: Path | None
    why: str
    unread: bool = False


def choose_path(situation: Situation, policy: Policy, *, triggers: TriggerReading) -> Choice:
    """Return the path that the ticket would start on now."""
    trigger = triggers.path
    if trigger is not None and trigger.path is not None:
        return Choice(policy.escalation.paths.get(trigger.path), f"trigger {trigger.name}")
    unread = False
    for number, (name, matches) in enumerate(_routes(policy), start=1):
        answer = matches(situation.ticket, situation.text_hits)
        if answer:
            return Choice(policy.escalation.paths.get(name), f"route {number}", unread)
        unread = unread or answer is None
    return Choice(None, "no route matches", unread)


def _routes(policy: Policy) -> tuple[tuple[str, Matcher], ...]:
    found: tuple[tuple[str, Matcher], ...] | None = policy.memo.get("routes")
    if found is None:
        found = tuple((route.path, compile_when(route.when)) for route in policy.escalation.routes)
        policy.memo["routes"] = found
    return found
