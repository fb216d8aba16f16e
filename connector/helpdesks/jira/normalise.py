"""Jira's issues into our tickets and events. Pure: structs and a site's shape in, frozen values out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from connector.domain.copying import maker
from connector.domain.events import TicketEvent
from connector.domain.site import FieldMap
from connector.domain.ticket import Link, LinkKind, Status, Text, Ticket, TicketRef
from connector.errors import Malformed
from connector.helpdesks.jira.clocks import natives
from connector.helpdesks.jira.facts import facts, locale, option
from connector.helpdesks.jira.people import comment_events
from connector.helpdesks.jira.shape import Shape, moment, version_at
from connector.helpdesks.jira.structs import Account, Fields, Issue, IssueLink, LinkType, StatusValue
from connector.helpdesks.jira.text import plain_of
from connector.helpdesks.plaintext import clean
from connector.helpdesks.twins import twins_in
from connector.helpdesks.until import until

_new_ticket, _new_ref, _new_text = maker(Ticket), maker(TicketRef), maker(Text)
_CATEGORIES = {"new": Status.NEW, "indeterminate": Status.OPEN, "done": Status.SOLVED}
_NOBODY: frozenset[str] = frozenset()
_LONGEST_TEXT = 20_000
_KEY = re.compile(r"[A-Z][A-Z0-9_]*-[0-9]+", re.ASCII)
_UNREADABLE = (msgspec.DecodeError, ValueError, TypeError, KeyError, OverflowError, RecursionError)


Languages = Mapping[str, str | None]
"""Account → the language that its person reads."""

UNASKED: Languages = MappingProxyType({})


class Observed(NamedTuple):
    """An issue's ticket and the events of its comments; ``unshown``: Jira counts more comments than it shows here."""

    ticket: Ticket
    events: tuple[TicketEvent, ...] = ()
    unshown: bool = False


def observe(issue: Issue, shape: Shape, *, now: datetime, languages: Languages = UNASKED) -> Observed:
    """Return what an issue tells; raises ``Malformed`` when it cannot be read."""
    try:
        fields = fields_of(issue, shape)
        ticket = _ticket(issue, fields, shape, now=now, languages=languages)
        page = fields.comment
        if page is None:
            return Observed(ticket)
        comments = page.comments or ()
        events = tuple(comment_events(comments, shape, requester=ticket.requester)) if comments else ()
        return Observed(ticket, events, (page.total or 0) > len(comments))
    except _UNREADABLE as error:
        raise Malformed(f"issue {issue.id}: {type(error).__name__}: {str(error)[:200]}") from error


def fields_of(issue: Issue, shape: Shape) -> Fields:
    """Return an issue's fields, decoded with its page or only now."""
    given: Any = issue.fields
    return given if isinstance(given, Fields) else shape.decode(given)


def version_of(issue: Issue, shape: Shape) -> str:
    """Return an issue's version, empty where it cannot be read."""
    try:
        return version_at(moment(fields_of(issue, shape).updated))
    except _UNREADABLE:
        return ""


def requesters_of(issues: Iterable[Issue], shape: Shape) -> frozenset[str]:
    """Return who reported some issues, as far as they can be read."""
    found: set[str] = set()
    for issue in issues:
        try:
            reporter = fields_of(issue, shape).reporter
        except _UNREADABLE:
            continue
        if reporter is not None and reporter.account_id:
            found.add(reporter.account_id)
    return frozenset(found)


def _ticket(issue: Issue, fields: Fields, shape: Shape, *, now: datetime, languages: Languages) -> Ticket:
    names = shape.fields
    requester = fields.reporter.account_id if fields.reporter else None
    updated_at = moment(fields.updated)
    named = fields.priority.id if fields.priority else None
    group = option(getattr(fields, names.group_field.id, None)) if names.group_field else None
    level = option(getattr(fields, names.level.id, None)) if names.level else None
    opened_at = updated_at if fields.created == fields.updated else moment(fields.created)
    return _new_ticket(
        ref=_new_ref(shape.site, issue.id),
        key=_key(issue),
        version=version_at(updated_at),
        status=status_of(fields.status, names),
        opened_at=opened_at,
        updated_at=updated_at,
        priority=shape.priorities.get(named) if named else None,
        group=None if group is None else names.group_name(group),
        foreign_priority=bool(named) and named not in shape.priorities,
        assignee=_person(fields.assignee, shape),
        labels=frozenset(fields.labels or ()),
        level=int(float(level)) if level else None,
        path=option(getattr(fields, names.path.id, None)) if names.path else None,
        requester=requester,
        locale=locale(fields, shape) or languages.get(requester or ""),
        facts=facts(fields, shape),
        text=_text(fields),
        native=natives(fields, shape, now=now),
        links=_all_links(fields, names) if fields.issuelinks or names.twins else (),
        scope=(fields.project.key or "") if fields.project else "",
        restricted=fields.security is not None,
        url=f"{shape.web_url}/browse/{issue.key}",
        held_until=until(getattr(fields, names.hold_until.id, None)) if names.hold_until else None,
        involved=_participants(getattr(fields, shape.participants, None)) if shape.participants else _NOBODY,
    )


def _participants(value: Any) -> frozenset[str]:
    """Return who takes part in a request beside its reporter."""
    accounts = msgspec.convert(value, list[Account]) if value else ()
    return frozenset(account.account_id for account in accounts if account.account_id)


def _key(issue: Issue) -> str:
    """Return the issue's key; raises ``ValueError`` for what no Jira gives out: it goes to commands and addresses."""
    if issue.key and not _KEY.fullmatch(issue.key):
        raise ValueError("its key is not that of an issue")
    return issue.key or issue.id


def _person(account: Account | None, shape: Shape) -> str | None:
    id_ = account.account_id if account else None
    return None if id_ is None else shape.people.get(id_) or f"id:{id_}"


def status_of(value: StatusValue | None, names: FieldMap) -> Status:
    """Return our status by the map (id, then name), else by Jira's own category."""
    if value is None:
        return Status.OPEN
    category = (value.status_category.key if value.status_category else None) or ""
    return status_bound(value.id, value.name, names) or _CATEGORIES.get(category, Status.OPEN)


def status_bound(id_: str | None, name: str | None, names: FieldMap) -> Status | None:
    """Return what the map says of a status, by id, then by name."""
    shown, statuses = name or "", names.statuses
    return statuses.get(id_ or "") or statuses.get(shown) or statuses.get(shown.casefold())


def status_in_category(key: str) -> Status:
    """Return our status for one of Jira's own categories."""
    return _CATEGORIES.get(key, Status.OPEN)


def _text(fields: Fields) -> Text | None:
    if fields.summary is None:
        return None
    return _new_text(subject=clean(fields.summary), first_message=clean(plain_of(fields.description)[:_LONGEST_TEXT]))


def _all_links(fields: Fields, names: FieldMap) -> tuple[Link, ...]:
    linked = _links(fields.issuelinks or (), names)
    twins = ((option(getattr(fields, bound.field, None)), site, bound) for site, bound in names.twins.items())
    return (*linked, *(link for value, site, bound in twins for link in twins_in(value, site, bound)))


def _links(links: Iterable[IssueLink], names: FieldMap) -> Iterator[Link]:
    """Yield the links that the map names, by the phrase on this side of the link or by the type's name.

    A type's name alone says nothing about the direction: then a duplicate is the one that "duplicates", and attached to
    a problem is the one that "is caused by" it. The target is the immutable id; keys change when issues move.
    """
    for link in links:
        other = link.outward_issue or link.inward_issue
        kind = _link_kind(link, names)
        if kind and other:
            yield Link(kind=kind, target=other.id or other.key or "")


def _link_kind(link: IssueLink, names: FieldMap) -> LinkKind | None:
    type_, outward = link.type or LinkType(), link.outward_issue is not None
    phrase = (type_.outward if outward else type_.inward) or ""
    if (said := _mapped(phrase, names)) is not None:
        return said
    kind = _mapped(type_.name or "", names)
    if kind is LinkKind.MERGED_INTO and not outward:
        return LinkKind.ABSORBED
    return None if kind is LinkKind.PROBLEM and outward else kind


def _mapped(name: str, names: FieldMap) -> LinkKind | None:
    kind = names.links.get(name) or names.links.get(name.casefold())
    return LinkKind(kind) if kind else None
