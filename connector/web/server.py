"""The socket in front of a ``Receiver``: a bounded number of short connections, each with little time."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from connector.web.receiver import LARGEST_BODY, Asked, Receiver, Reply

MOST_CONNECTIONS = 16
CONNECTION_SECONDS = 10.0
_LOOK_EVERY = 0.5
_BREATH_SECONDS = 0.5


class WebServer(ThreadingHTTPServer):
    """Serves one receiver until closed. More than ``MOST_CONNECTIONS`` at once are turned away unread.

    However slowly somebody sends, a connection ends after ``CONNECTION_SECONDS``: it is closed from outside.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], receiver: Receiver, *, tls: ssl.SSLContext | None = None) -> None:
        """Bind; raises ``OSError`` when the address cannot be had."""
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self.receiver = receiver
        self._tls = tls
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._open: dict[socket.socket, tuple[float, socket.socket]] = {}  # since when, and what to close
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(_LOOK_EVERY,), name="web", daemon=True)

    @property
    def port(self) -> int:
        """Return the port that was bound."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests and end."""
        self._ended.set()
        self.shutdown()
        self.server_close()

    def get_request(self) -> Any:
        """Take a connection in; raises ``OSError`` where none can be had, after a while: it would be tried at once."""
        try:
            return super().get_request()
        except (OSError, MemoryError) as error:
            self._ended.wait(_BREATH_SECONDS)
            raise OSError("nothing can be taken in for now") from error

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a connection to a thread of its own, where there is a place for one."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        with self._lock:
            self._open[request] = self.receiver.clock.monotonic(), request
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread was to be had
            self._leave(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection and give its place back."""
        try:
            request.settimeout(CONNECTION_SECONDS)
            with self._secured(request) as secure:
                if isinstance(secure, ssl.SSLSocket):
                    secure.do_handshake()
                self.finish_request(secure, client_address)
        except (OSError, ValueError):
            pass  # whoever was there has gone, or never spoke HTTP
        finally:
            self._leave(request)
            with contextlib.suppress(OSError):
                self.shutdown_request(request)

    def _secured(self, request: socket.socket) -> contextlib.AbstractContextManager[socket.socket]:
        if self._tls is None:
            return contextlib.nullcontext(request)
        secure = self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        with self._lock:  # before a word is said: ``request`` is an empty shell from here on
            self._open[request] = self._open[request][0], secure
        return secure

    def _leave(self, request: socket.socket) -> None:
        with self._lock:
            self._open.pop(request, None)
            self._places.release()

    def service_actions(self) -> None:
        """Close what has been open for too long."""
        now = self.receiver.clock.monotonic()
        with self._lock:
            late = [held for since, held in self._open.values() if now - since > CONNECTION_SECONDS]
        for held in late:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(held, socket.SHUT_RDWR)  # TLS has one of its own, which is not for other threads

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: what a stranger sends is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: WebServer
    server_version, sys_version = "connector", ""
    wbufsize = -1

    def _serve(self) -> None:
        self.close_connection = True
        reply = self._answer()
        body = reply.text.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def _answer(self) -> Reply:
        stated = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not stated.isdecimal() or len(stated) > 9:
            return Reply(411, "length required")
        if int(stated) > LARGEST_BODY:
            return Reply(413, "too large")
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        return self.server.receiver.answer(Asked(self.command, path, headers, self.rfile.read(int(stated))))

    do_GET = do_POST = _serve  # noqa: N815 - the names are http.server's

    def log_message(self, *_args: Any) -> None:
        """Say nothing: the metrics count, and an address or a path may be anything."""
