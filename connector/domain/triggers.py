"""Hard triggers: which of them hit a ticket, and what together they ask for. They raise or speed up, never lower."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connector.domain.conditions import Op, Test, When
from connector.domain.decision import TriggerState, TriggerVerdict
from connector.domain.matching import Matcher, compile_when, spelled
from connector.domain.policy import Policy, Trigger
from connector.domain.situation import Situation
from connector.domain.ticket import Priority, highest
from connector.domain.words import read_text

__all__ = ["TriggerReading", "in_words", "read_text", "read_triggers"]


class TriggerReading(NamedTuple):
    """What the triggers say about one ticket.

    Attributes:
        hits: Triggers in force, in file order.
        verdicts: One per trigger of the policy, in file order.
        unread: Some answer needs the ticket's text, which has not been read for its present version.
    """

    hits: tuple[Trigger, ...]
    verdicts: tuple[TriggerVerdict, ...]
    unread: bool

    @property
    def floor(self) -> Priority | None:
        """Return the highest ``at_least`` in force."""
        return highest(*(trigger.at_least for trigger in self.hits))

    @property
    def variant(self) -> str | None:
        """Return the name of the faster targets that the first trigger asks for."""
        return next((trigger.targets for trigger in self.hits if trigger.targets), None)

    @property
    def path(self) -> Trigger | None:
        """Return the first trigger in file order that names a path."""
        return next((trigger for trigger in self.hits if trigger.path), None)


class _Compiled(NamedTuple):
    trigger: Trigger
    when: Matcher
    unless: Matcher
    words: str


def read_triggers(situation: Situation, policy: Policy, *, dismissed: Mapping[str, str]) -> TriggerReading:
    """Return which triggers hit; ``dismissed`` maps a trigger's name to who dismissed it and why.

    A trigger that needs text which is not read yet is unknown; when it hit last time it stays in force until the text
    is read, since not knowing never lowers.
    """
    compiled, silent = _compiled(policy)
    ticket, text = situation.ticket, situation.text_hits
    verdicts: dict[str, TriggerVerdict] = {}
    hits: list[Trigger] = []
    unread = False
    for each in compiled:
        answer = each.when(ticket, text)
        if answer is False:
            continue
        verdict, needs_text = _verdict(each, situation, answer=answer, dismissed=dismissed)
        unread = unread or needs_text
        verdicts[each.trigger.name] = verdict
        if verdict.state is TriggerState.HIT:
            hits.append(each.trigger)
    if not verdicts:
        return silent
    return _reading(compiled, tuple(hits), verdicts, unread=unread)


def _verdict(
    each: _Compiled, situation: Situation, *, answer: bool | None, dismissed: Mapping[str, str]
) -> tuple[TriggerVerdict, bool]:
    """Return what became of a trigger that matched or may match, and whether the text has to be read for it."""
    name = each.trigger.name
    if name in dismissed:
        return TriggerVerdict(name=name, state=TriggerState.DISMISSED, why=dismissed[name]), False
    taken_back = each.unless(situation.ticket, situation.text_hits)
    if taken_back:
        return TriggerVerdict(name=name, state=TriggerState.TAKEN_BACK, why=each.words), False
    if answer:
        return TriggerVerdict(name=name, state=TriggerState.HIT, why=each.words), taken_back is None
    if name in situation.state.active_triggers:
        why = f"{each.words}; hit last time, the text is not read yet"
        return TriggerVerdict(name=name, state=TriggerState.HIT, why=why), True
    return TriggerVerdict(name=name, state=TriggerState.UNKNOWN, why="the text is not read yet"), True


def _reading(
    compiled: tuple[_Compiled, ...], hits: tuple[Trigger, ...], verdicts: Mapping[str, TriggerVerdict], *, unread: bool
) -> TriggerReading:
    first = TriggerReading(hits=hits, verdicts=(), unread=unread)
    told = (_weighed(each, verdicts.get(each.trigger.name), first) for each in compiled)
    return TriggerReading(hits=hits, verdicts=tuple(told), unread=unread)


def _weighed(each: _Compiled, verdict: TriggerVerdict | None, all_hits: TriggerReading) -> TriggerVerdict:
    """Return the verdict, told apart by whether something that the trigger asks for was decided by another one."""
    name = each.trigger.name
    if verdict is None:
        return TriggerVerdict(name=name, state=TriggerState.NO)
    outdone = _outdone(each.trigger, all_hits)
    if verdict.state is not TriggerState.HIT or not outdone:
        return verdict
    return TriggerVerdict(name=name, state=TriggerState.ALSO_MATCHED, why=f"{verdict.why}; {outdone}")


def _outdone(trigger: Trigger, all_hits: TriggerReading) -> str:
    floor, path = all_hits.floor, all_hits.path
    if trigger.at_least is not None and floor is not None and floor.is_above(trigger.at_least):
        return f"a higher floor holds ({floor})"
    if trigger.path and path is not None and path is not trigger:
        return f"{path.name} already names the path {path.path}"
    return ""


def _compiled(policy: Policy) -> tuple[tuple[_Compiled, ...], TriggerReading]:
    found: tuple[tuple[_Compiled, ...], TriggerReading] | None = policy.memo.get("triggers")
    if found is None:
        compiled = tuple(_compile(trigger) for trigger in policy.triggers)
        none = tuple(TriggerVerdict(name=trigger.name, state=TriggerState.NO) for trigger in policy.triggers)
        found = policy.memo["triggers"] = compiled, TriggerReading(hits=(), verdicts=none, unread=False)
    return found


def _compile(trigger: Trigger) -> _Compiled:
    unless = compile_when(trigger.unless) if trigger.unless else _never
    return _Compiled(trigger, compile_when(trigger.when), unless, in_words(trigger.when))


def _never(_ticket: object, _hits: object) -> bool:
    return False


def in_words(when: When) -> str:
    """Return a condition as people read it: ``type is security-incident or labels includes security``."""
    parts = [_joined(when.all, " and "), _joined(when.any, " or "), _joined(when.none, " and ", prefix="not ")]
    return "; ".join(filter(None, parts)) or "always"


def _joined(tests: tuple[Test, ...], word: str, *, prefix: str = "") -> str:
    return word.join(prefix + _told(test) for test in tests)


def _told(test: Test) -> str:
    op = test.op.value.replace("_", " ")
    if test.op is Op.HAS_WORDS:
        return "text has one of the words"
    if test.value is None:
        return f"{test.field} {op}"
    value = test.value if isinstance(test.value, tuple) else (test.value,)
    return f"{test.field} {op} {', '.join(map(spelled, value))}"
