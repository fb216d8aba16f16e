"""Every exchange with the sandbox is put before the vendors' own documents, where those are at hand."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from tests.conftest import SHARED

Excuse = tuple[str, str]
"""(what the objection begins with, what it contains): both have to hold."""

Judge = Callable[[str, str, Any, int | None, Any], None]
"""Takes method, URL, request body, status and response body of one exchange; of a request alone no status."""

ORACLE = SHARED / "contract" / "oracle.py"


def _oracle(vendor: str) -> Any:
    spec = importlib.util.spec_from_file_location("contract_oracle", ORACLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Oracle.load(vendor)


@pytest.fixture(scope="session")
def oracles() -> dict[str, Any]:
    """Oracles by vendor, loaded when first asked for; empty without the reference data."""
    return {}


@pytest.fixture
def judge(oracles: dict[str, Any]) -> Callable[[str, tuple[Excuse, ...]], Judge]:
    """Return a maker of judges for one vendor; without the reference data a judge has no objection.

    ``test_judged.py`` skips with the reason then.
    """

    def make(vendor: str, excused: tuple[Excuse, ...]) -> Judge:
        if not ORACLE.is_file():
            return lambda *_exchange: None
        if vendor not in oracles:
            oracles[vendor] = _oracle(vendor)
        oracle = oracles[vendor]

        def look(method: str, url: str, request: Any, status: int | None, response: Any) -> None:
            found = oracle.check(method, url, request=request, status=status, response=response)
            objections = [o for o in found if not any(o.startswith(a) and b in o for a, b in excused)]
            assert not objections, (method, url, objections)

        return look

    return make


def watch(adapter: HTTPAdapter, look: Judge) -> None:
    """Show ``look`` every exchange that ``adapter`` really makes, retries and refusals included.

    A request is shown before it leaves, without status or answer: its answer may be lost. Then the exchange is shown
    with what came back; the answer is ``None`` where none of JSON came.
    """
    transmit = adapter._transmit  # type: ignore[attr-defined]

    def watched(request: Any, what: str) -> Any:
        body = json.loads(request.body) if request.body else None
        look(request.method, request.url, body, None, None)
        response = transmit(request, what)
        told = response.content and "json" in response.headers.get("Content-Type", "")
        answer = json.loads(response.content) if told else None
        look(request.method, request.url, body, response.status_code, answer)
        return response

    adapter._transmit = watched  # type: ignore[attr-defined]
