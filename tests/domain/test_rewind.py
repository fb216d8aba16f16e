"""An earlier moment is told as it was: what came later has not happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given

from connector.domain import occasion
from connector.domain.change import Field
from connector.domain.events import Actor, EventKind, History, Role, TicketEvent
from connector.domain.occasion import Outcome, Said
from connector.domain.policy import Level, LevelTarget, Path, TargetKind
from connector.domain.rewind import rewind
from connector.domain.site import Effect, SiteRules
from connector.domain.situation import Applied, EscalationState, Situation
from connector.domain.ticket import Priority, Status, Ticket, TicketRef
from tests.domain.values import moments

OPENED = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ANNA = Actor("502", Role.AGENT)


def at(minutes: int) -> datetime:
    return OPENED + timedelta(minutes=minutes)


def event(kind: EventKind, minutes: int, before: str | None, after: str | None, name: str = "") -> TicketEvent:
    return TicketEvent(
        id=f"{kind}{minutes}", at=at(minutes), kind=kind, actor=ANNA, before=before, after=after, name=name
    )


STEPS = tuple(Level(level=n, target=LevelTarget(TargetKind.GROUP, f"line-{n}")) for n in (1, 2, 3))
PATH = Path(name="default", levels=STEPS)
ENTERED = {1: at(20), 2: at(50), 3: at(80)}
SITUATION = Situation(
    ticket=Ticket(
        ref=TicketRef("desk", "1"),
        key="#1",
        version="9",
        status=Status.SOLVED,
        opened_at=OPENED,
        updated_at=at(100),
        priority=Priority.P1,
        group="line-3",
        assignee="anna",
        labels=frozenset({"a", "b"}),
        facts={"impact": "site"},
    ),
    rules=SiteRules(name="desk", fingerprint="f"),
    history=History(
        events=(
            event(EventKind.FACT, 10, "user", "site", "impact"),
            event(EventKind.PRIORITY, 20, "P3", "P1"),
            event(EventKind.GROUP, 50, None, "line-2"),
            event(EventKind.LABELS, 60, "a", "a b"),
            event(EventKind.GROUP, 80, "line-2", "line-3"),
            event(EventKind.ASSIGNEE, 90, None, "anna"),
            event(EventKind.STATUS, 100, "open", "solved"),
        ),
        complete=True,
    ),
    state=EscalationState(
        path=PATH,
        started_at=at(20),
        level=3,
        entered_at=at(80),
        acknowledged_at=at(90),
        acknowledged_by="502",
        priority=Priority.P1,
        priority_since=at(20),
        decided_at=at(100),
    ),
    said={
        (str(occasion.level("default", moment, n)), Effect.ASSIGN): Said(outcome=Outcome.DONE, at=moment)
        for n, moment in ENTERED.items()
    },
    applied={Field.PRIORITY: Applied(value="P1", at=at(20))},
)


def test_fields_stand_as_they_stood() -> None:
    then = rewind(SITUATION, at(55)).ticket
    assert (then.status, then.priority, then.group, then.assignee) == (Status.OPEN, Priority.P1, "line-2", None)
    assert (then.labels, then.facts["impact"]) == (frozenset({"a"}), "site")


def test_before_anything_happened_the_ticket_is_as_it_was_opened() -> None:
    then = rewind(SITUATION, at(5))
    assert (then.ticket.priority, then.ticket.group, then.ticket.facts["impact"]) == (Priority.P3, None, "user")
    assert (then.state.path, then.state.level, then.state.priority) == (None, 0, None)
    assert (then.said, then.applied, then.history.events) == ({}, {}, ())


def test_the_level_is_the_last_one_entered_by_then() -> None:
    then = rewind(SITUATION, at(55)).state
    assert (then.path, then.level, then.entered_at) == (PATH, 2, at(50))
    assert then.acknowledged_at is None


def test_an_acknowledgement_stands_from_its_moment_on() -> None:
    assert rewind(SITUATION, at(95)).state.acknowledged_by == "502"
    assert rewind(SITUATION, at(85)).state.acknowledged_by is None


def test_the_present_is_left_as_it_is() -> None:
    now = rewind(SITUATION, at(200))
    assert (now.ticket, now.history, now.said, now.applied) == (
        SITUATION.ticket,
        SITUATION.history,
        SITUATION.said,
        SITUATION.applied,
    )
    assert now.state.level == 3


@given(moments)
def test_nothing_from_after_the_moment_is_left(moment: datetime) -> None:
    then = rewind(SITUATION, moment)
    assert all(e.at <= moment for e in then.history.events)
    assert all(row.at <= moment for row in (*then.said.values(), *then.applied.values()))
    assert then.ticket.updated_at <= max(moment, SITUATION.ticket.updated_at)
    for name in ("started_at", "entered_at", "acknowledged_at", "priority_since"):
        stated = getattr(then.state, name)
        assert stated is None or stated <= moment
