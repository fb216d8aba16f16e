"""Faults that attack or mislead: each with its promise, judged by what went over the wire and what was written."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from connector.domain.site import FieldMap
from connector.errors import Denied, Unavailable, Unknown
from connector.helpdesks.jira.assembly import JiraOptions
from connector.helpdesks.jira.assembly import open_site as open_jira
from connector.helpdesks.transport import (
    Bearer,
    Client,
    Dialect,
    Endpoint,
    Origin,
    Pin,
    PinnedAdapter,
    Request,
    Surroundings,
)
from connector.helpdesks.transport.body import LARGEST_BODY
from connector.helpdesks.zendesk.adapter import ZendeskOptions
from connector.helpdesks.zendesk.adapter import open_site as open_zendesk
from tests.helpdesks.scripted_server import ScriptedServer, answer, scripted_server
from tests.helpdesks.stopped_clock import StoppedClock
from tests.security.tls_server import CERTIFICATE, tls_server

SECRET = "a-secret-canary-token"
DIALECT = Dialect(
    endpoints=(
        Endpoint(name="read", method="GET", path=re.compile("/.*"), safe=True),
        Endpoint(name="write", method="PUT", path=re.compile("/.*"), safe=False),
    )
)
READ = Request("GET", "/x")
WRITE = Request("PUT", "/x", body={"comment": "what a customer reads"})


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


def client(url: str, **around: Any) -> Client:
    surroundings = Surroundings(clock=StoppedClock(), rng=random.Random(1), **around)
    return Client(PinnedAdapter(Pin(Origin.parse(url)), Bearer(SECRET), DIALECT, surroundings))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_fault_03_a_certificate_that_is_not_accepted_stops_the_site_at_once(host: str) -> None:
    """Self-signed, or for another host: no request leaves, no storm of retries, a message that says what to do."""
    with tls_server() as server:
        ca_file = str(CERTIFICATE) if host == "127.0.0.1" else None  # there: believed, but it is for another name
        with pytest.raises(Denied, match="certificate") as caught:
            client(f"https://{host}:{server.port}", ca_file=ca_file).call(READ)
    assert server.handshakes == 1
    assert server.requests == []
    assert "ca_file" in caught.value.remedy
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_fault_20_a_redirect_is_refused_and_no_body_is_sent_again(server: ScriptedServer, status: int) -> None:
    """A redirect may lead anywhere and may resend a body: it is refused, what became of a write is unknown."""
    with scripted_server() as elsewhere:
        server.will(*[answer(b'{"ok":true}', status=status, Location=f"{elsewhere.url}/x")] * 6)
        with pytest.raises(Unknown, match="redirect"):
            client(server.url).call(WRITE)
        assert len(server.requests) == 1
        with pytest.raises(Unavailable, match="redirect"):
            client(server.url).call(READ)
        assert elsewhere.connections == 0


ODD_BODIES = {
    "a page of html": answer(b"<html>maintenance</html>", kind="text/html"),
    "json under another type": answer(b'{"ok":true}', kind="text/plain"),
    "html under json's type": answer(b"<html>login</html>"),
    "a byte order mark": answer(b'\xef\xbb\xbf{"ok":true}'),
    "a bomb": answer(gzip.compress(b'{"a":"' + b"0" * (LARGEST_BODY + 1) + b'"}', 9), Content_Encoding="gzip"),
    "no gzip at all": answer(b'{"ok":true}', Content_Encoding="gzip"),
    "a bare number": answer(b"17"),
}


@pytest.mark.parametrize("name", ODD_BODIES)
def test_fault_23_an_odd_body_is_never_taken_for_an_answer(server: ScriptedServer, name: str) -> None:
    """Wrong type, byte order mark, a bomb of more than 20 MB: a read gives the page up, a write is unknown."""
    server.will(*[ODD_BODIES[name]] * 6)
    with pytest.raises(Unknown):
        client(server.url).call(WRITE)
    with pytest.raises(Unavailable):
        client(server.url).call(READ)
    assert len(server.requests) == 6


STAMP = "2026-11-22T08:00:00Z"
HOSTILE_TEXT = {
    "emoji": "👩‍👩‍👧‍👦" * 50,
    "an override of direction": "\u202egnp.exe\u202c",
    "a NUL": "a\x00b",
    "half a character": "\ud83d",
    "zero width": "\u200b\u200d\ufeff" * 100,
    "a megabyte": "x" * 1_000_000,
}


def _zendesk_page(server: ScriptedServer, body: bytes) -> Any:
    server.will(answer(body))
    options = ZendeskOptions(site="z", base_url=server.url, reader=Bearer(SECRET), fields=FieldMap())
    return open_zendesk(options, Surroundings(clock=StoppedClock(), rng=random.Random(1))).reader.get(["1", "2"])


def _jira_page(server: ScriptedServer, body: bytes) -> Any:
    server.will(answer(b'{"accountId":"us"}'), answer(b"[]"), answer(body), answer(b'{"accountId":"us"}'))
    options = JiraOptions(site="j", api_base=server.url, reader=Bearer(SECRET), fields=FieldMap(), projects=("SUP",))
    return open_jira(options, Surroundings(clock=StoppedClock(), rng=random.Random(1))).reader.get(["1", "2"])


def _zendesk_ticket(id_: int, **more: Any) -> dict[str, Any]:
    return {"id": id_, "created_at": STAMP, "updated_at": STAMP, "status": "open", "slas": {}, "tags": [], **more}


def _jira_issue(id_: int, **more: Any) -> dict[str, Any]:
    at = "2026-11-22T08:00:00.000+0000"
    return {
        "id": str(id_),
        "key": f"SUP-{id_}",
        "fields": {"created": at, "updated": at, "status": {"id": "3"}, **more},
    }


def _nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "text", "text": "deep"}
    for _ in range(depth):
        node = {"type": "panel", "content": [node]}
    return {"type": "doc", "version": 1, "content": [node]}


@pytest.mark.parametrize("name", HOSTILE_TEXT)
def test_fault_42_hostile_text_costs_nobody_his_ticket(server: ScriptedServer, name: str) -> None:
    """Emoji, direction, NUL, half characters, invisible ones, a megabyte of subject: both tickets are read."""
    text = HOSTILE_TEXT[name]
    zendesk = {"tickets": [_zendesk_ticket(1, subject=text, description=text), _zendesk_ticket(2)]}
    page = _zendesk_page(server, json.dumps(zendesk).encode())
    assert [o.ticket.ref.id for o in page.observations] == ["1", "2"]
    adf = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}
    jira = {"issues": [_jira_issue(1, summary=text, description=adf), _jira_issue(2)]}
    page = _jira_page(server, json.dumps(jira).encode())
    assert [o.ticket.ref.id for o in page.observations] == ["1", "2"]


def test_fault_42_text_nested_200_deep_is_read(server: ScriptedServer) -> None:
    """A document that is nested 200 levels deep neither crashes nor hides its neighbour."""
    page = _jira_page(
        server, json.dumps({"issues": [_jira_issue(1, description=_nested(200)), _jira_issue(2)]}).encode()
    )
    assert [o.ticket.ref.id for o in page.observations] == ["1", "2"]


ODD_VALUES = {
    "a number that is none": (b'"created_at":NaN', b'"created":NaN'),
    "a number beyond all": (b'"created_at":1e999', b'"created":1e999'),
    "an unknown status": (b'"status":"levitating"', b'"status":17'),
    "a list for a text": (b'"created_at":[]', b'"created":[]'),
    "a moment that is none": (b'"created_at":"yesterday"', b'"created":"yesterday"'),
}


@pytest.mark.parametrize("name", ODD_VALUES)
def test_fault_43_an_odd_value_quarantines_that_ticket_alone(server: ScriptedServer, name: str) -> None:
    """One ticket of a page cannot be read: it is set aside, the other one is read, the page counts as read."""
    of_zendesk, of_jira = ODD_VALUES[name]
    good, odd = json.dumps(_zendesk_ticket(2)).encode(), json.dumps(_zendesk_ticket(1)).encode()
    page = _zendesk_page(server, b'{"tickets":[' + odd[:-1] + b"," + of_zendesk + b"}," + good + b"]}")
    assert ([o.ticket.ref.id for o in page.observations], len(page.malformed)) == (["2"], 1)
    good, odd = json.dumps(_jira_issue(2)).encode(), json.dumps(_jira_issue(1)).encode()
    page = _jira_page(server, b'{"issues":[' + odd[:-2] + b"," + of_jira + b"}}," + good + b"]}")
    assert ([o.ticket.ref.id for o in page.observations], len(page.malformed)) == (["2"], 1)


def _read(page: Any) -> list[str]:
    return [*(o.ticket.ref.id for o in page.observations), *("set aside" for _ in page.malformed)]


@pytest.mark.parametrize("odd", [b'"subject":"\\ud800"', b'"subject":"a\x01b"', b'"subject":"\xff"', b'"x":-Infinity'])
def test_fault_43_what_is_not_quite_json_costs_no_other_ticket(server: ScriptedServer, odd: bytes) -> None:
    """Half a surrogate pair, a bare control character, bytes that are no UTF-8 in a text: nobody else is touched."""
    good, other = json.dumps(_zendesk_ticket(2)).encode(), json.dumps(_zendesk_ticket(1)).encode()
    page = _zendesk_page(server, b'{"tickets":[' + other[:-1] + b"," + odd + b"}," + good + b"]}")
    assert _read(page) in (["1", "2"], ["2", "set aside"])
    good, other = json.dumps(_jira_issue(2)).encode(), json.dumps(_jira_issue(1)).encode()
    page = _jira_page(server, b'{"issues":[' + other[:-2] + b"," + odd + b"}}," + good + b"]}")
    assert _read(page) in (["1", "2"], ["2", "set aside"])
