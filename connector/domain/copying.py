"""A frozen value once more, with some of its fields changed, for values that every decision copies several times.

``dataclasses.replace`` looks at every field by name and hands all of them to ``__init__`` by name again; that was an
eighth of a decision. Here the copy is made as a *draft*, a class with the very same slots and no freeze, by a function
written once per class as ``dataclass`` writes its own, and becomes what it is a copy of at the end. Nothing is
validated anew: what ``__post_init__`` looks at is not to be changed by it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def changed(value: T, /, **changes: Any) -> T:
    """Return a copy of a frozen, slotted dataclass, not derived from another, with ``changes``.

    Raises:
        KeyError: It has no field of that name.
    """
    kind: Any = type(value)
    copied, puts = _layout(kind)
    made = copied(value)
    for name, held in changes.items():
        puts[name](made, held)
    made.__class__ = kind
    copy: T = made
    return copy


@functools.cache
def _layout(kind: type[Any]) -> tuple[Callable[[Any], Any], Mapping[str, Callable[[Any, Any], None]]]:
    """Return what makes a draft of a value, and how each field of a draft is written."""
    names = tuple(field.name for field in fields(kind))
    draft = type(f"{kind.__name__}Draft", (), {"__slots__": names})
    lines = ["def copied(value):", " draft = new(kind)", *(f" draft.{n} = value.{n}" for n in names), " return draft"]
    made: dict[str, Any] = {"new": object.__new__, "kind": draft}
    exec("\n".join(lines), made)  # noqa: S102 - nothing in it but the names of a dataclass's fields
    return made["copied"], {name: getattr(draft, name).__set__ for name in names}
