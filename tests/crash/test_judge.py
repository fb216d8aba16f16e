"""The judge of interrupted stories: what it must notice, and what a death may rightly change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.crash.judge import Account, Said, judge

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENDS = NOON + timedelta(hours=3)
TICKET = "zendesk:1"
OVERDUE = "The first response of #1 is overdue.\nIt was due: 12:15.\nPlease answer now."
LEVEL_2 = r"\#1 was escalated: path default, level 2." + "\nWhy: the first response is overdue since 12:15."
LEVEL_3 = "#1 was escalated: path default, level 3.\nWhy: nobody took it over on level 2."
BOTH = f"{OVERDUE}\nAlso:\n• Level 2 of path default: the first response is overdue since 12:15"
UPDATE = "A status update of #1 is due (priority P1)."
AT_RISK = "The resolution of #1 is at risk: 75% of the time is used."
MISSED = "The promised resolution of #1 was missed."


def said(body: str, minutes: int = 0, *, mark: str = "", public: bool = False) -> Said:
    at = NOON + timedelta(minutes=minutes)
    return Said(at=at, ticket=TICKET, public=public, body=body, mark=mark or f"{body}/{minutes}")


def story(*comments: Said, **ticket: Any) -> Account:
    stands: Mapping[str, Any] = {"priority": "P1", "group": "second-line", "assignee": None, "status": "open", **ticket}
    fields = {"level": ticket.get("level", 2), "path": "default"}
    return Account(said=comments, tickets={TICKET: {"id": "1", **stands, "fields": fields}}, ends_at=ENDS)


QUIET = story()


@pytest.mark.parametrize(
    ("told", "attended"),
    [
        pytest.param((said(OVERDUE, mark="k"), said(OVERDUE, 9, mark="k")), (said(OVERDUE),), id="one operation twice"),
        pytest.param((said(OVERDUE), said(OVERDUE, 9)), (said(OVERDUE),), id="one thing under two names"),
        pytest.param((said(BOTH), said(LEVEL_2, 9)), (said(OVERDUE), said(LEVEL_2, 9)), id="once more in a list"),
        pytest.param(
            (said(UPDATE, public=True), said(UPDATE, 10, public=True)),
            (said(UPDATE, public=True), said(UPDATE, 40, public=True)),
            id="customers told too soon",
        ),
    ],
)
def test_what_is_said_twice(told: tuple[Said, ...], attended: tuple[Said, ...]) -> None:
    assert judge(story(*told), story(*attended)).duplicates


@pytest.mark.parametrize(
    ("told", "attended"),
    [
        pytest.param(QUIET, story(said(OVERDUE)), id="a threshold"),
        pytest.param(story(said(OVERDUE)), story(said(OVERDUE), said(LEVEL_3, 9)), id="a level"),
        pytest.param(
            story(said("#1 was escalated: path default, level 2.\nEscalation: path default, level 3.")),
            story(said(LEVEL_3)),
            id="a level that is only mentioned",
        ),
        pytest.param(story(said(AT_RISK)), story(said(AT_RISK), said(MISSED, 30)), id="a later mark"),
        pytest.param(story(said(OVERDUE, 20)), story(said(OVERDUE)), id="a quarter of an hour"),
        pytest.param(QUIET, story(said(UPDATE, public=True)), id="a customer's update"),
        pytest.param(story(level=1), QUIET, id="the level's field"),
        pytest.param(story(priority="P3"), QUIET, id="the priority"),
        pytest.param(story(group="service-desk"), QUIET, id="the group"),
        pytest.param(story(assignee="ben"), QUIET, id="the assignee"),
        pytest.param(story(status="new"), QUIET, id="the status"),
        pytest.param(Account(said=(), tickets={}, ends_at=ENDS), QUIET, id="the ticket"),
    ],
)
def test_what_is_lost(told: Account, attended: Account) -> None:
    verdict = judge(told, attended)
    assert verdict.losses
    assert not verdict.duplicates
    assert not judge(told, attended, parked=frozenset({"1"})).losses or TICKET not in told.tickets


@pytest.mark.parametrize(
    ("told", "attended"),
    [
        pytest.param((said(BOTH, 5),), (said(OVERDUE), said(LEVEL_2, 5)), id="two notes become one"),
        pytest.param((said(OVERDUE), said(LEVEL_2, 5)), (said(BOTH),), id="one note becomes two"),
        pytest.param((said(MISSED, 10),), (said(AT_RISK), said(MISSED, 10)), id="of two marks the latest"),
        pytest.param((said(LEVEL_3, 20),), (said(LEVEL_2, 6), said(LEVEL_3, 20)), id="of two levels the higher"),
        pytest.param((), (said(LEVEL_3, 179),), id="what was said in the last minutes"),
    ],
)
def test_what_a_death_may_change(told: tuple[Said, ...], attended: tuple[Said, ...]) -> None:
    assert judge(story(*told), story(*attended)).clean


@pytest.mark.parametrize(
    "leak",
    [
        pytest.param(story(said(OVERDUE, public=True)), id="a note that customers can read"),
        pytest.param(story(said(f"{UPDATE}\nRef ESC-0123456789", public=True)), id="a reference"),
        pytest.param(story(said(f"{UPDATE}\nEscalation: level 2", public=True)), id="a level"),
        pytest.param(story(said(UPDATE)), id="an update that only agents can read"),
        pytest.param(
            Account(said=(), tickets=QUIET.tickets, ends_at=ENDS, mails=(f"{TICKET}: {LEVEL_2}",)), id="a mail"
        ),
    ],
)
def test_what_leaks(leak: Account) -> None:
    assert judge(leak, story(*leak.said)).leaks


def test_what_cannot_be_read_is_no_silence() -> None:
    with pytest.raises(AssertionError, match="cannot read"):
        judge(story(said("Something has happened.")), QUIET)
