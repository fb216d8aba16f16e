"""A small HTTP/1.1 server for loopback: keep-alive, one thread per connection, one send per answer."""

from __future__ import annotations

import contextlib
import gzip
import select
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus

from connector.sandbox.core.exchange import Delivery
from connector.sandbox.core.messages import Request, Response

Handler = Callable[[Request, Callable[[], bool]], Delivery]
REASONS = {status.value: status.phrase for status in HTTPStatus}
HEAD_LIMIT = 65536
GZIP_FROM = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How a server listens.

    Attributes:
        port: Zero picks a free one.
        compress: Answer in gzip to clients that accept it.
    """

    port: int = 0
    compress: bool = False


class Server:
    """Serves one handler on one loopback port, with ``Date`` headers from the simulated clock."""

    def __init__(self, handler: Handler, now: Callable[[], datetime], options: ServerOptions) -> None:
        self._handler = handler
        self._now = now
        self._compress = options.compress
        self._socket = socket.create_server(("127.0.0.1", options.port), backlog=128)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT`` without a trailing slash."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def start(self) -> None:
        """Accept connections in a thread of its own."""
        threading.Thread(target=self._accept, name=f"accept {self.url}", daemon=True).start()

    def stop(self) -> None:
        """Stop listening and drop every connection."""
        self._stopping.set()
        _shut(self._socket)
        with self._lock:
            for connection in self._open:
                _shut(connection)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
        try:
            with connection:
                _Conversation(connection, self._answer).run()
        except OSError:
            pass  # the client went away; its next connection is a new conversation
        finally:
            with self._lock:
                self._open.discard(connection)

    def _answer(self, request: Request, present: Callable[[], bool]) -> tuple[Delivery, bytes]:
        delivery = self._handler(request, present)
        response = delivery.response
        if response is None:
            return delivery, b""
        if self._compress and "gzip" in request.headers.get("accept-encoding", "") and len(response.body) >= GZIP_FROM:
            response = replace(
                response,
                headers=(*response.headers, ("Content-Encoding", "gzip")),
                body=gzip.compress(response.body, compresslevel=1, mtime=0),
            )
            delivery = replace(delivery, response=response)
        keep = delivery.cut_after is None and request.headers.get("connection", "").lower() != "close"
        return delivery, head_of(response, self._now(), keep=keep)


def head_of(response: Response, now: datetime, *, keep: bool) -> bytes:
    """Status line and headers, blank line included."""
    lines = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    lines.append(f"Date: {format_datetime(now, usegmt=True)}")
    if response.status not in (204, 304):
        lines.append(f"Content-Length: {len(response.body)}")
    lines.append(f"Connection: {'keep-alive' if keep else 'close'}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


class _Conversation:
    """Requests and answers on one connection."""

    def __init__(
        self, connection: socket.socket, answer: Callable[[Request, Callable[[], bool]], tuple[Delivery, bytes]]
    ) -> None:
        self._connection = connection
        self._answer = answer
        self._buffer = bytearray()

    def run(self) -> None:
        """Answer until either side closes."""
        while (request := self._read()) is not None:
            delivery, head = self._answer(request, self._present)
            if not self._send(delivery, head) or request.headers.get("connection", "").lower() == "close":
                return

    def _read(self) -> Request | None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > HEAD_LIMIT or not self._fill():
                return None
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or "transfer-encoding" in headers:
            return None  # the vendors' clients send whole bodies; anything else is a mistake here
        length = int(declared)
        whole = end + 4 + length
        while len(self._buffer) < whole:
            if not self._fill():
                return None
        body = bytes(self._buffer[end + 4 : whole])
        del self._buffer[:whole]
        method, _, rest = lines[0].partition(" ")
        return Request.of(method, rest.rsplit(" ", 1)[0], headers=headers, body=body)

    def _fill(self) -> bool:
        piece = self._connection.recv(262144)
        self._buffer += piece
        return bool(piece)

    def _present(self) -> bool:
        """Whether the client still holds the line (it may not have sent anything since)."""
        readable, _, _ = select.select([self._connection], [], [], 0)
        try:
            return not readable or bool(self._connection.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _send(self, delivery: Delivery, head: bytes) -> bool:
        """Send an answer; false when the connection is to be closed."""
        if delivery.response is None:
            return False
        body = delivery.response.body
        if delivery.cut_after is not None:
            self._connection.sendall((head + body)[: delivery.cut_after])
            return False
        if delivery.drip:
            self._drip(head + body, delivery)
            return True
        if delivery.pause:
            threading.Event().wait(delivery.pause)
        self._connection.sendall(head + body if body else head)
        return True

    def _drip(self, answer: bytes, delivery: Delivery) -> None:
        for start in range(0, len(answer), delivery.drip):
            self._connection.sendall(answer[start : start + delivery.drip])
            threading.Event().wait(delivery.pause)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
