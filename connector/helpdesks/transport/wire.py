"""Connections that know whether a byte has left, how much time is left, and whom they talk to."""

from __future__ import annotations

import functools
import http.client
import io
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from connector.errors import Denied


@dataclass(slots=True)
class Watch:
    """State of the exchange in hand, shared by an adapter and its connections.

    Attributes:
        monotonic: Seconds that never go back.
        ends_at: Monotonic moment at which the exchange is given up, however slowly bytes drip.
        begun: The first byte of the request has been handed to the socket: from here on, no answer means *unknown*.
    """

    monotonic: Callable[[], float]
    ends_at: float = 0.0
    begun: bool = False

    def start(self, seconds: float) -> None:
        """Begin an exchange that may take ``seconds`` in all."""
        self.ends_at = self.monotonic() + seconds
        self.begun = False

    def left(self) -> float:
        """Return the seconds left; raises ``TimeoutError`` when there are none."""
        left = self.ends_at - self.monotonic()
        if left <= 0:
            raise TimeoutError("the time for the whole exchange is used up")
        return left


class _TimedIO(socket.SocketIO):
    """Reads from a socket, each time for no longer than the whole exchange may still take."""

    def __init__(self, sock: socket.socket, watch: Watch) -> None:
        super().__init__(sock, "r")
        self._watched = sock
        self._watch = watch

    def readinto(self, buffer: Any) -> int | None:
        self._watched.settimeout(self._watch.left())
        return super().readinto(buffer)


class _TimedSocket:
    """As much of a socket as ``http.client.HTTPResponse`` asks for."""

    def __init__(self, sock: Any, watch: Watch) -> None:
        self._sock = sock
        self._watch = watch

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._sock._io_refs += 1  # noqa: SLF001 - what socket.makefile does; the file's close gives it back
        return io.BufferedReader(_TimedIO(self._sock, self._watch))


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, watch: Watch, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(_TimedSocket(sock, watch), *args, **options)  # type: ignore[arg-type]


class _Watched:
    """Mixed into urllib3's connections; ``watch`` is set per adapter."""

    watch: Watch
    sock: Any
    response_class: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        _refuse_internal(self.sock)
        self.response_class = functools.partial(_TimedResponse, self.watch)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.watch.begun = True
        super().send(data)  # type: ignore[misc]


def watched_pools(watch: Watch) -> dict[str, type[HTTPConnectionPool]]:
    """Return pool classes by scheme whose connections report to ``watch``."""
    plain = type("PlainConnection", (_Watched, HTTPConnection), {"watch": watch})
    secure = type("SecureConnection", (_Watched, HTTPSConnection), {"watch": watch})
    return {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


def _refuse_internal(sock: socket.socket) -> None:
    """Names may resolve to a cloud's metadata service; that is never a helpdesk."""
    peer = ipaddress.ip_address(sock.getpeername()[0].partition("%")[0])
    if peer.is_link_local or peer.is_multicast or peer.is_unspecified:
        sock.close()
        raise Denied("the helpdesk's name leads to a link-local address", remedy="check base_url and DNS")
