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
from connector.domain.remarks import Remark, collect
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
    """What is said now, what is settled without saying it, what waits and what may be said next by itself."""

    notices: tuple[Notice, ...] = ()
    records: tuple[Record, ...] = ()
    left: tuple[LeftAlone, ...] = ()
    upcoming: tuple[Upcoming, ...] = ()


def say(view: View, state: EscalationState) -> Saying:
    """Return the notices of this pass: at most one per audience."""
    update_at = next_update_at(view)
    ahead = () if update_at is None else (Upcoming(at=update_at, what="regular update"),)
    if view.holding.ticket is not None:
        return Saying(upcoming=ahead)
    found = collect(view, state)
    if not found.remarks:
        return Saying(records=found.records, upcoming=ahead)
    if view.leader is not None:
        left = tuple(LeftAlone(what=r.called, why=f"follows {view.leader.key}") for r in found.remarks)
        return Saying(records=(*found.records, *_passed_by(view, found.remarks)), left=left, upcoming=ahead)
    waits, until = _must_wait(view, regular=all(remark.regular for remark in found.remarks))
    if waits:
        left = tuple(LeftAlone(what=r.called, why=f"waits: {waits}") for r in found.remarks)
        return Saying(
            records=found.records, left=left, upcoming=(*ahead, Upcoming(at=until, what=f"look again: {waits}"))
        )
    internal = [r for r in found.remarks if r.audience is Effect.NOTES]
    public = [r for r in found.remarks if r.audience is Effect.PUBLIC]
    other = _other_speaker(view) if public else ""
    withheld = (other or _not_public_because(view)) if public else ""
    settled = (*found.records, *(_passed_by(view, public) if other else ()))
    said = [_merged(view, state, remarks) for remarks in (internal, [] if withheld else public) if remarks]
    left = tuple(LeftAlone(what=r.called, why=withheld) for r in public if withheld)
    return Saying(notices=tuple(said), records=settled, left=left, upcoming=ahead)


def _passed_by(view: View, remarks: Sequence[Remark]) -> Iterator[Record]:
    """Yield rows for what another ticket says in this one's place: it is not caught up with later."""
    for remark in remarks:
        if remark.occasion.kind in _OF_A_MOMENT:
            yield Record(occasion=remark.occasion, audience=remark.audience, outcome=Outcome.SILENCED, at=view.now)


def _must_wait(view: View, *, regular: bool) -> tuple[str, datetime]:
    """Return why nothing more may be said on this ticket now, and when to look again.

    Part of what a day allows is not for reminders and regular updates: breaches, new levels and hard triggers always
    find room. What is said for one of them takes along whatever else falls due.
    """
    quiet, situation = view.policy.quiet, view.situation
    last = situation.last_note_at
    if last is not None and view.now < last + quiet.min_interval:
        return f"at most one note every {length(quiet.min_interval)}", last + quiet.min_interval
    if situation.notes_today >= quiet.notes_per_day:
        return f"{quiet.notes_per_day} notes in 24 hours are enough", view.now + _LOOK_AGAIN
    if regular and situation.notes_today >= quiet.regular:
        kept = f"the last {quiet.reserve} of {quiet.notes_per_day} notes in 24 hours"
        return f"{kept} are kept for what is news", view.now + _LOOK_AGAIN
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
