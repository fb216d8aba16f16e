"""Regular updates keep their distance, also where it is learnt late that a pause ended."""

from __future__ import annotations

import itertools
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.events import EventKind, TicketEvent
from connector.domain.occasion import Outcome, Said, hold, update, update_of
from connector.domain.policy import Cadence, Mark, Quiet
from connector.domain.site import Effect
from connector.domain.ticket import Priority, Status
from tests.domain.desk import ANNA, MONDAY, Desk
from tests.domain.policies import POLICY, changed

EVERY = timedelta(minutes=40)
UPDATES = changed(
    sla=POLICY.sla,
    cadence={Priority.P1: Cadence(every=EVERY, note="status-update", public=True)},
    quiet=Quiet(notes_per_day=60, min_interval=timedelta(0)),
    hash="u" * 64,
)
OUTAGE = {"impact": "site", "urgency": "blocked"}


def _desk() -> Desk:
    return Desk(UPDATES, facts=OUTAGE, priority=Priority.P1)


def _updates(desk: Desk) -> list:
    return [
        at
        for at, planned in desk.plans
        for notice in planned.notices
        if notice.audience is Effect.PUBLIC and "update" in {o.kind for o in (notice.occasion, *notice.covers)}
    ]


def _learn(desk: Desk, *, ago: timedelta, lasted: timedelta) -> None:
    """Learn from the history of a pause that is long over."""
    began = desk.now - ago
    for at, before, after in (
        (began, Status.OPEN, Status.WAITING_CUSTOMER),
        (began + lasted, Status.WAITING_CUSTOMER, Status.OPEN),
    ):
        number = f"late-{len(desk.events):04}"
        told = TicketEvent(id=number, at=at, kind=EventKind.STATUS, actor=ANNA, before=before, after=after)
        desk.events = sorted([*desk.events, told], key=lambda each: (each.at, each.id))


@given(
    st.lists(
        st.tuples(st.integers(5, 90), st.integers(2, 60), st.integers(1, 30)),
        min_size=1,
        max_size=6,
    )
)
def test_two_updates_are_never_nearer_than_the_cadence_says(story):
    desk = _desk()
    desk.sync()
    for minutes, ago, lasted in story:
        desk.run(minutes=minutes)
        since = min(timedelta(minutes=ago), desk.now - MONDAY - timedelta(seconds=1))
        _learn(desk, ago=since, lasted=min(timedelta(minutes=lasted), since))
        desk.sync()
    desk.run(minutes=180)
    said = _updates(desk)
    gaps = [later - earlier for earlier, later in itertools.pairwise(said)]
    assert said
    assert not [gap for gap in gaps if gap < EVERY]
    assert desk.now - said[-1] < 2 * EVERY  # and it never falls silent


def test_an_update_that_was_just_said_is_not_said_again_when_the_pause_before_it_is_learnt():
    desk = _desk()
    desk.run(minutes=41)
    assert _updates(desk) == [MONDAY + EVERY]
    desk.run(minutes=40)
    _learn(desk, ago=timedelta(minutes=80), lasted=timedelta(minutes=39, seconds=23))
    desk.run(minutes=60)
    assert _updates(desk) == [MONDAY + k * EVERY for k in (1, 2, 3)]


def test_a_pause_that_is_known_in_time_starts_the_cadence_afresh():
    desk = _desk()
    desk.run(minutes=30)
    desk.status(Status.WAITING_CUSTOMER)
    desk.run(minutes=20)
    desk.status(Status.OPEN)
    desk.run(minutes=81)
    assert _updates(desk) == [MONDAY + timedelta(minutes=50) + k * EVERY for k in (1, 2)]


def test_what_shadow_would_have_said_does_not_count_once_it_may_be_said():
    desk = _desk()
    name = str(update(MONDAY + timedelta(minutes=7), 1)), Effect.PUBLIC
    desk.said[name] = Said(outcome=Outcome.WOULD_DO, at=desk.now)
    desk.run(minutes=41)
    assert _updates(desk) == [MONDAY + EVERY]


def test_an_updates_name_tells_when_it_was_due_and_no_other_does():
    assert update_of(str(update(MONDAY, 3))) == (MONDAY, 3)
    assert update_of(str(hold("priority", MONDAY))) is None
    assert update_of(f"threshold:resolution:{Mark(percent=75)}") is None
