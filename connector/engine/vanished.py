"""Tickets that the helpdesk does not show any more: a few are gone, a share of a scope is a right that we lost.

A helpdesk seldom tells a deleted ticket from one that is hidden from our account. A second look is taken for each, and
some others of its scope are looked at with it: where more than a share of them is not shown, nothing ends. The scope is
frozen with an alarm until somebody says ``resume``, with a number where the tickets are really gone.

So it is where most of a scope is shown in one and the same other place: a project that was given another key, which the
search goes on to find under its old one.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from connector.engine.aside import suspect, to_confirm
from connector.engine.histories import chunks
from connector.engine.kit import SiteReading, Surroundings
from connector.ports import Alarm, AlarmKind, AsideKind, Page, SetAside, SiteState

LEAST = 2
"""So many tickets of a scope may vanish at once whatever their share: a small project may be tidied up."""

SHARE = Fraction(1, 5)
"""The share of a scope's open tickets above which nothing ends."""

MOST = Fraction(1, 2)
"""The share of a scope's open tickets above which those in one other place were not moved one by one."""

LOOKED_AT = 100
"""Other open tickets of a scope that are looked at beside those that were not shown, where it has so many."""

UNSEEN = "unseen"
"""``SetAside.field`` of a scope whose tickets are not shown; ``bindings`` says how many are not."""

RENAMED = "renamed"
"""The same of a scope whose tickets are shown in another place; ``value`` names that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLook:
    """What a second look brought: pages to store, whose ``gone`` have ended, and what it settled."""

    pages: tuple[Page, ...] = ()
    settled: tuple[SetAside, ...] = ()


def look_again(site: SiteReading, around: Surroundings, state: SiteState, *, now: datetime) -> SecondLook:
    """Look a second time for tickets that were not shown a minute ago; what is missing again is gone, within a share.

    Raises:
        Unavailable: The helpdesk cannot be read.
    """
    items = to_confirm(site, around, now=now)
    if not items:
        return SecondLook()
    scopes = around.journal.open_by_scope(site.name)
    frozen = {
        i.scope for i in around.asides.aside(site.name) if i.kind is AsideKind.SCOPE and i.field in {UNSEEN, RENAMED}
    }
    waiting = frozenset(itertools.chain.from_iterable(scopes.get(scope, ()) for scope in frozen))
    items = tuple(item for item in items if item.ticket not in waiting)
    ids = [item.ticket for item in items]
    pages = tuple(site.reader.get(chunk) for chunk in chunks([*ids, *_others(scopes, ids)], 100))
    missing = frozenset(itertools.chain.from_iterable(page.gone for page in pages))
    elsewhere = frozenset(itertools.chain.from_iterable(page.elsewhere for page in pages))
    moved_to = {id_: place for page in pages for id_, place in page.moved_to.items()}
    looked = frozenset(itertools.chain(ids, *([o.ticket.ref.id for o in page.observations] for page in pages), missing))
    kept: set[str] = set()
    for scope, known in sorted(scopes.items()):
        unseen = known & missing - elsewhere
        if _is_too_much(unseen, known & looked, state):
            _freeze(site, around, scope, unseen, known, now=now)
            kept |= unseen
        place, moved = _in_one_place(known & missing & elsewhere, moved_to)
        if place and _is_too_much(moved, known & looked, state, share=MOST):
            _freeze(site, around, scope, moved, known, place=place, now=now)
            kept |= moved
    suspect(site, around, sorted(missing - set(ids)), now=now)
    ended = (missing & set(ids)) - kept
    return SecondLook(
        pages=tuple(replace(page, gone=tuple(id_ for id_ in page.gone if id_ in ended)) for page in pages),
        settled=tuple(item for item in items if item.ticket not in kept),
    )


def _others(scopes: Mapping[str, frozenset[str]], ids: Collection[str]) -> list[str]:
    """Return other open tickets of the scopes that some belong to: enough to tell a few missing ones from a share."""
    found: list[str] = []
    for known in scopes.values():
        if mine := known.intersection(ids):
            found += sorted(known - mine)[: max(LOOKED_AT, len(mine) * 2 * SHARE.denominator)]
    return found


def _in_one_place(ids: Collection[str], moved_to: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    """Return the place in which most of some tickets are shown, and which of them; no place where there is none."""
    places = Counter(moved_to[id_] for id_ in sorted(ids) if id_ in moved_to)
    place = places.most_common(1)[0][0] if places else ""
    return place, frozenset(id_ for id_ in ids if moved_to.get(id_) == place)


def _is_too_much(
    unseen: Collection[str], looked: Collection[str], state: SiteState, *, share: Fraction = SHARE
) -> bool:
    allowed = max(LEAST, *state.allowance.values(), 0)
    return len(unseen) > allowed and len(unseen) > len(looked) * share


def _freeze(  # noqa: PLR0913
    site: SiteReading,
    around: Surroundings,
    scope: str,
    unseen: Collection[str],
    known: Collection[str],
    *,
    place: str = "",
    now: datetime,
) -> None:
    """Freeze a scope whose tickets are not shown, and raise the alarm first: a crash between the two repeats it.

    ``place``: they are shown there, which the site does not look after.
    """
    name = f"{scope} on {site.name}" if scope else site.name
    became = f"are in {place} now, which is not looked after" if place else "are not shown any more"
    why = f"{len(unseen)} of its {len(known)} open tickets {became}; none of them is taken for gone"
    item = SetAside(
        kind=AsideKind.SCOPE,
        scope=scope,
        field=RENAMED if place else UNSEEN,
        value=place,
        why=why,
        bindings=str(len(unseen)),
        since=now,
    )
    around.notifier.alarm(
        Alarm.of_site(
            AlarmKind.FREEZE,
            site.name,
            f"writes to {name} are frozen: {why}",
            remedy=to_go_on(site.name, item),
            at=now,
        )
    )
    around.asides.set_aside(site.name, (item,))


def to_go_on(site: str, item: SetAside) -> str:
    """Return what ends such a freeze: the rights are back, the new key is known, or the tickets are really gone."""
    mend, gone = "give the account its rights back", "are really gone"
    if item.field == RENAMED:
        mend = f"if the project has another key now, put {item.value} for {item.scope} under the site's projects"
        gone = "were really moved"
    return f"{mend}, then: connector resume {site}; if they {gone}: connector resume {site} --allow {item.bindings}"
