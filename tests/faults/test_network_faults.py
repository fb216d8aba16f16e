"""Faults between us and a helpdesk: every promise is judged by what the other side received and holds."""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.domain.change import Field
from connector.domain.site import Effect
from connector.domain.ticket import Priority
from connector.engine.passes import PassOutcome
from connector.errors import Denied, NotSent, Throttled, Unavailable, Unknown
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
from connector.ports import AlarmKind, AsideKind
from tests.faults.network_stage import CERTIFICATES, Desk, desk, secured
from tests.helpdesks.contract import change, wanted
from tests.helpdesks.scripted_server import Action, ScriptedServer, answer, drop, scripted_server
from tests.helpdesks.stopped_clock import START, StoppedClock

DIALECT = Dialect(
    endpoints=(
        Endpoint(name="read", method="GET", path=re.compile("/api/.*"), safe=True),
        Endpoint(name="write", method="PUT", path=re.compile("/api/tickets/(\\d+)"), safe=False),
    )
)
READ = Request("GET", "/api/x")
WRITE = Request("PUT", "/api/tickets/7", body={"a": 1})
MINUTE = timedelta(minutes=1)


def adapter(url: str, clock: StoppedClock, *, authority: bool = False, beside: Any = None) -> PinnedAdapter:
    ca_file = str(CERTIFICATES / "authority.pem") if authority else None
    around = Surroundings(clock=clock, rng=random.Random(1), ca_file=ca_file)
    return PinnedAdapter(Pin(Origin.parse(url)), Bearer("token"), DIALECT, around, beside=beside)


def written(server: ScriptedServer) -> int:
    return sum(1 for request in server.requests if request.startswith(b"PUT"))


def test_fault_01_a_name_without_an_address_leaves_the_cursor_where_it_was() -> None:
    """DNS fails: the pass ends with plain words, tries again with growing waits, and nothing is missed afterwards."""
    with desk("zendesk") as site:
        site.later(minutes=5)
        assert site.run().outcome is PassOutcome.OK
        ticket, cursor = site.ticket(), site.cursor
        site.later(minutes=5)
        site.restart(base_url="https://helpdesk.invalid")
        failed = site.run()
        assert failed.outcome is PassOutcome.FAILED
        assert "helpdesk.invalid has no address" in str(failed.error)
        assert site.cursor == cursor
        site.restart()
        assert site.run().summary.written == 1
        assert site.priority(ticket) == "P1"


def test_fault_02_a_refused_connection_is_not_sent() -> None:
    """Nobody listens: certainly not applied, said in plain words, and repeating is free."""
    with scripted_server() as server:
        port = server.port
    clock = StoppedClock()
    client = Client(adapter(f"http://127.0.0.1:{port}", clock))
    with pytest.raises(NotSent, match=r"127\.0\.0\.1 refuses the connection") as refused:
        client.call(WRITE)
    assert "base_url" in refused.value.remedy
    with pytest.raises(Unavailable, match="refuses the connection"):
        client.call(READ)
    assert len(clock.waits) == 4  # and no wait that could be called a busy loop
    with scripted_server() as back:
        back.will(answer())
        Client(adapter(back.url, clock)).call(WRITE)
        assert written(back) == 1


@pytest.mark.parametrize(("certificate", "authority"), [("expired", True), ("other", True), ("good", False)])
def test_fault_03_a_certificate_that_is_not_accepted_is_no_retry_storm(certificate: str, *, authority: bool) -> None:
    """Expired, for another host, or signed by nobody we know: one try, nothing is sent, and a person is asked."""
    with secured(certificate) as server:
        client = Client(adapter(f"https://localhost:{server.port}", StoppedClock(), authority=authority))
        with pytest.raises(Denied, match="certificate of localhost is not accepted"):
            client.call(READ)
        assert (server.connections, server.requests) == (1, [])


def test_fault_03_the_site_freezes_with_one_alarm_and_goes_on_after_resume() -> None:
    """While the certificate is wrong there is one alarm, however often a daemon looks; after `resume` work goes on."""
    with secured("expired") as server, desk("zendesk") as site:
        ticket = site.ticket()
        site.later(minutes=5)
        site.restart(base_url=f"https://localhost:{server.port}")
        for _ in range(4):
            assert site.run().outcome is PassOutcome.DENIED
            site.later(minutes=5)
        assert [a.kind for a in site.ears.alarms] == [AlarmKind.FREEZE]
        assert server.requests == []
        site.restart()
        site.journal.resume("zendesk", allow=0, now=site.now, actor="anna")
        assert site.run().summary.written == 1
        assert site.priority(ticket) == "P1"


def test_fault_04_a_connection_reset_before_the_first_byte_is_free_to_repeat() -> None:
    """Broken off while the connection is being secured: nothing left us, so a write is not sent, a read tries again."""
    with secured("good", cut=2) as server:
        client = Client(adapter(f"https://localhost:{server.port}", StoppedClock(), authority=True))
        server.will(answer(), answer())
        with pytest.raises(NotSent):
            client.call(WRITE)
        assert client.call(READ).body == b'{"ok":true}'
        client.call(WRITE)
        assert (server.connections, written(server)) == (3, 1)


class Ageing(StoppedClock):
    """Every look at it costs ten seconds: a byte that drips in takes that long."""

    def monotonic(self) -> float:
        self.move(timedelta(seconds=10))
        return super().monotonic()


def _drip(conn: socket.socket) -> None:
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n")
    while True:
        conn.sendall(b"1")


def test_fault_07_a_slow_drip_ends_at_the_total_deadline() -> None:
    """An answer that drips in byte by byte is given up after 65 seconds in all: unknown, and sent only once."""
    clock = Ageing()
    with scripted_server() as server:
        server.will(_drip)
        with pytest.raises(Unknown, match="in time"):
            Client(adapter(server.url, clock)).call(WRITE)
        assert written(server) == 1
    assert clock.now() - START <= timedelta(seconds=100)


def test_fault_08_a_page_that_is_cut_off_is_read_again() -> None:
    """Half a page is no page: it is thrown away and read anew, and every ticket is there once."""
    with desk("zendesk") as site:
        tickets = {site.ticket() for _ in range(12)}
        site.later(minutes=5)
        site.strike("cut", path="search|incremental", after_bytes=900, times=2)
        assert site.run().outcome is PassOutcome.OK
        assert site.known() == tickets
        late = site.ticket()
        site.later(minutes=5)
        site.strike("cut", path="incremental", after_bytes=900, times=2)
        assert site.run().summary.written == 1
        assert site.priority(late) == "P1"


@pytest.mark.parametrize(
    ("header", "least"),
    [("7", 7), ("Sun, 22 Nov 2026 09:01:30 GMT", 90), (None, 1), ("0", 1), ("-30", 1), ("soon", 1)],
)
def test_fault_13_every_form_of_retry_after_is_obeyed(header: str | None, least: int) -> None:
    """The next request comes no earlier than asked, whatever the header looks like, and never at once."""
    clock, came = StoppedClock(), []

    def noting(action: Action) -> Action:
        return lambda conn: (came.append(clock.now()), action(conn))[1]

    with scripted_server() as server:
        told = {} if header is None else {"Retry_After": header}
        server.will(noting(answer(status=429, **told)), noting(answer()))
        Client(adapter(server.url, clock)).call(READ)
    assert came[1] - came[0] >= timedelta(seconds=least)


def test_fault_13_a_huge_wish_is_capped_and_alarmed() -> None:
    """Asked to stay away for hours, we stay away for a quarter of an hour at a time and tell a person."""
    with desk("zendesk") as site:
        ticket = site.ticket()
        site.later(minutes=5)
        site.strike("status", status=429, retry_after=7200, methods=["GET"], times=1)
        began = site.now
        site.daemon(timedelta(minutes=30))
        asked = [r["at"] for r in site.requests(since=began, method="GET")]
        assert asked[1] - asked[0] >= timedelta(minutes=15)
        assert "leave it alone" in site.ears.alarms[0].message
        assert site.priority(ticket) == "P1"


def test_fault_13_a_wish_outlives_the_process() -> None:
    """A `sync` by cron is a new process each time; it stays away as well."""
    with desk("zendesk") as site:
        site.later(minutes=5)
        site.strike("status", status=429, retry_after=600, methods=["GET"], times=1)
        began = site.now
        for _ in range(5):
            assert site.run().outcome is PassOutcome.FAILED
            site.restart()
            site.later(minutes=1)
        assert len(site.requests(since=began, method="GET")) == 1
        site.later(minutes=6)
        assert site.run().outcome is PassOutcome.OK


@pytest.mark.parametrize("kind", ["zendesk", "jira"])
def test_fault_14_a_storm_of_429_is_waited_out(kind: str) -> None:
    """Half an hour of nothing but 429: about a probe a minute, and afterwards the most urgent ticket comes first."""
    with desk(kind) as site:
        site.later(minutes=5)
        site.daemon(timedelta(minutes=2))
        mild = site.ticket(impact="team")
        urgent = site.ticket()
        site.later(minutes=5)
        site.strike("status", status=429)
        began = site.now
        site.daemon(timedelta(minutes=30))
        probes = site.requests(since=began)
        assert len([r for r in probes if r["at"] > began + MINUTE]) <= 30
        assert len(probes) <= 40
        site.heal()
        healed = site.now
        site.daemon(timedelta(minutes=15))
        assert (site.priority(urgent), site.priority(mild)) == ("P1", "P2")
        puts = [r["path"] for r in site.requests(since=healed, method="PUT")]
        assert site.issue_id(urgent) in puts[0].rpartition("/")[2]


def test_fault_15_one_issue_s_write_limit_delays_that_issue_alone() -> None:
    """Jira's limit per issue: that issue waits as long as asked, all others are written in the same pass."""
    with desk("jira") as site:
        busy, other = site.ticket(), site.ticket()
        site.later(minutes=5)
        limit = {"retry_after": 20, "headers": {"RateLimit-Reason": "jira-per-issue-on-write"}}
        site.strike("status", status=429, methods=["PUT"], times=1, **limit)
        first = site.run()
        assert first.summary.written == 1
        assert [site.priority(busy), site.priority(other)].count("P1") == 1
        site.later(minutes=1)
        assert site.run().summary.written == 1
        assert (site.priority(busy), site.priority(other)) == ("P1", "P1")


def test_fault_16_a_zendesk_ticket_gets_ten_updates_in_ten_minutes_at_most() -> None:
    """The helpdesk's own limit is thirty for everybody; of ours an eleventh never leaves, and other tickets go on."""
    with desk("zendesk") as site:
        busy, other = site.ticket(), site.ticket()
        site.later(minutes=5)
        site.run()
        began, refused = site.now, 0
        for number in range(14):
            seen = site.ports.reader.get([busy]).observations[0].ticket
            value = (Priority.P2, Priority.P3)[number % 2].name
            (write,) = site.ports.writer.split(change(seen, wanted(Field.PRIORITY, value)))
            try:
                site.ports.writer.send(write, seen=seen)
            except Throttled as limit:
                refused += limit.scope == "ticket"
            site.later(seconds=20)
        puts = [r for r in site.requests(method="PUT") if r["path"].endswith(f"/{busy}")]
        assert all(len([p for p in puts if timedelta(0) <= p["at"] - q["at"] < 10 * MINUTE]) <= 10 for q in puts)
        assert refused > 0
        seen = site.ports.reader.get([other]).observations[0].ticket
        (write,) = site.ports.writer.split(change(seen, wanted(Field.PRIORITY, "P2")))
        site.ports.writer.send(write, seen=seen)
        assert site.now - began < 10 * MINUTE


def test_fault_17_a_dead_token_is_renewed_once() -> None:
    """A token that dies in the middle: one new token, and the pass goes on as if nothing had been."""
    with desk("zendesk") as site:
        ticket = site.ticket()
        site.later(minutes=5)
        site.strike("revoke", methods=["PUT"], times=1)
        assert site.run().summary.written == 1
        assert site.priority(ticket) == "P1"
        assert len(site.requests(method="PUT")) == 2


@pytest.mark.parametrize("kind", ["zendesk", "jira"])
@pytest.mark.parametrize("new_process", [True, False])
def test_fault_17_refused_credentials_are_not_tried_again_and_again(kind: str, *, new_process: bool) -> None:
    """Wrong credentials: three tries in a quarter of an hour at most, as a daemon or by cron, and one alarm."""
    with desk(kind) as site:
        site.later(minutes=5)
        site.strike("status", status=401, path="^/(api/v2/(?!oauth)|rest)")
        began = site.now
        for _ in range(14):
            assert site.run().outcome is PassOutcome.DENIED
            if new_process:
                site.restart()
            site.later(minutes=1)
        tries = [r for r in site.requests(since=began) if r["status"] == 401]
        assert 1 <= len(tries) <= 3
        assert [a.kind for a in site.ears.alarms] == [AlarmKind.FREEZE]
        site.heal()
        site.restart()
        site.journal.resume(kind, allow=0, now=site.now, actor="anna")
        assert site.run().outcome is PassOutcome.OK


def test_fault_25_a_public_comment_never_rides_on_a_connection_that_may_be_dying() -> None:
    """A kept-alive connection can die just as it is used again, and nobody could tell whether the request arrived."""

    def last(conn: socket.socket) -> None:
        answer()(conn)
        conn.close()

    with scripted_server() as server:
        client = Client(adapter(server.url, StoppedClock()))
        server.will(answer(), answer(), last, answer())
        client.call(READ)
        client.call(WRITE, fresh=True)
        assert (written(server), server.connections) == (1, 2)
        client.call(READ)
        client.call(WRITE, fresh=True)
        assert (written(server), server.connections) == (2, 4)


def test_fault_27_a_silent_helpdesk_gets_exactly_one_probe_at_a_time() -> None:
    """After a row of failures nothing is sent; then one probe per rest, which doubles; an answer ends it at once."""
    clock = StoppedClock()
    with scripted_server() as server:
        reader = adapter(server.url, clock)
        reading, writing = Client(reader), Client(adapter(server.url, clock, beside=reader))

        def tries(call: Callable[[], object]) -> int:
            before = len(server.requests)
            with pytest.raises((Unavailable, NotSent)):
                call()
            return len(server.requests) - before

        server.will(*[drop] * 5, answer(status=503))
        assert tries(lambda: reading.call(READ)) == 5
        assert tries(lambda: reading.call(READ)) == 1
        for rest in (1, 2, 4, 5):
            clock.move(rest * MINUTE - timedelta(seconds=1))
            assert tries(lambda: reading.call(READ)) == 0
            assert tries(lambda: writing.call(WRITE)) == 0
            clock.move(timedelta(seconds=1))
            assert tries(lambda: writing.call(WRITE)) == 0  # a write is no probe
            server.will(drop)
            assert tries(lambda: reading.call(READ)) == 1
        clock.move(5 * MINUTE)
        server.will(answer(), answer())
        reading.call(READ)
        writing.call(WRITE)
        assert written(server) == 1


def test_fault_18_a_permission_that_goes_stops_that_scope_alone() -> None:
    """403 in one project in the middle of a run: its writes freeze with an alarm, the other project's go on."""
    with desk("jira", sees_security=True) as site:
        ours, theirs = site.ticket(), site.ticket(type="hr")
        site.later(minutes=5)
        site.strike("forbid", scope="HR", methods=["PUT"])
        for _ in range(3):
            site.run()
            site.later(minutes=5)
        assert site.priority(ours) == "P1" != site.priority(theirs)
        assert len(site.requests(method="PUT", status=403)) <= 2  # with and without the mails' flag
        assert site.ears.alarms[0].message.startswith("writes to HR on jira are frozen")
        assert (len(site.ears.alarms), site.frozen) == (1, {})
        again = site.ticket()
        site.later(minutes=5)
        site.run()
        assert site.priority(again) == "P1"
        site.heal()
        site.journal.resume("jira", allow=0, now=site.now, actor="anna")
        site.run()
        assert site.priority(theirs) == "P1"


@pytest.mark.parametrize("kind", ["zendesk", "jira"])
def test_fault_19_a_ticket_that_is_not_shown_gets_a_second_look(kind: str) -> None:
    """404 once is no proof: nothing is forgotten. A minute later, still 404: gone, and nothing more is sent there."""
    with desk(kind) as site:
        hidden, gone = site.ticket(), site.ticket()
        site.later(minutes=5)
        site.strike("status", status=404, path=_ticket(site, hidden), times=1)
        site.run()
        assert site.known() == {site.issue_id(hidden), site.issue_id(gone)}
        assert site.priority(gone) == "P1" != site.priority(hidden)
        (aside,) = site.journal.aside(kind)
        assert (aside.kind, aside.ticket) == (AsideKind.TICKET, site.issue_id(hidden)), "no refusal: not shown"
        site.later(minutes=2)
        site.run()
        assert site.priority(hidden) == "P1"
        known, path = site.issue_id(hidden), _ticket(site, gone)
        site.people.delete(gone, "anna")
        since = site.now
        site.later(minutes=2)
        for _ in range(3):
            site.later(hours=6.1)
            site.run()
            site.later(minutes=2)
            site.run()
        assert site.known() == {known}
        assert not [r for r in site.requests(since=since, method="PUT") if re.search(path, r["path"])]


def _ticket(site: Desk, ticket: str) -> str:
    return rf"/issue/{site.issue_id(ticket)}$" if site.kind == "jira" else rf"/tickets/{ticket}(\.json)?$"


def test_fault_34_a_field_on_no_screen_is_set_aside_and_the_rest_is_written() -> None:
    """Jira refuses the whole edit for one field: that field is left alone in its project, everything else goes on."""
    with desk("jira") as site:
        site.run()
        site.screen("level", "HR")
        tickets = [site.ticket() for _ in range(3)]
        site.later(minutes=5)
        site.run()
        assert [site.priority(t) for t in tickets] == ["P1"] * 3  # in the very same pass
        for _ in range(2):
            site.later(minutes=5)
            site.run()
        refused = site.requests(method="PUT", status=400)
        assert len(refused) == 1  # it is known from then on, whatever the ticket
        (item,) = site.journal.aside("jira")
        assert (item.scope, item.field, item.ticket) == ("SUP", "level", "")
        site.restart()
        later = site.ticket()
        site.later(minutes=5)
        site.run()
        assert site.priority(later) == "P1"
        assert len(site.requests(method="PUT", status=400)) == 1
        site.screen("level")
        site.journal.resume("jira", allow=0, now=site.now, actor="anna")
        newest = site.ticket()
        site.later(minutes=5)
        site.run()
        assert site.custom(newest, "level") == 1


def test_fault_34_a_field_that_zendesk_ignores_is_set_aside_and_the_rest_is_written() -> None:
    """Zendesk answers 200 and leaves a deleted field out: it is left alone from then on, everything else goes on."""
    with desk("zendesk") as site:
        site.run()
        site.delete_field("level")
        tickets = [site.ticket() for _ in range(3)]
        site.later(minutes=5)
        site.run()
        stored = site.journal.load("zendesk", [site.issue_id(t) for t in tickets], now=site.now)
        assert [ticket.ticket.level for ticket in stored] == [None] * 3, "what was ignored does not count as written"
        for _ in range(5):
            site.later(minutes=5)
            site.run()
        assert [(site.priority(t), site.told(t, "path")) for t in tickets] == [("P1", "default")] * 3
        assert len(site.requests(method="PUT")) == 3, "one write each, and none is repeated"
        (item,) = site.journal.aside("zendesk")
        assert (item.kind, item.scope != "", item.field, item.ticket) == (AsideKind.FIELD, True, "level", "")
        (alarm,) = site.ears.alarms
        assert (alarm.kind, "level" in alarm.message) == (AlarmKind.FINDING, True)
        site.restart()
        later = site.ticket()
        site.later(minutes=5)
        site.run()
        assert (site.priority(later), site.told(later, "level")) == ("P1", None)
        assert len(site.ears.alarms) == 1
        site.delete_field("level", back=True)
        site.journal.resume("zendesk", allow=0, now=site.now, actor="anna")
        newest = site.ticket()
        site.later(minutes=5)
        site.run()
        assert site.told(newest, "level") == "1"
        assert site.journal.aside("zendesk") == ()


def _jobs(site: Desk, since: datetime | None = None) -> int:
    return len([r for r in site.requests(method="PUT", since=since) if "update_many" in r["path"]])


def test_fault_34_a_field_that_jobs_ignore_is_set_aside_as_well() -> None:
    """A job's results say nothing of fields: once no ticket lists one, a single write finds out, and jobs go on."""
    with desk("zendesk") as site:
        site.run()
        tickets = [site.ticket(impact="team") for _ in range(7)]
        site.later(minutes=5)
        site.run()
        assert (_jobs(site), [site.told(t, "level") for t in tickets]) == (1, ["1"] * 7)
        site.delete_field("level")
        for _ in range(4):
            site.later(minutes=30)
            site.run()
        (item,) = site.journal.aside("zendesk")
        assert (item.kind, item.field, item.ticket) == (AsideKind.FIELD, "level", "")
        newer, since = [site.ticket(impact="team") for _ in range(7)], site.now
        site.later(minutes=5)
        site.run()
        assert [(site.priority(t), site.told(t, "path")) for t in newer] == [("P2", "default")] * 7
        assert (_jobs(site, since), len(site.requests(method="PUT", since=since))) == (1, 1)
        made = len(site.requests(method="PUT"))
        for _ in range(6):
            site.later(hours=6)
            site.run()
        assert len(site.requests(method="PUT")) - made <= 2, "nothing is written over and over"
        site.delete_field("level", back=True)
        site.journal.resume("zendesk", allow=0, now=site.now, actor="anna")
        newest = [site.ticket(impact="team") for _ in range(7)]
        for _ in range(2):
            site.later(minutes=5)
            site.run()
        assert [site.told(t, "level") for t in newest] == ["1"] * 7


def test_a_tight_limit_is_never_exceeded_and_the_most_urgent_go_first() -> None:
    """An account that is nearly used up: no request is wasted on a 429, and every P1 is written before any other."""
    with desk("zendesk", account_limit=40, update_limit=8) as site:
        mild = [site.ticket(impact="team") for _ in range(4)]
        urgent = [site.ticket() for _ in range(8)]
        site.later(minutes=5)
        began = site.now
        site.daemon(timedelta(minutes=20))
        assert {site.priority(t) for t in urgent} == {"P1"}
        assert {site.priority(t) for t in mild} == {"P2"}
        made = site.requests(since=began)
        assert sum(1 for r in made if r["status"] == 429) <= 0.02 * len(made)
        puts = [r for r in made if r["method"] == "PUT"]
        for limit, counted in ((40, made), (8, puts)):
            assert all(
                len([r for r in counted if timedelta(0) <= r["at"] - q["at"] < MINUTE]) <= limit for q in counted
            )
        order = [re.sub(r"\D", "", r["path"].rpartition("/")[2]) for r in puts]
        first = {id_: order.index(id_) for id_ in dict.fromkeys(order)}
        assert max(first[t] for t in urgent) < min(first[t] for t in mild)


def exports(site: Desk) -> list[dict[str, str]]:
    """What the export of changes was asked with, each time."""
    return [dict(r["query"]) for r in site.requests() if "/incremental/tickets/cursor" in r["path"]]


def test_fault_44_a_cursor_that_zendesk_refuses_is_replaced_with_an_overlap() -> None:
    """The export no longer knows the cursor: it begins before the last good poll, and what is repeated is not redone.

    A ticket that changed meanwhile is written in the same pass; what was said before is not said again.
    """
    with desk("zendesk", effects=frozenset({Effect.FIELDS, Effect.NOTES})) as site:
        site.later(minutes=5)
        site.run()
        old = site.ticket()
        for _ in range(2):
            site.later(minutes=5)
            assert site.run().outcome is PassOutcome.OK
        known, poll = len(exports(site)), site.now
        new = site.ticket()
        site.later(minutes=5)
        site.strike("status", path="/incremental/tickets/cursor", status=400, times=1)
        assert site.run().outcome is PassOutcome.OK
        refused, begun, *_ = exports(site)[known:]
        assert "cursor" in refused
        assert datetime.fromtimestamp(int(begun["start_time"]), tz=UTC) == poll - timedelta(minutes=5)
        assert (site.priority(old), site.priority(new)) == ("P1", "P1")
        texts = [comment["body"] for comment in site._row(old)["comments"]]
        assert len(texts) > 1
        assert len(texts) == len(set(texts))


def test_an_export_page_that_the_gateway_never_gets_is_asked_for_by_halves() -> None:
    """A dense stretch: more than thirty tickets at once are a 504 each time. Fewer are, in the breaker's first rest.

    Asked for unchanged, it would never come: the cursor stands still, and the site is blind for good.
    """
    with desk("zendesk", export_patience=30) as site:
        site.later(minutes=5)
        assert site.run().outcome is PassOutcome.OK
        made = [site.ticket() for _ in range(40)]
        site.later(minutes=5)
        known, begun = len(exports(site)), site.now
        for _ in range(3):
            site.run()
            site.later(minutes=1)
        asked = exports(site)[known:]
        assert [int(query["per_page"]) for query in asked[:8]] == [1000, 500, 250, 125, 62, 31, 25, 25]
        assert len({query.get("cursor") for query in asked[:7]}) == 1
        assert site.known() == frozenset(map(site.issue_id, made))
        assert site.run().outcome is PassOutcome.OK
        assert len(site.requests(since=begun, status=504)) == 6


def test_a_page_is_no_smaller_for_a_helpdesk_that_only_wants_us_to_wait() -> None:
    """A 503 with its wish, and a 429: the next try asks for as much as ever."""
    with desk("zendesk") as site:
        site.later(minutes=5)
        site.run()
        known = len(exports(site))
        wish = {"Retry-After": "7"}
        for status in (503, 429):
            site.strike("status", path="/incremental/", status=status, headers=wish, times=1)
        site.later(minutes=5)
        assert site.run().outcome is PassOutcome.OK
        assert [int(query["per_page"]) for query in exports(site)[known:]] == [1000, 1000, 1000]
