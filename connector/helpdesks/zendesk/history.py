"""From a ticket's audits to our events, each with who did it. Pure.

An audit is one update. Its author is who asked for it; an event in it that came from a rule carries ``via: rule`` and
is an automation's. What rules did in an audit of our own account, or in one that carries our marker, is a *reaction*.
A change through the API by an agent's account is a person's, unless the site's map says that a program uses it: the
agents' own apps come by the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.domain.events import ABSORBED, Actor, EventKind, Role, TicketEvent
from connector.domain.site import HOLD_UNTIL, Binding, BindingSource, FieldMap
from connector.domain.ticket import Status
from connector.errors import Malformed
from connector.helpdesks.commands import command_events, is_mirrored
from connector.helpdesks.until import until_text
from connector.helpdesks.zendesk import normalise, shapes
from connector.helpdesks.zendesk.view import LOCALE, as_fact

_RULES = frozenset({"rule", "trigger", "automation"})
_COMMENTS = frozenset({"Comment", "VoiceComment"})

RoleOf = Callable[[int], Role]
"""Role of an account by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What is needed to read audits: the site's map, who is who, and who may write ``/esc`` commands."""

    fields: FieldMap
    role_of: RoleOf
    may_command: Callable[[str], bool] = lambda _account: True


def authors(audits: list[shapes.Audit]) -> frozenset[int]:
    """Return every account that wrote or commented, so that their roles can be asked for at once."""
    wrote = {a.author_id for a in audits} | {e.author_id for a in audits for e in a.events or () if _is_comment(e)}
    return frozenset(id_ for id_ in wrote if id_ is not None and id_ > 0)


def events(audits: list[shapes.Audit], witness: Witness) -> tuple[TicketEvent, ...]:
    """Return what happened, oldest first; raises ``Malformed`` for an audit that cannot be read."""
    ordered = sorted(audits, key=lambda audit: (audit.created_at, audit.id))
    found = [event for n, audit in enumerate(ordered) for event in _Reading(audit, witness, first=n == 0).events()]
    return tuple(sorted(found, key=lambda event: (event.at, event.id)))


def is_ours(audit: shapes.Audit, accounts: frozenset[str]) -> bool:
    """True for an audit of one of our own accounts; a marker alone proves nothing."""
    return str(audit.author_id) in accounts


def marker(audit: shapes.Audit) -> str | None:
    """Return the key that our hidden metadata carries, if any."""
    custom = audit.metadata.custom if audit.metadata else None
    return custom.esc.key if custom and custom.esc else None


class _Reading:
    """One audit being read."""

    def __init__(self, audit: shapes.Audit, witness: Witness, *, first: bool) -> None:
        self._audit = audit
        self._witness = witness
        self._first = first
        self._at = _moment(audit)
        self._author = self._actor(audit.author_id)
        self._by_us = self._author.role is Role.OURS or marker(audit) is not None

    def events(self) -> Iterator[TicketEvent]:
        if self._first:
            yield self._created()
        for event in self._audit.events or ():
            if event.type in {"Change", "Create"} and (not self._first or self._labels_at_once(event)):
                yield from self._changed(event)
            elif _is_comment(event) and not self._first:
                yield from self._commented(event)
        yield from self._merged()

    def _labels_at_once(self, event: shapes.AuditEvent) -> bool:
        """True for labels that a rule or an agent gives a ticket that is being opened: they are not its requester's."""
        return event.field_name == "tags" and self._who(event)[0].role in {Role.AUTOMATION, Role.AGENT}

    def _created(self) -> TicketEvent:
        initial = {e.field_name: e.value for e in self._audit.events or () if e.type == "Create"}
        status = normalise.status(_text(initial.get("status")), self._witness.fields) or Status.NEW
        requester = _text(initial.get("requester_id"))
        actor = self._actor(int(requester)) if requester and requester.isdecimal() else self._author
        return TicketEvent(id="created", at=self._at, kind=EventKind.CREATED, actor=actor, after=str(status))

    def _changed(self, event: shapes.AuditEvent) -> Iterator[TicketEvent]:
        kind, name, translate = self._meaning(event.field_name or "")
        if kind is None:
            return
        before, after = translate(event.previous_value), translate(event.value)
        if before == after:
            return
        actor, reaction = self._who(event)
        yield TicketEvent(
            id=f"created:{event.id}" if self._first else str(event.id),
            at=self._at,
            kind=kind,
            actor=actor,
            before=before,
            after=after,
            name=name,
            reaction=reaction,
        )

    def _commented(self, event: shapes.AuditEvent) -> Iterator[TicketEvent]:
        actor, reaction = self._who(event)
        if actor.role is not Role.AUTOMATION and event.author_id not in {None, self._audit.author_id}:
            actor = self._actor(event.author_id)
        id_, public = str(event.id), event.public is not False
        said = TicketEvent(id=id_, at=self._at, kind=EventKind.COMMENT, actor=actor, public=public, reaction=reaction)
        body = event.body if isinstance(event.body, str) else ""
        if is_mirrored(said, body):
            said = replace(said, reaction=True)
        yield said
        if "/esc" in body.casefold() and not self._merges:  # what a merge notes quotes the other ticket's customer
            yield from command_events(said, body, prefix=id_, allowed=self._witness.may_command(actor.id))

    def _meaning(self, field: str) -> tuple[EventKind | None, str, Callable[[Any], str | None]]:
        fields = self._witness.fields
        known: Mapping[str, tuple[EventKind, Callable[[Any], str | None]]] = {
            "status": (EventKind.STATUS, lambda v: _text(normalise.status(_text(v), fields))),
            "custom_status_id": (EventKind.STATUS, lambda v: _text(fields.statuses.get(str(v)))),
            "priority": (EventKind.PRIORITY, lambda v: _text(normalise.priority(_text(v), fields))),
            "group_id": (EventKind.GROUP, lambda v: fields.group_name(_text(v))),
            "assignee_id": (EventKind.ASSIGNEE, lambda v: fields.person_name(_text(v))),
            "tags": (EventKind.LABELS, _labels),
        }
        if fields.hold_until and field == fields.hold_until.id:
            return EventKind.FACT, HOLD_UNTIL, until_text
        if field in known:
            kind, translate = known[field]
            return kind, "", translate
        bound = _input_of(field, fields)
        if bound is None:
            return None, "", _text
        name, binding = bound
        return EventKind.FACT, name, lambda v: _fact(v, binding)

    def _who(self, event: shapes.AuditEvent) -> tuple[Actor, bool]:
        """Return who did it and whether it was in answer to us."""
        via = event.via or self._audit.via
        if via is not None and via.channel in _RULES:
            rule = via.source.from_.id if via.source and via.source.from_ else None
            return Actor(f"rule:{rule or ''}", Role.AUTOMATION), self._by_us
        return self._author, self._by_us and self._author.role is not Role.OURS

    def _actor(self, id_: int | None) -> Actor:
        if id_ is None or id_ <= 0:
            return Actor("", Role.AUTOMATION)  # the system itself
        return Actor(str(id_), self._witness.role_of(id_))

    @property
    def _merges(self) -> list[shapes.Source]:
        """Return what the audit tells of merges; empty where it is of none."""
        vias = (self._audit.via, *(event.via for event in self._audit.events or ()))
        return [source for via in vias if via and (source := via.source) is not None and source.rel == "merge"]

    def _merged(self) -> Iterator[TicketEvent]:
        """Yield one event per ticket that a merge closed into this one, or one for the merge that closed this one."""
        merges = self._merges
        ids = list(dict.fromkeys(id_ for source in merges for id_ in _ids(source.from_)))
        for id_ in ids:
            yield self._merge(f"merged:{id_}", name=ABSORBED, after=id_)
        if merges and not ids:
            yield self._merge("merged", after=next(iter(_ids(merges[0].to)), None))

    def _merge(self, suffix: str, *, name: str = "", after: str | None) -> TicketEvent:
        id_, kind = f"{self._audit.id}:{suffix}", EventKind.MERGED
        return TicketEvent(id=id_, at=self._at, kind=kind, actor=self._author, name=name, after=after)


def _moment(audit: shapes.Audit) -> datetime:
    try:
        return normalise.moment(audit.created_at)
    except ValueError as error:
        raise Malformed(f"audit {audit.id}: {error}") from None


def _ids(place: shapes.Place | None) -> tuple[str, ...]:
    """Return the tickets that a place names."""
    if place is None:
        return ()
    ids = place.ticket_ids if isinstance(place.ticket_ids, list) else [place.ticket_id]
    return tuple(str(id_) for id_ in ids if isinstance(id_, int))


def _is_comment(event: shapes.AuditEvent) -> bool:
    return event.type in _COMMENTS


def _input_of(field: str, fields: FieldMap) -> tuple[str, Binding] | None:
    bound = ((name, b) for name, b in fields.inputs.items() if b.source is BindingSource.FIELD and name != LOCALE)
    return next(((name, b) for name, b in bound if b.id == field), None)


def _fact(value: Any, binding: Binding) -> str | None:
    fact = as_fact(value, binding.values)
    return " ".join(sorted(fact)) if isinstance(fact, frozenset) else _text(fact)


def _labels(value: Any) -> str:
    return " ".join(sorted(value)) if isinstance(value, list) else _text(value) or ""


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)
