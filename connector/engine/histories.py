"""Reading the vendor's histories: within their share of the budget, and what they tell of us before they are stored."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from connector.domain.ticket import TicketRef
from connector.engine.history_trouble import (
    concerns_all,
    failing,
    in_turn,
    is_its_own,
    is_resting,
    note_trouble,
    nothing_waits,
    over,
    standing,
    suspects_last,
)
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.recall import recall
from connector.engine.strangers import notice_strangers
from connector.engine.unread import Wanted
from connector.errors import HelpdeskError, what_failed
from connector.ports import Awaited, SetAside, TicketHistory

KEPT_FOR_URGENT = 4
"""Of what is left of their share once a pass is done, one history in so many is kept for what comes before the next."""

ASKED_AGAIN = 3
"""Histories that are in and are asked for once more, to tell one ticket's trouble from the helpdesk's."""


def read_histories(site: SiteReading, around: Surroundings, *, decides: bool) -> tuple[str, ...]:
    """Read vendor histories within their share of the budget, most urgent tickets first; return which were read.

    Here that is by their live priority. How urgent a ticket should be, only deciding tells: where it ``decides`` about
    tickets that are not read, and not all can be, none is read before.
    """
    allowance = site.reader.history_allowance()
    ids = around.journal.without_history(site.name, limit=allowance + decides) if allowance > 0 else ()
    return _read_in(site, around, ids) if len(ids) <= allowance else ()


class Settled(NamedTuple):
    """What reading has settled: ``left`` is what was wanted and is not; ``learned`` has waited since an earlier pass.

    A history that cannot be read is settled once it is given up.
    """

    left: frozenset[str]
    learned: tuple[Awaited, ...] = ()


def read_wanted(site: SiteReading, around: Surroundings, wanted: Wanted, *, alone: bool = False) -> Settled:
    """Read histories of tickets, open or not, that are not in, within the budget, the most urgent first.

    ``alone``: only what is wanted, and nothing that waits since an earlier pass.
    """
    allowance = site.reader.history_allowance()
    trouble = standing(site, around)
    waiting = () if alone else _waiting(site, around, wanted, trouble, limit=allowance)
    ids = wanted.ids(waiting)
    left = around.journal.histories_left(site.name, ids) if ids else ()
    if left and allowance > 0:
        _read_in(site, around, suspects_last(left, trouble)[:allowance])
        left = around.journal.histories_left(site.name, left)
    still = frozenset(left)
    return Settled(left=still, learned=tuple(each for each in waiting if each.id not in still))


def _waiting(
    site: SiteReading, around: Surroundings, wanted: Wanted, trouble: SetAside | None, *, limit: int
) -> tuple[Awaited, ...]:
    """Return what waits since an earlier pass, the most urgent; nothing where none can be read now."""
    if limit <= 0 or is_resting(trouble, around.clock.now()):
        return ()
    found = around.journal.awaited(site.name, limit=limit + len(wanted.own) + failing(trouble))
    return tuple(each for each in found if each.id not in wanted.seen)


def read_rest(site: SiteReading, around: Surroundings) -> bool:
    """Read what else waits for its history, with what a pass that is done has left of the share; true if any was read.

    What learns something falls due, and is decided by the next pass. Trouble with the helpdesk is met by that one.
    """
    with suppress(HelpdeskError):
        allowance = site.reader.history_allowance()
        limit = allowance - allowance // KEPT_FOR_URGENT
        if limit > 0:
            ids = around.journal.without_history(site.name, limit=limit)
            if not ids:
                nothing_waits(site, around)
            return bool(_read_in(site, around, ids))
    return False


def _read_in(site: SiteReading, around: Surroundings, ids: Sequence[str]) -> tuple[str, ...]:
    """Read histories and store them; return the ids of those that could be read.

    Where the helpdesk tells none although it answers, the rest of them waits.

    Raises:
        HelpdeskError: What went wrong concerns more than histories.
    """
    trouble = standing(site, around) if ids else None
    now = around.clock.now()
    if is_resting(trouble, now):
        return ()
    told: list[str] = []
    for chunk in in_turn(ids, trouble, now):
        read, error = _read(site, chunk, probe=trouble is not None and len(chunk) == 1)
        _store(site, around, read)
        told += [h.ref.id for h in read if not h.unreadable]
        if error is None:
            continue
        seen = {h.ref.id for h in read}
        failed = next((id_ for id_ in chunk if id_ not in seen), chunk[-1])
        learns = partial(_can_learn, site, around, told)
        is_own = chunk == (failed,) and not concerns_all(error) and is_its_own(trouble, failed, learns=learns, now=now)
        if is_own:
            _store(site, around, [_untold(site, around, failed, error)])
        is_settled = is_own and not around.journal.histories_left(site.name, [failed])
        note_trouble(site, around, trouble, error, ticket=failed, told=told, is_settled=is_settled)
        if concerns_all(error):
            raise error
        return tuple(told)
    over(site, around, trouble, waiting=ids)
    return tuple(told)


def _read(
    site: SiteReading, ids: Sequence[str], *, probe: bool
) -> tuple[Sequence[TicketHistory], HelpdeskError | None]:
    """Return the histories of some tickets, and what ended the reading before it was through."""
    read: list[TicketHistory] = []
    try:
        for history in site.reader.history(ids, probe=probe):
            read.append(history)  # noqa: PERF402 - what was told before an error counts
    except HelpdeskError as error:
        return read, error
    return read, None


def _can_learn(site: SiteReading, around: Surroundings, told: Sequence[str]) -> bool:
    """Return whether others' histories can be read: some just were, or those that are in still can be.

    On a quiet site no other one waits; without asking nobody would know whose trouble it is, and a site that is being
    recalled would keep silent for good.
    """
    if told:
        return True
    read, _ = _read(site, around.journal.read_last(site.name, limit=ASKED_AGAIN), probe=True)
    return any(not history.unreadable for history in read)


def _store(site: SiteReading, around: Surroundings, read: Sequence[TicketHistory]) -> None:
    histories = tuple(h for h in read if not h.unreadable)
    # what they tell of our own writes first: once a history is stored, it is not asked for again
    notice_strangers(site, around, histories, now=around.clock.now())
    recall(site, around, histories, now=around.clock.now())
    around.journal.store_history(histories)
    around.journal.skip_history(site.name, [h for h in read if h.unreadable], now=around.clock.now())
    for skipped in (h for h in read if h.unreadable):
        around.observer.event("history_skipped", site=site.name, ticket=skipped.ref.id, why=skipped.unreadable)
    around.observer.event("history_read", site=site.name, tickets=len(histories))


def _untold(site: SiteReading, around: Surroundings, id_: str, error: HelpdeskError) -> TicketHistory:
    ref, now = TicketRef(site.name, id_), around.clock.now()
    return TicketHistory(ref=ref, events=(), read_until=now, unreadable=what_failed(error)[:200])


def chunks(ids: Iterable[str], size: int) -> Iterable[tuple[str, ...]]:
    """Yield ids in chunks of a size, the last one smaller."""
    iterator = iter(ids)
    while chunk := tuple(itertools.islice(iterator, size)):
        yield chunk
