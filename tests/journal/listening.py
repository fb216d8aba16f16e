"""Hearing what is said to a database, and no longer than it is listened for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event


@contextmanager
def heard_by_every_engine(name: str, hear: Callable[..., Any]) -> Iterator[None]:
    """Call ``hear`` at every event of that name, whichever connection it is on.

    SQLAlchemy never forgets that somebody has listened to all engines: from then on it would tell nobody of every event
    of every statement, which would cost all later tests of this process a quarter of what their transactions do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "_has_events", True)
        event.listen(Engine, name, hear)
        try:
            yield
        finally:
            event.remove(Engine, name, hear)
