"""What there is to say on a ticket now, one remark per occasion, before it is put together into one notice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.domain import occasion
from connector.domain.cadence import cadence_of
from connector.domain.durations import spelled
from connector.domain.occasion import Occasion, Outcome, Record
from connector.domain.policy import Threshold
from connector.domain.reaching import called
from connector.domain.reason import ReasonKind, reason
from connector.domain.remark import BREACHED, Remark
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.timer import present_level
from connector.domain.view import Passed, View, mark_reason, owed_name

LEVEL_NOTE, HOLD_NOTE, MAX_PAUSE_NOTE, FLAPPING_NOTE = "escalated", "hold", "max-pause", "flapping"
"""Names of the templates that no policy names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """Everything to say now, and the rows of what stays unsaid for good."""

    remarks: tuple[Remark, ...] = ()
    records: tuple[Record, ...] = ()


def collect(view: View, state: EscalationState) -> Remarks:
    """Return what there is to say now and has not been said."""
    silenced: list[Record] = []
    thresholds = _thresholds(view) if view.passed else _NOTHING
    found = [remark for remark in _others(view, state, silenced) if not view.is_said(remark.occasion, remark.audience)]
    if not found and not silenced:
        return thresholds
    return Remarks(remarks=(*thresholds.remarks, *found), records=(*thresholds.records, *silenced))


_NOTHING = Remarks()


def _others(view: View, state: EscalationState, silenced: list[Record]) -> Iterator[Remark]:
    if state.path is not None:
        yield from _level(view, state, silenced)
    if view.policy.sla.max_pause is not None:
        yield from _max_pause(view)
    yield from _updates(view)
    if view.triggers.hits:
        yield from _asks(view)
    if view.holding.priority is not None:
        yield from _hold(view)
    if view.judgement.flapping.since is not None:
        yield from _flapping(view, view.judgement.flapping.since)


# ---- thresholds


def _thresholds(view: View) -> Remarks:
    records = list(_unspoken(view))
    remarks: list[Remark] = []
    asking = {audience: _asking(view, audience) for audience in (Effect.NOTES, Effect.PUBLIC)}
    for reading in view.readings:
        for audience, passed in asking.items():
            if candidates := [p for p in passed if p.reading is reading]:
                remarks.extend(_highest(view, candidates, audience, records))
    return Remarks(remarks=tuple(remarks), records=tuple(records))


def _asking(view: View, audience: Effect) -> tuple[Passed, ...]:
    """Return the marks that have something to say to an audience."""
    return tuple([p for p in view.passed if template_for(p, audience) and p.asks(audience)])


def template_for(passed: Passed, audience: Effect) -> str | None:
    """Return the template with which a passed threshold speaks to an audience, ``None`` where it does not."""
    return template_of(passed.crossing.threshold, audience)


def template_of(threshold: Threshold, audience: Effect) -> str | None:
    """Return the template that a threshold has for an audience, ``None`` where it has none."""
    return threshold.tell_customer if audience is Effect.PUBLIC else threshold.note


def _highest(view: View, candidates: Sequence[Passed], audience: Effect, records: list[Record]) -> Iterator[Remark]:
    """Yield the remark of the highest mark that is not settled; settle every lower one as passed over."""
    spoken = False
    for passed in reversed(candidates):
        crossing = passed.crossing
        if view.is_said(crossing.occasion, audience):
            spoken = True
        elif not view.enforces(passed.at):
            records.append(_record(view, crossing.occasion, audience, Outcome.SILENCED))
            spoken = True
        elif spoken:
            records.append(_record(view, crossing.occasion, audience, Outcome.SUPERSEDED))
        else:
            yield _threshold_remark(passed, audience)
            spoken = True


def _threshold_remark(passed: Passed, audience: Effect) -> Remark:
    reading, threshold = passed.reading, passed.crossing.threshold
    percent = threshold.mark.percent or 0
    return Remark(
        occasion=passed.crossing.occasion,
        audience=audience,
        template=template_for(passed, audience) or "",
        why=mark_reason(ReasonKind.MARK, passed),
        weight=10 if percent >= BREACHED else 20,
        breach=reading.clock if percent >= BREACHED else None,
        values={
            "clock": reading.clock.value,
            "mark": str(threshold.mark),
            "percent": str(percent) if percent else "",
            "deadline": reading.deadline.isoformat() if reading.deadline else "",
            "target": str(reading.target or ""),
            "calendar": reading.calendar,
            "notify": ", ".join(threshold.notify),
        },
    )


def _unspoken(view: View) -> Iterator[Record]:
    """Yield rows for thresholds that a re-score, a policy or our own write moved past: they never speak.

    What such a mark had asked for before is not among them: it is still to come.
    """
    for passed in view.passed:
        if not passed.crossing.superseded:
            continue
        for audience in _audiences(passed.crossing.threshold):
            settled = (str(passed.crossing.occasion), audience) in view.situation.said
            if not settled and audience not in passed.owed:
                yield _record(view, passed.crossing.occasion, audience, Outcome.SUPERSEDED)


def _audiences(threshold: Threshold) -> Iterator[Effect]:
    if threshold.escalate_to is not None:
        yield Effect.FIELDS
    if threshold.note:
        yield Effect.NOTES
    if threshold.tell_customer:
        yield Effect.PUBLIC


def _record(view: View, about: Occasion, audience: Effect, outcome: Outcome) -> Record:
    return Record(occasion=about, audience=audience, outcome=outcome, at=view.now)


# ---- levels


def _level(view: View, state: EscalationState, silenced: list[Record]) -> Iterator[Remark]:
    level, path, entered_at = present_level(state), state.path, state.entered_at
    if level is None or path is None or entered_at is None or state.acknowledged_at is not None:
        return
    about = occasion.level(path.name, entered_at, level.level)
    values = {"level_target": called(level, view.situation)}
    place = path.name, level.level
    if level.note and not view.enforces(entered_at):
        if not view.is_said(about, Effect.NOTES):
            silenced.append(_record(view, about, Effect.NOTES, Outcome.SILENCED))
    elif level.note:
        yield Remark(
            occasion=about,
            audience=Effect.NOTES,
            template=level.note,
            why=state.level_why,
            weight=15,
            values=values,
            about=place,
        )
    if state.repeats:
        again = occasion.repeat(path.name, entered_at, level.level, state.repeats)
        yield Remark(
            occasion=again,
            audience=Effect.NOTES,
            template=level.note or LEVEL_NOTE,
            why=reason(ReasonKind.REMINDER, repeats=state.repeats),
            weight=25,
            values=values | {"reminder": str(state.repeats)},
            about=place,
            regular=True,
        )


# ---- the rest


def _hold(view: View) -> Iterator[Remark]:
    """Yield the one note that says what the policy thinks of a priority that a person holds; not of an old one."""
    held, wanted = view.holding.priority, view.judgement.verdict.wanted
    if held is None or wanted is None or not wanted.is_above(held.value) or not view.enforces(held.since):
        return
    by = _by(view)
    yield Remark(
        occasion=occasion.hold("priority", held.since),
        audience=Effect.NOTES,
        template=HOLD_NOTE,
        why=reason(ReasonKind.HOLD, held=held.value, wanted=wanted, **by),
        weight=60,
        values={"held": str(held.value), "wanted": str(wanted), "since": held.since.isoformat(), **by},
    )


def _flapping(view: View, since: datetime) -> Iterator[Remark]:
    """Yield the one note that says that the priority goes to and fro and is frozen."""
    yield Remark(
        occasion=occasion.flapping("priority", since),
        audience=Effect.NOTES,
        template=FLAPPING_NOTE,
        why=reason(ReasonKind.FLAPPING, wanted=view.judgement.flapping.last),
        weight=55,
        values={"since": since.isoformat(), "wanted": str(view.judgement.flapping.last or "")},
    )


def _by(view: View) -> dict[str, str]:
    """Return who set the priority: the name that the map binds, else the helpdesk's account."""
    account = view.acts.priority.actor.id if view.acts.priority is not None else ""
    bound = view.situation.people.get(account, "")
    return {"by": bound, "account": "" if bound else account}


def _asks(view: View) -> Iterator[Remark]:
    """Yield what triggers ask, where the ticket is new enough or an input rose since, such as a trigger that hits."""
    if not view.enforces(view.holding.rose_at or view.situation.ticket.opened_at):
        return
    for trigger in view.triggers.hits:
        if trigger.ask:
            yield Remark(
                occasion=occasion.ask(trigger.name, view.situation.ticket.opened_at),
                audience=Effect.NOTES,
                template=trigger.ask,
                why=reason(ReasonKind.ASK, trigger=trigger.name),
                weight=50,
                values={"trigger": trigger.name},
            )


def _max_pause(view: View) -> Iterator[Remark]:
    """Yield one note to the owner per pause that became too long, however many clocks it pauses."""
    over = {r.max_pause_over_at for r in view.readings} - {None}
    for over_at in sorted(filter(None, over)):
        about = occasion.max_pause(over_at)
        was_asked_for = owed_name(Effect.NOTES, about) in view.situation.state.owed
        if over_at <= view.now and (view.is_news(over_at) or (was_asked_for and view.enforces(over_at))):
            yield Remark(
                occasion=about,
                audience=Effect.NOTES,
                template=MAX_PAUSE_NOTE,
                why=reason(ReasonKind.MAX_PAUSE, limit=view.policy.sla.max_pause),
                weight=40,
                values={"since": over_at.isoformat()},
            )


def _updates(view: View) -> Iterator[Remark]:
    cadence, base = cadence_of(view)
    if cadence is None or base is None:
        return
    k = (view.now - base) // cadence.every
    if k < 1 or not view.is_news(base + k * cadence.every):
        return
    yield Remark(
        occasion=occasion.update(base, k),
        audience=Effect.PUBLIC if cadence.public else Effect.NOTES,
        template=cadence.note,
        why=reason(ReasonKind.UPDATE, every=spelled(cadence.every)),
        weight=30,
        regular=True,
    )
