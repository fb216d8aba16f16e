"""An order to send a parked comment again is taken only while the next pass could carry it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connector.bootstrap import Connector
from connector.domain.site import Effect
from connector.domain.ticket import Status, TicketRef
from connector.errors import UnsafePlan
from connector.ports import AsideKind, Candidate, Journal, OpStatus, SetAside
from tests.bootstrap.conftest import Compose
from tests.journal.samples import NOW, comment, page, ticket, write

SITE = "zendesk"
Change = Callable[[Connector, Journal], None]


def parked(program: Connector, change: Change = lambda *_: None, *, status: Status = Status.OPEN) -> str:
    """Park a note on a ticket of scope 7, let something change, and return the note's key."""
    with program.journal() as journal:
        journal.open_site(SITE, fingerprint=program.rules(SITE).fingerprint)
        known = ticket(site=SITE, scope="7", status=status)
        journal.store_page(SITE, [Candidate(ticket=known)], page=page(), now=NOW)
        note = replace(write(comment=comment()), ref=TicketRef(SITE, "1"), key="abcdef012345")
        (armed,) = journal.arm(SITE, [(note, "d")], run="r", now=NOW)
        journal.fail(armed, OpStatus.PARKED, "nobody knows", now=NOW)
        change(program, journal)
    return note.key


def test_an_order_that_can_be_carried_out_is_taken(compose: Compose) -> None:
    program = compose(of_zendesk={"effects": ["fields", "notes"]})
    key = parked(program)
    assert program.settle_parked("resend", key, actor="kim")["action"] == "resend"
    assert program.parked() == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda _, journal: journal.freeze(SITE, Effect.NOTES, "over its budget", now=NOW),
            "notes is frozen on zendesk: over its budget",
        ),
        (lambda _, journal: journal.pause(SITE, "an audit", now=NOW, actor="kim"), "zendesk is paused: an audit"),
        (
            lambda _, journal: journal.set_aside(
                SITE, [SetAside(kind=AsideKind.SCOPE, scope="7", why="no permission", since=NOW)]
            ),
            "7 is frozen: no permission",
        ),
        (lambda program, _: program.places.paused.touch(), "the file .*PAUSED exists"),
    ],
    ids=["frozen", "paused", "scope", "pause file"],
)
def test_an_order_that_could_not_be_carried_out_is_refused_with_the_reason(
    compose: Compose, change: Change, why: str
) -> None:
    program = compose(of_zendesk={"effects": ["fields", "notes"]})
    key = parked(program, change)
    with pytest.raises(UnsafePlan, match=f"it cannot be sent now: {why}") as refused:
        program.settle_parked("resend", key, actor="kim")
    assert "connector parked drop KEY" in refused.value.remedy
    assert len(program.parked()) == 1


@pytest.mark.parametrize("scopes", [{}, {"9": ["fields", "notes"]}])
def test_what_is_on_for_another_scope_is_off_here(compose: Compose, scopes: dict[str, list[str]]) -> None:
    program = compose(of_zendesk={"effects": ["fields"], "scopes": scopes})
    with pytest.raises(UnsafePlan, match="notes is not switched on for 7"):
        program.settle_parked("resend", parked(program), actor="kim")


def test_a_finished_ticket_is_told_nothing(compose: Compose) -> None:
    program = compose(of_zendesk={"effects": ["fields", "notes"]})
    with pytest.raises(UnsafePlan, match="its ticket is solved"):
        program.settle_parked("resend", parked(program, status=Status.SOLVED), actor="kim")
