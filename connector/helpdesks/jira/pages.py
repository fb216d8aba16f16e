"""From the bytes of an answer to observations. One issue that cannot be read never costs the others. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypeVar

import msgspec

from connector.domain.copying import maker
from connector.errors import HelpdeskError, Unavailable, why_unreadable
from connector.helpdesks.collecting import uncollected
from connector.helpdesks.jira.normalise import UNASKED, Languages, observe
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import Issue, IssueId, RawPage, SearchPage
from connector.helpdesks.mending import UNREADABLE, mended
from connector.ports import Observation, Quarantined

T = TypeVar("T")

_new_observation = maker(Observation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The issues of an answer; ``token`` leads to the next page, ``None`` ends them."""

    issues: Sequence[Issue]
    malformed: tuple[Quarantined, ...] = ()
    token: str | None = None


def decoded(body: bytes, kind: type[T], *, what: str, odd: type[HelpdeskError] = Unavailable) -> T:
    """Decode an answer; raises ``Unavailable`` when it is not what it should be.

    ``odd`` is raised of one that is whole and holds what is not expected: ``Malformed`` where one ticket alone is asked
    for.
    """
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise odd(f"{what}: unreadable answer: {str(error)[:200]}") from error
    except UNREADABLE:
        return _mended(body, kind, what=what, odd=odd)


def _mended(body: bytes, kind: type[T], *, what: str, odd: type[HelpdeskError]) -> T:
    try:
        return msgspec.json.decode(mended(body), type=kind, strict=False)
    except UNREADABLE as error:
        why = odd if isinstance(error, msgspec.ValidationError) else Unavailable
        raise why(f"{what}: unreadable answer: {str(error)[:200]}") from error


Read: TypeAlias = Callable[[bytes], SearchPage]

read_page: Read = msgspec.json.Decoder(SearchPage, strict=False).decode
"""Reads a page and leaves the fields of its issues for later."""


def found_in(body: bytes, *, what: str, read: Read = read_page) -> Found:
    """Read a page of a search or of a bulk read; raises ``Unavailable`` when it is no page at all.

    ``read`` may decode the fields of a site's issues as well; where one of them breaks that, all are left for later.
    """
    try:
        page = read(body)
    except UNREADABLE:
        return _one_by_one(decoded(body, RawPage, what=what))
    return Found(issues=page.issues, token=page.next_page_token or None)


def _one_by_one(page: RawPage) -> Found:
    issues: list[Issue] = []
    malformed: list[Quarantined] = []
    for raw in page.issues:
        try:
            issues.append(msgspec.json.decode(raw, type=Issue, strict=False))
        except UNREADABLE as error:
            malformed.append(_quarantined(_id_of(raw), str(error), bytes(raw)))
    return Found(issues=issues, malformed=tuple(malformed), token=page.next_page_token or None)


def _id_of(raw: msgspec.Raw) -> str:
    try:
        return str(msgspec.json.decode(raw, type=IssueId, strict=False).id)
    except UNREADABLE:
        return ""


@uncollected()
def observed(
    found: Found, shape: Shape, *, now: datetime, languages: Languages = UNASKED
) -> tuple[tuple[Observation, ...], tuple[Quarantined, ...]]:
    """Return what can be read of the issues found, and what cannot."""
    observations: list[Observation] = []
    malformed = list(found.malformed)
    for issue in found.issues:
        try:
            ticket, events, unshown = observe(issue, shape, now=now, languages=languages)
            observations.append(_new_observation(ticket=ticket, events=events, unshown=unshown))
        except Exception as error:  # noqa: BLE001 - one ticket never costs the others theirs
            malformed.append(_quarantined(issue.id, why_unreadable(error), msgspec.json.encode(issue.fields)))
    return tuple(observations), tuple(malformed)


def _quarantined(id_: str, why: str, sample: bytes) -> Quarantined:
    return Quarantined(id=id_, why=why[:200], digest=hashlib.sha256(sample).hexdigest())
