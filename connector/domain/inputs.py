"""The inputs of the priority: which are known, what they are worth, and what matrix or score make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from connector.domain.decision import InputVerdict
from connector.domain.matching import spelled
from connector.domain.policy import Factor, Matrix, Policy, Score
from connector.domain.ticket import Fact, Priority

Facts = Mapping[str, Fact]


class Computed(NamedTuple):
    """The answer of matrix or score; ``priority`` is ``None`` where too little is known.

    Attributes:
        line: The answer in words.
    """

    priority: Priority | None
    inputs: tuple[InputVerdict, ...]
    line: str
    score: float | None = None


Computer = Callable[[Facts], Computed]


def compute(policy: Policy, facts: Facts) -> Computed:
    """Return what the policy's matrix or score makes of a ticket's facts."""
    computer: Computer = policy.memo.get("computer") or _remember(policy)
    return computer(facts)


def _remember(policy: Policy) -> Computer:
    rules = policy.priority
    computer = _matrix(rules.matrix) if rules.matrix else _score(rules.score) if rules.score else _nothing
    policy.memo["computer"] = computer
    return computer


_NO_FORM = Computed(priority=None, inputs=(), line="the policy has neither matrix nor score")


def _nothing(_facts: Facts) -> Computed:
    return _NO_FORM


# ---- matrix


def _matrix(matrix: Matrix) -> Computer:
    """Compile the matrix to one look-up; an answer that the matrix does not list counts as missing."""
    impacts = {spelled(name): name for name in matrix.impact}
    urgencies = {spelled(name): name for name in matrix.urgency}
    known = {
        (impact, urgency): _cell(matrix, impacts.get(impact or ""), urgencies.get(urgency or ""))
        for impact in (*impacts, None)
        for urgency in (*urgencies, None)
    }

    def look_up(facts: Facts) -> Computed:
        impact, urgency = facts.get("impact"), facts.get("urgency")
        found = known.get((impact, urgency))  # type: ignore[arg-type]  # as normalised: the usual case
        return found or known[_key(impact, impacts), _key(urgency, urgencies)]

    return look_up


def _key(fact: Fact | None, names: Mapping[str, str]) -> str | None:
    key = spelled(fact)
    return key if fact is not None and key in names else None


def _cell(matrix: Matrix, impact: str | None, urgency: str | None) -> Computed:
    inputs = (InputVerdict(name="impact", value=impact), InputVerdict(name="urgency", value=urgency))
    if impact is None or urgency is None:
        missing = " and ".join(verdict.name for verdict in inputs if verdict.value is None)
        return Computed(priority=None, inputs=inputs, line=f"insufficient: {missing} missing")
    cell = matrix.cells[matrix.impact.index(impact)][matrix.urgency.index(urgency)]
    return Computed(priority=cell, inputs=inputs, line=f"impact {impact} × urgency {urgency} = {cell}")


# ---- score


def _score(score: Score) -> Computer:
    """Compile the weighted form; the weights of known factors are scaled to 100 points."""
    total = sum(factor.weight for factor in score.factors)
    readers = tuple((factor, _reader(factor)) for factor in score.factors)

    def weigh(facts: Facts) -> Computed:
        worth = [(factor, read(facts.get(factor.name))) for factor, read in readers]
        known = sum(factor.weight for factor, value in worth if value is not None)
        inputs = tuple(_input(factor, value, facts, known) for factor, value in worth)
        if not known or known < score.min_known * total - 1e-9:
            share = f"{known / total:.0%}" if total else "0%"
            return Computed(priority=None, inputs=inputs, line=f"insufficient: {share} of the weight is known")
        points = sum(verdict.points for verdict in inputs if verdict.points is not None)
        answer = priority_for(score, points)
        return Computed(priority=answer, inputs=inputs, line=f"score {points:.1f} = {answer}", score=points)

    return weigh


def priority_for(score: Score, points: float, *, spare: float = 0.0) -> Priority:
    """Return the highest priority whose bound, less ``spare`` points, is reached; P4 needs none."""
    for priority in Priority:
        bound = score.bounds.get(priority)
        if bound is not None and points >= bound - spare - 1e-9:
            return priority
    return Priority.P4


def _input(factor: Factor, value: float | None, facts: Facts, known: float) -> InputVerdict:
    if value is None:
        return InputVerdict(name=factor.name, value=None, weight=factor.weight)
    points = 100.0 * factor.weight * value / known if known else 0.0
    return InputVerdict(name=factor.name, value=shown(facts[factor.name]), weight=factor.weight, points=points)


def shown(fact: Fact) -> str:
    """Return an input as people read it."""
    return ", ".join(sorted(fact)) if isinstance(fact, frozenset) else spelled(fact)


def _reader(factor: Factor) -> Callable[[Fact | None], float | None]:
    values = {spelled(name): value for name, value in factor.values.items()}
    if not values:
        return _share
    return lambda fact: _best(fact, values) if fact is not None else None


def _best(fact: Fact, values: Mapping[str, float]) -> float | None:
    """Return what an answer is worth; of several answers the best counts, one that is not listed is missing."""
    if not isinstance(fact, frozenset):
        return values.get(spelled(fact))
    return max((values[spelled(item)] for item in fact if spelled(item) in values), default=None)


def _share(fact: Fact | None) -> float | None:
    """Return a number as it stands, clamped to 0…1; anything else is missing."""
    try:
        return min(max(float(fact), 0.0), 1.0)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


# ---- what rises


def rank(policy: Policy, name: str, value: str | None) -> float | None:
    """Return how grave an answer of ``name`` is, to tell a rise from a fall; missing is gravest of nothing (−1).

    ``None``: the policy does not weigh this input.
    """
    matrix, score = policy.priority.matrix, policy.priority.score
    if matrix is not None:
        return _place({"impact": matrix.impact, "urgency": matrix.urgency}.get(name), value)
    factor = next((factor for factor in score.factors if factor.name == name), None) if score else None
    if factor is None:
        return None
    worth = _reader(factor)(value)
    return -1.0 if worth is None else worth


def _place(answers: tuple[str, ...] | None, value: str | None) -> float | None:
    if answers is None:
        return None
    places = {spelled(answer): float(len(answers) - place) for place, answer in enumerate(answers)}
    return -1.0 if value is None else places.get(spelled(value), -1.0)
