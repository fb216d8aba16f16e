"""Copies of frozen values with some fields changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.copying import changed
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
