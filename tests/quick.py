"""Which of a test's parameters a quick run tries; ``--full`` tries each of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def some(every: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """Return ``every`` tuple of values as parameters; a quick run tries those in ``quick``, which all exist."""
    rows = list(every)
    assert set(quick) <= set(rows)
    return [pytest.param(*row, marks=() if row in quick else pytest.mark.full) for row in rows]
