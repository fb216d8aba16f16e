"""SLA policies by priority, and where each metric of a ticket stands.

A metric is a stretch of running time, from an opening moment, interrupted by pauses, until a fulfilling moment:

    first_reply_time     creation to the first public agent comment
    next_reply_time      a customer's comment after a reply, to the next public agent comment
    periodic_update_time the last public agent comment to now, while unsolved
    requester_wait_time  creation to solved, paused in pending
    agent_work_time      creation to solved, paused in pending and on hold
    total_resolution_time creation to solved

The target depends on the priority, so a priority write moves ``breach_at``, brings a policy, or takes it away.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from connector.sandbox.zendesk import hours
from connector.sandbox.zendesk.ticket import PRIORITIES, Standing, Ticket
from connector.sandbox.zendesk.wire import stamp

PAUSES = {"requester_wait_time": ("pending",), "agent_work_time": ("pending", "hold")}
TO_SOLVED = ("requester_wait_time", "agent_work_time", "total_resolution_time")
UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60))


def _policy(
    policy_id: int, title: str, condition: Mapping[str, Any] | None, minutes: Mapping[str, Any]
) -> dict[str, Any]:
    metrics = [
        {
            "priority": priority,
            "metric": metric,
            "target": target,
            "target_in_seconds": target * 60,
            "business_hours": business,
        }
        for metric, (business, targets) in minutes.items()
        for priority, target in zip(reversed(PRIORITIES), targets, strict=True)
        if target is not None
    ]
    return {
        "id": policy_id,
        "title": title,
        "description": title,
        "position": policy_id - 800,
        "filter": {"all": [condition] if condition else [], "any": []},
        "policy_metrics": metrics,
    }


BUILT_IN: tuple[Mapping[str, Any], ...] = (
    _policy(
        801,
        "VIP",
        {"field": "current_tags", "operator": "includes", "value": "vip"},
        {"first_reply_time": (False, (15, 30, 60, 120)), "total_resolution_time": (False, (240, 480, 1440, 2880))},
    ),
    _policy(
        802,
        "Standard",
        None,
        {
            "first_reply_time": (False, (15, 60, 240, 480)),
            "next_reply_time": (True, (60, 120, 480, 960)),
            "requester_wait_time": (False, (240, 480, 4320, 14400)),
        },
    ),
)


class Slas:
    """The policies of one account."""

    def __init__(self, policies: tuple[Mapping[str, Any], ...]) -> None:
        self.policies = policies or BUILT_IN

    def policy_for(self, ticket: Ticket) -> Mapping[str, Any] | None:
        """The first policy that matches and has a target for the ticket's priority."""
        for policy in self.policies:
            if _matches(policy["filter"], ticket):
                return policy if ticket.priority else None
        return None

    def standings(self, ticket: Ticket) -> tuple[Standing, ...]:
        """Every metric with a target; empty means that no policy applies."""
        if ticket.standings is None:
            policy = self.policy_for(ticket)
            rows = policy["policy_metrics"] if policy else ()
            ticket.standings = tuple(_standing(ticket, row) for row in rows if row["priority"] == ticket.priority)
        return ticket.standings

    def sideload(self, ticket: Ticket, now: int | None) -> dict[str, Any]:
        """The ``slas`` of a ticket; ``now`` adds the countdown."""
        return {"policy_metrics": [_row(standing, now) for standing in self.standings(ticket)]}


def _matches(condition: Mapping[str, Any], ticket: Ticket) -> bool:
    every, some = condition.get("all", ()), condition.get("any", ())
    return all(_holds(row, ticket) for row in every) and (not some or any(_holds(row, ticket) for row in some))


def _holds(row: Mapping[str, Any], ticket: Ticket) -> bool:
    if row["field"] == "current_tags":
        holds = bool(set(str(row["value"]).split()) & set(ticket.tags))
        return holds is (row["operator"] == "includes")
    same: bool = str(getattr(ticket, row["field"])) == str(row["value"])
    return same is (row["operator"] == "is")


def _standing(ticket: Ticket, row: Mapping[str, Any]) -> Standing:
    metric, target = row["metric"], int(row.get("target_in_seconds", row["target"] * 60))
    start, end = _stretch(ticket, metric)
    if start is None:
        return Standing(metric=metric, stage=None, breach_at=None, target=target)
    if end is not None:
        return Standing(metric=metric, stage="achieved", breach_at=None, target=target)
    return _running(ticket, row, start, target)


def _running(ticket: Ticket, row: Mapping[str, Any], start: int, target: int) -> Standing:
    """Where a metric stands that is neither waiting nor fulfilled."""
    metric, business = row["metric"], row["business_hours"]
    used, breach_at = 0, None
    stretches = _stretches(ticket, PAUSES.get(metric, ()), start)
    for begun, ended in stretches:
        if breach_at is None and (ended is None or used + hours.elapsed(begun, ended, business=business) >= target):
            breach_at = hours.after(begun, target - used, business=business)
        used += hours.elapsed(begun, ended, business=business) if ended is not None else 0
    if stretches[-1][1] is not None:
        return Standing(metric=metric, stage="paused", breach_at=None, target=target)
    return Standing(metric=metric, stage="active", breach_at=breach_at, target=target)


def _stretch(ticket: Ticket, metric: str) -> tuple[int | None, int | None]:
    """When a metric was activated and when fulfilled."""
    replies = [at for at, who in ticket.talk if who == "agent"]
    if metric == "first_reply_time":
        return ticket.created_at, replies[0] if replies else None
    if metric in TO_SOLVED:
        return ticket.created_at, _solved_at(ticket)
    if metric == "next_reply_time":
        return _awaiting(ticket)
    return (replies[-1] if replies else None), _solved_at(ticket)


def _awaiting(ticket: Ticket) -> tuple[int | None, int | None]:
    """Since when a customer waits for another reply, or when it came."""
    start: int | None = None
    end: int | None = None
    answered = False
    for at, who in ticket.talk:
        if who == "agent":
            end = at if start is not None and end is None else end
            answered = True
        elif answered and (start is None or end is not None):
            start, end = at, None
    return start, end


def _solved_at(ticket: Ticket) -> int | None:
    """Since when the ticket has been solved without a break; closing does not count anew."""
    over = takewhile(lambda row: row[1] in ("solved", "closed"), reversed(ticket.statuses))
    return min((at for at, _ in over), default=None)


def _stretches(ticket: Ticket, pauses: tuple[str, ...], start: int) -> list[tuple[int, int | None]]:
    """When the metric ran: from, until; the last is open while it runs."""
    found: list[tuple[int, int | None]] = [(start, None)]
    for at, status in ticket.statuses:
        moment, (begun, ended) = max(at, start), found[-1]
        if ended is None and status in pauses:
            found[-1] = (begun, moment)
        elif ended is not None and status not in pauses:
            found.append((moment, None))
    return found


def _row(standing: Standing, now: int | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "breach_at": stamp(standing.breach_at),
        "stage": standing.stage,
        "metric": standing.metric,
    }
    if now is not None and standing.breach_at is not None:
        left = standing.breach_at - now
        unit, size = next(((unit, size) for unit, size in UNITS if abs(left) >= size), UNITS[-1])
        row[unit] = int(left / size)
    return row
