"""The answers to every request that reaches us, without any socket: webhooks, health and metrics.

A webhook is a hint and nothing more. Only two facts of it are used, the site in the address and the ticket's number,
and all that follows is a look at that ticket. Whoever cannot sign gets 401, whether the site exists or not.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from connector.ports import Clock
from connector.web.hints import Bucket, Hints, Seen
from connector.web.signatures import Delivery, Verify

LARGEST_BODY = 1_000_000
RATE, BURST = 100.0, 200.0
_PREFIX = "/webhooks/"


class Reply(NamedTuple):
    """A status and a short text."""

    status: int
    text: str = ""


class Asked(NamedTuple):
    """A request: header names are lower case, ``body`` is raw."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where one site's webhooks come in. ``secrets`` are read anew for every delivery: rotation needs no restart."""

    verify: Verify
    secrets: Callable[[], tuple[str, ...]] = field(repr=False)
    hints: Hints


@dataclass(slots=True, kw_only=True)
class Receiver:
    """Answers requests; callable from any thread.

    Attributes:
        doors: By site name.
        metrics: Gives the page of ``/metrics``.
        is_well: What ``/healthz`` tells: nothing but that.
        token: SHA-256 hex of the token that health and metrics ask for; empty: they are for loopback only.
        counts: Answers to webhooks by status, for the metrics.
    """

    doors: Mapping[str, Door]
    clock: Clock
    metrics: Callable[[], str] = str
    is_well: Callable[[], bool] = lambda: True
    token: str = field(default="", repr=False)
    counts: Counter[int] = field(default_factory=Counter)
    _seen: Seen = field(default_factory=Seen)
    _bucket: Bucket = field(default_factory=lambda: Bucket(rate=RATE, burst=BURST))

    def answer(self, asked: Asked) -> Reply:
        """Return the answer to one request; nothing of it is ever repeated in the answer."""
        if asked.path.startswith(_PREFIX):
            reply = self._webhook(asked)
            self.counts[reply.status] += 1
            return reply
        page = {"/healthz": self._health, "/metrics": self._metrics}.get(asked.path)
        if page is None:
            return Reply(404, "not found")
        if asked.method != "GET":
            return Reply(405, "method not allowed")
        return page() if self._may_look(asked) else Reply(401, "unauthorized")

    def _webhook(self, asked: Asked) -> Reply:
        if not self._bucket.take(self.clock.monotonic()):
            return Reply(429, "too many requests")
        if asked.method != "POST":
            return Reply(405, "method not allowed")
        if len(asked.body) > LARGEST_BODY:
            return Reply(413, "too large")
        door = self.doors.get(asked.path.removeprefix(_PREFIX))
        delivery = Delivery(headers=asked.headers, body=asked.body, at=self.clock.now())
        hint = door.verify(delivery, door.secrets()) if door else None
        if door is None or hint is None:
            return Reply(401, "unauthorized")
        if self._seen.is_new(hint.seen_as, now=delivery.at):
            door.hints.add(hint.ticket)
        return Reply(200, "ok")

    def _health(self) -> Reply:
        return Reply(200, "ok") if self.is_well() else Reply(503, "not ok")

    def _metrics(self) -> Reply:
        return Reply(200, self.metrics())

    def _may_look(self, asked: Asked) -> bool:
        if not self.token:
            return True
        kind, _, given = asked.headers.get("authorization", "").partition(" ")
        digest = hashlib.sha256(given.strip().encode()).hexdigest()
        return hmac.compare_digest(digest, self.token) and kind.lower() == "bearer"
