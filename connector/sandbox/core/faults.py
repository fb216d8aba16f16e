"""Faults that a test or a demo orders: which requests, and what happens to them."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from connector.sandbox.core.messages import Request

Action = Literal[
    "status",  # answer `status` (vendor's own shape) without applying; `retry_after` seconds if given
    "html",  # answer `status` with a gateway's HTML page without applying
    "forbid",  # 403 in the vendor's shape (narrow it with `scope`)
    "redirect",  # 302 to `location` without applying
    "revoke",  # the request's bearer token dies; the vendor answers as it does for a dead token
    "drop",  # close the connection without applying
    "late",  # close the connection at once; the request is applied `seconds` simulated seconds later
    "lose",  # apply, then close the connection without an answer
    "cut",  # apply, send `after_bytes` bytes of the answer, close
    "drip",  # apply, send the answer `after_bytes` bytes at a time, `pause` real seconds apart
    "hang",  # apply, answer after `pause` real seconds
    "slow",  # `seconds` simulated seconds pass while the vendor works, then a normal answer
    "empty",  # apply, answer the usual status with an empty body
    "mistype",  # apply, answer with `content_type` instead of the usual one
]
ACTIONS: frozenset[str] = frozenset(get_args(Action))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One order. Every condition that is given must hold.

    Attributes:
        methods: HTTP methods, empty for any.
        path: Regular expression searched in the path.
        body: Regular expression searched in the body.
        identity: Who authenticated.
        scope: Project or group that the request is about.
        starts_at, ends_at: Window in simulated time, the end excluded.
        skip: Let this many matching requests pass first.
        times: Strike this often, ``None`` for always.
        chance: Probability of striking, drawn from the site's seeded randomness.
        seconds: Simulated seconds (``late``, ``slow``).
        pause: Real seconds (``drip``, ``hang``).
        after_bytes: Of the whole answer, head included (``cut``; negative counts from its end), or per
            piece (``drip``).
    """

    action: Action
    name: str = ""
    methods: tuple[str, ...] = ()
    path: str = ""
    body: str = ""
    identity: str | None = None
    scope: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    skip: int = 0
    times: int | None = None
    chance: float = 1.0
    status: int = 503
    message: str = ""
    retry_after: int | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    location: str = "https://example.invalid/"
    seconds: float = 0.0
    pause: float = 0.0
    after_bytes: int = 0
    content_type: str = "text/html; charset=utf-8"

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Fault:
        """Read an order from the control API.

        Raises:
            ValueError: Unknown keys or action, with a sentence.
        """
        known = {f.name for f in dataclasses.fields(cls)}
        if stray := sorted(set(raw) - known):
            raise ValueError(f"a fault has no {', '.join(stray)}; it has {', '.join(sorted(known))}")
        if raw.get("action") not in ACTIONS:
            raise ValueError(f"unknown fault action {raw.get('action')!r}; there are {', '.join(sorted(ACTIONS))}")
        values = dict(raw)
        for moment in ("starts_at", "ends_at"):
            if values.get(moment) is not None:
                values[moment] = datetime.fromisoformat(values[moment])
        values["methods"] = tuple(values.get("methods", ()))
        return cls(**values)

    def concerns(self, seen: Sighting) -> bool:
        """Whether the request and the moment meet every condition but chance and counting."""
        request = seen.request
        return (
            (not self.methods or request.method in self.methods)
            and (not self.path or re.search(self.path, request.path) is not None)
            and (not self.body or re.search(self.body, request.body.decode(errors="replace")) is not None)
            and (self.identity is None or self.identity == seen.identity)
            and (self.scope is None or self.scope == seen.scope)
            and self._is_on(seen.now)
        )

    def _is_on(self, now: datetime) -> bool:
        return not ((self.starts_at and now < self.starts_at) or (self.ends_at and now >= self.ends_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A request as the fault plan sees it."""

    request: Request
    identity: str
    scope: str | None
    now: datetime


@dataclass(slots=True)
class _Order:
    fault: Fault
    seen: int = 0
    struck: int = 0

    def strikes(self, rng: random.Random) -> bool:
        self.seen += 1
        if self.seen <= self.fault.skip or (self.fault.times is not None and self.struck >= self.fault.times):
            return False
        if self.fault.chance < 1.0 and rng.random() >= self.fault.chance:
            return False
        self.struck += 1
        return True


class FaultPlan:
    """The orders of one site; the first that strikes wins."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._orders: list[_Order] = []

    def __bool__(self) -> bool:
        return bool(self._orders)

    def add(self, fault: Fault) -> None:
        """Order one more fault."""
        self._orders.append(_Order(fault))

    def clear(self, name: str | None = None) -> None:
        """Forget the orders of this name, or all."""
        self._orders = [] if name is None else [o for o in self._orders if o.fault.name != name]

    def pick(self, seen: Sighting) -> Fault | None:
        """The fault that strikes this request, if any."""
        concerned = (order for order in self._orders if order.fault.concerns(seen))
        return next((order.fault for order in concerned if order.strikes(self._rng)), None)

    def status(self) -> list[dict[str, Any]]:
        """Each order with how often it was met and how often it struck."""
        return [
            {"name": o.fault.name, "action": o.fault.action, "seen": o.seen, "struck": o.struck} for o in self._orders
        ]
