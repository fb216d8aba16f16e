"""What our marks in a helpdesk remember for us, should the journal ever be lost: what was said, and where a path stood.

A comment's mark is its operation key; the first ten digits of it (its *ref*) are enough to know it again. Every write
also carries the *memory* of the ticket at that moment, so that a state that was lost computes the same occasions as the
one that wrote them. Pure.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.domain.occasion import Occasion, Outcome, Record, level
from connector.domain.policy import Policy
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.ticket import Priority

REF_DIGITS = 10

_MOMENTS = {
    "s": "started_at",
    "e": "entered_at",
    "t": "timer_from",
    "x": "stepped_at",
    "S": "priority_since",
    "V": "variant_since",
    "u": "rose_at",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One write of our own account, as the helpdesk shows it.

    Attributes:
        at: When it was made, by the helpdesk's time.
        refs: Refs of all that was said with it; empty for fields alone.
        key: The whole operation key, where the helpdesk shows it.
        public: For a comment: could the requester read it? ``None``: fields alone.
        memory: What the write remembered of its ticket, see ``remember``; empty where it carries none.
        policy: Short hash of the policy that it was made under; empty where it does not say.
    """

    at: datetime
    refs: frozenset[str] = frozenset()
    key: str = ""
    public: bool | None = None
    memory: str = ""
    policy: str = ""


def ref_of(key: str) -> str:
    """Return the ref of an operation key."""
    return key[:REF_DIGITS].upper()


def remember(state: EscalationState, done: Iterable[Effect]) -> str:
    """Return what a write remembers: where path and priority stand, and the effects that its level has had with it."""
    if state.path is None and state.priority is None:
        return ""
    known: dict[str, Any] = {
        "p": state.path.name if state.path else None,
        "l": state.level or None,
        "r": state.repeats or None,
        "P": str(state.priority) if state.priority else None,
        "v": state.variant,
        "a": " ".join(sorted(state.active_triggers)) or None,
        "d": " ".join(sorted(done)) or None,
    }
    known |= {short: _seconds(getattr(state, name)) for short, name in _MOMENTS.items()}
    return json.dumps({name: value for name, value in known.items() if value is not None}, separators=(",", ":"))


def recollect(memory: str, policy: Policy, *, at: datetime) -> EscalationState | None:
    """Return the state that a write remembered; ``None`` for a memory that cannot be read.

    A path is taken up with its present levels: the snapshot is lost.
    """
    try:
        return _recollected(json.loads(memory), policy, at)
    except (ValueError, TypeError, KeyError, OverflowError, OSError, AttributeError):
        return None


def _recollected(known: Any, policy: Policy, at: datetime) -> EscalationState:
    path = policy.escalation.paths.get(known.get("p") or "")
    moments: dict[str, Any] = {name: _moment(known.get(short)) for short, name in _MOMENTS.items()}
    state = EscalationState(
        path=path,
        path_reason="remembered by the helpdesk" if path else "",
        level=int(known.get("l", 0)) if path else 0,
        level_reason="remembered by the helpdesk" if path else "",
        repeats=int(known.get("r", 0)),
        priority=Priority[known["P"]] if known.get("P") else None,
        variant=known.get("v"),
        active_triggers=frozenset(known.get("a", "").split()),
        decided_at=at,
        **moments,
    )
    return state if path else dataclasses.replace(state, started_at=None, entered_at=None, timer_from=None)


def had_effects(memory: str) -> frozenset[Effect]:
    """Return the effects that the remembered level has had; empty for a memory that cannot be read."""
    try:
        return frozenset(map(Effect, json.loads(memory).get("d", "").split()))
    except (ValueError, TypeError, AttributeError):
        return frozenset()


def without_effect(memory: str, effect: Effect) -> str:
    """Return a memory whose level has not had an effect; one that cannot be read comes back as it is."""
    try:
        known = json.loads(memory)
        left = [each for each in known["d"].split() if each != effect]
    except (ValueError, TypeError, KeyError, AttributeError):
        return memory
    return json.dumps(known | {"d": " ".join(left)}, separators=(",", ":"))


def level_records(state: EscalationState, done: Iterable[Effect], *, at: datetime) -> tuple[Record, ...]:
    """Return the rows of what the remembered level has had: it is written once, whoever changed it since."""
    if state.path is None or state.entered_at is None:
        return ()
    about: Occasion = level(state.path.name, state.entered_at, state.level)
    return tuple(Record(occasion=about, audience=effect, outcome=Outcome.DONE, at=at) for effect in sorted(done))


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _moment(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
