"""Which priority the policy wants, which one drives clock and path, and how long a lower answer has to stand."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from connector.domain.acts import Acts, priority_named
from connector.domain.change import Field
from connector.domain.decision import PriorityVerdict
from connector.domain.flapping import Flapping, read_flapping
from connector.domain.inputs import Computed, compute, priority_for
from connector.domain.occasion import Occasion, Outcome, moment, set_field
from connector.domain.ownership import Holding
from connector.domain.policy import Policy
from connector.domain.site import Effect
from connector.domain.situation import Situation
from connector.domain.ticket import Priority, highest
from connector.domain.triggers import TriggerReading
from connector.domain.unread import RAISED_AFTER, has_waited, waits_to_be_written, why_unread


class Judgement(NamedTuple):
    """The priority of one ticket.

    Attributes:
        verdict: Computed, wanted and effective priority, with reasons.
        candidate, candidate_since: A lower answer that has not stood for ``dwell`` yet.
        lowers_at: When it will have.
        stated: What somebody other than us gave last.
        occasion: Under which the wanted priority is written; ``None``: it is not to be written.
        left: Why it is not to be written, where that needs saying.
        flapping: How much what is wanted goes to and fro.
        waits: It waits for the ticket's history; it is left until that is in, or until it is urgent and has waited too
            long.
    """

    verdict: PriorityVerdict
    candidate: Priority | None = None
    candidate_since: datetime | None = None
    lowers_at: datetime | None = None
    stated: Priority | None = None
    occasion: Occasion | None = None
    left: str = ""
    flapping: Flapping = Flapping()
    waits: bool = False


def judge(
    situation: Situation, policy: Policy, *, acts: Acts, triggers: TriggerReading, holding: Holding, now: datetime
) -> Judgement:
    """Return the priority of a ticket.

    Raising is at once. Lowering happens only where the policy lowers, when the lower answer has stood for its dwell
    time, and never while a trigger's answer is unknown or too little is known for matrix or score: what triggers make
    of a stated priority then only raises.
    """
    computed = compute(policy, situation.ticket.facts)
    stated = stated_priority(situation, acts)
    answer, lines = _answer(computed, triggers, stated)
    if situation.state.floor is not None and situation.state.floor.is_above(answer):
        answer, lines = situation.state.floor, (*lines, f"merged tickets -> floor {situation.state.floor}")
    current = _current(situation)
    if situation.ticket.foreign_priority:
        verdict = _verdict(computed, answer, answer, lines)
        return Judgement(verdict=verdict, stated=stated, left="the site's map does not know the helpdesk's priority")
    if owner := holding.owner_of(Field.PRIORITY):
        verdict = _verdict(computed, answer, situation.ticket.priority, lines)
        return Judgement(verdict=verdict, stated=stated, left=owner)
    held = holding.priority
    if held is not None:
        wanted = highest(answer, held.value)
        verdict = _verdict(computed, wanted, held.value, lines)
        return Judgement(verdict=verdict, stated=stated, left=_held_text(held.by, wanted, held.value))
    if answer is None:
        return Judgement(verdict=_verdict(computed, None, current, lines), stated=stated)
    if current is None or answer <= current:
        is_hard = answer is Priority.P1 or any(trigger.at_least for trigger in triggers.hits)
        overdue = is_hard and has_waited(situation.state, RAISED_AFTER, now)
        verdict = _verdict(computed, answer, answer, lines)
        raised = _to_write(situation, holding, stated=stated, verdict=verdict, overdue=overdue)
        return _still_lowered(situation, raised, answer)
    return _lowered(
        situation, policy, holding, now=now, judged=_Lower(computed, answer, current, stated, lines, triggers.unread)
    )


def calmed(situation: Situation, judged: Judgement, now: datetime) -> Judgement:
    """Return the judgement with what flaps frozen: such a priority may still be raised and is not lowered."""
    verdict, live = judged.verdict, situation.ticket.priority
    flapping = read_flapping(situation.state, verdict.wanted, now)
    if flapping.since is None or judged.occasion is None or live is None or verdict.wanted is None:
        return judged._replace(flapping=flapping)
    if verdict.wanted <= live:
        return judged._replace(flapping=flapping)
    why = f"goes to and fro since {flapping.since:%Y-%m-%d %H:%M} UTC; the policy says {verdict.wanted} now"
    return judged._replace(verdict=verdict._replace(effective=live), occasion=None, left=why, flapping=flapping)


def _still_lowered(situation: Situation, judged: Judgement, answer: Priority) -> Judgement:
    """Keep the lower answer in mind that was just taken, so that deciding again remembers the same."""
    state = situation.state
    if state.candidate_priority is not answer:
        return judged
    return judged._replace(candidate=answer, candidate_since=state.candidate_since)


class _Lower(NamedTuple):
    computed: Computed
    answer: Priority
    current: Priority
    stated: Priority | None
    lines: tuple[str, ...]
    unread: bool


def _lowered(situation: Situation, policy: Policy, holding: Holding, *, now: datetime, judged: _Lower) -> Judgement:
    """Return the judgement where the answer is lower than what stands.

    While text is unread nothing is lowered, but a lower answer that still stands keeps the time that it has stood.
    """
    answer = _beyond_hysteresis(policy, judged)
    state = situation.state
    known_since = state.candidate_since if state.candidate_priority is answer else None
    if not _may_lower(policy, judged) or judged.unread or answer <= judged.current:
        verdict = _verdict(judged.computed, judged.current, judged.current, judged.lines)
        kept = _to_write(situation, holding, stated=judged.stated, verdict=verdict)
        waits = known_since is not None and judged.unread and _may_lower(policy, judged)
        return kept._replace(candidate=answer, candidate_since=known_since) if waits else kept
    since = now if known_since is None else known_since
    lowers_at = since + policy.priority.dwell
    if lowers_at <= now:
        verdict = _verdict(judged.computed, answer, answer, judged.lines)
        settled = _to_write(situation, holding, stated=judged.stated, verdict=verdict)
        return settled._replace(candidate=answer, candidate_since=since)
    line = f"{answer} must stand until {lowers_at:%Y-%m-%d %H:%M} UTC"
    verdict = _verdict(judged.computed, judged.current, judged.current, (*judged.lines, line))
    return Judgement(
        verdict=verdict, candidate=answer, candidate_since=since, lowers_at=lowers_at, stated=judged.stated
    )


def _may_lower(policy: Policy, judged: _Lower) -> bool:
    """True where the policy lowers and matrix or score has an answer: an input that is missing is not low."""
    return policy.priority.lower and judged.computed.priority is not None


def _beyond_hysteresis(policy: Policy, judged: _Lower) -> Priority:
    """Return the lower answer, or the present one where the score is not far enough below its bound."""
    score, points = policy.priority.score, judged.computed.score
    if score is None or points is None or not score.hysteresis:
        return judged.answer
    spared = highest(priority_for(score, points, spare=score.hysteresis), judged.answer) or judged.answer
    return max(spared, judged.current) if spared < judged.answer else judged.answer


def _answer(
    computed: Computed, triggers: TriggerReading, stated: Priority | None
) -> tuple[Priority | None, tuple[str, ...]]:
    """Return the policy's own answer, without what people hold, and its reasons."""
    if not triggers.hits:
        return computed.priority, _line(computed.line)
    base = computed.priority if computed.priority is not None else stated
    answer, lines = base, [computed.line]
    asks = False
    for trigger in triggers.hits:
        floor = trigger.at_least
        if trigger.raise_by and base is not None:
            floor = highest(floor, base.raised(trigger.raise_by, cap=trigger.cap))
        asks = asks or floor is not None
        if floor is not None and floor.is_above(base):
            lines.append(f"trigger {trigger.name} -> floor {floor}")
        answer = highest(answer, floor)
    return (answer if asks else computed.priority), tuple(lines)


@lru_cache(maxsize=512)
def _line(text: str) -> tuple[str, ...]:
    return (text,)


def _current(situation: Situation) -> Priority | None:
    """Return what stands now: the live priority, in shadow the shadow's own where that is higher."""
    ticket = situation.ticket
    if situation.rules.allows(Effect.FIELDS, ticket.scope):
        return ticket.priority
    return highest(ticket.priority, situation.state.priority)


def stated_priority(situation: Situation, acts: Acts) -> Priority | None:
    """Return the priority that somebody other than us gave last: requester, agent or another automation."""
    if acts.priority is not None:
        return priority_named(acts.priority.after)
    if acts.first_priority is not None:
        return priority_named(acts.first_priority.before)
    live, ours = situation.ticket.priority, situation.applied.get(Field.PRIORITY)
    if ours is None or ours.baseline or ours.value != str(live):
        return live
    return situation.state.stated_priority


def _to_write(
    situation: Situation, holding: Holding, *, stated: Priority | None, verdict: PriorityVerdict, overdue: bool = False
) -> Judgement:
    """Return the judgement with the occasion to write it under, or why the live priority stands instead.

    ``overdue``: it is urgent and has waited too long for the ticket's history.
    """
    wanted, live = verdict.wanted, situation.ticket.priority
    if wanted is None or wanted is live:
        occasion = set_field(Field.PRIORITY, str(wanted)) if wanted else None
        return Judgement(verdict=verdict, stated=stated, occasion=occasion)
    occasion, left = _occasion(situation, holding, wanted)
    if left and situation.rules.allows(Effect.FIELDS, situation.ticket.scope):
        verdict = verdict._replace(effective=live)
    if left or holding.renewed_at is not None:
        return Judgement(verdict=verdict, stated=stated, occasion=None if left else occasion, left=left)
    waits = waits_to_be_written(situation)
    if unread := why_unread(situation, wanted, overdue=overdue):
        verdict = verdict._replace(effective=_current(situation))
        return Judgement(verdict=verdict, stated=stated, left=unread, waits=waits)
    return Judgement(verdict=verdict, stated=stated, occasion=occasion, waits=waits)


def _occasion(situation: Situation, holding: Holding, wanted: Priority) -> tuple[Occasion, str]:
    """Return the occasion for a priority that differs from the live one, and why it is not to be acted upon.

    What was settled before (silenced, refused, or written and changed by somebody, a program that answers us among
    them) is not tried again until an input rises or the person's hold is given up; then it has a name of its own.
    """
    plain = set_field(Field.PRIORITY, str(wanted))
    settled_at, why = _settled(situation, plain, wanted)
    if settled_at is None:
        return plain, ""
    renewed_at = holding.renewed_at
    if renewed_at is None or renewed_at <= settled_at:
        return plain, why
    again = Occasion(plain.kind, (*plain.parts, moment(renewed_at)))
    row = situation.said.get((str(again), Effect.FIELDS))
    if row is not None and row.outcome.is_final and row.outcome is not Outcome.DONE:
        return again, f"{row.outcome} on {row.at:%Y-%m-%d %H:%M} UTC"
    return again, ""


def _settled(situation: Situation, plain: Occasion, wanted: Priority) -> tuple[datetime | None, str]:
    ours, live = situation.applied.get(Field.PRIORITY), situation.ticket.priority
    if ours is not None and not ours.baseline and (ours.value == str(wanted) or ours.value != str(live)):
        return ours.at, f"changed by somebody since we wrote it on {ours.at:%Y-%m-%d %H:%M} UTC"
    row = situation.said.get((str(plain), Effect.FIELDS))
    if row is not None and row.outcome.is_final and row.outcome is not Outcome.DONE:
        return row.at, f"{row.outcome} on {row.at:%Y-%m-%d %H:%M} UTC"
    return None, ""


def _held_text(by: str, wanted: Priority | None, held: Priority) -> str:
    return f"held by {by}; the policy says {wanted}" if wanted is not None and wanted < held else ""


def _verdict(
    computed: Computed, wanted: Priority | None, effective: Priority | None, lines: tuple[str, ...]
) -> PriorityVerdict:
    known = computed.priority is not None
    return PriorityVerdict(computed.priority, wanted, effective, computed.inputs, computed.score, known, lines)
