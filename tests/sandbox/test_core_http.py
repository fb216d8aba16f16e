"""The server as ordinary clients meet it."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator

import pytest
import requests

from connector.sandbox.core.exchange import Delivery
from connector.sandbox.core.http import Server, ServerOptions
from connector.sandbox.core.messages import BadBodyError, Request, Response, empty_response, json_response
from tests.sandbox.note_site import START

BIG = b"x" * 3_000_000


def answer(request: Request) -> Response:
    if request.path == "/none":
        return empty_response()
    if request.path == "/big":
        return Response(body=BIG)
    credentials = request.credentials
    return json_response(
        {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "length": len(request.body),
            "origin": request.origin,
            "who": credentials and [credentials.scheme, credentials.user, credentials.secret],
        }
    )


@pytest.fixture(params=[False, True], ids=["plain", "gzip"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    running = Server(
        lambda asked, _: Delivery(response=answer(asked)), lambda: START, ServerOptions(compress=request.param)
    )
    running.start()
    yield running
    running.stop()


def test_many_requests_on_one_connection(server: Server) -> None:
    with requests.Session() as session:
        seen = [session.post(f"{server.url}/a b?x=1&x=&y=%C3%A4", data=b"z" * n) for n in (0, 1, 70_000)]
        assert [each.json()["length"] for each in seen] == [0, 1, 70_000]
        assert seen[0].json() | {"length": 0} == {
            "method": "POST",
            "path": "/a b",
            "query": [["x", "1"], ["x", ""], ["y", "ä"]],
            "length": 0,
            "origin": server.url,
            "who": None,
        }
        assert seen[0].headers["Date"] == "Mon, 23 Nov 2026 08:00:00 GMT"
        assert session.get(f"{server.url}/none").content == b""
        assert session.get(f"{server.url}/big").content == BIG


def test_credentials(server: Server) -> None:
    with requests.Session() as session:
        session.trust_env = False
        basic = session.get(server.url, auth=("me@x.example/token", "s:e")).json()["who"]
        bearer = session.get(server.url, headers={"Authorization": "Bearer abc"}).json()["who"]
        broken = session.get(server.url, headers={"Authorization": "Basic !"}).json()["who"]
    assert (basic, bearer, broken) == (["basic", "me@x.example/token", "s:e"], ["bearer", "", "abc"], None)


def test_two_requests_in_one_packet_and_one_request_in_many(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
        third = b"POST /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
        for start in range(0, len(third), 7):
            line.sendall(third[start : start + 7])
        told = b"".join(iter(lambda: line.recv(65536), b""))
    assert [f'"path":"/{n}"'.encode() in told for n in (1, 2, 3)] == [True, True, True]
    assert told.count(b"HTTP/1.1 200 OK") == 3


def test_bytes_that_are_no_request_end_the_connection(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(b"\x16\x03\x01 nonsense\r\nContent-Length: minus\r\n\r\n")
        assert line.recv(1) == b""


def test_compression_is_what_the_client_accepts() -> None:
    running = Server(lambda _a, _b: Delivery(response=Response(body=BIG)), lambda: START, ServerOptions(compress=True))
    running.start()
    with requests.Session() as session:
        plain = session.get(running.url, headers={"Accept-Encoding": "identity"}, stream=True)
        packed = session.get(running.url, headers={"Accept-Encoding": "gzip"}, stream=True)
        assert plain.raw.read() == BIG
        assert gzip.decompress(packed.raw.read()) == BIG
    running.stop()


def test_a_body_that_is_no_json() -> None:
    with pytest.raises(BadBodyError):
        Request(method="POST", path="/", body=b"{").json()
