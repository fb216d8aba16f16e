"""Frozen values made and copied at the cost of plain ones, for those that are made by the thousand.

A frozen dataclass writes each of its fields past its own freeze, and ``dataclasses.replace`` looks at every field by
name first: an eighth of a decision went into copies, a tenth of reading a page into making tickets. Here a value is
made as a *draft*, a class with the very same slots and no freeze, by code written once per class as ``dataclass``
writes its own, and becomes what it is at the end.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


def changed(value: T, /, **changes: Any) -> T:
    """Return a copy of a frozen, slotted dataclass, not derived from another, with ``changes``.

    Nothing is validated anew: what ``__post_init__`` looks at is not to be changed by it.

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
    names, draft = _names(kind), _draft(kind)
    lines = ["def made(value):", " draft = new(kind)", *(f" draft.{n} = value.{n}" for n in names), " return draft"]
    made = _written(lines, {"new": object.__new__, "kind": draft})
    return made, {name: getattr(draft, name).__set__ for name in names}


def drafted(kind: type[T]) -> type[T]:
    """Decorate a frozen, slotted dataclass of named fields that nothing derives from: its instances begin as drafts."""
    made = _filler(kind, takes="self, ", begins="put(self, '__class__', draft)", ends="")
    made.__name__, made.__qualname__ = "__init__", f"{kind.__qualname__}.__init__"
    kind.__init__ = made  # type: ignore[method-assign]
    return kind


def maker(kind: Callable[P, T]) -> Callable[P, T]:
    """Return a function that makes what calling ``kind``, a frozen, slotted dataclass that derives from none, makes.

    Calling a class gathers the arguments in a dictionary first, which for a ticket costs more than all the rest.
    """
    made: Callable[P, T] = _filler(kind, takes="", begins="self = new(draft)", ends="return self")
    return made


def _filler(kind: Any, *, takes: str, begins: str, ends: str) -> Any:
    """Return a function that takes a value's fields as its ``__init__`` does and fills a draft with them."""
    held: tuple[Field[Any], ...] = fields(kind)
    known = {"put": object.__setattr__, "new": object.__new__, "draft": _draft(kind), "kind": kind, "MISSING": MISSING}
    known |= {f"default_{f.name}": f.default for f in held} | {f"factory_{f.name}": f.default_factory for f in held}
    by_place = [_parameter(f) for f in held if not f.kw_only]
    by_name = [_parameter(f) for f in held if f.kw_only]
    parameters = ", ".join([*by_place, *(["*", *by_name] if by_name else ())])
    after = [" self.__post_init__()"] if hasattr(kind, "__post_init__") else []
    lines = [f"def made({takes}{parameters}):", f" {begins}", *map(_taken, held), " self.__class__ = kind", *after]
    return _written([*lines, f" {ends}"], known)


def _parameter(field: Field[Any]) -> str:
    if field.default is not MISSING:
        return f"{field.name}=default_{field.name}"
    return field.name if field.default_factory is MISSING else f"{field.name}=MISSING"


def _taken(field: Field[Any]) -> str:
    name = field.name
    if field.default_factory is MISSING:
        return f" self.{name} = {name}"
    return f" self.{name} = factory_{name}() if {name} is MISSING else {name}"


def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _draft(kind: type[Any]) -> type[Any]:
    return type(f"{kind.__name__}Draft", (), {"__slots__": _names(kind)})


def _written(lines: list[str], known: dict[str, Any]) -> Callable[..., Any]:
    """Return the function ``made`` of some lines of code."""
    exec("\n".join(lines), known)  # noqa: S102 - nothing in it but the names of a dataclass's fields
    made: Callable[..., Any] = known["made"]
    return made
