"""Small pieces of Zendesk's wire format: moments, JSON, opaque cursors."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any


def encode(payload: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def stamp(seconds: int | None) -> str | None:
    """A moment as Zendesk writes it: UTC, whole seconds, ``Z``."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_stamp(text: Any) -> int:
    """Read a moment that a client sent.

    Raises:
        ValueError: Not ISO 8601 with an offset.
    """
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return int(moment.timestamp())


def seal(value: Any) -> str:
    """Make an opaque cursor."""
    return base64.b64encode(encode(value)).decode()


def unseal(cursor: str) -> Any:
    """Open a cursor that ``seal`` made.

    Raises:
        ValueError: Somebody made it up.
    """
    try:
        return json.loads(base64.b64decode(cursor, validate=True))
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error


def via(channel: str) -> dict[str, Any]:
    """Where something came from."""
    return {"channel": channel, "source": {"from": {}, "to": {}, "rel": None}}


def via_follow_up(channel: str, ticket_id: int) -> dict[str, Any]:
    """A ticket that goes on with a closed one."""
    origin = {"ticket_id": ticket_id, "subject": None, "channel": channel}
    return {"channel": channel, "source": {"from": origin, "to": {}, "rel": "follow_up"}}


def via_merge(channel: str, ticket_ids: tuple[int, ...]) -> dict[str, Any]:
    """Other tickets were closed into this one."""
    return {"channel": channel, "source": {"from": {"ticket_ids": list(ticket_ids)}, "to": {}, "rel": "merge"}}


def via_rule(title: str, rule_id: int, rel: str) -> dict[str, Any]:
    """A business rule did it: ``rel`` is ``trigger`` or ``automation``."""
    origin = {"deleted": False, "title": title, "id": rule_id, "revision_id": 1}
    return {"channel": "rule", "source": {"to": {}, "from": origin, "rel": rel}}
