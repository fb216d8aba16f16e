"""What is set aside is read once per pass: counted in statements; what the pass itself changes is seen at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.ticket import Status
from connector.engine.aside import CONFIRM_AFTER
from connector.helpdesks.memory import AGENT
from connector.ports import AsideKind, SetAside
from tests.engine.stage import MINUTE, Desk, Stage
from tests.engine.test_passes import at_rest, opened
from tests.journal.listening import heard_by_every_engine

SECOND_LINE = LevelTarget(kind=TargetKind.GROUP, name="second-line")


@contextmanager
def reads_of_asides() -> Iterator[list[str]]:
    """Collect the statements that read the table of what is set aside."""
    found: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT") and "FROM set_aside" in statement:
            found.append(statement)

    with heard_by_every_engine("before_cursor_execute", note):
        yield found


def test_a_pass_reads_it_once(stage: Stage, desk: Desk) -> None:
    """Whether tickets come in, are written, or nothing happens at all, and while something stands aside as well."""
    opened(desk, 3)
    for _ in range(3):
        with reads_of_asides() as reads:
            stage.run("desk")
        assert len(reads) == 1
        stage.clock.move(MINUTE)
    desk.world.reach.pop(SECOND_LINE)
    at_rest(stage, "desk")
    with reads_of_asides() as reads:
        stage.run("desk")
    assert len(reads) == 1


def test_what_a_pass_sets_aside_is_read_anew(stage: Stage, desk: Desk) -> None:
    """A ticket that is not shown waits for a second look, and the same pass already leaves it alone."""
    (id_, *_) = opened(desk, 3)
    at_rest(stage, "desk")
    desk.world.rows.pop(id_)
    stage.clock.move(timedelta(hours=6))
    with reads_of_asides() as reads:
        stage.run("desk")
    assert len(reads) == 2
    assert [item.kind for item in stage.journal.aside("desk")] == [AsideKind.TICKET]
    stage.clock.move(CONFIRM_AFTER)
    stage.run("desk")
    assert stage.journal.aside("desk") == ()
    assert id_ not in stage.journal.known_open("desk")


def test_with_a_sweep_ends_what_stands_aside_on_tickets_that_are_not_open(stage: Stage, desk: Desk) -> None:
    """What was set aside since the ticket was closed, by an earlier version, or on one that is forgotten."""
    open_, closed = opened(desk, 2)
    at_rest(stage, "desk")
    desk.world.update(closed, AGENT, status=Status.CLOSED)
    at_rest(stage, "desk")
    kept = SetAside(kind=AsideKind.FIELD, ticket=open_, field="group", why="refused", since=stage.clock.now())
    over = [replace(kept, ticket=id_) for id_ in (closed, "forgotten")]
    of_site = replace(kept, kind=AsideKind.SCOPE, ticket="", field="", scope="OPS")
    stage.journal.set_aside("desk", [kept, *over, of_site])
    stage.clock.move(MINUTE)
    stage.run("desk")
    assert {item.ticket for item in stage.journal.aside("desk")} == {open_, closed, "forgotten", ""}
    stage.clock.move(timedelta(hours=6))
    stage.run("desk")
    assert {item.ticket for item in stage.journal.aside("desk")} == {open_, ""}
