"""Who counts as what on both helpdesks, over HTTP: agents, programs with their accounts, light agents, colleagues."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.domain.events import EventKind, Role, TicketEvent
from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.site import Binding, BindingSource, FieldMap
from connector.domain.ticket import Status
from connector.helpdesks.zendesk import pages
from connector.helpdesks.zendesk.directory import ZendeskDirectory
from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.core.roster import Person
from connector.sandbox.jira import build as build_jira
from connector.sandbox.zendesk import build as build_zendesk
from connector.sandbox.zendesk.accounts import User
from tests.helpdesks import test_jira_contract as jira
from tests.helpdesks import test_zendesk as zendesk
from tests.helpdesks.sandbox_stage import ROSTER, START

EXTRA = (
    Person(key="lou", name="Lou", email="lou@desk.example", role="light", groups=("service-desk",)),
    Person(key="emil", name="Emil", email="emil@desk.example", role="employee"),
    Person(key="mira", name="Mira", email="mira@desk.example", role="agent", groups=("second-line",)),
    Person(key="rival", name="Rival", email="rival@desk.example", role="bot", groups=("second-line",)),
)
WHO = replace(ROSTER, people=(*ROSTER.people, *EXTRA))
KINDS = ("jira", "zendesk")
QUIET_JIRA = {"limits": False, "index_lag": (0.0, 0.0)}


class Office:
    """A simulated site with everybody in it, read by our adapter under a map of one's choice."""

    def __init__(self, kind: str, sandbox: Sandbox) -> None:
        self.kind = kind
        self._sandbox = sandbox
        self.use()

    def use(self, **names: Any) -> None:
        """Read with these names in the site's map."""
        if self.kind == "jira":
            self.stage: Any = jira.JiraStage(self._sandbox, fields=replace(jira.FIELDS, **names))
        else:
            self.stage = zendesk.ZendeskStage(self._sandbox)
            fields: FieldMap = replace(self.stage.fields, **names)
            self.stage = Mapped(self._sandbox, fields)
        self.stage.reader.check()

    def id_of(self, key: str) -> str:
        """Return somebody's account id."""
        if self.kind == "jira":
            return f"qm:{key}"
        return self._user(key)

    def _user(self, key: str) -> str:
        (found,) = [u for u in self.users() if u.key == key]
        return str(found.id)

    def users(self) -> list[User]:
        """Return Zendesk's accounts."""
        return list(self._sandbox.site("zendesk").people.clerk.desk.directory.users.values())

    def group_of(self, key: str) -> str:
        return (
            key if self.kind == "jira" else str(self._sandbox.site("zendesk").people.clerk.desk.directory.group_id(key))
        )

    def ticket(self) -> str:
        id_: str = self.stage.create()
        self.stage.behind.later(timedelta(minutes=1))
        return id_

    def says(self, id_: str, who: str, text: str, *, public: bool) -> None:
        key = self.stage.key(id_) if self.kind == "jira" else id_
        self.stage.behind.people.comment(key, who, text, public=public)
        self.stage.behind.later(timedelta(minutes=1))

    def priority(self, id_: str, who: str, priority: str) -> None:
        key = self.stage.key(id_) if self.kind == "jira" else id_
        self.stage.behind.people.set_priority(key, who, priority)
        self.stage.behind.later(timedelta(minutes=1))

    def shared_with(self, id_: str, *who: str) -> None:
        """Let others take part in the request (Jira), be in copy or follow (Zendesk)."""
        if self.kind == "jira":
            self.stage.behind.people.set_field(self.stage.key(id_), "anna", "participants", " ".join(who))
            return
        in_copy, *following = (int(self.id_of(key)) for key in who)
        simulated = self._sandbox.site("zendesk").people.clerk.desk
        row = simulated.tickets[int(id_)]
        simulated.before_change(row)
        row.email_cc_ids, row.follower_ids = (in_copy,), tuple(following)
        simulated.after_change(row)

    def events(self, id_: str, kind: EventKind) -> list[TicketEvent]:
        (history,) = self.stage.reader.history([id_])
        assert not history.unreadable
        return [e for e in history.events if e.kind is kind]


class Mapped(zendesk.ZendeskStage):
    """A stage on a map of one's own."""

    def __init__(self, sandbox: Sandbox, fields: FieldMap) -> None:
        super().__init__(sandbox)
        self.fields = fields
        self.reader._view = replace(self.reader._view, fields=fields)
        self.reader._roles._fields = fields


@pytest.fixture(params=KINDS)
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    kind = request.param
    build, name = (build_jira, "jsm") if kind == "jira" else (build_zendesk, "zendesk")
    quiet = QUIET_JIRA if kind == "jira" else zendesk.QUIET
    spec = SiteSpec(name=name, kind=kind, build=build, roster=WHO, options=quiet)
    with Sandbox((spec,), ClockOptions(start=START, mode="manual"), seed=7) as running:
        yield Office(kind, running)


class TestRoles:
    def test_an_agents_note_is_an_agents_and_a_light_agents_is_not(self, office: Office) -> None:
        id_ = office.ticket()
        for who in ("anna", "lou"):
            office.says(id_, who, "looking", public=False)
        assert [e.actor.role for e in office.events(id_, EventKind.COMMENT)] == [Role.AGENT, Role.COLLABORATOR]

    def test_a_colleague_who_answers_in_public_answers_nothing(self, office: Office) -> None:
        """An employee is no agent, though Jira gives both the same kind of account."""
        id_ = office.ticket()
        office.says(id_, "emil", "me too", public=True)
        office.says(id_, "anna", "on it", public=True)
        assert [e.actor.role for e in office.events(id_, EventKind.COMMENT)] == [Role.CUSTOMER, Role.AGENT]

    def test_an_agents_account_that_a_program_uses_is_a_programs(self, office: Office) -> None:
        id_ = office.ticket()
        office.priority(id_, "mira", "P2")
        assert [e.actor.role for e in office.events(id_, EventKind.PRIORITY)] == [Role.AGENT]
        office.use(automations=frozenset({office.id_of("mira")}))
        assert [e.actor.role for e in office.events(id_, EventKind.PRIORITY)] == [Role.AUTOMATION]

    def test_what_a_mirror_brings_back_of_ours_is_nobodys_word(self, office: Office) -> None:
        office.use(automations=frozenset({office.id_of("mira")}))
        id_ = office.ticket()
        office.says(id_, "mira", "Escalated to level 2.\n\nRef ESC-0123456789", public=True)
        office.says(id_, "mira", "A customer writes on the other side", public=True)
        office.says(id_, "anna", "> Escalated.\n> Ref ESC-0123456789\n\nmine", public=True)
        assert [e.reaction for e in office.events(id_, EventKind.COMMENT)] == [True, False, False]


class TestManyUsers:
    """Jira looks for who can be given issues among a site's first thousand users, customers included."""

    @pytest.fixture
    def crowd(self, request: pytest.FixtureRequest) -> Iterator[Office]:
        customers = (Person(key=f"c{n}", name=f"C{n}", email=f"c{n}@acme.example") for n in range(request.param))
        late = Person(key="zoe", name="Zoe", email="zoe@desk.example", role="agent", groups=("second-line",))
        roster = replace(WHO, people=(*WHO.people, *customers, late))
        spec = SiteSpec(name="jsm", kind="jira", build=build_jira, roster=roster, options=QUIET_JIRA)
        with Sandbox((spec,), ClockOptions(start=START, mode="manual"), seed=7) as running:
            yield Office("jira", running)

    def roles(self, crowd: Office) -> list[Role]:
        id_ = crowd.ticket()
        crowd.says(id_, "emil", "me too", public=True)
        crowd.says(id_, "zoe", "on it", public=True)
        crowd.says(id_, "zoe", "/esc hold 4h", public=False)
        said = crowd.events(id_, EventKind.COMMENT)
        return [e.actor.role for e in (*said, *crowd.events(id_, EventKind.COMMAND))]

    @pytest.mark.parametrize("crowd", [988], indirect=True)
    def test_of_a_thousand_the_whole_team_is_known(self, crowd: Office) -> None:
        assert self.roles(crowd) == [Role.CUSTOMER, Role.AGENT, Role.AGENT, Role.AGENT]

    @pytest.mark.parametrize("crowd", [989], indirect=True)
    def test_of_more_no_agent_is_taken_for_a_customer(self, crowd: Office) -> None:
        """What is shown of a team may be half of it: then nobody is told apart, and everybody inside is an agent."""
        assert self.roles(crowd) == [Role.AGENT, Role.AGENT, Role.AGENT, Role.AGENT]

    @pytest.mark.parametrize(("action", "status"), [("forbid", 403), ("status", 500), ("status", 401)])
    @pytest.mark.parametrize("crowd", [0], indirect=True)
    def test_where_nobody_says_how_many_there_are_no_team_is_believed(
        self, crowd: Office, action: str, status: int
    ) -> None:
        """Not to be told how many there are says nothing of the account; credentials that end, as ever."""
        crowd.stage.behind.strike(action, path="/users/search", status=status, times=None)
        assert self.roles(crowd) == [Role.AGENT, Role.AGENT, Role.AGENT, Role.AGENT]

    @pytest.mark.parametrize(
        ("action", "status", "role"), [("forbid", 403, Role.AGENT), ("status", 500, Role.CUSTOMER)]
    )
    @pytest.mark.parametrize("crowd", [0], indirect=True)
    def test_a_team_that_was_known_stays_known_unless_the_right_is_taken_away(
        self, crowd: Office, action: str, status: int, role: Role
    ) -> None:
        assert self.roles(crowd)[0] is Role.CUSTOMER
        crowd.stage.behind.later(timedelta(hours=1))
        crowd.stage.behind.strike(action, path="/users/search", status=status, times=None)
        assert self.roles(crowd)[0] is role

    @pytest.mark.parametrize("crowd", [3000], indirect=True)
    def test_it_costs_two_requests_an_hour(self, crowd: Office) -> None:
        id_ = crowd.ticket()
        for _ in range(12):
            crowd.events(id_, EventKind.COMMENT)
            crowd.stage.behind.later(timedelta(minutes=10))
        counts = crowd.stage.adapter.counts
        assert counts["team"] + counts["everybody"] == 4


class TestChangedRights:
    def test_who_becomes_a_light_agent_is_one_within_the_hour_at_a_request_an_hour(self, office: Office) -> None:
        """Nobody resumes anything; who stands behind a path's target is looked at every ten minutes."""
        if office.kind == "jira":
            pytest.skip("Jira's team is the accounts that issues can be given to, read every hour")
        id_, mira = office.ticket(), office.id_of("mira")
        office.use(people={"mira": mira})
        target = LevelTarget(kind=TargetKind.USER, name="mira")
        reach = ZendeskDirectory(office.stage.adapters[0], office.stage.fields).reach
        office.says(id_, "mira", "mine", public=False)
        assert office.events(id_, EventKind.COMMENT)[-1].actor.role is Role.AGENT
        assert reach(target, at=office.stage.clock.now()).reachable
        (user,) = [u for u in office.users() if u.key == "mira"]
        user.is_light = True
        office.stage.behind.later(timedelta(minutes=10))
        assert not reach(target, at=office.stage.clock.now()).reachable
        office.says(id_, "mira", "only looking", public=False)
        asked = office.stage.adapters[0].counts["users"]
        for _ in range(11):
            office.stage.behind.later(timedelta(minutes=10))
            roles = [e.actor.role for e in office.events(id_, EventKind.COMMENT)]
        assert roles[-1] is Role.COLLABORATOR
        assert office.stage.adapters[0].counts["users"] - asked == 2


class TestGroups:
    def test_one_of_light_agents_alone_is_as_empty_as_one_without_members(self, office: Office) -> None:
        """Nobody there can own a ticket: the level falls back, and the alarm says so."""
        if office.kind == "jira":
            pytest.skip("Jira does not say who is in a support group")
        office.use(groups={"desk": office.group_of("service-desk"), "second": office.group_of("second-line")})
        for user in office.users():
            user.is_light = user.key in {"mira", "lou", "ben", "duty-manager"}
            user.suspended = user.key == "rival" or user.suspended
        reach = ZendeskDirectory(office.stage.adapters[0], office.stage.fields).reach
        desk, second = (
            reach(LevelTarget(kind=TargetKind.GROUP, name=name), at=office.stage.clock.now())
            for name in ("desk", "second")
        )
        assert desk.reachable
        assert office.id_of("anna") in desk.member_ids
        assert office.id_of("lou") not in desk.member_ids
        assert (second.exists, second.reachable, second.member_ids) == (True, False, frozenset())
        assert second.why == "group second has no member who can own a ticket"


class TestInvolved:
    def test_who_takes_part_or_is_in_copy_is_known_with_the_ticket(self, office: Office) -> None:
        id_ = office.ticket()
        (before,) = office.stage.reader.get([id_]).observations
        office.shared_with(id_, "emil", "mira")
        (after,) = office.stage.reader.get([id_]).observations
        assert before.ticket.involved == frozenset()
        assert after.ticket.involved == {office.id_of("emil"), office.id_of("mira")}


class TestCommands:
    @pytest.mark.parametrize(
        ("text", "lines"),
        [
            pytest.param("/esc hold 4h", ["/esc hold 4h"], id="plain"),
            pytest.param("see below\n/esc ack\n/esc hold 2h", ["/esc ack", "/esc hold 2h"], id="among other lines"),
            pytest.param("> /esc hold 4h\nno", [], id="quoted"),
            pytest.param("No.\n\nOn Monday the boss of it all wrote:\n/esc hold 4h", [], id="in the mail replied to"),
            pytest.param("Escalated.\n/esc hold 4h\nRef ESC-0123456789", [], id="in a note of ours"),
        ],
    )
    def test_only_an_agents_own_lines_count(self, office: Office, text: str, lines: list[str]) -> None:
        id_ = office.ticket()
        office.says(id_, "anna", text, public=False)
        assert [e.after for e in office.events(id_, EventKind.COMMAND)] == lines

    def test_nobody_commands_in_public(self, office: Office) -> None:
        id_ = office.ticket()
        for who in ("anna", "carla", "emil"):
            office.says(id_, who, "/esc hold 4h", public=True)
        assert office.events(id_, EventKind.COMMAND) == []

    def test_a_light_agents_command_is_kept_as_nobodys(self, office: Office) -> None:
        id_ = office.ticket()
        office.says(id_, "lou", "/esc hold 4h", public=False)
        assert [e.actor.role for e in office.events(id_, EventKind.COMMAND)] == [Role.COLLABORATOR]

    def test_a_page_that_does_not_tell_makes_no_full_agent_of_a_light_one(self, office: Office) -> None:
        """Nor of one of whom nothing was known before: their role is asked for."""
        if office.kind == "jira":
            pytest.skip("Jira has no light agents")
        id_, lou = office.ticket(), int(office.id_of("lou"))
        office.says(id_, "lou", "/esc hold 4h", public=False)
        body = json.dumps({"tickets": [], "users": [{"id": lou, "role": "agent"}]}).encode()
        roles = office.stage.reader._roles
        for _ in range(2):
            roles.note(pages.export_page(body, office.stage.reader._view, read_at=START).roles)
            assert [e.actor.role for e in office.events(id_, EventKind.COMMAND)] == [Role.COLLABORATOR]

    def test_the_map_says_who_may(self, office: Office) -> None:
        by_group = {"command_groups": frozenset({office.group_of("service-desk")})}
        by_name = {"commanders": frozenset({office.id_of("anna")})}
        office.use(**(by_name if office.kind == "jira" else by_group))
        id_ = office.ticket()
        for who in ("anna", "mira"):
            office.says(id_, who, "/esc release", public=False)
        assert [e.actor.role for e in office.events(id_, EventKind.COMMAND)] == [Role.AGENT, Role.COLLABORATOR]

    def test_a_group_that_is_gone_lets_nobody_command(self, office: Office) -> None:
        if office.kind == "jira":
            pytest.skip("Jira does not say who is in a support group")
        office.use(command_groups=frozenset({"999"}))
        id_ = office.ticket()
        office.says(id_, "anna", "/esc release", public=False)
        assert [e.actor.role for e in office.events(id_, EventKind.COMMAND)] == [Role.COLLABORATOR]


class TestJirasStatuses:
    def test_one_that_the_map_does_not_bind_is_read_by_its_category(self, office: Office) -> None:
        if office.kind == "zendesk":
            pytest.skip("Zendesk's statuses are categories")
        bound = {name: ours for name, ours in jira.FIELDS.statuses.items() if name != "Resolved"}
        office.use(statuses=bound)
        id_ = office.ticket()
        office.stage.agent(id_, status=Status.SOLVED)
        assert [e.after for e in office.events(id_, EventKind.STATUS)][-1] == "solved"


class TestHoldFields:
    @pytest.mark.parametrize(
        ("value", "moment"),
        [
            ("2026-11-25T10:00:00.000+0100", datetime(2026, 11, 25, 9, tzinfo=UTC)),
            ("2026-11-25", datetime(2026, 11, 26, tzinfo=UTC)),
        ],
    )
    def test_the_field_is_read_and_its_changes_are_told(self, office: Office, value: str, moment: datetime) -> None:
        name, field = ("next_due", "customfield_10113") if office.kind == "jira" else ("next_due", "27653")
        office.use(hold_until=Binding(source=BindingSource.FIELD, id=field))
        if office.kind == "jira" and len(value) == 10:
            pytest.skip("the site's field holds a moment")
        id_ = office.ticket()
        key = office.stage.key(id_) if office.kind == "jira" else id_
        office.stage.behind.people.set_field(key, "anna", name, value)
        (observation,) = office.stage.reader.get([id_]).observations
        assert observation.ticket.held_until == moment
        (event,) = [e for e in office.events(id_, EventKind.FACT) if e.name == "hold_until"]
        assert (event.actor.role, event.before) == (Role.AGENT, None)
