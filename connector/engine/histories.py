"""Reading the vendor's histories: within their share of the budget, and what they tell of us before they are stored."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from connector.engine.kit import SiteReading, Surroundings
from connector.engine.recall import recall
from connector.engine.strangers import notice_strangers

KEPT_FOR_URGENT = 4
"""Where more histories wait than may be read, one in so many is kept for what deciding finds the most urgent."""


def read_histories(site: SiteReading, around: Surroundings, *, keeps: bool) -> tuple[str, ...]:
    """Read vendor histories within their share of the budget, most urgent tickets first; return which were read.

    Here that is by their live priority. How urgent a ticket should be, only deciding tells: where it ``keeps`` a part,
    that is left for those.
    """
    allowance = site.reader.history_allowance()
    ids = around.journal.without_history(site.name, limit=allowance + keeps) if allowance > 0 else ()
    if keeps and len(ids) > allowance:
        ids = ids[: max(allowance - max(allowance // KEPT_FOR_URGENT, 1), 1)]
    return _read_in(site, around, ids)


def read_wanted(site: SiteReading, around: Surroundings, wanted: Sequence[str]) -> bool:
    """Read histories of tickets, open or not, that are not in, within the budget; return whether all are settled.

    One that cannot be read is settled once it is given up.
    """
    left = around.journal.histories_left(site.name, wanted)
    allowance = site.reader.history_allowance() if left else 0
    if allowance > 0:
        _read_in(site, around, left[:allowance])
        left = around.journal.histories_left(site.name, left)
    return not left


def _read_in(site: SiteReading, around: Surroundings, ids: Sequence[str]) -> tuple[str, ...]:
    """Read histories and store them; return the ids of those that could be read."""
    told: list[str] = []
    for chunk in chunks(ids, 50):
        read = tuple(site.reader.history(chunk))
        histories = tuple(h for h in read if not h.unreadable)
        # what they tell of our own writes first: once a history is stored, it is not asked for again
        notice_strangers(site, around, histories, now=around.clock.now())
        recall(site, around, histories, now=around.clock.now())
        around.journal.store_history(histories)
        around.journal.skip_history(site.name, [h for h in read if h.unreadable], now=around.clock.now())
        for skipped in (h for h in read if h.unreadable):
            around.observer.event("history_skipped", site=site.name, ticket=skipped.ref.id, why=skipped.unreadable)
        told += [h.ref.id for h in histories]
        around.observer.event("history_read", site=site.name, tickets=len(histories))
    return tuple(told)


def chunks(ids: Iterable[str], size: int) -> Iterable[tuple[str, ...]]:
    """Yield ids in chunks of a size, the last one smaller."""
    iterator = iter(ids)
    while chunk := tuple(itertools.islice(iterator, size)):
        yield chunk
