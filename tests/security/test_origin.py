"""Whatever an answer says, requests go to the configured origin: every paged read of both vendors, hostile pages."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.site import FieldMap
from connector.domain.ticket import Priority, TicketRef
from connector.errors import ConnectorError, Denied
from connector.helpdesks.jira.assembly import JiraOptions
from connector.helpdesks.jira.assembly import open_site as open_jira
from connector.helpdesks.transport import Basic, Bearer, Origin, Pin, Surroundings
from connector.helpdesks.zendesk.adapter import ZendeskOptions
from connector.helpdesks.zendesk.adapter import open_site as open_zendesk
from tests.helpdesks.contract import note
from tests.helpdesks.stopped_clock import START, StoppedClock
from tests.security.hostile_helpdesk import HostileHelpdesk, Watchtower, hostile_helpdesk
from tests.security.hostile_urls import hostile_urls

NAMES = FieldMap(priorities={p: str(int(p)) for p in Priority}, groups={"desk": "5"}, people={"anna": "9"}, clocks={})
DESK = LevelTarget(kind=TargetKind.GROUP, name="desk")
ANNA = LevelTarget(kind=TargetKind.USER, name="anna")
CURSOR = str(int(START.timestamp() * 1000))


@pytest.fixture
def server() -> Iterator[HostileHelpdesk]:
    with hostile_helpdesk() as running:
        yield running


def around() -> Surroundings:
    return Surroundings(clock=StoppedClock(), rng=random.Random(1))


def zendesk(server: HostileHelpdesk) -> Any:
    options = ZendeskOptions(
        site="z", base_url=f"http://127.0.0.1:{server.port}", reader=Bearer("reader-token"), fields=NAMES, views=("3",)
    )
    return open_zendesk(options, around())


def jira(server: HostileHelpdesk) -> Any:
    options = JiraOptions(
        site="j", api_base=f"http://127.0.0.1:{server.port}", reader=Basic("us", "t"), fields=NAMES, projects=("SUP",)
    )
    return open_jira(options, around())


def _reads(site: Any, cursor: str) -> dict[str, Callable[[], Any]]:
    """Every read of the reader's port, drained, and the directory's."""
    reader = site.reader
    return {
        "check": reader.check,
        "start": reader.start_cursor,
        "load": lambda: list(reader.load_open(cursor=cursor)),
        "changes": lambda: list(reader.changes(cursor)),
        "open ids": lambda: list(reader.open_ids()),
        "get": lambda: reader.get(["7"]),
        "history": lambda: list(reader.history(["7"])),
        "group": lambda: site.directory.reach(DESK, at=START),
        "person": lambda: site.directory.reach(ANNA, at=START + timedelta(days=1)),
    }


def read_everything(site: Any, cursor: str) -> None:
    for read in _reads(site, cursor).values():
        with contextlib.suppress(ConnectorError):
            read()


def test_the_corpus_is_large_and_hostile() -> None:
    urls = hostile_urls("127.0.0.1", 4711)
    assert len(urls) >= 500
    assert not any(Origin.parse("http://127.0.0.1:4711").admits(url) for url in urls)


def test_not_one_of_them_is_resolved() -> None:
    pin = Pin(Origin.parse("http://127.0.0.1:4711"), {"https://pinned.client.invalid": ""})
    for url in hostile_urls("127.0.0.1", 4711):
        with pytest.raises(Denied):
            pin.resolve(url)


@pytest.mark.parametrize("redirects", [False, True], ids=["pages", "redirects"])
def test_no_paged_read_of_either_vendor_leaves_the_origin(
    server: HostileHelpdesk, monkeypatch: pytest.MonkeyPatch, full: bool, *, redirects: bool
) -> None:
    tower = Watchtower(monkeypatch)
    urls = hostile_urls("127.0.0.1", server.port)
    for url in urls if full else urls[:: 149 if redirects else 61]:
        server.serve(url, redirects=redirects)
        read_everything(zendesk(server), '[1795312000,"",""]')
        read_everything(jira(server), CURSOR)
    assert tower.names == {"127.0.0.1"}
    assert tower.places == {("127.0.0.1", server.port)}
    assert {path for path in server.served if "evil" in path} == set()


def test_every_read_reaches_a_second_page_of_the_hostile_desk(server: HostileHelpdesk) -> None:
    """The test above would be worth nothing if the reads stopped at the first page."""
    server.serve("http://evil.example/next?page=2&page%5Bafter%5D=x")
    read_everything(zendesk(server), '[1795312000,"",""]')
    read_everything(jira(server), CURSOR)
    paged = {
        "/api/v2/incremental/tickets/cursor.json",
        "/api/v2/search/export.json",
        "/api/v2/views/3/tickets.json",
        "/api/v2/tickets/7/audits.json",
        "/rest/api/3/search/jql",
        "/rest/api/3/changelog/bulkfetch",
        "/rest/api/3/issue/7/comment",
    }
    assert {path for path in paged if server.served.count(path) < 2} == set()
    assert {"/api/v2/groups.json", "/rest/api/3/issue/bulkfetch"} <= set(server.served)


def test_ids_in_answers_cannot_make_another_path() -> None:
    from connector.helpdesks.jira import wire as jira_wire  # noqa: PLC0415 - two modules of one name
    from connector.helpdesks.zendesk import wire as zendesk_wire  # noqa: PLC0415

    odd = "7/../../x?y#z%2f"
    for request in (
        jira_wire.issue(odd, ("x",)),
        jira_wire.comments(odd),
        jira_wire.add_note(odd, note(TicketRef("j", "7"), "text")),
        jira_wire.delete_comment("7", odd),
        zendesk_wire.audits(odd),
        zendesk_wire.view_tickets(odd),
        zendesk_wire.make_private(odd, "1"),
    ):
        assert "/../" not in request.path
        assert not {"?", "#"} & set(request.path)
