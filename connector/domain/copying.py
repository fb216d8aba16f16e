"""A frozen value once more, with some of its fields changed, for values that every decision copies several times.

``dataclasses.replace`` looks at every field by name and hands all of them to ``__init__`` by name again; that was an
eighth of a decision. Here the old fields are read and written as a whole. Nothing is validated anew: what
``__post_init__`` looks at is not to be changed by it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")
_Put = Callable[[Any, Any], None]


def changed(value: T, /, **changes: Any) -> T:
    """Return a copy of a frozen, slotted dataclass of several fields with ``changes``.

    Raises:
        KeyError: It has no field of that name.
    """
    kind: Any = type(value)
    held_of, puts, by_name = _layout(kind)
    made: T = object.__new__(kind)
    for put, held in zip(puts, held_of(value), strict=True):
        put(made, held)
    for name, held in changes.items():
        by_name[name](made, held)
    return made


@functools.cache
def _layout(kind: type[Any]) -> tuple[Callable[[Any], tuple[Any, ...]], tuple[_Put, ...], Mapping[str, _Put]]:
    """Return how all fields are read at once, and how each is written past the freeze."""
    names = tuple(field.name for field in fields(kind))
    puts = {name: getattr(kind, name).__set__ for name in names}
    return attrgetter(*names), tuple(puts.values()), puts
