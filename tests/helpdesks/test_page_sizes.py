"""How much a page is asked for after one that never came, and after those that did."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.site import FieldMap
from connector.errors import HelpdeskError, NotSent, Throttled, Unavailable, Unknown
from connector.helpdesks.transport import Bearer, PageSize, Surroundings
from connector.helpdesks.transport.body import LARGEST_BODY
from connector.helpdesks.transport.sizes import PAGES_TO_GROW
from connector.helpdesks.zendesk.adapter import ZendeskOptions, ZendeskSite, open_site
from connector.helpdesks.zendesk.wire import Position
from tests.helpdesks.scripted_server import Action, ScriptedServer, answer, drop, scripted_server
from tests.helpdesks.stopped_clock import StoppedClock

MOST, LEAST = 1000, 25
EMPTY = answer(b'{"tickets":[],"after_cursor":"c2","end_of_stream":true}')
FULL = answer(b'{"tickets":[],"after_cursor":"c2","end_of_stream":false}')


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


def site(server: ScriptedServer) -> ZendeskSite:
    options = ZendeskOptions(site="z", base_url=server.url, reader=Bearer("reader-token"), fields=FieldMap())
    return open_site(options, Surroundings(clock=StoppedClock(), rng=random.Random(1)))


def asked(server: ScriptedServer, name: str = "per_page") -> list[int]:
    targets = [request.split(b" ", 2)[1].decode() for request in server.requests]
    queries = [parse_qs(urlsplit(target).query) for target in targets]
    return [int(query[name][0]) for query in queries if name in query]


def poll(at: ZendeskSite) -> None:
    list(at.reader.changes(Position(0, "c").text()))


def bomb() -> Action:
    return answer(gzip.compress(b'{"a":"' + b"0" * (LARGEST_BODY + 1) + b'"}', 1), Content_Encoding="gzip")


class TestTheExport:
    @pytest.mark.parametrize("loss", [lambda: answer(status=504), lambda: answer(status=500), lambda: drop, bomb])
    def test_a_page_that_never_comes_is_asked_for_by_half(
        self, server: ScriptedServer, loss: Callable[[], Action]
    ) -> None:
        server.will(loss(), loss(), EMPTY)
        poll(site(server))
        assert asked(server) == [1000, 500, 250]

    def test_a_healthy_one_is_asked_for_whole(self, server: ScriptedServer) -> None:
        server.will(FULL, answer(b'{"tickets":[],"after_cursor":"c3","end_of_stream":true}'))
        poll(site(server))
        assert asked(server) == [1000, 1000]

    def test_the_next_poll_goes_on_with_what_came_and_grows_by_and_by(self, server: ScriptedServer) -> None:
        server.will(answer(status=504), answer(status=504), *[EMPTY] * 7)
        at = site(server)
        for _ in range(7):
            poll(at)
        assert asked(server) == [1000, 500, 250, 250, 250, 500, 500, 500, 1000]

    def test_one_that_comes_in_no_size_ends_the_read_and_goes_on_smaller_with_the_next(
        self, server: ScriptedServer
    ) -> None:
        server.will(*[answer(status=504)] * 5, EMPTY)
        at = site(server)
        with pytest.raises(Unavailable, match="504"):
            poll(at)
        poll(at)
        assert asked(server) == [1000, 500, 250, 125, 62, 31]

    def test_one_that_is_larger_than_we_read_is_called_that(self, server: ScriptedServer) -> None:
        server.will(*[bomb()] * 5)
        with pytest.raises(Unavailable, match="more than the 20 MB") as caught:
            poll(site(server))
        assert "broke off" not in str(caught.value)

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_wish_to_wait_makes_no_page_smaller(self, server: ScriptedServer, status: int) -> None:
        server.will(answer(status=status, Retry_After="3"), EMPTY)
        poll(site(server))
        assert asked(server) == [1000, 1000]


def audits(after: str = "") -> Action:
    meta = {"has_more": bool(after), "after_cursor": after or None}
    audit = {"id": 1, "created_at": "2026-11-22T08:00:00Z", "author_id": 900, "events": []}
    return answer(json.dumps({"audits": [audit], "meta": meta}).encode())


class TestAudits:
    """A ticket of many long comments: its history is read in smaller pages, and the others' as ever before long."""

    @pytest.mark.parametrize("loss", [lambda: answer(status=504), bomb])
    def test_a_page_that_never_comes_is_asked_for_by_half(
        self, server: ScriptedServer, loss: Callable[[], Action]
    ) -> None:
        at = site(server)
        server.will(answer(b'{"user":{"id":900,"role":"agent"}}'), audits("second"), loss(), loss(), audits("third"))
        server.will(audits(), answer(b'{"users":[]}'))
        (history,) = at.reader.history(["7"])
        assert not history.unreadable
        assert asked(server, "page[size]") == [100, 100, 50, 25, 25]
        assert ["page[after]=second" in unquote(r.decode()) for r in server.requests[2:5]] == [True] * 3


losses = st.sampled_from(
    [Unknown("lost"), Throttled("wait", retry_after=timedelta(seconds=1)), NotSent("nobody"), None]
)


@given(st.lists(losses, max_size=60))
def test_a_size_keeps_within_its_bounds_and_shrinks_for_what_is_lost_alone(fates: list[Any]) -> None:
    size, in_a_row = PageSize(MOST, least=LEAST), 0
    for fate in fates:
        before = size.rows
        with suppress(HelpdeskError), size.tried() as rows:
            assert rows == before
            if fate is not None:
                raise fate
        in_a_row = in_a_row + 1 if fate is None else 0 if isinstance(fate, Unknown) else in_a_row
        assert LEAST <= size.rows <= MOST
        assert (size.rows < before) is (isinstance(fate, Unknown) and before > LEAST)
        assert size.rows <= before or (fate is None and in_a_row % PAGES_TO_GROW == 0)


def test_enough_pages_in_a_row_bring_back_the_whole_size() -> None:
    size = PageSize(MOST, least=LEAST)
    for _ in range(8):
        with pytest.raises(Unknown), size.tried():
            raise Unknown("lost")
    assert size.rows == LEAST
    for _ in range(6 * PAGES_TO_GROW):
        with size.tried():
            pass
    assert size.rows == MOST
