"""Policies as values for tests of the decision: a whole one, as a support team might write it, and variations."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import timedelta
from typing import Any

from connector.domain.calendar import Calendar
from connector.domain.calendar_hours import Span, week
from connector.domain.conditions import Op, Test, When, Words
from connector.domain.policy import (
    AssignMode,
    Cadence,
    CalendarChoice,
    Defaults,
    Escalation,
    Factor,
    Level,
    LevelTarget,
    Mark,
    Matrix,
    Path,
    Policy,
    PriorityRules,
    Reopen,
    Route,
    Score,
    Sla,
    StartWhen,
    Target,
    TargetKind,
    Threshold,
    Trigger,
)
from connector.domain.ticket import ClockName, Priority

P1, P2, P3, P4 = Priority
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
OFFICE = Calendar(
    name="office", timezone="Europe/Berlin", hours=week(dict.fromkeys(WORKDAYS, ("09:00-12:30", "13:15-18:00")))
)
ALWAYS = Calendar.always()

MATRIX = Matrix(
    impact=("site", "department", "team", "user"),
    urgency=("blocked", "degraded", "inconvenient"),
    cells=((P1, P1, P2), (P1, P2, P3), (P2, P3, P4), (P3, P4, P4)),
)
SCORE = Score(
    factors=(
        Factor(name="impact", weight=40, values={"site": 1.0, "department": 0.7, "team": 0.4, "user": 0.1}),
        Factor(name="urgency", weight=30, values={"blocked": 1.0, "degraded": 0.6, "inconvenient": 0.2}),
        Factor(name="risk", weight=30),
    ),
    bounds={P1: 80, P2: 60, P3: 30},
    hysteresis=5,
)

SECURITY_WORDS = Words(key="security-words-1", by_locale={"en": ("breach",), "fr": ("fuite de données",)})


def check(field: str, op: Op, value: Any) -> Test:
    return Test(field=field, op=op, value=value)


TRIGGERS = (
    Trigger(
        name="security-form",
        at_least=P1,
        path="security",
        when=When(any=(check("type", Op.IS, "security-incident"), check("labels", Op.INCLUDES, "security"))),
    ),
    Trigger(
        name="security-words",
        at_least=P2,
        ask="confirm-security",
        when=When(any=(check("text", Op.HAS_WORDS, SECURITY_WORDS),)),
        unless=When(any=(check("labels", Op.INCLUDES, "not-security"),)),
    ),
    Trigger(
        name="legal",
        at_least=P2,
        path="legal",
        when=When(all=(check("category", Op.IN, ("legal-hold", "gdpr-request")),)),
    ),
    Trigger(
        name="vip",
        raise_by=1,
        cap=P2,
        targets="vip",
        when=When(any=(check("requester.tags", Op.INCLUDES, "vip"), check("org.tier", Op.IS, "platinum"))),
    ),
)


def target(priority: Priority, calendar: str, variant: str | None = None, **spans: str) -> Target:
    return Target(
        priority=priority,
        variant=variant,
        calendar=CalendarChoice(default=calendar),
        durations={ClockName(name): Span.parse(text) for name, text in spans.items()},
    )


TARGETS = (
    target(P1, "always", first_response="15m", update="1h", resolution="4h"),
    target(P2, "always", "vip", first_response="30m", resolution="8h"),
    target(P2, "office", first_response="1h", resolution="8h"),
    target(P3, "office", first_response="4h", resolution="3d"),
    target(P4, "office", first_response="8h", resolution="10d"),
)


def threshold(clock: ClockName, percent: int, **does: Any) -> Threshold:
    return Threshold(clock=clock, mark=Mark(percent=percent), **does)


THRESHOLDS = (
    threshold(ClockName.FIRST_RESPONSE, 75, notify=("assignee",)),
    threshold(ClockName.FIRST_RESPONSE, 100, escalate_to=2, note="overdue"),
    threshold(ClockName.RESOLUTION, 75, note="at-risk"),
    threshold(ClockName.RESOLUTION, 90, escalate_to=2),
    threshold(ClockName.RESOLUTION, 100, escalate_to=3, note="breached"),
    threshold(ClockName.RESOLUTION, 150, escalate_to=4),
)


def group(name: str) -> LevelTarget:
    return LevelTarget(TargetKind.GROUP, name)


DEFAULT = Path(
    name="default",
    levels=(
        Level(level=1, target=group("service-desk"), within=timedelta(minutes=30)),
        Level(level=2, target=group("second-line"), within=timedelta(minutes=30)),
        Level(level=3, target=group("specialists"), within=timedelta(hours=1), note="escalated"),
        Level(level=4, target=LevelTarget(TargetKind.USER, "duty-manager"), labels=frozenset({"esc-management"})),
    ),
)
SECURITY = Path(
    name="security",
    levels=(
        Level(
            level=1,
            target=LevelTarget(TargetKind.SCHEDULE, "follow-the-sun"),
            within=timedelta(minutes=10),
            assign=AssignMode.PERSON,
        ),
        Level(level=2, target=group("security-incident"), within=timedelta(minutes=15), repeat=3, note="escalated"),
    ),
)
LEGAL = Path(name="legal", levels=(Level(level=1, target=group("legal"), within=timedelta(hours=4)),))

ESCALATION = Escalation(
    paths={path.name: path for path in (DEFAULT, SECURITY, LEGAL)},
    routes=(Route(path="default"),),
    start={P1: StartWhen.AT_ONCE, P2: StartWhen.AT_ONCE, P3: StartWhen.THRESHOLD, P4: StartWhen.THRESHOLD},
)

POLICY = Policy(
    name="acme-support",
    hash="a1b2c3d4e5f6" * 5,
    defaults=Defaults(calendar="always"),
    calendars={"office": OFFICE, "always": ALWAYS},
    priority=PriorityRules(matrix=MATRIX),
    triggers=TRIGGERS,
    sla=Sla(
        targets=TARGETS,
        thresholds=THRESHOLDS,
        max_pause=Span.parse("10d"),
        reopen=Reopen(ignore_shorter_than=timedelta(minutes=30)),
    ),
    escalation=ESCALATION,
    cadence={P1: Cadence(every=timedelta(hours=1), note="status-update")},
)


def changed(policy: Policy = POLICY, **changes: Any) -> Policy:
    """Return a policy with other rules and a hash of its own, as an edited file would have."""
    digest = hashlib.sha256(repr(sorted(changes.items(), key=str)).encode()).hexdigest()
    return dataclasses.replace(policy, **{"hash": digest, **changes})


def lowering(policy: Policy = POLICY, *, dwell: timedelta = timedelta(minutes=30)) -> Policy:
    return changed(policy, priority=dataclasses.replace(policy.priority, lower=True, dwell=dwell), hash="lowers" * 10)


SCORED = changed(priority=PriorityRules(score=SCORE, lower=True), hash="scored" * 10)
EDITED = changed(hash="edited" * 10)
POLICIES = (POLICY, lowering(), SCORED)
