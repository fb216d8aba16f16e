"""Scenarios are played as written: steps in their order, handles resolved, reactions counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.assembly import Sandbox
from connector.sandbox.core.site import NewTicket
from connector.sandbox.people import Cast
from connector.sandbox.script import Reaction, Scenario, Step, opening
from tests.sandbox.note_site import START, note_sandbox


def at(minutes: int) -> Any:
    return START + timedelta(minutes=minutes)


def played(*steps: Step, reactions: tuple[Reaction, ...] = ()) -> tuple[Sandbox, Cast]:
    sandbox = note_sandbox()
    story = Scenario(
        name="test",
        begins_at=START,
        opens_at=START,
        ends_at=at(60),
        rosters={},
        steps=steps,
        reactions=reactions,
    )
    cast = Cast(story, {name: (door.site, door.world) for name, door in sandbox.exchanges.items()})
    cast.enter()
    return sandbox, cast


def create(minutes: int, handle: str) -> Step:
    return opening(at(minutes), "notes", handle, NewTicket(subject=handle, body="…", requester="jonas"))


def say(minutes: int, handle: str, text: str) -> Step:
    return Step(at=at(minutes), site="notes", do="comment", ticket=handle, details={"actor": "anna", "text": text})


@given(st.lists(st.integers(0, 30), max_size=20))
def test_every_step_happens_at_its_moment(moments: list[int]) -> None:
    sandbox, _ = played(create(0, "t"), *(say(minutes, "t", str(minutes)) for minutes in sorted(moments)))
    sandbox.clock.set(at(60))
    told = [(entry.at, entry.data["body"]) for entry in sandbox.facts if entry.kind == "comment"]
    assert told == [(at(minutes), str(minutes)) for minutes in sorted(moments)]
    sandbox.stop()


def test_handles_stand_for_tickets_once_they_exist() -> None:
    sandbox, cast = played(
        create(1, "twin"),
        create(2, "first"),
        Step(at=at(3), site="notes", do="merge", ticket="twin", details={"actor": "anna", "into": "first"}),
    )
    assert cast.handles() == {"notes": {}}
    sandbox.clock.set(at(60))
    assert cast.handles() == {"notes": {"twin": "1", "first": "2"}}
    assert [entry.data for entry in sandbox.facts][-1] == {"event": "merged", "into": "2"}
    sandbox.stop()


def test_a_step_that_fails_is_noted_and_the_story_goes_on() -> None:
    sandbox, _ = played(say(1, "nobody", "x"), create(2, "t"), say(3, "t", "y"))
    sandbox.clock.set(at(60))
    assert [entry.kind for entry in sandbox.facts] == ["problem", "ticket", "comment"]
    sandbox.stop()


@pytest.mark.parametrize("times", [0, 1, 2])
def test_people_react_to_what_a_client_writes_so_often_and_no_more(times: int) -> None:
    reaction = Reaction(
        site="notes",
        kind="field",
        name="note",
        ticket="t",
        do="comment",
        details={"actor": "tidy-bot", "text": "no"},
        delay=timedelta(minutes=2),
        times=times,
    )
    sandbox, _ = played(create(0, "t"), reactions=(reaction,))
    with sandbox:
        sandbox.clock.set(at(1))
        for _ in range(3):
            requests.post(sandbox.url("notes"), data=b"mine", timeout=5)
            sandbox.clock.advance(timedelta(minutes=5))
    told = [entry.at for entry in sandbox.facts if entry.kind == "comment"]
    assert told == [at(3 + 5 * n) for n in range(times)]
