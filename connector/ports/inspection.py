"""What ``check`` finds at a helpdesk: rights, bindings, and what is wrong with either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from connector.domain.site import Effect


class Verdict(StrEnum):
    """How one thing stands."""

    OK = "ok"
    MISSING = "missing"  # a right that is needed
    EXCESS = "excess"  # a right that is not needed and could do harm
    BROKEN = "broken"  # the map names what the helpdesk does not have
    UNKNOWN = "unknown"  # could not be looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of ``check``; ``what`` is a right, a field, a group, a person."""

    verdict: Verdict
    what: str
    why: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a site is to do. ``effects``: switched on there or in any of its scopes; ``searches``: no export is read."""

    effects: frozenset[Effect]
    searches: bool = False


class Inspector(Protocol):
    """Looks at one site with both credentials; it only reads."""

    def inspect(self, wanted: Wanted, /) -> Iterator[Finding]:
        """Yield findings; raises ``HelpdeskError`` when the site cannot be asked at all."""
