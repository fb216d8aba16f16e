"""The names that a template may use, with an example of each; the text ``reason`` has names of its own.

A name that a notice has no value for is empty, so a template can say ``{% if due_at %}``. Any other name is a mistake
and is found when templates are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connector.domain.reason import ReasonKind

REASON = "reason"
"""The text that puts one reason into words; every other text shows what it made as ``reason`` and ``also``."""

REQUIRED = frozenset({"escalated", "flapping", "hold", "max-pause", REASON})
"""Texts that the connector itself needs, whatever the policy names."""

OWN_LINK = "url"
"""The one value that may be a link: the ticket's own address."""

VOCABULARY: Mapping[str, str] = MappingProxyType(
    {
        "ticket": "SUP-14",
        "url": "https://acme.example/browse/SUP-14",
        "priority": "P2",
        "status": "open",
        "group": "service-desk",
        "assignee": "anna",
        "path": "default",
        "level": "2",
        "level_target": "second-line",
        "reminder": "",
        "clock": "resolution",
        "mark": "75%",
        "percent": "75",
        "deadline": "2026-11-23T17:00:00+00:00",
        "target": "8h",
        "calendar": "office-de",
        "notify": "assignee",
        "trigger": "security-words",
        "held": "P3",
        "wanted": "P1",
        "by": "ben",
        "account": "5066",
        "since": "2026-11-23T11:00:00+00:00",
        "reason": "75% of the time for the resolution is used",
        "also": "• the first response is overdue\n• a regular update is due",
    }
)

_MARK = {"clock": "resolution", "mark": "75%", "percent": "75", "deadline": VOCABULARY["deadline"]}

REASONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        ReasonKind.MARK: _MARK,
        ReasonKind.THRESHOLD: _MARK | {"late": "yes", "percent": "100", "mark": "100%"},
        ReasonKind.AT_ONCE: {"priority": "P1"},
        ReasonKind.TRIGGER: {"trigger": "security-form"},
        ReasonKind.TIMER: {"left": "1", "path": "default", "level": "3", "skipped": "2"},
        ReasonKind.REMINDER: {"repeats": "2", "path": "default", "level": "2"},
        ReasonKind.UPDATE: {"every": "1h"},
        ReasonKind.ASK: {"trigger": "security-words"},
        ReasonKind.HOLD: {"held": "P3", "wanted": "P1", "by": "ben", "account": "5066"},
        ReasonKind.MAX_PAUSE: {"limit": "10d"},
        ReasonKind.FLAPPING: {"wanted": "P1"},
        ReasonKind.APPROVED: _MARK | {"before": "30m"},
    }
)
"""Every kind of reason with an example of each of its values: what the text ``reason`` may use."""

REASON_NAMES = frozenset({"kind"}.union(*REASONS.values()))
