"""What is set aside: how a pass leaves it alone, and how it comes back.

A site that asked to be left alone is not read before its time. A scope where we may not write is held. A field that is
refused is left out, and all else is written. A ticket that the helpdesk does not show is looked for again before it
counts as gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.domain.change import Change, FieldChange, Write
from connector.domain.decision import LeftAlone, TicketPlan
from connector.domain.guard import Held
from connector.domain.plan import without_lone_rider
from connector.domain.situation import Situation
from connector.domain.ticket import Ticket
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.quarantine import WRITING, given_up, under
from connector.errors import ConnectorError, Denied, Rejected, Unavailable
from connector.ports import AsideKind, SetAside

CONFIRM_AFTER = timedelta(seconds=60)
"""How long a ticket that is not shown is left alone before the second look that settles it."""

NOT_SHOWN = "the helpdesk does not show it; looked for again"
CREDENTIALS = "credentials"
AFTER_REFUSAL = timedelta(minutes=15)
"""How long refused credentials are not shown again, unless somebody resumes: an account may be locked for it."""

WORTH_KEEPING = timedelta(minutes=2)
"""Shorter rests are over before another process would know of them."""


@dataclass(frozen=True, slots=True)
class Aside:
    """What is set aside on one site as one pass began."""

    items: tuple[SetAside, ...] = ()
    bindings: Callable[[Ticket], str] = lambda _: ""

    @classmethod
    def of(cls, site: SiteReading, around: Surroundings) -> Aside:
        """Return what is set aside now; fields that were refused under another map come back."""
        items = around.journal.aside(site.name)
        stale = [i for i in items if i.kind is AsideKind.FIELD and i.bindings != site.bindings]
        if stale:
            around.journal.take_back(site.name, stale, now=around.clock.now())
        return cls(
            tuple(item for item in items if item not in stale),
            lambda ticket: under(around, version=ticket.version),
        )

    def without(self, plan: TicketPlan, situation: Situation) -> TicketPlan:
        """Return a plan without what is set aside on its ticket, which is left, with the reason."""
        if not self.items:
            return plan
        ticket = situation.ticket
        if absent := self._absent(ticket):
            left = [LeftAlone(what=f"{f.field} -> {f.after}", why=absent.why) for f in plan.fields]
            left += [LeftAlone(what=f"comment {n.template}", why=absent.why) for n in plan.notices]
            return replace(plan, fields=(), notices=(), left=(*plan.left, *left))
        refused = {f.field: item for f in plan.fields if (item := self._refused(f, ticket)) is not None}
        if not refused:
            return plan
        left = [
            LeftAlone(what=f"{f.field} -> {f.after}", why=refused[f.field].why)
            for f in plan.fields
            if f.field in refused
        ]
        fields = tuple(f for f in plan.fields if f.field not in refused)
        return replace(plan, fields=without_lone_rider(fields, plan.decision, situation), left=(*plan.left, *left))

    def held(self, change: Change, ticket: Ticket) -> list[Held]:
        """Return why nothing of a change may be written now; nothing where it may."""
        closed = next((i for i in self._of(AsideKind.SCOPE) if i.scope == ticket.scope), None)
        if closed is None:
            return []
        return [
            Held(
                key=change.key,
                ref=change.ref,
                effect=effect,
                what=", ".join(sorted(change.effects)),
                why=f"{ticket.scope} is frozen: {closed.why}",
                severity=change.severity,
                deadline=change.deadline,
                freezes=False,
            )
            for effect in sorted(change.effects)
        ]

    def _of(self, kind: AsideKind) -> Iterable[SetAside]:
        return (item for item in self.items if item.kind is kind)

    def _absent(self, ticket: Ticket) -> SetAside | None:
        known = next((i for i in self._of(AsideKind.TICKET) if i.ticket == ticket.ref.id), None)
        return known or self._quarantined(ticket)

    def _quarantined(self, ticket: Ticket) -> SetAside | None:
        """Return why nothing is written on a ticket whose requests cannot be made, as long as it does not change."""
        mine = [i for i in self._of(AsideKind.QUARANTINE) if i.ticket == ticket.ref.id]
        broken = bool(mine) and ticket.ref.id in given_up(mine, WRITING, bindings=self.bindings(ticket))
        return next((i for i in mine if i.field == WRITING), None) if broken else None

    def _refused(self, change: FieldChange, ticket: Ticket) -> SetAside | None:
        for item in self._of(AsideKind.FIELD):
            here = item.ticket == ticket.ref.id if item.ticket else item.scope == ticket.scope
            if here and item.field == change.field and item.value in {"", change.after}:
                return item
        return None


def respect_rest(site: SiteReading, around: Surroundings, *, now: datetime) -> None:
    """Raise where the helpdesk is to be left alone, whichever process it was that was told so.

    Raises:
        Unavailable: It asked for more time than has passed.
        Denied: It refused our credentials a while ago; trying again too soon might lock the account.
    """
    rest = next((i for i in around.journal.aside(site.name) if i.kind is AsideKind.SITE and i.until is not None), None)
    if rest is None or rest.until is None:
        return
    if rest.until <= now:
        around.journal.take_back(site.name, (rest,), now=now)
        return
    text = f"not asked before {rest.until:%Y-%m-%d %H:%M:%S} UTC: {rest.why}"
    if rest.field == CREDENTIALS:
        raise Denied(text, remedy=f"mend the credentials, then: connector resume {site.name}")
    raise Unavailable(text, retry_after=rest.until - now)


def leave_alone(site: SiteReading, around: Surroundings, error: ConnectorError, *, now: datetime) -> bool:
    """Remember how long the helpdesk is to be left alone, for the next process as well; return whether that is new."""
    length, about = _rest_after(error)
    if length < WORTH_KEEPING or any(i.kind is AsideKind.SITE for i in around.journal.aside(site.name)):
        return False
    item = SetAside(kind=AsideKind.SITE, field=about, why=str(error)[:200], since=now, until=now + length)
    around.journal.set_aside(site.name, (item,))
    return True


def _rest_after(error: ConnectorError) -> tuple[timedelta, str]:
    if isinstance(error, Denied) and error.about == CREDENTIALS:
        return AFTER_REFUSAL, CREDENTIALS
    wish = error.retry_after if isinstance(error, Unavailable) else None
    return wish or timedelta(0), ""


def aside_for(write: Write, ticket: Ticket, error: Rejected, *, now: datetime) -> list[SetAside]:
    """Return what a refusal sets aside; nothing where the helpdesk named nothing of ours.

    A field that does not exist in a scope is left out there for every ticket, a refused value on its ticket alone. A
    ticket that is not shown waits for a second look.
    """
    why = f"refused: {error}"[:200]
    if error.absent:
        return [SetAside(kind=AsideKind.TICKET, ticket=write.ref.id, why=NOT_SHOWN, since=now)]
    found = []
    for change in (c for c in write.fields if c.field in error.fields):
        item = SetAside(kind=AsideKind.FIELD, scope=ticket.scope, field=str(change.field), why=why, since=now)
        if change.field not in error.missing:
            item = replace(item, ticket=write.ref.id, value=change.after or "")
        found.append(item)
    return found


def suspect(site: SiteReading, around: Surroundings, ids: Iterable[str], *, now: datetime) -> None:
    """Set tickets aside that the helpdesk does not show: gone, hidden, or only slow. A second look settles it."""
    known = {item.ticket for item in around.journal.aside(site.name) if item.kind is AsideKind.TICKET}
    fresh = [SetAside(kind=AsideKind.TICKET, ticket=id_, why=NOT_SHOWN, since=now) for id_ in ids if id_ not in known]
    if fresh:
        around.journal.set_aside(site.name, fresh)


def to_confirm(site: SiteReading, around: Surroundings, *, now: datetime) -> tuple[SetAside, ...]:
    """Return the tickets whose second look is due."""
    items = around.journal.aside(site.name)
    return tuple(i for i in items if i.kind is AsideKind.TICKET and now - i.since >= CONFIRM_AFTER)
