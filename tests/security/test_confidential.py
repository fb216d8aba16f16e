"""Confidential tickets: nothing of an ignored one is stored, nothing of a restricted one gets out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, select

from connector.domain.confidential import admitted, without_involved
from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.site import Confidential, Effect, SiteRules
from connector.domain.situation import Reach
from connector.domain.ticket import ClockName, Text
from connector.journal.tables import metadata, notification
from tests.domain.desk import Desk as Simulated
from tests.domain.policies import POLICY as SMALL
from tests.domain.policies import threshold
from tests.domain.sla_values import ticket
from tests.engine.conftest import clock, desk, set_up, stage
from tests.engine.stage import POLICY, Desk, Stage
from tests.engine.test_passes import OUTAGE, P1, P3

__all__ = ["clock", "desk", "set_up", "stage"]

IGNORED = SiteRules(name="desk", fingerprint="f", confidential={"HR": Confidential.IGNORE})
RESTRICTED = SiteRules(name="desk", fingerprint="f", confidential={"HR": Confidential.RESTRICTED})
CANARY = "canary-of-a-complaint"


def test_an_ignored_ticket_is_none() -> None:
    assert admitted(ticket(scope="HR"), IGNORED) is None
    other = ticket(scope="SUP")
    assert admitted(other, IGNORED) is other


@pytest.mark.parametrize("hidden", [True, False])
def test_a_restricted_one_has_no_text(hidden: bool) -> None:
    rules = IGNORED if hidden else RESTRICTED
    seen = ticket(scope="SUP" if hidden else "HR", restricted=hidden, text=Text(subject=CANARY, first_message=CANARY))
    known = admitted(seen, rules)
    assert known is not None
    assert known.restricted
    assert known.text == Text(subject="")


ANNA, DESK = LevelTarget(kind=TargetKind.USER, name="anna"), LevelTarget(kind=TargetKind.GROUP, name="desk")
REACH = {
    ANNA: Reach(person="anna", member_ids=frozenset({"anna", "502", "id:502"})),
    DESK: Reach(group="desk", member_ids=frozenset({"anna", "502", "id:502"})),
}


@pytest.mark.parametrize("requester", ["anna", "502", "id:502"])
def test_nobody_who_asked_is_called(requester: str) -> None:
    told = without_involved(REACH, ticket(restricted=True, requester=requester), {"502": "anna"})
    for target in (ANNA, DESK):
        assert told[target].involved, target
        assert not told[target].reachable
        assert "confidential" in told[target].why


@pytest.mark.parametrize("others", [{"502"}, {"503", "502"}, {"id:502"}])
def test_nobody_who_takes_part_or_is_in_copy_is_called(others: set[str]) -> None:
    known = ticket(restricted=True, requester="carla", involved=frozenset(others))
    told = without_involved(REACH, known, {"502": "anna"})
    assert [told[target].involved for target in (ANNA, DESK)] == [True, True]
    open_to_all = replace(known, restricted=False)
    assert without_involved(REACH, open_to_all, {"502": "anna"}) == REACH


def test_who_else_is_involved_is_kept_of_no_other_ticket(stage: Stage, desk: Desk) -> None:
    desk.rules = replace(desk.rules, confidential={"HR": Confidential.RESTRICTED})
    for scope in ("HR", "SUP"):
        desk.world.create(facts=OUTAGE, priority=P3, scope=scope, involved=frozenset({"anna"}))
    stage.run("desk")
    assert [stage.stored("desk", id_).ticket.involved for id_ in ("1", "2")] == [frozenset({"anna"}), frozenset()]


@pytest.mark.parametrize(("involved", "named"), [(frozenset(), True), (frozenset({"dora"}), False)])
def test_an_approval_names_nobody_who_is_involved(involved: frozenset[str], named: bool) -> None:
    asking = threshold(ClockName.RESOLUTION, 50, escalate_to=3, approval="duty-manager")
    policy = replace(SMALL, sla=replace(SMALL.sla, thresholds=(asking,)))
    told = Simulated(policy, facts=OUTAGE, restricted=True, requester="carla", involved=involved)
    told.reach = without_involved(
        {**told.reach, LevelTarget(TargetKind.USER, "duty-manager"): Reach(person="dora")}, told.ticket
    )
    told.sync()
    told.wait(minutes=1).command("/esc ack")
    told.run(hours=3)
    (left,) = [line for line in told.look()[0].explanation.left_alone if "needs approval by" in line]
    assert ("duty-manager" in left) is named
    assert left.endswith("somebody who is not involved in this confidential ticket") is not named


def test_a_group_is_called_for_the_others_in_it() -> None:
    reach = {DESK: Reach(group="desk", member_ids=frozenset({"anna", "502", "id:502", "ben", "503", "id:503"}))}
    told = without_involved(reach, ticket(restricted=True, requester="id:502"), {"502": "anna", "503": "ben"})
    assert told[DESK] == Reach(group="desk", member_ids=frozenset({"ben", "503", "id:503"}))


def rows(stage: Stage, table: Table) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in stage.journal._run(lambda c: c.execute(select(table)).all())]


def _half_hours(stage: Stage, count: int) -> None:
    for _ in range(count):
        stage.run("desk")
        stage.clock.move(timedelta(minutes=30))


@pytest.mark.parametrize("requester", ["duty-manager", "id:duty-manager"])
def test_who_is_involved_is_not_called_where_nobody_else_is_left(stage: Stage, desk: Desk, requester: str) -> None:
    desk.rules = replace(desk.rules, confidential={"HR": Confidential.RESTRICTED})
    desk.world.create(facts=OUTAGE, priority=P3, scope="HR", requester=requester)
    _half_hours(stage, 20)
    assert desk.live("1").level == 4
    assert desk.live("1").assignee is None
    assert any("nobody can be reached" in alarm.message for alarm in stage.ears.alarms)
    bodies = [sent.write.comment.body for sent in desk.writer.sent if sent.write.comment]
    assert bodies
    assert not [body for body in (*bodies, *(a.message for a in stage.ears.alarms)) if "duty-manager" in body]


def test_a_group_with_nobody_else_in_it_is_passed_over(stage: Stage, desk: Desk) -> None:
    desk.rules = replace(desk.rules, confidential={"HR": Confidential.RESTRICTED})
    for target in list(desk.world.reach):
        if target.kind is TargetKind.GROUP:
            desk.world.reach[target] = Reach(group=target.name, member_ids=frozenset({"id:boss", "boss"}))
    desk.world.create(facts=OUTAGE, priority=P3, scope="HR", requester="id:boss")
    _half_hours(stage, 4)
    assert (desk.live("1").level, desk.live("1").group, desk.live("1").assignee) == (4, None, "duty-manager")


def test_an_assignee_who_is_involved_is_told_nothing(stage: Stage, desk: Desk) -> None:
    desk.world.create(facts=OUTAGE, priority=P3, scope="SUP", requester="anna", assignee="anna")
    desk.world.create(facts=OUTAGE, priority=P3, scope="HR", requester="anna", assignee="anna")
    desk.rules = replace(desk.rules, confidential={"HR": Confidential.RESTRICTED})
    desk.allow(Effect.FIELDS, Effect.NOTES)
    _half_hours(stage, 14)
    assert {row["ticket"] for row in rows(stage, notification)} == {"1"}


def test_nobody_who_is_involved_is_notified_by_name(stage: Stage, desk: Desk) -> None:
    triggers = tuple(replace(trigger, notify=("duty-manager", "ops")) for trigger in POLICY.triggers)
    stage.policies.policy = replace(POLICY, triggers=triggers)
    desk.rules = replace(desk.rules, confidential={"HR": Confidential.RESTRICTED})
    facts = {**OUTAGE, "labels": frozenset({"security"})}
    desk.world.create(facts=facts, labels=frozenset({"security"}), priority=P3, scope="HR", requester="duty-manager")
    _half_hours(stage, 6)
    assert {row["target"] for row in rows(stage, notification)} == {"ops"}


def test_in_any_other_ticket_everybody_is() -> None:
    assert without_involved(REACH, ticket(requester="anna")) is REACH
    assert without_involved(REACH, ticket(restricted=True, requester="ben")) == REACH


def test_nothing_of_an_ignored_scope_is_stored_or_written(stage: Stage, desk: Desk) -> None:
    desk.rules = replace(desk.rules, confidential={"HR": Confidential.IGNORE})
    desk.world.create(facts=OUTAGE, priority=P3, scope="HR")
    desk.world.create(facts=OUTAGE, priority=P3, scope="SUP")
    stage.run("desk")
    assert [sent.write.ref.id for sent in desk.writer.sent] == ["2"]
    assert stage.journal.known_open("desk") == {"2"}
    assert stage.journal.load("desk", ["1"], now=stage.clock.now()) == ()


def test_nothing_of_an_ignored_scope_reaches_the_disk(stage: Stage, desk: Desk) -> None:
    """Not even for the length of a pass: the log beside the database would keep it."""
    desk.rules = replace(desk.rules, confidential={"HR": Confidential.IGNORE})
    desk.world.create(facts=OUTAGE, priority=P3, scope="HR", requester="the-victim")
    desk.world.create(facts=OUTAGE, priority=P3, scope="SUP", requester="the-customer")
    stage.run("desk")
    kept = b"".join(path.read_bytes() for path in stage.folder.rglob("*") if path.is_file())
    assert b"the-customer" in kept
    assert b"the-victim" not in kept


def test_a_scope_that_becomes_confidential_is_let_go(stage: Stage, desk: Desk) -> None:
    desk.world.create(facts={}, priority=P3, scope="HR")
    stage.run("desk")
    assert stage.journal.known_open("desk") == {"1"}
    desk.rules = replace(desk.rules, confidential={"HR": Confidential.IGNORE})
    stage.clock.move(timedelta(minutes=1))
    desk.world.update("1", priority=P1)
    stage.run("desk")
    assert stage.journal.known_open("desk") == set()


@pytest.mark.parametrize("is_seen", [True, False])
def test_nothing_is_kept_of_a_scope_that_becomes_ignored(stage: Stage, desk: Desk, is_seen: bool) -> None:
    desk.world.create(facts=OUTAGE, priority=P3, scope="HR", requester="victim", assignee="accused")
    _half_hours(stage, 4)
    sent = len(desk.writer.sent)
    desk.rules = replace(desk.rules, confidential={"HR": Confidential.IGNORE})
    if is_seen:
        desk.world.update("1", priority=P1)
    _half_hours(stage, 20)
    assert len(desk.writer.sent) == sent
    texts = [str(value) for table in metadata.sorted_tables for row in rows(stage, table) for value in row.values()]
    assert not [text for text in texts if "victim" in text or "accused" in text]


def test_a_restricted_ticket_is_escalated_and_nothing_of_it_is_public(stage: Stage, desk: Desk) -> None:
    desk.rules = replace(desk.rules, confidential={"HR": Confidential.RESTRICTED})
    desk.world.create(facts=OUTAGE, priority=P3, scope="HR", text=Text(subject=CANARY, first_message="security breach"))
    for _ in range(12):
        stage.run("desk")
        stage.clock.move(timedelta(minutes=30))
    assert desk.live("1").priority is P1
    assert desk.writer.sent
    audiences = {sent.write.comment.notice.audience for sent in desk.writer.sent if sent.write.comment}
    assert Effect.PUBLIC not in audiences
    (stored,) = stage.journal.load("desk", ["1"], now=stage.clock.now())
    assert stored.ticket.restricted
    assert not any((stored.text_hits or {}).values())
