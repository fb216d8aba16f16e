"""When a level that we did not write makes us look who did."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from connector.domain.change import Field
from connector.domain.events import History
from connector.engine.strangers import might_be_a_strangers
from tests.domain.desk import Desk

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("adopted", "read", "asks"),
    [
        pytest.param(Field.LEVEL, -SECOND, True, id="a level, since the history was read"),
        pytest.param(Field.PATH, None, True, id="a path, and no history was ever read"),
        pytest.param(Field.LEVEL, SECOND, False, id="the history that was read since tells already"),
        pytest.param(Field.PRIORITY, None, False, id="a priority, which people set as well"),
    ],
)
def test_who_wrote_it_is_asked_where_nobody_but_a_connector_does(
    adopted: Field, read: timedelta | None, asks: bool
) -> None:
    desk = Desk()
    until = None if read is None else desk.ticket.updated_at + read
    made = dataclasses.replace(desk.look()[1], adopted=(adopted,))
    situation = dataclasses.replace(desk.situation, history=History(read_until=until))
    assert might_be_a_strangers(made, situation) is asks
