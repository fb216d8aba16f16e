"""The control API as the client speaks it, over real connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from connector.sandbox.assembly import Sandbox
from connector.sandbox.client import ControlError, SandboxClient
from tests.sandbox.note_site import START, note_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with note_sandbox() as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> SandboxClient:
    return SandboxClient(sandbox.describe())


def test_the_clock(client: SandboxClient) -> None:
    client.advance(timedelta(minutes=1))
    client.set_clock(START + timedelta(minutes=5))
    assert client.now() == START + timedelta(minutes=5)
    with pytest.raises(ControlError, match="cannot go back"):
        client.set_clock(START)
    client.switch("stepped")
    assert client.clock()["mode"] == "stepped"
    with pytest.raises(ControlError, match="there is no mode"):
        client.switch("sideways")


def test_parties_step_over_http(client: SandboxClient) -> None:
    client.switch("stepped")
    for name in ("a", "b"):
        client.join(name)
    woken = dict[str, str]()

    def live(name: str, minutes: int) -> None:
        woken[name] = client.wait(name, START + timedelta(minutes=minutes))["now"]
        client.leave(name)

    threads = [threading.Thread(target=live, args=pair) for pair in (("a", 3), ("b", 7))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert woken == {name: (START + timedelta(minutes=m)).isoformat() for name, m in (("a", 3), ("b", 7))}


def test_people_now_and_later(client: SandboxClient) -> None:
    ticket = client.create_ticket("notes", subject="Help", body="…", requester="jonas")
    assert (ticket, client.view("notes")) == ("1", [{"ticket": "1", "subject": "Help"}])
    client.people("notes", "comment", at=START + timedelta(minutes=5), ticket=ticket, actor="jonas", text="and?")
    assert client.truth("notes", kind="comment") == []
    client.advance(timedelta(minutes=5))
    (fact,) = client.truth("notes", kind="comment")
    assert fact["at"] == (START + timedelta(minutes=5)).isoformat()
    assert fact["data"] == {"id": "1", "public": True, "body": "and?"}
    assert client.truth("notes", since=fact["seq"]) == []


def test_what_a_site_refuses_is_said_at_once_or_noted_as_a_problem(client: SandboxClient) -> None:
    with pytest.raises(ControlError, match="99"):
        client.people("notes", "comment", ticket="99", actor="jonas", text="x")
    client.people("notes", "comment", at=START + timedelta(minutes=1), ticket="99", actor="jonas", text="x")
    client.advance(timedelta(minutes=1))
    assert [fact["data"]["what"] for fact in client.truth(kind="problem")] == ["people comment"]


@pytest.mark.parametrize(
    ("do", "details", "sentence"),
    [
        ("explode", {}, "people cannot 'explode'"),
        ("comment", {"ticket": "1", "colour": "red"}, "colour"),
        ("create_ticket", {"subject": "x"}, "body"),
    ],
)
def test_mistakes_are_explained(client: SandboxClient, do: str, details: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ControlError, match=sentence):
        client.people("notes", do, **details)
    with pytest.raises(ControlError, match="no site 'elsewhere'"):
        client.view("elsewhere")


def test_faults_come_and_go(client: SandboxClient) -> None:
    client.faults("notes", {"action": "status", "status": 503, "name": "down"})
    address = client.site("notes")["base_url"]
    assert requests.get(address, timeout=5).status_code == 503
    client.clear_faults("notes", "down")
    assert requests.get(address, timeout=5).status_code == 200
    assert [fact["data"]["fault"] for fact in client.truth(kind="request")] == ["status", None]
    with pytest.raises(ControlError, match="a fault has no colour"):
        client.faults("notes", {"action": "drop", "colour": "red"})


def test_the_clock_port_tells_the_time_and_nothing_else(client: SandboxClient) -> None:
    assert requests.get(f"{client.clock_url}/_sandbox/clock", timeout=5).json()["now"] == START.isoformat()
    for secret in ("truth", "view?site=notes", "sites", "faults?site=notes", "story"):
        assert requests.get(f"{client.clock_url}/_sandbox/{secret}", timeout=5).status_code == 404


def test_no_vendor_address_answers_control_requests(client: SandboxClient) -> None:
    told = requests.get(f"{client.site('notes')['base_url']}/_sandbox/truth", timeout=5).json()
    assert set(told) == {"notes", "at"}


def test_a_party_whose_process_died_while_waiting_does_not_stop_time(client: SandboxClient) -> None:
    client.switch("stepped")
    for name in ("dead", "alive"):
        client.join(name)
    until = START + timedelta(minutes=1)
    body = {"party": "dead", "until": until.isoformat()}
    with requests.Session() as session, pytest.raises(requests.ReadTimeout):
        session.post(f"{client.clock_url}/_sandbox/clock/wait", json=body, timeout=0.2)
    assert client.wait("alive", until + timedelta(minutes=4), patience=5)["reached"]
    assert set(client.clock()["parties"]) == {"alive"}
