"""A helpdesk that answers and tells no histories, of all tickets or of some: the pass goes on without them.

What waits for a history waits then as it does when their share of the budget is used up. They are asked for again with
the next pass, and while nothing can be read less and less often, at most once a pass. The tickets at which it failed
are asked about last and each alone, so that one that can never be read costs the others nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from connector.engine.kit import SiteReading, Surroundings
from connector.engine.outage import FIRST_REST, LONGEST_REST
from connector.errors import Denied, HelpdeskError, NotSent, Throttled, Unavailable
from connector.ports import AsideKind, SetAside

NEXT_PASS = timedelta(seconds=5)
"""How long nothing is asked after something could be read, or at first: less than lies between two passes."""

MOST_AT_ONCE = 50
"""Histories that are read before they are stored."""

MOST_SUSPECTS = 1000
"""Tickets that are known to fail; beyond that whoever fails anew waits until one of these is settled."""

FORGOTTEN_AFTER = timedelta(days=1)
"""A ticket that was not asked about for so long is not waited for any more, and makes room for another one."""

OWN_AFTER = timedelta(hours=1)
"""For how long a ticket's history fails before it is the ticket's own fault: what a helpdesk has by chance is over."""

_SUSPECT = re.compile(r"(\d+)\.(\d+)([+-])(.+)")


class _Suspect(NamedTuple):
    """A ticket at which reading failed: since when and when last, and whether others could be read since."""

    id: str
    since: datetime
    last: datetime
    others: bool

    def __str__(self) -> str:
        return f"{int(self.since.timestamp())}.{int(self.last.timestamp())}{'+' if self.others else '-'}{self.id}"

    def after(self, told: Collection[str]) -> _Suspect:
        """Return it after others could be read, if any could."""
        return self._replace(others=self.others or bool(told))

    def is_resting(self, now: datetime) -> bool:
        """Return whether it is not to be asked about yet."""
        return now < self.last + (NEXT_PASS if self.last == self.since else rest_after(self.last - self.since))


def standing(site: SiteReading, around: Surroundings) -> SetAside | None:
    """Return what keeps histories from being read on a site, as far as it is known."""
    return next((item for item in around.asides.aside(site.name) if item.kind is AsideKind.HISTORIES), None)


def failing(trouble: SetAside | None) -> int:
    """Return at how many tickets reading has failed."""
    return len(_suspects(trouble))


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
    failed = dict.fromkeys(each.id for each in _suspects(trouble))
    known = frozenset(ids)
    return (*(id_ for id_ in ids if id_ not in failed), *(id_ for id_ in failed if id_ in known))


def in_turn(ids: Sequence[str], trouble: SetAside | None, now: datetime) -> Iterator[tuple[str, ...]]:
    """Yield the ids that are asked for together: many, or with ``trouble`` one as a probe, then more and more.

    Those at which it failed a short while ago are left out. The others of them come last; but first where no more
    can be remembered, as one that is not would then end every pass before them.
    """
    size = MOST_AT_ONCE if trouble is None else 1
    suspects = _suspects(trouble)
    failed, due = {each.id for each in suspects}, {each.id for each in suspects if not each.is_resting(now)}
    sound = [id_ for id_ in ids if id_ not in failed]
    again = [(id_,) for id_ in suspects_last(ids, trouble) if id_ in due]
    if len(suspects) >= MOST_SUSPECTS:
        yield from again
        again = []
    start = 0
    while start < len(sound):
        yield tuple(sound[start : start + size])
        start, size = start + size, min(2 * size, MOST_AT_ONCE)
    yield from again


def is_its_own(trouble: SetAside | None, ticket: str, *, learns: Callable[[], bool], now: datetime) -> bool:
    """Return whether a history that fails once more is the ticket's own trouble: for long, and others' could be read.

    ``learns`` tells whether others can be read now; it is asked where that alone decides.
    """
    known = next((each for each in _suspects(trouble) if each.id == ticket), None)
    return known is not None and now - known.since >= OWN_AFTER and (known.others or learns())


def note_trouble(  # noqa: PLR0913
    site: SiteReading,
    around: Surroundings,
    known: SetAside | None,
    error: HelpdeskError,
    *,
    ticket: str,
    told: Collection[str],
    is_settled: bool,
) -> None:
    """Remember and tell that a history could not be read, at which ticket, and until when none is asked for.

    ``told`` are those that could be read just before. What nobody answered at all is no trouble with histories.
    ``is_settled``: the ticket is given up, and not remembered.
    """
    stated = timedelta(0)
    if concerns_all(error):
        if not isinstance(error, Unavailable) or not isinstance(error.__cause__, Throttled):
            return
        stated = error.retry_after or stated
    now = around.clock.now()
    since = now if known is None or told else known.since
    rest = NEXT_PASS if since == now else rest_after(now - since)
    if known is not None and since == now:
        around.asides.take_back(site.name, (known,), now=now)
    before = {each.id: each.after(told) for each in _suspects(known) if each.id not in told}
    latest = before.pop(ticket, _Suspect(ticket, now, now, others=False)).after(told)._replace(last=now)
    suspects = " ".join(map(str, before.values() if is_settled else _within_bounds(before, latest)))
    why = str(error)[:200]
    item = SetAside(kind=AsideKind.HISTORIES, why=why, bindings=suspects, since=since, until=now + stated + rest)
    around.asides.set_aside(site.name, (item,))
    around.observer.event("histories_untold", site=site.name, ticket=ticket, why=why)


def over(site: SiteReading, around: Surroundings, trouble: SetAside | None, *, waiting: Collection[str] = ()) -> None:
    """Forget what kept histories from being read: all that was asked for could be, and none of ``waiting`` rests."""
    now = around.clock.now()
    resting = {each.id for each in _suspects(trouble) if each.is_resting(now)}
    if trouble is not None and resting.isdisjoint(waiting):
        around.asides.take_back(site.name, (trouble,), now=now)


def nothing_waits(site: SiteReading, around: Surroundings) -> None:
    """Forget what kept histories from being read once none is asked for any more, and nothing of it rests."""
    trouble, now = standing(site, around), around.clock.now()
    if not is_resting(trouble, now):
        over(site, around, trouble, waiting=[each.id for each in _suspects(trouble)])


def _within_bounds(before: Mapping[str, _Suspect], latest: _Suspect) -> Iterator[_Suspect]:
    """Yield the tickets that are known to fail, the latest last: one that is known is never lost for a new one."""
    known = list(before.values())
    is_full = len(known) >= MOST_SUSPECTS
    if is_full and latest.last - known[0].last > FORGOTTEN_AFTER:
        del known[0]
        is_full = False
    yield from known
    if not is_full:
        yield latest


def rest_after(length: timedelta) -> timedelta:
    """Return how long nothing is asked that has failed for so long."""
    return min(max(length, FIRST_REST), LONGEST_REST)


def _suspects(trouble: SetAside | None) -> tuple[_Suspect, ...]:
    """Return the tickets at which it failed, the latest last."""
    found = (_SUSPECT.fullmatch(told) for told in trouble.bindings.split()) if trouble is not None else ()
    return tuple(_Suspect(m[4], _moment(m[1]), _moment(m[2]), m[3] == "+") for m in found if m)


def _moment(told: str) -> datetime:
    return datetime.fromtimestamp(int(told), tz=UTC)
