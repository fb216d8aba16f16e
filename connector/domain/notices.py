"""Notices: what falls due in one pass on one ticket for one audience is one comment, or waits for its turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from connector.domain.cadence import next_update_at
from connector.domain.cases import speaker, told_other, too_many
from connector.domain.change import Notice
from connector.domain.decision import LeftAlone, Upcoming
from connector.domain.durations import length
from connector.domain.occasion import Outcome, Record
from connector.domain.remark import Remark
from connector.domain.remarks import Remarks, collect
from connector.domain.room import fitting
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.ticket import ClockName, NativeStage
from connector.domain.view import View

VALUE_NAMES = (
    *("ticket", "url", "priority", "status", "group", "assignee", "path", "level", "level_target", "reminder"),
    *("clock", "mark", "percent", "deadline", "target", "calendar", "notify"),
    *("trigger", "held", "wanted", "by", "account", "since"),
)
"""Every value that a notice gives its text; what does not apply is the empty text, moments are ISO 8601 in UTC."""

_LOOK_AGAIN = timedelta(hours=1)
_OF_A_MOMENT = frozenset({"threshold", "level", "repeat", "update"})
"""Kinds of occasions that are news when they come and none afterwards."""
_NO_VALUES = dict.fromkeys(VALUE_NAMES, "")


class Saying(NamedTuple):
    """What is said now, what is settled without saying it, what waits and what may be said next by itself.

    Attributes:
        waiting: What is to be said and is not said now; ``left`` tells people of it.
    """

    notices: tuple[Notice, ...] = ()
    records: tuple[Record, ...] = ()
    left: tuple[LeftAlone, ...] = ()
    upcoming: tuple[Upcoming, ...] = ()
    waiting: tuple[Remark, ...] = ()


def say(view: View, state: EscalationState) -> Saying:
    """Return the notices of this pass: at most one per audience."""
    update_at = next_update_at(view)
    ahead = () if update_at is None else (Upcoming(at=update_at, what="regular update"),)
    if view.holding.ticket is not None:
        may_owe = view.passed or any(reading.max_pause_over_at for reading in view.readings)
        return Saying(upcoming=ahead, waiting=collect(view, state).remarks if may_owe else ())
    found = collect(view, state)
    if not found.remarks:
        return Saying(records=found.records, upcoming=ahead)
    if view.leader is not None:
        left = tuple(LeftAlone(what=r.called, why=f"follows {view.leader.key}") for r in found.remarks)
        return Saying(records=(*found.records, *_passed_by(view, found.remarks)), left=left, upcoming=ahead)
    waits, until = _too_soon(view)
    if waits:
        left = tuple(LeftAlone(what=r.called, why=f"waits: {waits}") for r in found.remarks)
        look = Upcoming(at=until, what=f"look again: {waits}")
        return Saying(records=found.records, left=left, upcoming=(*ahead, look), waiting=found.remarks)
    return _said(view, state, found, ahead)


def _said(view: View, state: EscalationState, found: Remarks, ahead: tuple[Upcoming, ...]) -> Saying:
    """Return one notice for each audience, as far as there is room; what may not be public is withheld."""
    internal = [r for r in found.remarks if r.audience is Effect.NOTES]
    public = [r for r in found.remarks if r.audience is Effect.PUBLIC]
    other = _other_speaker(view) if public else ""
    withheld = (other or _not_public_because(view)) if public else ""
    settled = (*found.records, *(_passed_by(view, public) if other else ()))
    fits = fitting(view, [remarks for remarks in (internal, [] if withheld else public) if remarks])
    left = [LeftAlone(what=r.called, why=withheld) for r in public if withheld]
    left += (LeftAlone(what=r.called, why=f"waits: {why}") for r, why in fits.waiting)
    looks = {why: Upcoming(at=view.now + _LOOK_AGAIN, what=f"look again: {why}") for _, why in fits.waiting}
    return Saying(
        notices=tuple(_merged(view, state, remarks) for remarks in fits.said),
        records=settled,
        left=tuple(left),
        upcoming=(*ahead, *looks.values()),
        waiting=(*(public if withheld and not other else ()), *(remark for remark, _ in fits.waiting)),
    )


def _passed_by(view: View, remarks: Sequence[Remark]) -> Iterator[Record]:
    """Yield rows for what another ticket says in this one's place: it is not caught up with later."""
    for remark in remarks:
        if remark.occasion.kind in _OF_A_MOMENT:
            yield Record(occasion=remark.occasion, audience=remark.audience, outcome=Outcome.SILENCED, at=view.now)


def _too_soon(view: View) -> tuple[str, datetime]:
    """Return why nothing may be said on this ticket just now, and until when; empty where it may."""
    apart, last = view.policy.quiet.min_interval, view.situation.last_note_at
    if last is not None and view.now < last + apart:
        return f"at most one note every {length(apart)}", last + apart
    return "", view.now


def _merged(view: View, state: EscalationState, remarks: Sequence[Remark]) -> Notice:
    """Return one notice for all remarks to one audience; the gravest leads and the others are named in ``also``."""
    lead, *others = sorted(remarks, key=lambda remark: (remark.weight, str(remark.occasion)))
    return Notice(
        occasion=lead.occasion,
        audience=lead.audience,
        template=lead.template,
        locale=_locale(view, lead.audience),
        values={**_values(view, state), **lead.values},
        reason="; ".join(dict.fromkeys(remark.reason for remark in (lead, *others))),
        covers=tuple(remark.occasion for remark in others),
        why=lead.why,
        also=tuple(remark.named for remark in others),
    )


def _locale(view: View, audience: Effect) -> str:
    """Return the reader's language: the requester's for what they read, the site's for its agents."""
    site = view.situation.rules.locale or view.policy.defaults.locale
    return (view.situation.ticket.locale or site) if audience is Effect.PUBLIC else site


def _values(view: View, state: EscalationState) -> dict[str, str]:
    ticket = view.situation.ticket
    known: Mapping[str, object] = {
        "ticket": ticket.key,
        "url": ticket.url,
        "priority": view.priority,
        "status": ticket.status.value,
        "group": ticket.group,
        "assignee": ticket.assignee,
        "path": state.path.name if state.path else None,
        "level": state.level or None,
    }
    return _NO_VALUES | {name: str(value) for name, value in known.items() if value is not None}


def _not_public_because(view: View) -> str:
    """Return why nothing may be said to the requester now, empty where it may."""
    if view.situation.ticket.restricted:
        return "the ticket is confidential"
    reading = view.clock(ClockName.FIRST_RESPONSE)
    if any(r.provisional for r in view.readings) or not view.situation.history.complete:
        return "the ticket's history is not in yet"
    rules, ticket = view.situation.rules, view.situation.ticket
    answered = reading is not None and reading.met_at is not None
    is_open = {NativeStage.RUNNING, NativeStage.PAUSED} | (set() if answered else {NativeStage.BREACHED})
    native = (clock.stage for clock in ticket.native if clock.clock is ClockName.FIRST_RESPONSE)
    if not rules.may_stop_native_first_response and any(stage in is_open for stage in native):
        return "the helpdesk's own first-response clock is open"
    return too_many(view.situation)


def _other_speaker(view: View) -> str:
    """Return that another ticket of the same case talks to the customer, empty where this one does."""
    situation = view.situation
    other = speaker(situation) if situation.twins and not too_many(situation) else None
    return "" if other is None else told_other(other)
