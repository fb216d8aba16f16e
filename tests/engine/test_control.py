"""The control socket: a question, an answer, and nobody else can reach it."""

from __future__ import annotations

import json
import socket
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connector.engine.control import ControlServer, NobodyServes, call
from connector.errors import Busy, ClockIsOff, ConfigError, ConnectorError, Problem, UnsafePlan, WrongUse
from tests.engine.stage import MONDAY

Serve = Callable[[Path], Path]


def _refuse(_request: object) -> dict[str, object]:
    raise UnsafePlan("not today", remedy="try tomorrow")


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[ControlServer] = []

    def started(path: Path) -> Path:
        server = ControlServer(path, {"echo": lambda r: {"said": r["word"]}, "refuse": _refuse})
        server.start()
        servers.append(server)
        return path

    yield started
    for server in servers:
        server.stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sock"


def raw(path: Path, line: bytes) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(path))
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        return dict(json.loads(connection.makefile().readline()))


def test_a_command_is_answered(serve: Serve, path: Path) -> None:
    serve(path)
    assert call(path, "echo", word="Grüß Gott") == {"said": "Grüß Gott"}
    assert call(path, "echo", word="again") == {"said": "again"}


def test_a_refusal_comes_with_its_remedy(serve: Serve, path: Path) -> None:
    serve(path)
    with pytest.raises(ConnectorError, match="not today") as caught:
        call(path, "refuse")
    assert caught.value.remedy == "try tomorrow"


UNREADABLE = "the request cannot be read"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"\n", UNREADABLE),
        (b"nonsense\n", UNREADABLE),
        (b"[]\n", UNREADABLE),
        (b"[" * 60_000 + b"\n", UNREADABLE),
        (b"{}\n", UNREADABLE),
        (b'{"command": ["echo"]}\n', UNREADABLE),
        (b'{"command": "echo"}\n', f"{UNREADABLE}: it has no 'word'"),
        (b'{"command": "fly"}\n', "unknown command 'fly'"),
    ],
)
def test_what_cannot_be_read_is_refused_and_the_next_one_served(
    serve: Serve, path: Path, line: bytes, why: str
) -> None:
    serve(path)
    answer = raw(path, line)
    assert answer["ok"] is False
    assert why in str(answer["error"])
    assert call(path, "echo", word="still here") == {"said": "still here"}


@pytest.mark.parametrize("kind", [RuntimeError, ValueError, KeyError, TypeError, AttributeError, MemoryError])
def test_a_fault_of_ours_is_answered_and_quotes_nothing(path: Path, kind: type[Exception]) -> None:
    """Whatever its kind, it is told as ours: the request was as it should be."""

    def broken(_request: object) -> dict[str, object]:
        raise kind("words of a ticket")

    server = ControlServer(path, {"apply": broken})
    server.start()
    with pytest.raises(ConnectorError, match=rf"{kind.__name__}.*part of it may be done") as caught:
        call(path, "apply")
    server.stop()
    assert not isinstance(caught.value, Busy)
    assert "ticket" not in str(caught.value)


def test_a_pause_gets_through_while_a_plan_is_applied(path: Path) -> None:
    begun, done = threading.Event(), threading.Event()

    def apply(_request: object) -> dict[str, object]:
        begun.set()
        return {"finished": done.wait(60)}

    server = ControlServer(path, {"apply": apply, "pause": lambda _: {}}, slow=frozenset({"apply"}))
    server.start()
    try:
        with ThreadPoolExecutor(1) as pool:
            applying = pool.submit(call, path, "apply")
            assert begun.wait(60)
            assert call(path, "pause") == {}
            assert not applying.done()
            done.set()
            assert applying.result(60) == {"finished": True}
    finally:
        done.set()
        server.stop()


def test_a_long_answer_is_read_to_its_end(path: Path) -> None:
    server = ControlServer(path, {"apply": lambda _: {"refused": ["why not"] * 20_000}})
    server.start()
    try:
        assert len(call(path, "apply")["refused"]) == 20_000
    finally:
        server.stop()


def test_a_socket_whose_path_is_long_works_all_the_same(serve: Serve, tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    folder.mkdir(parents=True)
    path = serve(folder / "state.sock")
    assert len(str(path)) > 108
    assert call(path, "echo", word="far away") == {"said": "far away"}


def test_only_the_account_itself_reaches_it(serve: Serve, path: Path) -> None:
    serve(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_crash_left_is_replaced(serve: Serve, path: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(path))
    left.close()
    with pytest.raises(Busy, match="takes no commands"):
        call(path, "echo", word="anybody?")
    serve(path)
    assert call(path, "echo", word="me") == {"said": "me"}


def test_a_server_that_ends_takes_its_socket_along(path: Path) -> None:
    server = ControlServer(path, {})
    assert not server.alive
    server.start()
    assert server.alive
    server.stop()
    assert not path.exists()


PROBLEMS = (
    Problem(file="plan.json", message="is not a plan file", remedy="make one: connector plan --out"),
    Problem(file="connector.yaml", line=3, column=5, key="sites.0.name", message="is missing"),
)


@pytest.mark.parametrize(
    ("error", "comes_out_as"),
    [
        (WrongUse("no site is called 'x'", remedy="known: desk"), WrongUse),
        (ClockIsOff("the clock is off", at=MONDAY, remedy="set it right"), UnsafePlan),
        (NobodyServes("nobody serves", remedy="try again"), Busy),
        (ConfigError(PROBLEMS), ConfigError),
    ],
)
def test_an_error_ends_a_command_alike_whoever_does_the_work(
    tmp_path: Path, error: ConnectorError, comes_out_as: type[ConnectorError]
) -> None:
    """Its exit code hangs on its kind, and what it names is told whole."""

    def fails(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise error

    path = tmp_path / "state.db.sock"
    server = ControlServer(path, {"apply": fails})
    server.start()
    try:
        with pytest.raises(ConnectorError) as told:
            call(path, "apply")
    finally:
        server.stop()
    assert type(told.value) is comes_out_as
    assert (str(told.value), told.value.remedy) == (str(error), error.remedy)
    if isinstance(told.value, ConfigError):
        assert told.value.problems == PROBLEMS
