"""Stored values in other words: the neutral ones of scripts, and the two texts of a changelog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.core.site import Level, Status
from connector.sandbox.jira import adf
from connector.sandbox.jira import catalog as setup

if TYPE_CHECKING:
    from connector.sandbox.jira.state import State

FIELDS = {field_id: name for name, field_id in setup.NEUTRAL.items()}
LEVELS: dict[Level, str] = {"P1": "1", "P2": "2", "P3": "3", "P4": "4"}
STATUSES: dict[Status, str] = {
    "new": "1",
    "open": "3",
    "waiting_customer": "10002",
    "on_hold": "10003",
    "solved": "5",
    "closed": "6",
}
NAMES = {status.id: status.name for status in setup.STATUSES}


NAMED: dict[str, tuple[Any, ...]] = {
    "status": setup.STATUSES,
    "priority": setup.PRIORITIES,
    "resolution": setup.RESOLUTIONS,
}


def neutral_name(field_id: str) -> str:
    """What scripts call a field."""
    return FIELDS.get(field_id, field_id)


def neutral_status(status_id: str) -> Status:
    """What scripts call a status."""
    return next((name for name, known in STATUSES.items() if known == status_id), "open")


def neutral_value(field_id: str, value: Any) -> Any:
    """What scripts call a value."""
    if field_id == "priority":
        return next((level for level, known in LEVELS.items() if known == value), value)
    if field_id == "status":
        return NAMES.get(value, value)
    if field_id == "assignee" and value:
        return str(value).removeprefix("qm:")
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def stored_text(state: State, field_id: str, value: Any) -> tuple[str | None, str | None]:
    """The id and the text of a value as a changelog has them."""
    if value is None:
        return None, None
    named = NAMED.get(field_id)
    if named is not None:
        return value, next((thing.name for thing in named if thing.id == value), value)
    if field_id in ("assignee", "reporter"):
        account = state.account(value)
        return value, account.name if account else value
    if field_id == setup.NEUTRAL["participants"]:
        accounts = [state.account(id_) for id_ in value]
        return ", ".join(value), ", ".join(account.name for account in accounts if account is not None)
    if field_id == "labels":
        return None, " ".join(value)
    option = state.catalog.option(field_id, str(value)) if field_id in state.catalog.choices else None
    if option is not None:
        return option.id, option.name
    if isinstance(value, dict):
        return None, adf.plain(value)
    return None, str(value)
