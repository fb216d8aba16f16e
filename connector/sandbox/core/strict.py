"""Strictness: what the real thing would quietly ignore, the sandbox names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any


def unknown_keys(given: Iterable[str], allowed: Collection[str]) -> tuple[str, ...]:
    """Name the given keys that are not allowed, once each, sorted."""
    return tuple(sorted({key for key in given if key not in allowed}))


def unknown_params(query: Iterable[tuple[str, str]], allowed: Collection[str]) -> tuple[str, ...]:
    """Name the query parameters that the operation does not have."""
    return unknown_keys((name for name, _ in query), allowed)


def unknown_members(payload: Any, shape: Mapping[str, Any], *, at: str = "") -> tuple[str, ...]:
    """Walk a JSON body and name members that ``shape`` does not have, as dotted paths.

    A shape maps a member to ``None`` (anything goes), to another shape (an object, or each
    object of a list). ``{"*": shape}`` allows any name.
    """
    found: list[str] = []
    for item in payload if isinstance(payload, list) else [payload]:
        if isinstance(item, Mapping):
            for name, value in item.items():
                found += _unknown_member(name, value, shape, at=at)
    return tuple(dict.fromkeys(found))


def _unknown_member(name: str, value: Any, shape: Mapping[str, Any], *, at: str) -> tuple[str, ...]:
    path = f"{at}.{name}" if at else name
    if name not in shape and "*" not in shape:
        return (path,)
    inner = shape.get(name, shape.get("*"))
    return unknown_members(value, inner, at=path) if isinstance(inner, Mapping) else ()
