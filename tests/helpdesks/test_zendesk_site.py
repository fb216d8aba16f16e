"""What is particular about Zendesk, on the sandbox: its clocks, limits, jobs, cursors and traps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.change import Field
from connector.domain.events import EventKind, Role
from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.ticket import ClockName, NativeStage, Priority, Status
from connector.errors import Conflict, Denied, Rejected, Throttled, Unavailable, Unknown
from connector.ports import Failure, Presence
from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.site import NewTicket
from connector.sandbox.zendesk import build
from tests.helpdesks import contract
from tests.helpdesks.conftest import watch
from tests.helpdesks.contract import carry_out, change, fetch, follow, load, note, past, settled, wanted
from tests.helpdesks.sandbox_stage import ROSTER, START
from tests.helpdesks.test_zendesk import EXCUSED, QUIET, ZendeskStage, field_map

MORE_EXCUSED = (
    ("response tickets/", "'deleted' is not one of"),  # recorded exports carry it, the document does not
    ("request tickets/", "is a required property"),  # custom fields of a batch, as of a single update
)


@pytest.fixture
def options() -> dict[str, Any]:
    return {}


@pytest.fixture
def sandbox(options: dict[str, Any]) -> Iterator[Sandbox]:
    spec = SiteSpec(name="zendesk", kind="zendesk", build=build, roster=ROSTER, options=QUIET | options)
    with Sandbox((spec,), ClockOptions(start=START, mode="manual")) as running:
        yield running


@pytest.fixture
def stage(sandbox: Sandbox, judge: Any) -> ZendeskStage:
    made = ZendeskStage(sandbox)
    look = judge("zendesk", EXCUSED + MORE_EXCUSED)
    for adapter in set(made.adapters):
        watch(adapter, look)
    made.reader.check()
    return made


def with_options(**options: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("options", [options], ids=[",".join(options)])


class TestReading:
    def test_facts_come_from_ticket_requester_and_organization(self, stage: ZendeskStage) -> None:
        id_ = stage.behind.people.create_ticket(
            NewTicket(subject="s", body="b", requester="vito", impact="site", urgency="blocked")
        )
        ticket = fetch(stage, str(id_))
        assert dict(ticket.facts) == {
            "impact": "site",
            "urgency": "blocked",
            "org.tier": "platinum",
            "requester.tags": frozenset({"vip"}),
        }
        assert ticket.scope == "401"
        assert ticket.url.endswith(f"/agent/tickets/{id_}")

    def test_the_requesters_language_is_known(self, stage: ZendeskStage) -> None:
        assert fetch(stage, stage.create()).locale == "de"

    def test_the_helpdesks_own_clocks_are_read(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P1))
        first = next(c for c in ticket.native if c.clock is ClockName.FIRST_RESPONSE)
        assert first.stage is NativeStage.RUNNING
        assert first.breach_at is not None
        stage.comment(ticket.ref.id, "hello", public=True)
        after = [c for c in fetch(stage, ticket.ref.id).native if c.clock is ClockName.FIRST_RESPONSE]
        assert {c.stage for c in after} <= {NativeStage.MET, NativeStage.NONE}

    def test_a_breach_shows_once_its_moment_has_passed(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P1))
        (first,) = [c for c in ticket.native if c.clock is ClockName.FIRST_RESPONSE]
        assert first.breach_at is not None
        stage.later(first.breach_at - stage.clock.now())
        (again,) = [c for c in fetch(stage, ticket.ref.id).native if c.clock is ClockName.FIRST_RESPONSE]
        assert again.stage is NativeStage.BREACHED

    def test_replies_are_counted_where_no_comment_is_shown(self, stage: ZendeskStage) -> None:
        id_ = stage.create()
        stage.later(timedelta(minutes=1))
        before = fetch(stage, id_).activity
        stage.comment(id_, "we look into it", public=True)
        after = fetch(stage, id_).activity
        assert before is not None
        assert after is not None
        assert (before.public_replies, after.public_replies) == (0, 1)
        assert after.last_comment_at == stage.clock.now()

    def test_the_last_minute_is_hidden_and_not_lost(self, stage: ZendeskStage) -> None:
        stage.later(timedelta(minutes=10))
        cursor = follow(stage, stage.reader.start_cursor()).cursor
        id_ = stage.create()
        stage.later(timedelta(seconds=30))
        first = follow(stage, cursor)
        assert id_ not in first.tickets
        stage.later(timedelta(seconds=45))
        assert id_ in follow(stage, first.cursor).tickets

    @with_options(repeat_chance=1.0, system_touch_chance=1.0)
    def test_repeats_and_system_touches_do_no_harm(self, stage: ZendeskStage) -> None:
        ids = {stage.create(subject=f"n{n}") for n in range(5)}
        stage.later(timedelta(minutes=10))
        cursor = follow(stage, stage.reader.start_cursor()).cursor
        for id_ in ids:
            stage.agent(id_, priority=Priority.P2)
        stage.later(timedelta(minutes=10))
        assert {t.priority for t in follow(stage, cursor).tickets.values()} == {Priority.P2}

    def test_a_deleted_ticket_is_gone(self, stage: ZendeskStage) -> None:
        id_ = stage.create()
        stage.later(timedelta(minutes=10))
        cursor = follow(stage, stage.reader.start_cursor()).cursor
        stage.delete(id_)
        stage.later(timedelta(minutes=10))
        assert follow(stage, cursor).gone == {id_}

    def test_a_merged_ticket_is_gone_as_well(self, stage: ZendeskStage) -> None:
        one, two = stage.create(), stage.create()
        stage.behind.people.merge(one, "anna", two)
        assert fetch(stage, one).status is Status.GONE

    def test_a_closed_ticket_is_refused_without_a_request(self, stage: ZendeskStage) -> None:
        id_ = stage.create()
        stage.behind.people.close(id_, "anna")
        ticket = settled(stage, id_)
        before = stage.reader.requests_made()
        with pytest.raises(Rejected):
            carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        assert stage.reader.requests_made() == before

    def test_a_refused_cursor_restarts_five_minutes_back(self, stage: ZendeskStage) -> None:
        begin = stage.reader.start_cursor()
        stage.create()
        stage.later(timedelta(minutes=10))
        cursor = follow(stage, begin).cursor
        id_ = stage.create()
        stage.later(timedelta(minutes=3))
        stage.behind.strike("status", path="incremental", status=404)
        assert id_ in follow(stage, cursor).tickets
        stage.behind.strike("status", path="incremental", status=404, times=2)
        with pytest.raises(Unavailable):
            follow(stage, cursor)

    def test_a_cursor_that_is_not_ours_is_replaced(self, stage: ZendeskStage) -> None:
        id_ = stage.create()
        stage.later(timedelta(minutes=2))
        assert id_ in follow(stage, "nonsense").tickets

    @with_options(stuck_pages=1)
    def test_a_cursor_that_stands_still_does_not_loop(self, stage: ZendeskStage) -> None:
        stage.create()
        stage.later(timedelta(minutes=2))
        cursor = stage.reader.start_cursor()
        with contextlib.suppress(Unavailable):
            follow(stage, cursor)
        assert stage.adapters[0].counts["export"] <= 3

    def test_an_agent_may_not_read_the_export(self, stage: ZendeskStage) -> None:
        stage.behind.strike("forbid", path="incremental")
        with pytest.raises(Denied) as caught:
            follow(stage, stage.reader.start_cursor())
        assert "admin" in caught.value.remedy

    def test_a_dead_token_is_replaced_in_the_middle(self, stage: ZendeskStage) -> None:
        id_ = stage.create()
        stage.behind.strike("revoke", path="show_many")
        assert fetch(stage, id_).ref.id == id_

    def test_a_long_run_outlives_its_tokens(self, stage: ZendeskStage) -> None:
        id_ = stage.create()
        stage.later(timedelta(hours=5))
        assert fetch(stage, id_).ref.id == id_

    def test_an_outage_is_unavailable_and_ends(self, stage: ZendeskStage) -> None:
        cursor = stage.reader.start_cursor()
        stage.behind.strike("html", path="incremental", status=502, times=10)
        with pytest.raises(Unavailable):
            follow(stage, cursor)

    def test_reads_stay_within_their_share(self, stage: ZendeskStage) -> None:
        began = stage.clock.now()
        cursor = stage.reader.start_cursor()
        for _ in range(15):
            cursor = follow(stage, cursor).cursor
        assert stage.clock.now() - began >= timedelta(minutes=2)
        assert not [e for e in stage.behind.truth("request") if e.data["status"] == 429]
        assert stage.reader.pause_before_reads() >= timedelta(0)
        assert stage.reader.budgets().remaining["export"][1] == 7

    def test_histories_have_their_own_share(self, stage: ZendeskStage) -> None:
        id_ = stage.create()
        allowed = stage.reader.history_allowance()
        assert 0 < allowed <= 0.3 * 700
        past(stage, id_)
        assert stage.reader.history_allowance() < allowed

    def test_many_pages_are_followed(self, stage: ZendeskStage) -> None:
        ids = {stage.create(subject=f"n{n}") for n in range(230)}
        stage.later(timedelta(minutes=10))
        assert ids <= set(load(stage).tickets)
        swept = [id_ for chunk in stage.reader.open_ids() for id_ in chunk]
        assert sorted(swept) == sorted(ids)
        assert {o.ticket.ref.id for o in stage.reader.get(sorted(ids)).observations} == ids


class TestHistory:
    @with_options(triggers=({"title": "touch", "when": {"via": "api"}, "then": {"add_tags": ["touched"]}},))
    def test_rules_that_answer_us_are_reactions(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        events = [e for e in past(stage, ticket.ref.id) if e.kind is not EventKind.CREATED]
        rules = [e for e in events if e.actor.role is Role.AUTOMATION]
        assert all(e.reaction for e in rules)
        assert [e.kind for e in events if e.actor.role is Role.OURS] == [EventKind.PRIORITY]
        assert rules

    def test_agents_commands_are_heard_in_internal_notes_alone(self, stage: ZendeskStage) -> None:
        id_ = stage.create()
        stage.comment(id_, "please\n/esc hold 4h\nthanks", public=False)
        stage.comment(id_, "/esc ack", public=True)
        stage.comment(id_, "/esc release", public=True, by="customer")
        commands = [(e.name, e.after) for e in past(stage, id_) if e.kind is EventKind.COMMAND]
        assert commands == [("hold", "/esc hold 4h")]

    def test_inputs_changing_are_facts(self, stage: ZendeskStage) -> None:
        id_ = stage.create()
        stage.behind.people.set_field(id_, "anna", "impact", "site")
        (fact,) = [e for e in past(stage, id_) if e.kind is EventKind.FACT]
        assert (fact.name, fact.before, fact.after, fact.actor.role) == ("impact", None, "site", Role.AGENT)

    def test_status_group_and_assignee_are_in_our_words(self, stage: ZendeskStage) -> None:
        id_ = stage.create()
        stage.agent(id_, group="second-line")
        stage.agent(id_, assignee="ben")
        stage.agent(id_, status=Status.WAITING_CUSTOMER)
        events = past(stage, id_)
        assert [e.after for e in events if e.kind is EventKind.GROUP] == ["second-line"]
        assert [e.after for e in events if e.kind is EventKind.ASSIGNEE] == ["ben"]
        assert [e.after for e in events if e.kind is EventKind.STATUS][-1] == "waiting_customer"


class TestWriting:
    def test_one_request_one_audit_and_a_hidden_marker(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        comment = note(ticket.ref, "Escalated.")
        wish = change(
            ticket,
            wanted(Field.PRIORITY, "P1"),
            wanted(Field.GROUP, "second-line"),
            wanted(Field.LABELS, "escalated"),
            comments=(comment,),
        )
        carry_out(stage, wish, ticket)
        assert stage.adapters[1].counts["update"] == 1
        hidden = stage.behind.view(ticket.ref.id)["comments"][-1]["hidden"]
        assert hidden["esc"]["key"] == comment.key
        assert hidden["esc"]["run"] == "r1"
        row = stage.behind.view(ticket.ref.id)
        assert (row["priority"], row["group"], row["labels"]) == ("P1", "second-line", ["escalated"])

    def test_placeholders_and_markup_are_shown_not_obeyed(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create())
        text = "{{ticket.title}} {% if x %} *b* [l](http://x.example) ![i](http://y.example) <b> `c`"
        carry_out(stage, change(ticket, comments=(note(ticket.ref, text, public=True),)), ticket)
        (comment,) = stage.behind.truth("comment", ticket.ref.id)[1:]
        said = stage.said(ticket.ref.id)[-1].body
        assert contract.SUBJECT not in said
        assert "ticket.title" in said
        assert not comment.data.get("links")
        assert not comment.data.get("placeholders")

    def test_a_second_passes_before_a_fresh_ticket_is_written(self, stage: ZendeskStage) -> None:
        id_ = stage.create(priority=Priority.P4)
        ticket = fetch(stage, id_)
        began = stage.clock.now()
        carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        assert stage.clock.now() - began >= timedelta(seconds=2)

    def test_a_second_passes_between_two_writes_of_ours(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        ticket = carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        began = stage.clock.now()
        carry_out(stage, change(ticket, comments=(note(ticket.ref, "hello"),)), ticket)
        assert stage.clock.now() - began >= timedelta(seconds=2)

    def test_unbound_names_are_refused_before_sending(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create())
        before = stage.reader.requests_made()
        for item in (wanted(Field.GROUP, "nobody-knows"), wanted(Field.ASSIGNEE, "stranger")):
            (write,) = stage.writer.split(change(ticket, item))
            assert stage.writer.request_digest(write, seen=ticket)
            with pytest.raises(Rejected) as caught:
                stage.writer.send(write, seen=ticket)
            assert caught.value.fields == (str(item.field),)
        assert stage.reader.requests_made() == before

    def test_a_field_that_the_account_has_not_is_told_and_never_said_to_be_written(self, stage: ZendeskStage) -> None:
        stage.behind.sandbox.site(stage.site).office.desk.fields.deleted.add("level")
        ticket = settled(stage, stage.create(priority=Priority.P4))
        wish = change(ticket, wanted(Field.PRIORITY, "P1"), wanted(Field.LEVEL, "2"))
        (write,) = stage.writer.split(wish)
        assert stage.writer.send(write, seen=ticket).ignored == ("level",)
        stage.later(timedelta(seconds=5))
        ticket = fetch(stage, ticket.ref.id)
        (write,) = stage.writer.split(change(ticket, wanted(Field.LEVEL, "2")))
        with pytest.raises(Rejected, match="level") as caught:
            stage.writer.send(write, seen=ticket)
        assert (caught.value.fields, caught.value.missing) == (("level",), ("level",))
        made = stage.reader.requests_made()
        with pytest.raises(Rejected, match="no ticket lists level"):
            stage.writer.submit([(write, ticket)])
        assert stage.reader.requests_made() == made

    def test_a_field_without_a_value_is_there_all_the_same(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        (write,) = stage.writer.split(change(ticket, wanted(Field.LEVEL, None)))
        assert stage.writer.send(write, seen=ticket).ignored == ()

    def test_a_vendors_id_may_stand_for_a_name(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create())
        carry_out(stage, change(ticket, wanted(Field.GROUP, "id:103")), ticket)
        assert stage.truth(ticket.ref.id)["group"] == "specialists"

    def test_nothing_changed_is_still_a_receipt(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P2))
        carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P2")), ticket)

    @pytest.mark.parametrize("action", ["lose", "empty", "mistype", "cut"])
    def test_a_spoiled_answer_is_unknown_and_found(self, stage: ZendeskStage, action: str) -> None:
        ticket = settled(stage, stage.create())
        (write,) = stage.writer.split(change(ticket, comments=(note(ticket.ref, "once"),)))
        stage.behind.strike(action, methods=["PUT"], after_bytes=40)
        since = stage.clock.now()
        with pytest.raises(Unknown):
            stage.writer.send(write, seen=ticket)
        assert stage.reader.look_up(write, since=since).presence is Presence.FOUND
        assert len(stage.said(ticket.ref.id)) == 1

    def test_a_late_copy_dies_by_its_stamp(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create())
        (write,) = stage.writer.split(change(ticket, comments=(note(ticket.ref, "once"),)))
        stage.behind.strike("late", methods=["PUT"], seconds=30)
        with pytest.raises(Unknown):
            stage.writer.send(write, seen=ticket)
        stage.later(timedelta(seconds=5))
        stage.writer.send(write, seen=ticket)
        stage.later(timedelta(seconds=60))
        assert len(stage.said(ticket.ref.id)) == 1

    def test_fields_alone_are_found_by_marker_or_value(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        wish = change(ticket, wanted(Field.PRIORITY, "P1"), wanted(Field.LABELS, "escalated"))
        (write,) = stage.writer.split(wish)
        since = stage.clock.now()
        assert stage.reader.look_up(write, since=since).presence is Presence.ABSENT
        stage.lose_next_answer()
        with pytest.raises(Unknown):
            stage.writer.send(write, seen=ticket)
        assert stage.reader.look_up(write, since=since).presence is Presence.FOUND

    def test_a_gone_ticket_proves_nothing(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create())
        (write,) = stage.writer.split(change(ticket, comments=(note(ticket.ref, "once"),)))
        stage.delete(ticket.ref.id)
        assert stage.reader.look_up(write, since=START).presence is Presence.UNPROVABLE

    def test_people_keep_three_quarters_of_the_updates(self, stage: ZendeskStage) -> None:
        tickets = [settled(stage, stage.create(subject=f"n{n}", priority=Priority.P4)) for n in range(30)]
        stage.later(timedelta(minutes=2))
        for ticket in tickets[:25]:
            carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P3")), ticket)
        with pytest.raises(Throttled) as caught:
            carry_out(stage, change(tickets[25], wanted(Field.PRIORITY, "P3")), tickets[25])
        assert caught.value.scope == "endpoint"
        urgent = fetch(stage, tickets[-1].ref.id)
        carry_out(stage, change(urgent, wanted(Field.PRIORITY, "P1")), urgent)

    def test_reader_and_writer_draw_on_one_account(self, stage: ZendeskStage) -> None:
        reading, writing = stage.adapters
        assert reading is not writing
        assert reading.allowance is writing.allowance

    def test_one_ticket_is_not_worn_out(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create())
        for n in range(10):
            ticket = carry_out(stage, change(ticket, wanted(Field.LEVEL, str(n))), ticket)
            stage.later(timedelta(seconds=10))
        with pytest.raises(Throttled) as caught:
            carry_out(stage, change(ticket, wanted(Field.LEVEL, "10")), ticket)
        assert caught.value.scope == "ticket"
        assert stage.adapters[1].counts["update"] == 10

    def test_a_database_conflict_is_a_conflict(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create())
        stage.behind.strike("status", methods=["PUT"], status=409)
        with pytest.raises(Conflict):
            carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)


class TestJobs:
    def pairs(self, stage: ZendeskStage, count: int) -> list[Any]:
        tickets = [settled(stage, stage.create(priority=Priority.P4)) for _ in range(count)]
        return [
            (w, t)
            for t in tickets
            for w in stage.writer.split(change(t, wanted(Field.PRIORITY, "P1"), wanted(Field.LABELS, "x")))
        ]

    def test_a_hundred_changes_take_two_requests(self, stage: ZendeskStage) -> None:
        pairs = self.pairs(stage, 100)
        job = stage.writer.submit(pairs)
        stage.later(timedelta(seconds=60))
        results = stage.writer.collect([job])[job]
        counts = stage.adapters[1].counts
        assert (counts["bulk"], counts["jobs"], counts["update"]) == (1, 1, 0)
        assert results is not None
        assert all(r.receipt for r in results)
        assert {fetch(stage, t.ref.id).priority for _, t in pairs[:3]} == {Priority.P1}

    def test_jobs_add_tags(self, stage: ZendeskStage) -> None:
        pairs = self.pairs(stage, 1)
        stage.agent(pairs[0][1].ref.id, labels=frozenset({"theirs"}))
        stage.later(timedelta(seconds=5))
        fresh = fetch(stage, pairs[0][1].ref.id)
        contract.collect(stage, stage.writer.submit([(pairs[0][0], fresh)]))
        assert fetch(stage, fresh.ref.id).labels == {"theirs", "x"}

    def test_several_jobs_are_asked_for_at_once(self, stage: ZendeskStage) -> None:
        jobs = [stage.writer.submit(self.pairs(stage, 2)) for _ in range(3)]
        stage.later(timedelta(seconds=60))
        before = stage.reader.requests_made()
        assert all(stage.writer.collect(jobs).values())
        assert stage.reader.requests_made() - before == 1

    @with_options(kill_jobs=1)
    def test_a_killed_job_is_unknown_where_it_says_nothing(self, stage: ZendeskStage) -> None:
        results = contract.collect(stage, stage.writer.submit(self.pairs(stage, 4)))
        assert len(results) == 4
        failures = {r.failure for r in results.values() if r.receipt is None}
        assert failures == {Failure.UNKNOWN}

    def test_a_job_forgotten_after_a_day_is_unknown(self, stage: ZendeskStage) -> None:
        job = stage.writer.submit(self.pairs(stage, 2))
        stage.later(timedelta(days=2))
        assert {r.failure for r in stage.writer.collect([job])[job] or ()} == {Failure.UNKNOWN}

    def test_a_job_of_an_earlier_process_answers_nothing_or_by_key(self, stage: ZendeskStage) -> None:
        job = stage.writer.submit(self.pairs(stage, 1))
        stage.writer._jobs.clear()
        stage.later(timedelta(seconds=60))
        assert stage.writer.collect([job])[job] == ()

    def test_nothing_to_collect_asks_nothing(self, stage: ZendeskStage) -> None:
        before = stage.reader.requests_made()
        assert stage.writer.collect([]) == {}
        assert stage.reader.requests_made() == before

    @with_options(job_cap=1, job_wait=600.0)
    def test_a_full_queue_is_a_wait(self, stage: ZendeskStage) -> None:
        stage.writer.submit(self.pairs(stage, 1))
        with pytest.raises(Throttled):
            stage.writer.submit(self.pairs(stage, 1))

    def test_a_lost_jobs_writes_are_found_by_value(self, stage: ZendeskStage) -> None:
        pairs = self.pairs(stage, 1)
        stage.behind.strike("lose", methods=["PUT"])
        since = stage.clock.now()
        with pytest.raises(Unknown):
            stage.writer.submit(pairs)
        stage.later(timedelta(seconds=60))
        assert stage.reader.look_up(pairs[0][0], since=since).presence is Presence.FOUND


class TestDirectory:
    @pytest.mark.parametrize(
        ("kind", "name", "exists", "reachable"),
        [
            (TargetKind.GROUP, "second-line", True, True),
            (TargetKind.GROUP, "legal", True, False),
            (TargetKind.GROUP, "unheard-of", False, False),
            (TargetKind.USER, "anna", True, True),
            (TargetKind.USER, "unheard-of", False, False),
            (TargetKind.SCHEDULE, "follow-the-sun", False, False),
            (TargetKind.SCHEDULE, "duty-manager", True, True),
            (TargetKind.SCHEDULE, "second-line", True, True),
        ],
    )
    def test_reach(self, stage: ZendeskStage, kind: TargetKind, name: str, *, exists: bool, reachable: bool) -> None:
        reach = stage.ports.directory.reach(LevelTarget(kind, name), at=stage.clock.now())
        assert (reach.exists, reach.reachable) == (exists, reachable)
        assert bool(reach.why) == (not reachable)

    def test_members_go_by_every_name(self, stage: ZendeskStage) -> None:
        reach = stage.ports.directory.reach(LevelTarget(TargetKind.GROUP, "service-desk"), at=stage.clock.now())
        assert {"502", "id:502", "anna"} <= reach.member_ids
        assert (reach.group, reach.person) == ("service-desk", None)

    def test_answers_are_kept_for_a_while(self, stage: ZendeskStage) -> None:
        target = LevelTarget(TargetKind.GROUP, "service-desk")
        stage.ports.directory.reach(target, at=stage.clock.now())
        asked = stage.reader.requests_made()
        stage.ports.directory.reach(target, at=stage.clock.now() + timedelta(minutes=9))
        assert stage.reader.requests_made() == asked
        stage.ports.directory.reach(target, at=stage.clock.now() + timedelta(minutes=11))
        assert stage.reader.requests_made() > asked

    def test_a_failed_look_up_never_says_nobody(self, stage: ZendeskStage) -> None:
        stage.behind.strike("html", path="group", status=502, times=20)
        reach = stage.ports.directory.reach(LevelTarget(TargetKind.GROUP, "legal"), at=stage.clock.now())
        assert reach.exists
        assert reach.reachable
        assert "could not be looked up" in reach.why
        assert reach.unasked
        assert not reach.refused, "that mends itself"

    @pytest.mark.parametrize(
        ("kind", "name"), [(TargetKind.USER, "anna"), (TargetKind.GROUP, "second-line"), (TargetKind.GROUP, "legal")]
    )
    @pytest.mark.parametrize("path", ["users", "group"])
    def test_a_refused_look_up_says_nobody_is_missing_and_says_that_it_is_refused(
        self, stage: ZendeskStage, kind: TargetKind, name: str, path: str
    ) -> None:
        stage.behind.strike("status", path=path, status=403, times=None)
        reach = stage.ports.directory.reach(LevelTarget(kind, name), at=stage.clock.now())
        nobody = (path, name) == ("users", "legal")
        assert (reach.exists, reach.reachable) == (True, not nobody)
        assert bool(reach.refused) == (not nobody)

    def test_whoever_was_deactivated_is_no_member(self, stage: ZendeskStage) -> None:
        stage.behind.people.clerk.desk.directory.user("anna").active = False
        reach = stage.ports.directory.reach(LevelTarget(TargetKind.GROUP, "service-desk"), at=stage.clock.now())
        assert "anna" not in reach.member_ids
        assert not reach.refused


class TestDropdowns:
    """A dropdown's value is a tag of the ticket, and a list of tags has the last word on it."""

    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        roster = replace(ROSTER, choices={**ROSTER.choices, "level": ("1", "2", "3"), "path": ("default", "security")})
        options = QUIET | {"values": {"level": {str(n): f"level_{n}" for n in (1, 2, 3)}}}
        spec = SiteSpec(name="zendesk", kind="zendesk", build=build, roster=roster, options=options)
        with Sandbox((spec,), ClockOptions(start=START, mode="manual")) as running:
            yield running

    @pytest.fixture
    def stage(self, sandbox: Sandbox, judge: Any) -> ZendeskStage:
        fields = field_map(sandbox.site("zendesk").describe())
        assert fields.level is not None
        named = replace(fields.level, values={f"level_{n}": str(n) for n in (1, 2, 3)})
        made = ZendeskStage(sandbox, fields=replace(fields, level=named))
        for adapter in set(made.adapters):
            watch(adapter, judge("zendesk", EXCUSED))
        made.reader.check()
        return made

    def test_a_level_step_that_adds_labels_keeps_its_level(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create())
        stage.agent(ticket.ref.id, labels=["theirs"])
        for level in ("1", "2", "3"):
            ticket = settled(stage, ticket.ref.id)
            step = (wanted(Field.LEVEL, level), wanted(Field.LABELS, f"at-{level}"))
            carry_out(stage, change(ticket, *step), ticket)
            assert fetch(stage, ticket.ref.id).level == int(level)
        assert set(stage.truth(ticket.ref.id)["labels"]) == {"theirs", "at-1", "at-2", "at-3", "level_3"}

    def test_labels_that_follow_a_level_step_keep_it(self, stage: ZendeskStage) -> None:
        """What was written last is known, and not yet read: the list of tags is of before."""
        ticket = settled(stage, stage.create())
        ticket = carry_out(stage, change(ticket, wanted(Field.LEVEL, "1")), ticket)
        ticket = settled(stage, ticket.ref.id)
        ticket = carry_out(stage, change(ticket, wanted(Field.LEVEL, "2")), ticket)
        carry_out(stage, change(ticket, wanted(Field.LABELS, "escalated")), ticket)
        assert fetch(stage, ticket.ref.id).level == 2
        assert set(stage.truth(ticket.ref.id)["labels"]) == {"escalated", "level_2"}

    def test_a_path_whose_options_are_not_named_is_known_by_its_tag(self, stage: ZendeskStage) -> None:
        ticket = settled(stage, stage.create())
        carry_out(stage, change(ticket, wanted(Field.PATH, "default")), ticket)
        ticket = settled(stage, ticket.ref.id)
        step = (wanted(Field.PATH, "security"), wanted(Field.LABELS, "escalated"))
        carry_out(stage, change(ticket, *step), ticket)
        assert fetch(stage, ticket.ref.id).path == "security"
        assert set(stage.truth(ticket.ref.id)["labels"]) == {"escalated", "security"}

    def test_labels_alone_leave_a_persons_choice(self, stage: ZendeskStage) -> None:
        """Also one that our map does not name."""
        ticket = settled(stage, stage.create())
        stage.agent(ticket.ref.id, labels=["level_3", "security"])
        ticket = settled(stage, ticket.ref.id)
        assert (ticket.level, ticket.path) == (3, "security")
        carry_out(stage, change(ticket, wanted(Field.LABELS, "escalated")), ticket)
        assert set(stage.truth(ticket.ref.id)["labels"]) == {"escalated", "level_3", "security"}
