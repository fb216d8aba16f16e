"""The workflow: which transitions leave a status."""

from __future__ import annotations

from dataclasses import dataclass

from connector.sandbox.jira import catalog as setup

BY_NAME = {status.name: status for status in setup.STATUSES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One way from a status to another."""

    id: str
    name: str
    target: setup.Status


def _to(number: str, name: str, target: str) -> Transition:
    return Transition(id=number, name=name, target=BY_NAME[target])


WORKING = (
    _to("21", "Respond to customer", "Waiting for customer"),
    _to("31", "Respond to support", "Waiting for support"),
    _to("41", "Start progress", "In Progress"),
    _to("51", "Pending", "Pending"),
    _to("61", "Resolve this issue", "Resolved"),
)
RESOLVED = (
    _to("71", "Close", "Closed"),
    _to("81", "Back to in progress", "In Progress"),
    _to("91", "Reopen", "Waiting for support"),
)


def transitions_of(status: setup.Status) -> tuple[Transition, ...]:
    """What can be done in a status; nothing leaves Closed."""
    if status.name == "Closed":
        return ()
    ways = RESOLVED if status.name == "Resolved" else WORKING
    return tuple(way for way in ways if way.target != status)
