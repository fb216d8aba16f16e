"""Zenpy itself works against the sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from zenpy import Zenpy
from zenpy.lib.api_objects import Comment
from zenpy.lib.exception import RecordNotFoundException

from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.site import NewTicket
from connector.sandbox.zendesk import ZendeskSite, build
from tests.sandbox.zendesk_desk import QUIET, ROSTER, START, judge


class _Mapped(HTTPAdapter):
    """Sends what zenpy means for the vendor's host to the sandbox, and shows every exchange to the oracle."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        meant = str(request.url)
        parts = urlsplit(meant)
        request.url = self._base + parts.path + (f"?{parts.query}" if parts.query else "")
        response = super().send(request, **kwargs)
        body = None if request.body is None else requests.models.complexjson.loads(request.body)
        judge(str(request.method), meant, body, response.status_code, response.json())
        request.url = response.url = meant  # zenpy finds out from the address what an answer is
        return response


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    spec = SiteSpec(name="zendesk", kind="zendesk", build=build, roster=ROSTER, options=QUIET)
    with Sandbox((spec,), ClockOptions(start=START)) as running:
        yield running


@pytest.fixture
def site(sandbox: Sandbox) -> ZendeskSite:
    found = sandbox.site("zendesk")
    assert isinstance(found, ZendeskSite)
    return found


@pytest.fixture
def client(sandbox: Sandbox) -> Zenpy:
    known = sandbox.site("zendesk").describe()
    base = sandbox.url("zendesk")
    secret = {name: known["reader"][name] for name in ("client_id", "client_secret")}
    granted = requests.post(f"{base}/oauth/tokens", json={"grant_type": "client_credentials", **secret}, timeout=5)
    session = requests.Session()
    session.mount("https://", _Mapped(base))
    return Zenpy(subdomain="acme", oauth_token=granted.json()["access_token"], session=session)


def test_zenpy_reads_who_it_is_and_the_groups(client: Zenpy) -> None:
    assert client.users.me().email == "connector-reader@sandbox.example"
    assert {group.id for group in client.groups()} == {101, 102, 103, 105}


def test_zenpy_reads_tickets_singly_listed_and_exported(client: Zenpy, site: ZendeskSite, sandbox: Sandbox) -> None:
    made = [site.people.create_ticket(NewTicket(subject=f"T{n}", body="x", requester="carla")) for n in range(3)]
    sandbox.clock.set(START.replace(hour=9))
    assert client.tickets(id=int(made[0])).subject == "T0"
    assert [ticket.subject for ticket in client.tickets(ids=[1, 2])] == ["T0", "T1"]
    assert len(list(client.tickets())) == 3
    exported = client.tickets.incremental(start_time=int(START.timestamp()) - 5, paginate_by_time=False, per_page=2)
    assert [ticket.id for ticket in exported] == [1, 2, 3]
    with pytest.raises(RecordNotFoundException):
        client.tickets(id=99)


def test_zenpy_updates_with_a_comment_and_reads_the_audit(client: Zenpy, site: ZendeskSite) -> None:
    made = site.people.create_ticket(NewTicket(subject="T", body="x", requester="carla"))
    ticket = client.tickets(id=int(made))
    ticket.priority = "urgent"
    ticket.comment = Comment(body="Looking into it", public=False)
    answered = client.tickets.update(ticket)
    assert answered.ticket.priority == "urgent"
    assert [event["type"] for event in answered.audit.events][:2] == ["Comment", "Change"]
    assert len(list(client.tickets.audits(ticket=int(made)))) == 2


def test_zenpy_searches(client: Zenpy, site: ZendeskSite, sandbox: Sandbox) -> None:
    site.people.create_ticket(NewTicket(subject="T", body="x", requester="carla"))
    sandbox.clock.set(START.replace(hour=9))
    assert [ticket.id for ticket in client.search(type="ticket", status="new")] == [1]
