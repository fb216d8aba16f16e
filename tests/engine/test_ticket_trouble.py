"""What passes do where the helpdesk answers everything but what is asked of one ticket, before a write or after one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from connector.bootstrap.asides import in_short
from connector.bootstrap.reports import attention_items
from connector.domain.change import Write
from connector.engine.history_trouble import OWN_AFTER
from connector.engine.next_step import APART
from connector.engine.passes import PassOutcome, PassResult
from connector.engine.recover import WATCH_FOR
from connector.engine.ticket_trouble import MOST_AT_ONCE, MOST_KNOWN
from connector.errors import HelpdeskError, NotSent, Throttled, Unavailable, Unknown
from connector.helpdesks.memory import Fault
from connector.journal.outcomes import WATCH_FROM
from connector.ports import AlarmKind, AsideKind, Lookup, OpStatus, SetAside
from tests.engine.stage import MINUTE, SECOND, Desk, Stage
from tests.engine.test_passes import P1, opened
from tests.engine.test_resend import NOTE, SPOKEN, lose_a_note, said
from tests.helpdesks.stopped_clock import StoppedClock

WHY = "GET comments: unknown, status 503"


def unavailable(cause: HelpdeskError | None = None, *, rest: timedelta | None = None) -> Unavailable:
    """Return what a read ends with after its retries."""
    error = Unavailable(WHY, retry_after=rest)
    error.__cause__ = cause
    return error


ALONE = {"5xx": unavailable(Unknown(WHY)), "no end": unavailable()}
WHOLE = {
    "nobody listens": unavailable(NotSent("refuses the connection")),
    "left alone": unavailable(Throttled(WHY, retry_after=MINUTE), rest=MINUTE),
    "the breaker": unavailable(rest=MINUTE),
}


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


def unlooked(desk: Desk, errors: Mapping[str, HelpdeskError]) -> list[tuple[str, bool]]:
    """From now on looking for a write fails on these tickets; return the tickets asked for, and whether as a probe."""
    look, asked = type(desk.reader).look_up, list[tuple[str, bool]]()

    def look_up(write: Write, *, since: datetime, probe: bool = False) -> Lookup:
        asked.append((write.ref.id, probe))
        if write.ref.id in errors:
            raise errors[write.ref.id]
        return look(desk.reader, write, since=since)

    desk.reader.look_up = look_up  # type: ignore[method-assign]
    return asked


def next_pass(stage: Stage, length: timedelta = MINUTE) -> PassResult:
    stage.clock.move(length)
    return stage.run("desk")


def troubles(stage: Stage) -> list[SetAside]:
    return [item for item in stage.journal.aside("desk") if item.kind is AsideKind.UNANSWERED]


def attention(stage: Stage) -> list[dict[str, Any]]:
    rows = attention_items(stage.journal.records(), ["desk"], now=stage.clock.now())
    return [row for row in rows if "no answer for" in row["what"]]


@pytest.mark.parametrize("error", [pytest.param(error, id=of) for of, error in ALONE.items()])
class TestALookThatFails:
    def test_it_costs_its_ticket_alone(self, known: Stage, desk: Desk, error: HelpdeskError) -> None:
        id_ = lose_a_note(known, desk)
        (before,) = known.journal.sending("desk")
        unlooked(desk, {id_: error})
        (other,) = opened(desk, labels=SPOKEN)
        assert next_pass(known).outcome is PassOutcome.PARTIAL
        assert desk.live(other).priority is P1
        assert [c.ticket for c in desk.world.comments if c.key] == [other]
        assert known.journal.sending("desk") == (before,), "the row is as it was"

    def test_the_escalation_of_its_own_ticket_goes_on_and_no_comment_does(
        self, known: Stage, desk: Desk, error: HelpdeskError
    ) -> None:
        id_ = lose_a_note(known, desk)
        unlooked(desk, {id_: error})
        for _ in range(30):
            next_pass(known, 2 * MINUTE)
        assert desk.live(id_).level not in {None, 0, 1}
        assert said(desk) == []
        assert len(known.journal.sending("desk")) == 1

    def test_once_it_is_answered_for_it_is_said_once_and_nobody_tells_of_it(
        self, known: Stage, desk: Desk, error: HelpdeskError
    ) -> None:
        id_ = lose_a_note(known, desk)
        errors = {id_: error}
        unlooked(desk, errors)
        for _ in range(5):
            next_pass(known)
        assert [item.ticket for item in troubles(known)] == [id_]
        errors.clear()
        for _ in range(6):
            next_pass(known, max(APART, NOTE))
        assert (max(said(desk)), troubles(known), known.journal.sending("desk")) == (1, [], ())

    def test_what_was_applied_is_found_in_the_end_and_never_sent_again(
        self, known: Stage, desk: Desk, error: HelpdeskError
    ) -> None:
        (id_,) = opened(desk, labels=SPOKEN)
        desk.world.write_faults.extend([None, Fault.LOST_ANSWER])
        known.run("desk")
        errors = {id_: error}
        unlooked(desk, errors)
        for _ in range(10):
            next_pass(known, 5 * MINUTE)
        errors.clear()
        next_pass(known, 5 * MINUTE)
        assert known.journal.sending("desk") == ()
        assert set(said(desk)) == {1}


class TestWhatIsToldOfALook:
    def test_it_is_asked_less_and_less_often_and_briefly(self, known: Stage, desk: Desk) -> None:
        id_ = lose_a_note(known, desk)
        asked = unlooked(desk, {id_: ALONE["5xx"]})
        for _ in range(60):
            next_pass(known, 10 * SECOND)
        assert asked[0] == (id_, False)
        assert set(asked[1:]) == {(id_, True)}
        assert 3 <= len(asked) <= 12

    def test_status_and_attention_name_it_and_release_asks_at_once(self, known: Stage, desk: Desk) -> None:
        id_ = lose_a_note(known, desk)
        asked = unlooked(desk, {id_: ALONE["5xx"]})
        for _ in range(3):
            next_pass(known)
        assert any(id_ in told for told in in_short(known.journal.aside("desk"), now=known.clock.now()))
        (row,) = attention(known)
        assert WHY in row["what"]
        assert row["command"].endswith(f"connector release desk:{id_}")
        assert [heard["ticket"] for heard in known.ears.heard("ticket_unanswered")] == [id_] * len(asked)
        before = len(asked)
        known.journal.release(desk.live(id_).ref, actor="op", now=known.clock.now())
        next_pass(known, SECOND)
        assert len(asked) == before + 1

    def test_what_lasts_calls_somebody_once(self, known: Stage, desk: Desk) -> None:
        id_ = lose_a_note(known, desk)
        unlooked(desk, {id_: ALONE["5xx"]})
        for _ in range(12):
            next_pass(known, 5 * MINUTE)
        assert [a for a in known.ears.alarms if "cannot be looked for" in a.message] == []
        for _ in range(5):
            next_pass(known, 5 * MINUTE)
        (alarm,) = [a for a in known.ears.alarms if "cannot be looked for" in a.message]
        assert (alarm.kind, alarm.ticket) == (AlarmKind.FINDING, f"desk:{id_}")
        assert alarm.remedy.endswith(f"connector release desk:{id_}")
        assert known.clock.now() - troubles(known)[0].since > OWN_AFTER

    def test_an_outage_is_no_tickets_own(self, known: Stage, desk: Desk) -> None:
        """The rest of the site does not answer either: the pass fails, and nothing is laid at the ticket's door."""
        id_ = lose_a_note(known, desk)
        unlooked(desk, {id_: ALONE["5xx"]})
        desk.world.read_faults.extend([Fault.UNAVAILABLE] * 3)
        assert next_pass(known).outcome is PassOutcome.FAILED
        assert troubles(known) == []

    def test_a_ticket_of_which_nothing_is_open_any_more_is_forgotten(self, known: Stage, desk: Desk) -> None:
        id_ = lose_a_note(known, desk)
        unlooked(desk, {id_: ALONE["5xx"]})
        next_pass(known)
        (op,) = known.journal.sending("desk")
        known.journal.fail(op, OpStatus.PARKED, "by hand", now=known.clock.now())
        next_pass(known)
        assert troubles(known) == []


class TestMoreThanATicket:
    @pytest.mark.parametrize("error", [pytest.param(error, id=of) for of, error in WHOLE.items()])
    def test_what_concerns_all_ends_the_pass(self, known: Stage, desk: Desk, error: HelpdeskError) -> None:
        id_ = lose_a_note(known, desk)
        unlooked(desk, {id_: error})
        assert next_pass(known).outcome is PassOutcome.FAILED
        assert (troubles(known), len(known.journal.sending("desk"))) == ([], 1)

    def test_many_that_begin_to_fail_at_once_are_the_helpdesk(self, known: Stage, desk: Desk) -> None:
        """Those that it answered beside are known from then on, so that a few tickets stop no site for good."""
        ids = [lose_a_note(known, desk) for _ in range(MOST_AT_ONCE + 1)]
        asked = unlooked(desk, dict.fromkeys(ids, ALONE["5xx"]))
        assert next_pass(known).outcome is PassOutcome.FAILED
        assert len(asked) == MOST_AT_ONCE + 1
        assert len(troubles(known)) == MOST_AT_ONCE
        assert next_pass(known, 6 * MINUTE).outcome is PassOutcome.PARTIAL
        assert {item.ticket for item in troubles(known)} == set(ids)

    def test_too_many_that_fail_for_long_are_the_helpdesk(self, known: Stage, desk: Desk) -> None:
        errors: dict[str, HelpdeskError] = {}
        unlooked(desk, errors)
        for _ in range(MOST_KNOWN):
            errors[lose_a_note(known, desk)] = ALONE["5xx"]
            assert next_pass(known, 6 * MINUTE).outcome is PassOutcome.PARTIAL
        errors[lose_a_note(known, desk)] = ALONE["5xx"]
        assert next_pass(known, 6 * MINUTE).outcome is PassOutcome.FAILED
        assert len(troubles(known)) == MOST_KNOWN

    def test_those_that_are_known_to_fail_do_not_count(self, known: Stage, desk: Desk) -> None:
        errors: dict[str, HelpdeskError] = {}
        unlooked(desk, errors)
        for n in range(MOST_AT_ONCE + 2):
            errors[lose_a_note(known, desk)] = ALONE["5xx"]
            assert next_pass(known, 6 * MINUTE).outcome is PassOutcome.PARTIAL, n
        assert {item.ticket for item in troubles(known)} == set(errors)


class TestWatching:
    def test_a_watch_stays_until_it_is_through(self, known: Stage, desk: Desk, clock: StoppedClock) -> None:
        id_ = lose_a_note(known, desk)
        for _ in range(4):
            next_pass(known, max(APART, NOTE))
        (op,) = [op for op in known.ops("desk", OpStatus.DONE) if op.resent]
        unlooked(desk, {id_: ALONE["5xx"]})
        next_pass(known, WATCH_FROM)
        (op,) = [op for op in known.ops("desk", OpStatus.DONE) if op.resent]
        assert op.look_at is not None
        assert known.ears.heard("watch_given_up") == []
        next_pass(known, WATCH_FOR)
        assert [heard["ticket"] for heard in known.ears.heard("watch_given_up")] == [f"desk:{id_}"]
        assert clock.now() >= op.look_at
