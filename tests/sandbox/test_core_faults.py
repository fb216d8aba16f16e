"""The fault plan: whom it strikes, how often, and what a client sees of each action over a real connection."""

from __future__ import annotations

import http.client
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.assembly import Sandbox
from connector.sandbox.core.faults import ACTIONS, Fault, FaultPlan, Sighting
from connector.sandbox.core.messages import Request
from tests.sandbox.note_site import START, note_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with note_sandbox() as running:
        yield running


def order(sandbox: Sandbox, **fault: Any) -> None:
    sandbox.exchanges["notes"].faults.add(Fault.from_json({"times": 1, **fault}))


def call(sandbox: Sandbox, *, path: str = "/notes", bearer: str = "me") -> tuple[int, bytes, http.client.HTTPMessage]:
    address = sandbox.url("notes").removeprefix("http://")
    with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
        connection.request("POST", path, b"hello", {"Authorization": f"Bearer {bearer}"})
        with connection.getresponse() as answer:
            return answer.status, answer.read(), answer.headers


def notes(sandbox: Sandbox) -> list[str]:
    return [row["subject"] for row in sandbox.site("notes").view()]


@pytest.mark.parametrize(
    ("fault", "status", "applied"),
    [
        ({"action": "status", "status": 503, "retry_after": 7}, 503, False),
        ({"action": "html", "status": 502}, 502, False),
        ({"action": "forbid"}, 403, False),
        ({"action": "redirect"}, 302, False),
        ({"action": "revoke"}, 401, False),
        ({"action": "empty"}, 200, True),
        ({"action": "mistype"}, 200, True),
        ({"action": "slow", "seconds": 30}, 200, True),
        ({"action": "hang", "pause": 0.01}, 200, True),
        ({"action": "drip", "after_bytes": 50, "pause": 0.001}, 200, True),
    ],
    ids=lambda value: value["action"] if isinstance(value, dict) else str(value),
)
def test_an_answered_fault(sandbox: Sandbox, fault: dict[str, Any], status: int, *, applied: bool) -> None:
    order(sandbox, **fault)
    told, body, headers = call(sandbox)
    assert told == status
    assert notes(sandbox) == (["hello"] if applied else [])
    assert headers.get("Retry-After") == (str(fault["retry_after"]) if "retry_after" in fault else None)
    assert (body == b"") == (fault["action"] in ("empty", "redirect"))
    assert sandbox.clock.now() == START + timedelta(seconds=fault.get("seconds", 0))


@pytest.mark.parametrize(("action", "applied"), [("drop", False), ("lose", True), ("cut", True)])
def test_a_broken_connection(sandbox: Sandbox, action: str, *, applied: bool) -> None:
    order(sandbox, action=action, after_bytes=-5)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        call(sandbox)
    assert notes(sandbox) == (["hello"] if applied else [])


def test_a_late_write_lands_after_the_connection_was_dropped(sandbox: Sandbox) -> None:
    order(sandbox, action="late", seconds=30)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        call(sandbox)
    sandbox.clock.advance(timedelta(seconds=29))
    assert notes(sandbox) == []
    sandbox.clock.advance(timedelta(seconds=1))
    assert notes(sandbox) == ["hello"]
    landed = [entry for entry in sandbox.facts if entry.kind == "fault"]
    assert [entry.at for entry in landed] == [START + timedelta(seconds=30)]


def test_a_dead_token_stays_dead_and_another_lives(sandbox: Sandbox) -> None:
    order(sandbox, action="revoke")
    assert [call(sandbox, bearer=bearer)[0] for bearer in ("a", "a", "b")] == [401, 401, 200]


def test_every_action_is_tried_here() -> None:
    tried = {"status", "html", "forbid", "redirect", "revoke", "empty", "mistype", "slow", "hang", "drip"}
    assert tried | {"drop", "lose", "cut", "late"} == ACTIONS


def test_the_site_itself_failing_is_a_500_and_a_problem(sandbox: Sandbox) -> None:
    assert call(sandbox, path="/break")[0] == 500
    assert [entry.data["what"] for entry in sandbox.facts if entry.kind == "problem"] == ["POST /break"]


def sighting(**request: Any) -> Sighting:
    asked = Request(**{"method": "GET", "path": "/a/1", **request})
    return Sighting(request=asked, identity="me", scope="SUP", now=START)


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({}, True),
        ({"methods": ["PUT"]}, False),
        ({"methods": ["PUT", "GET"]}, True),
        ({"path": r"^/a/\d+$"}, True),
        ({"path": "/b"}, False),
        ({"body": "x"}, False),
        ({"identity": "me"}, True),
        ({"identity": "you"}, False),
        ({"scope": "SUP"}, True),
        ({"scope": "HR"}, False),
        ({"starts_at": "2026-11-23T08:00:00+00:00"}, True),
        ({"starts_at": "2026-11-23T08:00:01+00:00"}, False),
        ({"ends_at": "2026-11-23T08:00:00+00:00"}, False),
    ],
)
def test_a_condition(condition: dict[str, Any], *, met: bool) -> None:
    assert Fault.from_json({"action": "drop", **condition}).concerns(sighting()) is met


@given(skip=st.integers(0, 5), times=st.none() | st.integers(0, 5), asked=st.integers(0, 20))
def test_counting(skip: int, times: int | None, asked: int) -> None:
    plan = FaultPlan(random.Random(1))
    plan.add(Fault(action="drop", skip=skip, times=times))
    struck = [plan.pick(sighting()) is not None for _ in range(asked)]
    expected = [number >= skip and (times is None or number < skip + times) for number in range(asked)]
    assert struck == expected


def test_chance_is_the_seeds() -> None:
    def strikes(seed: int) -> list[bool]:
        plan = FaultPlan(random.Random(seed))
        plan.add(Fault(action="drop", chance=0.5))
        return [plan.pick(sighting()) is not None for _ in range(64)]

    assert strikes(1) == strikes(1)
    assert strikes(1) != strikes(2)
    assert 10 < sum(strikes(1)) < 54


def test_clearing_by_name() -> None:
    plan = FaultPlan(random.Random(1))
    for name in ("one", "two"):
        plan.add(Fault(action="drop", name=name))
    plan.clear("one")
    assert [row["name"] for row in plan.status()] == ["two"]
    plan.clear()
    assert not plan


@pytest.mark.parametrize("raw", [{"action": "explode"}, {"action": "drop", "colour": "red"}, {}])
def test_an_order_that_makes_no_sense(raw: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown fault action|a fault has no"):
        Fault.from_json(raw)
