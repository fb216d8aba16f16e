"""What follows from a decision: what happens next and when, how urgent it is, what else people should know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connector.domain.cases import told_case
from connector.domain.change import Field
from connector.domain.clocks import ClockReading
from connector.domain.decision import Hold, LeftAlone, Upcoming
from connector.domain.escalation import Escalated
from connector.domain.merges import told_merge
from connector.domain.notices import Saying
from connector.domain.pushed import has_pushed
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.ticket import Priority, highest
from connector.domain.unread import COMMENT, RAISED_AFTER, TOLD_AFTER, has_waited, waits_since
from connector.domain.view import Ahead, View


def upcoming(view: View, escalated: Escalated, saying: Saying) -> tuple[Upcoming, ...]:
    """Return what happens by itself if nothing changes, soonest first."""
    found = [item for item in _upcoming(view, escalated, saying) if item.at > view.now]
    if len(found) > 1:
        found.sort(key=lambda item: (item.at, item.what))
    return tuple(found)


def _upcoming(view: View, escalated: Escalated, saying: Saying) -> Iterator[Upcoming]:
    if view.ahead is not None:
        yield Upcoming(at=view.ahead.at, what=_told(view, view.ahead, escalated.state))
    timer = escalated.verdict.timer_due_at
    if timer is not None:
        unless = "" if escalated.verdict.acknowledged else " unless acknowledged"
        yield Upcoming(at=timer, what=f"next step after level {escalated.verdict.level}{unless}")
    if view.judgement.lowers_at is not None:
        yield Upcoming(at=view.judgement.lowers_at, what=f"priority lowered to {view.judgement.candidate}")
    if view.judgement.flapping.calm_at is not None:
        yield Upcoming(at=view.judgement.flapping.calm_at, what="the priority no longer counts as going to and fro")
    if view.judgement.waits and view.judgement.left and is_urgent(view):
        at = waits_since(view.situation.state, view.now) + RAISED_AFTER
        yield Upcoming(at=at, what=f"priority raised to {view.judgement.verdict.wanted} without its history")
    for ends_at in view.holding.expires:
        settles = ends_at == view.acts.settles_at
        yield Upcoming(
            at=ends_at, what="the reopening counts, if the ticket is still open" if settles else "a hold ends"
        )
    yield from saying.upcoming


def _told(view: View, ahead: Ahead, state: EscalationState) -> str:
    """Return a mark that is reached next, with what it will still do."""
    threshold = ahead.threshold
    about = ahead.reading.crossing(threshold, ahead.at).occasion
    last = state.path.levels[-1].level if state.path is not None else None
    number = threshold.escalate_to if last is None else min(threshold.escalate_to or 0, last)
    steps = number and number > state.level and not has_pushed(view, about)
    effects = [f"escalate to level {number}"] if steps else []
    notes = {Effect.NOTES: threshold.note, Effect.PUBLIC: threshold.tell_customer}
    effects += [f"note {name}" for audience, name in notes.items() if name and not view.is_said(about, audience)]
    name = f"{ahead.reading.clock.value} {threshold.mark}"
    return name + (f": {', '.join(effects)}" if effects else "")


def next_due_at(view: View, escalated: Escalated, saying: Saying, *, waits: bool = False) -> datetime | None:
    """Return the first moment at which anything may differ by itself, strictly later than now.

    ``waits``: something waits for the ticket's history, and only so long in silence.
    """
    now = view.now
    moments = [reading.next_at for reading in view.readings]
    moments += [view.judgement.lowers_at, view.judgement.flapping.calm_at]
    moments += [view.ahead.at if view.ahead is not None else None]
    moments += (*escalated.wakes, *view.holding.expires, *(item.at for item in saying.upcoming))
    since = waits_since(view.situation.state, now)
    moments += (since + TOLD_AFTER, since + RAISED_AFTER) if waits else ()
    return min((moment for moment in moments if moment is not None and moment > now), default=None)


def deadline_of(readings: tuple[ClockReading, ...]) -> datetime | None:
    """Return the earliest deadline that is still to be met."""
    return min((r.deadline for r in readings if r.deadline is not None and r.met_at is None), default=None)


def next_deadline(view: View) -> datetime | None:
    """Return the earliest deadline still ahead: one that has passed is nothing to look forward to."""
    ahead = (r.deadline for r in view.readings if r.deadline is not None and r.met_at is None)
    return min((deadline for deadline in ahead if deadline > view.now), default=None)


def riders(view: View) -> dict[str, str]:
    """Return what travels along with a write and never causes one."""
    found = {"policy": view.policy.short_hash}
    score = view.judgement.verdict.score
    if score is not None:
        found["score"] = f"{score:.1f}"
    if (deadline := next_deadline(view)) is not None:
        found["next_due"] = deadline.isoformat()
    return found


def holds(view: View) -> tuple[Hold, ...]:
    """Return what people hold, and what ends it."""
    found: list[Hold] = []
    held, whole = view.holding.priority, view.holding.ticket
    if held is not None:
        ends = "until impact or urgency rises, a new trigger hits, it is reopened, or /esc release"
        found.append(
            Hold(
                field=Field.PRIORITY,
                value=str(held.value),
                since=held.since,
                by=held.by,
                until=held.until,
                reason=ends,
            )
        )
    if whole is not None:
        everything = (Field.PRIORITY, Field.LEVEL, Field.GROUP, Field.ASSIGNEE)
        found.extend(
            Hold(field=field, value=None, since=whole.since, by=whole.by, until=whole.until, reason="whole ticket")
            for field in everything
        )
    return tuple(found)


def alarms(view: View, escalated: Escalated) -> tuple[str, ...]:
    """Return what people must hear: nobody reachable, a missing target, a breach on a ticket that is held."""
    if view.holding.ticket is None:
        return escalated.alarms
    breached = (r for r in view.readings if r.breached and r.met_at is None)
    said = tuple(f"{r.clock.value} is breached while the ticket is held by {view.holding.ticket.by}" for r in breached)
    return (*said, *escalated.alarms)


def is_urgent(view: View) -> bool:
    """True where a P1 is wanted or stands, or a hard trigger hits."""
    is_first = Priority.P1 in {view.priority, view.judgement.verdict.wanted}
    return is_first or any(trigger.at_least for trigger in view.triggers.hits)


def overdue(view: View, left: tuple[LeftAlone, ...]) -> str:
    """Return that something urgent has waited too long for the ticket's history, empty where people need not know.

    ``left`` is what the present level leaves. It is told once; in shadow, and while the site is paused, nothing waits
    for the history alone.
    """
    before, is_live = view.situation.state, any(map(view.allows, Effect)) and not view.situation.halted
    is_due = has_waited(before, TOLD_AFTER, view.now) and not before.unread_told
    if not is_due or not is_live or not is_urgent(view):
        return ""
    if view.holding.waits:
        why = f"nothing is done there, because of {COMMENT}"
    elif view.judgement.waits:
        why = view.judgement.left or "it is written without it"
    else:
        why = "; ".join(f"{item.what}: {item.why}" for item in left)
    since = waits_since(before, view.now)
    return f"{_wanted(view)} waits since {since:%Y-%m-%d %H:%M} UTC for the ticket's history: {why}"


def _wanted(view: View) -> str:
    return str(highest(view.judgement.verdict.wanted, view.priority) or "what is urgent")


def _unplaced(view: View) -> Iterator[str]:
    """Yield the marks that a helpdesk's clock without a stated target cannot place: they would stay silent unseen."""
    for reading in view.readings:
        native = reading.native
        if native is None or native.goal is not None or reading.deadline is None:
            continue
        marks = ", ".join(str(c.threshold.mark) for c in reading.crossings if c.at is None)
        if marks:
            why = "the helpdesk states a deadline and no target"
            yield f"{reading.clock.value}: {marks} cannot be placed, because {why}; write them as before: 30m"


def findings(view: View) -> tuple[str, ...]:
    """Return what is odd about this ticket or about the policy for it."""
    found = list(view.acts.ignored)
    if view.readings and all(reading.target is None for reading in view.readings):
        found.append(f"the policy has no SLA target for priority {view.priority or 'none'}")
    found += _unplaced(view)
    found += (*told_case(view.situation, view.priority), *told_merge(view.situation))
    if view.situation.ticket.foreign_priority:
        found.append("the helpdesk's priority is not in the site's map: it is left as it is")
    if not view.situation.history.complete:
        found.append("clocks are provisional: the ticket's history is not in yet")
    return tuple(found)
