"""Is this webhook from the helpdesk, and from now? Pure: headers, raw body and secrets in, a verdict out.

Both vendors sign the raw body with a shared secret. Zendesk signs the moment with it; Jira does not, its body says when
it was made. Two secrets may be active at once, so that one can be changed without losing a hint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

ZENDESK_WINDOW = timedelta(minutes=5)
JIRA_WINDOW = timedelta(minutes=60)
MOST_SECRETS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook as it came. Header names are lower case; ``at`` is our own time."""

    headers: Mapping[str, str]
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What a genuine webhook may say: look at this ticket.

    Attributes:
        ticket: The helpdesk's numeric id; empty: something changed, nobody says what.
        seen_as: Names under which a repetition of it is recognised.
    """

    ticket: str = ""
    seen_as: tuple[str, ...] = ()


Verify = Callable[[Delivery, Sequence[str]], Hint | None]
"""Returns the hint of a genuine, recent delivery; ``None`` for any other."""


def from_zendesk(delivery: Delivery, secrets: Sequence[str]) -> Hint | None:
    """Verify ``X-Zendesk-Webhook-Signature``: base64 of the HMAC-SHA256 over timestamp and body."""
    stamp = delivery.headers.get("x-zendesk-webhook-signature-timestamp", "")
    made_at = _moment(stamp)
    signed = _base64(delivery.headers.get("x-zendesk-webhook-signature", ""))
    if not _is_ours(signed, stamp.encode() + delivery.body, secrets):
        return None
    if made_at is None or abs(delivery.at - made_at) > ZENDESK_WINDOW:
        return None
    return Hint(ticket=_zendesk_ticket(_parsed(delivery.body)), seen_as=(f"s:{signed.hex()}",))


def from_jira(delivery: Delivery, secrets: Sequence[str]) -> Hint | None:
    """Verify ``X-Hub-Signature``: ``sha256=`` and hex of the HMAC-SHA256 over the body."""
    kind, _, told = delivery.headers.get("x-hub-signature", "").partition("=")
    signed = _hex(told) if kind == "sha256" else b""
    if not _is_ours(signed, delivery.body, secrets):
        return None
    content = _parsed(delivery.body)
    made_at = _milliseconds(content.get("timestamp"))
    if made_at is None or not -ZENDESK_WINDOW <= delivery.at - made_at <= JIRA_WINDOW:
        return None
    name = delivery.headers.get("x-atlassian-webhook-identifier", "")
    seen_as = (f"s:{signed.hex()}", *((f"i:{name[:200]}",) if name else ()))
    return Hint(ticket=_number(_inner(content, "issue").get("id")), seen_as=seen_as)


def _is_ours(signed: bytes, content: bytes, secrets: Sequence[str]) -> bool:
    """Compare with every active secret, in the same time whichever fits or none."""
    fits = [
        hmac.compare_digest(signed, hmac.new(secret.encode(), content, hashlib.sha256).digest())
        for secret in secrets[:MOST_SECRETS]
    ]
    return any(fits)


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _zendesk_ticket(content: Mapping[str, Any]) -> str:
    """Return the id from a trigger's own body (``ticket_id``) or from an event (``detail.id``)."""
    return _number(content.get("ticket_id")) or _number(_inner(content, "detail").get("id"))


def _inner(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = content.get(name)
    return inner if isinstance(inner, dict) else {}


def _number(value: object) -> str:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdecimal() and len(text) <= 20 else ""


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _milliseconds(value: object) -> datetime | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
