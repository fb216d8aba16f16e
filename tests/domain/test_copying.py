"""Copies of frozen values with some fields changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.copying import changed, drafted, maker
from connector.domain.situation import EscalationState

_NAMES = sorted(field.name for field in fields(EscalationState))
_CHANGES = st.dictionaries(st.sampled_from(_NAMES), st.sampled_from([None, 1, "x", frozenset({"a"})]))


@given(first=_CHANGES, second=_CHANGES)
def test_a_copy_is_what_replace_makes_and_leaves_the_old_one_alone(
    first: dict[str, object], second: dict[str, object]
) -> None:
    before = replace(EscalationState(), **first)  # type: ignore[arg-type]
    untouched = replace(before)
    made = changed(before, **second)
    assert made == replace(before, **second)  # type: ignore[arg-type]
    assert type(made) is EscalationState
    assert before == untouched


def test_a_copy_is_as_frozen_as_the_value() -> None:
    with pytest.raises(FrozenInstanceError):
        changed(EscalationState(), level=2).level = 3  # type: ignore[misc]


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(KeyError):
        changed(EscalationState(), lvel=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plain:
    a: int
    b: str = "b"
    c: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError("a is negative")


@drafted
@dataclass(frozen=True, slots=True, kw_only=True)
class _Drafted:
    a: int
    b: str = "b"
    c: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError("a is negative")


@dataclass(frozen=True, slots=True)
class _Placed:
    a: int
    b: str = "b"
    c: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError("a is negative")


_GIVEN = st.fixed_dictionaries(
    {}, optional={"a": st.integers(-1, 3), "b": st.text(max_size=2), "c": st.lists(st.integers()), "d": st.none()}
)


def _made(kind: Callable[..., Any], given: dict[str, object]) -> object:
    try:
        value = kind(**given)
    except (TypeError, ValueError) as error:
        return type(error)
    return {name: getattr(value, name) for name in ("a", "b", "c")}


@given(_GIVEN)
def test_what_is_made_as_a_draft_is_what_a_dataclass_makes_or_refuses(given: dict[str, object]) -> None:
    assert _made(_Drafted, given) == _made(_Plain, given)


@pytest.mark.parametrize("kind", [_Plain, _Drafted, _Placed])
@given(given_=_GIVEN)
def test_what_a_maker_makes_is_what_the_class_makes_or_refuses(kind: type[Any], given_: dict[str, object]) -> None:
    assert _made(maker(kind), given_) == _made(kind, given_)


@pytest.mark.parametrize("kind", [_Plain, _Drafted, _Placed])
def test_what_a_maker_makes_is_equal_to_what_the_class_makes_and_as_frozen(kind: type[Any]) -> None:
    made = maker(kind)(a=1)
    assert type(made) is kind
    assert made == kind(a=1)
    with pytest.raises(FrozenInstanceError):
        made.a = 2


def test_a_maker_takes_by_place_what_the_class_does_and_no_more() -> None:
    assert maker(_Placed)(1, "c") == _Placed(1, "c")
    with pytest.raises(TypeError):
        maker(_Plain)(1)  # type: ignore[call-arg]


def test_what_was_made_as_a_draft_is_one_of_its_kind_and_frozen() -> None:
    value = _Drafted(a=1)
    assert type(value) is _Drafted
    assert value == _Drafted(a=1)
    assert value.c is not _Drafted(a=1).c
    assert (hash(value.b), repr(replace(value, a=2))) == (hash("b"), "_Drafted(a=2, b='b', c=[])")
    with pytest.raises(FrozenInstanceError):
        value.a = 2  # type: ignore[misc]
