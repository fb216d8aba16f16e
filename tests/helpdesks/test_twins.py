"""What a field of ours says of another site's tickets: ids and keys, and nothing that anybody wrote."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.cases import MOST_MEMBERS
from connector.domain.site import TwinField
from connector.domain.ticket import LinkKind
from connector.helpdesks.twins import MOST_NAMES, twins_in

FIELD = TwinField(field="external_id", kind=LinkKind.TWIN)


def names(value: Any) -> list[str]:
    return [link.target for link in twins_in(value, "other", FIELD)]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("SUP-14", ["SUP-14"]),
        ("sup-14", ["SUP-14"]),
        ("#123", ["123"]),
        (123, ["123"]),
        (123.0, ["123"]),
        (",12,34,12,", ["12", "34"]),
        ("SUP-14; OPS_2-3", ["SUP-14", "OPS_2-3"]),
        (None, []),
        (True, []),
        ("", []),
        ("customer Jane Doe, jane@example.com", []),
        ("https://acme.example/browse/SUP-14", []),
        ("SUP-14' OR 1=1", []),
    ],
)
def test_ids_and_keys(value: Any, found: list[str]) -> None:
    assert names(value) == found


def test_of_a_long_list_enough_is_taken_to_leave_the_case_to_people() -> None:
    """With none of it, each of them would be a ticket of its own and speak."""
    assert len(names(" ".join(map(str, range(1000))))) == MOST_NAMES > MOST_MEMBERS


@given(st.one_of(st.text(max_size=60), st.integers(), st.floats(), st.binary(max_size=9), st.lists(st.text())))
def test_whatever_stands_there_only_names_come_out(value: Any) -> None:
    for name in names(value):
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*-[0-9]+|[0-9]+", name)
    assert names(value) == names(value)
