"""What a policy may be and still is not wise: languages without words, and one ticket that could use up a budget.

Everything that makes a policy impossible is refused when it is loaded. What stands here is right in itself; a *warning*
says what it will not do, an *error* that its worst case for a single ticket exceeds what a site may write.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from connector.domain.conditions import Op, Words
from connector.domain.policy import Cadence, Policy
from connector.domain.site import Budget, Effect


class Weight(StrEnum):
    """How bad a finding is."""

    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that lint has to say.

    Attributes:
        code: Stays the same from version to version, for whoever filters.
        key: Where in the policy, as a dotted path.
        site: Whose budget or languages it concerns.
    """

    code: str
    weight: Weight
    key: str
    message: str
    remedy: str
    site: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintSite:
    """What lint has to know of a site: its languages and its budgets."""

    name: str
    locales: tuple[str, ...]
    budgets: Mapping[Effect, Budget]


def lint(policy: Policy, sites: Iterable[LintSite]) -> tuple[Finding, ...]:
    """Return what is unwise about a policy on these sites, errors first."""
    found = [finding for site in sites for finding in (*_words(policy, site), *_budgets(policy, site))]
    return tuple(sorted(found, key=lambda f: (f.weight is Weight.WARNING, f.key, f.site)))


# ---- languages


def _words(policy: Policy, site: LintSite) -> Iterator[Finding]:
    for trigger in policy.triggers:
        tests = (*trigger.when.all, *trigger.when.any, *trigger.when.none)
        for words in (t.value for t in tests if t.op is Op.HAS_WORDS and isinstance(t.value, Words)):
            lacking = sorted(locale for locale in site.locales if not _has(words, locale))
            if lacking:
                yield Finding(
                    code="no-words",
                    weight=Weight.WARNING,
                    key=f"triggers.{trigger.name}",
                    site=site.name,
                    message=f"has no words in {', '.join(lacking)}: it is never hit by tickets in that language",
                    remedy="add words for that locale",
                )


def _has(words: Words, locale: str) -> bool:
    return bool(words.by_locale.get(locale) or words.by_locale.get(locale.partition("-")[0]))


# ---- the worst case of one ticket


def _budgets(policy: Policy, site: LintSite) -> Iterator[Finding]:
    steps = policy.escalation.min_step
    fields = site.budgets[Effect.FIELDS]
    if (writes := _steps(policy, fields.window)) > fields.least:
        message = (
            f"one ticket may climb {writes} levels within {fields.window}, the budget allows {fields.least} writes"
        )
        yield _over("escalation.min_step", site, message, f"make min_step longer than {steps}, or raise budgets.fields")
    notes = site.budgets[Effect.NOTES]
    if (said := _notes(policy, notes.window)) > notes.least:
        message = f"one ticket may get {said} notes within {notes.window}, the budget allows {notes.least}"
        yield _over("quiet", site, message, "lower notes_per_day, set min_interval, or raise budgets.notes")
    yield from _public(policy, site)


def _public(policy: Policy, site: LintSite) -> Iterator[Finding]:
    """Regular updates count against the site, what a breach tells the customer against the ticket as well."""
    budget = site.budgets[Effect.PUBLIC]
    breaches = min(sum(1 for t in policy.sla.thresholds if t.tell_customer), policy.quiet.notes_per_day)
    if budget.per_ticket is not None and breaches > budget.per_ticket:
        message = f"one ticket may tell its customer {breaches} times a day, the budget allows {budget.per_ticket}"
        yield _over(
            "sla.thresholds", site, message, "tell the customer at fewer marks, or raise budgets.public.per_ticket"
        )
    for priority, cadence in policy.cadence.items():
        if cadence.public and (updates := _updates(policy, cadence, budget.window)) > budget.least:
            message = f"one ticket may get {updates} updates within {budget.window}, the budget allows {budget.least}"
            yield _over(
                f"communication.{priority.name}.update", site, message, "update less often, or raise budgets.public"
            )


def _over(key: str, site: LintSite, message: str, remedy: str) -> Finding:
    return Finding(code="over-budget", weight=Weight.ERROR, key=key, site=site.name, message=message, remedy=remedy)


def _steps(policy: Policy, window: timedelta) -> int:
    """Return how often one ticket's level may be written within a window: never faster than ``min_step``."""
    highest = max((len(path.levels) for path in policy.escalation.paths.values()), default=0)
    return min(highest, _times(policy.escalation.min_step, window))


def _notes(policy: Policy, window: timedelta) -> int:
    """Return how many notes one ticket may get within a window."""
    return min(policy.quiet.notes_per_day, _times(policy.quiet.min_interval, window))


def _updates(policy: Policy, cadence: Cadence, window: timedelta) -> int:
    return min(policy.quiet.regular, _times(cadence.every, window))


def _times(every: timedelta, window: timedelta) -> int:
    """Return how often something at most every so often may happen within a window."""
    return math.floor(window / every) + 1 if every else 1_000_000
