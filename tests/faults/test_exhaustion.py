"""Fault 69, what runs out: descriptors, threads and memory. Nothing is blamed on a ticket, and nobody stays unheard."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.domain.change import Notice, Write
from connector.domain.inputs import Computed, compute
from connector.domain.policy import Policy
from connector.domain.ticket import Text, Ticket
from connector.domain.words import word_lists
from connector.engine.control import call
from connector.engine.daemon import Limits, SiteLoop
from connector.engine.kit import Surroundings
from connector.engine.quarantine import TRIES
from connector.engine.threads import Daemon
from connector.errors import Busy
from connector.ports import Renderer
from tests.engine.ledger import nothing_is_said_twice
from tests.engine.stage import MINUTE, MONDAY, POLICY, Desk, Stage, Witness
from tests.engine.test_daemon import EndingClock
from tests.faults.test_poison_faults import P1, P3, POISON, findings, next_pass, opened, strikes
from tests.helpdesks.stopped_clock import StoppedClock

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
MOST_TURNS = 20
"""Turns of a server that can take nothing in, in the second or so in which they are counted: two are its own wish."""


@dataclass
class Listening:
    """A process that listens, and what it has may run out."""

    path: Path
    port: int
    process: subprocess.Popen[str]

    def obey(self, order: str) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def echo(self) -> str:
        return str(call(self.path, "echo", patience=PATIENCE, word="hello")["said"])

    def health(self) -> int:
        return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=PATIENCE).status_code

    def ask(self) -> socket.socket:
        """Ask for an echo without waiting for it."""
        asking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        asking.settimeout(PATIENCE)
        asking.connect(str(self.path))
        asking.sendall(b'{"command": "echo", "word": "hello"}\n')
        return asking

    def knock(self) -> socket.socket:
        """Ask for the health page without waiting for it."""
        knocking = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        knocking.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        return knocking


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Listening]:
    path = tmp_path / "s"
    command = [sys.executable, "-m", "tests.faults.exhausted", str(path)]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        made = Listening(path, int(process.stdout.readline()), process)
        yield made
        made.obey("enough")  # a process that ends without descriptors is aborted by its C library
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_fault_69_without_file_descriptors_commands_and_webhooks_wait_and_are_answered(listening: Listening) -> None:
    """What cannot be taken in waits, costs nothing and is answered when there are descriptors again; so are others."""
    assert (listening.echo(), listening.health()) == ("hello", 200)
    listening.obey("descriptors")
    asking = [listening.ask() for _ in range(3)]
    knocking = [listening.knock() for _ in range(3)]
    assert listening.obey("turns") <= MOST_TURNS
    listening.obey("enough")
    for connection in asking:
        with connection, connection.makefile() as answer:
            assert json.loads(answer.readline()) == {"ok": True, "said": "hello"}
    for connection in knocking:
        with connection, connection.makefile() as answer:
            assert "200" in answer.readline()
    assert (listening.echo(), listening.health()) == ("hello", 200)


def test_fault_69_without_threads_a_command_is_turned_away_and_the_next_one_served(listening: Listening) -> None:
    """Whoever comes while no thread can be had is shown out at once; later ones are served as ever."""
    assert (listening.echo(), listening.health()) == ("hello", 200)
    listening.obey("threads")
    for _ in range(2):
        with pytest.raises(Busy):
            listening.echo()
        with pytest.raises(requests.ConnectionError):
            listening.health()
    listening.obey("enough")
    assert (listening.echo(), listening.health()) == ("hello", 200)


# ---- memory

PARTS = ("taking in", "deciding", "saying", "making a request")


class Starved(Witness):
    """A writer, a renderer and a policy, of which one ``part`` finds no memory for one ticket of several."""

    part = ""

    def work(self, part: str, *, there: bool = True) -> None:
        if part == self.part and there:
            raise MemoryError

    def request_digest(self, write: Write, *, seen: Ticket) -> str:
        self.work("making a request", there=write.ref.id == "2")
        return super().request_digest(write, seen=seen)

    def policy(self) -> Policy:
        """Return the usual policy, whose compiled tests may run out of memory."""
        made = replace(POLICY)
        (key, *_) = [words.key for words in word_lists(made)]

        def computed(facts: Mapping[str, Any]) -> Computed:
            self.work("deciding", there="poison" in facts)
            return compute(POLICY, facts)

        def found(text: str) -> bool:
            self.work("taking in", there="poison" in text)
            return False

        made.memo["computer"], made.memo["words"] = computed, {key: found}
        return made


@dataclass
class Wordless:
    """A renderer that may run out of memory."""

    real: Renderer
    starved: Starved

    def render(self, notice: Notice) -> str:
        self.starved.work("saying")
        return self.real.render(notice)


@dataclass
class Office:
    """Three tickets, and no memory for the one in the middle."""

    stage: Stage
    desk: Desk
    starved: Starved
    around: Surroundings


def office(empty_state: Path, clock: StoppedClock) -> Office:
    desk = Desk("desk", clock)
    starved = desk.writer = Starved(desk.world, bulk_size=0)
    stage = Stage(empty_state, desk, clock=clock)
    stage.policies.policy = starved.policy()
    opened(desk)
    desk.world.create(facts=POISON, priority=P3, text=Text(subject="slow", first_message=""))
    opened(desk)
    around = replace(stage.around, renderer=Wordless(stage.around.renderer, starved))
    return Office(stage, desk, starved, around)


@pytest.mark.parametrize("part", PARTS)
def test_fault_69_without_memory_no_ticket_is_blamed(empty_state: Path, part: str) -> None:
    """Whatever was worked at when it ran out: the pass ends by it, however often; then all is done once."""
    it = office(empty_state, StoppedClock(MONDAY))
    next_pass(it.stage, it.around)
    it.desk.world.update("2", text=Text(subject="poison", first_message=""))
    it.starved.part = part
    for _ in range(TRIES + 1):
        with pytest.raises(MemoryError):
            next_pass(it.stage, it.around, minutes=20)
    assert (strikes(it.stage), findings(it.stage)) == ([], [])
    assert it.stage.journal.records().quarantined(site="desk") == ()
    it.starved.part = ""
    for _ in range(6):
        next_pass(it.stage, it.around, minutes=20)
    assert {it.desk.live(id_).priority for id_ in it.desk.world.rows} == {P1}
    assert {it.desk.live(id_).level for id_ in it.desk.world.rows} == {4}, "all climbed to the end"
    nothing_is_said_twice(it.desk)
    it.stage.close()


def test_fault_69_without_memory_the_daemon_ends(empty_state: Path) -> None:
    """Its thread ends and says so, and whoever keeps the process running starts it anew: nobody's ticket waits."""
    clock = EndingClock(MONDAY, until=MONDAY + 10 * MINUTE)
    it = office(empty_state, clock)
    it.starved.part = "deciding"
    crashed: list[BaseException] = []
    loop = SiteLoop(it.desk.site, it.around, Limits())
    clock.at_the_end = loop.stop
    daemon = Daemon(loops=[loop], on_crash=lambda _site, error: crashed.append(error))
    daemon.start()
    assert daemon.join(PATIENCE)
    assert [type(error) for error in crashed] == [MemoryError]
    assert (strikes(it.stage), it.desk.writer.sent) == ([], [])
    it.stage.close()
