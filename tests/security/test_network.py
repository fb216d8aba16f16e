"""How we connect: TLS that is always verified, addresses that are looked at, nothing taken from the environment."""

from __future__ import annotations

import random
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.errors import Denied, Unavailable
from connector.helpdesks.transport import (
    Bearer,
    Client,
    Credentials,
    Dialect,
    Endpoint,
    Origin,
    Pin,
    PinnedAdapter,
    Request,
    Rotating,
    Surroundings,
)
from tests.helpdesks.scripted_server import ScriptedServer, answer, scripted_server
from tests.helpdesks.stopped_clock import StoppedClock
from tests.security.tls_server import CERTIFICATE, TlsServer, offered_versions, tls_server

DIALECT = Dialect(endpoints=(Endpoint(name="read", method="GET", path=re.compile("/.*"), safe=True),))
READ = Request("GET", "/x")


def client(url: str, *, ca_file: Path | None = None, credentials: Credentials | None = None) -> Client:
    around = Surroundings(clock=StoppedClock(), rng=random.Random(1), ca_file=str(ca_file) if ca_file else None)
    return Client(PinnedAdapter(Pin(Origin.parse(url)), credentials or Bearer("a-secret-token"), DIALECT, around))


@pytest.fixture
def tls() -> Iterator[TlsServer]:
    with tls_server() as running:
        yield running


@pytest.fixture
def plain() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


class TestTls:
    def test_a_named_authority_is_believed(self, tls: TlsServer) -> None:
        assert client(f"https://localhost:{tls.port}", ca_file=CERTIFICATE).call(READ).body == b'{"ok":true}'

    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_an_authority_of_the_environment_is_not(
        self, tls: TlsServer, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        monkeypatch.setenv(variable, str(CERTIFICATE))
        with pytest.raises(Denied):
            client(f"https://localhost:{tls.port}").call(READ)
        assert tls.requests == []

    def test_nothing_older_than_1_2_is_offered(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            heard: list[bytes] = []

            def listen() -> None:
                for _ in range(5):
                    connection, _ = listener.accept()
                    with connection:
                        heard.append(connection.recv(65536))

            thread = threading.Thread(target=listen)
            thread.start()
            with pytest.raises(Unavailable):
                client(f"https://localhost:{listener.getsockname()[1]}").call(READ)
            thread.join(5)
        assert offered_versions(heard[0]) == {0x0303, 0x0304}


class TestAddresses:
    @pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "::1", "fd00:ec2::254", "0.0.0.0"])  # noqa: S104
    def test_a_name_that_leads_inside_is_never_dialled(self, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
        dialled: list[object] = []
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_o: found)
        monkeypatch.setattr(socket.socket, "connect", lambda _sock, place: dialled.append(place))
        with pytest.raises(Denied, match="internal"):
            client("https://helpdesk.example").call(READ)
        assert dialled == []

    @pytest.mark.parametrize("inside", ["169.254.169.254", "127.0.0.1"])
    @pytest.mark.parametrize("at", [0, 1, 2])
    def test_one_address_inside_among_others_is_enough(
        self, monkeypatch: pytest.MonkeyPatch, inside: str, at: int
    ) -> None:
        """A name with several addresses would lead inside as soon as those before it do not answer."""
        addresses = ["192.0.2.7", "192.0.2.8"]
        addresses.insert(at, inside)
        dialled: list[object] = []
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]

        def refuse(_sock: socket.socket, place: object) -> None:
            dialled.append(place)
            raise ConnectionRefusedError

        monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_o: found)
        monkeypatch.setattr(socket.socket, "connect", refuse)
        with pytest.raises(Denied, match="internal"):
            client("https://helpdesk.example").call(READ)
        assert dialled == []

    def test_a_second_answer_of_the_name_server_changes_nothing(
        self, plain: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain.will(answer())
        asked: list[str] = []

        def once(host: str, port: int, *_args: object, **_options: object) -> list[object]:
            asked.append(host)
            address = "127.0.0.1" if asked.count("localhost") == 1 else "169.254.169.254"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(socket, "getaddrinfo", once)
        real = socket.create_connection

        def dial(place: tuple[str, int], *args: object, **options: object) -> socket.socket:
            assert place == ("127.0.0.1", plain.port)
            monkeypatch.undo()
            return real(place, *args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "create_connection", dial)
        assert client(f"http://localhost:{plain.port}").call(READ).body == b'{"ok":true}'
        assert asked == ["localhost"]

    def test_proxies_of_the_environment_are_ignored(
        self, plain: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", "")
        plain.will(answer())
        assert client(plain.url).call(READ).body == b'{"ok":true}'

    @pytest.mark.parametrize(
        "base", ["https://10.0.0.5", "https://[2001:db8::1]", "https://2130706433", "https://0x7f.1"]
    )
    def test_a_helpdesk_has_a_name(self, base: str) -> None:
        with pytest.raises(ValueError, match="name"):
            Origin.parse(base)


class TestRotation:
    def test_a_secret_that_was_changed_is_read_again_after_one_401(self, plain: ScriptedServer) -> None:
        kept = {"secret": "the-old-token"}
        rotating = Rotating(Bearer, lambda: kept["secret"], first="the-old-token")
        calls = client(plain.url, credentials=rotating)
        kept["secret"] = "the-new-token"
        plain.will(answer(status=401), answer(), answer())
        calls.call(READ)
        calls.call(READ)
        sent = [next(line for line in r.split(b"\r\n") if b"Authorization" in line)[-9:] for r in plain.requests]
        assert sent == [b"old-token", b"new-token", b"new-token"]

    def test_a_secret_that_stayed_is_not_tried_again(self, plain: ScriptedServer) -> None:
        calls = client(plain.url, credentials=Rotating(Bearer, lambda: "the-old-token", first="the-old-token"))
        plain.will(answer(status=401))
        with pytest.raises(Denied):
            calls.call(READ)
        assert len(plain.requests) == 1

    def test_nothing_shows_it(self) -> None:
        assert "the-old-token" not in repr(Rotating(Bearer, lambda: "", first="the-old-token"))
