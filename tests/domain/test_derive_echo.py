"""What a helpdesk does in answer to our own write is a reaction, also where the receipt named no version."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.change import Field
from connector.domain.derive import derive
from connector.domain.events import EventKind, Role
from connector.domain.situation import Applied
from connector.domain.ticket import Status, Ticket, TicketRef

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
OURS = Applied(value="anna", at=AT + timedelta(minutes=1))
BEFORE = Ticket(
    ref=TicketRef("z", "1"), key="#1", version="1", status=Status.NEW, opened_at=AT, updated_at=AT, assignee="anna"
)
AFTER = replace(BEFORE, version="2", updated_at=AT + timedelta(minutes=2), status=Status.OPEN)


@pytest.mark.parametrize("field", [Field.ASSIGNEE, Field.GROUP])
def test_new_to_open_after_our_assignment_is_a_reaction(field: Field) -> None:
    derived = derive(BEFORE, AFTER, applied={field: OURS})
    (event,) = derived.events
    assert (event.kind, event.actor.role, event.reaction) == (EventKind.STATUS, Role.AUTOMATION, True)
    assert not derived.ask


@pytest.mark.parametrize(
    ("applied", "after"),
    [
        ({}, AFTER),
        ({Field.PRIORITY: OURS}, AFTER),
        ({Field.ASSIGNEE: replace(OURS, at=AT - timedelta(minutes=1))}, AFTER),
        ({Field.ASSIGNEE: replace(OURS, baseline=True)}, AFTER),
        ({Field.ASSIGNEE: OURS}, replace(AFTER, status=Status.WAITING_CUSTOMER)),
    ],
    ids=["nothing of ours", "another field", "long seen", "only a baseline", "another status"],
)
def test_any_other_change_of_status_is_somebodys(applied: dict[Field, Applied], after: Ticket) -> None:
    (event,) = derive(BEFORE, after, applied=applied).events
    assert (event.actor.role, event.reaction) == (Role.UNKNOWN, False)


def test_a_persons_change_in_the_same_sight_stays_a_persons() -> None:
    derived = derive(BEFORE, replace(AFTER, assignee="ben"), applied={Field.ASSIGNEE: OURS})
    roles = {event.kind: event.actor.role for event in derived.events}
    assert roles == {EventKind.STATUS: Role.AUTOMATION, EventKind.ASSIGNEE: Role.UNKNOWN}
    assert derived.ask
