"""``explain`` and ``log`` on what is stored: moments in the site's zone, and mistakes that name what is known."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.bootstrap import Connector
from connector.domain.change import Field, FieldChange, Write
from connector.domain.decide import decide
from connector.domain.events import Actor, EventKind, Role, TicketEvent
from connector.domain.occasion import set_field
from connector.domain.policy import Policy
from connector.domain.ticket import Priority, Status, Ticket, TicketRef
from connector.engine.gather import situation
from connector.errors import ConnectorError, WrongUse
from connector.ports import Candidate, Journal, JournalEvent, Page, Receipt, RunRow, Verdict
from tests.bootstrap.conftest import Compose

OPENED = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
AT = OPENED + timedelta(minutes=20)


def stored(program: Connector, opened: datetime = OPENED) -> Connector:
    ticket = Ticket(
        ref=TicketRef("zendesk", "7"),
        key="#7",
        version="1",
        status=Status.OPEN,
        opened_at=opened,
        updated_at=opened,
        priority=Priority.P2,
        facts={"impact": "department", "urgency": "blocked"},
    )
    with program.journal() as journal:
        journal.open_site("zendesk", fingerprint=program.rules("zendesk").fingerprint)
        journal.store_page(
            "zendesk", [Candidate(ticket=ticket, text_hits={})], page=Page(observations=(), cursor=""), now=opened
        )
        at = opened + timedelta(minutes=20)
        journal.record(JournalEvent(at=at, kind="write", site="zendesk", ticket="7", key="f" * 64, data={"a": "b"}))
    return program


@pytest.mark.parametrize(
    ("zone", "local", "footer"),
    [
        (None, "2026-11-23 10:50 write", "moments in Europe/Berlin (UTC+01:00)"),
        ("Asia/Tokyo", "2026-11-23 18:50 write", "moments in Asia/Tokyo (UTC+09:00)"),
        ("UTC", "2026-11-23 09:50 write", "moments in UTC"),
    ],
)
def test_moments_are_of_the_sites_zone_else_of_the_policys(
    compose: Compose, zone: str | None, local: str, footer: str
) -> None:
    program = stored(compose(of_zendesk={"timezone": zone} if zone else {}))
    lines = program.explain("#7", at=AT).lines
    assert any(line.strip().startswith(local) for line in lines)
    assert any(line.endswith(footer) for line in lines)


def test_an_earlier_moment_is_told_without_what_we_wrote_later(compose: Compose) -> None:
    program = stored(compose())
    raised = FieldChange(
        field=Field.PRIORITY, before="P2", after="P1", reason="why", occasion=set_field(Field.PRIORITY, "P1")
    )
    write = Write(ref=TicketRef("zendesk", "7"), key="a" * 64, seen="1", fields=(raised,))
    later, asked = OPENED + timedelta(hours=2), OPENED + timedelta(minutes=5)
    urgent = TicketEvent(
        id="2", at=later, kind=EventKind.FACT, actor=Actor("", Role.UNKNOWN), name="impact", before="user",
        after="department",
    )  # fmt: skip
    with program.journal() as journal:
        for at in (OPENED, later):
            journal.begin_run(
                RunRow(
                    id=f"{at:%H}", site="zendesk", kind="sync", policy=program.policies.current().hash, started_at=at
                )
            )
        known = journal.records().stored(write.ref, now=later)
        assert known is not None
        journal.store_page(
            "zendesk",
            [Candidate(ticket=known.ticket, events=(urgent,), text_hits={})],
            page=Page(observations=(), cursor=""),
            now=later,
        )
        (op,) = journal.arm("zendesk", [(write, "d")], run="r", now=later)
        journal.settle(op, Receipt(key=write.key, remote_id="1", version="2", at=later), now=later)
    lines = program.explain("#7", at=asked).lines
    assert any(line.startswith("inputs: impact user | urgency blocked") for line in lines)
    assert any(line.endswith("P3 -> wanted P2") for line in lines)
    assert not [line for line in lines if "not known any more" in line]
    assert any("wanted P1" in line for line in program.explain("#7", at=later).lines)


def test_the_future_is_told_as_it_comes_if_nobody_does_anything(compose: Compose) -> None:
    ahead = datetime(2100, 1, 4, 12, tzinfo=UTC)
    program = stored(compose(), ahead - timedelta(hours=1))
    digest = program.policies.current().hash
    with program.journal() as journal:
        journal.begin_run(RunRow(id="r", site="zendesk", kind="sync", policy=digest, started_at=ahead))
    lines = program.explain("#7", at=ahead + timedelta(hours=2)).lines
    assert lines[1].startswith("foreseen: as if nobody did anything until then")
    assert not any(line.startswith("foreseen") for line in program.explain("#7", at=ahead).lines)


def test_a_ticket_that_nobody_knows_names_the_sites(compose: Compose) -> None:
    program = stored(compose())
    for ask in (
        lambda: program.explain("#8", at=AT),
        lambda: program.log(runs=False, site=None, ticket="#8", since=None, limit=5),
    ):
        with pytest.raises(ConnectorError, match=r"no ticket '#8' is known; sites: jsm-eu \(0 open.*zendesk \(1 open"):
            ask()


def test_a_site_that_nobody_knows_names_the_others(compose: Compose) -> None:
    with pytest.raises(WrongUse) as refused:
        stored(compose()).log(runs=True, site="zendsk", ticket=None, since=None, limit=5)
    assert refused.value.remedy == "known: jsm-eu, zendesk"


def test_the_log_names_tickets_as_people_do(compose: Compose) -> None:
    (row,) = stored(compose()).log(runs=False, site="site:zendesk", ticket="7", since=None, limit=5)
    assert (row["ticket"], row["what"]) == ("#7", "write")


class TestHeldEdit:
    """While an edit of the policy is held, a ticket that was there before it goes on under the policy before."""

    OPENED = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)  # noqa: TID251 - the machine's clock runs
    EDITED = OPENED + timedelta(minutes=20)

    def run(self, journal: Journal, policy: Policy, *, at: datetime) -> None:
        row = RunRow(id=f"{at:%H%M}", site="zendesk", kind="sync", policy=policy.hash, started_at=at)
        journal.begin_run(row)
        journal.end_run(replace(row, ended_at=at, outcome="ok"))

    def held(self, compose: Compose, tmp_path: Path) -> tuple[Connector, Policy]:
        """Return a program whose edited policy asks for a P2 where the policy before, which is returned too, had P1."""
        program = stored(compose(), self.OPENED)
        before = program.policies.current()
        with program.journal() as journal:
            self.run(journal, before, at=self.OPENED)
            (found,) = journal.load("zendesk", ["7"], now=self.OPENED)
            seen = situation(program.rules("zendesk"), found, {}, policy_since=self.OPENED, people={})
            journal.store_verdicts("zendesk", [Verdict(decision=decide(seen, before, self.OPENED))], run="r")
        file = tmp_path / "mappings" / "policy.yaml"
        file.write_text(file.read_text().replace("- [P1, P2, P3]", "- [P2, P2, P3]"))
        edited = compose()
        with edited.journal() as journal:
            self.run(journal, edited.policies.current(), at=self.EDITED)
            key, told = edited.policies.current().hash, {"what": "12 priority", "why": "too much", "tickets": "12"}
            journal.record(JournalEvent(at=self.EDITED, kind="edit-held", site="zendesk", key=key, data=told))
        return edited, before

    def test_what_governs_the_ticket_is_told_and_how_the_edit_is_let_through(
        self, compose: Compose, tmp_path: Path
    ) -> None:
        program, before = self.held(compose, tmp_path)
        report = program.explain("#7", at=None)
        assert report.data["policy"] == before.hash
        assert f"@{before.short_hash}" in report.lines[0]
        assert any("wanted P1" in line for line in report.lines)
        edit = f"an edit of the policy, @{program.policies.current().short_hash}"
        assert report.lines[1] == (
            f"{edit}, is held since {self.EDITED:%Y-%m-%d %H:%M} UTC: this ticket goes on under the policy before it, "
            f"@{before.short_hash}; put the policy back, or: connector resume zendesk --allow 12"
        )
        with closing(sqlite3.connect(tmp_path / "state.db")) as state, state:
            state.execute("DELETE FROM policy WHERE hash = ?", (before.hash,))
        report = program.explain("#7", at=None)
        assert "this ticket stands still, the policy before is not at hand" in report.lines[1]
        assert report.lines[1].endswith("connector resume zendesk --allow 12")

    def test_an_earlier_moment_is_told_under_the_policy_that_governed_it(
        self, compose: Compose, tmp_path: Path
    ) -> None:
        """Also a ticket that came after the edit, which is governed by it from the beginning."""
        program, before = self.held(compose, tmp_path)
        edited, later = program.policies.current().hash, self.EDITED + timedelta(hours=1)
        with program.journal() as journal:
            (old,) = journal.load("zendesk", ["7"], now=self.EDITED)
            opened = self.EDITED + timedelta(minutes=5)
            new = replace(old.ticket, ref=TicketRef("zendesk", "8"), key="#8", opened_at=opened, updated_at=opened)
            page = Page(observations=(), cursor="")
            journal.store_page("zendesk", [Candidate(ticket=new, text_hits={})], page=page, now=opened)
            self.run(journal, program.policies.current(), at=later)
        meanwhile = self.EDITED + timedelta(minutes=30)
        assert program.explain("#7", at=meanwhile).data["policy"] == before.hash
        assert program.explain("#8", at=meanwhile).data["policy"] == edited
        assert not [line for line in program.explain("#8", at=None).lines if "is held" in line]
        with program.journal() as journal:
            journal.resume("zendesk", allow=12, now=later, actor="anna")
            self.run(journal, program.policies.current(), at=later + timedelta(minutes=10))
        assert program.explain("#7", at=meanwhile).data["policy"] == before.hash
        assert program.explain("#7", at=later + timedelta(minutes=5)).data["policy"] == edited
        assert program.explain("#7", at=None).data["policy"] == edited
