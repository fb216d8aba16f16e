"""A helpdesk that answers and tells no histories, of all tickets or of some: the pass goes on without them.

What waits for a history waits then as it does when their share of the budget is used up. They are asked for again with
the next pass, and while nothing can be read less and less often, at most once a pass. The tickets at which it failed
are asked about last and each alone, so that one that can never be read costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from connector.engine.kit import SiteReading, Surroundings
from connector.engine.outage import FIRST_REST, LONGEST_REST
from connector.errors import Denied, HelpdeskError, NotSent, Throttled, Unavailable
from connector.ports import AsideKind, SetAside

NEXT_PASS = timedelta(seconds=5)
"""How long nothing is asked after something could be read, or at first: less than lies between two passes."""

MOST_AT_ONCE = 50
"""Histories that are read before they are stored."""

MOST_SUSPECTS = 20


def standing(site: SiteReading, around: Surroundings) -> SetAside | None:
    """Return what keeps histories from being read on a site, as far as it is known."""
    return next((item for item in around.asides.aside(site.name) if item.kind is AsideKind.HISTORIES), None)


def is_resting(trouble: SetAside | None, now: datetime) -> bool:
    """Return whether no history is to be asked for yet."""
    return trouble is not None and trouble.until is not None and now < trouble.until


def concerns_all(error: HelpdeskError) -> bool:
    """Return whether an error on reading histories says something of the whole helpdesk.

    Such are credentials and rights, a wish to be left alone, an interruption, and that nobody is there at all.
    """
    if isinstance(error, Unavailable):
        return error.retry_after is not None or isinstance(error.__cause__, NotSent)
    return isinstance(error, Denied | NotSent | Throttled)


def suspects_last(ids: Sequence[str], trouble: SetAside | None) -> tuple[str, ...]:
    """Return ids in their order, those at which it failed last behind all others, the latest of them at the end."""
    failed = _suspects(trouble)
    known = frozenset(ids)
    return (*(id_ for id_ in ids if id_ not in failed), *(id_ for id_ in failed if id_ in known))


def in_turn(ids: Sequence[str], trouble: SetAside | None) -> Iterator[tuple[str, ...]]:
    """Yield the ids that are asked for together: many, or with ``trouble`` one as a probe, then more and more."""
    size = MOST_AT_ONCE if trouble is None else 1
    failed = frozenset(_suspects(trouble))
    sound = [id_ for id_ in ids if id_ not in failed]
    start = 0
    while start < len(sound):
        yield tuple(sound[start : start + size])
        start, size = start + size, min(2 * size, MOST_AT_ONCE)
    yield from ((id_,) for id_ in suspects_last(ids, trouble) if id_ in failed)


def note_trouble(
    site: SiteReading,
    around: Surroundings,
    known: SetAside | None,
    error: HelpdeskError,
    *,
    ticket: str,
    learned: bool,
) -> None:
    """Remember and tell that a history could not be read, at which ticket, and until when none is asked for.

    ``learned``: others could be read just before. What nobody answered at all is no trouble with histories.
    """
    stated = timedelta(0)
    if concerns_all(error):
        if not isinstance(error, Unavailable) or not isinstance(error.__cause__, Throttled):
            return
        stated = error.retry_after or stated
    now = around.clock.now()
    since = now if known is None or learned else known.since
    rest = NEXT_PASS if since == now else min(max(now - since, FIRST_REST), LONGEST_REST)
    if known is not None and since == now:
        around.asides.take_back(site.name, (known,), now=now)
    suspects = (*(id_ for id_ in _suspects(known) if id_ != ticket), ticket)[-MOST_SUSPECTS:]
    why = str(error)[:200]
    item = SetAside(
        kind=AsideKind.HISTORIES, why=why, bindings=" ".join(suspects), since=since, until=now + stated + rest
    )
    around.asides.set_aside(site.name, (item,))
    around.observer.event("histories_untold", site=site.name, ticket=ticket, why=why)


def over(site: SiteReading, around: Surroundings, trouble: SetAside | None) -> None:
    """Forget what kept histories from being read: all that was asked for could be."""
    if trouble is not None:
        around.asides.take_back(site.name, (trouble,), now=around.clock.now())


def _suspects(trouble: SetAside | None) -> tuple[str, ...]:
    return () if trouble is None else tuple(trouble.bindings.split())
