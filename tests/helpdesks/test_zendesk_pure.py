"""Zendesk's pure parts: text, requests, headers, pages and audits, without a socket."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.change import Field, Write
from connector.domain.events import ABSORBED, EventKind, Role
from connector.domain.site import Binding, BindingSource, FieldMap
from connector.domain.ticket import ClockName, LinkKind, NativeStage, Priority, Status, Ticket, TicketRef
from connector.errors import Conflict, Malformed, Rejected, Throttled, Unknown
from connector.helpdesks.transport import Reply
from connector.helpdesks.zendesk import history, limits, normalise, pages, shapes, wire
from connector.helpdesks.zendesk.text import LARGEST_BODY, safe_body
from connector.helpdesks.zendesk.view import Known, View, as_fact
from connector.helpdesks.zendesk.wire import Position
from tests.helpdesks.contract import note, wanted

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
STAMP = "2026-11-22T09:00:00Z"


def custom(id_: int, **names: str) -> Binding:
    return Binding(source=BindingSource.FIELD, id=str(id_), values=names, writable=True)


FIELDS = FieldMap(
    inputs={
        "impact": custom(1, imp_site="site", imp_user="user"),
        "urgency": custom(2),
        "type": Binding(source=BindingSource.FIELD, id="type"),
        "channel": Binding(source=BindingSource.FIELD, id="via"),
        "unheard": Binding(source=BindingSource.FIELD, id="no-such-system-field"),
        "tier": Binding(source=BindingSource.ORGANIZATION, id="tier"),
        "vip": Binding(source=BindingSource.REQUESTER, id="vip"),
    },
    level=custom(3, level_1="1", level_2="2"),
    path=custom(4),
    groups={"desk": "101"},
    people={"anna": "502"},
    statuses={"77": Status.WAITING_OUTSIDE, "hold": Status.WAITING_OUTSIDE},
)
VIEW = View(site="z", fields=FIELDS, web_base="https://acme.zendesk.com")


def raw(**changes: Any) -> dict[str, Any]:
    return {"id": 7, "created_at": STAMP, "updated_at": STAMP, "status": "open"} | changes


def read(known: Known | None = None, **changes: Any) -> Ticket:
    struct = normalise.decoded(json.dumps(raw(**changes)).encode(), shapes.Ticket, what="ticket")
    return normalise.ticket(struct, VIEW, known or Known(), read_at=NOW)


def in_languages(bound: Binding | None, users: list[shapes.User]) -> Ticket:
    """Read a ticket whose fields, requester and organization name languages, with ``locale`` bound so."""
    view = View(site="z", fields=FieldMap(inputs={"locale": bound} if bound else {}), web_base="https://z.example")
    known = Known.of(users, [shapes.Organization(id=5, organization_fields={"language": "ja"})])
    fields = [{"id": 8, "value": "pt_BR"}, {"id": 9, "value": "Please call me: +49 30"}, {"id": 10, "value": " "}]
    payload = raw(requester_id=9, organization_id=5, custom_fields=fields)
    struct = normalise.decoded(json.dumps(payload).encode(), shapes.Ticket, what="ticket")
    return normalise.ticket(struct, view, known, read_at=NOW)


def seen(**changes: Any) -> Ticket:
    return read(**changes)


def write(*fields: Any, **more: Any) -> Write:
    return Write(ref=TicketRef("z", "7"), key="k" * 64, seen=STAMP, fields=fields, **more)


class TestText:
    @given(st.text(max_size=300))
    def test_nothing_in_it_is_a_placeholder(self, text: str) -> None:
        assert not re.search(r"\{[{%]|[%}]\}", safe_body(text))

    @given(st.text(alphabet="{}%a \n", max_size=40))
    def test_braces_in_any_number_are_broken_up(self, text: str) -> None:
        assert not re.search(r"\{[{%]|[%}]\}", safe_body(text))

    @given(st.text(max_size=300))
    def test_no_control_or_direction_character_survives(self, text: str) -> None:
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", safe_body(text))

    @given(st.text(min_size=1, max_size=20).map(lambda unit: unit * (70_000 // len(unit))))
    def test_it_fits(self, text: str) -> None:
        assert len(safe_body(text).encode()) <= LARGEST_BODY

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("plain words, 75 % of 4 h", "plain words, 75 % of 4 h"),
            ("snake_case stays", "snake_case stays"),
            ("*bold* _slanted_ `code`", r"\*bold\* \_slanted\_ \`code\`"),
            ("[text](http://x.example)", r"\[text\](http://x.example)"),
            ("# title\n> quote\n- item", "\\# title\n\\> quote\n\\- item"),
            ("---", r"\---"),
            ("<script>", r"\<script>"),
            ("a\\*b", r"a\\\*b"),
            ("Zeile eins\r\nZeile zwei", "Zeile eins\nZeile zwei"),
            ("日本語 👩🏽‍💻 é", "日本語 👩🏽‍💻 é"),
        ],
    )
    def test_it_reads_as_written(self, text: str, shown: str) -> None:
        assert safe_body(text) == shown


class TestNormalise:
    def test_nulls_everywhere_are_no_obstacle(self) -> None:
        names = [f for f in shapes.Ticket.__struct_fields__ if f not in {"id", "created_at", "updated_at", "status"}]
        ticket = read(**dict.fromkeys(names))
        assert (ticket.priority, ticket.group, ticket.assignee, ticket.labels) == (None, None, None, frozenset())
        assert (ticket.native, ticket.links, ticket.activity, dict(ticket.facts)) == ((), (), None, {})

    def test_missing_keys_are_no_obstacle(self) -> None:
        assert read().key == "#7"

    @pytest.mark.parametrize(
        ("status", "custom_status_id", "ours"),
        [
            ("new", None, Status.NEW),
            ("open", 77, Status.WAITING_OUTSIDE),
            ("open", 78, Status.OPEN),
            ("pending", None, Status.WAITING_CUSTOMER),
            ("hold", None, Status.WAITING_OUTSIDE),
            ("solved", None, Status.SOLVED),
            ("closed", None, Status.CLOSED),
            ("deleted", None, Status.GONE),
        ],
    )
    def test_status(self, status: str, custom_status_id: int | None, ours: Status) -> None:
        assert read(status=status, custom_status_id=custom_status_id).status is ours

    def test_an_unknown_status_is_malformed(self) -> None:
        with pytest.raises(Malformed):
            read(status="limbo")

    def test_bound_and_unbound_names_are_told_apart(self) -> None:
        ticket = read(group_id=101, assignee_id=502, requester_id=9)
        assert (ticket.group, ticket.assignee, ticket.requester) == ("desk", "anna", "id:9")
        assert read(group_id=5).group == "id:5"

    @pytest.mark.parametrize(
        ("value", "names", "fact"),
        [
            ("Blocked ", {}, "blocked"),
            ("", {}, None),
            ("   ", {}, None),
            (None, {}, None),
            ("imp_site", {"imp_site": "site"}, "site"),
            ("imp_new", {"imp_site": "site"}, None),
            (True, {}, True),
            (False, {}, False),
            (True, {"true": "yes"}, "yes"),
            (3, {}, 3.0),
            (["b", "a"], {}, frozenset({"a", "b"})),
            ([], {}, None),
            (["x", "y"], {"x": "eks"}, frozenset({"eks"})),
            ({"odd": 1}, {}, None),
        ],
    )
    def test_facts(self, value: Any, names: dict[str, str], fact: Any) -> None:
        assert as_fact(value, names) == fact

    def test_inputs_of_every_source(self) -> None:
        known = Known.of(
            [shapes.User(id=9, locale="nl", user_fields={"vip": True}), shapes.User(id=None)],
            [shapes.Organization(id=5, organization_fields={"tier": "Gold"})],
        )
        fields = [{"id": 1, "value": "imp_site"}, {"id": 2, "value": None}, {"id": 999, "value": "x"}]
        more = {"requester_id": 9, "organization_id": 5, "type": "incident", "via": {"channel": "email"}}
        ticket = read(known, custom_fields=fields, **more)
        expected = {"impact": "site", "type": "incident", "channel": "email", "tier": "gold", "vip": True}
        assert dict(ticket.facts) == expected
        assert ticket.locale == "nl"

    @pytest.mark.parametrize(
        ("bound", "locale"),
        [
            pytest.param(None, "nl", id="the requester's"),
            pytest.param(custom(8), "pt-BR", id="the ticket's before it"),
            pytest.param(custom(8, pt_BR="fr"), "fr", id="by its value map"),
            pytest.param(custom(8, de="de"), "nl", id="a value that the map does not name"),
            pytest.param(custom(9), "nl", id="text that names no language"),
            pytest.param(custom(10), "nl", id="an empty field"),
            pytest.param(Binding(source=BindingSource.REQUESTER, id="language"), "es", id="a field of the requester"),
            pytest.param(Binding(source=BindingSource.REQUESTER, id="locale"), "nl", id="bound to what it is anyway"),
            pytest.param(
                Binding(source=BindingSource.ORGANIZATION, id="language"), "nl", id="before the organization's"
            ),
        ],
    )
    def test_language_of_the_ticket_then_the_requester(self, bound: Binding | None, locale: str) -> None:
        ticket = in_languages(bound, [shapes.User(id=9, locale="nl", user_fields={"language": "es"})])
        assert ticket.locale == locale
        assert "locale" not in ticket.facts

    def test_language_of_the_organization_where_the_requester_has_none(self) -> None:
        bound = Binding(source=BindingSource.ORGANIZATION, id="language")
        assert in_languages(bound, [shapes.User(id=9)]).locale == "ja"
        assert in_languages(bound, []).locale == "ja"
        assert in_languages(None, []).locale is None

    @pytest.mark.parametrize(
        ("value", "level"), [("level_2", 2), ("2", None), (None, None), ("none", None), (True, None)]
    )
    def test_level_by_its_value_map(self, value: Any, level: int | None) -> None:
        assert read(custom_fields=[{"id": 3, "value": value}]).level == level

    def test_level_as_a_number(self) -> None:
        view = View(site="z", fields=FieldMap(level=custom(3)), web_base="")
        for value, level in (("2", 2), (2, 2), ("x", None), ("1e999", None)):
            struct = normalise.decoded(
                json.dumps(raw(custom_fields=[{"id": 3, "value": value}])).encode(), shapes.Ticket, what="t"
            )
            assert normalise.ticket(struct, view, Known(), read_at=NOW).level == level

    def test_native_clocks(self) -> None:
        metrics = [
            {"metric": "first_reply_time", "stage": "active", "breach_at": "2026-11-22T09:59:59Z", "minutes": -1},
            {"metric": "next_reply_time", "stage": "paused", "breach_at": None},
            {"metric": "total_resolution_time", "stage": None, "breach_at": None},
            {"metric": "agent_work_time", "stage": "achieved"},
            {"metric": "invented_tomorrow", "stage": "active"},
        ]
        clocks = read(slas={"policy_metrics": metrics}).native
        assert [(c.clock, c.stage, c.breach_at is None) for c in clocks] == [
            (ClockName.FIRST_RESPONSE, NativeStage.BREACHED, False),
            (ClockName.UPDATE, NativeStage.PAUSED, True),
            (ClockName.RESOLUTION, NativeStage.NONE, True),
            (ClockName.RESOLUTION, NativeStage.MET, True),
        ]

    @pytest.mark.parametrize("slas", [None, {}, {"policy_metrics": None}, {"policy_metrics": []}])
    def test_no_policy_no_clock(self, slas: Any) -> None:
        assert read(slas=slas).native == ()

    def test_a_problem_is_a_link(self) -> None:
        (link,) = read(problem_id=3).links
        assert (link.kind, link.target) == (LinkKind.PROBLEM, "3")

    @pytest.mark.parametrize(
        ("scope", "value"), [("group", "desk"), ("form", "8"), ("organization", "5"), ("brand", "6"), ("project", "6")]
    )
    def test_scope(self, scope: str, value: str) -> None:
        view = View(site="z", fields=FieldMap(scope=scope, groups={"desk": "101"}), web_base="")
        body = raw(group_id=101, ticket_form_id=8, organization_id=5, brand_id=6)
        struct = normalise.decoded(json.dumps(body).encode(), shapes.Ticket, what="t")
        assert normalise.ticket(struct, view, Known(), read_at=NOW).scope == value


class TestPages:
    def page(self, *tickets: dict[str, Any], **more: Any) -> pages.Tickets:
        return pages.export_page(json.dumps({"tickets": tickets} | more).encode(), VIEW, read_at=NOW)

    def test_one_bad_ticket_costs_no_other(self) -> None:
        bad = [
            raw(id=1, updated_at="yesterday"),
            raw(id=2, tags="not a list"),
            raw(id=3, status="limbo"),
            {"id": 4},
            {"no": "id"},
            raw(id=6, custom_fields=[{"value": 1}]),
        ]
        found = self.page(*bad[:3], raw(id=10), *bad[3:], raw(id=11), after_cursor="c", end_of_stream=False)
        assert [o.ticket.ref.id for o in found.observations] == ["10", "11"]
        assert sorted(q.id for q in found.malformed) == ["", "1", "2", "3", "4", "6"]
        assert len({q.digest for q in found.malformed}) == 6
        assert (found.after, found.ended) == ("c", False)

    @pytest.mark.parametrize(
        "left",
        [
            {},
            {"created_at": STAMP, "updated_at": STAMP},
            {"created_at": STAMP, "updated_at": "yesterday"},
            {"created_at": None, "updated_at": None, "tags": None, "requester_id": "7"},
        ],
        ids=["its id alone", "two moments", "a moment that is none", "nulls and a number as text"],
    )
    def test_a_deleted_ticket_has_ended_however_little_is_left_of_it(self, left: dict[str, Any]) -> None:
        found = self.page(raw(), {"id": 8, "status": "deleted", **left})
        assert ([o.ticket.ref.id for o in found.observations], found.gone, found.malformed) == (["7"], ("8",), ())

    @pytest.mark.parametrize(
        ("user", "role"),
        [
            ({"role": "agent"}, None),
            ({"role": "agent", "role_type": None, "only_private_comments": None}, None),
            ({"role": "agent", "role_type": 1}, Role.COLLABORATOR),
            ({"role": "agent", "only_private_comments": True}, Role.COLLABORATOR),
            ({"role": "agent", "role_type": 0}, Role.AGENT),
            ({"role": "agent", "role_type": None, "only_private_comments": False}, Role.AGENT),
            ({"role": "admin"}, Role.AGENT),
            ({"role": "end-user"}, Role.CUSTOMER),
            ({"role_type": 0}, None),
        ],
    )
    def test_a_user_is_what_their_record_tells_and_nothing_where_it_does_not(
        self, user: dict[str, Any], role: Role | None
    ) -> None:
        """A light agent's record may come without what tells them from a full agent, who may command."""
        assert self.page(raw(), users=[{"id": 9, **user}]).roles.get(9) == role

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"tickets":', b'{"tickets":{}}', b"\xff"])
    def test_what_is_no_page_is_malformed(self, body: bytes) -> None:
        with pytest.raises(Malformed):
            pages.export_page(body, VIEW, read_at=NOW)

    @pytest.mark.parametrize("body", [b"", b'{"results":{}}', b"7"])
    def test_what_is_no_search_page_is_malformed(self, body: bytes) -> None:
        with pytest.raises(Malformed):
            pages.search_page(body, VIEW, read_at=NOW)

    def test_a_bad_search_hit_costs_no_other(self) -> None:
        body = json.dumps({"results": [raw(id=1, tags=7), raw(id=2)], "meta": {"has_more": True, "after_cursor": "x"}})
        found = pages.search_page(body.encode(), VIEW, read_at=NOW)
        assert ([o.ticket.ref.id for o in found.observations], len(found.malformed)) == (["2"], 1)
        assert (found.after, found.ended, found.without_sla) == ("x", False, True)

    @given(st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=8)))
    def test_any_ticket_is_read_or_quarantined(self, junk: dict[str, Any]) -> None:
        found = self.page(raw(), {**raw(id=8), **junk})
        assert len(found.observations) + len(found.malformed) + len(found.gone) == 2

    def test_metric_sets_beside_the_tickets(self) -> None:
        found = self.page(raw(), metric_sets=[{"ticket_id": 7, "replies": 2}])
        activity = found.observations[0].ticket.activity
        assert activity is not None
        assert activity.public_replies == 2

    def test_a_search_page_ends_without_a_cursor(self) -> None:
        body = json.dumps({"results": [], "meta": {"has_more": True, "after_cursor": None}}).encode()
        assert pages.search_page(body, VIEW, read_at=NOW).ended


class TestRequests:
    def test_an_update_is_guarded_and_marked(self) -> None:
        request = wire.update(
            write(wanted(Field.PRIORITY, "P2"), wanted(Field.LEVEL, "2"), wanted(Field.LABELS, "b a")),
            seen=seen(tags=["z"]),
            fields=FIELDS,
        )
        ticket = request.body["ticket"]
        assert (ticket["safe_update"], ticket["updated_stamp"]) == (True, STAMP)
        assert (ticket["priority"], ticket["tags"]) == ("high", ["a", "b", "level_2", "z"])
        assert ticket["custom_fields"] == [{"id": 3, "value": "level_2"}]
        assert ticket["metadata"]["esc"] == {"key": "k" * 64, "hop": 1}
        assert "comment" not in ticket

    def test_tags_are_sent_only_when_one_is_added(self) -> None:
        request = wire.update(write(wanted(Field.PRIORITY, "P2")), seen=seen(tags=["z"]), fields=FIELDS)
        assert "tags" not in request.body["ticket"]

    @pytest.mark.parametrize(
        ("custom_fields", "tags", "changes", "sent"),
        [
            ([(3, "level_1")], ["level_1"], [(Field.LEVEL, "2")], ["level_2"]),
            ([(3, "level_1")], ["level_1"], [(Field.LEVEL, None)], []),
            ([(3, "level_1")], ["level_1"], [], ["level_1"]),
            ([(3, "level_9")], ["level_9"], [], ["level_9"]),
            ([(4, "default")], ["default"], [(Field.PATH, "security")], ["security"]),
            ([(4, "default")], ["default"], [], ["default"]),
            ([(4, "default")], [], [(Field.PATH, "security")], []),
            ([], ["security"], [(Field.PATH, "security")], ["security"]),
        ],
    )
    def test_tags_hold_the_option_that_is_chosen_and_no_other(
        self, custom_fields: Any, tags: list[str], changes: Any, sent: list[str]
    ) -> None:
        """The level's options are named; the path's are not, and it may be a mere text."""
        before = seen(custom_fields=[{"id": id_, "value": value} for id_, value in custom_fields], tags=["z", *tags])
        fields = [replace(wanted(field, after or ""), after=after) for field, after in changes]
        request = wire.update(write(*fields, wanted(Field.LABELS, "added")), seen=before, fields=FIELDS)
        assert request.body["ticket"]["tags"] == sorted(["z", "added", *sent])

    def test_visibility_is_always_said(self) -> None:
        for public in (True, False):
            comment = note(TicketRef("z", "7"), "hello", public=public)
            request = wire.update(write(comment=comment), seen=seen(), fields=FIELDS)
            assert request.body["ticket"]["comment"] == {"body": "hello", "public": public}

    @pytest.mark.parametrize("field", [Field.GROUP, Field.ASSIGNEE, Field.NEXT_DUE])
    def test_what_is_not_bound_is_refused(self, field: Field) -> None:
        with pytest.raises(Rejected) as caught:
            wire.update(write(wanted(field, "nobody")), seen=seen(), fields=FIELDS)
        assert caught.value.fields == (str(field),)

    @given(st.dictionaries(st.text(max_size=30), st.text(max_size=400), max_size=12))
    def test_metadata_stays_below_a_kilobyte_and_keeps_the_key(self, riders: dict[str, str]) -> None:
        marker = wire.metadata(write(riders=riders))
        assert marker["key"] == "k" * 64
        assert len(json.dumps({"esc": marker}, ensure_ascii=False, separators=(",", ":")).encode()) <= 1024

    def test_a_batch_adds_tags_and_guards_each(self) -> None:
        body = wire.update_many([(write(wanted(Field.LABELS, "x")), seen())], FIELDS).body
        expected = {"id": 7, "additional_tags": ["x"], "safe_update": True, "updated_stamp": STAMP}
        assert body == {"tickets": [expected]}

    def test_positions_come_back(self) -> None:
        for position in (Position(5), Position(5, 'MTU3|"]')):
            assert Position.parse(position.text()) == position

    @given(st.text(max_size=20))
    def test_what_is_no_position_says_so(self, junk: str) -> None:
        try:
            Position.parse(junk)
        except ValueError:
            return
        assert json.loads(junk)

    @pytest.mark.parametrize(
        ("url", "page"),
        [
            ("https://evil.example/api/v2/tickets/1/audits.json?page=2", "2"),
            ("https://x/?page=../..", ""),
            ("https://x/?page=2%26x", ""),
            (None, ""),
            ("", ""),
        ],
    )
    def test_a_next_page_gives_its_number_and_nothing_else(self, url: str | None, page: str) -> None:
        assert wire.page_number(url) == page


class TestHeaders:
    def test_account_and_endpoint_limits(self) -> None:
        headers = {
            "x-rate-limit": "700",
            "x-rate-limit-remaining": "699",
            "ratelimit-reset": "41",
            "zendesk-ratelimit-incremental-exports-cursor": "total=30; remaining=29; resets=12",
        }
        endpoint = limits.ENDPOINTS[0]
        found = {r.limit.name: (r.count, r.left, r.resets_in) for r in limits.readings(endpoint, headers)}
        assert found == {
            "account": (700, 699, timedelta(seconds=41)),
            "history": (700, 699, timedelta(seconds=41)),
            "export": (30, 29, timedelta(seconds=12)),
        }

    @pytest.mark.parametrize(
        "headers", [{}, {"x-rate-limit": "many"}, {"x-rate-limit": "7"}, {"zendesk-ratelimit-x": "total=; remaining"}]
    )
    def test_odd_headers_say_nothing(self, headers: dict[str, str]) -> None:
        assert list(limits.readings(limits.ENDPOINTS[0], headers)) == []

    @pytest.mark.parametrize(
        ("method", "path", "name", "ticket"),
        [
            ("GET", "/api/v2/incremental/tickets/cursor.json", "export", ""),
            ("GET", "/api/v2/tickets/12/audits.json", "history", ""),
            ("PUT", "/api/v2/tickets/12.json", "update", "12"),
            ("PUT", "/api/v2/tickets/update_many.json", "bulk", ""),
            ("GET", "/api/v2/users/me.json", "users", ""),
            ("POST", "/api/v2/tickets.json", "other", ""),
        ],
    )
    def test_endpoints(self, method: str, path: str, name: str, ticket: str) -> None:
        endpoint, id_ = limits.DIALECT.find(method, path)
        assert (endpoint.name, id_, endpoint.safe) == (name, ticket, method == "GET")

    @pytest.mark.parametrize(
        ("body", "error", "kind", "fields"),
        [
            (b'{"error":"TooManyJobs"}', Rejected("x"), Throttled, None),
            (
                b'{"error":"RecordInvalid","details":{"status":[{}],"base":[]}}',
                Rejected("x"),
                Rejected,
                ("base", "status"),
            ),
            (b'{"error":{"title":"Invalid attribute"}}', Rejected("x"), Rejected, ()),
            (b"<html>", Rejected("x"), Rejected, ()),
            (b'{"error":"UpdateConflict"}', Conflict("x"), Conflict, None),
            (b"[]", Unknown("x"), Unknown, None),
        ],
    )
    def test_refusals_name_their_fields(self, body: bytes, error: Any, kind: type, fields: Any) -> None:
        judged = limits.judge(Reply(status=422, headers={}, body=body, at=NOW), error)
        assert type(judged) is kind
        assert fields is None or judged.fields == fields  # type: ignore[attr-defined]


def audit(id_: int, *events: dict[str, Any], author: int = 502, **more: Any) -> dict[str, Any]:
    return {"id": id_, "created_at": STAMP, "author_id": author, "events": events} | more


def change(id_: int, name: str, value: Any, previous: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": "Change", "field_name": name, "value": value, "previous_value": previous} | more


class TestHistory:
    def read(self, *audits: dict[str, Any]) -> list[Any]:
        page = normalise.decoded(json.dumps({"audits": [audit(1), *audits]}).encode(), shapes.AuditPage, what="a")
        roles = {900: Role.OURS, 502: Role.AGENT, 9: Role.CUSTOMER}
        witness = history.Witness(fields=FIELDS, role_of=lambda id_: roles.get(id_, Role.UNKNOWN))
        return [e for e in history.events(page.audits, witness) if e.kind is not EventKind.CREATED]

    def test_a_rule_in_our_own_audit_reacts(self) -> None:
        rule = {"channel": "rule", "source": {"from": {"id": 5, "title": "x"}, "rel": "trigger"}}
        ours, theirs = self.read(
            audit(2, change(1, "priority", "urgent", "low"), change(2, "tags", ["x"], [], via=rule), author=900)
        )
        assert (ours.actor.role, ours.before, ours.after, ours.reaction) == (Role.OURS, "P4", "P1", False)
        assert (theirs.actor.role, theirs.actor.id, theirs.reaction) == (Role.AUTOMATION, "rule:5", True)

    @pytest.mark.parametrize(
        ("author", "via", "role"), [(9, "rule", "automation"), (502, "web", "agent"), (9, "web", "")]
    )
    def test_labels_of_a_new_ticket_are_told_where_they_are_not_its_requesters(
        self, author: int, via: str, role: str
    ) -> None:
        first = audit(
            1, change(1, "tags", ["esc-hold"], []), change(2, "priority", "low"), author=author, via={"channel": via}
        )
        page = normalise.decoded(json.dumps({"audits": [first]}).encode(), shapes.AuditPage, what="a")
        roles = {502: Role.AGENT, 9: Role.CUSTOMER}
        witness = history.Witness(fields=FIELDS, role_of=lambda id_: roles[id_])
        found = [e for e in history.events(page.audits, witness) if e.kind is not EventKind.CREATED]
        assert [(e.kind, e.actor.role, e.after) for e in found] == (
            [(EventKind.LABELS, role, "esc-hold")] if role else []
        )

    def test_a_rule_in_a_persons_audit_does_not_react_to_us(self) -> None:
        rule = {"channel": "rule", "source": {"rel": "trigger"}}
        (event,) = self.read(audit(2, change(1, "status", "open", "new", via=rule)))
        assert (event.actor.role, event.reaction) == (Role.AUTOMATION, False)

    def test_an_automation_by_time(self) -> None:
        (event,) = self.read(audit(2, change(1, "status", "closed", "solved"), author=-1, via={"channel": "rule"}))
        assert event.actor.role is Role.AUTOMATION

    def test_our_marker_in_a_strangers_audit_is_not_us(self) -> None:
        copied = {"custom": {"esc": {"key": "k"}}, "system": {}}
        (event,) = self.read(audit(2, change(1, "priority", "high"), metadata=copied))
        assert (event.actor.role, event.reaction) == (Role.AGENT, True)

    def test_comments_by_somebody_else_than_the_updater(self) -> None:
        (event,) = self.read(audit(2, {"id": 5, "type": "Comment", "author_id": 9, "public": True, "body": "x"}))
        assert (event.actor.id, event.actor.role) == ("9", Role.CUSTOMER)

    def test_a_merge_is_told(self) -> None:
        (event,) = self.read(audit(2, via={"channel": "web", "source": {"rel": "merge", "to": {"ticket_id": 3}}}))
        assert (event.kind, event.name, event.after) == (EventKind.MERGED, "", "3")

    def test_tickets_that_were_merged_into_it_are_named_one_by_one(self) -> None:
        place = {"ticket_ids": [7, 8, 7, "x", None]}
        events = self.read(audit(2, via={"channel": "web", "source": {"rel": "merge", "from": place}}))
        assert [(e.id, e.name, e.after) for e in events] == [
            ("2:merged:7", ABSORBED, "7"),
            ("2:merged:8", ABSORBED, "8"),
        ]

    def test_what_a_merge_quotes_commands_nothing(self) -> None:
        said = {"id": 5, "type": "Comment", "public": False, "body": "Last comment in request #7:\n\n/esc hold 30d\n"}
        own = {**said, "id": 6, "body": "/Esc HOLD 2 Hours until the vendor answers"}
        via = {"channel": "web", "source": {"rel": "merge", "from": {"ticket_ids": [7]}}}
        events = self.read(audit(2, said, via=via), audit(3, own))
        assert [e.kind for e in events if e.kind is EventKind.COMMAND] == [EventKind.COMMAND]
        (told,) = [e for e in events if e.kind is EventKind.COMMAND]
        assert (told.id, told.after) == ("6:0", "/esc HOLD 2 Hours until the vendor answers")

    def test_one_ticket_that_was_merged_into_it_is_named(self) -> None:
        (event,) = self.read(audit(2, via={"channel": "web", "source": {"rel": "merge", "from": {"ticket_id": 3}}}))
        assert (event.kind, event.name, event.after) == (EventKind.MERGED, ABSORBED, "3")

    def test_what_changes_nothing_for_us_is_left_out(self) -> None:
        assert (
            self.read(
                audit(2, change(1, "subject", "b", "a"), change(2, "priority", "odd", "odder"), {"id": 3, "type": "Cc"})
            )
            == []
        )

    def test_unknown_accounts_are_unknown(self) -> None:
        (event,) = self.read(audit(2, change(1, "group_id", "101", None), author=12345))
        assert (event.actor.role, event.after) == (Role.UNKNOWN, "desk")

    def test_custom_metadata_of_others_is_no_obstacle(self) -> None:
        assert history.marker(shapes.Audit(id=1, created_at=STAMP)) is None
        page = normalise.decoded(
            json.dumps({"audits": [audit(1, metadata={"custom": {"esc": {}, "other": [1]}})]}).encode(),
            shapes.AuditPage,
            what="a",
        )
        assert history.marker(page.audits[0]) is None

    def test_an_audit_without_a_moment_is_malformed(self) -> None:
        with pytest.raises(Malformed):
            self.read(audit(2, created_at="soon"))

    def test_priority_values_are_names(self) -> None:
        (event,) = self.read(audit(2, change(1, "priority", "normal", None)))
        assert (event.before, event.after) == (None, str(Priority.P3))
