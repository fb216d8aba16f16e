"""Which members a body may have, and what they must be.

A form maps each member to a kind: a word below (with ``!`` where it must be there), a form for an
object, a list of one form for a list of objects, or ``None`` where anything goes. Null stands
for absent, as it does for the vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Form = Mapping[str, Any]


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _all(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _text(value: Any) -> bool:
    return isinstance(value, str)


WORDS: Mapping[str, Callable[[Any], bool]] = {
    "text": _text,
    "texts": _all(_text),
    "number": _number,
    "numbers": _all(_number),
    "decimal": lambda value: _number(value) or isinstance(value, float),
    "flag": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, Mapping),
}
PROPERTIES: Sequence[Form] = [{"key": "text!", "value": None}]
NAMED: Form = dict.fromkeys(("id", "key", "name", "inward", "outward", "self"), "text")


def objections(given: Any, form: Form, *, at: str = "") -> Iterator[str]:
    """Say what is wrong with an object, a sentence each."""
    if not isinstance(given, Mapping):
        yield f"{at or 'the body'} must be an object"
        return
    prefix = f"{at}." if at else ""
    yield from (f"{prefix}{name} is unknown" for name in given if name not in form)
    for name, kind in form.items():
        yield from _member(given.get(name), kind, at=prefix + name)


def _member(value: Any, kind: Any, *, at: str) -> Iterator[str]:
    if value is None:
        if isinstance(kind, str) and kind.endswith("!"):
            yield f"{at} is required"
    elif isinstance(kind, str):
        word = kind.removesuffix("!")
        if not WORDS[word](value):
            yield f"{at} must be of kind {word}"
    elif isinstance(kind, Mapping):
        yield from objections(value, kind, at=at)
    elif kind is not None:
        yield from _list(value, kind[0], at=at)


def _list(value: Any, form: Form, *, at: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{at} must be a list"
        return
    for number, item in enumerate(value):
        yield from objections(item, form, at=f"{at}.{number}")
