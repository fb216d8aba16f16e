"""What is set aside on a site, in words: for ``status`` and ``attention``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from connector.engine.quarantine import DECIDING, WRITING, given_up
from connector.engine.refusals import takes_no_comments
from connector.engine.targets import UNKNOWN, of_some
from connector.engine.vanished import RENAMED, UNSEEN, to_go_on
from connector.ports import AsideKind, SetAside

Name = Callable[[str, str], str]
"""(site, ticket id) → what people call the ticket."""


def in_short(items: Iterable[SetAside], *, now: datetime) -> tuple[str, ...]:
    """Return one phrase per thing that is set aside, refused values in one; what has ended by now is left out."""
    standing = [item for item in items if _stands(item, now)]
    refused = len({item.ticket for item in standing if item.kind is AsideKind.REFUSED})
    told = tuple(_phrase(item) for item in standing if item.kind is not AsideKind.REFUSED)
    return (*told, f"something refused on {refused} tickets") if refused else told


def quarantined(items: Iterable[SetAside]) -> frozenset[str]:
    """Return ids of the tickets that are left alone because our own code fails on them."""
    known = tuple(items)
    return given_up(known, DECIDING) | given_up(known, WRITING)


def _stands(item: SetAside, now: datetime) -> bool:
    """True for what a person is to know; that a ticket failed once is not news, its quarantine is shown apart."""
    if item.kind in {AsideKind.REFUSED, AsideKind.HISTORIES, AsideKind.UNANSWERED}:
        return True  # tried again after its moment, and so until then
    return item.kind is not AsideKind.QUARANTINE and (item.until is None or item.until > now)


def to_settle(site: str, items: Iterable[SetAside], called: Name, *, now: datetime) -> Iterable[dict[str, Any]]:
    """Yield a row of ``attention`` per thing that is set aside."""
    resume = f"connector resume {site}"
    known = tuple(items)
    yield from (_of_quarantine(site, item, called) for item in known if given_up((item,), item.field))
    for item in known:
        if not _stands(item, now):
            continue
        consequence, command = _consequence(site, item)
        yield {
            "kind": _KINDS.get(item.kind, "set-aside"),
            "site": site,
            "ticket": called(site, item.ticket),
            "since": item.since,
            "what": f"{_phrase(item)}: {item.why}",
            "consequence": consequence,
            "command": command.format(resume=resume, release=f"connector release {site}:{item.ticket}"),
        }


_KINDS = {AsideKind.SCOPE: "frozen", AsideKind.TARGET: "target", AsideKind.HISTORIES: "unread"}


def _of_quarantine(site: str, item: SetAside, called: Name) -> dict[str, Any]:
    return {
        "kind": "quarantined",
        "site": site,
        "ticket": called(site, item.ticket),
        "since": item.since,
        "what": f"{item.why}, {item.value} times",
        "consequence": "left alone until it or the policy changes; the others go on",
        "command": f"report our fault; to try it again: connector release {site}:{item.ticket}",
    }


_CONSEQUENCES = {
    AsideKind.SITE: ("neither read nor written until then", "{resume}    # asks again at once"),
    AsideKind.HISTORIES: (
        "what may be a person's choice waits, all else goes on; tried again by itself",
        "mend what the reason says, then: {resume}    # asks again at once",
    ),
    AsideKind.SCOPE: (
        "nothing is written there; the other scopes go on",
        "give the account its rights, then: {resume}",
    ),
    AsideKind.FIELD: (
        "this field is left alone; all else is written",
        "mend the field or the site's map, then: {resume}",
    ),
    AsideKind.REFUSED: (
        "left alone, all else goes on; tried again when the ticket or the site's map changes",
        "mend what the reason says, then: {release}",
    ),
    AsideKind.TARGET: (
        "its levels call the next one who can be reached; where there is nobody, an alarm says so",
        "put it back, or name another one in the policy or the site's map",
    ),
    AsideKind.UNANSWERED: (
        "what is open there stays open, all else goes on; tried again by itself",
        "look why the helpdesk does not show it; to try it at once: {release}",
    ),
    AsideKind.TICKET: ("looked for again; gone if it is not there then", "nothing to do"),
}


def _consequence(site: str, item: SetAside) -> tuple[str, str]:
    if takes_no_comments(item):
        return _MUTE
    if item.kind is AsideKind.TARGET and item.value:
        return _PARTLY_KNOWN if of_some(item) else _UNKNOWN
    if item.kind is AsideKind.SCOPE and item.field in {UNSEEN, RENAMED}:
        return "nothing is written there, and none of its tickets ends; the other scopes go on", to_go_on(site, item)
    return _CONSEQUENCES[item.kind]


_SEE_PEOPLE = "let the account that reads see people, groups and their members"
_UNKNOWN = ("its levels call it as if somebody were there", _SEE_PEOPLE)
_PARTLY_KNOWN = ("its levels call it; who is not told of counts as one who can take a ticket", _SEE_PEOPLE)
_MUTE = ("nothing is said there; its fields are written", "mend what the reason says, then: {release}")


def _phrase(item: SetAside) -> str:
    match item.kind:
        case AsideKind.SITE:
            return f"left alone until {item.until:%Y-%m-%d %H:%M:%S} UTC"
        case AsideKind.SCOPE:
            if item.field == RENAMED:
                return f"{item.scope}: tickets are in {item.value} now, frozen"
            unseen = item.field == UNSEEN
            return f"{item.scope or 'the site'}: tickets not shown, frozen" if unseen else f"{item.scope} frozen"
        case AsideKind.FIELD:
            value = f" {item.value}" if item.value else ""
            return f"{item.field}{value} refused" + ("" if item.ticket else f" in {item.scope}")
        case AsideKind.UNANSWERED:
            return f"no answer for {item.ticket} at {item.field}"
        case AsideKind.REFUSED:
            return f"{item.field} {item.value}".strip() + " not accepted"
        case AsideKind.TARGET:
            return _behind(item)
        case _:
            return _PHRASES[item.kind]


def _behind(item: SetAside) -> str:
    if some := of_some(item):
        return f"behind {item.field} {some[0]} people are known, and {some[1]} not told of"
    return f"unknown who is behind {item.field}" if item.value == UNKNOWN else f"nobody behind {item.field}"


_PHRASES = {
    AsideKind.HISTORIES: "histories cannot be read",
    AsideKind.TICKET: "not shown by the helpdesk",
    AsideKind.QUARANTINE: "quarantined",
}
