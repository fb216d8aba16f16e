"""What a person orders to be sent again: whether it may go out now. The person has looked; what is switched off stays.

An order takes the place of a look and of the plan, and of nothing else: effects, freezes and pauses bind it as they
bind every other write.
"""

from __future__ import annotations

from collections.abc import Iterable

from connector.domain.change import Write
from connector.domain.site import SiteRules
from connector.domain.ticket import Ticket
from connector.engine.recall import frozen_by
from connector.ports import AsideKind, SetAside, SiteState


def forbids(
    write: Write, ticket: Ticket | None, rules: SiteRules, *, state: SiteState, aside: Iterable[SetAside]
) -> str:
    """Return why an ordered comment may not be sent now, empty where it may; ``ticket`` as it is stored."""
    if write.comment is None:
        return "fields are planned anew by every pass, not sent again"
    if ticket is None:
        return "its ticket is not known any more"
    if ticket.status.is_finished:
        return f"its ticket is {ticket.status}"
    audience = write.comment.notice.audience
    if not rules.allows(audience, ticket.scope):
        return f"{audience} is not switched on for {ticket.scope or rules.name}"
    if state.paused:
        return f"{rules.name} is paused: {state.paused}"
    frozen = {**frozen_by(state.recall), **state.frozen}
    if audience in frozen:
        return f"{audience} is frozen on {rules.name}: {frozen[audience]}"
    closed = next((i for i in aside if i.kind is AsideKind.SCOPE and i.scope == ticket.scope), None)
    return f"{closed.scope} is frozen: {closed.why}" if closed is not None else ""
