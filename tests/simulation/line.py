"""The network without sockets: a connection to a simulated site is an object in this process, one answer per line."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connector.sandbox.core.exchange import Delivery, Exchange
from connector.sandbox.core.http import head_of
from connector.sandbox.core.messages import Request

Passing = Callable[[str], None]
"""Told where a request stands: ``sent`` before the site sees a write, ``applied`` after; may end the process."""

HOST = "127.0.0.1"


class Line:
    """As much of a socket as the transport uses. The whole request is answered when its last byte is sent."""

    def __init__(self, exchange: Exchange, passing: Passing) -> None:
        self._exchange = exchange
        self._passing = passing
        self._out = bytearray()
        self._in = b""
        self._io_refs = 0

    def sendall(self, data: bytes) -> None:
        """Take bytes; the last one of a request brings its answer."""
        self._out += data
        head, found, body = bytes(self._out).partition(b"\r\n\r\n")
        if not found:
            return
        first, *rows = head.decode("latin-1").split("\r\n")
        pairs = (row.partition(":") for row in rows)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if len(body) < int(headers.get("content-length", "0")):
            return
        method, _, rest = first.partition(" ")
        self._out.clear()
        self._answer(Request.of(method, rest.rsplit(" ", 1)[0], headers=headers, body=body))

    def _answer(self, request: Request) -> None:
        write = is_write(request)
        if write:
            self._passing("sent")
        delivery = self._exchange.run(request)
        if write:
            self._passing("applied")
        self._in = _on_the_wire(delivery, self._exchange)

    def recv_into(self, buffer: Any, *_: int) -> int:
        """Give what has arrived; nothing more means that the other side has closed."""
        size = min(len(buffer), len(self._in))
        buffer[:size], self._in = self._in[:size], self._in[size:]
        return size

    def settimeout(self, _seconds: float | None) -> None:
        """Nothing here takes time."""

    def setsockopt(self, *_: Any) -> None:
        """Nothing here has options."""

    def shutdown(self, _how: int) -> None:
        """The line ends with ``close``."""

    def close(self) -> None:
        """As with a socket: what has arrived can still be read by the file that was made of it."""

    def _decref_socketios(self) -> None:
        self._io_refs -= 1


def is_write(request: Request) -> bool:
    """Whether a request is a write of ours to tickets."""
    return request.method in {"PUT", "DELETE"} or (request.method == "POST" and request.path.endswith("/comment"))


def _on_the_wire(delivery: Delivery, exchange: Exchange) -> bytes:
    if delivery.response is None:
        return b""
    answer = head_of(delivery.response, exchange.world.now(), keep=False) + delivery.response.body
    return answer[: delivery.cut_after]


@contextlib.contextmanager
def network(exchanges: Mapping[int, Exchange], passing: Passing) -> Iterator[None]:
    """Let every connection made meanwhile lead to the site of its port; any other address is a fault of ours."""
    real = socket.create_connection

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> Line:
        host, port = address
        assert host == HOST, f"a request off the configured origins: {address}"
        assert port in exchanges, f"a request off the configured origins: {address}"
        return Line(exchanges[port], passing)

    socket.create_connection = connect  # type: ignore[assignment]
    try:
        yield
    finally:
        socket.create_connection = real
