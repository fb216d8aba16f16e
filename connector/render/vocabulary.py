"""The names that a template may use, with an example of each.

A name that a notice has no value for is empty, so a template can say ``{% if due_at %}``. Any other name is a mistake
and is found when templates are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

REQUIRED = frozenset({"escalated", "hold", "max-pause"})
"""Texts that the connector itself needs, whatever the policy names."""

VOCABULARY: Mapping[str, str] = MappingProxyType(
    {
        "ticket": "SUP-14",
        "priority": "P2",
        "reason": "75% of resolution used",
        "policy": "acme-support @a1b2c3d",
        "path": "default",
        "level": "2",
        "level_target": "group second-line",
        "assignee": "anna",
        "group": "service-desk",
        "now": "2026-11-23T15:00:00+00:00",
        "clock": "resolution",
        "mark": "75%",
        "percent": "75",
        "target": "8h",
        "calendar": "office-de",
        "deadline": "2026-11-23T17:00:00+00:00",
        "notify": "assignee",
        "held": "P3",
        "wanted": "P1",
        "by": "ben",
        "since": "2026-11-23T11:00:00+00:00",
        "trigger": "security-words",
        "also": "100% of first_response used",
    }
)
