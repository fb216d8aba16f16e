"""What every helpdesk adapter promises, whatever the vendor. One class per adapter runs this suite.

A ``Stage`` is a site with one of our readers and writers on it, and people who act behind the connector's back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol

import pytest

from connector.domain.change import Change, Comment, Field, FieldChange, Notice, Write
from connector.domain.events import EventKind, Role, TicketEvent
from connector.domain.occasion import Occasion, set_field
from connector.domain.site import Effect
from connector.domain.ticket import Priority, Status, Ticket, TicketRef
from connector.domain.written import as_written
from connector.errors import Conflict, HelpdeskError, Rejected, Unknown
from connector.ports import Clock, Failure, Page, Presence, TicketReader, TicketWriter

SUBJECT, BODY = "canary-printer on fire", "canary-flames: it burns. {{ticket.title}} [~accountid:1] <b>*bold*</b>"


@dataclass(frozen=True, slots=True)
class Said:
    """A comment as the helpdesk keeps it."""

    body: str
    public: bool
    ours: bool


class Stage(Protocol):
    site: str

    @property
    def reader(self) -> TicketReader: ...

    @property
    def writer(self) -> TicketWriter: ...

    @property
    def clock(self) -> Clock: ...

    def create(self, subject: str = SUBJECT, body: str = BODY, **values: Any) -> str:
        """A customer opens a ticket; values: priority, status."""

    def agent(self, id_: str, **values: Any) -> None:
        """An agent sets priority, status, group, assignee or labels (added)."""

    def comment(self, id_: str, body: str, *, public: bool, by: str = "agent") -> None:
        """``agent`` or ``customer`` comments."""

    def delete(self, id_: str) -> None:
        """The ticket is deleted."""

    def said(self, id_: str) -> list[Said]:
        """Ground truth: every comment after the first message, oldest first."""

    def truth(self, id_: str) -> Mapping[str, Any]:
        """Ground truth: priority, group, labels, level as our words."""

    def later(self, length: timedelta) -> None:
        """Time passes."""

    def lose_next_answer(self) -> None:
        """The next write is applied, but its answer is lost."""

    def lose_next_request(self) -> None:
        """The next write is lost before it arrives."""


def wanted(field_: Field, after: str, before: str | None = None) -> FieldChange:
    return FieldChange(
        field=field_, before=before, after=after, reason="because", occasion=set_field(str(field_), after)
    )


def note(ref: TicketRef, body: str, *, public: bool = False, n: int = 1) -> Comment:
    audience = Effect.PUBLIC if public else Effect.NOTES
    occasion = Occasion("level", ("default", "20261122T090000Z", str(n)))
    notice = Notice(occasion=occasion, audience=audience, template="t", locale="en", values={}, reason="because")
    return Comment(notice=notice, key=occasion.key("site", ref.id, audience), body=body)


def change(ticket: Ticket, *fields: FieldChange, comments: tuple[Comment, ...] = ()) -> Change:
    return Change(
        ref=ticket.ref,
        key=ticket.key,
        seen=ticket.version,
        fields=fields,
        comments=comments,
        riders={"policy": "abc", "run": "r1"},
    )


@dataclass
class Seen:
    """Everything that a walk over pages brought."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    events: list[TicketEvent] = field(default_factory=list)
    cursor: str = ""
    gone: set[str] = field(default_factory=set)

    def take(self, page: Page) -> None:
        self.tickets |= {o.ticket.ref.id: o.ticket for o in page.observations}
        self.cursor = page.cursor
        self.gone |= set(page.gone)
        assert not page.malformed


class HelpdeskContract:
    """Subclasses give the fixture ``stage``."""

    settle = timedelta(minutes=8)  # longer than any export hides or any index lags

    @pytest.fixture(autouse=True)
    def _checked(self, stage: Stage) -> None:
        stage.reader.check()

    # ---- reading

    def test_a_full_load_brings_open_tickets_and_no_others(self, stage: Stage) -> None:
        ids = [stage.create(subject=f"ticket {n}") for n in range(7)]
        stage.agent(ids[0], status=Status.SOLVED)
        stage.later(self.settle)
        seen = load(stage)
        assert set(ids[1:]) <= set(seen.tickets)
        assert ids[0] not in seen.tickets or not seen.tickets[ids[0]].is_open

    def test_a_ticket_is_read_in_our_words(self, stage: Stage) -> None:
        id_ = stage.create(priority=Priority.P2)
        stage.agent(id_, labels=frozenset({"vip"}))
        stage.later(self.settle)
        (found,) = stage.reader.get([id_]).observations
        ticket = found.ticket
        assert ticket.ref == TicketRef(stage.site, id_)
        assert (ticket.priority, ticket.is_open) == (Priority.P2, True)
        assert "vip" in ticket.labels
        assert ticket.text is not None
        assert (ticket.text.subject, ticket.text.first_message) == (SUBJECT, BODY)
        assert ticket.version

    def test_a_load_and_a_single_read_agree(self, stage: Stage) -> None:
        id_ = stage.create(priority=Priority.P3)
        stage.later(self.settle)
        (single,) = stage.reader.get([id_]).observations
        assert replace(load(stage).tickets[id_], text=None) == replace(single.ticket, text=None)

    def test_nothing_falls_between_cursor_and_load(self, stage: Stage) -> None:
        stage.later(self.settle)
        cursor = stage.reader.start_cursor()
        ids = [stage.create(subject=f"late {n}") for n in range(3)]
        stage.later(self.settle)
        assert set(ids) <= set(follow(stage, cursor).tickets)

    def test_a_delta_brings_every_change_and_its_cursor_goes_on(self, stage: Stage) -> None:
        id_, other = stage.create(), stage.create()
        stage.later(self.settle)
        cursor = follow(stage, stage.reader.start_cursor()).cursor
        stage.agent(id_, priority=Priority.P1)
        stage.later(self.settle)
        first = follow(stage, cursor)
        assert first.tickets[id_].priority is Priority.P1
        stage.agent(other, priority=Priority.P4)
        stage.later(self.settle)
        assert follow(stage, first.cursor).tickets[other].priority is Priority.P4

    def test_a_quiet_delta_still_moves_on(self, stage: Stage) -> None:
        stage.create()
        stage.later(self.settle)
        cursor = follow(stage, stage.reader.start_cursor()).cursor
        stage.later(self.settle)
        again = follow(stage, cursor)
        assert again.cursor
        assert follow(stage, again.cursor).cursor

    def test_a_change_moves_the_version(self, stage: Stage) -> None:
        id_ = stage.create()
        before = fetch(stage, id_)
        stage.later(timedelta(seconds=5))
        stage.agent(id_, priority=Priority.P1)
        assert fetch(stage, id_).version != before.version

    def test_the_sweep_knows_all_open_ids(self, stage: Stage) -> None:
        ids = {stage.create(subject=f"n{n}") for n in range(4)}
        stage.later(self.settle)
        swept = {id_: version for chunk in stage.reader.open_ids() for id_, version in chunk.items()}
        assert ids <= swept.keys()
        assert all(swept[id_] in {"", fetch(stage, id_).version} for id_ in ids)

    def test_what_is_gone_is_absent(self, stage: Stage) -> None:
        id_, kept = stage.create(), stage.create()
        stage.delete(id_)
        page = stage.reader.get([id_, kept])
        found = {o.ticket.ref.id: o.ticket for o in page.observations}
        assert kept in found
        assert page.gone == (id_,) or found[id_].status is Status.GONE

    def test_tickets_come_in_the_order_asked(self, stage: Stage) -> None:
        ids = [stage.create(subject=f"n{n}") for n in range(3)]
        asked = [ids[2], ids[0], ids[2], ids[1]]
        page = stage.reader.get(asked)
        assert [o.ticket.ref.id for o in page.observations] == [ids[2], ids[0], ids[1]]
        assert (page.gone, page.malformed) == ((), ())

    def test_reading_nothing_asks_nothing(self, stage: Stage) -> None:
        before = stage.reader.requests_made()
        assert stage.reader.get([]) == Page(observations=(), cursor="")
        assert list(stage.reader.history([])) == []
        assert stage.reader.requests_made() == before

    def test_history_tells_who_did_what(self, stage: Stage) -> None:
        id_ = stage.create()
        stage.later(timedelta(minutes=1))
        stage.agent(id_, priority=Priority.P1)
        stage.later(timedelta(minutes=1))
        stage.comment(id_, "we are on it", public=True)
        stage.later(timedelta(minutes=1))
        stage.comment(id_, "any news?", public=True, by="customer")
        stage.later(timedelta(minutes=1))
        stage.comment(id_, "internal", public=False)
        events = past(stage, id_)
        assert [e.at for e in events] == sorted(e.at for e in events)
        assert len({e.id for e in events}) == len(events)
        assert events[0].kind is EventKind.CREATED
        said = [(e.actor.role, e.public) for e in events if e.kind is EventKind.COMMENT]
        assert said[-3:] == [(Role.AGENT, True), (Role.CUSTOMER, True), (Role.AGENT, False)]
        raised = [e for e in events if e.kind is EventKind.PRIORITY and e.after == "P1"]
        assert [e.actor.role for e in raised] == [Role.AGENT]

    # ---- writing

    def test_fields_and_a_note_arrive_together(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        text = "Escalated.\n\nSee *this*, {{ticket.id}}, [~accountid:5] and !image.png!"
        wish = change(ticket, wanted(Field.PRIORITY, "P1"), comments=(note(ticket.ref, text),))
        ticket = carry_out(stage, wish, ticket)
        assert stage.truth(ticket.ref.id)["priority"] is Priority.P1
        (said,) = stage.said(ticket.ref.id)
        assert not said.public
        assert said.ours
        assert "Escalated." in said.body

    def test_a_public_comment_is_public(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create())
        carry_out(stage, change(ticket, comments=(note(ticket.ref, "We are on it", public=True),)), ticket)
        (said,) = stage.said(ticket.ref.id)
        assert said.public
        assert said.ours

    def test_labels_are_added_never_removed(self, stage: Stage) -> None:
        id_ = stage.create()
        stage.agent(id_, labels=frozenset({"theirs"}))
        ticket = settled(stage, id_)
        carry_out(stage, change(ticket, wanted(Field.LABELS, "escalated")), ticket)
        assert {"theirs", "escalated"} <= set(stage.truth(id_)["labels"])

    def test_level_and_path_are_written_and_read_back(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create())
        carry_out(stage, change(ticket, wanted(Field.LEVEL, "2"), wanted(Field.PATH, "default")), ticket)
        after = fetch(stage, ticket.ref.id)
        assert (after.level, after.path) == (2, "default")

    def test_our_own_write_is_ours_in_history(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P2"), comments=(note(ticket.ref, "hello"),)), ticket)
        events = past(stage, ticket.ref.id)
        assert [e.actor.role for e in events if e.kind is EventKind.PRIORITY and e.after == "P2"] == [Role.OURS]
        assert [e.actor.role for e in events if e.kind is EventKind.COMMENT][-1] is Role.OURS

    def test_who_acts_is_told_by_account_and_never_by_time(self, stage: Stage) -> None:
        """What an agent does right after us is the agent's; what we did is ours however long ago it was."""
        ticket = settled(stage, stage.create(priority=Priority.P4))
        carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P2"), comments=(note(ticket.ref, "hello"),)), ticket)
        stage.agent(ticket.ref.id, priority=Priority.P3)
        stage.comment(ticket.ref.id, "no, it is not", public=False)
        for age in (timedelta(minutes=1), timedelta(minutes=5), timedelta(days=3)):
            stage.later(age)
            events = past(stage, ticket.ref.id)
            set_ = [(e.after, e.actor.role) for e in events if e.kind is EventKind.PRIORITY]
            assert set_[-2:] == [("P2", Role.OURS), ("P3", Role.AGENT)]
            said = [e.actor.role for e in events if e.kind is EventKind.COMMENT]
            assert said[-2:] == [Role.OURS, Role.AGENT]

    def test_a_stale_write_is_refused_or_compared(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        stage.agent(ticket.ref.id, priority=Priority.P3)
        stage.later(timedelta(seconds=5))
        with pytest.raises(Conflict):
            carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1", before="P4")), ticket)
        assert stage.truth(ticket.ref.id)["priority"] is Priority.P3

    def test_the_version_of_a_receipt_is_good_for_the_next_write(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        ticket = carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P2")), ticket)
        ticket = carry_out(stage, change(ticket, comments=(note(ticket.ref, "one"),)), ticket)
        carry_out(stage, change(ticket, comments=(note(ticket.ref, "two", n=2),)), ticket)
        assert [("one" in s.body, "two" in s.body) for s in stage.said(ticket.ref.id)] == [
            (True, False),
            (False, True),
        ]

    def test_a_gone_ticket_is_rejected(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create())
        stage.delete(ticket.ref.id)
        with pytest.raises(HelpdeskError) as caught:
            carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        assert isinstance(caught.value, Rejected | Conflict)

    def test_a_lost_answer_is_unknown_and_found_again(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create())
        (write,) = stage.writer.split(change(ticket, comments=(note(ticket.ref, "said once"),)))
        since = stage.clock.now() - timedelta(minutes=5)
        stage.lose_next_answer()
        with pytest.raises(Unknown):
            stage.writer.send(write, seen=ticket)
        found = stage.reader.look_up(write, since=since)
        assert found.presence is Presence.FOUND
        assert found.remote_id
        assert len(stage.said(ticket.ref.id)) == 1

    def test_a_lost_request_is_absent(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create())
        (write,) = stage.writer.split(change(ticket, comments=(note(ticket.ref, "never said"),)))
        stage.lose_next_request()
        with pytest.raises(Unknown):
            stage.writer.send(write, seen=ticket)
        found = stage.reader.look_up(write, since=stage.clock.now() - timedelta(minutes=5))
        assert found.presence is Presence.ABSENT
        assert stage.said(ticket.ref.id) == []

    def test_a_pasted_marker_counts_for_nothing(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create())
        comment = note(ticket.ref, "never said")
        (write,) = stage.writer.split(change(ticket, comments=(comment,)))
        stage.comment(ticket.ref.id, f"Ref {comment.ref} {comment.key}", public=True, by="customer")
        found = stage.reader.look_up(write, since=stage.clock.now() - timedelta(minutes=5))
        assert found.presence is Presence.ABSENT

    def test_a_digest_names_the_request(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create())
        (one,) = stage.writer.split(change(ticket, wanted(Field.PRIORITY, "P1")))
        (two,) = stage.writer.split(change(ticket, wanted(Field.PRIORITY, "P2")))
        digest = stage.writer.request_digest(one, seen=ticket)
        assert len(digest) == 64
        assert digest == stage.writer.request_digest(one, seen=ticket)
        assert digest != stage.writer.request_digest(two, seen=ticket)

    def test_an_empty_change_takes_no_write(self, stage: Stage) -> None:
        ticket = settled(stage, stage.create())
        assert stage.writer.split(change(ticket)) == ()

    # ---- bulk

    def test_a_bulk_answers_for_each_ticket(self, stage: Stage) -> None:
        if not stage.writer.bulk_size:
            pytest.skip("this helpdesk has no bulk")
        tickets = [settled(stage, stage.create(priority=Priority.P4)) for _ in range(3)]
        stage.agent(tickets[1].ref.id, priority=Priority.P3)
        stage.later(timedelta(seconds=5))
        pairs = [(w, t) for t in tickets for w in stage.writer.split(change(t, wanted(Field.PRIORITY, "P1")))]
        results = collect(stage, stage.writer.submit(pairs))
        assert {key: (r.receipt is not None, r.failure) for key, r in results.items()} == {
            pairs[0][0].key: (True, None),
            pairs[1][0].key: (False, Failure.CONFLICT),
            pairs[2][0].key: (True, None),
        }
        assert [stage.truth(t.ref.id)["priority"] for t in tickets] == [Priority.P1, Priority.P3, Priority.P1]


def load(stage: Stage) -> Seen:
    seen = Seen()
    cursor = stage.reader.start_cursor()
    for page in stage.reader.load_open(cursor=cursor):
        seen.take(page)
        assert page.cursor == cursor
    return seen


def follow(stage: Stage, cursor: str) -> Seen:
    seen = Seen(cursor=cursor)
    for page in stage.reader.changes(cursor):
        seen.take(page)
    return seen


def fetch(stage: Stage, id_: str) -> Ticket:
    (found,) = stage.reader.get([id_]).observations
    return found.ticket


def settled(stage: Stage, id_: str) -> Ticket:
    stage.later(timedelta(minutes=2))
    return fetch(stage, id_)


def past(stage: Stage, id_: str) -> tuple[TicketEvent, ...]:
    (history,) = stage.reader.history([id_])
    assert history.ref.id == id_
    return history.events


def carry_out(stage: Stage, wish: Change, ticket: Ticket) -> Ticket:
    """Make every write of a change as ``apply`` does, and return the ticket with its new version."""
    for write in stage.writer.split(wish):
        ticket = as_written(ticket, write, version=send(stage, write, ticket))
    return ticket


def send(stage: Stage, write: Write, ticket: Ticket) -> str:
    receipt = stage.writer.send(write, seen=ticket)
    assert receipt.key == write.key
    assert receipt.remote_id
    return receipt.version


def collect(stage: Stage, job: str) -> dict[str, Any]:
    for _ in range(100):
        results = stage.writer.collect([job])[job]
        if results is not None:
            return {r.key: r for r in results}
        stage.later(timedelta(seconds=5))
    raise AssertionError("the job never ends")
