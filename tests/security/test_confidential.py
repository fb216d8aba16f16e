"""Confidential tickets: nothing of an ignored one is stored, nothing of a restricted one gets out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.confidential import admitted, without_involved
from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.site import Confidential, Effect, SiteRules
from connector.domain.situation import Reach
from connector.domain.ticket import Text
from tests.domain.sla_values import ticket
from tests.engine.conftest import clock, desk, set_up, stage
from tests.engine.stage import Desk, Stage
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
    told = without_involved(REACH, ticket(restricted=True, requester=requester))
    assert not told[ANNA].reachable
    assert "confidential" in told[ANNA].why
    assert told[DESK] is REACH[DESK]


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


def test_a_scope_that_becomes_confidential_is_let_go(stage: Stage, desk: Desk) -> None:
    desk.world.create(facts={}, priority=P3, scope="HR")
    stage.run("desk")
    assert stage.journal.known_open("desk") == {"1"}
    desk.rules = replace(desk.rules, confidential={"HR": Confidential.IGNORE})
    stage.clock.move(timedelta(minutes=1))
    desk.world.update("1", priority=P1)
    stage.run("desk")
    assert stage.journal.known_open("desk") == set()


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
