"""``release`` ends what it can end, and says what holds a ticket all the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from connector.bootstrap import Connector
from connector.bootstrap.releasing import Released, release
from connector.cli.main import run
from connector.domain.events import Actor, EventKind, Role, TicketEvent
from connector.ports import Candidate, TicketHistory
from tests.bootstrap.conftest import Compose
from tests.journal.samples import MINUTE, NOW, page, ticket

SITE = "zendesk"
ANNA = Actor("5", Role.AGENT)


def held(program: Connector, *ways: str, by: Actor = ANNA) -> Connector:
    """Store a ticket that is held by label, by a command or by both."""
    known = replace(ticket(site=SITE), labels=frozenset({"esc-hold"} if "label" in ways else ()))
    created = TicketEvent(id="created", at=known.opened_at, kind=EventKind.CREATED, actor=Actor("9", Role.CUSTOMER))
    acts = {
        "label": TicketEvent(id="l", at=NOW, kind=EventKind.LABELS, actor=by, before="", after="esc-hold"),
        "command": TicketEvent(
            id="c", at=NOW, kind=EventKind.COMMAND, actor=by, after="/esc hold 720h", name="hold", public=False
        ),
    }
    events = (created, *(acts[way] for way in ways))
    with program.journal() as journal:
        journal.open_site(SITE, fingerprint=program.rules(SITE).fingerprint)
        journal.store_page(SITE, [Candidate(ticket=known)], page=page(), now=NOW)
        journal.store_history([TicketHistory(ref=known.ref, events=events, read_until=NOW + MINUTE)])
    return program


def test_a_label_goes_on_holding_and_that_is_said(
    compose: Compose, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held(compose(), "label", "command")
    config, still = str(tmp_path / "connector.yaml"), "label esc-hold, until somebody takes it off in the helpdesk"
    assert run(["--config", config, "release", "#1"]) == 0
    assert capsys.readouterr().out.splitlines() == ["released: #1", f"still held: {still}"]
    assert run(["--config", config, "--output", "json", "release", "#1"]) == 0
    assert json.loads(capsys.readouterr().out)["still_held"] == [still]


@pytest.mark.parametrize(
    ("way", "by"), [("command", ANNA), ("label", Actor("9", Role.CUSTOMER))], ids=["a command", "a customer's label"]
)
def test_whatever_else_held_it_is_over(compose: Compose, way: str, by: Actor) -> None:
    assert release(held(compose(), way, by=by), "#1", actor="kim") == Released("#1")
