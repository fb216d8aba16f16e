"""Quarantine: a ticket on whose data our own code fails costs itself alone.

Whatever fails while one ticket is gathered, decided, put into words or made into a request is noted, and the pass goes
on with the others. The ticket stays due, so the next pass tries it again. After three failures it is left alone, with
an alarm, until it changes, the policy or the program does, or somebody releases it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from connector import __version__
from connector.engine.kit import Surroundings
from connector.errors import of_one_ticket, what_failed, where_failed
from connector.ports import Alarm, AlarmKind, AsideKind, SetAside

TRIES = 3
"""Failures after which a ticket is left alone."""

DECIDING, WRITING, LOOKING = "deciding", "writing", "looking for a write"
"""What fails, as ``SetAside.field`` says it."""

Failed = Callable[[str, Exception], None]
"""Takes note of a ticket's id and of what went wrong there."""


def raised(_id: str, error: Exception) -> None:
    """Raise what went wrong: where one ticket alone is looked at there are no others to spare."""
    raise error


@contextmanager
def sparing(failed: Failed, id_: str) -> Iterator[None]:
    """Hand what goes wrong with one ticket to ``failed`` and go on behind the block.

    What concerns more than the ticket (the helpdesk, the state, memory that has run out) is raised as ever.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the other tickets are served
        failed(id_, of_one_ticket(error))


def under(around: Surroundings, *, version: str = "") -> str:
    """Return a digest of what may mend a failure: the program, the policy and, where it is known, the ticket."""
    told = f"{__version__}|{around.policies.current().hash}|{version}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def given_up(items: Iterable[SetAside], doing: str, *, bindings: str | None = None) -> frozenset[str]:
    """Return ids of the tickets that failed so often at ``doing``, the last time under just these ``bindings``."""
    last = (i for i in items if i.kind is AsideKind.QUARANTINE and i.field == doing and i.value == str(TRIES))
    return frozenset(i.ticket for i in last if bindings in {None, i.bindings})


def strike(
    site: str, around: Surroundings, failed: Mapping[str, Exception], *, doing: str, versions: Mapping[str, str]
) -> frozenset[str]:
    """Store one more failure for each ticket; return those that have had their third just now.

    ``versions`` are the tickets', where they are known. Nothing of a ticket is in what is stored or said: the kind of
    error, and places in the code for the log.
    """
    now, known = around.clock.now(), around.journal.aside(site)  # a person may have ended some since the pass began
    fresh: list[SetAside] = []
    for id_, error in failed.items():
        count = str(min(1 + sum(1 for item in known if _is_of(item, doing, (id_,))), TRIES))
        why = f"{doing} fails: {what_failed(error)}"[:200]
        bindings, kind = under(around, version=versions.get(id_, "")), AsideKind.QUARANTINE
        fresh.append(SetAside(kind=kind, ticket=id_, field=doing, value=count, why=why, bindings=bindings, since=now))
        around.observer.event("ticket_failed", site=site, ticket=id_, why=why, where=where_failed(error), times=count)
    around.asides.set_aside(site, fresh)
    before = given_up(known, doing)
    return frozenset(item.ticket for item in fresh if item.value == str(TRIES)) - before


def quarantine(
    site: str, around: Surroundings, failed: Mapping[str, Exception], *, doing: str, versions: Mapping[str, str]
) -> None:
    """Count failures; a ticket that has failed three times is left alone from now on, and the alarm says so."""
    if failed:
        for id_ in sorted(strike(site, around, failed, doing=doing, versions=versions)):
            _alarm(site, around, id_, f"{doing} fails: {what_failed(failed[id_])}")


def pardon(site: str, around: Surroundings, ids: Collection[str], *, doing: str, known: Iterable[SetAside]) -> None:
    """Forget the failures of tickets with which all went well; ``known`` is what was set aside as the pass began."""
    mended = [item for item in known if _is_of(item, doing, ids)]
    if mended:
        around.asides.take_back(site, mended, now=around.clock.now())


def _is_of(item: SetAside, doing: str, ids: Collection[str]) -> bool:
    return item.kind is AsideKind.QUARANTINE and item.field == doing and item.ticket in ids


def _alarm(site: str, around: Surroundings, id_: str, why: str) -> None:
    ticket = f"{site}:{id_}"
    around.notifier.alarm(
        Alarm(
            kind=AlarmKind.FINDING,
            site=site,
            ticket=ticket,
            message=f"{ticket} is quarantined: {why}, {TRIES} times; it is left alone, the others go on",
            remedy=f"look at the ticket and report our fault; to try it again: connector release {ticket}",
            at=around.clock.now(),
        )
    )
