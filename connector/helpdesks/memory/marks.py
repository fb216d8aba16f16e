"""What the helpdesk in memory shows of our own writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from connector.domain.marks import Mark, ref_of


def mark(
    key: str, also: Collection[str], riders: Mapping[str, str], *, public: bool | None, at: datetime
) -> Mark | None:
    """Return the mark of a write with ``key``; ``public`` is ``None`` for fields alone. Without a key there is none."""
    if not key:
        return None
    refs = frozenset({ref_of(key), *also}) if public is not None else frozenset()
    memory, policy = riders.get("memory", ""), riders.get("policy", "")
    return Mark(at=at, key=key, refs=refs, public=public, memory=memory, policy=policy)
