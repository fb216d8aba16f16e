"""``policy lint``: warnings for languages without words, errors for what one ticket could use up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest

from connector.domain.policy import Cadence, Policy
from connector.domain.site import DEFAULT_BUDGETS, Budget, Effect
from connector.domain.ticket import ClockName, Priority
from connector.policyfiles.lint import Finding, LintSite, Weight, lint
from tests.gates.site import POLICY

SITE = LintSite(name="zendesk", locales=("en", "de", "nl", "fr"), budgets=DEFAULT_BUDGETS)


def errors(policy: Policy, site: LintSite = SITE) -> list[Finding]:
    return [found for found in lint(policy, (site,)) if found.weight is Weight.ERROR]


def test_the_starter_stays_within_the_budgets() -> None:
    assert errors(POLICY) == []


def test_a_language_without_words_is_a_warning() -> None:
    (found,) = lint(POLICY, (replace(SITE, locales=("en", "de-AT", "pt-BR")),))
    assert (found.weight, found.key, found.code) == (Weight.WARNING, "triggers.security-words", "no-words")
    assert "in pt-BR" in found.message


@pytest.mark.parametrize(("allowed", "is_error"), [(1, True), (2, False), (None, False)])
def test_telling_a_customer_more_often_than_a_ticket_may_is_an_error(allowed: int | None, *, is_error: bool) -> None:
    thresholds = [t for t in POLICY.sla.thresholds if t.clock is ClockName.RESOLUTION][:2]
    assert len(thresholds) == 2
    told = tuple(replace(t, tell_customer="breached") for t in thresholds)
    budget = replace(DEFAULT_BUDGETS[Effect.PUBLIC], per_ticket=allowed)
    site = replace(SITE, budgets={**DEFAULT_BUDGETS, Effect.PUBLIC: budget})
    found = errors(replace(POLICY, sla=replace(POLICY.sla, thresholds=told)), site)
    assert [f.key for f in found] == (["sla.thresholds"] if is_error else [])


def test_notes_levels_and_updates_are_counted_at_their_fastest() -> None:
    chatty = replace(POLICY, quiet=replace(POLICY.quiet, notes_per_day=100, min_interval=timedelta(0)))
    assert [f.key for f in errors(chatty)] == ["quiet"]
    calmer = replace(chatty, quiet=replace(chatty.quiet, min_interval=timedelta(minutes=2)))
    assert errors(calmer) == []
    tight = {**DEFAULT_BUDGETS, Effect.FIELDS: Budget(least=1, window=timedelta(minutes=10))}
    assert [f.key for f in errors(POLICY, replace(SITE, budgets=tight))] == ["escalation.min_step"]
    often = Cadence(every=timedelta(minutes=1), note="status-update", public=True)
    cadence = MappingProxyType({Priority.P1: often})
    updating = replace(calmer, cadence=cadence)
    assert [f.key for f in errors(updating)] == ["communication.P1.update"]
    assert errors(replace(updating, cadence=MappingProxyType({Priority.P1: replace(often, public=False)}))) == []
