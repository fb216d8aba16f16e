"""A kept connection to a sandbox's control ports: a simulated day asks for the time many thousand times."""

from __future__ import annotations

import http.client
import json
import threading
import weakref
from collections.abc import Mapping
from typing import Any

_DIED_IDLE = (http.client.RemoteDisconnected, ConnectionError)


class Line:
    """One connection, opened with the first question and anew when it died idle. Its questions go one at a time."""

    def __init__(self, address: str, *, timeout: float) -> None:
        """Make a line to ``host:port``; an answer may take ``timeout`` seconds."""
        self._connection = http.client.HTTPConnection(address, timeout=timeout)
        self._lock = threading.Lock()
        weakref.finalize(self, self._connection.close)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Return an answer's status and what it says.

        Raises:
            OSError: Nobody answers.
            HTTPException: What answers is no server.
            ValueError: What it says is no JSON.
        """
        payload = None if body is None else json.dumps(body)
        with self._lock:
            kept = self._connection.sock is not None
            try:
                return self._ask(method, path, payload)
            except _DIED_IDLE:
                if not kept:
                    raise
                return self._ask(method, path, payload)

    def _ask(self, method: str, path: str, payload: str | None) -> tuple[int, Any]:
        try:
            self._connection.request(method, path, payload)
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except BaseException:
            self._connection.close()
            raise
