"""Webhooks: who may knock, what a knock may cause, and how much knocking is heard at all."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connector.web.hints import MOST_REMEMBERED, MOST_WAITING, Hints, Seen
from connector.web.receiver import LARGEST_BODY, Asked, Door, Receiver
from connector.web.server import MOST_CONNECTIONS, WebServer
from connector.web.signatures import Delivery, from_jira, from_zendesk
from tests.helpdesks.stopped_clock import START, StoppedClock
from tests.security.tls_server import CERTIFICATE

OLD, NEW = "the-old-secret", "the-new-secret"


def zendesk_headers(body: bytes, *, secret: str = NEW, at: datetime = START) -> dict[str, str]:
    stamp = at.isoformat().replace("+00:00", "Z")
    signed = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).digest()
    return {
        "x-zendesk-webhook-signature": base64.b64encode(signed).decode(),
        "x-zendesk-webhook-signature-timestamp": stamp,
    }


def jira_headers(body: bytes, *, secret: str = NEW, name: str = "w1") -> dict[str, str]:
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature": f"sha256={signed}", "x-atlassian-webhook-identifier": name}


def jira_body(ticket: str = "10001", *, at: datetime = START, **more: Any) -> bytes:
    stamp = int(at.timestamp() * 1000)
    return json.dumps({"timestamp": stamp, "issue": {"id": ticket, "key": "SUP-1"}, **more}).encode()


def zendesk_body(ticket: str = "77") -> bytes:
    return json.dumps({"ticket_id": ticket, "title": "canary"}).encode()


class Desk:
    """A receiver with both vendors' sites, and what it let through."""

    def __init__(self) -> None:
        self.clock = StoppedClock()
        self.woken: list[str] = []
        self.hints = {name: Hints(lambda name=name: self.woken.append(name)) for name in ("jsm", "zen")}  # type: ignore[misc]
        verify = {"jsm": from_jira, "zen": from_zendesk}
        doors = {n: Door(verify=verify[n], secrets=lambda: (OLD, NEW), hints=self.hints[n]) for n in verify}
        self.receiver = Receiver(doors=doors, clock=self.clock, metrics=lambda: "connector_open_tickets 3\n")

    def post(self, site: str, body: bytes, headers: dict[str, str]) -> int:
        return self.receiver.answer(Asked("POST", f"/webhooks/{site}", headers, body)).status

    def taken(self) -> dict[str, tuple[str, ...]]:
        return {name: hints.take() for name, hints in self.hints.items()}


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_a_genuine_one_is_a_hint(desk: Desk, secret: str) -> None:
    assert desk.post("zen", zendesk_body(), zendesk_headers(zendesk_body(), secret=secret)) == 200
    assert desk.post("jsm", jira_body(), jira_headers(jira_body(), secret=secret)) == 200
    assert desk.taken() == {"jsm": ("10001",), "zen": ("77",)}
    assert sorted(desk.woken) == ["jsm", "zen"]


def test_an_event_of_zendesk_names_its_ticket_too(desk: Desk) -> None:
    body = b'{"type":"zen:event-type:ticket.status_changed","detail":{"id":"78"}}'
    assert desk.post("zen", body, zendesk_headers(body)) == 200
    assert desk.taken()["zen"] == ("78",)


@given(
    st.binary(max_size=60),
    st.dictionaries(st.sampled_from(sorted(zendesk_headers(b"") | jira_headers(b""))), st.text()),
)
def test_a_forged_one_is_never_a_hint(body: bytes, headers: dict[str, str]) -> None:
    desk = Desk()
    assert {desk.post(site, body, headers) for site in ("jsm", "zen", "nobody")} == {401}
    assert desk.taken() == {"jsm": (), "zen": ()}


@pytest.mark.parametrize("secret", ["", "another", NEW.upper(), NEW[:-1]])
def test_a_well_made_one_with_another_secret_is_forged(desk: Desk, secret: str) -> None:
    assert desk.post("zen", zendesk_body(), zendesk_headers(zendesk_body(), secret=secret)) == 401
    assert desk.post("jsm", jira_body(), jira_headers(jira_body(), secret=secret)) == 401
    assert desk.taken() == {"jsm": (), "zen": ()}


def test_an_unknown_site_looks_like_a_wrong_signature(desk: Desk) -> None:
    answers = {desk.receiver.answer(Asked("POST", f"/webhooks/{site}", {}, b"{}")) for site in ("jsm", "x", "", "../x")}
    assert len(answers) == 1
    assert next(iter(answers)).status == 401


@pytest.mark.parametrize("shift", [timedelta(minutes=6), -timedelta(minutes=6)])
def test_zendesk_must_be_from_now(desk: Desk, shift: timedelta) -> None:
    assert desk.post("zen", zendesk_body(), zendesk_headers(zendesk_body(), at=START + shift)) == 401


@pytest.mark.parametrize("shift", [-timedelta(minutes=61), timedelta(minutes=6)])
def test_jira_must_be_from_within_the_hour(desk: Desk, shift: timedelta) -> None:
    body = jira_body(at=START + shift)
    assert desk.post("jsm", body, jira_headers(body)) == 401
    body = jira_body(at=START - timedelta(minutes=30))  # a late retry
    assert desk.post("jsm", body, jira_headers(body)) == 200


def test_the_moment_is_signed_with_the_body(desk: Desk) -> None:
    headers = zendesk_headers(zendesk_body()) | {"x-zendesk-webhook-signature-timestamp": "2026-11-22T09:00:01Z"}
    assert desk.post("zen", zendesk_body(), headers) == 401


def test_a_replay_asks_for_nothing(desk: Desk) -> None:
    body = jira_body()
    desk.post("jsm", body, jira_headers(body))
    desk.taken()
    for name in ("w1", "another name, which nobody signed"):
        assert desk.post("jsm", body, jira_headers(body, name=name)) == 200
    assert desk.taken()["jsm"] == ()


def test_a_retry_under_the_same_name_asks_for_nothing(desk: Desk) -> None:
    for attempt in range(3):
        body = jira_body(attempt=attempt)
        assert desk.post("jsm", body, jira_headers(body)) == 200
    assert desk.taken()["jsm"] == ("10001",)
    assert desk.woken == ["jsm"]


def test_only_a_third_secret_is_too_many() -> None:
    delivery = Delivery(headers=jira_headers(jira_body(), secret="c"), body=jira_body(), at=START)
    assert from_jira(delivery, ("a", "c")) is not None
    assert from_jira(delivery, ("a", "b", "c")) is None
    assert from_jira(delivery, ()) is None


@pytest.mark.parametrize("id_", ["-1", "7/../8", "", "x", "9" * 30, "٣", [7], {"id": 7}, True, None])
def test_a_ticket_has_a_number_or_none(id_: Any) -> None:
    body = json.dumps({"ticket_id": id_}).encode()
    hint = from_zendesk(Delivery(headers=zendesk_headers(body), body=body, at=START), (NEW,))
    assert hint is not None
    assert hint.ticket == ""


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 200_000, b"17", b'{"detail":7}', b'{"issue":null}'])
def test_a_body_that_is_signed_and_senseless_does_no_harm(body: bytes) -> None:
    hint = from_zendesk(Delivery(headers=zendesk_headers(body), body=body, at=START), (NEW,))
    assert hint is not None
    assert hint.ticket == ""
    assert from_jira(Delivery(headers=jira_headers(body), body=body, at=START), (NEW,)) is None


class TestBounds:
    def test_hints_are_bounded_and_said_once(self) -> None:
        woken: list[int] = []
        hints = Hints(lambda: woken.append(1))
        for n in range(5000):
            hints.add(str(n % 700))
        assert len(woken) == 1
        assert len(hints.take()) == MOST_WAITING
        assert hints.take() == ()

    def test_what_was_seen_is_forgotten_after_a_day_and_bounded(self) -> None:
        seen = Seen()
        assert seen.is_new(("a",), now=START)
        assert not seen.is_new(("a", "b"), now=START + timedelta(hours=23))
        assert seen.is_new(("a",), now=START + timedelta(hours=48))
        for n in range(MOST_REMEMBERED + 10):
            seen.is_new((f"n{n}",), now=START + timedelta(hours=48))
        assert len(seen._names) == MOST_REMEMBERED

    def test_a_flood_is_turned_away_and_a_second_later_heard_again(self, desk: Desk) -> None:
        answers = [desk.post("jsm", b"x", {}) for _ in range(1000)]
        assert answers.count(429) == 800
        desk.clock.move(timedelta(seconds=1))
        assert desk.post("jsm", jira_body(), jira_headers(jira_body())) == 200
        assert desk.receiver.counts == {401: 200, 429: 800, 200: 1}

    def test_a_large_body_is_not_looked_at(self, desk: Desk) -> None:
        body = b"x" * (LARGEST_BODY + 1)
        assert desk.post("jsm", body, jira_headers(body)) == 413


class TestPages:
    @pytest.mark.parametrize("path", ["/", "/status", "/webhooks", "/healthz/", "/metrics?x=1", "/../etc/passwd"])
    def test_there_is_nothing_else(self, desk: Desk, path: str) -> None:
        assert desk.receiver.answer(Asked("GET", path, {})).status == 404

    def test_health_reveals_nothing(self, desk: Desk) -> None:
        assert desk.receiver.answer(Asked("GET", "/healthz", {})) == (200, "ok")
        desk.receiver.is_well = lambda: False
        assert desk.receiver.answer(Asked("GET", "/healthz", {})) == (503, "not ok")

    @pytest.mark.parametrize("path", ["/healthz", "/metrics"])
    def test_with_a_token_they_ask_for_it(self, desk: Desk, path: str) -> None:
        desk.receiver.token = hashlib.sha256(b"ops-token").hexdigest()
        for given_ in ("", "Bearer", "Bearer wrong", "Basic ops-token", "ops-token"):
            assert desk.receiver.answer(Asked("GET", path, {"authorization": given_})).status == 401
        assert desk.receiver.answer(Asked("GET", path, {"authorization": "Bearer ops-token"})).status == 200
        assert desk.receiver.answer(Asked("POST", path, {})).status == 405


@pytest.fixture
def served(desk: Desk) -> Iterator[tuple[Desk, WebServer]]:
    server = WebServer(("127.0.0.1", 0), desk.receiver)
    server.start()
    yield desk, server
    server.stop()


class TestSocket:
    def test_it_speaks_http(self, served: tuple[Desk, WebServer]) -> None:
        desk, server = served
        answer = requests.post(
            f"http://127.0.0.1:{server.port}/webhooks/jsm",
            data=jira_body(),
            headers=jira_headers(jira_body()),
            timeout=5,
        )
        assert answer.status_code == 200
        assert "Python" not in answer.headers["Server"]
        assert desk.taken()["jsm"] == ("10001",)

    @pytest.mark.parametrize(
        ("head", "status"),
        [
            ("Content-Length: 1000001", b"413"),
            ("Content-Length: 99999999999", b"411"),
            ("Content-Length: -5", b"411"),
            ("Transfer-Encoding: chunked", b"411"),
        ],
    )
    def test_a_body_is_measured_before_it_is_read(
        self, served: tuple[Desk, WebServer], head: str, status: bytes
    ) -> None:
        with socket.create_connection(("127.0.0.1", served[1].port), 5) as knocking:
            knocking.sendall(f"POST /webhooks/jsm HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
            assert status in knocking.recv(200)

    def test_whoever_drips_is_shown_out_and_takes_no_place_for_long(self, served: tuple[Desk, WebServer]) -> None:
        desk, server = served
        slow = [socket.create_connection(("127.0.0.1", server.port), 5) for _ in range(MOST_CONNECTIONS)]
        for knocking in slow:
            knocking.sendall(b"POST /webhooks/jsm HTTP/1.1\r\nX-Slow: ")
        with socket.create_connection(("127.0.0.1", server.port), 5) as turned_away:
            assert turned_away.recv(100) == b""
        desk.clock.move(timedelta(seconds=11))
        assert all(knocking.recv(100) == b"" for knocking in slow)
        while server._open:
            pass  # they were shown out; each place is given back by its own thread
        assert requests.get(f"http://127.0.0.1:{server.port}/healthz", timeout=5).status_code == 200
        for knocking in slow:
            knocking.close()

    @pytest.mark.parametrize("shakes", [True, False], ids=["after the handshake", "within it"])
    def test_whoever_drips_over_tls_is_shown_out_as_well(self, desk: Desk, *, shakes: bool) -> None:
        ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ours.load_cert_chain(CERTIFICATE)
        theirs.check_hostname, theirs.verify_mode = False, ssl.CERT_NONE
        server = WebServer(("127.0.0.1", 0), desk.receiver, tls=ours)
        server.start()
        with socket.create_connection(("127.0.0.1", server.port), 5) as slow:
            knocking = theirs.wrap_socket(slow) if shakes else slow
            knocking.sendall(b"POST /webhooks/jsm HTTP/1.1\r\nX-Slow: " if shakes else b"\x16\x03\x01")
            while not server._open:
                pass  # a handshake that only begins tells nobody that it was heard
            desk.clock.move(timedelta(seconds=11))
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                assert knocking.recv(100) == b""
            knocking.close()
        server.stop()


def test_the_clock_of_a_jira_hint_is_ours() -> None:
    delivery = Delivery(headers=jira_headers(jira_body()), body=jira_body(), at=START)
    assert from_jira(replace(delivery, at=datetime(2027, 1, 1, tzinfo=UTC)), (NEW,)) is None
