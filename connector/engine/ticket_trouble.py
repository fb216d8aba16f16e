"""One ticket's own request fails for good although the helpdesk answers: it is passed by, and the others go on.

Its comments answer with an error whenever they are asked for, or are more than one answer may hold. What is open on it
stays open as it is, so no comment is sent there, and what is wanted stays due; it is asked again with the next pass,
and then less and less often. What concerns all, and a like failure of more than ``MOST_AT_ONCE`` tickets that were
sound before, is no ticket's own and ends the pass as ever.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from functools import cached_property

from connector.engine.history_trouble import NEXT_PASS, OWN_AFTER, concerns_all, rest_after
from connector.engine.kit import Surroundings
from connector.engine.quarantine import LOOKING
from connector.errors import HelpdeskError, Malformed, Unavailable, Unchecked
from connector.ports import Alarm, AlarmKind, AsideKind, SetAside

MOST_AT_ONCE = 2
"""Tickets that may begin to fail in one pass; one more, and it is the helpdesk."""

MOST_KNOWN = 10
"""Tickets of a site that may fail for longer, at looking or at writing; one more, and it is the helpdesk."""

TOLD = "told"
"""``SetAside.bindings`` once somebody was called."""


class TicketTrouble:
    """What fails on single tickets of one site in one pass, at ``doing`` (``quarantine.LOOKING``, ``WRITING``)."""

    def __init__(self, site: str, around: Surroundings, *, doing: str) -> None:
        self._site = site
        self._around = around
        self._doing = doing
        self._failed: dict[str, HelpdeskError] = {}

    @cached_property
    def _known(self) -> dict[str, SetAside]:
        items = self._around.asides.aside(self._site)
        return {i.ticket: i for i in items if i.kind is AsideKind.UNANSWERED and i.field == self._doing}

    def is_known(self, id_: str) -> bool:
        """Return whether a ticket failed in an earlier pass, and has not been sound since."""
        return id_ in self._known

    def is_resting(self, id_: str) -> bool:
        """Return whether a ticket is not to be asked again yet: it failed just now, or a short while ago."""
        known = self._known.get(id_)
        rests = known is not None and known.until is not None and self._around.clock.now() < known.until
        return rests or id_ in self._failed

    def is_its_own(self, id_: str, error: HelpdeskError) -> bool:
        """Return whether an error is one ticket's own trouble, and take note of it; false: it is to be raised."""
        cause = error if self._doing == LOOKING else error.__cause__ if isinstance(error, Unchecked) else None
        if not isinstance(cause, Unavailable | Malformed) or concerns_all(cause):
            return False
        fresh = self._failed.keys() - self._known.keys() - {id_}
        if not self.is_known(id_) and (len(fresh) >= MOST_AT_ONCE or len(self._known) >= MOST_KNOWN):
            return False
        self._failed[id_] = error
        why = str(error)[:200]
        self._around.observer.event("ticket_unanswered", site=self._site, ticket=id_, doing=self._doing, why=why)
        return True

    def note(self, sound: Collection[str]) -> None:
        """Remember what failed, and forget it of tickets that are ``sound``; what has failed for long raises one alarm.

        Called once the site was seen to answer since; also where the pass ends, because more fail than may at once:
        those that are known do not count with the next one.
        """
        now, asides = self._around.clock.now(), self._around.asides
        asides.take_back(self._site, [self._known[id_] for id_ in sound if id_ in self._known], now=now)
        fresh = []
        for id_, error in self._failed.items():
            known = self._known.get(id_)
            since, told = (now, "") if known is None else (known.since, known.bindings)
            item = SetAside(
                kind=AsideKind.UNANSWERED,
                ticket=id_,
                field=self._doing,
                why=str(error)[:200],
                bindings=told,
                since=since,
                until=now + (NEXT_PASS if known is None else rest_after(now - since)),
            )
            if not told and now - since >= OWN_AFTER:
                self._alarm(item, lasts=now - since)
                item = replace(item, bindings=TOLD)
            fresh.append(item)
        if fresh:
            asides.set_aside(self._site, fresh)

    def of_no_more(self, still: Collection[str]) -> frozenset[str]:
        """Return the tickets that are known to fail and of which nothing is wanted any more."""
        return frozenset(self._known).difference(still)

    def _alarm(self, item: SetAside, *, lasts: timedelta) -> None:
        ticket = f"{self._site}:{item.ticket}"
        what = "a write on it cannot be looked for" if self._doing == LOOKING else "nothing can be written on it"
        self._around.notifier.alarm(
            Alarm(
                kind=AlarmKind.FINDING,
                site=self._site,
                ticket=ticket,
                message=f"{ticket}: {what} since {int(lasts.total_seconds() // 60)} minutes: {item.why}",
                remedy=f"look why the helpdesk does not show it; to try it at once: connector release {ticket}",
                at=self._around.clock.now(),
            )
        )
