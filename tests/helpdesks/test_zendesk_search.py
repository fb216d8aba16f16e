"""A Zendesk site without an admin's client: changes come by search, and the contract is the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.errors import Denied
from connector.helpdesks.zendesk.wire import Position
from connector.sandbox.assembly import Sandbox
from tests.helpdesks.conftest import watch
from tests.helpdesks.contract import HelpdeskContract
from tests.helpdesks.test_zendesk import EXCUSED, ZendeskStage, sandbox

__all__ = ["sandbox"]

LONG_AGO = timedelta(hours=3)


class AgentStage(ZendeskStage):
    """Reads and writes with an agent's credential."""

    reader_role = "writer"


@pytest.fixture
def stage(sandbox: Sandbox, judge: Any) -> AgentStage:
    made = AgentStage(sandbox, by_search=True)
    look = judge("zendesk", EXCUSED)
    for adapter in set(made.adapters):
        watch(adapter, look)
    return made


class TestZendeskBySearch(HelpdeskContract):
    """The whole contract, over real HTTP, as an agent."""


def test_the_export_refuses_an_agent_and_says_what_to_do(sandbox: Sandbox) -> None:
    stage = AgentStage(sandbox)
    with pytest.raises(Denied) as refused:
        list(stage.reader.changes(Position(int(stage.clock.now().timestamp()) - 600).text()))
    assert "by: search" in refused.value.remedy


def test_a_switch_between_export_and_search_begins_anew(sandbox: Sandbox) -> None:
    """Neither knows how far the other had come: every open ticket is looked at once more."""
    stage = AgentStage(sandbox, by_search=True)
    known = stage.create()
    stage.later(LONG_AGO)
    cursor = Position(int(stage.clock.now().timestamp()), after="of-the-export", scope="").text()
    pages = list(stage.reader.changes(cursor))
    assert known in {o.ticket.ref.id for page in pages for o in page.observations}
