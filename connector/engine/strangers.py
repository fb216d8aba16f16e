"""A second installation on the same site, with a state of its own: noticed by its writes, and who notices falls silent.

Fields come out the same whoever writes them; comments would come twice. So comments are frozen until a person has
stopped one of the two and says ``resume``. There is no lease in the helpdesk that would tell beforehand: it would take
an administrator's rights on either vendor, which the connector does not ask for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from connector.domain.change import Field
from connector.domain.decision import TicketPlan
from connector.domain.site import Effect
from connector.domain.situation import Situation
from connector.engine.kit import SiteReading, Surroundings
from connector.ports import Alarm, AlarmKind, TicketHistory
from connector.ports.recall import Stranger

RECENT = timedelta(hours=24)
"""Older writes tell of an installation that may be gone, and of operations that retention has removed here."""

SETTLING = timedelta(minutes=10)
"""After a lost state has been read back, a write from before may still land."""

_OURS_ALONE = frozenset({Field.LEVEL, Field.PATH})
_SILENCED = (Effect.NOTES, Effect.PUBLIC)


def might_be_a_strangers(made: TicketPlan, situation: Situation) -> bool:
    """True when a field that nobody but a connector writes already is what we want, and its history is not in yet."""
    if _OURS_ALONE.isdisjoint(made.adopted):
        return False
    read_until = situation.history.read_until
    return read_until is None or read_until < situation.ticket.updated_at


def notice_strangers(
    site: SiteReading, around: Surroundings, histories: Sequence[TicketHistory], *, now: datetime
) -> None:
    """Freeze a site's comments and say so where a history shows writes of our account that are not this state's."""
    if not any(history.marks for history in histories):
        return
    state = around.journal.open_site(site.name, fingerprint=site.rules.fingerprint)
    known_from = state.recall.done_at
    if known_from is None or not state.recall.is_over or all(effect in state.frozen for effect in _SILENCED):
        return
    since = max(known_from + SETTLING, now - RECENT)
    found = around.journal.strangers(site.name, histories, since=since)
    if found:
        _freeze(site, around, max(found, key=lambda one: one.at), now=now)


def _freeze(site: SiteReading, around: Surroundings, last: Stranger, *, now: datetime) -> None:
    why = f"another installation writes here with our account, last on {last.ref.id} at {last.at:%Y-%m-%d %H:%M} UTC"
    remedy = f"let only one of them have effects, then: connector resume {site.name}"
    around.notifier.alarm(
        Alarm(kind=AlarmKind.FREEZE, site=site.name, ticket=str(last.ref), message=why, remedy=remedy, at=now)
    )
    for effect in _SILENCED:
        around.journal.freeze(site.name, effect, why, now=now)
