"""The log of metric events: activations, pauses, fulfilments, applied policies and breaches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.zendesk.sla import Slas
from connector.sandbox.zendesk.ticket import Standing, Ticket
from connector.sandbox.zendesk.wire import stamp

NAMES = {"first_reply_time": "reply_time", "next_reply_time": "reply_time", "total_resolution_time": "resolution_time"}
STEPS = {"active": "activate", "paused": "pause", "achieved": "fulfill"}


@dataclass(slots=True)
class MetricEvents:
    """Every event in the order of its id; ``at`` is ours, in epoch seconds.

    A breach is known ahead, and withdrawn when the policy is applied anew.
    """

    slas: Slas
    rows: list[dict[str, Any]] = field(default_factory=list)
    _ahead: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)

    def note(self, ticket: Ticket, before: tuple[Standing, ...], now: int) -> None:
        """Compare where the ticket's metrics stood and stand."""
        old = {standing.metric: standing for standing in before}
        for standing in self.slas.standings(ticket):
            self._note_one(ticket, old.get(standing.metric), standing, now)

    def _note_one(self, ticket: Ticket, old: Standing | None, new: Standing, now: int) -> None:
        if old is None or old.target != new.target:
            self._add(ticket, new.metric, "apply_sla", now)
        if (old.stage if old else None) != new.stage and new.stage:
            self._add(ticket, new.metric, STEPS[new.stage], now)
        if (old.breach_at if old else None) != new.breach_at:
            self._move_breach(ticket, new, now)

    def _move_breach(self, ticket: Ticket, standing: Standing, now: int) -> None:
        known = self._ahead.pop((ticket.id, standing.metric), None)
        if known is not None and known["at"] > now:
            known["deleted"] = True
        if standing.breach_at is not None:
            row = self._add(ticket, standing.metric, "breach", standing.breach_at)
            self._ahead[ticket.id, standing.metric] = row

    def _add(self, ticket: Ticket, metric: str, kind: str, at: int) -> dict[str, Any]:
        row = {
            "id": 8_000_000_001 + len(self.rows),
            "ticket_id": ticket.id,
            "metric": NAMES.get(metric, metric),
            "instance_id": 0 if kind == "apply_sla" else 1,
            "type": kind,
            "time": stamp(at),
            "at": at,
            "deleted": False,
        }
        self.rows.append(row)
        return row
