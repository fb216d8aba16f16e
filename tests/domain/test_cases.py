"""One case, one voice: whoever follows, somebody speaks, and of twins exactly one speaks to the customer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from connector.domain.cases import leader, speaker
from connector.domain.policy import StormRules
from connector.domain.situation import Situation, Twin
from connector.domain.storms import UNKNOWN, Sight, group_of
from connector.domain.ticket import Link, LinkKind, Priority, Status
from tests.domain.desk import MONDAY, Desk

RULES = StormRules(count=4, within=timedelta(minutes=15))
MINUTE = timedelta(minutes=1)

minutes = st.integers(0, 40)
rows = st.tuples(minutes, st.booleans(), st.sampled_from([1, 2, 9]), st.booleans())
sights = st.lists(rows, min_size=4, max_size=20).map(
    lambda rows: [
        Sight(opened_at=MONDAY + MINUTE * at, id=str(n), is_open=is_open, rank=rank, silent=silent)
        for n, (at, is_open, rank, silent) in enumerate(rows)
    ]
)


@given(sights)
def test_all_of_a_storm_see_the_same_storm(alike: list[Sight]) -> None:
    groups = {each.id: group_of(each, alike, RULES) for each in alike}
    for mine in alike:
        group = groups[mine.id]
        if group is None:
            continue
        same = [g for g in groups.values() if g is not None and g.since == group.since]
        assert {g.size for g in same} == {group.size} == {len(same)}
        assert group.size >= RULES.count


@example([Sight(opened_at=MONDAY, id=str(n), is_open=True, rank=rank) for n, rank in enumerate((2, 2, 1, 1, 2))])
@given(sights)
def test_whoever_follows_in_a_storm_somebody_open_speaks(alike: list[Sight]) -> None:
    by_id = {each.id: each for each in alike}
    for mine in (each for each in alike if each.is_open):
        seen, at = set(), mine
        while (group := group_of(at, alike, RULES)) is not None and group.first != at.id:
            assert at.id not in seen, "they follow each other round in a circle"
            seen.add(at.id)
            at = by_id[group.first]
            assert at.is_open
            assert not at.silent
            ranks = {mine.rank, at.rank, *(by_id[id_].rank for id_ in seen)}
            assert at.rank <= mine.rank or UNKNOWN in ranks


@given(sights)
def test_of_the_equally_urgent_ones_one_speaks(alike: list[Sight]) -> None:
    equal = [each._replace(rank=1, is_open=True, silent=False) for each in alike]
    for mine in equal:
        group = group_of(mine, equal, RULES)
        if group is not None:
            ours = [e for e in equal if (g := group_of(e, equal, RULES)) is not None and g.since == group.since]
            assert [e.id for e in ours if group_of(e, equal, RULES).first == e.id] == [
                min(ours, key=lambda e: (e.opened_at, int(e.id))).id
            ]  # type: ignore[union-attr]


@given(st.lists(st.sampled_from([MONDAY + MINUTE * 16 * n for n in range(9)]), max_size=9, unique=True))
def test_far_apart_is_no_storm(moments: list[object]) -> None:
    alike = [Sight(opened_at=at, id=str(n), is_open=True, rank=1) for n, at in enumerate(moments)]  # type: ignore[arg-type]
    assert {group_of(each, alike, RULES) for each in alike} <= {None}


# ---- twins


tickets = st.lists(
    st.tuples(minutes, st.sampled_from([Status.OPEN, Status.SOLVED]), st.booleans()), min_size=2, max_size=6
)


@given(tickets)
def test_of_all_twins_exactly_one_speaks_where_any_may(rows: list[tuple[int, Status, bool]]) -> None:
    twins = [
        Twin(
            link=Link(kind=LinkKind.TWIN, target=str(n), site="demo"),
            status=status,
            customer_facing=may,
            opened_at=MONDAY + MINUTE * at,
            key=f"#{n}",
        )
        for n, (at, status, may) in enumerate(rows)
    ]
    speaking = [
        n
        for n, (twin, (_, status, may)) in enumerate(zip(twins, rows, strict=True))
        if may and status is Status.OPEN and speaker(_seen_by(twin, [t for t in twins if t is not twin])) is None
    ]
    able = [n for n, (_, status, may) in enumerate(rows) if may and status is Status.OPEN]
    assert len(speaking) == min(1, len(able))


def _seen_by(twin: Twin, others: list[Twin]) -> Situation:
    ticket = Desk(opened_at=twin.opened_at).situation.ticket
    ticket = replace(ticket, ref=replace(ticket.ref, id=twin.link.target))
    return replace(Desk().situation, ticket=ticket, twins=tuple(others))


@given(
    st.sampled_from(list(Priority)), st.sampled_from([*Priority, None]), st.booleans(), st.sampled_from(list(Status))
)
def test_nobody_follows_who_says_nothing(ours: Priority, theirs: Priority | None, speaks: bool, status: Status) -> None:
    link = Link(kind=LinkKind.PROBLEM, target="9", site="demo")
    problem = Twin(link=link, status=status, priority=theirs, speaks=speaks, key="#9")
    followed = leader(replace(Desk().situation, twins=(problem,)), ours)
    heard = speaks and not status.is_finished and theirs is not None and not ours.is_above(theirs)
    assert (followed is problem) is heard
