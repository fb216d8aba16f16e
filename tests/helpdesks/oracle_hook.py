"""Every exchange of an adapter test is shown to the vendor's own document, where the reference data is at hand."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.conftest import SHARED

# What a vendor's document says that real traffic does not obey: (part of the objection, reason).
EXCUSED: tuple[tuple[str, str], ...] = (
    ("/created: ", "bulk changelogs: the schema says text, the document's own example has a number"),
)


@dataclass
class Exchanges:
    """Exchanges seen so far and what the documents say of them."""

    vendors: tuple[str, ...]
    seen: list[tuple[str, str, Any, int, Any]] = field(default_factory=list)

    def take(self, response: requests.Response) -> None:
        request = response.request
        body = request.body
        self.seen.append(
            (
                request.method or "",
                request.url or "",
                json.loads(body) if body else None,
                response.status_code,
                _json(response.content),
            )
        )

    def check(self) -> None:
        """Fail on any objection that is not excused."""
        objections = [o for exchange in self.seen for o in self.objections(*exchange)]
        assert not objections, "\n".join(objections[:20])

    def objections(self, method: str, url: str, sent: Any, status: int, got: Any) -> list[str]:
        if not SHARED.is_dir():
            return []
        oracle = _oracle().load(self._vendor(url))
        problems = oracle.check(method, url, request=sent, status=status, response=got)
        return [f"{method} {urlsplit(url).path}: {p}" for p in problems if not _is_excused(p)]

    def _vendor(self, url: str) -> str:
        return next((v for v in self.vendors if v == "jsm"), "") if "servicedeskapi" in url else self.vendors[0]


def watch(reader: Any, *vendors: str) -> Exchanges:
    """Record what goes over a reader's transport (its writer's and its vendor client's, too)."""
    exchanges = Exchanges(vendors)
    adapter = reader._client.adapter
    original = adapter.exchange

    def exchange(request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response: requests.Response = original(request, **options)
        exchanges.take(response)
        return response

    adapter.exchange = exchange
    return exchanges


def _is_excused(problem: str) -> bool:
    return any(part in problem for part, _ in EXCUSED)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _oracle() -> Any:
    name = "contract_oracle"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, SHARED / "contract" / "oracle.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name].Oracle
