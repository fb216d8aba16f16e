"""Reasons as values: what happened and with which parameters. Texts put them into a reader's language.

``str()`` is the English of plan, log and explain; a note never shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType


class ReasonKind(StrEnum):
    """What happened. Behind each stand the parameters that it always has."""

    UNKNOWN = ""
    MARK = "mark"  # clock, mark; percent or before, deadline where they are known; late from 100 % on
    THRESHOLD = "threshold"  # the same, as what moved a level
    AT_ONCE = "at_once"  # priority
    TRIGGER = "trigger"  # trigger
    TIMER = "timer"  # left: the level that nobody acknowledged
    REMINDER = "reminder"  # repeats
    UPDATE = "update"  # every
    ASK = "ask"  # trigger
    HOLD = "hold"  # held, wanted; by, or account where the map binds no name
    MAX_PAUSE = "max_pause"  # limit
    FLAPPING = "flapping"  # wanted
    APPROVED = "approved"  # as a threshold, after somebody let it through


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its kind and its parameters as plain text (moments ISO 8601 in UTC, lengths as in the policy).

    ``path`` and ``level`` among the parameters say which level a reason is about, where a text does not say it itself.
    ``skipped`` are the levels that were passed over because nobody there can be reached, ``why_skipped`` says in
    English who was and why.
    """

    kind: ReasonKind = ReasonKind.UNKNOWN
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def passing_over(self, levels: Sequence[int], why: Sequence[str]) -> Reason:
        """Return the reason with the levels that were passed over on the way, and who was not called and why."""
        if not why:
            return self
        told = {"why_skipped": "; ".join(why)} | ({"skipped": ", ".join(map(str, levels))} if levels else {})
        return replace(self, values=MappingProxyType({**self.values, **told}))

    def about(self, *, path: str, level: int) -> Reason:
        """Return the reason with the level that it is about."""
        return replace(self, values=MappingProxyType({**self.values, "path": path, "level": str(level)}))

    def __str__(self) -> str:
        place = "level {level} of path {path}: ".format_map(self.values) if "level" in self.values else ""
        skipped = "; not reachable: {why_skipped}".format_map(self.values) if "why_skipped" in self.values else ""
        return place + _ENGLISH[self.kind].format_map(_Known(self.values)) + skipped


class _Known(dict[str, str]):
    """Parameters; one that is not known is empty."""

    def __missing__(self, _name: str) -> str:
        return ""


_ENGLISH: Mapping[ReasonKind, str] = {
    ReasonKind.UNKNOWN: "",
    ReasonKind.MARK: "{mark} of {clock} used",
    ReasonKind.THRESHOLD: "threshold {clock} {mark}",
    ReasonKind.AT_ONCE: "{priority} starts at once",
    ReasonKind.TRIGGER: "trigger {trigger}",
    ReasonKind.TIMER: "level {left} not acknowledged",
    ReasonKind.REMINDER: "not acknowledged, reminder {repeats}",
    ReasonKind.UPDATE: "regular update, every {every}",
    ReasonKind.ASK: "trigger {trigger} asks an agent to confirm",
    ReasonKind.HOLD: "{by}{account} set {held}; the policy says {wanted}",
    ReasonKind.MAX_PAUSE: "waiting for longer than {limit}",
    ReasonKind.FLAPPING: "the priority that the policy wants goes to and fro, now {wanted}",
    ReasonKind.APPROVED: "threshold {clock} {mark}, approved",
}


def reason(kind: ReasonKind, **values: object) -> Reason:
    """Return a reason; a parameter that is ``None`` or empty is left out."""
    return Reason(kind, MappingProxyType({name: str(held) for name, held in values.items() if held not in {None, ""}}))
