"""A helpdesk that answers every paged read with pages whose every address leads somewhere else; it counts who comes."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

STAMP = "2026-11-22T08:00:00Z"
JIRA_STAMP = "2026-11-22T08:00:00.000+0000"


class HostileHelpdesk(ThreadingHTTPServer):
    """Both vendors at one address. ``url`` stands wherever an answer may name an address or a cursor."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = ""
        self.redirects = False
        self.served: list[str] = []
        self._seen: set[tuple[str, str]] = set()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def serve(self, url: str, *, redirects: bool = False) -> None:
        self.url, self.redirects = url, redirects
        self._seen.clear()

    def is_first(self, path: str) -> bool:
        """True once per address and path: the page that says there is more."""
        first = (self.url, path) not in self._seen
        self._seen.add((self.url, path))
        return first

    def page(self, path: str, *, more: bool) -> Any:
        page = _zendesk(path, self.url) if path.startswith("/api/v2") else _jira(path, self.url)
        return page if isinstance(page, list) else self._linked(page, more=more)

    def _linked(self, page: dict[str, Any], *, more: bool) -> dict[str, Any]:
        url = self.url if more else None
        return {
            "next_page": url,
            "previous_page": url,
            "after_url": url,
            "after_cursor": url,
            "end_of_stream": not more,
            "links": {"next": url, "prev": url},
            "_links": {"next": url, "self": self.url, "base": self.url},
            "meta": {"has_more": more, "after_cursor": url},
            "nextPage": url,
            "nextPageToken": url,
            "isLast": not more,
            "self": self.url,
            "url": self.url,
            **page,
        }


def _zendesk(path: str, url: str) -> dict[str, Any]:
    ticket = {"id": 7, "url": url, "created_at": STAMP, "updated_at": STAMP, "status": "open", "slas": {}}
    audit = {"id": 1, "ticket_id": 7, "created_at": STAMP, "author_id": 9, "events": [], "metadata": {}, "url": url}
    group = {"id": 5, "name": "desk", "url": url}
    membership = {"id": 6, "group_id": 5, "user_id": 9, "url": url}
    user = {"id": 9, "role": "agent", "active": True, "suspended": False, "url": url, "photo": {"content_url": url}}
    job = {"id": "j1", "status": "completed", "results": [], "url": url}
    held = {
        "search/": {"results": [ticket]},
        "audits": {"audits": [audit]},
        "groups": {"groups": [group]},
        "group_memberships": {"group_memberships": [membership]},
        "users/me": {"user": user},
        "users/show_many": {"users": [user]},
        "users/": {"user": user},
        "job_statuses": {"job_statuses": [job]},
        "tickets": {"tickets": [ticket]},
    }
    return {"count": 200, **next(page for part, page in held.items() if part in path)}


def _jira(path: str, url: str) -> Any:
    icon = {"self": url, "iconUrl": url, "avatarUrls": {"16x16": url}}
    person = {"accountId": "us", "active": True, "displayName": "Us", **icon}
    fields = {
        "created": JIRA_STAMP,
        "updated": JIRA_STAMP,
        "status": {"id": "3", **icon},
        "priority": {"id": "4", **icon},
    }
    if path.endswith("/field"):
        return [{"id": "summary", "name": "Summary", "self": url}]
    comment = {"id": "1", "created": JIRA_STAMP, "author": person, "body": {"type": "doc"}, "self": url}
    return {
        **person,
        "issues": [{"id": "7", "key": "SUP-7", "fields": fields, "self": url}],
        "issueChangeLogs": [{"issueId": "7", "changeHistories": []}],
        "comments": [comment],
        "total": 2,
        "values": [person],
        "permissions": {},
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment
    server: HostileHelpdesk

    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        self.server.served.append(path)
        more = self.server.is_first(path)
        body = json.dumps(self.server.page(path, more=more)).encode()
        self.send_response(302 if self.server.redirects and more else 200)
        told = self.server.url.encode("ascii", "ignore").decode()
        safe = "".join(c for c in told if c.isprintable())[:8000]
        for name, value in (("Location", safe), ("Link", f'<{safe}>; rel="next"'), ("Content-Location", safe)):
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _serve  # noqa: N815

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def hostile_helpdesk() -> Iterator[HostileHelpdesk]:
    with HostileHelpdesk() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(5)


class Watchtower:
    """Every name that this process looks up and every address that it connects to: the ground truth."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.names: set[str] = set()
        self.places: set[tuple[str, int]] = set()
        look_up, connect = socket.getaddrinfo, socket.socket.connect

        def watched_look_up(host: Any, *args: Any, **options: Any) -> Any:
            self.names.add(str(host))
            return look_up(host, *args, **options)

        def watched_connect(sock: socket.socket, place: Any) -> None:
            self.places.add((str(place[0]), int(place[1])))
            connect(sock, place)

        patch.setattr(socket, "getaddrinfo", watched_look_up)
        patch.setattr(socket.socket, "connect", watched_connect)
