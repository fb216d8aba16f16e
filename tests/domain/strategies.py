"""Hypothesis strategies for situations as they come about: a policy, and a ticket with a random history of people,
rival automations and our own passes. ``stories`` gives the desk, so that a test can go on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st

from connector.domain.events import EventSource
from connector.domain.policy import Policy
from connector.domain.site import Effect, SiteRules
from connector.domain.situation import Situation
from connector.domain.ticket import Priority, Status
from tests.domain.desk import ANNA, BEN, CARLA, MONDAY, OURS, ROBOT, SOMEBODY, Desk
from tests.domain.policies import POLICIES

priorities = st.sampled_from(list(Priority))
people = st.sampled_from([ANNA, BEN, CARLA, ROBOT, SOMEBODY])
agents = st.sampled_from([ANNA, BEN])
open_statuses = st.sampled_from([Status.NEW, Status.OPEN, Status.WAITING_CUSTOMER, Status.ON_HOLD])
statuses = st.sampled_from(list(Status)[:6])
facts = st.fixed_dictionaries(
    {},
    optional={
        "impact": st.sampled_from(["site", "department", "team", "user", "nonsense"]),
        "urgency": st.sampled_from(["blocked", "degraded", "inconvenient"]),
        "risk": st.floats(0, 1),
        "type": st.sampled_from(["security-incident", "question"]),
        "category": st.sampled_from(["legal-hold", "hardware"]),
        "org.tier": st.sampled_from(["platinum", "gold"]),
        "requester.tags": st.frozensets(st.sampled_from(["vip", "beta"])),
    },
)
effects = st.frozensets(st.sampled_from(list(Effect))) | st.just(frozenset(Effect))
"""Often everything, so that most stories write."""

any_policy = st.sampled_from(POLICIES)

Act = Callable[[Desk], object]


def _act(
    name: str, *arguments: st.SearchStrategy[object], **named: st.SearchStrategy[object]
) -> st.SearchStrategy[Act]:
    def made(args: tuple[tuple[object, ...], dict[str, object]]) -> Act:
        return lambda desk: getattr(desk, name)(*args[0], **args[1])

    return st.tuples(st.tuples(*arguments), st.fixed_dictionaries(named)).map(made)


commands = st.sampled_from(
    [
        "/esc ack",
        "/esc hold 4h",
        "/esc hold 90d",
        "/esc release",
        "/esc dismiss security-form",
        "/esc dismiss vip looks fine",
    ]
)
reactions = st.booleans()
acts: st.SearchStrategy[Act] = st.one_of(
    _act("status", statuses, people),
    _act("priority", priorities, people, reaction=reactions),
    _act("assign", st.sampled_from(["second-line", "legal"]), st.sampled_from(["id:anna-id", "id:ben-id"]), people),
    _act("says", people, public=st.booleans()),
    st.just(lambda desk: desk.says(SOMEBODY, public=False, source=EventSource.DELTA)),
    _act("label", st.sampled_from(["security", "esc-hold", "not-security"])),
    _act("unlabel", st.sampled_from(["security", "esc-hold", "not-security"])),
    _act("fact", st.sampled_from(["impact"]), st.sampled_from(["site", "user", None]), people),
    _act("fact", st.just("urgency"), st.sampled_from(["blocked", "inconvenient", None]), people),
    _act("command", commands, st.sampled_from([ANNA, BEN, CARLA])),
)
waits = st.sampled_from([0, 1, 5, 11, 30, 60, 240, 24 * 60, 5 * 24 * 60]).map(
    lambda minutes: timedelta(minutes=minutes)
)
texts = st.sampled_from([{}, {"security-words-1": False}, {"security-words-1": True}])


@st.composite
def desks(draw: st.DrawFn, policies: st.SearchStrategy[Policy] = any_policy) -> Desk:
    """A desk with a ticket that has just been opened."""
    rules = SiteRules(
        name="demo",
        fingerprint="demo",
        effects=draw(effects),
        enforce_from=draw(st.sampled_from([None, None, MONDAY + timedelta(hours=3)])),
    )
    desk = Desk(
        draw(policies),
        rules=rules,
        priority=draw(st.none() | priorities),
        status=draw(open_statuses),
        facts=draw(facts),
        labels=draw(st.frozensets(st.sampled_from(["security", "billing"]))),
        text_hits=draw(texts),
    )
    desk.complete = draw(st.booleans())
    desk.unseen_until = None if desk.complete else draw(st.sampled_from([None, MONDAY + timedelta(minutes=5)]))
    desk.policy_since = draw(st.sampled_from([None, MONDAY, MONDAY + timedelta(days=1)]))
    return desk


@st.composite
def stories(draw: st.DrawFn, policies: st.SearchStrategy[Policy] = any_policy) -> Desk:
    """A desk after some days of people, automations and passes; what is due now has not been looked at."""
    desk = draw(desks(policies))
    for wait, act, passes in draw(st.lists(st.tuples(waits, acts, st.booleans()), max_size=7)):
        desk.now += wait
        act(desk)
        if passes:
            desk.sync()
    desk.now += draw(waits)
    return desk


situations: st.SearchStrategy[tuple[Situation, Policy]] = stories().map(lambda desk: (desk.situation, desk.policy))
__all__ = ["OURS", "acts", "desks", "situations", "stories"]
