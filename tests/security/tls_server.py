"""A TLS server on loopback whose certificate (for ``localhost``, signed by itself) nobody knows unless told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("loopback.pem")
_ANSWER = (
    b'HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{"ok":true}'
)


@dataclass
class TlsServer:
    port: int
    handshakes: int = 0
    requests: list[bytes] = field(default_factory=list)


@contextlib.contextmanager
def tls_server() -> Iterator[TlsServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = TlsServer(listener.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(listener, context, server))
        thread.start()
        try:
            yield server
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _serve(listener: socket.socket, context: ssl.SSLContext, server: TlsServer) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        server.handshakes += 1
        with plain, contextlib.suppress(OSError):
            plain.settimeout(5)
            with context.wrap_socket(plain, server_side=True) as secure:
                server.requests.append(secure.recv(65536))
                secure.sendall(_ANSWER)


def offered_versions(hello: bytes) -> set[int]:
    """Return the versions that a ClientHello offers (extension 43), such as 0x0303 for TLS 1.2."""
    at = 5 + 4 + 2 + 32  # record, handshake, version, random
    at += 1 + hello[at]  # session
    at += 2 + int.from_bytes(hello[at : at + 2], "big")  # ciphers
    at += 1 + hello[at]  # compression
    end = at + 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 2
    while at < end:
        kind, size = int.from_bytes(hello[at : at + 2], "big"), int.from_bytes(hello[at + 2 : at + 4], "big")
        if kind == 43:
            listed = hello[at + 5 : at + 4 + size]
            return {int.from_bytes(listed[n : n + 2], "big") for n in range(0, len(listed), 2)}
        at += 4 + size
    return {int.from_bytes(hello[9:11], "big")}
