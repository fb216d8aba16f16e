"""What a case expects against how the ticket stands, in words that a service manager can read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from connector.domain.clocks import ClockReading
from connector.domain.decision import TriggerState
from connector.domain.explain import explain_lines
from connector.domain.ticket import ClockName
from connector.policyfiles.cases_file import ClockFile, StepFile
from connector.policyfiles.replay import Standing

_NONE = "none"


def differences(step: StepFile, standing: Standing) -> Iterator[str]:
    """Yield one sentence for everything that is not as the step expects."""
    at = standing.at.strftime("%a %Y-%m-%d %H:%M UTC")
    for what, expected, found in _compared(step, standing):
        if expected != found:
            yield f"at {at}: {what} should be {_told(expected)} and is {_told(found)}"
    for clock, wanted in step.clocks.items():
        yield from (f"at {at}: {sentence}" for sentence in _clock(clock, wanted, standing))
    lines = "\n".join(explain_lines(standing.decision))
    yield from (
        f"at {at}: nothing says {words!r}" for words in step.because if words.casefold() not in lines.casefold()
    )


def _compared(step: StepFile, standing: Standing) -> Iterator[tuple[str, object, object]]:
    ticket, state, decision = standing.ticket, standing.decision.state, standing.decision
    explained = decision.explanation
    simple = (
        ("priority", step.priority, ticket.priority),
        ("the path", step.path, state.path.name if state.path else _NONE),
        ("the level", step.level, state.level),
        ("the group", step.group, ticket.group),
        ("the assignee", step.assignee, ticket.assignee),
    )
    yield from (each for each in simple if each[1] is not None)
    if step.written is not None:
        yield "what was written", dict(step.written), dict(standing.written)
    if step.said is not None:
        yield "what was said", step.said, standing.said
    if step.triggers is not None:
        hits = {TriggerState.HIT, TriggerState.ALSO_MATCHED}
        yield "the triggers", sorted(step.triggers), sorted(t.name for t in explained.triggers if t.state in hits)
    if step.held is not None:
        yield "what is held", sorted(step.held), sorted(str(hold.field) for hold in explained.holds)
    if "next" in step.model_fields_set:
        wanted = step.next.since(standing.opened_at) if step.next else None
        yield "the next look", wanted, decision.next_due_at


def _clock(clock: ClockName, wanted: ClockFile, standing: Standing) -> Iterator[str]:
    reading = next((r for r in standing.decision.explanation.clocks if r.clock is clock), None)
    found = clock_state(reading)
    if found != wanted.state:
        yield f"the clock {clock} should be {wanted.state} and is {found}"
    if reading is None:
        return
    if wanted.due and (due := wanted.due.since(standing.opened_at)) != reading.deadline:
        yield f"the clock {clock} should be due {_told(due)} and is due {_told(reading.deadline)}"
    if wanted.calendar and wanted.calendar != reading.calendar:
        yield f"the clock {clock} should run on {wanted.calendar} and runs on {reading.calendar}"


def clock_state(reading: ClockReading | None) -> str:
    """Return what a clock is doing, in one word; a breach outweighs the rest."""
    if reading is None or reading.target is None:
        return _NONE
    states = (("breached", reading.breached), ("met", reading.met_at is not None), ("paused", reading.paused))
    return next((state for state, holds in states if holds), "running")


def _told(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%a %Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, dict):
        return ", ".join(f"{name} {value[name]}" for name in value) or "nothing"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "nothing"
    return "nothing" if value is None else str(value)
