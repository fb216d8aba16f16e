"""A value that was taken over as ours is written by us where the helpdesk's own record says so, and only there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.change import Field
from connector.domain.events import EventKind, EventSource, Role, TicketEvent
from connector.domain.own_writes import recognised
from connector.domain.situation import Applied
from tests.domain.desk import ANNA, MONDAY, OURS, ROBOT
from tests.domain.values import events

HOUR = timedelta(hours=1)
TAKEN_OVER = Applied(value="P2", at=MONDAY + HOUR, baseline=True)


def _event(after: str, *, hours: float = 0, **changes: object) -> TicketEvent:
    given = {"kind": EventKind.PRIORITY, "actor": OURS, "before": "P4"} | changes
    return TicketEvent(id=f"{hours}", at=MONDAY + hours * HOUR, after=after, **given)  # type: ignore[arg-type]


def test_the_record_that_names_us_makes_it_written_from_that_moment() -> None:
    found = recognised({Field.PRIORITY: TAKEN_OVER}, [_event("P2", hours=0.5), _event("P4", hours=2, actor=ROBOT)])
    assert found == {Field.PRIORITY: Applied(value="P2", at=MONDAY + HOUR / 2)}


def test_the_latest_record_counts() -> None:
    first, second = _event("P2"), _event("P2", hours=3)
    found = recognised({Field.PRIORITY: TAKEN_OVER}, [first, _event("P3", hours=1, actor=ANNA), second])
    assert found[Field.PRIORITY].at == second.at


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(_event("P2", actor=ANNA), id="a person's"),
        pytest.param(_event("P2", actor=ROBOT), id="another program's"),
        pytest.param(_event("P2", source=EventSource.DELTA), id="guessed from two polls"),
        pytest.param(_event("P1"), id="another value"),
        pytest.param(_event("P2", kind=EventKind.GROUP), id="another field"),
    ],
)
def test_nothing_else_proves_it(event: TicketEvent) -> None:
    assert recognised({Field.PRIORITY: TAKEN_OVER}, [event]) == {Field.PRIORITY: TAKEN_OVER}


@given(history=st.lists(events), baseline=st.booleans(), field=st.sampled_from(Field), value=st.none() | st.text())
def test_nothing_but_the_author_is_learnt(
    history: list[TicketEvent], baseline: bool, field: Field, value: str | None
) -> None:
    before = Applied(value=value, at=MONDAY, baseline=baseline)
    (after,) = recognised({field: before}, history).values()
    assert after.value == value
    if not baseline or after == before:
        assert after == before
    else:
        assert not after.baseline
        assert any(e.at == after.at and e.after == value and e.actor.role is Role.OURS for e in history)
