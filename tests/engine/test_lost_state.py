"""After its state is lost the connector says nothing that it may have said before, whatever is left to tell it so."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import Unavailable
from connector.journal.witness import SUFFIX
from connector.ports import AlarmKind, Recall, TicketHistory
from tests.engine.ledger import nothing_is_said_twice
from tests.engine.stage import MINUTE, READS, SECOND, Desk, Killed, Stage
from tests.engine.test_passes import at_rest, opened
from tests.helpdesks.stopped_clock import StoppedClock

SPOKEN = frozenset({"security"})
"""Labels of a ticket on which we speak with the first pass."""

KEPT, LOST = True, False
"""What becomes of the witness."""


def lose(stage: Stage, *, witness: bool, instead: Path | None = None) -> None:
    """Delete the state between two processes, with its witness or without; ``instead`` is an empty one put there."""
    stage.journal.close()
    for path in list(stage.folder.iterdir()):
        if path.name.startswith("state.db") and not (witness and path.name.endswith(SUFFIX)):
            path.unlink()
    if instead is not None:
        shutil.copy(instead, stage.state)
    stage.restart()


def hide(desk: Desk, ids: Sequence[str]) -> None:
    """Let the helpdesk refuse the histories of some tickets from now on."""
    real = desk.reader.history

    def history(asked: Sequence[str], *, probe: bool) -> Iterator[TicketHistory]:
        for found in real(asked, probe=probe):
            hidden = found.ref.id in ids
            yield replace(found, events=(), marks=(), unreadable="403") if hidden else found

    desk.reader.history = history  # type: ignore[method-assign,assignment]


def hold_back(desk: Desk, ids: Sequence[str]) -> None:
    """Let the helpdesk give no history of some tickets for now: neither one nor a refusal."""
    real = desk.reader.history

    def history(asked: Sequence[str], *, probe: bool) -> Iterator[TicketHistory]:
        return real([id_ for id_ in asked if id_ not in ids], probe=probe)

    desk.reader.history = history  # type: ignore[method-assign,assignment]


def recall_of(stage: Stage, desk: Desk) -> Recall:
    return stage.journal.open_site("desk", fingerprint=desk.rules.fingerprint).recall


def spoken_to_level_two(stage: Stage, desk: Desk, clock: StoppedClock, count: int = 1) -> list[str]:
    ids = opened(desk, count, labels=SPOKEN)
    stage.run("desk")
    for _ in range(3):
        clock.move(11 * MINUTE)
        stage.run("desk")
    at_rest(stage)
    assert all((desk.live(id_).level or 0) >= 2 for id_ in ids)
    return ids


def go_on(stage: Stage, clock: StoppedClock, passes: int = 12) -> None:
    for _ in range(passes):
        clock.move(5 * MINUTE)
        stage.run("desk")


@pytest.mark.parametrize("witness", [KEPT, LOST])
def test_a_ticket_whose_history_is_hidden_stays_silent(
    stage: Stage, desk: Desk, clock: StoppedClock, witness: bool
) -> None:
    """Its level stands in the helpdesk: somebody has spoken there, whatever else tells of it."""
    (id_,) = spoken_to_level_two(stage, desk, clock)
    said = len(desk.world.comments)
    hide(desk, [id_])
    lose(stage, witness=witness)
    go_on(stage, clock)
    found = recall_of(stage, desk)
    assert found.is_over
    assert found.why
    assert found.blind == {id_}
    assert desk.world.comments[said:] == []


@pytest.mark.parametrize("witness", [KEPT, LOST])
def test_marks_anywhere_silence_every_ticket_that_cannot_be_read(
    stage: Stage, desk: Desk, clock: StoppedClock, witness: bool
) -> None:
    """Of a ticket without a level nobody knows whether we spoke there once we are known to have spoken elsewhere."""
    spoken_to_level_two(stage, desk, clock)
    (bare,) = opened(desk, labels=SPOKEN)
    said = len(desk.world.comments)
    hide(desk, [bare])
    lose(stage, witness=witness)
    go_on(stage, clock)
    assert recall_of(stage, desk).blind == {bare}
    assert not [c for c in desk.world.comments[said:] if c.ticket == bare]


def test_a_history_that_is_shown_again_gives_the_ticket_its_voice_back(
    stage: Stage, desk: Desk, clock: StoppedClock
) -> None:
    """What refused it was mended: with the next sweep it is read, and what it tells of is not said again."""
    (id_,) = spoken_to_level_two(stage, desk, clock)
    said = len(desk.world.comments)
    real = desk.reader.history
    hide(desk, [id_])
    lose(stage, witness=KEPT)
    go_on(stage, clock, 4)
    desk.reader.history = real  # type: ignore[method-assign]
    go_on(stage, clock, 4)
    assert desk.world.comments[said:] == []
    clock.move(desk.reading.sweep_every)
    go_on(stage, clock, 4)
    assert desk.world.comments[said:]
    nothing_is_said_twice(desk)


def test_in_a_new_installation_a_hidden_history_silences_nobody(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    (id_,) = opened(desk, labels=SPOKEN)
    hide(desk, [id_])
    go_on(stage, clock)
    assert not recall_of(stage, desk).why
    assert [c.ticket for c in desk.world.comments][:1] == [id_]


def test_a_deleted_state_keeps_the_whole_site_silent_until_all_is_read(
    stage: Stage, desk: Desk, clock: StoppedClock
) -> None:
    """A ticket that came since has been read and could speak; another one has not been read yet. An alarm says so."""
    (first,) = spoken_to_level_two(stage, desk, clock)
    (second,) = opened(desk, labels=SPOKEN)
    said = len(desk.world.comments)
    real = desk.reader.history
    hold_back(desk, [first])
    lose(stage, witness=KEPT)
    go_on(stage, clock, 3)
    assert recall_of(stage, desk).freezes
    assert desk.world.comments[said:] == []
    assert any(a.kind is AlarmKind.FREEZE and "deleted" in a.message for a in stage.ears.alarms)
    desk.reader.history = real  # type: ignore[method-assign]
    go_on(stage, clock)
    assert any(c.ticket == second for c in desk.world.comments[said:])
    nothing_is_said_twice(desk)


def test_without_its_witness_no_ticket_speaks_before_it_has_been_read(
    stage: Stage, desk: Desk, clock: StoppedClock
) -> None:
    """A new installation and a lost one look alike: one that shows a mark waits as a whole, others ticket by ticket."""
    ids = spoken_to_level_two(stage, desk, clock, 3)
    said = len(desk.world.comments)
    real = desk.reader.history
    hold_back(desk, ids[1:])
    lose(stage, witness=LOST)
    go_on(stage, clock, 3)
    assert recall_of(stage, desk).freezes
    hold_back(desk, ids)
    go_on(stage, clock, 3)
    assert desk.world.comments[said:] == []
    desk.reader.history = real  # type: ignore[method-assign]
    go_on(stage, clock)
    nothing_is_said_twice(desk)


def test_nothing_is_said_on_an_unread_ticket_of_a_site_without_marks(
    stage: Stage, desk: Desk, clock: StoppedClock
) -> None:
    read, unread = opened(desk, 2, labels=SPOKEN)
    hold_back(desk, [unread])
    go_on(stage, clock, 3)
    assert {c.ticket for c in desk.world.comments} == {read}


def test_a_new_site_whose_histories_do_not_come_in_raises_the_alarm_after_an_hour(
    stage: Stage, desk: Desk, clock: StoppedClock
) -> None:
    """Nothing is written meanwhile, not even fields: somebody has to hear of it."""
    desk.reader.history_allowance = lambda: 0  # type: ignore[method-assign]
    opened(desk, 2, labels=SPOKEN)
    go_on(stage, clock)
    assert stage.ears.alarms == []
    go_on(stage, clock, 1)
    (alarm,) = stage.ears.alarms
    assert (alarm.kind, alarm.site) == (AlarmKind.STALE, "desk")
    assert "no history could be read" in alarm.message
    assert desk.sent() == []


def test_a_site_that_is_read_one_ticket_at_a_time_is_not_stuck(stage: Stage, desk: Desk, clock: StoppedClock) -> None:
    desk.reader.history_allowance = lambda: 1  # type: ignore[method-assign]
    opened(desk, 30, facts={})
    go_on(stage, clock, 29)
    assert recall_of(stage, desk).left == 1
    go_on(stage, clock, 1)
    assert recall_of(stage, desk).is_over
    assert stage.ears.alarms == []


@pytest.mark.parametrize("witness", [KEPT, pytest.param(LOST, marks=pytest.mark.full)])
def test_a_death_anywhere_in_a_pass_that_recalls_loses_nothing_of_what_was_said(
    stage: Stage, desk: Desk, clock: StoppedClock, empty_state: Path, witness: bool, full: bool
) -> None:
    """What a history tells of our own writes is stored before the history counts as read.

    The state is lost again and again, and each time the pass dies one call of the journal later.
    """
    ids = opened(desk, 2, labels=SPOKEN)
    stage.run("desk")
    assert {c.ticket for c in desk.world.comments} == set(ids)
    for call in itertools.count():
        lose(stage, witness=witness, instead=empty_state)
        clock.move(SECOND)
        stage.death.comes_at(call, after=False)
        stage.death.spares = lambda name: not full and READS.fullmatch(name) is not None
        with contextlib.suppress(Killed):
            stage.run("desk")
        died = stage.death.dead
        stage.restart()
        stage.run("desk")
        assert recall_of(stage, desk).is_over
        nothing_is_said_twice(desk)
        if not died:
            break
    assert call > (10 if full else 4)
    go_on(stage, clock, 4)
    nothing_is_said_twice(desk)
    assert all((desk.live(id_).level or 0) >= 2 for id_ in ids), "and the path goes on"


def test_one_history_that_fails_for_ever_does_not_keep_the_site_silent(
    stage: Stage, desk: Desk, clock: StoppedClock
) -> None:
    """It is the last that waits: nothing else is read by then that would show that it is its own fault."""
    ids = spoken_to_level_two(stage, desk, clock, 4)
    lose(stage, witness=KEPT)
    desk.world.history_fault = lambda id_: Unavailable("unknown, status 500") if id_ == ids[1] else None
    go_on(stage, clock, 6)
    assert recall_of(stage, desk).left == 1
    go_on(stage, clock, 18)
    assert recall_of(stage, desk).is_over
    assert recall_of(stage, desk).blind == {ids[1]}
