"""A share of ``scripts/fuzz``: every target with a few inputs; the script runs as many as there is time for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.security.fuzz_targets import COSTLY, TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_unexpected_comes_out(name: str, *, full: bool) -> None:
    target = TARGETS[name]
    examples = (20 if name in COSTLY else 2000) if full else (2 if name in COSTLY else 30)

    @settings(max_examples=examples, deadline=None)
    @given(st.data())
    def run(data: Any) -> None:
        target(data.draw(target.inputs))

    run()
