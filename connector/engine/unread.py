"""What has to be read before some tickets can be decided, the most urgent first."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from connector.domain.decision import Decision
from connector.domain.situation import Situation
from connector.domain.ticket import Priority


@dataclass(slots=True)
class Unread:
    """What has to be read before some tickets can be decided: their own texts and histories, and those of others."""

    ids: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    own: list[Decision] = field(default_factory=list)

    @property
    def histories(self) -> list[str]:
        """Return whose history is to be read: what waits for its own first, the most urgent before all."""
        return [decision.ref.id for decision in sorted(self.own, key=_urgency)] + self.others

    def takes(self, situation: Situation, decision: Decision) -> bool:
        """Take note of what one ticket needs; return whether it needs anything."""
        ticket = situation.ticket
        others = situation.unread if ticket.is_open else ()
        if not (decision.unread_text or decision.unread_history or others):
            return False
        self.ids.append(ticket.ref.id)
        self.texts += [ticket.ref.id] if decision.unread_text else []
        self.own += [decision] if decision.unread_history else []
        self.others += others
        return True


_NO_DEADLINE = datetime.max.replace(tzinfo=UTC)


def _urgency(decision: Decision) -> tuple[bool, int, datetime]:
    """Return the place of a ticket among those whose history is to be read: by what is wanted, then by deadline."""
    wanted = decision.state.wanted_last or decision.severity
    is_hard = decision.hard or wanted is Priority.P1
    return not is_hard, int(wanted or len(Priority) + 1), decision.deadline or _NO_DEADLINE
