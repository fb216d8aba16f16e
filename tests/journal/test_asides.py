"""What stands aside, where we stopped, and what was told of it: how each begins, and which word ends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connector.domain.events import EventKind, Role
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.ticket import Status, TicketRef
from connector.journal.sql import SqlJournal
from connector.ports import AsideKind, JournalEvent, SetAside
from tests.journal.samples import FINGERPRINT, MINUTE, NOW, SITE, page, store, ticket, verdict

HOUR = timedelta(hours=1)
LATER = NOW + HOUR


def aside(kind: AsideKind, **values: object) -> SetAside:
    return SetAside(**{"kind": kind, "why": "403", "since": NOW} | values)  # type: ignore[arg-type]


def lines(journal: SqlJournal, *kinds: str) -> list[JournalEvent]:
    return [line for line in journal.records().events() if line.kind in kinds]


def due(journal: SqlJournal, *ids: str) -> dict[str, datetime | None]:
    return {found.ticket.ref.id: found.next_due_at for found in journal.load(SITE, ids, now=NOW)}


@pytest.fixture
def three(journal: SqlJournal) -> SqlJournal:
    """Tickets of two scopes that fall due in an hour, and one that is closed."""
    store(journal, ticket("1", scope="SUP"), ticket("2", scope="SUP"), ticket("3", scope="OPS"))
    store(journal, ticket("4", scope="SUP", status=Status.CLOSED))
    journal.store_verdicts(SITE, [verdict(id_, due=LATER) for id_ in ("1", "2", "3", "4")], run="r")
    return journal


# ---- what is set aside


def test_what_is_set_aside_comes_back_as_it_was_given_longest_first(journal: SqlJournal) -> None:
    field = aside(AsideKind.FIELD, scope="SUP", field="group", value="second-line", bindings="b" * 8, until=LATER)
    of_ticket = aside(AsideKind.TICKET, ticket="7", why="404", since=NOW - HOUR)
    journal.open_site("other", fingerprint="o")
    journal.set_aside(SITE, [field, of_ticket])
    journal.set_aside("other", [aside(AsideKind.SITE)])
    assert journal.aside(SITE) == (of_ticket, field) == journal.records().aside(site=SITE)
    assert journal.aside("nowhere") == ()


def test_what_is_set_aside_again_keeps_its_beginning_takes_on_the_rest_and_is_told_once(journal: SqlJournal) -> None:
    first = aside(AsideKind.FIELD, scope="SUP", field="group", value="second-line", ticket="1")
    again = replace(first, why="400", since=LATER, bindings="new", until=LATER)
    journal.set_aside(SITE, [first])
    journal.set_aside(SITE, [again, aside(AsideKind.SCOPE, scope="OPS", since=LATER)])
    assert [(item.kind, item.since) for item in journal.aside(SITE)] == [(first.kind, NOW), (AsideKind.SCOPE, LATER)]
    assert journal.aside(SITE)[0] == replace(again, since=NOW)
    (line, _) = lines(journal, "set-aside")
    assert (line.at, line.site, line.ticket) == (NOW, SITE, "1")
    assert line.data == {"what": "field", "scope": "SUP", "field": "group", "value": "second-line", "why": "403"}


def test_what_differs_in_its_name_is_another_thing(journal: SqlJournal) -> None:
    one = aside(AsideKind.FIELD, scope="SUP", field="group", value="second-line", ticket="1")
    others = [replace(one, **{name: "else"}) for name in ("scope", "ticket", "field", "value")]
    others.append(replace(one, kind=AsideKind.REFUSED))
    journal.set_aside(SITE, [one, *others])
    journal.take_back(SITE, [one], now=NOW)
    assert len(journal.aside(SITE)) == len(others)
    assert set(journal.aside(SITE)) == set(others)


def test_taking_back_is_told_once_and_at_its_own_moment(journal: SqlJournal) -> None:
    item = aside(AsideKind.TARGET, field="duty-manager")
    journal.set_aside(SITE, [item])
    journal.take_back("other", [item], now=NOW)
    for _ in range(2):
        journal.take_back(SITE, [item], now=LATER)
    (line,) = lines(journal, "taken-back")
    assert (line.at, line.data) == (LATER, {"what": "target", "field": "duty-manager", "why": "403"})


@pytest.mark.parametrize(
    ("item", "woken"),
    [
        pytest.param(aside(AsideKind.FIELD, scope="SUP", field="group"), {"1", "2"}, id="a field of a scope"),
        pytest.param(aside(AsideKind.FIELD, scope="SUP", ticket="2", field="group"), {"2"}, id="a field of a ticket"),
        pytest.param(aside(AsideKind.REFUSED, scope="SUP", ticket="1"), {"1"}, id="what is refused without a name"),
        pytest.param(aside(AsideKind.REFUSED, ticket="4"), set(), id="on a ticket that is closed"),
        pytest.param(aside(AsideKind.TICKET, ticket="1"), set(), id="a ticket that is not shown"),
        pytest.param(aside(AsideKind.SCOPE, scope="SUP"), set(), id="a whole scope: nothing was wanted meanwhile"),
    ],
)
def test_tickets_that_something_was_refused_on_fall_due(three: SqlJournal, item: SetAside, woken: set[str]) -> None:
    three.set_aside(SITE, [item])
    three.take_back(SITE, [item], now=NOW)
    after = due(three, "1", "2", "3", "4")
    assert {id_ for id_, at in after.items() if at == NOW} == woken
    assert after["4"] is None
    assert {id_ for id_, at in after.items() if at == LATER} == {"1", "2", "3"} - woken


def test_what_is_due_earlier_stays_so_and_what_was_never_due_is_now(three: SqlJournal) -> None:
    given = [verdict("1", due=NOW - MINUTE), verdict("2", due=None)]
    three.store_verdicts(SITE, given, run="r")
    item = aside(AsideKind.FIELD, scope="SUP", field="group")
    three.set_aside(SITE, [item])
    three.take_back(SITE, [item], now=NOW)
    assert due(three, "1", "2") == {"1": NOW - MINUTE, "2": NOW}


def test_resume_ends_all_but_single_tickets_and_targets(three: SqlJournal) -> None:
    for kind in AsideKind:
        three.set_aside(SITE, [aside(kind, scope="OPS", ticket="3" if kind is AsideKind.REFUSED else "")])
    three.open_site("other", fingerprint="o")
    three.set_aside("other", [aside(AsideKind.SITE)])
    three.resume(SITE, allow=0, now=NOW, actor="anna")
    left = {AsideKind.TICKET, AsideKind.TARGET, AsideKind.QUARANTINE, AsideKind.UNANSWERED}
    assert {item.kind for item in three.aside(SITE)} == left
    assert due(three, "1", "3") == {"1": LATER, "3": NOW}
    assert len(three.aside("other")) == 1
    assert [line.actor for line in lines(three, "resumed")] == ["anna"]


def test_release_ends_a_tickets_own_and_nothing_else(three: SqlJournal) -> None:
    kept = [
        aside(AsideKind.QUARANTINE, ticket="2", field="decide"),
        aside(AsideKind.REFUSED, ticket="2"),
        aside(AsideKind.FIELD, scope="SUP", ticket="1", field="group"),
        aside(AsideKind.TICKET, ticket="1"),
    ]
    ended = [aside(AsideKind.QUARANTINE, ticket="1", field="decide"), aside(AsideKind.REFUSED, ticket="1")]
    three.set_aside(SITE, [*kept, *ended])
    three.release(TicketRef(SITE, "1"), now=NOW, actor="anna")
    assert set(three.aside(SITE)) == set(kept)


def test_what_stands_aside_on_a_ticket_that_is_gone_ends_but_for_whether_it_is_shown(three: SqlJournal) -> None:
    of_tickets = (AsideKind.QUARANTINE, AsideKind.REFUSED, AsideKind.FIELD, AsideKind.TICKET)
    kept = [aside(kind, ticket="2") for kind in of_tickets]
    kept += [aside(AsideKind.FIELD, scope="SUP"), aside(AsideKind.TICKET, ticket="1")]
    three.set_aside(SITE, [*kept, *(aside(kind, ticket="1") for kind in of_tickets[:3])])
    three.open_site("other", fingerprint="o")
    three.set_aside("other", [aside(AsideKind.QUARANTINE, ticket="1")])
    three.store_page(SITE, [], page=page(gone=("1",)), now=LATER)
    assert set(three.aside(SITE)) == set(kept)
    assert len(three.aside("other")) == 1
    told = lines(three, "taken-back")
    assert {(line.at, line.site, line.ticket) for line in told} == {(LATER, SITE, "1")}
    assert sorted(line.data["what"] for line in told) == ["field", "quarantine", "refused"]
    assert due(three, "2", "3") == {"2": LATER, "3": LATER}


OF_TICKETS = (AsideKind.QUARANTINE, AsideKind.REFUSED, AsideKind.FIELD, AsideKind.TICKET)


@pytest.mark.parametrize("status", [Status.SOLVED, Status.CLOSED])
def test_what_stands_aside_on_a_ticket_that_is_closed_ends_as_on_one_that_is_gone(
    three: SqlJournal, status: Status
) -> None:
    three.set_aside(SITE, [aside(kind, ticket=id_) for kind in OF_TICKETS for id_ in ("1", "2")])
    store(three, ticket("1", scope="SUP", status=status), ticket("2", scope="SUP", group="other"), now=LATER)
    kept = [*(aside(kind, ticket="2") for kind in OF_TICKETS), aside(AsideKind.TICKET, ticket="1")]
    assert set(three.aside(SITE)) == set(kept)
    assert {(line.at, line.ticket) for line in lines(three, "taken-back")} == {(LATER, "1")}
    assert due(three, "1") == {"1": None}


# ---- where we stopped


def stopped(*why: str) -> EscalationState:
    return EscalationState(policy_hash="p", decided_at=NOW, standoffs=frozenset(why))


def test_where_we_stopped_is_listed_until_it_is_over_or_the_ticket_is(journal: SqlJournal) -> None:
    store(journal, ticket("1"), ticket("2"))
    given = [verdict("1", state=stopped("a rival", "a flap")), verdict("2", state=stopped("a bot"))]
    assert journal.store_verdicts(SITE, given, run="r") == 7
    one, two = TicketRef(SITE, "1"), TicketRef(SITE, "2")
    assert journal.records().standoffs() == ((one, "a flap"), (one, "a rival"), (two, "a bot"))
    assert journal.records().standoffs(site="other") == ()
    assert journal.store_verdicts(SITE, given, run="r") == 0
    assert journal.store_verdicts(SITE, [verdict("1", state=stopped("a flap"))], run="r") == 2
    assert journal.records().standoffs(site=SITE) == ((one, "a flap"), (two, "a bot"))
    store(journal, ticket("2", version="v2", status=Status.CLOSED))
    assert journal.records().standoffs() == ((one, "a flap"),)


def test_a_release_at_the_keyboard_is_an_agents_command_and_lets_the_ticket_fall_due(three: SqlJournal) -> None:
    three.release(TicketRef(SITE, "1"), now=NOW, actor="anna")
    (found,) = three.load(SITE, ["1"], now=NOW)
    (command,) = found.history.events
    assert (command.kind, command.at, command.after, command.name) == (
        EventKind.COMMAND,
        NOW,
        "/esc release",
        "release",
    )
    assert (command.actor.role, command.public) == (Role.AGENT, False)
    assert "anna" in command.actor.id
    assert due(three, "1", "2") == {"1": NOW, "2": LATER}
    (line,) = lines(three, "released")
    assert (line.at, line.site, line.ticket, line.actor) == (NOW, SITE, "1", "anna")


def test_two_releases_are_two_commands_and_a_closed_ticket_stays_at_rest(three: SqlJournal) -> None:
    for at in (NOW, NOW + MINUTE):
        three.release(TicketRef(SITE, "4"), now=at, actor="anna")
    (found,) = three.load(SITE, ["4"], now=NOW)
    assert [each.at for each in found.history.events] == [NOW, NOW + MINUTE]
    assert found.next_due_at is None


# ---- what was told


def test_an_alarm_is_told_once_until_its_time_is_over_or_somebody_resumed(journal: SqlJournal) -> None:
    def told(key: str = "k1", *, since: datetime = NOW - HOUR) -> bool:
        return journal.alarm_told(key, site=SITE, since=since)

    journal.record(JournalEvent(at=NOW, kind="note", site=SITE, key="k1"))
    assert not told()
    journal.note_alarm("k1", site=SITE, kind="breaker", now=NOW)
    assert told()
    assert not told("k2")
    assert not told(since=NOW)
    journal.pause(SITE, "why", now=NOW, actor="anna")
    journal.resume(SITE, allow=0, now=NOW + MINUTE, actor="anna")
    assert not told()
    journal.note_alarm("k1", site=SITE, kind="breaker", now=NOW + 2 * MINUTE)
    assert told()
    assert not told(since=NOW + 3 * MINUTE)
    (line, _) = lines(journal, "alarm")
    assert (line.at, line.site, line.key, line.data) == (NOW, SITE, "k1", {"alarm": "breaker"})


def test_a_word_ends_with_the_run_that_it_was_given_for(journal: SqlJournal) -> None:
    journal.resume(SITE, allow=2, now=NOW, actor="anna")
    journal.end_allowance(SITE, now=NOW + MINUTE)
    assert journal.open_site(SITE, fingerprint=FINGERPRINT).allowance == {}
    (line,) = lines(journal, "allowance-ended")
    left = " ".join(f"{effect}=2" for effect in sorted(Effect))
    assert (line.at, line.site, line.data) == (NOW + MINUTE, SITE, {"left": left})


def test_an_edit_is_held_until_an_operator_speaks(journal: SqlJournal) -> None:
    held = JournalEvent(at=NOW, kind="edit-held", site=SITE, key="p" * 64, data={"tickets": "40"})
    assert journal.records().held_edit(SITE, "p" * 64) is None
    journal.record(held)
    assert journal.records().held_edit(SITE, "p" * 64) == held
    assert journal.records().held_edit(SITE, "q" * 64) is None
    assert journal.records().held_edit("other", "p" * 64) is None
    journal.pause(SITE, "why", now=NOW, actor="anna")
    assert journal.records().held_edit(SITE, "p" * 64) == held
    journal.resume(SITE, allow=0, now=NOW, actor="anna")
    assert journal.records().held_edit(SITE, "p" * 64) is None
