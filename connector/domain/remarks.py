"""What there is to say on a ticket now, one remark per occasion, before it is put together into one notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connector.domain import occasion
from connector.domain.occasion import Occasion, Outcome, Record
from connector.domain.ownership import latest
from connector.domain.policy import Cadence, Threshold
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.ticket import ClockName, Status
from connector.domain.timer import present_level
from connector.domain.view import Passed, View

LEVEL_NOTE, HOLD_NOTE, MAX_PAUSE_NOTE, FLAPPING_NOTE = "escalated", "hold", "max-pause", "flapping"
"""Names of the templates that no policy names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing to say to one audience; ``weight`` decides which of several leads (the least)."""

    occasion: Occasion
    audience: Effect
    template: str
    reason: str
    weight: int
    values: Mapping[str, str] = field(default_factory=dict)


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
    for reading in view.readings:
        for audience in (Effect.NOTES, Effect.PUBLIC):
            candidates = [p for p in view.passed if p.reading is reading and p.stands and template_for(p, audience)]
            remarks.extend(_highest(view, candidates, audience, records))
    return Remarks(remarks=tuple(remarks), records=tuple(records))


def template_for(passed: Passed, audience: Effect) -> str | None:
    """Return the template with which a threshold speaks to an audience, ``None`` where it does not."""
    threshold = passed.crossing.threshold
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
        reason=f"{threshold.mark} of {reading.clock.value} used" + _due(reading.deadline),
        weight=10 if percent >= 100 else 20,
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


def _due(deadline: datetime | None) -> str:
    return f", due {deadline:%Y-%m-%d %H:%M} UTC" if deadline is not None else ""


def _unspoken(view: View) -> Iterator[Record]:
    """Yield rows for thresholds that a re-score, a policy or our own write moved past: they never speak."""
    for passed in view.passed:
        if not passed.crossing.superseded:
            continue
        for audience in _audiences(passed.crossing.threshold):
            if (str(passed.crossing.occasion), audience) not in view.situation.said:
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
    values = {"level_target": str(level.target)}
    if level.note and not view.enforces(entered_at):
        if not view.is_said(about, Effect.NOTES):
            silenced.append(_record(view, about, Effect.NOTES, Outcome.SILENCED))
    elif level.note:
        reason = f"level {level.level} of path {path.name}: {state.level_reason}"
        yield Remark(
            occasion=about, audience=Effect.NOTES, template=level.note, reason=reason, weight=15, values=values
        )
    if state.repeats:
        again = occasion.repeat(path.name, entered_at, level.level, state.repeats)
        reason = f"level {level.level} of path {path.name} not acknowledged, reminder {state.repeats}"
        template = level.note or LEVEL_NOTE
        yield Remark(occasion=again, audience=Effect.NOTES, template=template, reason=reason, weight=25, values=values)


# ---- the rest


def _hold(view: View) -> Iterator[Remark]:
    """Yield the one note that says what the policy thinks of a priority that a person holds."""
    held, wanted = view.holding.priority, view.judgement.verdict.wanted
    if held is None or wanted is None or not wanted.is_above(held.value):
        return
    yield Remark(
        occasion=occasion.hold("priority", held.since),
        audience=Effect.NOTES,
        template=HOLD_NOTE,
        reason=f"{held.by} set {held.value}; the policy says {wanted}",
        weight=60,
        values={"held": str(held.value), "wanted": str(wanted), "by": held.by, "since": held.since.isoformat()},
    )


def _flapping(view: View, since: datetime) -> Iterator[Remark]:
    """Yield the one note that says that the priority goes to and fro and is frozen."""
    yield Remark(
        occasion=occasion.flapping("priority", since),
        audience=Effect.NOTES,
        template=FLAPPING_NOTE,
        reason="the priority that the policy wants goes to and fro",
        weight=55,
        values={"since": since.isoformat(), "wanted": str(view.judgement.flapping.last or "")},
    )


def _asks(view: View) -> Iterator[Remark]:
    for trigger in view.triggers.hits:
        if trigger.ask:
            yield Remark(
                occasion=occasion.ask(trigger.name, view.situation.ticket.opened_at),
                audience=Effect.NOTES,
                template=trigger.ask,
                reason=f"trigger {trigger.name} asks an agent to confirm",
                weight=50,
                values={"trigger": trigger.name},
            )


def _max_pause(view: View) -> Iterator[Remark]:
    """Yield one note to the owner per pause that became too long, however many clocks it pauses."""
    over = {r.max_pause_over_at for r in view.readings} - {None}
    for over_at in sorted(filter(None, over)):
        if over_at <= view.now and view.is_news(over_at):
            yield Remark(
                occasion=occasion.max_pause(over_at),
                audience=Effect.NOTES,
                template=MAX_PAUSE_NOTE,
                reason=f"waiting for longer than {view.policy.sla.max_pause}",
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
        reason=f"regular update {k}, every {cadence.every}",
        weight=30,
    )


def next_update_at(view: View) -> datetime | None:
    """Return when the next regular update falls due."""
    cadence, base = cadence_of(view)
    if cadence is None or base is None:
        return None
    return base + ((view.now - base) // cadence.every + 1) * cadence.every


def cadence_of(view: View) -> tuple[Cadence | None, datetime | None]:
    """Return the cadence in force and the moment that it counts from; a pause starts it afresh."""
    cadence = view.policy.cadence.get(view.priority) if view.priority is not None else None
    if cadence is None or view.paused or view.holding.ticket is not None or _over(view, cadence):
        return None, None
    reading = view.clock(ClockName.RESOLUTION)
    base = latest(
        view.situation.ticket.opened_at,
        reading.cycle_start if reading is not None else None,
        view.state.priority_since,
        view.acts.resumed_at,
        view.holding.freed_at,
    )
    return cadence, base


_RANK = {Status.NEW: 0, Status.OPEN: 1, Status.ON_HOLD: 1, Status.WAITING_OUTSIDE: 2, Status.WAITING_CUSTOMER: 2}


def _over(view: View, cadence: Cadence) -> bool:
    rank = _RANK.get(view.situation.ticket.status, 3)
    return rank >= _RANK.get(cadence.until, 3)
