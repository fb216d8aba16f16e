"""What passes do where one ticket cannot be read just before a write on it, and all others can."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from connector.domain.change import Write
from connector.domain.ticket import Status
from connector.engine.next_step import APART
from connector.engine.passes import PassOutcome
from connector.engine.ticket_trouble import MOST_AT_ONCE
from connector.errors import Denied, HelpdeskError, Malformed, Unchecked
from tests.engine.stage import MINUTE, SECOND, Desk, Stage
from tests.engine.test_passes import P1, P3, opened
from tests.engine.test_resend import NOTE, SPOKEN, lose_a_note, said
from tests.engine.test_ticket_trouble import ALONE, WHOLE, attention, next_pass, troubles
from tests.helpdesks.stopped_clock import StoppedClock


@pytest.fixture
def desk(clock: StoppedClock) -> Desk:
    """A desk whose helpdesk compares nothing."""
    made = Desk("desk", clock)
    made.world.compares = False
    return made


@pytest.fixture
def known(stage: Stage) -> Stage:
    """A site that has been read once."""
    stage.run("desk")
    return stage


def unchecked(desk: Desk, errors: Mapping[str, HelpdeskError]) -> list[str]:
    """From now on these tickets cannot be read just before a write; return the tickets tried."""
    tried: list[str] = []

    def fails(write: Write) -> None:
        tried.append(write.ref.id)
        if (cause := errors.get(write.ref.id)) is not None:
            raise Unchecked(f"could not be read: {cause}") from cause

    desk.writer.before_send = fails
    return tried


@pytest.mark.parametrize(
    "cause", [pytest.param(e, id=of) for of, e in {**ALONE, "unreadable": Malformed("odd")}.items()]
)
class TestATicketThatCannotBeReadBeforeAWrite:
    def test_it_costs_its_ticket_alone(self, known: Stage, desk: Desk, cause: HelpdeskError) -> None:
        first, other = opened(desk, 2)
        tried = unchecked(desk, {first: cause})
        result = next_pass(known)
        assert result.outcome is PassOutcome.PARTIAL
        assert result.applied is not None
        assert (result.applied.stopped, result.applied.failed) == ("", 1)
        assert (desk.live(first).priority, desk.live(other).priority) == (P3, P1)
        assert tried.count(first) == 1, "what else is wanted on it waits"
        assert known.journal.sending("desk") == ()

    def test_it_is_written_once_it_can_be_read(self, known: Stage, desk: Desk, cause: HelpdeskError) -> None:
        (id_,) = opened(desk, labels=SPOKEN)
        errors = {id_: cause}
        tried = unchecked(desk, errors)
        for _ in range(30):
            next_pass(known, 20 * SECOND)
        assert 3 <= len(tried) <= 12
        assert [item.ticket for item in troubles(known)] == [id_]
        errors.clear()
        next_pass(known, 5 * MINUTE)
        assert (desk.live(id_).priority, said(desk), troubles(known)) == (P1, [1], [])

    def test_what_lasts_calls_somebody_once(self, known: Stage, desk: Desk, cause: HelpdeskError) -> None:
        (id_,) = opened(desk)
        unchecked(desk, {id_: cause})
        for _ in range(16):
            next_pass(known, 5 * MINUTE)
        (alarm,) = [a for a in known.ears.alarms if "nothing can be written" in a.message]
        assert alarm.ticket == f"desk:{id_}"
        assert len(attention(known)) == 1


class TestBeforeAWriteMoreThanATicket:
    @pytest.mark.parametrize("cause", [pytest.param(error, id=of) for of, error in WHOLE.items()])
    def test_what_concerns_all_stops_the_site(self, known: Stage, desk: Desk, cause: HelpdeskError) -> None:
        first, other = opened(desk, 2)
        tried = unchecked(desk, {first: cause, other: cause})
        result = next_pass(known)
        assert result.applied is not None
        assert result.applied.stopped
        assert len(tried) == 1
        assert troubles(known) == []

    def test_many_that_begin_to_fail_at_once_are_the_helpdesk(self, known: Stage, desk: Desk) -> None:
        ids = opened(desk, MOST_AT_ONCE + 2)
        tried = unchecked(desk, dict.fromkeys(ids, ALONE["5xx"]))
        result = next_pass(known)
        assert result.applied is not None
        assert result.applied.stopped
        assert len(tried) == MOST_AT_ONCE + 1
        assert len(troubles(known)) == MOST_AT_ONCE
        (other,) = opened(desk)
        assert next_pass(known).outcome is PassOutcome.PARTIAL
        assert desk.live(other).priority is P1, "a few tickets stop no site for good"

    def test_credentials_do_not_pass_for_a_tickets_trouble(self, known: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)

        def denied(_write: Write) -> None:
            raise Denied("not accepted", about="credentials") from ALONE["5xx"]

        desk.writer.before_send = denied
        assert next_pass(known).outcome is PassOutcome.DENIED
        assert desk.live(id_).priority is P3

    def test_a_ticket_that_closes_meanwhile_is_forgotten(self, known: Stage, desk: Desk) -> None:
        (id_,) = opened(desk)
        unchecked(desk, {id_: ALONE["5xx"]})
        next_pass(known)
        desk.world.update(id_, status=Status.SOLVED)
        next_pass(known)
        assert troubles(known) == []


def test_a_copy_that_cannot_be_checked_leaves_the_row_as_it_was(known: Stage, desk: Desk) -> None:
    """A second copy is due and its ticket cannot be read just before: the first one's row keeps its moments."""
    id_ = lose_a_note(known, desk)
    for _ in range(2):
        next_pass(known, NOTE)
    (before,) = known.journal.sending("desk")
    errors = {id_: ALONE["5xx"]}
    tried = unchecked(desk, errors)
    (other,) = opened(desk)
    result = next_pass(known, APART)
    assert (result.applied is not None and result.applied.stopped, tried.count(id_)) == ("", 1)
    (after,) = known.journal.sending("desk")
    assert (after.resent, after.sent_at, after.request_digest) == (before.resent, before.sent_at, before.request_digest)
    assert desk.live(other).priority is P1
    errors.clear()
    next_pass(known, 5 * MINUTE)
    assert set(said(desk)) == {1}
