"""A target of the policy's paths that is gone is seen before a ticket needs it, and forgotten with its return."""

from __future__ import annotations

from dataclasses import replace

from connector.bootstrap.asides import in_short, to_settle
from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.situation import Reach
from tests.engine.stage import MINUTE, Desk, Stage

SECOND_LINE = LevelTarget(kind=TargetKind.GROUP, name="second-line")


def test_a_group_that_is_gone_stands_in_status_and_attention(stage: Stage, desk: Desk) -> None:
    stage.run("desk")
    assert stage.journal.aside("desk") == ()
    there = desk.world.reach.pop(SECOND_LINE)
    since = stage.clock.now()
    for _ in range(2):
        stage.run("desk")
        stage.clock.move(MINUTE)
    items, now = stage.journal.aside("desk"), stage.clock.now()
    assert in_short(items, now=now) == (f"nobody behind {SECOND_LINE}",)
    (row,) = to_settle("desk", items, lambda _, id_: id_, now=now)
    assert (row["kind"], row["since"]) == ("target", since)
    assert "is not known to desk" in row["what"]
    assert "site's map" in row["command"]
    desk.world.reach[SECOND_LINE] = there
    stage.run("desk")
    assert stage.journal.aside("desk") == ()


def test_a_person_who_was_deactivated_stands_there_too(stage: Stage, desk: Desk) -> None:
    target = LevelTarget(kind=TargetKind.USER, name="duty-manager")
    desk.world.reach[target] = Reach(reachable=False, why="user:duty-manager is deactivated")
    stage.run("desk")
    (item,) = stage.journal.aside("desk")
    assert (item.field, item.why) == (str(target), "user:duty-manager is deactivated")


def test_of_how_many_behind_a_group_nothing_is_told_is_said(stage: Stage, desk: Desk) -> None:
    there = desk.world.reach[SECOND_LINE]
    for known, untold in ((9, 1), (8, 2)):
        desk.world.reach[SECOND_LINE] = replace(there, refused="no permission", known=known, untold=untold)
        for _ in range(2):
            stage.run("desk")
        items, now = stage.journal.aside("desk"), stage.clock.now()
        told = f"behind {SECOND_LINE} {known} people are known, and {untold} not told of"
        assert in_short(items, now=now) == (told,)
        (row,) = to_settle("desk", items, lambda _, id_: id_, now=now)
        assert told in row["what"]
        assert "counts as one who can take a ticket" in row["consequence"]
        assert "see people" in row["command"]


def test_one_of_which_the_helpdesk_refuses_to_tell_stands_there_and_is_called(stage: Stage, desk: Desk) -> None:
    """It may be there or not: that is said, and nobody is passed over for it."""
    there = desk.world.reach[SECOND_LINE]
    desk.world.reach[SECOND_LINE] = replace(there, refused="the account lacks a permission")
    stage.run("desk")
    items, now = stage.journal.aside("desk"), stage.clock.now()
    assert in_short(items, now=now) == (f"unknown who is behind {SECOND_LINE}",)
    (row,) = to_settle("desk", items, lambda _, id_: id_, now=now)
    assert row["kind"] == "target"
    assert "the account lacks a permission" in row["what"]
    assert "see people" in row["command"]
    desk.world.reach.pop(SECOND_LINE)
    stage.run("desk")
    assert in_short(stage.journal.aside("desk"), now=now) == (f"nobody behind {SECOND_LINE}",)
    desk.world.reach[SECOND_LINE] = there
    stage.run("desk")
    assert stage.journal.aside("desk") == ()


def test_a_look_up_that_fails_does_not_say_that_what_was_gone_is_back(stage: Stage, desk: Desk) -> None:
    there = desk.world.reach.pop(SECOND_LINE)
    stage.run("desk")
    (gone,) = stage.journal.aside("desk")
    desk.world.reach[SECOND_LINE] = Reach(why=f"{SECOND_LINE} could not be looked up: Timeout", unasked=True)
    stage.run("desk")
    assert stage.journal.aside("desk") == (gone,)
    desk.world.reach[SECOND_LINE] = there
    stage.run("desk")
    assert stage.journal.aside("desk") == ()
