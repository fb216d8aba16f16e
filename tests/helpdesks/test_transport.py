"""The transport against a real socket that behaves badly."""

from __future__ import annotations

import gzip
import logging
import random
import re
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Conflict, Denied, HelpdeskError, NotSent, Rejected, Throttled, Unavailable, Unknown
from connector.helpdesks.transport import (
    Basic,
    Bearer,
    Client,
    ClientCredentials,
    Credentials,
    Dialect,
    Endpoint,
    Limit,
    Origin,
    Outcome,
    Pin,
    PinnedAdapter,
    Reply,
    Request,
    Surroundings,
    classify,
    retry_after,
)
from connector.helpdesks.transport.retry import PROBE_SECONDS, TOTAL_SECONDS
from tests.helpdesks.scripted_server import ScriptedServer, answer, drop, raw, scripted_server
from tests.helpdesks.stopped_clock import START, StoppedClock

SECRET = "s3cr3t-token-value"
TEN_A_MINUTE = Limit(name="export", count=10, window=timedelta(minutes=1))
PER_TICKET = Limit(name="ticket", count=4, window=timedelta(minutes=10), share=0.5, per_ticket=True)
DIALECT = Dialect(
    endpoints=(
        Endpoint(name="read", method="GET", path=re.compile("/api/.*"), safe=True, limits=(TEN_A_MINUTE,)),
        Endpoint(name="search", method="POST", path=re.compile("/search"), safe=True),
        Endpoint(name="write", method="PUT", path=re.compile("/api/tickets/(\\d+)"), safe=False, limits=(PER_TICKET,)),
    )
)
READ = Request("GET", "/api/x")
WRITE = Request("PUT", "/api/tickets/7", body={"a": 1})


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


def client(server: ScriptedServer, clock: StoppedClock, credentials: Credentials | None = None) -> Client:
    around = Surroundings(clock=clock, rng=random.Random(1))
    pin = Pin(Origin.parse(server.url), {"https://pinned.client.invalid": ""})
    return Client(PinnedAdapter(pin, credentials or Bearer(SECRET), DIALECT, around))


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


class Ageing(StoppedClock):
    """Every look at it costs so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def monotonic(self) -> float:
        self.move(timedelta(seconds=self._seconds))
        return super().monotonic()


def drip(conn: socket.socket) -> None:
    """Answer at such a length that nobody reads it at one look."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n"
    raw(head + b"1" * 900_000)(conn)


class TestOrigin:
    @pytest.mark.parametrize(
        "url",
        [
            "http://helpdesk.example/",
            "ftp://x/",
            "https://user@x/",
            "https://x/?q=1",
            "https://x/#f",
            "https://еxample.com",
            "https://x/a/../b",
            "nonsense",
        ],
    )
    def test_refuses_what_is_no_base(self, url: str) -> None:
        with pytest.raises(ValueError):
            Origin.parse(url)

    @pytest.mark.parametrize(
        "url",
        [
            "https://a.example/ex/jira/11/x",
            "https://a.example:444/ex/jira/1/x",
            "http://a.example/ex/jira/1/x",
            "https://a.example.evil/ex/jira/1/x",
            "https://a.example@evil/ex/jira/1/x",
            "https://evil@a.example/ex/jira/1/x",
            "https://a.example/ex/jira/1/../2/x",
            "https://a.example/ex/jira/1/%2e%2E/2",
            "https://a.example/ex/jira/1/..%5c2",
            "https://a.example/ex/jira/1",
            "//evil/ex/jira/1/x",
            "https://a.example:bad/ex/jira/1/x",
            "",
        ],
    )
    def test_leaving_is_refused(self, url: str) -> None:
        pin = Pin(Origin.parse("https://A.example/ex/jira/1/"))
        with pytest.raises(Denied):
            pin.resolve(url)

    def test_default_port_and_case_are_the_same_place(self) -> None:
        pin = Pin(Origin.parse("https://a.example/p"))
        assert pin.resolve("https://A.EXAMPLE:443/p/x") == "https://a.example/p/x"

    def test_an_alias_stands_for_the_origin(self) -> None:
        pin = Pin(Origin.parse("http://127.0.0.1:8080/z"), {"https://pinned.client.invalid": ""})
        assert pin.resolve("https://pinned.client.invalid/api/v2/x?y=1") == "http://127.0.0.1:8080/z/api/v2/x?y=1"

    @given(st.text(max_size=60))
    def test_whatever_the_payload_says_we_stay(self, junk: str) -> None:
        origin = Origin.parse("https://a.example/p")
        if origin.admits(junk):
            assert junk.lower().startswith(("https://a.example/p/", "https://a.example:443/p/"))


class TestOutcome:
    @given(st.integers(100, 599), st.binary(max_size=20))
    def test_only_a_readable_2xx_is_applied(self, status: int, body: bytes) -> None:
        reply = Reply(status=status, headers={"content-type": "application/json"}, body=body, at=START)
        outcome = classify(reply)
        assert (outcome is Outcome.APPLIED) <= (200 <= status < 300)
        if status >= 500 or 300 <= status < 400 or status == 408:
            assert outcome is Outcome.UNKNOWN

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("93", 93), ("0", 1), ("-5", 1), ("", 1), ("soon", 1), ("99999", 900), ("1e400", 900), ("nan", 1)],
    )
    def test_retry_after_is_bounded(self, header: str, seconds: int) -> None:
        assert retry_after({"retry-after": header}, START) == timedelta(seconds=seconds)

    def test_retry_after_may_be_a_date(self) -> None:
        assert retry_after({"retry-after": "Sun, 22 Nov 2026 09:01:30 GMT"}, START) == timedelta(seconds=90)


class TestReads:
    def test_are_repeated_until_they_succeed(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(drop, answer(status=503), answer(b"<html>", kind="text/html"), answer())
        assert client(server, clock).call(READ).body == b'{"ok":true}'
        assert len(server.requests) == 4
        assert len(clock.waits) == 3

    def test_wait_at_least_as_long_as_asked(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(answer(status=429, Retry_After="93"), answer())
        client(server, clock).call(READ)
        assert timedelta(seconds=93) <= clock.now() - START < timedelta(seconds=130)

    def test_give_up_when_the_wish_is_long(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(answer(status=429, Retry_After="3600"))
        with pytest.raises(Unavailable) as caught:
            client(server, clock).call(READ)
        assert caught.value.retry_after == timedelta(minutes=15)
        assert len(server.requests) == 1

    def test_a_wake_ends_the_wait(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(answer(status=503))
        clock.wake()
        with pytest.raises(Unavailable, match="interrupted"):
            client(server, clock).call(READ)

    def test_a_post_that_only_reads_is_repeated(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(drop, answer())
        client(server, clock).call(Request("POST", "/search", body={}))
        assert len(server.requests) == 2

    def test_end_after_five_tries(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(*[answer(status=500)] * 5)
        with pytest.raises(Unavailable):
            client(server, clock).call(READ)
        assert len(server.requests) == 5

    def test_a_probe_is_one_try_and_what_follows_is_repeated_again(
        self, server: ScriptedServer, clock: StoppedClock
    ) -> None:
        server.will(drop, drop, answer())
        caller = client(server, clock)
        with pytest.raises(Unavailable), caller.adapter.retry.briefly():
            caller.call(READ)
        assert (len(server.requests), clock.waits) == (1, [])
        caller.call(READ)
        assert len(server.requests) == 3

    def test_a_probe_is_given_up_earlier(self, server: ScriptedServer) -> None:
        clock = Ageing(PROBE_SECONDS / 2 + 1)
        server.will(drip)
        caller = client(server, clock)
        with pytest.raises(Unavailable, match="time"), caller.adapter.retry.briefly():
            caller.call(READ)
        assert clock.elapsed() < TOTAL_SECONDS

    @pytest.mark.parametrize("status", [400, 404, 410, 422])
    def test_a_refusal_is_final(self, server: ScriptedServer, clock: StoppedClock, status: int) -> None:
        server.will(answer(status=status))
        with pytest.raises(Rejected):
            client(server, clock).call(READ)

    def test_use_at_most_their_share(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(*[answer()] * 8)
        caller = client(server, clock)
        for _ in range(8):
            caller.call(READ)
        assert clock.waits == [timedelta(minutes=1)]
        assert caller.adapter.counts == {"read": 8}
        assert caller.adapter.allowance.remaining(clock.now())["export"] == (6, 7)


class TestWrites:
    @pytest.mark.parametrize(
        ("action", "error"),
        [
            (drop, Unknown),
            (raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"), Unknown),
            (raw(b"nonsense\r\n"), Unknown),
            (answer(status=408), Unknown),
            (answer(status=500), Unknown),
            (answer(status=502, Retry_After="1"), Unknown),
            (answer(status=504, kind="text/html"), Unknown),
            (answer(b""), Unknown),
            (answer(b"  "), Unknown),
            (answer(b"<html>hello", kind="text/html"), Unknown),
            (answer(b"<html>hello"), Unknown),
            (answer(status=301, Location="http://169.254.169.254/"), Unknown),
            (answer(status=307, Location="/elsewhere"), Unknown),
            (answer(gzip.compress(b" " * 30_000_000), Content_Encoding="gzip"), Unknown),
            (answer(status=409), Conflict),
            (answer(status=422), Rejected),
            (answer(status=403), Denied),
            (answer(status=401), Denied),
            (answer(status=429, Retry_After="7"), Throttled),
        ],
    )
    def test_are_sent_once_whatever_comes_back(
        self, server: ScriptedServer, clock: StoppedClock, action: object, error: type[HelpdeskError]
    ) -> None:
        server.will(action)  # type: ignore[arg-type]
        with pytest.raises(error):
            client(server, clock).call(WRITE)
        assert len(server.requests) == 1

    def test_nothing_left_when_nobody_listens(self, clock: StoppedClock) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with pytest.raises(NotSent):
            client(ScriptedServer(port), clock).call(WRITE)

    def test_a_slow_drip_ends_at_the_total_time(self, server: ScriptedServer) -> None:
        server.will(drip)
        with pytest.raises(Unknown, match="time"):
            client(server, Ageing(TOTAL_SECONDS / 2 + 1)).call(WRITE)

    def test_a_public_comment_gets_its_own_connection(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(*[answer()] * 3)
        caller = client(server, clock)
        caller.call(READ)
        caller.call(READ)
        assert server.connections == 1
        caller.call(WRITE, fresh=True)
        assert server.connections == 2
        assert b"Connection: close" in server.requests[-1]

    def test_over_budget_they_are_refused_here(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(*[answer()] * 4)
        caller = client(server, clock)
        caller.call(WRITE)
        caller.call(WRITE)
        with pytest.raises(Throttled) as caught:
            caller.call(WRITE)
        assert caught.value.scope == "ticket"
        assert caught.value.retry_after == timedelta(minutes=10)
        caller.call(Request("PUT", "/api/tickets/8", body={}))
        assert len(server.requests) == 3

    def test_a_ticket_refused_by_the_helpdesk_waits(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(answer(status=429, Retry_After="60", RateLimit_Reason="jira-per-issue-on-write"))
        caller = client(server, clock)
        with pytest.raises(Throttled) as caught:
            caller.call(WRITE)
        assert caught.value.scope == "ticket"
        with pytest.raises(Throttled):
            caller.call(WRITE)
        assert len(server.requests) == 1


class TestCredentials:
    def test_are_sent_and_shown_nowhere(
        self, server: ScriptedServer, clock: StoppedClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.will(answer(), drop)
        caller = client(server, clock, Basic("a@example.com/token", SECRET))
        session = caller.adapter.mount_on(requests.Session())
        with caplog.at_level(logging.DEBUG):
            response = session.get("https://pinned.client.invalid/api/x")
            with pytest.raises(Unknown) as caught:
                caller.call(WRITE)
        assert b"Authorization: Basic " in server.requests[0]
        shown = repr((response.request.headers, caller.adapter, Bearer(SECRET), Basic("u", SECRET), str(caught.value)))
        assert SECRET not in shown + caplog.text
        assert "Authorization" not in response.request.headers

    def test_a_token_is_fetched_kept_and_renewed(self, server: ScriptedServer, clock: StoppedClock) -> None:
        token = answer(b'{"access_token":"first-token","token_type":"bearer","expires_in":600}')
        server.will(token, answer(), answer(), answer(b'{"access_token":"second-token","expires_in":600}'), answer())
        caller = client(server, clock, oauth(server))
        caller.call(READ)
        clock.move(timedelta(seconds=479))
        caller.call(READ)
        clock.move(timedelta(seconds=1))
        caller.call(READ)
        sent = [re.search(rb"Bearer (\S+)", r) for r in server.requests]
        assert [m and m.group(1) for m in sent] == [None, b"first-token", b"first-token", None, b"second-token"]

    @pytest.mark.parametrize("length", ["1e12", "1e300", "-1e300", "0"])
    def test_a_token_may_last_for_ever_or_no_time_at_all(
        self, server: ScriptedServer, clock: StoppedClock, length: str
    ) -> None:
        token = answer(f'{{"access_token":"some-token","expires_in":{length}}}'.encode())
        server.will(token, answer(), answer())
        caller = client(server, clock, oauth(server))
        assert caller.call(READ).body

    @pytest.mark.parametrize("token", ["two words", "a\\r\\nX-Odd: 1", "", "\u20ac"])
    def test_what_is_no_token_goes_into_no_header(
        self, server: ScriptedServer, clock: StoppedClock, token: str
    ) -> None:
        server.will(answer(f'{{"access_token":"{token}"}}'.encode()), answer())
        with pytest.raises(Denied, match="no token"):
            client(server, clock, oauth(server)).call(READ)
        assert len(server.requests) == 1

    def test_a_401_is_tried_once_more_with_a_fresh_token(self, server: ScriptedServer, clock: StoppedClock) -> None:
        token = answer(b'{"access_token":"some-token"}')
        server.will(token, answer(status=401), token, answer(), answer(status=401), token, answer(status=401))
        caller = client(server, clock, oauth(server))
        caller.call(WRITE)
        with pytest.raises(Denied):
            caller.call(Request("PUT", "/api/tickets/8", body={}))

    def test_a_lost_token_means_that_nothing_was_sent(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(drop)
        with pytest.raises(NotSent):
            client(server, clock, oauth(server)).call(WRITE)

    @pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
    def test_a_refused_token_is_about_our_credentials_and_never_about_the_ticket(
        self, server: ScriptedServer, clock: StoppedClock, status: int
    ) -> None:
        server.will(answer(b'{"error":"invalid_client"}', status=status))
        with pytest.raises(Denied) as caught:
            client(server, clock, oauth(server)).call(WRITE)
        assert caught.value.about == "credentials"

    def test_repeated_refusals_are_not_hammered(self, server: ScriptedServer, clock: StoppedClock) -> None:
        server.will(*[answer(status=401)] * 3, answer())
        caller = client(server, clock)
        for _ in range(5):
            with pytest.raises(Denied):
                caller.call(READ)
        assert len(server.requests) == 3
        clock.move(timedelta(minutes=15))
        caller.call(READ)


def oauth(server: ScriptedServer) -> ClientCredentials:
    return ClientCredentials(token_url=f"{server.url}/oauth/tokens", client_id="c", client_secret=SECRET)


def test_the_helpdesks_time_is_learned(server: ScriptedServer, clock: StoppedClock) -> None:
    server.will(answer(Date="Sun, 22 Nov 2026 09:02:00 GMT"))
    caller = client(server, clock)
    assert caller.call(READ).at == START + timedelta(minutes=2)
    assert caller.adapter.server_now() == START + timedelta(minutes=2)
