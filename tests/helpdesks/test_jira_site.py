"""What is particular about Jira, on the sandbox: its index, pages, clocks, limits, refusals and traps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.domain.change import Field
from connector.domain.events import EventKind, Role
from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.site import Binding, BindingSource, FieldMap
from connector.domain.ticket import ClockName, NativeStage, Priority, Status
from connector.errors import Conflict, Denied, NotSent, Rejected, Throttled, Unavailable
from connector.helpdesks.transport import Basic
from connector.ports import Presence
from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.site import NewTicket
from connector.sandbox.jira import build
from tests.helpdesks.conftest import watch
from tests.helpdesks.contract import carry_out, change, fetch, follow, load, note, past, settled, wanted
from tests.helpdesks.sandbox_stage import ROSTER, START
from tests.helpdesks.test_jira_contract import EXCUSED, FIELDS, JiraStage

SLAS = {"Time to first response": ClockName.FIRST_RESPONSE, "Time to resolution": ClockName.RESOLUTION}
LAG = timedelta(minutes=3)


@pytest.fixture
def options() -> dict[str, Any]:
    return {}


@pytest.fixture
def names() -> FieldMap:
    return FIELDS


@pytest.fixture
def sandbox(options: dict[str, Any]) -> Iterator[Sandbox]:
    spec = SiteSpec(name="jsm", kind="jira", build=build, roster=ROSTER, options=options)
    with Sandbox((spec,), ClockOptions(start=START, mode="manual"), seed=7) as running:
        yield running


def opened(sandbox: Sandbox, judge: Any, **changes: Any) -> JiraStage:
    made = JiraStage(sandbox, **changes)
    platform, desk = judge("jira-v3", EXCUSED), judge("jsm", ())

    def look(method: str, url: str, *exchange: Any) -> None:
        (desk if "/servicedeskapi/" in url else platform)(method, url, *exchange)

    for adapter in made.adapters:
        watch(adapter, look)
    return made


@pytest.fixture
def stage(sandbox: Sandbox, judge: Any, names: FieldMap) -> JiraStage:
    made = opened(sandbox, judge, fields=names)
    made.reader.check()
    return made


def with_options(**options: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("options", [options], ids=[",".join(options)])


def with_names(**changes: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("names", [replace(FIELDS, **changes)], ids=[",".join(changes)])


def requests(stage: JiraStage, path: str = "", method: str = "") -> list[Any]:
    seen = stage.behind.truth("request")
    return [e for e in seen if path in e.data["path"] and method in e.data["method"]]


class TestSearch:
    @with_options(short_page_every=2, empty_page_every=2, index_lag=(0.0, 0.0), page_limit=5)
    def test_short_and_empty_pages_end_nothing(self, stage: JiraStage) -> None:
        ids = {stage.create(subject=f"n{n}") for n in range(23)}
        assert set(load(stage).tickets) == ids
        assert {id_ for chunk in stage.reader.open_ids() for id_ in chunk} == ids

    @with_options(repeat_token_every=2, index_lag=(0.0, 0.0), page_limit=2)
    def test_a_repeated_token_ends_the_read(self, stage: JiraStage) -> None:
        for n in range(12):
            stage.create(subject=f"n{n}")
        with pytest.raises(Unavailable, match="token"):
            load(stage)

    @with_options(index_lag=(0.0, 120.0), zone="Pacific/Auckland")
    def test_nothing_is_lost_over_many_polls(self, stage: JiraStage) -> None:
        rng = random.Random(4)
        ids = [stage.create(subject=f"n{n}") for n in range(8)]
        stage.later(LAG)
        cursor = follow(stage, stage.reader.start_cursor()).cursor
        latest: dict[str, Priority] = {}
        seen: dict[str, Priority | None] = {}
        for _ in range(40):
            stage.later(timedelta(seconds=rng.choice((1, 7, 45, 60, 61, 130))))
            for id_ in rng.sample(ids, rng.randint(0, 3)):
                latest[id_] = rng.choice(list(Priority))
                stage.agent(id_, priority=latest[id_])
            found = follow(stage, cursor)
            cursor = found.cursor
            seen |= {id_: ticket.priority for id_, ticket in found.tickets.items()}
        stage.later(LAG)
        seen |= {id_: ticket.priority for id_, ticket in follow(stage, cursor).tickets.items()}
        assert {id_: seen[id_] for id_ in latest} == latest

    @with_options(index_lag=(0.0, 0.0))
    def test_many_in_one_minute_are_all_found(self, stage: JiraStage) -> None:
        stage.later(timedelta(minutes=20))
        cursor = follow(stage, stage.reader.start_cursor()).cursor
        ids = {stage.create(subject=f"n{n}") for n in range(130)}
        assert set(follow(stage, cursor).tickets) == ids

    def test_a_cursor_that_is_not_ours_is_replaced(self, stage: JiraStage) -> None:
        id_ = stage.create()
        stage.later(LAG)
        assert id_ in follow(stage, "nonsense").tickets

    def test_a_cursor_from_the_future_loses_nothing_for_long(self, stage: JiraStage) -> None:
        id_ = stage.create()
        stage.later(LAG)
        tomorrow = str(int((stage.clock.now() + timedelta(days=1)).timestamp() * 1000))
        found = follow(stage, tomorrow)
        assert id_ in found.tickets
        assert int(found.cursor) < int(tomorrow)

    def test_a_moved_key_is_the_same_ticket(self, stage: JiraStage) -> None:
        id_ = stage.create()
        key = fetch(stage, id_).key
        stage.later(timedelta(seconds=1))
        stage.behind.people.set_priority(key, "anna", "P1")
        stage.behind.people.move(key, "anna", "SUP")
        again = fetch(stage, id_)
        assert again.key != key
        assert again.ref.id == id_

    def test_hidden_by_security_is_gone_for_us(self, stage: JiraStage) -> None:
        id_ = stage.create()
        stage.behind.people.move(fetch(stage, id_).key, "anna", "HR")
        page = stage.reader.get([id_])
        assert (page.observations, page.gone) == ((), (id_,))
        stage.later(LAG)
        assert id_ not in load(stage).tickets

    def test_an_unknown_project_is_said(self, sandbox: Sandbox, judge: Any) -> None:
        stage = opened(sandbox, judge, projects=("NONE",))
        with pytest.raises(Denied) as caught:
            load(stage)
        assert "projects" in caught.value.remedy

    def test_a_removed_search_is_said(self, stage: JiraStage) -> None:
        stage.behind.strike("status", path="search/jql", status=410)
        with pytest.raises(Denied, match="410"):
            load(stage)

    def test_a_query_without_projects_is_bounded(self, sandbox: Sandbox, judge: Any) -> None:
        stage = opened(sandbox, judge, projects=())
        id_ = stage.create()
        stage.later(LAG)
        assert id_ in load(stage).tickets
        assert id_ in follow(stage, stage.reader.start_cursor()).tickets

    def test_a_login_page_is_no_answer(self, stage: JiraStage) -> None:
        stage.behind.strike("html", path="search/jql", status=200, times=10)
        with pytest.raises(Unavailable):
            load(stage)


class TestAccounts:
    def test_bad_credentials_are_denied(self, sandbox: Sandbox, judge: Any) -> None:
        stage = opened(sandbox, judge, reader=Basic("connector@example.com", "wrong"))
        for read in (stage.reader.check, lambda: load(stage), lambda: follow(stage, "0"), stage.reader.start_cursor):
            with pytest.raises(Denied):
                read()

    def test_credentials_that_die_are_no_empty_site(self, stage: JiraStage) -> None:
        id_ = stage.create()
        stage.later(LAG)
        cursor = follow(stage, stage.reader.start_cursor()).cursor
        ticket = fetch(stage, id_)
        stage.later(timedelta(minutes=30))
        stage.behind.strike("revoke", path="search/jql")
        with pytest.raises(Denied):
            follow(stage, cursor)
        for read in (lambda: load(stage), lambda: list(stage.reader.open_ids()), lambda: stage.reader.get([id_])):
            with pytest.raises(Denied):
                read()
        (write,) = stage.writer.split(change(ticket, wanted(Field.PRIORITY, "P1")))
        with pytest.raises(Denied):
            stage.writer.send(write, seen=ticket)
        with pytest.raises(Denied):
            stage.reader.look_up(write, since=START)

    def test_what_the_writer_wrote_is_ours(self, sandbox: Sandbox, judge: Any) -> None:
        stage = opened(sandbox, judge, writer=Basic("ben@desk.example", "token-ben"))
        stage.reader.check()
        assert stage.reader.account == "qm:ben"
        ticket = settled(stage, stage.create(priority=Priority.P4))
        wish = change(ticket, wanted(Field.PRIORITY, "P2"), comments=(note(ticket.ref, "hello"),))
        *_, write = stage.writer.split(wish)
        carry_out(stage, wish, ticket)
        events = past(stage, ticket.ref.id)
        assert {e.actor.role for e in events if e.kind in {EventKind.PRIORITY, EventKind.COMMENT}} == {Role.OURS}
        assert stage.reader.look_up(write, since=START).presence is Presence.FOUND

    def test_reader_and_writer_share_limits_and_are_counted_together(self, sandbox: Sandbox, judge: Any) -> None:
        stage = opened(sandbox, judge, writer=Basic("ben@desk.example", "token-ben"))
        ticket = settled(stage, stage.create())
        carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        stage.directory.reach(LevelTarget(TargetKind.USER, "anna"), at=stage.clock.now())
        first, second = stage.adapters
        assert first.allowance is second.allowance
        assert second.counts["edit"] == 1
        assert stage.reader.requests_made() == first.counts.total() + second.counts.total() == len(requests(stage))

    def test_the_version_is_the_same_in_every_time_zone(self, sandbox: Sandbox, judge: Any) -> None:
        one = opened(sandbox, judge)
        other = opened(sandbox, judge, reader=Basic("ben@desk.example", "token-ben"))
        ticket = settled(one, one.create())
        assert fetch(other, ticket.ref.id).version == ticket.version
        assert ticket.version.endswith("+00:00")


class TestClocks:
    @with_names(clocks=SLAS)
    def test_a_clock_runs_pauses_and_is_met(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P2))
        clocks = {c.clock: c for c in ticket.native}
        assert clocks[ClockName.FIRST_RESPONSE].stage is NativeStage.RUNNING
        assert clocks[ClockName.RESOLUTION].goal == timedelta(hours=8)
        stage.comment(ticket.ref.id, "we look into it", public=True)
        clocks = {c.clock: c for c in fetch(stage, ticket.ref.id).native}
        assert clocks[ClockName.FIRST_RESPONSE].stage is NativeStage.MET
        assert clocks[ClockName.RESOLUTION].stage is NativeStage.PAUSED

    @with_names(clocks=SLAS)
    def test_a_breach_is_seen_though_nothing_changed(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P1))
        (first,) = [c for c in ticket.native if c.clock is ClockName.FIRST_RESPONSE]
        assert first.breach_at is not None
        stage.later(first.breach_at + timedelta(minutes=1) - stage.clock.now())
        again = fetch(stage, ticket.ref.id)
        (late,) = [c for c in again.native if c.clock is ClockName.FIRST_RESPONSE]
        assert late.stage is NativeStage.BREACHED
        assert late.remaining is not None
        assert late.remaining < timedelta(0)
        assert again.version == ticket.version

    @pytest.mark.parametrize("form", ["full", "jira", "empty", "none"])
    @with_names(clocks=SLAS)
    def test_every_form_of_a_breach_time(self, sandbox: Sandbox, judge: Any, form: str, names: FieldMap) -> None:
        site: Any = sandbox.site("jsm")
        object.__setattr__(site.state.options, "breach_time", form)
        stage = opened(sandbox, judge, fields=names)
        ticket = settled(stage, stage.create(priority=Priority.P2))
        (first,) = [c for c in ticket.native if c.clock is ClockName.FIRST_RESPONSE]
        assert (first.breach_at is not None) == (form in {"full", "jira"})
        assert first.stage is NativeStage.RUNNING

    @with_options(sla_names={"customfield_10030": "Zeit bis zur ersten Antwort"})
    def test_a_renamed_clock_is_bound_by_its_new_name_or_its_id(self, sandbox: Sandbox, judge: Any) -> None:
        for name in ("Zeit bis zur ersten Antwort", "customfield_10030"):
            stage = opened(sandbox, judge, fields=replace(FIELDS, clocks={name: ClockName.FIRST_RESPONSE}))
            (clock,) = settled(stage, stage.create()).native
            assert (clock.clock, clock.name) == (ClockName.FIRST_RESPONSE, "Zeit bis zur ersten Antwort")
        with pytest.raises(Denied, match="Time to first response"):
            opened(sandbox, judge, fields=replace(FIELDS, clocks=SLAS)).reader.check()


ORGANIZATION = {"org.tier": Binding(source=BindingSource.ORGANIZATION, id="name", values={"Acme": "platinum"})}
LANGUAGE = {"locale": Binding(source=BindingSource.REQUESTER, id="locale")}


class TestFacts:
    @with_names(inputs={**FIELDS.inputs, **ORGANIZATION})
    def test_customer_organizations_are_facts_where_the_map_says_so(self, stage: JiraStage) -> None:
        assert fetch(stage, stage.create()).facts["org.tier"] == "platinum"

    @with_names(inputs={"type": Binding(source=BindingSource.FIELD, id="customfield_10010")})
    def test_the_request_type_is_a_fact(self, stage: JiraStage) -> None:
        key = stage.behind.people.create_ticket(
            NewTicket(subject="s", body="b", requester="carla", type="security-incident")
        )
        rows = stage.behind.sandbox.site("jsm").view()
        id_ = next(str(row["id"]) for row in rows if row["ticket"] == key)
        assert fetch(stage, id_).facts == {"type": "security-incident"}

    @with_names(inputs=LANGUAGE)
    def test_the_requesters_language_is_asked_once(self, stage: JiraStage) -> None:
        ids = [stage.create(subject=f"n{n}") for n in range(3)]
        stage.later(LAG)
        assert {t.locale for t in load(stage).tickets.values()} == {"de"}
        assert {fetch(stage, id_).locale for id_ in ids} == {"de"}
        assert len(requests(stage, "user/bulk")) == 1

    def test_no_language_costs_nothing(self, stage: JiraStage) -> None:
        assert fetch(stage, stage.create()).locale is None
        assert not requests(stage, "user/bulk")


class TestHistory:
    def test_commands_are_whole_lines_of_agents_internal_notes(self, stage: JiraStage) -> None:
        id_ = stage.create()
        stage.comment(id_, "/esc hold 4h", public=True, by="customer")
        stage.comment(id_, "/esc hold 4h", public=True)
        stage.comment(id_, "please\n /esc hold 4h waiting for parts\nthanks", public=False)
        commands = [e for e in past(stage, id_) if e.kind is EventKind.COMMAND]
        assert [(e.name, e.after, e.actor.id) for e in commands] == [
            ("hold", "/esc hold 4h waiting for parts", "qm:anna")
        ]

    def test_an_automation_that_answers_us_is_a_reaction(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        carry_out(stage, change(ticket, comments=(note(ticket.ref, "on it", public=True),)), ticket)
        moved = [e for e in past(stage, ticket.ref.id) if e.kind is EventKind.STATUS]
        assert [(e.actor.role, e.after, e.counts) for e in moved] == [
            (Role.AUTOMATION, str(Status.WAITING_CUSTOMER), False)
        ]

    def test_an_automation_that_answers_a_person_counts(self, stage: JiraStage) -> None:
        id_ = stage.create()
        stage.comment(id_, "we are on it", public=True)
        moved = [e for e in past(stage, id_) if e.kind is EventKind.STATUS]
        assert [(e.actor.role, e.counts) for e in moved] == [(Role.AUTOMATION, True)]

    @pytest.mark.parametrize("form", ["seconds", "millis", "iso"])
    def test_moments_in_every_form(self, sandbox: Sandbox, judge: Any, form: str) -> None:
        site: Any = sandbox.site("jsm")
        object.__setattr__(site.state.options, "changelog_created", form)
        stage = opened(sandbox, judge)
        id_ = stage.create()
        stage.later(timedelta(minutes=1))
        stage.agent(id_, priority=Priority.P1)
        (raised,) = [e for e in past(stage, id_) if e.kind is EventKind.PRIORITY]
        assert raised.at == stage.clock.now()

    def test_many_comments_are_paged(self, stage: JiraStage) -> None:
        id_ = stage.create()
        for n in range(230):
            stage.comment(id_, f"n{n}", public=False)
        assert len([e for e in past(stage, id_) if e.kind is EventKind.COMMENT]) == 230
        assert len(requests(stage, "/comment", "GET")) == 3

    def test_what_is_gone_in_between_has_no_history(self, stage: JiraStage) -> None:
        ids = [stage.create(), stage.create()]
        stage.behind.strike("status", path=f"issue/{ids[0]}/comment", status=404)
        found = list(stage.reader.history(ids))
        assert [(h.ref.id, bool(h.unreadable)) for h in found] == [(ids[0], True), (ids[1], False)]

    @pytest.mark.parametrize("status", [400, 403, 404])
    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_where_no_comments_are_told_no_ticket_is_at_fault(self, stage: JiraStage, count: int, status: int) -> None:
        """The site's trouble, as with changelogs: it raises, and no ticket is said to be unreadable."""
        ids = [stage.create() for _ in range(count)]
        stage.behind.strike("status", path="/comment", methods=["GET"], status=status, times=None)
        found = stage.reader.history(ids)
        with pytest.raises(Unavailable, match=f"no comments.*{status}"):
            next(found)
        assert len(requests(stage, "/comment", "GET")) == min(count, 3)

    @pytest.mark.parametrize("refused", [[0], [2], [3, 4], [0, 1], [1, 2, 3, 4]])
    def test_where_some_comments_are_told_the_others_are_at_fault(self, stage: JiraStage, refused: list[int]) -> None:
        ids = [stage.create() for _ in range(5)]
        for n in refused:
            stage.behind.strike("status", path=f"issue/{ids[n]}/comment", status=403, times=None)
        found = list(stage.reader.history(ids))
        assert [(h.ref.id, bool(h.unreadable)) for h in found] == [(id_, n in refused) for n, id_ in enumerate(ids)]

    def test_one_that_is_refused_alone_is_at_fault_where_those_that_were_told_are_told_still(
        self, stage: JiraStage
    ) -> None:
        before, ours = stage.create(), stage.create()
        assert [bool(h.unreadable) for h in stage.reader.history([before])] == [False]
        stage.behind.strike("status", path=f"issue/{ours}/comment", status=403, times=None)
        assert [bool(h.unreadable) for h in stage.reader.history([ours])] == [True]
        stage.behind.strike("status", path="/comment", methods=["GET"], status=403, times=None)
        with pytest.raises(Unavailable, match="no comments"):
            list(stage.reader.history([ours]))

    def test_though_the_most_urgent_are_all_refused_those_after_them_are_told(self, stage: JiraStage) -> None:
        ids = [stage.create() for _ in range(10)]
        for id_ in ids[:-1]:
            stage.behind.strike("status", path=f"issue/{id_}/comment", status=403, times=None)
        assert [h.ref.id for h in stage.reader.history(ids) if not h.unreadable] == ids[-1:]

    def test_histories_have_their_own_share(self, stage: JiraStage) -> None:
        allowed = stage.reader.history_allowance()
        assert 0 < allowed <= 0.3 * 0.7 * 100 * 10
        ids = [stage.create(subject=f"n{n}") for n in range(30)]
        began = stage.clock.now()
        assert len(list(stage.reader.history(ids))) == 30
        assert stage.clock.now() > began  # 21 a second are ours
        assert not [e for e in requests(stage) if e.data["status"] == 429]


class TestEdits:
    @with_options(connector_admin=True)
    def test_an_administrator_edits_without_mails(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        (edit,) = requests(stage, "/issue/", "PUT")
        assert "notifyUsers=false" in str(edit.data["query"]).replace("': '", "=").replace("', '", "=")

    @pytest.mark.parametrize("options", [{"notify_flag": "forbid"}, {"notify_flag": "ignore"}], ids=str)
    def test_others_do_not_ask_for_it(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        (edit,) = requests(stage, "/issue/", "PUT")
        assert "notifyUsers" not in str(edit.data["query"])
        assert stage.truth(ticket.ref.id)["priority"] is Priority.P1

    @with_options(connector_admin=True)
    def test_a_refused_flag_is_left_out_from_then_on(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        stage.behind.strike("forbid", methods=("PUT",), path="/issue/")
        ticket = carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        stage.later(timedelta(minutes=1))
        carry_out(stage, change(ticket, wanted(Field.LEVEL, "1")), ticket)
        edits = requests(stage, "/issue/", "PUT")
        assert ["notifyUsers" in str(e.data["query"]) for e in edits] == [True, False, False]

    @with_options(connector_admin=True)
    @pytest.mark.parametrize(("status", "times"), [(401, 1), (403, 2)], ids=["credentials", "the issue's permission"])
    def test_a_refusal_of_something_else_leaves_mails_suppressed(
        self, stage: JiraStage, status: int, times: int
    ) -> None:
        """Once it is mended, no watcher is mailed."""
        ticket = settled(stage, stage.create())
        stage.behind.strike("status", methods=("PUT",), path="/issue/", status=status, times=times)
        with pytest.raises(Denied):
            carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        stage.later(timedelta(minutes=2))
        carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        edits = requests(stage, "/issue/", "PUT")
        assert "notifyUsers" in str(edits[-1].data["query"])
        assert [e.data["status"] for e in edits] == [*[status] * times, 200]

    def test_the_next_deadline_is_written_as_jira_reads_moments(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        due = wanted(Field.NEXT_DUE, "2026-11-23T12:30+00:00")
        carry_out(stage, change(ticket, due), ticket)
        (edit,) = requests(stage, "/issue/", "PUT")
        assert edit.data["status"] == 200
        written = stage.behind.view(ticket.ref.id)["fields"]["next_due"]
        assert datetime.fromisoformat(str(written)) == datetime(2026, 11, 23, 12, 30, tzinfo=UTC)

    @with_options(unscreened={"SUP": ("customfield_10111",)})
    def test_a_field_that_is_on_no_screen_is_named_in_our_words(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        wish = change(ticket, wanted(Field.PRIORITY, "P1"), wanted(Field.LEVEL, "2"))
        with pytest.raises(Rejected) as caught:
            carry_out(stage, wish, ticket)
        assert caught.value.fields == ("level",)
        assert stage.truth(ticket.ref.id)["priority"] is Priority.P4
        carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        assert stage.truth(ticket.ref.id)["priority"] is Priority.P1

    @with_options(conflict_every=1)
    def test_a_conflict_is_a_conflict(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        with pytest.raises(Conflict):
            carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)

    def test_a_closed_ticket_is_refused_without_a_request(self, stage: JiraStage) -> None:
        id_ = stage.create()
        stage.behind.people.close(stage.key(id_), "anna")
        ticket = fetch(stage, id_)
        before = stage.reader.requests_made()
        with pytest.raises(Rejected):
            carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        assert stage.reader.requests_made() == before

    def test_what_others_changed_elsewhere_is_no_conflict(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        stage.later(timedelta(seconds=5))
        stage.agent(ticket.ref.id, labels=frozenset({"theirs"}))
        carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        assert stage.truth(ticket.ref.id)["priority"] is Priority.P1

    def test_an_edit_of_long_ago_proves_nothing(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        ticket = carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P2")), ticket)
        stage.later(timedelta(minutes=10))
        stage.agent(ticket.ref.id, priority=Priority.P3)
        with pytest.raises(Conflict, match="priority"):
            carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1", before="P2")), ticket)

    def test_an_issue_that_cannot_be_read_before_is_not_written(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        stage.behind.strike("html", methods=("GET",), path="/issue/", status=502, times=10)
        with pytest.raises(NotSent):
            carry_out(stage, change(ticket, wanted(Field.PRIORITY, "P1")), ticket)
        assert not requests(stage, "/issue/", "PUT")

    def test_a_refused_issue_waits_alone(self, stage: JiraStage) -> None:
        one, two = (settled(stage, stage.create(subject=s)) for s in ("one", "two"))
        headers = {"RateLimit-Reason": "jira-per-issue-on-write"}
        stage.behind.strike("status", methods=("PUT",), path=one.ref.id, status=429, retry_after=30, headers=headers)
        with pytest.raises(Throttled) as caught:
            carry_out(stage, change(one, wanted(Field.PRIORITY, "P1")), one)
        assert (caught.value.scope, caught.value.retry_after) == ("ticket", timedelta(seconds=30))
        with pytest.raises(Throttled) as again:
            carry_out(stage, change(one, wanted(Field.PRIORITY, "P1")), one)
        assert again.value.scope == "ticket"
        carry_out(stage, change(two, wanted(Field.PRIORITY, "P1")), two)
        assert len(requests(stage, one.ref.id, "PUT")) == 1

    def test_a_lost_edit_is_found_by_its_property(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create(priority=Priority.P4))
        (write,) = stage.writer.split(change(ticket, wanted(Field.PRIORITY, "P1")))
        assert stage.reader.look_up(write, since=START).presence is Presence.ABSENT
        stage.writer.send(write, seen=ticket)
        assert stage.reader.look_up(write, since=START).presence is Presence.FOUND


class TestComments:
    def test_a_note_shows_its_text_and_nothing_in_it_lives(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        text = "See [~accountid:qm:anna], !x.png!, {code}, *bold*, http://evil.example and a_b-c"
        carry_out(
            stage, change(ticket, comments=(note(ticket.ref, text), note(ticket.ref, text, public=True, n=2))), ticket
        )
        assert not [e for e in stage.behind.truth("ticket") if e.data["event"] == "live"]
        assert not [e for e in stage.behind.truth("mail") if e.data.get("to") == "anna"]

    def test_a_note_is_mailed_to_no_customer(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        before = len(stage.behind.truth("mail"))
        carry_out(stage, change(ticket, comments=(note(ticket.ref, "internal"),)), ticket)
        assert not [m for m in stage.behind.truth("mail")[before:] if "carla" in str(m.data["to"])]

    def test_a_comment_waits_when_somebody_spoke(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        stage.later(timedelta(seconds=5))
        stage.comment(ticket.ref.id, "I am on it", public=False)
        with pytest.raises(Conflict, match="commented"):
            carry_out(stage, change(ticket, comments=(note(ticket.ref, "nobody is on it"),)), ticket)
        assert [s.body for s in stage.said(ticket.ref.id)] == ["I am on it"]

    def test_a_note_on_what_is_no_request_is_rejected(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        stage.behind.strike("status", path="servicedeskapi", status=404)
        with pytest.raises(Rejected, match="is no customer request") as caught:
            carry_out(stage, change(ticket, comments=(note(ticket.ref, "x"),)), ticket)
        assert (caught.value.absent, caught.value.mute) == (False, True)  # the issue is there: nothing is to wait for
        assert "request type" in caught.value.remedy
        assert stage.said(ticket.ref.id) == []

    @with_options(comment_cap=1)
    def test_a_full_issue_rejects(self, stage: JiraStage) -> None:
        id_ = stage.create()
        stage.comment(id_, "the only one", public=False)
        stage.later(timedelta(minutes=1))
        ticket = fetch(stage, id_)
        for public in (True, False):
            with pytest.raises(Rejected):
                carry_out(stage, change(ticket, comments=(note(ticket.ref, "x", public=public),)), ticket)

    def test_a_long_text_is_cut_and_accepted(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        comments = (note(ticket.ref, "*[x] 日本 " * 9000), note(ticket.ref, "日本🇩🇪" * 20_000, public=True, n=2))
        carry_out(stage, change(ticket, comments=comments), ticket)
        assert len(stage.said(ticket.ref.id)) == 2

    def test_a_note_that_customers_can_read_is_no_settled_note(self, stage: JiraStage) -> None:
        ticket = settled(stage, stage.create())
        comment = note(ticket.ref, "internal")
        (write,) = stage.writer.split(change(ticket, comments=(comment,)))
        stage.behind.people.comment(stage.key(ticket.ref.id), "connector", f"Ref {comment.ref}", public=True)
        found = stage.reader.look_up(write, since=START)
        assert found.exposed == (found.remote_id,)
        stage.writer.retract(ticket.ref, found.remote_id)
        assert stage.reader.look_up(write, since=START).presence is Presence.ABSENT


class TestDirectory:
    def test_people_are_known_gone_or_unknown(self, stage: JiraStage) -> None:
        anna = LevelTarget(TargetKind.USER, "anna")
        stage.behind.strike("html", path="/user", status=502, times=10)
        assert stage.directory.reach(anna, at=stage.clock.now()).reachable  # unknown is not gone
        sandbox = stage.behind.sandbox
        sandbox.exchanges["jsm"].faults.clear()
        assert stage.directory.reach(anna, at=stage.clock.now()).person == "anna"
        stage.behind.strike("status", path="/user", status=404)
        later = stage.clock.now() + timedelta(hours=2)
        assert not stage.directory.reach(anna, at=later).reachable

    def test_of_whom_jira_refuses_to_tell_is_called_and_that_is_said(self, stage: JiraStage) -> None:
        """A right is missing, which does not mend itself; it is asked for once a pass."""
        stage.behind.strike("status", path="/user", status=403, times=10)
        now, before = stage.clock.now(), len(requests(stage))
        for kind in (TargetKind.USER, TargetKind.SCHEDULE, TargetKind.USER):
            found = stage.directory.reach(LevelTarget(kind, "anna"), at=now)
            assert (found.reachable, found.person) == (True, "anna")
            assert "status 403" in found.refused
        assert len(requests(stage)) - before == 1
        stage.behind.sandbox.exchanges["jsm"].faults.clear()
        found = stage.directory.reach(LevelTarget(TargetKind.USER, "anna"), at=now + timedelta(minutes=1))
        assert (found.reachable, found.refused) == (True, "")
