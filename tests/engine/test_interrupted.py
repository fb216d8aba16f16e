"""A plan that is being written when somebody pauses the site, and jobs that do not end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from connector.domain.change import Write
from connector.domain.site import Effect
from connector.engine.bulk import HURRY, PATIENCE
from connector.helpdesks.memory import MemoryWriter
from connector.ports import BulkResult, OpStatus
from tests.engine.stage import MINUTE, MONDAY, Desk, Stage, applied
from tests.engine.test_passes import DEGRADED, opened
from tests.helpdesks.stopped_clock import StoppedClock


class EndlessJobs(MemoryWriter):
    """Takes jobs, and says of each that it is still at it."""

    asked = 0

    def collect(self, job_ids: Sequence[str]) -> Mapping[str, tuple[BulkResult, ...] | None]:
        self.asked += 1
        return dict.fromkeys(job_ids)


def _after(count: int, act: Callable[[], object]) -> Callable[[Write], None]:
    """Return a hook that acts while the ``count``-th write is on its way."""
    left = [count]

    def hook(_write: Write) -> None:
        left[0] -= 1
        if left[0] == 0:
            act()

    return hook


def test_a_pause_stops_a_plan_after_the_write_in_hand(stage: Stage, desk: Desk) -> None:
    opened(desk, 8)
    desk.writer.before_send = _after(
        2, lambda: stage.journal.pause("desk", "stop", now=stage.clock.now(), actor="anna")
    )
    stage.run("desk")
    assert len(desk.writer.sent) == 2
    stage.run("desk")
    assert len(desk.writer.sent) == 2
    stage.journal.resume("desk", allow=0, now=stage.clock.now(), actor="anna")
    stage.run("desk")
    assert stage.wanted("desk") == {}


def test_a_freeze_of_everything_stops_a_plan_as_well_and_one_of_notes_does_not(stage: Stage, desk: Desk) -> None:
    opened(desk, 4)
    freeze = stage.journal.freeze
    desk.writer.before_send = _after(1, lambda: freeze("desk", Effect.NOTES, "why", now=stage.clock.now()))
    stage.run("desk")
    before = len(desk.writer.sent)
    assert before >= 4
    opened(desk, 4)
    stage.clock.move(MINUTE)
    desk.writer.before_send = _after(1, lambda: freeze("desk", None, "why", now=stage.clock.now()))
    stage.run("desk")
    assert len(desk.writer.sent) == before + 1


def _with_endless_jobs(set_up: Callable[..., Stage], clock: StoppedClock) -> tuple[Stage, Desk, EndlessJobs]:
    desk = Desk("desk", clock, bulk_size=100)
    writer = desk.writer.real = EndlessJobs(desk.world, bulk_size=100)
    return set_up(desk), desk, writer


def test_a_job_that_does_not_end_is_left_to_the_next_pass(set_up: Callable[..., Stage], clock: StoppedClock) -> None:
    stage, desk, _ = _with_endless_jobs(set_up, clock)
    ids = opened(desk, 8, facts=DEGRADED)
    done = applied(stage.run("desk"))
    assert (done.unknown, done.written) == (8, 0)
    assert PATIENCE <= clock.now() - MONDAY < PATIENCE + MINUTE
    desk.writer.real = MemoryWriter(desk.world, bulk_size=100)
    clock.move(MINUTE)
    stage.run("desk")
    assert {str(desk.live(id_).priority) for id_ in ids} == {"P2"}
    assert stage.wanted("desk") == {}
    assert not stage.ops("desk", OpStatus.SENDING)


def test_nobody_who_stops_us_waits_for_a_job(set_up: Callable[..., Stage], clock: StoppedClock) -> None:
    stage, desk, writer = _with_endless_jobs(set_up, clock)
    opened(desk, 8, facts=DEGRADED)
    stage.run("desk", may_write=lambda: writer.asked < 2)
    assert clock.now() - MONDAY < HURRY + MINUTE
