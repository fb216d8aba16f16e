"""Texts of what is to be said, and what would be written and said if a ticket's effects were on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.domain.change import Comment, FieldChange, Notice
from connector.domain.decision import TicketPlan
from connector.domain.marks import ref_of
from connector.engine.kit import SiteReading, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadowed:
    """What would be written on a ticket if its effects were on, with the texts; ``told`` is the same for the audit."""

    key: str
    fields: tuple[FieldChange, ...]
    comments: tuple[Comment, ...]
    told: Mapping[str, str]


def in_shadow(site: SiteReading, around: Surroundings, ticket_plan: TicketPlan) -> Shadowed | None:
    """Return what shadow holds back on a ticket, ``None`` where that is nothing."""
    would_notify = ticket_plan.would_notify
    if not ticket_plan.would_write and not ticket_plan.would_say and not would_notify:
        return None
    comments = rendered(site, around, ticket_plan, ticket_plan.would_say)
    told = {str(f.field): f"{f.before or '(none)'} -> {f.after or '(none)'}" for f in ticket_plan.would_write}
    if comments:
        told["comment"] = ", ".join(f"{n.audience} {n.template} ({n.locale})" for n in ticket_plan.would_say)
    if would_notify:
        told["notify"] = ", ".join(dict.fromkeys(n.target for n in would_notify))
    reasons = [*(f.reason for f in ticket_plan.would_write), *(n.reason for n in ticket_plan.would_say)]
    reasons += [n.why for n in would_notify]
    told["why"] = "; ".join(dict.fromkeys(reasons))
    return Shadowed(key=ticket_plan.key, fields=ticket_plan.would_write, comments=comments, told=told)


def rendered(
    site: SiteReading, around: Surroundings, ticket_plan: TicketPlan, notices: Sequence[Notice]
) -> tuple[Comment, ...]:
    """Render what is to be said; from here on the text is frozen."""
    ref = ticket_plan.decision.ref
    return tuple(
        Comment(
            notice=notice,
            key=notice.occasion.key(site.rules.fingerprint, ref.id, notice.audience),
            body=around.renderer.render(notice),
            also=tuple(ref_of(o.key(site.rules.fingerprint, ref.id, notice.audience)) for o in notice.covers),
        )
        for notice in notices
    )
