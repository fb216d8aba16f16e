"""What real Zendesk accounts answered, read without an unhandled case."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from connector.domain.events import EventKind, Role
from connector.domain.site import FieldMap
from connector.domain.ticket import Priority, Status
from connector.helpdesks.zendesk import history, normalise, pages, shapes
from connector.helpdesks.zendesk.view import Known, View

VIEW = View(site="z", fields=FieldMap(), web_base="https://acme.zendesk.com")
READ_AT = datetime(2026, 11, 22, tzinfo=UTC)


def exchanges(shared: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(shared / "data/api/zendesk/recorded_exchanges.jsonl.gz", "rt") as lines:
        for line in lines:
            yield json.loads(line)


def body(exchange: dict[str, Any]) -> bytes:
    return json.dumps(exchange["response_body"]).encode()


def kind(exchange: dict[str, Any]) -> str:
    return str(urlsplit(exchange["url"]).path).removeprefix("/api/v2/").removesuffix(".json")


def is_answer(exchange: dict[str, Any]) -> bool:
    return 200 <= exchange["status"] < 300 and isinstance(exchange["response_body"], dict)


def test_every_recorded_ticket_page_is_read(shared: Path) -> None:
    seen: Counter[str] = Counter()
    for exchange in filter(is_answer, exchanges(shared)):
        if "tickets" not in exchange["response_body"]:
            continue
        found = pages.export_page(body(exchange), VIEW, read_at=READ_AT)
        assert not found.malformed, (exchange["url"], found.malformed)
        assert len(found.observations) + len(found.gone) == len(exchange["response_body"]["tickets"])
        seen[kind(exchange)] += len(found.observations)
    assert seen["incremental/tickets/cursor"]
    assert seen["tickets/show_many"]


def test_every_recorded_audit_is_read(shared: Path) -> None:
    witness = history.Witness(fields=FieldMap(), role_of=lambda _id: Role.AGENT)
    read = 0
    for exchange in filter(is_answer, exchanges(shared)):
        audits = exchange["response_body"].get("audits")
        if not audits:
            continue
        page = normalise.decoded(body(exchange), shapes.AuditPage, what="audits")
        read += len(history.events(page.audits, witness))
    assert read > 50


@pytest.mark.parametrize(("key", "shape"), [("job_status", shapes.JobReply), ("user", shapes.UserReply)])
def test_other_recorded_answers_are_read(shared: Path, key: str, shape: type[object]) -> None:
    read: list[object] = [
        normalise.decoded(body(e), shape, what=key)
        for e in filter(is_answer, exchanges(shared))
        if key in e["response_body"]
    ]
    assert read


def test_a_real_ticket_and_its_past(shared: Path) -> None:
    folder = shared / "data/api/zendesk"
    raw = json.loads((folder / "sfa_das_zendesk.ticket.1071.json").read_text())["ticket"]
    ticket = normalise.ticket(
        normalise.decoded(json.dumps(raw).encode(), shapes.Ticket, what="ticket"), VIEW, Known(), read_at=READ_AT
    )
    assert (ticket.priority, ticket.status, ticket.key) == (Priority.P4, Status.ON_HOLD, "#1071")
    page = normalise.decoded(
        (folder / "sfa_das_zendesk.ticket.1071.audits.json").read_bytes(), shapes.AuditPage, what="audits"
    )
    witness = history.Witness(
        fields=FieldMap(), role_of=lambda id_: Role.AGENT if id_ == 362626195219 else Role.CUSTOMER
    )
    events = history.events(page.audits, witness)
    assert events[0].kind is EventKind.CREATED
    assert events[0].actor.role is Role.CUSTOMER
    comments = [e for e in events if e.kind is EventKind.COMMENT]
    assert {e.public for e in comments} == {True, False}
    assert all(e.actor.role is Role.AGENT for e in comments)


def test_captured_records_are_read_or_quarantined(shared: Path) -> None:
    """One connector's capture has some values replaced by ``redacted``: such a ticket is quarantined, by its id."""
    records = json.loads((shared / "data/api/zendesk/estuary_native_capture.json").read_text())
    tickets = [record for name, record in records if name.endswith("/tickets")]
    page = json.dumps({"tickets": tickets, "end_of_stream": True}).encode()
    found = pages.export_page(page, VIEW, read_at=READ_AT)
    assert len(found.observations) + len(found.malformed) == len(tickets)
    assert [q.id for q in found.malformed] == [str(t["id"]) for t in tickets if t["updated_at"] == "redacted"]
    audits = [record for name, record in records if name.endswith("/ticket_audits")]
    read = normalise.decoded(json.dumps({"audits": audits}).encode(), shapes.AuditPage, what="audits")
    assert history.events(read.audits, history.Witness(fields=FieldMap(), role_of=lambda _id: Role.UNKNOWN))
