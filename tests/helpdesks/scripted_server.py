"""A server on loopback that does exactly what a test tells it to, one action per request."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Action = Callable[[socket.socket], None]


def answer(
    body: bytes = b'{"ok":true}', *, status: int = 200, kind: str = "application/json", **headers: str
) -> Action:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", f"Content-Type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    raw = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    return lambda conn: conn.sendall(raw)


def raw(data: bytes) -> Action:
    def act(conn: socket.socket) -> None:
        conn.sendall(data)
        conn.close()

    return act


def drop(conn: socket.socket) -> None:
    conn.close()


@dataclass
class ScriptedServer:
    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    actions: list[Action] = field(default_factory=list)
    open: list[socket.socket] = field(default_factory=list)
    wrap: Callable[[socket.socket], socket.socket] = lambda conn: conn

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def will(self, *actions: Action) -> None:
        self.actions.extend(actions)


@contextlib.contextmanager
def scripted_server(wrap: Callable[[socket.socket], socket.socket] = lambda conn: conn) -> Iterator[ScriptedServer]:
    """Serve on a free port; ``wrap`` makes a connection of another kind of an accepted one (TLS, a cut)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ScriptedServer(listener.getsockname()[1], wrap=wrap)
        thread = threading.Thread(target=_accept, args=(listener, server))
        thread.start()
        try:
            yield server
        finally:
            for held in (listener, *server.open):
                with contextlib.suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _accept(listener: socket.socket, server: ScriptedServer) -> None:
    while True:
        try:
            conn, _ = listener.accept()
        except OSError:
            return
        server.connections += 1
        server.open.append(conn)
        threading.Thread(target=_serve, args=(conn, server), daemon=True).start()


def _serve(conn: socket.socket, server: ScriptedServer) -> None:
    with conn, contextlib.suppress(OSError):
        conn.settimeout(5)
        with server.wrap(conn) as wrapped:
            _answer_all(wrapped, server)


def _answer_all(conn: socket.socket, server: ScriptedServer) -> None:
    while conn.fileno() >= 0:
        request = _request(conn)
        if not request:
            return
        server.requests.append(request)
        server.actions.pop(0)(conn)
        if b"connection: close" in request.lower():
            return


def _request(conn: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = conn.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += conn.recv(65536)
    return head + b"\r\n\r\n" + body
