"""The sandbox's time as the connector asks for it: seldom, and never too late."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from connector.bootstrap.clock import SteppedClock
from connector.errors import Unavailable
from connector.helpdesks.transport import (
    Bearer,
    Client,
    Dialect,
    Endpoint,
    Origin,
    Pin,
    PinnedAdapter,
    Request,
    Surroundings,
)
from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.line import Line
from tests.sandbox.note_site import START, NoteSite, note_sandbox

COST = timedelta(seconds=3)
MINUTES = timedelta(minutes=5)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    spec = SiteSpec(name="notes", kind="notes", build=NoteSite)  # type: ignore[arg-type]
    with Sandbox((spec,), ClockOptions(start=START, mode="stepped", request_cost=COST)) as running:
        yield running


def test_a_party_that_works_knows_the_time_without_asking_again(sandbox: Sandbox) -> None:
    clock = SteppedClock(sandbox.clock_url, "one")
    assert clock.wait(START + MINUTES)
    sandbox.stop()
    assert clock.now() == START + MINUTES
    clock.monotonic()
    with pytest.raises(Unavailable):
        clock.now()


def test_what_an_answer_took_is_seen_after_it(sandbox: Sandbox) -> None:
    clock = SteppedClock(sandbox.clock_url, "one")
    reads = Endpoint(name="read", method="GET", path=re.compile(".*"), safe=True)
    pin = Pin(Origin.parse(sandbox.url("notes")))
    client = Client(PinnedAdapter(pin, Bearer("t"), Dialect(endpoints=(reads,)), Surroundings(clock=clock)))
    for answers in range(1, 4):
        client.call(Request("GET", "/"))
        assert clock.now() == sandbox.clock.now() == START + answers * COST


@pytest.mark.parametrize(("mode", "join"), [("manual", True), ("stepped", False)])
def test_time_that_others_move_is_asked_for_each_time(mode: str, *, join: bool) -> None:
    with note_sandbox(mode) as sandbox:  # type: ignore[arg-type]
        clock = SteppedClock(sandbox.clock_url, "one", join=join)
        assert clock.now() == START
        sandbox.clock.set(START + MINUTES)
        assert clock.now() == START + MINUTES


def test_who_has_left_sees_time_go_on(sandbox: Sandbox) -> None:
    clock = SteppedClock(sandbox.clock_url, "one")
    clock.leave()
    sandbox.clock.set(START + MINUTES)
    assert clock.now() == START + MINUTES


def test_a_connection_that_died_idle_is_opened_anew() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = Line(f"127.0.0.1:{server.getsockname()[1]}", timeout=5)
        for _ in range(2):
            server.settimeout(5)
            asked = _answering(server, answer)
            assert line.ask("GET", "/") == (200, {})
            asked.join()


def _answering(server: socket.socket, answer: bytes) -> threading.Thread:
    def once() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    thread = threading.Thread(target=once)
    thread.start()
    return thread
