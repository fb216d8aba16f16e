"""Values ↔ plain JSON-able data, driven by the values' own types; one compiled pair of functions per type.

Dataclasses become dictionaries by field name, enums their values, moments ISO 8601 text, lengths of time whole
microseconds, tuples lists, sets sorted lists. A field that is empty and empty by default is left out, so stored rows
stay short. Reading is strict: an unknown key, a missing one or a value of another type raises ``ValueError`` that names
the place.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any, Generic, TypeVar, Union

T = TypeVar("T")

_MICROSECOND = timedelta(microseconds=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """Both directions of one type; ``decode(encode(value)) == value``."""

    encode: Callable[[T], Any]
    decode: Callable[[Any], T]


def dataclass_codec(cls: type[T], *, without: frozenset[str] = frozenset()) -> Codec[T]:
    """Return the codec of a dataclass; fields named in ``without`` are never written nor read."""
    hints = typing.get_type_hints(cls)
    fields = [f for f in dataclasses.fields(typing.cast("Any", cls)) if f.name not in without]
    codecs = {f.name: _codec(hints[f.name]) for f in fields}
    plan = tuple((f.name, codecs[f.name].encode, *_empty_default(f)) for f in fields)
    required = frozenset(f.name for f in fields if not _has_default(f))

    def encode(value: T) -> Any:
        found = {}
        for name, encode_field, droppable, default in plan:
            held = getattr(value, name)
            if droppable and (held is default or held == default):
                continue
            found[name] = encode_field(held)
        return found

    def decode(data: Any) -> T:
        known = _object(data)
        _refuse_keys(cls, known, required, codecs)
        return cls(**{name: _within(name, codecs[name].decode, held) for name, held in known.items()})

    return Codec(encode, decode)


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _empty_default(field: dataclasses.Field[Any]) -> tuple[bool, Any]:
    """Return whether the field may be left out, and the empty value for which it is."""
    if field.default is not dataclasses.MISSING:
        return not field.default, field.default
    if field.default_factory is not dataclasses.MISSING:
        made = field.default_factory()
        return not made, made
    return False, None


def _refuse_keys(cls: type, data: Mapping[str, Any], required: frozenset[str], known: Mapping[str, Any]) -> None:
    if missing := sorted(required - data.keys()):
        raise ValueError(f"{cls.__name__}: missing {', '.join(missing)}")
    if unknown := sorted(data.keys() - known.keys()):
        raise ValueError(f"{cls.__name__}: unknown {', '.join(unknown)}")


def _within(name: str, decode: Callable[[Any], Any], data: Any) -> Any:
    try:
        return decode(data)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


@cache
def _codec(kind: Any) -> Codec[Any]:
    origin = typing.get_origin(kind)
    if origin in {Union, types.UnionType}:
        return _union(tuple(typing.get_args(kind)))
    if origin in {tuple, frozenset}:
        return _collection(origin, typing.get_args(kind)[0])
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(*typing.get_args(kind))
    if kind in _SCALARS:
        return _SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return Codec(lambda member: member.value, kind)
    return dataclass_codec(kind)


def _union(members: tuple[Any, ...]) -> Codec[Any]:
    rest = tuple(member for member in members if member is not types.NoneType)
    if len(rest) > 1:
        return _mixed(rest)
    inner = _codec(rest[0])
    return Codec(
        lambda value: None if value is None else inner.encode(value),
        lambda data: None if data is None else inner.decode(data),
    )


def _mixed(members: tuple[Any, ...]) -> Codec[Any]:
    """Return the codec of an input's value: text, number, truth or a set of texts; JSON tells them apart."""
    texts = _codec(frozenset[str])
    if not set(members) <= {str, float, bool, frozenset[str]}:
        raise TypeError(f"no plain form tells {members} apart")

    def encode(value: Any) -> Any:
        return texts.encode(value) if isinstance(value, frozenset) else value

    def decode(data: Any) -> Any:
        return texts.decode(data) if isinstance(data, list) else _one_of(data)

    return Codec(encode, decode)


def _one_of(data: Any) -> Any:
    if not isinstance(data, str | float | int):
        raise ValueError(f"expected a text, a number or a truth value, found {data!r}")  # noqa: TRY004
    return data


def _collection(origin: Any, member: Any) -> Codec[Any]:
    inner = _codec(member)
    ordered = sorted if origin is frozenset else list

    def decode(data: Any) -> Any:
        if not isinstance(data, list):
            raise ValueError(f"expected a list, found {data!r}")  # noqa: TRY004
        return origin(inner.decode(item) for item in data)

    return Codec(lambda value: ordered(inner.encode(item) for item in value), decode)


def _mapping(key: Any, member: Any) -> Codec[Any]:
    keys, inner = _codec(key), _codec(member)

    def encode(value: Any) -> Any:
        return {keys.encode(name): inner.encode(held) for name, held in value.items()}

    def decode(data: Any) -> Any:
        found = {keys.decode(name): _within(name, inner.decode, held) for name, held in _object(data).items()}
        return MappingProxyType(found)

    return Codec(encode, decode)


def _object(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise ValueError(f"expected an object, found {data!r}")  # noqa: TRY004
    return data


def _same(value: Any) -> Any:
    return value


def _only(*kinds: type) -> Callable[[Any], Any]:
    def decode(data: Any) -> Any:
        if type(data) not in kinds:
            raise ValueError(f"expected {kinds[0].__name__}, found {data!r}")
        return data

    return decode


def _moment(data: Any) -> datetime:
    at = datetime.fromisoformat(_only(str)(data))
    if at.tzinfo is None:
        raise ValueError(f"expected a moment with an offset, found {data!r}")
    return at


def _length(data: Any) -> timedelta:
    return timedelta(microseconds=_only(int)(data))


_SCALARS: Mapping[Any, Codec[Any]] = {
    str: Codec(_same, _only(str)),
    int: Codec(_same, _only(int)),
    float: Codec(_same, _only(float, int)),
    bool: Codec(_same, _only(bool)),
    datetime: Codec(datetime.isoformat, _moment),
    timedelta: Codec(lambda value: value // _MICROSECOND, _length),
}
