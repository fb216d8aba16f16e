"""Ids and keys of another site's tickets, as they stand in a field of ours. Pure.

Whoever fills such a field may write anything into it; only what has the form of an id or a key is taken.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from connector.domain.site import TwinField
from connector.domain.ticket import Link

MOST_NAMES = 20
"""So many of a field's names are taken: more than a case may have members, so that it is left to people."""

_BETWEEN = re.compile(r"[\s,;|]+")
_KEY = re.compile(r"[A-Z][A-Z0-9_]{0,19}-[0-9]{1,12}")
_ID = re.compile(r"#?([0-9]{1,18})(?:\.0)?")


def twins_in(value: Any, site: str, binding: TwinField) -> Iterator[Link]:
    """Yield the links that a field's value names: text with ids or keys between commas, or one number."""
    if value is None or isinstance(value, bool):
        return
    found = dict.fromkeys(filter(None, map(_name, _BETWEEN.split(str(value)))))
    for name in itertools.islice(found, MOST_NAMES):
        yield Link(kind=binding.kind, target=name, site=site)


def _name(text: str) -> str | None:
    if (number := _ID.fullmatch(text)) is not None:
        return number[1]
    key = text.upper()
    return key if text.isascii() and _KEY.fullmatch(key) else None


def bound_fields(twins: Mapping[str, TwinField]) -> frozenset[str]:
    """Return the ids of the fields that name tickets of other sites."""
    return frozenset(binding.field for binding in twins.values())
