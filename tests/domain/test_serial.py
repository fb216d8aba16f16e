from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain import serial
from connector.domain.ticket import Status, Text, Ticket, TicketRef
from tests.domain import values

PAIRS = {
    "change": (values.changes, serial.change_to_dict, serial.change_from_dict),
    "write": (values.writes, serial.write_to_dict, serial.write_from_dict),
    "field change": (values.field_changes, serial.field_change_to_dict, serial.field_change_from_dict),
    "notice": (values.notices, serial.notice_to_dict, serial.notice_from_dict),
    "record": (values.records, serial.record_to_dict, serial.record_from_dict),
    "state": (values.states, serial.state_to_dict, serial.state_from_dict),
    "path": (values.paths, serial.path_to_dict, serial.path_from_dict),
    "event": (values.events, serial.event_to_dict, serial.event_from_dict),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
@given(data=st.data())
def test_what_was_written_as_json_reads_back_equal(pair, data):
    strategy, to_dict, from_dict = pair
    value = data.draw(strategy)
    assert from_dict(json.loads(json.dumps(to_dict(value)))) == value


@given(ticket=values.tickets)
def test_a_ticket_reads_back_equal_but_without_its_text(ticket):
    stored = json.loads(json.dumps(serial.ticket_to_dict(ticket)))
    assert "text" not in stored
    assert serial.ticket_from_dict(stored) == dataclasses.replace(ticket, text=None)


AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
TICKET = Ticket(
    ref=TicketRef("jsm", "1"),
    key="SUP-1",
    version="7",
    status=Status.OPEN,
    opened_at=AT,
    updated_at=AT,
    facts={"tags": frozenset({"b", "a"}), "score": 1.0, "vip": True},
    text=Text(subject="secret"),
)


def test_empty_fields_are_left_out_and_sets_are_sorted():
    assert serial.ticket_to_dict(TICKET) == {
        "ref": {"site": "jsm", "id": "1"},
        "key": "SUP-1",
        "version": "7",
        "status": "open",
        "opened_at": "2026-11-20T08:00:00+00:00",
        "updated_at": "2026-11-20T08:00:00+00:00",
        "facts": {"tags": ["a", "b"], "score": 1.0, "vip": True},
    }


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        pytest.param({"colour": "red"}, "unknown colour", id="an unknown key"),
        pytest.param({"key": 7}, "key: expected str, found 7", id="a value of another type"),
        pytest.param({"status": "lost"}, "status: 'lost' is not a valid Status", id="a word we do not know"),
        pytest.param({"ref": {"site": "jsm"}}, "ref: TicketRef: missing id", id="a missing key, with its place"),
        pytest.param({"labels": "urgent"}, "labels: expected a list, found 'urgent'", id="text where a list belongs"),
        pytest.param({"facts": []}, "facts: expected an object", id="a list where an object belongs"),
        pytest.param({"facts": {"x": None}}, "facts: x: expected a text", id="an input without a value"),
        pytest.param({"opened_at": "noon"}, "opened_at: ", id="a moment that is none"),
    ],
)
def test_reading_is_strict_and_names_the_place(edit, complaint):
    with pytest.raises(ValueError, match=complaint):
        serial.ticket_from_dict(serial.ticket_to_dict(TICKET) | edit)
