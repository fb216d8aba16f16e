from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.domain.reason import Reason, ReasonKind
from connector.domain.ticket import ClockName, NativeClock, NativeStage, Text
from connector.journal import documents
from connector.journal.moments import from_micros, maybe_micros, maybe_moment, to_micros
from tests.domain import values
from tests.journal.samples import NOW, comment, ticket, write


@given(values.tickets)
def test_a_ticket_reads_back_equal_but_without_its_text(found):
    assume(not any(isinstance(fact, float) and math.isinf(fact) for fact in found.facts.values()))
    document, _ = documents.ticket_document(found)
    assert documents.ticket_of(document) == replace(found, text=None)


@given(values.events)
def test_an_event_reads_back_equal(found):
    assert documents.event_of(documents.event_document(found)) == found


@given(values.states)
def test_a_state_reads_back_equal(found):
    document, _ = documents.state_document(found)
    assert documents.state_of(document) == found


@given(values.writes)
def test_a_write_reads_back_equal_but_for_the_inputs_of_its_template(found):
    kept = documents.write_of(documents.write_document(found))
    if found.comment:
        notice = replace(found.comment.notice, values={})
        found = replace(found, comment=replace(found.comment, notice=notice))
    assert kept == found


def test_a_settled_write_keeps_everything_but_the_words():
    armed = write(comment=comment())
    settled = documents.settled_document(armed)
    assert "SECRET" not in settled
    assert documents.write_of(settled).comment.key == armed.comment.key
    assert documents.body_digest(armed) == documents.digest_of("SECRET-BODY in words")


def test_why_a_comment_is_made_stays_out_of_its_intent():
    """The reason may name a person; what is kept of it is the line about the decision."""
    said = comment()
    why = Reason(ReasonKind.HOLD, {"by": "SECRET", "held": "P1", "wanted": "P2"})
    armed = write(comment=replace(said, notice=replace(said.notice, why=why, also=(why,))))
    for document in (documents.write_document(armed), documents.settled_document(armed)):
        kept = documents.write_of(document).comment.notice
        assert (kept.why, kept.also) == (Reason(), ())
    assert "SECRET" not in documents.settled_document(armed)


def test_a_write_without_words_has_no_digest_of_them():
    assert documents.body_digest(write()) == ""


def test_no_text_of_a_ticket_gets_into_its_document():
    document, _ = documents.ticket_document(ticket(text=Text(subject="SECRET", first_message="SECRET")))
    assert "SECRET" not in document


def test_equal_sets_and_mappings_give_equal_documents_whatever_their_order():
    one = ticket(labels=frozenset({"a", "b", "c"}), facts={"x": "1", "y": "2"})
    other = ticket(labels=frozenset({"c", "b", "a"}), facts={"y": "2", "x": "1"})
    assert documents.ticket_document(one) == documents.ticket_document(other)


_CLOCK = NativeClock(clock=ClockName.RESOLUTION, name="TTR", stage=NativeStage.RUNNING, read_at=NOW, breach_at=NOW)


@pytest.mark.parametrize(
    ("clock", "same"),
    [
        pytest.param(replace(_CLOCK, read_at=NOW + timedelta(hours=1)), True, id="read later"),
        pytest.param(replace(_CLOCK, remaining=timedelta(minutes=-5)), True, id="time went by"),
        pytest.param(replace(_CLOCK, elapsed=timedelta(minutes=5)), True, id="more is used"),
        pytest.param(replace(_CLOCK, breach_at=NOW + timedelta(hours=1)), False, id="deadline moved"),
        pytest.param(replace(_CLOCK, stage=NativeStage.PAUSED), False, id="paused"),
    ],
)
def test_only_what_does_not_move_by_itself_tells_a_helpdesks_clock_apart(clock, same):
    _, before = documents.ticket_document(ticket(native=(_CLOCK,)))
    _, after = documents.ticket_document(ticket(native=(clock,)))
    assert (before == after) is same


@pytest.mark.parametrize("name", ["elapsed", "remaining", "read_at", "native"])
def test_facts_of_any_name_count_beside_a_helpdesks_clocks(name):
    one, other = (ticket(native=(_CLOCK,), facts={name: value, "x": frozenset({"y"})}) for value in ("1", "2"))
    assert documents.ticket_document(one)[1] != documents.ticket_document(other)[1]


def test_the_moment_of_a_decision_alone_is_no_change_of_state():
    found = values.EscalationState(level=2, decided_at=NOW)
    _, before = documents.state_document(found)
    _, after = documents.state_document(replace(found, decided_at=NOW + timedelta(hours=1)))
    _, other = documents.state_document(replace(found, level=3))
    assert before == after != other


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_moments_are_stored_exactly(at):
    assert from_micros(to_micros(at)) == at
    assert to_micros(at.astimezone(timezone(timedelta(hours=5, minutes=45)))) == to_micros(at)
    assert maybe_moment(maybe_micros(at)) == at


def test_no_moment_stays_none():
    assert maybe_moment(maybe_micros(None)) is None
