"""What is set aside: how a pass leaves it alone, and how it comes back.

A site that asked to be left alone is not read before its time. A scope where we may not write is held. A field that is
refused is left out, and all else is written. A ticket that the helpdesk does not show is looked for again before it
counts as gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from connector.domain.change import Change, FieldChange, Notice, Write
from connector.domain.decision import Decision, LeftAlone, TicketPlan
from connector.domain.guard import Held
from connector.domain.plan import without_lone_rider
from connector.domain.situation import Situation
from connector.domain.ticket import Ticket
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.outage import DOWN
from connector.engine.quarantine import WRITING, given_up, under
from connector.engine.refusals import is_of_another_map, stands, tried_at
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
    """What is set aside on one site as one pass began, at ``now``."""

    items: tuple[SetAside, ...] = ()
    bindings: Callable[[Ticket], str] = lambda _: ""
    now: datetime = datetime.min.replace(tzinfo=UTC)

    @classmethod
    def of(cls, site: SiteReading, around: Surroundings) -> Aside:
        """Return what is set aside now; what was refused under another map comes back."""
        items, now = around.asides.aside(site.name), around.clock.now()
        stale = [i for i in items if _is_stale(i, site.bindings)]
        if stale:
            around.asides.take_back(site.name, stale, now=now)
        return cls(
            tuple(item for item in items if item not in stale),
            lambda ticket: under(around, version=ticket.version),
            now,
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
        unsaid = {n.occasion: item for n in plan.notices if (item := self._unsaid(n, ticket)) is not None}
        if not refused and not unsaid:
            return plan
        left = [
            LeftAlone(what=f"{f.field} -> {f.after}", why=refused[f.field].why)
            for f in plan.fields
            if f.field in refused
        ]
        left += [
            LeftAlone(what=f"comment {n.template}", why=unsaid[n.occasion].why)
            for n in plan.notices
            if n.occasion in unsaid
        ]
        fields = tuple(f for f in plan.fields if f.field not in refused)
        return replace(
            plan,
            decision=self._due_for_another_try(plan.decision, (*refused.values(), *unsaid.values()), ticket),
            fields=without_lone_rider(fields, plan.decision, situation),
            notices=tuple(n for n in plan.notices if n.occasion not in unsaid),
            left=(*plan.left, *left),
        )

    def over(self, plan: TicketPlan, ticket: Ticket) -> list[SetAside]:
        """Return what was refused on a ticket and is not wanted any more, as ``plan`` shows before it is thinned out.

        That a ticket takes no comments at all stands as long as it is open, whether or not one is wanted just now.
        """
        wanted = {(str(f.field), f.after or "") for f in plan.fields}
        wanted |= {(str(n.audience), str(n.occasion)) for n in plan.notices}
        mine = self.refused_on(ticket)
        if not ticket.is_open:
            return mine
        return [i for i in mine if (i.field, i.value) not in wanted and i.until is not None]

    def refused_of(self, plan: TicketPlan, ticket: Ticket) -> list[SetAside]:
        """Return what was refused on a ticket and is still wanted, with a name or without, before it is left out."""
        over = self.over(plan, ticket)
        mine = [item for item in self.refused_on(ticket) if item not in over]
        named = dict.fromkeys(item for change in plan.fields if (item := self._refused(change, ticket)) is not None)
        return mine + [item for item in named if item.kind is AsideKind.FIELD]

    def refused_on(self, ticket: Ticket) -> list[SetAside]:
        """Return what was refused on a ticket without a name."""
        return [item for item in self._of(AsideKind.REFUSED) if item.ticket == ticket.ref.id]

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

    def _due_for_another_try(self, decision: Decision, items: Iterable[SetAside], ticket: Ticket) -> Decision:
        """Return the decision with the moment at which something refused is tried again, where that comes first."""
        moments = [tried_at(item, ticket, now=self.now) for item in items if item.kind is AsideKind.REFUSED]
        first = min((at for at in (decision.next_due_at, *moments) if at is not None), default=None)
        return decision if first == decision.next_due_at else replace(decision, next_due_at=first)

    def _unsaid(self, notice: Notice, ticket: Ticket) -> SetAside | None:
        """Return why a comment is not sent: the ticket refused this one, or takes none of its kind."""
        names = {"", str(notice.occasion)}
        found = (i for i in self._standing(ticket) if i.field == str(notice.audience) and i.value in names)
        return next(found, None)

    def _standing(self, ticket: Ticket) -> Iterable[SetAside]:
        return (item for item in self.refused_on(ticket) if stands(item, ticket, now=self.now))

    def _refused(self, change: FieldChange, ticket: Ticket) -> SetAside | None:
        for item in self._standing(ticket):
            if (item.field, item.value) == (str(change.field), change.after or ""):
                return item
        for item in self._of(AsideKind.FIELD):
            here = item.ticket == ticket.ref.id if item.ticket else item.scope == ticket.scope
            if here and item.field == change.field and item.value in {"", change.after}:
                return item
        return None


def _is_stale(item: SetAside, bindings: str) -> bool:
    """True for what was refused under another map than that of these ``bindings``."""
    return item.kind in {AsideKind.REFUSED, AsideKind.FIELD} and is_of_another_map(item, bindings)


def respect_rest(site: SiteReading, around: Surroundings, *, now: datetime) -> None:
    """Raise where the helpdesk is to be left alone, whichever process it was that was told so.

    Raises:
        Unavailable: It asked for more time than has passed.
        Denied: It refused our credentials a while ago; trying again too soon might lock the account.
    """
    for rest in around.asides.aside(site.name):
        if rest.kind is not AsideKind.SITE or rest.until is None:
            continue
        if rest.since <= now < rest.until:  # one that begins later was reckoned by a clock that was set back since
            _refuse(site, rest, rest.until, now=now)
        if rest.field != DOWN:  # an outage ends with an answer
            around.asides.take_back(site.name, (rest,), now=now)


def _refuse(site: SiteReading, rest: SetAside, until: datetime, *, now: datetime) -> None:
    text = f"not asked before {until:%Y-%m-%d %H:%M:%S} UTC: {rest.why}"
    if rest.field == CREDENTIALS:
        raise Denied(text, remedy=f"mend the credentials, then: connector resume {site.name}")
    raise Unavailable(text, retry_after=until - now)


def leave_alone(site: SiteReading, around: Surroundings, error: ConnectorError, *, now: datetime) -> bool:
    """Remember how long the helpdesk is to be left alone, for the next process as well; return whether that is new."""
    length, about = _rest_after(error)
    of_site = (item for item in around.asides.aside(site.name) if item.kind is AsideKind.SITE)
    known = (i for i in of_site if i.field != DOWN or (i.until is not None and i.until > now))
    if length < WORTH_KEEPING or any(known):
        return False
    item = SetAside(kind=AsideKind.SITE, field=about, why=str(error)[:200], since=now, until=now + length)
    around.asides.set_aside(site.name, (item,))
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
    known = {item.ticket for item in around.asides.aside(site.name) if item.kind is AsideKind.TICKET}
    fresh = [SetAside(kind=AsideKind.TICKET, ticket=id_, why=NOT_SHOWN, since=now) for id_ in ids if id_ not in known]
    if fresh:
        around.asides.set_aside(site.name, fresh)


def to_confirm(site: SiteReading, around: Surroundings, *, now: datetime) -> tuple[SetAside, ...]:
    """Return the tickets whose second look is due; one set aside well in the future was reckoned by a wrong clock."""
    items = around.asides.aside(site.name)
    return tuple(i for i in items if i.kind is AsideKind.TICKET and abs(now - i.since) >= CONFIRM_AFTER)
