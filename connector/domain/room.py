"""Room: what of a day's notes a ticket has left, and for what; a breach finds its note kept, whatever came before.

For every clock that may be breached within the next 24 hours and has not said so in the last 24, one note is kept for
each audience that it would tell, up to half of ``notes_per_day``. So a breach is said at once, and a clock that is
breached again and again, as one for updates may be, takes no more than its share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from connector.domain.clocks import ClockReading
from connector.domain.occasion import THRESHOLD, Outcome
from connector.domain.remark import BREACHED, Remark
from connector.domain.remarks import template_of
from connector.domain.site import Effect
from connector.domain.ticket import ClockName
from connector.domain.view import View

_DAY = timedelta(hours=24)

Kept = frozenset[tuple[ClockName, Effect]]
"""Clocks for whose breach a note is kept, each with whom it would tell."""


class Fitting(NamedTuple):
    """What there is room for, and what has to wait, with the reason; each part is for one audience."""

    said: tuple[Sequence[Remark], ...]
    waiting: tuple[tuple[Remark, str], ...]


def fitting(view: View, parts: Sequence[Sequence[Remark]]) -> Fitting:
    """Return which parts may be said now. Each is one note, counted before the next; what is in it goes along."""
    kept = kept_for_breaches(view)
    said: list[Sequence[Remark]] = []
    waiting: list[tuple[Remark, str]] = []
    for remarks in parts:
        why = _no_room(view, remarks, kept, used=view.situation.notes_today + len(said))
        if why:
            waiting += ((remark, why) for remark in remarks)
        else:
            said.append(remarks)
    return Fitting(tuple(said), tuple(waiting))


def _no_room(view: View, remarks: Sequence[Remark], kept: Kept, *, used: int) -> str:
    quiet = view.policy.quiet
    if used >= quiet.notes_per_day:
        return f"{quiet.notes_per_day} notes in 24 hours are enough"
    if any((remark.breach, remark.audience) in kept for remark in remarks):
        return ""
    breaches = min(len(kept), quiet.reserve)
    if used >= quiet.notes_per_day - breaches:
        return f"the last {breaches} of {quiet.notes_per_day} notes in 24 hours are kept for breaches"
    if used >= quiet.regular and all(remark.regular for remark in remarks):
        return f"the last {quiet.reserve} of {quiet.notes_per_day} notes in 24 hours are kept for what is news"
    return ""


def kept_for_breaches(view: View) -> Kept:
    """Return the clocks that may be breached within a day, or are and have not said so, with whom they would tell."""
    return frozenset(
        (reading.clock, audience)
        for reading in view.readings
        if reading.met_at is None
        for audience in (Effect.NOTES, Effect.PUBLIC)
        if view.allows(audience)
        if not _said_lately(view, reading.clock, audience)
        if any(_to_come(view, reading, audience))
    )


def _to_come(view: View, reading: ClockReading, audience: Effect) -> Iterator[bool]:
    """Yield, for every mark at which a breach is told to an audience, whether that may be within a day."""
    for threshold, at in reading.marks:
        if (threshold.mark.percent or 0) < BREACHED or not template_of(threshold, audience):
            continue
        if at is not None and at <= view.now:
            about = reading.crossing(threshold, at).occasion
            asks = (p.asks(audience) and view.enforces(p.at) for p in view.passed if p.crossing.occasion == about)
            yield any(asks) and not view.is_said(about, audience)
        else:
            yield at is None or at <= view.now + _DAY


def _said_lately(view: View, clock: ClockName, audience: Effect) -> bool:
    since = view.now - _DAY
    for (name, to), row in view.situation.said.items():
        if (
            to is audience
            and row.outcome is Outcome.DONE
            and row.at > since
            and name.startswith(f"{THRESHOLD}:{clock}:")
        ):
            percent = name.rsplit(":", 1)[-1].removesuffix("%")
            if percent.isdecimal() and int(percent) >= BREACHED:
                return True
    return False
