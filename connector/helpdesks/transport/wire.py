"""Connections that know whether a byte has left, how much time is left, and whom they talk to.

A name is resolved here, each address is looked at, and the connection goes to the very address that was looked at: a
name server cannot send us to a cloud's metadata service or back to this machine after the check.
"""

from __future__ import annotations

import functools
import http.client
import io
import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from connector.errors import Denied


@dataclass(slots=True)
class Watch:
    """State of the exchange in hand, shared by an adapter and its connections.

    Attributes:
        monotonic: Seconds that never go back.
        ends_at: Monotonic moment at which the exchange is given up, however slowly bytes drip.
        begun: The first byte of the request has been handed to the socket: from here on, no answer means *unknown*.
        may_begin: Asked before the first byte with the seconds that the exchange may still take.
    """

    monotonic: Callable[[], float]
    ends_at: float = 0.0
    begun: bool = False
    may_begin: Callable[[float], bool] = lambda _: True

    def start(self, seconds: float) -> None:
        """Begin an exchange that may take ``seconds`` in all."""
        self.ends_at = self.monotonic() + seconds
        self.begun = False

    def begin(self) -> None:
        """Pass the last moment at which an exchange can be called off; raises ``TimeoutError`` when it has to be."""
        if not self.may_begin(self.left()):
            raise TimeoutError("this process stood still since the write was armed: it is not ours any more")
        self.begun = True

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
    may_be_here: bool
    sock: Any
    response_class: Any
    host: str
    port: int
    timeout: Any
    socket_options: Any

    def _new_conn(self) -> socket.socket:
        """Connect to an address that was looked at; errors are those of urllib3's own."""
        me: Any = self
        try:
            return self._dial(self._addresses())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, me, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(me, f"no connection within {self.timeout} s") from error
        except OSError as error:
            raise NewConnectionError(me, f"no connection: {error}") from error

    def _addresses(self) -> list[tuple[str, int]]:
        found = socket.getaddrinfo(self.host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        places = [(str(place[0]), int(place[1])) for *_, place in found]
        for address, _ in places:
            refuse_internal(address, may_be_here=self.may_be_here)
        return places

    def _dial(self, places: list[tuple[str, int]]) -> socket.socket:
        failure = OSError("the name has no address")
        for place in places:
            try:
                sock = socket.create_connection(place, timeout=self.timeout)
            except OSError as error:
                failure = error
                continue
            for option in self.socket_options or ():
                sock.setsockopt(*option)
            return sock
        raise failure

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.response_class = functools.partial(_TimedResponse, self.watch)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not self.watch.begun:
            self.watch.begin()
        super().send(data)  # type: ignore[misc]


def watched_pools(watch: Watch, *, may_be_here: bool) -> dict[str, type[HTTPConnectionPool]]:
    """Return pool classes by scheme whose connections report to ``watch``.

    ``may_be_here``: the configured host is this machine itself; otherwise a name that leads here is refused.
    """
    told = {"watch": watch, "may_be_here": may_be_here}
    plain = type("PlainConnection", (_Watched, HTTPConnection), told)
    secure = type("SecureConnection", (_Watched, HTTPSConnection), told)
    return {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


def distrusted(failure: BaseException | None) -> str:
    """Return why a certificate was not accepted, where that is what stands behind ``failure``; else nothing."""
    for _ in range(8):
        if isinstance(failure, ssl.SSLCertVerificationError):
            return failure.verify_message
        reason = getattr(failure, "reason", None)
        inner = [a for a in getattr(failure, "args", ()) if isinstance(a, BaseException)]
        failure = reason if isinstance(reason, BaseException) else next(iter(inner), None)
    return ""


_METADATA = frozenset(
    ipaddress.ip_address(text) for text in ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")
)
"""Metadata services of clouds that do not use a link-local address."""


def refuse_internal(address: str, *, may_be_here: bool) -> None:
    """Refuse an address that is never a helpdesk's, whatever name leads to it.

    Raises:
        Denied: It is link-local, a cloud's metadata service, multicast, unspecified, or this machine where the
            configuration does not say so.
    """
    told = ipaddress.ip_address(address.partition("%")[0])
    for place in (told, *_inside(told)):
        odd = place.is_link_local or place.is_multicast or place.is_unspecified or place in _METADATA
        if odd or (place.is_loopback and not may_be_here):
            raise Denied("the helpdesk's name leads to an internal address", remedy="check base_url and DNS")


def _inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 address carries: mapped, 6to4, NAT64, compatible."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    low = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    carries = address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1)
    return tuple(a for a in (address.ipv4_mapped, address.sixtofour, low if carries else None) if a is not None)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
