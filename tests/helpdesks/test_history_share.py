"""``poll.history_share``: what histories may take of the reads, on both vendors."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connector.domain.site import FieldMap
from connector.helpdesks.jira.assembly import JiraOptions
from connector.helpdesks.jira.assembly import open_site as open_jira
from connector.helpdesks.transport import Basic, Surroundings
from connector.helpdesks.zendesk.adapter import ZendeskOptions
from connector.helpdesks.zendesk.adapter import open_site as open_zendesk
from tests.helpdesks.stopped_clock import StoppedClock

WHO = Basic("desk@acme.example", "not-a-secret")


def zendesk(share: float) -> int:
    options = ZendeskOptions(
        site="z", base_url="https://acme.zendesk.com", reader=WHO, fields=FieldMap(), history_share=share
    )
    return open_zendesk(options, Surroundings(clock=StoppedClock())).reader.history_allowance()


def jira(share: float) -> int:
    options = JiraOptions(
        site="j",
        api_base="https://acme.atlassian.net",
        reader=WHO,
        fields=FieldMap(),
        projects=("SUP",),
        history_share=share,
    )
    return open_jira(options, Surroundings(clock=StoppedClock())).reader.history_allowance()


@pytest.mark.parametrize("allowance", [zendesk, jira])
def test_the_share_bounds_histories_before_the_first_request(allowance: Callable[[float], int]) -> None:
    assert allowance(0.0) == 0
    assert 0 < allowance(0.1) < allowance(0.3)


def test_a_share_is_of_the_reads_that_are_ours() -> None:
    assert zendesk(0.3) == int(400 * 0.7 * 0.3)
