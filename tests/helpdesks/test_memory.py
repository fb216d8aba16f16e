"""The helpdesk in memory keeps the contract, and its faults do what they say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.change import Field
from connector.domain.events import EventKind, Role
from connector.domain.ticket import Priority, Status, Text
from connector.errors import Conflict, Denied, HelpdeskError, NotSent, Rejected, Throttled, Unavailable, Unknown
from connector.helpdesks.memory import (
    AGENT,
    CUSTOMER,
    Fault,
    MemoryHelpdesk,
    MemoryReader,
    MemoryWriter,
)
from connector.ports import Presence
from tests.helpdesks import contract
from tests.helpdesks.contract import HelpdeskContract, Said, change, fetch, note, settled, wanted
from tests.helpdesks.stopped_clock import StoppedClock


class MemoryStage:
    site = "memory"

    def __init__(self) -> None:
        self.clock = StoppedClock()
        self.world = MemoryHelpdesk(self.site, self.clock, page_size=2)
        self.world.hidden = timedelta(minutes=1)
        self.reader = MemoryReader(self.world)
        self.writer = MemoryWriter(self.world)

    def create(self, subject: str = contract.SUBJECT, body: str = contract.BODY, **values: Any) -> str:
        return self.world.create(text=Text(subject=subject, first_message=body), **values).id

    def agent(self, id_: str, **values: Any) -> None:
        if "labels" in values:
            values["labels"] |= self.world.ticket(id_).labels
        self.world.update(id_, AGENT, **values)

    def comment(self, id_: str, body: str, *, public: bool, by: str = "agent") -> None:
        self.world.comment(id_, body, AGENT if by == "agent" else CUSTOMER, public=public)

    def delete(self, id_: str) -> None:
        self.world.delete(id_)

    def said(self, id_: str) -> list[Said]:
        return [Said(c.body, c.public, c.by == self.world.us) for c in self.world.comments if c.ticket == id_]

    def truth(self, id_: str) -> Mapping[str, Any]:
        ticket = self.world.ticket(id_)
        return {"priority": ticket.priority, "group": ticket.group, "labels": ticket.labels, "level": ticket.level}

    def later(self, length: timedelta) -> None:
        self.clock.move(length)

    def lose_next_answer(self) -> None:
        self.world.write_faults.append(Fault.LOST_ANSWER)

    def lose_next_request(self) -> None:
        self.world.write_faults.append(Fault.LOST_REQUEST)


@pytest.fixture
def stage() -> MemoryStage:
    return MemoryStage()


class TestMemory(HelpdeskContract):
    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (Fault.NOT_SENT, NotSent),
            (Fault.THROTTLED, Throttled),
            (Fault.REFUSED, Rejected),
            (Fault.DENIED, Denied),
            (Fault.CONFLICT, Conflict),
            (Fault.LOST_REQUEST, Unknown),
            (Fault.LATE, Unknown),
        ],
    )
    def test_a_fault_meets_one_write(self, stage: MemoryStage, fault: Fault, error: type[HelpdeskError]) -> None:
        ticket = settled(stage, stage.create())
        (write,) = stage.writer.split(change(ticket, wanted(Field.PRIORITY, "P1")))
        stage.world.write_faults.append(fault)
        with pytest.raises(error):
            stage.writer.send(write, seen=ticket)
        assert fetch(stage, ticket.ref.id).priority is None
        stage.writer.send(write, seen=ticket)
        assert fetch(stage, ticket.ref.id).priority is Priority.P1

    def test_a_late_write_lands_unless_it_is_stale(self, stage: MemoryStage) -> None:
        one, two = settled(stage, stage.create()), settled(stage, stage.create())
        for ticket in (one, two):
            stage.world.write_faults.append(Fault.LATE)
            (write,) = stage.writer.split(change(ticket, comments=(note(ticket.ref, "late"),)))
            with pytest.raises(Unknown):
                stage.writer.send(write, seen=ticket)
        stage.agent(two.ref.id, priority=Priority.P2)
        assert not stage.world.keys_posted()
        stage.later(stage.world.lateness)
        assert list(stage.world.keys_posted().values()) == [1]
        assert stage.said(two.ref.id) == []

    @pytest.mark.parametrize("compares", [True, False])
    def test_a_comment_goes_by_itself_where_nothing_compares(self, stage: MemoryStage, compares: bool) -> None:
        """Sent again, it must not bring fields along that somebody has changed since."""
        stage.world.compares = compares
        ticket = settled(stage, stage.create())
        both = change(ticket, wanted(Field.PRIORITY, "P1"), comments=(note(ticket.ref, "once"),))
        parts = [(bool(write.fields), write.comment is not None) for write in stage.writer.split(both)]
        assert parts == ([(True, True)] if compares else [(True, False), (False, True)])
        contract.carry_out(stage, both, ticket)
        assert [said.body for said in stage.said(ticket.ref.id)] == ["once"]
        assert fetch(stage, ticket.ref.id).priority is Priority.P1

    def test_reads_fail_on_demand(self, stage: MemoryStage) -> None:
        stage.world.read_faults.extend([Fault.UNAVAILABLE, Fault.DENIED])
        with pytest.raises(Unavailable):
            stage.reader.start_cursor()
        with pytest.raises(Denied):
            stage.reader.check()

    def test_a_rule_that_answers_us_is_a_reaction(self, stage: MemoryStage) -> None:
        ticket = settled(stage, stage.create())
        stage.world.automations.append(lambda seen, _update: {"labels": seen.labels | {"touched"}})
        contract.carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        (labels,) = [e for e in contract.past(stage, ticket.ref.id) if e.kind is EventKind.LABELS]
        assert (labels.actor.role, labels.reaction) == (Role.AUTOMATION, True)

    def test_a_customers_word_reopens(self, stage: MemoryStage) -> None:
        id_ = stage.create(status=Status.SOLVED)
        stage.comment(id_, "still broken", public=True, by="customer")
        assert fetch(stage, id_).status is Status.OPEN

    def test_lost_jobs_say_so(self, stage: MemoryStage) -> None:
        ticket = settled(stage, stage.create())
        writes = stage.writer.split(change(ticket, wanted(Field.PRIORITY, "P1")))
        job = stage.writer.submit([(writes[0], ticket)])
        stage.writer.forget_jobs()
        (result,) = contract.collect(stage, job).values()
        assert (result.receipt, str(result.failure)) == (None, "unknown")
        assert stage.reader.look_up(writes[0], since=ticket.updated_at).presence is Presence.FOUND
