"""Refusals that name nothing of ours: what is tried without the rest, what is set aside, and when it is tried again.

A validation or a workflow may refuse a write without saying for which of its parts. The fields are then tried without
the comment, and the priority apart from the site's own fields and from the assignment: one bad part never keeps the
others from a ticket. What is refused even so stands aside with its reason; people are told of it once, as soon as its
ticket is urgent. It is tried again when the ticket has
changed, with growing pauses, and at once under another map, after ``resume`` and after ``release``. A ticket that takes
no comments at all is tried again only then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.change import Field, FieldChange, Write
from connector.domain.ticket import Priority, Ticket
from connector.engine.kit import Surroundings
from connector.errors import Rejected
from connector.ports import Alarm, AlarmKind, AsideKind, SetAside

FIRST_PAUSE = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(hours=1)
"""Between two tries on a ticket that changes all the time: what is refused never becomes a loop."""

_PARTS = ({Field.PRIORITY}, {Field.GROUP, Field.ASSIGNEE}, set(Field) - {Field.PRIORITY, Field.GROUP, Field.ASSIGNEE})
"""What is tried apart, the most important first: priority, assignment, and the fields that the site's map names."""


def is_named(error: Rejected, write: Write) -> bool:
    """True where a refusal says what it is about: a field of the write, the ticket's end, or that it is not there."""
    ours = {"status", *(str(change.field) for change in write.fields)}
    return error.absent or not ours.isdisjoint(error.fields)


def smaller(write: Write) -> tuple[Write, ...]:
    """Return what of a refused write is tried by itself, in order; nothing where it cannot be made smaller."""
    if not write.fields:
        return ()
    if write.comment is not None:
        return (fields_alone(write, write.fields),)
    parts = [tuple(change for change in write.fields if change.field in part) for part in _PARTS]
    found = [part for part in parts if part]
    return tuple(fields_alone(write, part) for part in found) if len(found) > 1 else ()


def fields_alone(write: Write, fields: tuple[FieldChange, ...]) -> Write:
    """Return a write of some of another one's fields, without its comment and under a key of its own."""
    names = "|".join(f"{change.field}={change.after}" for change in fields)
    key = hashlib.sha256(f"{write.key}|{names}".encode()).hexdigest()
    return replace(write, key=key, fields=fields, comment=None)


def is_urgent(write: Write, ticket: Ticket) -> bool:
    """True where a P1 is at stake: one that is to be set, or that stands."""
    raised = any(change.field is Field.PRIORITY and change.after == str(Priority.P1) for change in write.fields)
    return raised or ticket.priority is Priority.P1


def set_refused(
    around: Surroundings, write: Write, ticket: Ticket, error: Rejected, *, bindings: str, urgent: bool
) -> None:
    """Set aside what was refused without a name; an ``urgent`` one raises the alarm, once."""
    known = around.journal.aside(write.ref.site)  # a person may have ended it since the pass began
    items = refused(write, ticket, error, bindings=bindings, known=known, now=around.clock.now())
    _set(around, ticket, items, known=known, urgent=urgent)


def set_named(around: Surroundings, ticket: Ticket, items: Sequence[SetAside], *, urgent: bool) -> None:
    """Set aside what was refused by its name; an ``urgent`` one raises the alarm, once.

    That a ticket is not shown is no refusal yet: a second look settles it.
    """
    if urgent and any(item.kind is AsideKind.FIELD for item in items):
        _set(around, ticket, items, known=around.journal.aside(ticket.ref.site), urgent=True)
    else:
        around.asides.set_aside(ticket.ref.site, items)


def _set(
    around: Surroundings, ticket: Ticket, items: Sequence[SetAside], *, known: Iterable[SetAside], urgent: bool
) -> None:
    """Tell of what was refused where that is due, then set it aside.

    In this order: a crash between the two repeats an alarm and never loses one.
    """
    told = {refusal_of(item) for item in known if item.kind in _REFUSALS and _is_told(item)}
    if urgent and not told.issuperset(map(refusal_of, items)):
        _tell(around, ticket, items, now=around.clock.now())
    around.asides.set_aside(ticket.ref.site, [_told(i) if urgent or refusal_of(i) in told else i for i in items])


def tell_urgent(around: Surroundings, ticket: Ticket, items: Iterable[SetAside], *, now: datetime) -> None:
    """Raise the alarm for what was refused while the ticket was not urgent, now that it is, once.

    In this order: a crash between the two repeats an alarm and never loses one.
    """
    untold = [item for item in items if item.kind in _REFUSALS and not _is_told(item)]
    if untold:  # what somebody released since the pass began is not to come back
        standing = around.journal.aside(ticket.ref.site)
        untold = [item for item in untold if item in standing]
    if untold:
        _tell(around, ticket, untold, now=now)
        around.asides.set_aside(ticket.ref.site, [_told(item) for item in untold])


def _tell(around: Surroundings, ticket: Ticket, items: Sequence[SetAside], *, now: datetime) -> None:
    what = ", ".join(f"{item.field} {item.value}".strip() for item in items)
    named = any(item.kind is AsideKind.FIELD for item in items)
    command = f"connector resume {ticket.ref.site}" if named else f"connector release {ticket.ref}"
    around.notifier.alarm(
        Alarm(
            kind=AlarmKind.FINDING,
            site=ticket.ref.site,
            ticket=ticket.key,
            message=f"{ticket.key}: {what} {items[0].why}",
            remedy=f"mend what the reason says, then: {command}",
            at=now,
        )
    )


def refused(
    write: Write, ticket: Ticket, error: Rejected, *, bindings: str, known: Iterable[SetAside], now: datetime
) -> list[SetAside]:
    """Return what a refusal without a name sets aside: the comment where there is one, else every field of the write.

    ``known`` is what is set aside on the site: what was refused before keeps its beginning, and its pause grows.
    """
    since = {(i.ticket, i.field, i.value): i.since for i in known if i.kind is AsideKind.REFUSED}
    why = f"refused: {error}" + (f" ({error.remedy})" if error.remedy else "")
    found = []
    for field, value in _named(write, error):
        pause = min(max(now - since.get((write.ref.id, field, value), now), FIRST_PAUSE), LONGEST_PAUSE)
        item = SetAside(kind=AsideKind.REFUSED, ticket=write.ref.id, field=field, value=value, why=why[:300], since=now)
        until = None if error.mute else now + pause
        found.append(replace(item, bindings=_bindings(bindings, _UNTOLD, ticket.version), until=until))
    return found


def _named(write: Write, error: Rejected) -> list[tuple[str, str]]:
    """Return what was refused, as (field or audience, value or occasion)."""
    if write.comment is not None:
        notice = write.comment.notice
        return [(str(notice.audience), "" if error.mute else str(notice.occasion))]
    return [(str(change.field), change.after or "") for change in write.fields]


def refusal_of(item: SetAside) -> tuple[str, ...]:
    """Return what was refused, and where: the same as long as it is the same refusal, whatever its reason."""
    return item.kind, item.scope, item.ticket, item.field, item.value


_UNTOLD, _TOLD = "", "told"
"""In the bindings of what is refused, behind the map's digest and, without a name, before the ticket's version."""

_REFUSALS = frozenset({AsideKind.REFUSED, AsideKind.FIELD})


def _bindings(digest: str, told: str, version: str) -> str:
    return f"{digest}|{told}|{version}"


def _is_told(item: SetAside) -> bool:
    return f"|{_TOLD}|" in item.bindings


def _told(item: SetAside) -> SetAside:
    """Return something refused of which people were told."""
    digest, _, rest = item.bindings.partition("|")
    return replace(item, bindings=_bindings(digest, _TOLD, rest.rpartition("|")[2]))


def is_of_another_map(item: SetAside, bindings: str) -> bool:
    """True for something that was refused under another map than the one with this digest."""
    return item.bindings.partition("|")[0] != bindings


def takes_no_comments(item: SetAside) -> bool:
    """True for a ticket that refuses every comment of a kind, whatever it says."""
    return item.kind is AsideKind.REFUSED and item.until is None


def stands(item: SetAside, ticket: Ticket, *, now: datetime) -> bool:
    """True while something refused is left alone: the ticket is as it was, it was just tried, or no change counts."""
    return item.until is None or now < item.until or not _has_changed(item, ticket)


def tried_at(item: SetAside, ticket: Ticket, *, now: datetime) -> datetime | None:
    """Return when something refused is tried again by itself; ``None``: not unless something changes."""
    waits = item.until is not None and now < item.until
    return item.until if waits and _has_changed(item, ticket) else None


def _has_changed(item: SetAside, ticket: Ticket) -> bool:
    return item.bindings.rpartition("|")[2] != ticket.version


def without_refused(write: Write, error: Rejected) -> Write | None:
    """Return what of a write is left without the fields that were refused by name; ``None``: nothing, or it is closed.

    One part never keeps the others from a ticket.
    """
    if "status" in error.fields:
        return None
    fields = tuple(change for change in write.fields if str(change.field) not in error.fields)
    if len(fields) == len(write.fields):
        return None
    if write.comment is not None:
        return replace(write, fields=fields)
    return fields_alone(write, fields) if fields else None
