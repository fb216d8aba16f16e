"""The names that a template may use, with an example of each.

A name that a notice has no value for is empty, so a template can say ``{% if due_at %}``. Any other name is a mistake
and is found when templates are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

REQUIRED = frozenset({"escalated", "flapping", "hold", "max-pause"})
"""Texts that the connector itself needs, whatever the policy names."""

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
        "level_target": "group second-line",
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
        "since": "2026-11-23T11:00:00+00:00",
        "reason": "75% of resolution used",
        "also": "100% of first_response used",
    }
)
