"""What is put before the vendors' documents: every request, also one whose answer is lost, empty or no JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector.domain.change import Field
from connector.errors import Unavailable, Unknown
from connector.sandbox.assembly import Sandbox
from tests.helpdesks.conftest import ORACLE, Excuse, Judge, watch
from tests.helpdesks.contract import carry_out, change, fetch, note, settled, wanted
from tests.helpdesks.test_zendesk import EXCUSED, ZendeskStage, sandbox

__all__ = ["sandbox"]

Make = Callable[[str, tuple[Excuse, ...]], Judge]

UPDATE = "request ticket/custom_fields"


def test_a_judge_objects_to_what_no_document_knows(judge: Make) -> None:
    """Where this is skipped every test of an adapter passes without having been judged."""
    if not ORACLE.is_file():
        pytest.skip("the oracle is absent: exchanges are not judged")
    for vendor in ("zendesk", "jira-v3", "jsm"):
        with pytest.raises(AssertionError, match="no operation"):
            judge(vendor, ())("GET", "https://site.example/no/such/place", None, 200, None)


@pytest.fixture
def stage(sandbox: Sandbox, judge: Make) -> ZendeskStage:
    made = ZendeskStage(sandbox)
    for adapter in set(made.adapters):
        watch(adapter, judge("zendesk", EXCUSED))
    return made


@pytest.fixture
def shown(stage: ZendeskStage) -> list[tuple[Any, ...]]:
    """What a judge is shown from now on."""
    seen: list[tuple[Any, ...]] = []
    for adapter in set(stage.adapters):
        watch(adapter, lambda *exchange: seen.append(exchange))
    return seen


class TestShown:
    @pytest.mark.parametrize("lose", [ZendeskStage.lose_next_answer, ZendeskStage.lose_next_request])
    def test_a_write_whose_answer_is_lost(
        self, stage: ZendeskStage, shown: list[tuple[Any, ...]], lose: Callable[[ZendeskStage], None]
    ) -> None:
        ticket = settled(stage, stage.create())
        lose(stage)
        with pytest.raises(Unknown):
            carry_out(stage, change(ticket, comments=(note(ticket.ref, "said once"),)), ticket)
        method, url, body, status, answer = shown[-1]
        assert (method, status, answer) == ("PUT", None, None)
        assert f"/tickets/{ticket.ref.id}.json" in url
        assert body["ticket"]["comment"]

    def test_an_answer_without_a_body(self, stage: ZendeskStage, shown: list[tuple[Any, ...]]) -> None:
        """Making a comment private; the document has to know the operation and its status as well."""
        ticket = settled(stage, stage.create())
        carry_out(stage, change(ticket, comments=(note(ticket.ref, "hello", public=True),)), ticket)
        comment = str(stage.behind.view(ticket.ref.id)["comments"][-1]["id"])
        stage.writer.retract(ticket.ref, comment)
        method, url, body, status, answer = shown[-1]
        assert (method, body, answer) == ("PUT", None, None)
        assert url.endswith("/make_private.json")
        assert status in {200, 204}

    def test_an_answer_that_is_no_json(self, stage: ZendeskStage, shown: list[tuple[Any, ...]]) -> None:
        stage.behind.strike("html", path="/tickets", status=502, times=10)
        with pytest.raises(Unavailable):
            fetch(stage, stage.create())
        assert {exchange[3:] for exchange in shown if exchange[3] is not None} == {(502, None)}


@pytest.mark.usefixtures("shared")
def test_an_objection_to_a_request_is_raised_though_its_answer_is_lost(sandbox: Sandbox, judge: Make) -> None:
    """One that is excused elsewhere; here it is not."""
    stage = ZendeskStage(sandbox)
    ticket = settled(stage, stage.create())
    for adapter in set(stage.adapters):
        watch(adapter, judge("zendesk", tuple(excuse for excuse in EXCUSED if excuse[0] != UPDATE)))
    stage.lose_next_answer()
    with pytest.raises(AssertionError, match=UPDATE):
        carry_out(stage, change(ticket, wanted(Field.LEVEL, "2")), ticket)
