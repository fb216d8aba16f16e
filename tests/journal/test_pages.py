from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.events import Actor, EventKind, EventSource, Role
from connector.domain.ticket import ClockName, NativeClock, NativeStage, Priority, Status, TicketRef
from connector.ports import AsideKind, Candidate, Observation, Page, Quarantined, SetAside, TicketHistory
from tests.journal.samples import MINUTE, NOW, SITE, event, page, store, ticket, verdict


def _stored(journal, id_="1"):
    (found,) = journal.load(SITE, [id_], now=NOW)
    return found


def test_a_page_stores_tickets_events_and_its_cursor_together(journal):
    candidates = [Candidate(ticket=ticket("1"), events=(event("a"),)), Candidate(ticket=ticket("2"))]
    assert journal.store_page(SITE, candidates, page=page(cursor="c1"), now=NOW) == 3
    assert [found.ticket for found in journal.load(SITE, ["2", "1", "404"], now=NOW)] == [ticket("2"), ticket("1")]
    assert _stored(journal).history.events == (event("a"),)
    assert journal.records().sites()[0].cursor == "c1"


def test_a_second_page_with_nothing_new_changes_no_row(journal):
    candidates = [Candidate(ticket=ticket(str(n)), events=(event("a"),), text_hits={"w": True}) for n in range(20)]
    assert journal.store_page(SITE, candidates, page=page(cursor="c1"), now=NOW) == 40
    assert journal.store_page(SITE, candidates, page=page(cursor="c1"), now=NOW + MINUTE) == 0
    again = [replace(candidate, text_hits=None) for candidate in candidates]
    assert journal.store_page(SITE, again, page=page(cursor="c1"), now=NOW + MINUTE) == 0


def test_a_clock_of_the_helpdesk_that_was_only_read_again_changes_no_row(journal):
    clock = NativeClock(clock=ClockName.UPDATE, name="n", stage=NativeStage.RUNNING, read_at=NOW, breach_at=NOW)
    store(journal, ticket(native=(clock,)))
    later = replace(clock, read_at=NOW + MINUTE, remaining=timedelta(minutes=3))
    assert store(journal, ticket(native=(later,))) == 0
    assert store(journal, ticket(native=(replace(clock, breach_at=NOW + MINUTE),))) == 1


def test_a_page_without_a_cursor_leaves_the_cursor_where_it_is(journal):
    store(journal, ticket(), cursor="c1")
    store(journal, ticket("2"), cursor="")
    assert journal.records().sites()[0].cursor == "c1"


def test_an_observation_from_a_lagging_index_is_ignored_but_its_events_are_not(journal):
    newer = ticket(version="v2", updated_at=NOW, priority=Priority.P1)
    store(journal, newer)
    older = ticket(version="v1", updated_at=NOW - MINUTE, priority=Priority.P4)
    assert store(journal, older, events=(event("late"),), text_hits={"w": True}) == 2
    found = _stored(journal)
    assert found.ticket == newer
    assert [e.id for e in found.history.events] == ["late"]
    assert found.text_hits == {}
    assert store(journal, older, events=(event("late"),)) == 0


def test_a_changed_ticket_falls_due_at_once_and_an_unchanged_one_does_not(journal):
    store(journal, ticket("1"), ticket("2"))
    journal.store_verdicts(SITE, [verdict("1"), verdict("2")], run="r")
    assert journal.due(SITE, now=NOW, limit=9) == ()
    store(journal, ticket("1", version="v2", updated_at=NOW), ticket("2"), now=NOW)
    assert journal.due(SITE, now=NOW, limit=9) == ("1",)


def test_news_make_nothing_due_later_than_it_was(journal):
    store(journal, ticket())
    journal.store_verdicts(SITE, [verdict(due=NOW + MINUTE)], run="r")
    store(journal, ticket(version="v2", updated_at=NOW), now=NOW + 2 * MINUTE)
    assert journal.next_due(SITE) == NOW + MINUTE


def test_a_new_event_or_a_new_text_result_makes_a_ticket_due(journal):
    store(journal, ticket("1"), ticket("2"))
    journal.store_verdicts(SITE, [verdict("1"), verdict("2")], run="r")
    assert store(journal, ticket("1"), events=(event("e"),), now=NOW) == 2
    assert store(journal, ticket("2"), text_hits={"w": False}, now=NOW) == 1
    assert set(journal.due(SITE, now=NOW, limit=9)) == {"1", "2"}


def test_a_ticket_that_repeats_in_a_page_counts_once_with_its_newest_facts(journal):
    newest = ticket(version="v2", updated_at=NOW)
    candidates = [
        Candidate(ticket=newest, events=(event("a"),)),
        Candidate(ticket=ticket(version="v1"), events=(event("a"), event("b"))),
    ]
    assert journal.store_page(SITE, candidates, page=page(), now=NOW) == 3
    assert _stored(journal).ticket == newest


def test_finished_tickets_are_never_due(journal):
    store(journal, ticket(status=Status.SOLVED))
    assert journal.due(SITE, now=NOW, limit=9) == ()
    assert journal.next_due(SITE) is None
    store(journal, ticket(status=Status.OPEN, version="v2", updated_at=NOW))
    assert journal.due(SITE, now=NOW, limit=9) == ("1",)


def test_gone_tickets_are_kept_but_no_longer_open(journal):
    store(journal, ticket("1"), ticket("2"))
    assert journal.store_page(SITE, [], page=page(gone=("1", "404")), now=NOW) == 1
    assert journal.store_page(SITE, [], page=page(gone=("1",)), now=NOW) == 0
    assert journal.known_open(SITE) == {"2"}
    assert _stored(journal).ticket.status is Status.GONE
    assert store(journal, ticket("1")) == 1  # restored
    assert journal.known_open(SITE) == {"1", "2"}
    store(journal, ticket("1"))
    assert [e.kind for e in journal.records().events(site=SITE, ticket="1")] == ["gone", "back"]


def test_nothing_stands_aside_on_a_ticket_that_has_ended(journal):
    """What was refused on it waits for nobody any more; whether it is shown at all is settled by a look."""
    store(journal, ticket("1"), ticket("2"))
    aside = [
        SetAside(kind=kind, ticket=of, field="priority", value="P1", why="refused", since=NOW)
        for kind in (AsideKind.FIELD, AsideKind.REFUSED, AsideKind.QUARANTINE, AsideKind.TICKET)
        for of in ("1", "2")
    ]
    journal.set_aside(SITE, aside)
    for _ in range(2):
        journal.store_page(SITE, [], page=page(gone=("1",)), now=NOW)
    left = journal.aside(SITE)
    assert [item.kind for item in left if item.ticket == "1"] == [AsideKind.TICKET]
    assert len(left) == 5


@pytest.mark.parametrize(
    ("cursor", "elsewhere", "why"),
    [
        ("c1", (), "deleted, or moved out of what the site looks after"),
        ("c1", ("1",), "moved out of what the site looks after"),
        ("", (), "not shown in two looks: deleted, or hidden from our account"),
        ("", ("1",), "moved out of what the site looks after"),
    ],
)
def test_how_a_ticket_ended_is_told_as_far_as_the_helpdesk_tells(journal, cursor, elsewhere, why):
    journal.open_site("other", fingerprint="o")
    store(journal, ticket("1"))
    journal.store_page("other", [Candidate(ticket=ticket("1", site="other"))], page=page(), now=NOW)
    journal.store_page(SITE, [], page=replace(page(gone=("1",), cursor=cursor), elsewhere=elsewhere), now=NOW)
    (line,) = [line for line in journal.records().events() if line.kind == "gone"]
    assert (line.at, line.site, line.ticket, line.data) == (NOW, SITE, "1", {"why": why})
    assert (journal.known_open(SITE), journal.known_open("other")) == (frozenset(), {"1"})


def test_text_results_hold_for_their_version_alone(journal):
    store(journal, ticket(), text_hits={"a": True})
    store(journal, ticket(), text_hits={"b": False})
    assert _stored(journal).text_hits == {"a": True, "b": False}
    store(journal, ticket(version="v2", updated_at=NOW))
    assert (_stored(journal).text_hits, _stored(journal).text_version) == ({}, "v1")
    store(journal, ticket(version="v2", updated_at=NOW), text_hits={"a": False})
    assert (_stored(journal).text_hits, _stored(journal).text_version) == ({"a": False}, "v2")


def test_the_same_text_result_for_a_later_version_is_stored_as_such(journal):
    store(journal, ticket(), text_hits={"a": True})
    store(journal, ticket(version="v2", updated_at=NOW))
    store(journal, ticket(version="v2", updated_at=NOW), text_hits={"a": True})
    assert _stored(journal).text_hits == {"a": True}


def test_an_unreadable_payload_is_quarantined_once_and_let_go_when_the_ticket_reads_again(journal):
    bad = Quarantined(id="9", why="no status", digest="d1")
    assert journal.store_page(SITE, [], page=page(bad=(bad,), cursor="c2"), now=NOW) == 1
    assert journal.store_page(SITE, [], page=page(bad=(bad,), cursor="c2"), now=NOW + MINUTE) == 0
    (line,) = journal.records().quarantined(site=SITE)
    assert (line.ticket, line.at, line.data) == ("9", NOW, {"why": "no status", "digest": "d1"})
    assert [e.kind for e in journal.records().events()] == ["quarantined"]
    store(journal, ticket("9"))
    assert journal.records().quarantined() == ()


def test_what_cannot_be_read_is_told_by_since_when_and_by_id(journal):
    early, *rest = (Quarantined(id=id_, why="no status", digest="d1") for id_ in ("9", "8", "7"))
    journal.store_page(SITE, [], page=page(bad=(early,)), now=NOW - MINUTE)
    journal.store_page(SITE, [], page=page(bad=tuple(rest)), now=NOW)
    assert [line.ticket for line in journal.records().quarantined(site=SITE)] == ["9", "7", "8"]


def test_a_ticket_that_reads_as_it_was_is_let_go_as_well(journal):
    """Broken once and unchanged since: it is no candidate, and was read; one that is broken still is not let go."""
    store(journal, ticket("1"), ticket("2"))
    bad = [Quarantined(id=id_, why="cut short", digest="d1") for id_ in ("1", "2")]
    journal.store_page(SITE, [], page=page(bad=tuple(bad)), now=NOW)
    read = Page(
        observations=(Observation(ticket=ticket("1")), Observation(ticket=ticket("2"))), cursor="", malformed=(bad[1],)
    )
    assert journal.store_page(SITE, [], page=read, now=NOW) == 1
    assert [line.ticket for line in journal.records().quarantined()] == ["2"]


def test_an_unreadable_payload_without_an_id_is_told_apart_by_its_sample(journal):
    bad = [Quarantined(id="", why="not JSON", digest=digest) for digest in ("d1", "d2", "d1")]
    assert journal.store_page(SITE, [], page=page(bad=tuple(bad)), now=NOW) == 2
    assert [line.ticket for line in journal.records().quarantined()] == ["unknown:d1", "unknown:d2"]


def test_ten_thousand_tickets_in_one_page_are_no_special_case(journal):
    many = [ticket(str(n)) for n in range(2500)]
    assert store(journal, *many) == 2500
    assert store(journal, *many) == 0
    assert len(journal.load(SITE, [t.ref.id for t in many], now=NOW)) == 2500


# ---- history


def _history(*events, until=NOW, id_="1"):
    return TicketHistory(ref=TicketRef(SITE, id_), events=tuple(events), read_until=until)


def test_the_vendors_history_replaces_what_deltas_implied(journal):
    implied, later = event("delta-1", at=NOW - MINUTE), event("delta-2", at=NOW + MINUTE)
    store(journal, ticket(), events=(implied, later))
    told = event("audit-1", at=NOW - MINUTE, source=EventSource.HISTORY)
    journal.store_history([_history(told)])
    found = _stored(journal).history
    assert found.events == (told, later)
    assert (found.complete, found.read_until) == (True, NOW)


def test_what_a_delta_implies_about_a_time_that_the_history_has_told_is_dropped(journal):
    store(journal, ticket())
    journal.store_history([_history(event("audit-1", source=EventSource.HISTORY))])
    assert store(journal, ticket(), events=(event("delta-9", at=NOW - MINUTE),)) == 0
    assert store(journal, ticket(), events=(event("delta-10", at=NOW + MINUTE),)) == 2


def test_what_happened_in_the_very_second_of_the_history_is_kept_and_asked_for_again(journal):
    """A helpdesk's automation answers our own comment within the second in which the history was read."""
    store(journal, ticket())
    journal.store_history([TicketHistory(ref=ticket().ref, events=(), read_until=NOW)])
    ours = event("delta:reaction", at=NOW, actor=Actor("", Role.AUTOMATION), reaction=True)
    store(journal, ticket(version="v2"), events=(ours,))
    assert journal.without_history(SITE, limit=9) == ()
    store(journal, ticket(version="v3"), events=(event("delta:status", at=NOW, actor=Actor("", Role.UNKNOWN)),))
    (stored,) = journal.load(SITE, ["1"], now=NOW)
    assert {e.id for e in stored.history.events} >= {"delta:reaction", "delta:status"}
    assert journal.without_history(SITE, limit=9) == ("1",)


def test_history_corrects_an_event_that_a_delta_gave_the_same_name(journal):
    store(journal, ticket(), events=(event("c1", after="open"),))
    told = event("c1", after="solved", source=EventSource.HISTORY)
    journal.store_history([_history(told)])
    assert _stored(journal).history.events == (told,)


@pytest.mark.parametrize(("then", "now"), [(Role.AGENT, Role.COLLABORATOR), (Role.COLLABORATOR, Role.AGENT)])
def test_whether_a_command_counts_is_settled_when_it_is_first_read(journal, then, now):
    """Its author's teams change; the hold that was asked for stands, and the one that was refused does not begin."""
    hold = event(
        "1:0", kind=EventKind.COMMAND, actor=Actor("7", then), after="/esc hold 4h", source=EventSource.HISTORY
    )
    store(journal, ticket())
    journal.store_history([_history(hold)])
    edited = replace(hold, actor=Actor("7", now), after="/esc hold 8h")
    journal.store_history([_history(edited, until=NOW + MINUTE)])
    assert _stored(journal).history.events == (replace(edited, actor=hold.actor),)


def test_a_ticket_whose_history_came_in_falls_due(journal):
    store(journal, ticket())
    journal.store_verdicts(SITE, [verdict()], run="r")
    journal.store_history([_history(until=NOW)])
    assert journal.due(SITE, now=NOW, limit=9) == ("1",)
    journal.store_verdicts(SITE, [verdict()], run="r")
    journal.store_history([_history(until=NOW)])  # nothing learned
    assert journal.due(SITE, now=NOW, limit=9) == ()


def test_history_of_an_unknown_ticket_is_ignored(journal):
    journal.store_history([_history(event("a"), id_="404")])
    assert journal.load(SITE, ["404"], now=NOW) == ()


def test_history_of_a_known_ticket_is_stored_beside_that_of_an_unknown_one(journal):
    store(journal, ticket("1"))
    journal.store_history([_history(id_="0"), _history(id_="1"), _history(id_="404")])
    assert _stored(journal).history.complete


def test_histories_are_wanted_most_urgent_first_and_again_when_asked(journal):
    store(
        journal,
        ticket("low", priority=Priority.P4),
        ticket("none", priority=None),
        ticket("high", priority=Priority.P1),
        ticket("solved", status=Status.SOLVED),
        ticket("old-low", priority=Priority.P4, updated_at=NOW - timedelta(days=3)),
    )
    assert journal.without_history(SITE, limit=9) == ("high", "old-low", "low", "none")
    assert journal.without_history(SITE, limit=1) == ("high",)
    journal.store_history([_history(id_=id_) for id_ in ("high", "low", "none", "old-low")])
    assert journal.without_history(SITE, limit=9) == ()
    store(journal, ticket("low", priority=Priority.P4), ask_history=True)
    assert journal.without_history(SITE, limit=9) == ("low",)
    (found,) = journal.load(SITE, ["low"], now=NOW)
    assert (found.history.complete, found.history.read_until) == (False, NOW)


def test_events_of_any_size_of_page_come_back_oldest_first(journal):
    events = [event(f"e{n:04d}", at=NOW + timedelta(seconds=(n * 37) % 1500)) for n in range(1500)]
    assert store(journal, ticket(), events=tuple(events)) == 1501
    found = _stored(journal).history.events
    assert list(found) == sorted(events, key=lambda e: (e.at, e.id))


def _unreadable(id_="1", why="no"):
    return TicketHistory(ref=TicketRef(SITE, id_), events=(), read_until=NOW, unreadable=why)


def test_a_history_that_cannot_be_read_is_tried_three_times_and_then_named(journal):
    store(journal, ticket("1"), ticket("2"))
    for times in (1, 2, 3):
        assert journal.without_history(SITE, limit=9) == ("1", "2")
        journal.skip_history(SITE, [_unreadable(why=f"refused {times}")], now=NOW)
        assert len(journal.records().quarantined()) == (times == 3)
    assert journal.without_history(SITE, limit=9) == ("2",)
    (named,) = journal.records().quarantined(site=SITE)
    assert (named.ticket, named.data["of"], "refused 3" in named.data["why"]) == ("1", "history", True)
    (line,) = journal.records().events(ticket="1")
    told = "its history cannot be read: refused 3; given up after 3 tries"
    assert (line.kind, line.at, line.site, line.data) == ("quarantined", NOW, SITE, {"why": told})
    store(journal, ticket("1", version="v2"))  # the ticket itself reads well: that says nothing of its history
    assert journal.without_history(SITE, limit=9) == ("2",)
    assert not journal.load(SITE, ["1"], now=NOW)[0].history.complete  # provisional


def test_a_history_that_was_given_up_is_tried_once_more_after_resume(journal):
    store(journal, ticket("1"), ticket("2"))
    for _ in range(2):
        journal.skip_history(SITE, [_unreadable("1"), _unreadable("2")], now=NOW)
    journal.skip_history(SITE, [_unreadable("1")], now=NOW)
    assert journal.without_history(SITE, limit=9) == ("2",)
    journal.resume(SITE, allow=0, now=NOW, actor="anna")
    assert journal.without_history(SITE, limit=9) == ("1", "2")
    journal.skip_history(SITE, [_unreadable("1")], now=NOW)
    assert journal.without_history(SITE, limit=9) == ("2",)
    assert len(journal.records().quarantined()) == 1


def test_a_history_that_was_given_up_may_be_tried_once_more_without_an_operator(journal):
    store(journal, ticket("1"), ticket("2"))
    for _ in range(3):
        journal.skip_history(SITE, [_unreadable("1")], now=NOW)
    journal.retry_histories("other")
    assert journal.without_history(SITE, limit=9) == ("2",)
    journal.retry_histories(SITE)
    assert journal.without_history(SITE, limit=9) == ("1", "2")
    journal.skip_history(SITE, [_unreadable("1")], now=NOW)
    assert journal.without_history(SITE, limit=9) == ("2",)
    (given_up,) = journal.records().quarantined(site=SITE)
    assert (given_up.ticket, given_up.data["of"]) == ("1", "history")
    assert journal.records().quarantined(site="other") == ()


def test_a_history_that_can_be_read_after_all_or_a_ticket_that_is_gone_clears_it(journal):
    store(journal, ticket("1"), ticket("2"))
    for _ in range(3):
        journal.skip_history(SITE, [_unreadable("1"), _unreadable("2")], now=NOW)
    journal.store_history([_history(id_="1")])
    assert [q.ticket for q in journal.records().quarantined()] == ["2"]
    journal.store_page(SITE, [], page=page(gone=("2",)), now=NOW)
    assert journal.records().quarantined() == ()
