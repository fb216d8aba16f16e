"""The policy file: what it becomes, what is refused, and what its hash depends on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents import Document, parse
from connector.domain.conditions import Op, Words
from connector.domain.policy import AssignMode, Mark, Policy, SlaSource, Span, StartWhen, Threshold
from connector.domain.sla_targets import promise_of
from connector.domain.ticket import ClockName, Priority, Status
from connector.domain.ticket import Text as MessageText
from connector.domain.words import read_text
from connector.errors import ConfigError
from connector.policyfiles import canonical_document, policy_from_document, policy_hash, read_policy
from tests.domain.sla_values import situation
from tests.policyfiles.starter import POLICY, ROOT, SITES, TEMPLATES, TODAY, plain

TEXT = (ROOT / "policy.yaml").read_text(encoding="utf-8")
P1, P2, P3, P4 = Priority


def policy_of(text: str = TEXT) -> Policy:
    return read_policy(parse(text, file="policy.yaml"), today=TODAY, templates=TEMPLATES, sites=SITES)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        policy_of(text)
    return [str(problem) for problem in caught.value.problems]


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


class TestStarter:
    def test_what_it_says(self) -> None:
        policy = policy_of()
        assert policy.priority.matrix is not None
        assert policy.priority.matrix.cells[0] == (P1, P1, P2)
        assert policy.priority.lower is False
        start = {P1: StartWhen.AT_ONCE, P2: StartWhen.AT_ONCE, P3: StartWhen.THRESHOLD, P4: StartWhen.THRESHOLD}
        assert policy.escalation.start == start
        assert policy.sla.source is SlaSource.HELPDESK
        assert policy.sla.targets[3].durations[ClockName.RESOLUTION] == Span(days=3)
        assert policy.sla.reopen.ignore_shorter_than == timedelta(minutes=30)
        assert policy.sla.thresholds[-1] == Threshold(
            clock=ClockName.RESOLUTION, mark=Mark(percent=150), escalate_to=4, approval="duty-manager"
        )
        assert policy.cadence[P1].until is Status.SOLVED
        assert set(policy.sources) == {"holidays", "tzdata"}

    def test_what_a_site_calls_outside_pauses_and_what_it_calls_on_hold_does_not(self) -> None:
        assert policy_of().sla.pause_on == {Status.WAITING_CUSTOMER, Status.WAITING_OUTSIDE}

    def test_nothing_of_it_speaks_to_customers(self) -> None:
        policy = policy_of()
        assert not any(t.tell_customer for t in policy.sla.thresholds)
        assert not any(cadence.public for cadence in policy.cadence.values())

    @pytest.mark.parametrize(
        ("subject", "is_found"),
        [
            pytest.param("We were breached last night", True, id="English, a participle"),
            pytest.param("Two data leaks", True, id="English, a plural"),
            pytest.param("Wir haben Datenlecks in der Kundendatenbank", True, id="German, a plural"),
            pytest.param("Datenpannen", True, id="German, an incident"),
            pytest.param("Befall mit Erpressungstrojanern", True, id="German, a dative"),
            pytest.param("Eine Phishingmail, oder: Phishing-Mails", True, id="German, a compound"),
            pytest.param("Des fuites de données", True, id="French, a plural"),
            pytest.param("Datalekken gevonden", True, id="Dutch, a plural"),
            pytest.param("フィッシングメール", True, id="Japanese"),
            pytest.param("phishingメールが届いた", True, id="English in Japanese"),
            pytest.param("ランサムウエアに感染", True, id="Japanese, spelled otherwise"),
            pytest.param("Das Datum leckt", False, id="nothing of the kind"),
        ],
    )
    def test_it_knows_security_in_its_usual_forms(self, subject: str, is_found: bool) -> None:
        assert set(read_text(policy_of(), MessageText(subject=subject)).values()) == {is_found}

    def test_single_people_are_assigned_and_groups_pick_for_themselves(self) -> None:
        levels = policy_of().escalation.paths["default"].levels
        assert [level.assign for level in levels] == [AssignMode.GROUP] * 3 + [AssignMode.PERSON]

    def test_holidays_are_dates_of_four_years(self) -> None:
        us, de = policy_of().calendars["office-us"].holidays, policy_of().calendars["office-de"].holidays
        assert {day.year for day in us} == {2025, 2026, 2027, 2028}
        assert date(2026, 11, 26) in us
        assert date(2026, 10, 12) not in us, "Columbus Day is worked"
        assert {date(2026, 12, 24), date(2026, 1, 6)} <= de


class TestYears:
    """A policy that is right stays right: what it says of a year long past or far ahead refuses nothing later."""

    @pytest.mark.parametrize("year", [2016, 2025, 2028, 2036, 2060])
    def test_a_date_that_is_worked_is_looked_for_in_its_own_year(self, year: int) -> None:
        kept = canonical_document(parse(changed(REMOVED, "remove: [2026-11-26, 2021-12-31]"), file="policy.yaml"))
        policy = policy_from_document(kept, today=date(year, 1, 1))
        assert date(2026, 11, 26) not in policy.calendars["office-us"].holidays

    def test_a_name_that_is_not_kept_every_year_is_looked_for_around(self) -> None:
        """The German states kept Reformation Day together in 2017 only."""
        text = changed("add: [2026-12-24, 2026-12-31]", "remove: [Reformation Day]")
        for year in (2017, 2018, 2026):
            assert read_policy(parse(text, file="policy.yaml"), today=date(year, 1, 1))

    @pytest.mark.parametrize("never", ["2026-11-25", "20261126", "0001-01-01", "9999-12-31", "Reformation"])
    def test_what_was_never_a_holiday_is_refused_as_ever(self, never: str) -> None:
        (found,) = problems(changed(REMOVED, f"remove: ['{never}']"))
        assert f"holidays.remove.0: {never} is no holiday there" in found


class TestHoursOnAHoliday:
    """A holiday is closed whatever `dates` says; hours that nobody would keep are refused, in any year."""

    @pytest.mark.parametrize(
        ("dates", "remedy"),
        [
            pytest.param('2026-11-26: ["09:00-12:00"]', "add it to holidays.remove", id="public"),
            pytest.param('2034-07-04: ["09:00-12:00"]', "add it to holidays.remove", id="of a year far ahead"),
            pytest.param('2027-01-04: ["09:00-12:00"]', "take it out of holidays.add", id="added"),
        ],
    )
    def test_they_are_refused_with_the_way_to_keep_them(self, dates: str, remedy: str) -> None:
        (found,) = problems(self.with_dates(dates))
        day = dates.partition(":")[0]
        assert found.endswith(f"dates.{day}: is a holiday, on which the calendar stays closed ({remedy})")

    @pytest.mark.parametrize(
        "dates",
        [
            pytest.param("2026-11-26: []", id="no hours"),
            pytest.param('2026-11-25: ["09:00-12:00"]', id="no holiday"),
            pytest.param('2026-10-12: ["09:00-12:00"]', id="removed by name"),
            pytest.param('2034-11-10: ["09:00-12:00"]', id="its observed day, removed by name"),
            pytest.param('2026-12-25: ["09:00-12:00"]', id="removed by date"),
        ],
    )
    def test_all_others_are_kept(self, dates: str) -> None:
        assert policy_of(self.with_dates(dates))

    @staticmethod
    def with_dates(dates: str) -> str:
        more = "remove: [Columbus Day, Veterans Day, 2026-12-25], add: [2027-01-04]"
        return changed(f"{REMOVED}}}", f"{more}}}\n    dates: {{{dates}}}")


class TestHash:
    def test_layout_comments_and_order_of_keys_do_not_count(self) -> None:
        shuffled = json.dumps(dict(reversed(list(POLICY.value.items()))), indent=1)
        assert policy_of(f"# a comment\n{shuffled}") == policy_of()

    @pytest.mark.parametrize("section", ["name", "quiet", "communication", "triggers"])
    def test_any_other_value_does(self, section: str) -> None:
        value = plain(POLICY.value)
        value[section] = "another" if section == "name" else {}
        assert policy_hash(canonical_document(Document(file="x", value=value))) != policy_of().hash

    def test_a_policy_comes_back_from_its_kept_document(self) -> None:
        kept = canonical_document(POLICY)
        assert policy_from_document(kept, today=TODAY) == policy_of()
        assert policy_of().hash == policy_hash(kept)

    def test_word_lists_are_known_by_their_content(self) -> None:
        def words(policy: Policy) -> Words:
            (found,) = policy.triggers[1].when.words
            return found

        assert words(policy_of()) == words(policy_of(changed("name: acme-support", "name: other")))
        assert words(policy_of()).key != words(policy_of(changed("ransomware, phishing]", "ransomware]"))).key


class TestForms:
    def test_marks_as_lists_and_lead_times(self) -> None:
        text = changed(
            "      75%:  {note: at-risk, notify: [assignee]}\n      90%:  {escalate_to: 2}\n"
            "      100%: {escalate_to: 3, note: breached}\n      150%: {escalate_to: 4, approval: duty-manager}\n",
            "      - {at: [100%, 75%], note: at-risk}\n      - {before: [30m, 2h], notify: assignee}\n",
        )
        marks = [t.mark for t in policy_of(text).sla.thresholds if t.clock is ClockName.RESOLUTION]
        lead = [Mark(before=timedelta(hours=2)), Mark(before=timedelta(minutes=30))]
        assert marks == [*lead, Mark(percent=75), Mark(percent=100)]

    def test_a_lead_time_as_a_key(self) -> None:
        text = changed("75%:  {notify: [assignee]}", "before 10m: {notify: assignee}")
        assert policy_of(text).sla.thresholds[0].mark == Mark(before=timedelta(minutes=10))

    def test_pauses_and_reopenings_per_clock(self) -> None:
        own = "pause_on: {first_response: [], else: [waiting_outside]}"
        text = changed("pause_on: [waiting_customer, waiting_outside]", own)
        sla = policy_of(
            text.replace(
                "reopen: {within: 7d, then: resume, after: new_cycle, ignore_shorter_than: 30m}",
                "reopen: {first_response: {then: new_cycle}, else: {within: 1d4h}}",
            )
        ).sla
        assert sla.pauses(ClockName.FIRST_RESPONSE) == frozenset()
        assert sla.pauses(ClockName.RESOLUTION) == {Status.WAITING_OUTSIDE}
        assert sla.reopening(ClockName.FIRST_RESPONSE).then == "new_cycle"
        assert sla.reopening(ClockName.UPDATE).within == Span(days=1, time=timedelta(hours=4))

    def test_the_weighted_form(self) -> None:
        start, end = TEXT.index("  matrix:"), TEXT.index("  lower: false")
        score = """\
  score:
    factors:
      urgency: {weight: 30, values: {blocked: 1, degraded: 0.5, inconvenient: 0}}
      impact: {weight: 70, values: {site: 1, user: 0.1}}
    bounds: {P1: 80, P2: 60.5, P3: 30}
    min_known: 70%
    hysteresis: 5
"""
        rules = policy_of(TEXT[:start] + score + TEXT[end:]).priority
        assert rules.matrix is None
        assert rules.score is not None
        assert [factor.name for factor in rules.score.factors] == ["impact", "urgency"]
        assert (rules.score.bounds[P2], rules.score.min_known, rules.score.hysteresis) == (60.5, 0.7, 5)

    def test_the_values_of_a_calendars_map_are_compared_without_regard_to_case(self) -> None:
        """Inputs are case-folded: a region `US` that stands so in the policy must find its calendar."""
        policy = policy_of(TEXT.replace("map: {us: office-us}", "map: {US: office-us, 1: always}"))
        calendar = {
            region: promise_of(
                policy, situation(facts={"org.region": region}), priority=Priority.P3, variant=None
            ).calendar.name
            for region in ("us", "US", 1.0, "jp")
        }
        assert calendar == {"us": "office-us", "US": "office-us", 1.0: "always", "jp": "office-de"}

    @pytest.mark.parametrize(
        "condition",
        [
            "{field: status, op: is, value: Solved}",
            "{field: status, op: includes, value: [waiting_customer, gone]}",
            "{field: priority, op: at_least, value: p2}",
            "{field: priority, op: missing}",
            "{field: path, op: is_not, value: Security}",
        ],
    )
    def test_what_a_ticket_can_have_is_compared_in_any_spelling(self, condition: str) -> None:
        assert policy_of(changed("{field: org.tier, op: is, value: platinum}", condition))

    def test_conditions_keep_their_values(self) -> None:
        trigger = policy_of().triggers[2]
        assert (trigger.when.all[0].op, trigger.when.all[0].value) == (Op.IN, ("legal-hold", "gdpr-request"))


ROUTE = "    - {path: default}\n"
TIER = "{field: org.tier, op: is, value: platinum}"
REMOVED = "remove: [Columbus Day, Veterans Day]"
OFFICE = 'mon-fri: ["09:00-17:00"]'
SCORE = "  score: {factors: {impact: {weight: 1}}, bounds: {P1: 80}}\n  lower: false"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [  # one rule per line reads best
        pytest.param("lower: false", "lowr: false", "priority.lowr: unknown key (did you mean lower?)", id="key"),
        pytest.param("dwell: 30m", "dwell: 30 minutes", "'30 minutes' is not a duration", id="duration"),
        pytest.param("dwell: 30m", "dwell: -5m", "'-5m' is not a duration", id="negative"),
        pytest.param("version: 1", "version: 2", "'2' is not known here", id="version"),
        pytest.param("      - [P3, P4, P4]\n", "", "has 3 rows for 4 values of impact", id="matrix rows"),
        pytest.param("[P3, P4, P4]", "[P3, P4]", "has 2 cells for 3 values of urgency", id="matrix columns"),
        pytest.param("[P3, P4, P4]", "[P3, P4, P5]", "'P5' is no priority", id="priority"),
        pytest.param("[blocked, degraded, inconvenient]", "[blocked, blocked, x]", "two rules tie", id="matrix tie"),
        pytest.param("  lower: false", SCORE, "needs exactly one of matrix and score", id="two forms"),
        pytest.param("  - name: vip", "  - name: legal", "legal is the name of two triggers", id="trigger twice"),
        pytest.param("    raise_by: 1\n", "", "triggers.3.cap: means nothing without raise_by", id="cap alone"),
        pytest.param("    path: legal\n", "    path: leagl\n", "no path leagl (did you mean legal?)", id="path"),
        pytest.param("    targets: vip\n", "    targets: vpi\n", "no SLA target named vpi (did", id="variant"),
        pytest.param("confirm-security", "confirm-secruity", "no template confirm-secruity (did", id="template"),
        pytest.param("org.tier, op: is", "org.teir, op: is", "no site binds the input org.teir (did", id="input"),
        pytest.param(TIER, "{field: org.tier, op: is, value: [a, b]}", "is compares with one value", id="list with is"),
        pytest.param(TIER, f"{{field: org.tier, op: is, value: {'9' * 400}}}", "value: is too large a number", id="huge"),  # noqa: E501
        pytest.param(TIER, "{field: status, op: is, value: resolved}", ".value: no status is ever resolved (did you mean solved?)", id="status"),  # noqa: E501
        pytest.param(TIER, '{field: status, op: in, value: [open, "Waiting for customer"]}', ".value.1: no status is ever Waiting for customer (did you mean waiting_customer?)", id="status of a list"),  # noqa: E501
        pytest.param(TIER, "{field: status, op: at_least, value: 3}", "a status is neither more nor less than another", id="status by size"),  # noqa: E501
        pytest.param(TIER, "{field: priority, op: is_not, value: urgent}", "no priority is ever urgent (use P1, P2, P3, P4)", id="priority of a condition"),  # noqa: E501
        pytest.param(TIER, "{field: priority, op: at_least, value: 2}", "no priority is ever 2 (did you mean P2?)", id="priority by number"),  # noqa: E501
        pytest.param(TIER, "{field: path, op: is, value: securty}", "no path is ever securty (did you mean security?)", id="path of a condition"),  # noqa: E501
        pytest.param("[legal-hold, gdpr-request]", "legal-hold", "in needs a list (write [legal-hold])", id="in"),
        pytest.param("op: has_words", "op: is", "free text is read with has_words only", id="text"),
        pytest.param(TIER, "{field: org.tier, op: missing, value: 1}", "missing takes no value", id="missing"),
        pytest.param(TIER, "{field: org.tier, op: at_least, value: gold}", "at_least needs a number", id="number"),
        pytest.param("default: office-de}, first_response: 4h", "default: ofice}, first_response: 4h", "no calendar ofice (did", id="calendar"),  # noqa: E501
        pytest.param("{us: office-us}, default: office-de}, first_response: 4h", "{us: office-us, US: always}, default: office-de}, first_response: 4h", "calendar.map.US: US is the same value as us: case does not count (keep one", id="region twice"),  # noqa: E501
        pytest.param("{priority: P1, calendar: always", "{priority: P1, calendar: office-de", "a P1 ticket can sleep", id="P1 sleeps"),  # noqa: E501
        pytest.param("{priority: P4, calendar", "{priority: P3, targets: x, calendar", "never applies", id="hidden target"),  # noqa: E501
        pytest.param("{priority: P2, targets: vip, cal", "{priority: P1, cal", "two rules tie", id="target tie"),
        pytest.param("first_response: 15m", "first_response: 5h", "5h is longer than the resolution in 4h", id="order"),
        pytest.param("75%:  {notify: [assignee]}", "75%: {notify: x}\n      75 %: {note: overdue}", "75% is given twice: two rules tie", id="mark tie"),  # noqa: E501
        pytest.param("75%:  {notify: [assignee]}", "75: {notify: [assignee]}", "'75' is no mark", id="mark"),
        pytest.param("90%:  {escalate_to: 2}", "90%:  {escalate_to: 7}", "no path has a level 7 (use at most 4)", id="high"),  # noqa: E501
        pytest.param("pause_on: [waiting_customer, waiting_outside]", "pause_on: [on_hold]", "on_hold never pauses a clock", id="pause"),  # noqa: E501
        pytest.param("{level: 3, target", "{level: 4, target", "is level 4 where level 3 is next", id="gap"),
        pytest.param("{group: specialists}", "{group: specialist}", "zendesk binds no group specialist (did", id="group"),  # noqa: E501
        pytest.param("{level: 4, target: {user: duty-manager}", "{level: 4, target: {user: nobody}", "jsm-eu binds no user nobody", id="person"),  # noqa: E501
        pytest.param("{group: specialists}", "{group: specialists, user: anna}", "needs exactly one of group, user", id="two"),  # noqa: E501
        pytest.param("within: 10m, note", "within: 10m, calendar: office-de, note", "security-form sends P1 tickets", id="security sleeps"),  # noqa: E501
        pytest.param("{user: duty-manager}, note", "{user: duty-manager}, calendar: office-de, note", "the last level can sleep", id="last sleeps"),  # noqa: E501
        pytest.param("{group: service-desk}, w", "{group: service-desk}, calendar: office-de, w", "may be or become P1", id="P1 level sleeps"),  # noqa: E501
        pytest.param("within: 4h, note", "within: 4h, calendar: office-de, note", "legal sends P2 tickets here", id="P2 trigger sleeps"),  # noqa: E501
        pytest.param("within: 4h, note", "within: 1d, note", "a level's time has no days", id="days of a level"),
        pytest.param(ROUTE, "", "the last route has a condition", id="no last route"),
        pytest.param(ROUTE, ROUTE * 2, "the routes after it never apply", id="route after the last"),
        pytest.param("  P1: {update: {every: 1h, note: s", "  p1: {update: {every: 2h, note: status-update}}\n  P1: {update: {every: 1h, note: s", "communication.P1: is given twice in two spellings, as p1 above (keep one of them)", id="priority twice"),  # noqa: E501
        pytest.param(REMOVED, REMOVED + '}\n    dates: {2026-12-23: ["09:00-12:00"], 20261223: ["10:00-11:00"]', "calendars.office-us.dates.20261223: is given twice in two spellings, as 2026-12-23 above", id="date twice"),  # noqa: E501
        pytest.param(REMOVED, REMOVED + '}\n    breaks: {2026-12-23: ["09:00-12:00"], 2026-W52-3: ["10:00-11:00"]', "breaks.2026-W52-3: is given twice in two spellings", id="break twice"),  # noqa: E501
        pytest.param("  lower: false", SCORE.replace("P1: 80", "P1: 80, p1: 90, P2: 50, p2: 40"), "bounds.p2: is given twice in two spellings, as P2 above", id="bound twice"),  # noqa: E501
        pytest.param("note: status-update", "note: status", "there is no template status", id="cadence"),
        pytest.param("country: US", "country: XX", "holidays.country: XX is not known", id="country"),
        pytest.param("subdiv: BY", "subdiv: ZZ", "holidays.subdiv: ZZ is not known", id="subdivision"),
        pytest.param("Veterans Day", "Veteran Day", "Veteran Day is no holiday there (did", id="holiday"),
        pytest.param(OFFICE, 'mon-fry: ["09:00-17:00"]', "'fry' is no day of the week; did you mean fri?", id="day"),
        pytest.param(OFFICE, 'mon: ["09:00-17:00", "16:00-18:00"]', "overlap", id="overlap"),
        pytest.param(OFFICE, 'mon: ["09:00-25:00"]', "not a time of day", id="hours"),
        pytest.param(OFFICE, "mon: []", "calendars.office-us.hours: never opens", id="never opens"),
        pytest.param(OFFICE, OFFICE + ', fri: ["09:00-12:00"]', "gives fri hours a second time", id="day twice"),
        pytest.param("America/New_York", "America/NewYork", "is not a time zone of the IANA database (did you mean America/New_York?)", id="zone"),  # noqa: E501
        pytest.param("{timezone: Europe/Berlin, locale", "{timezone: Europe/Berln, locale", "defaults.timezone: 'Europe/Berln' is not a time zone of the IANA database (did you mean Europe/Berlin?)", id="default zone"),  # noqa: E501
        pytest.param("locale: en, calendar: always}", "locale: en, calendar: alway}", "no calendar alway (did", id="default"),  # noqa: E501
    ],
)  # fmt: skip
def test_refused_with_a_remedy(old: str, new: str, words: str) -> None:
    found = problems(changed(old, new))
    assert any(words in problem for problem in found), found
    assert all(problem.startswith("policy.yaml:") and not problem.startswith("policy.yaml:0") for problem in found)


class TestSleep:
    """Nothing that is P1, or may become it, waits for an office to open."""

    FIRST = "{level: 1, target: {group: service-desk}, within: 30m"
    P1_TARGET = "    - {priority: P1, calendar: always, first_response: 15m, update: 1h, resolution: 4h}\n"
    DEFAULT = ("locale: en, calendar: always}", "locale: en, calendar: office-de}")
    START = ("P1: at_once, P2", "P1: threshold, P2")

    def test_a_level_with_a_fallback_cannot_sleep(self) -> None:
        closing = f"{self.FIRST}, calendar: office-de, fallback: {{user: duty-manager}}"
        assert policy_of(changed(self.FIRST, closing)).escalation.paths["default"].levels[0].fallback

    @pytest.mark.parametrize(
        "target",
        [
            pytest.param("", id="none"),
            pytest.param(P1_TARGET.replace("P1,", "P1, targets: vip,"), id="only where a trigger asks"),
            pytest.param(
                P1_TARGET.replace("P1,", "P1, when: {all: [{field: type, op: is, value: incident}]},"), id="only some"
            ),
        ],
    )
    def test_a_p1_ticket_without_a_target_runs_on_a_default_that_never_closes(self, target: str) -> None:
        text = changed(self.P1_TARGET, target)
        policy_of(text)
        (problem,) = problems(text.replace(*self.DEFAULT))
        assert "sla.targets: leave P1 tickets to the default calendar office-de" in problem

    def test_a_closing_default_is_nothing_to_a_p1_with_a_target(self) -> None:
        policy_of(changed(*self.DEFAULT))

    def test_a_path_may_start_at_a_threshold_that_p1_reaches(self) -> None:
        text = changed(*self.START)
        policy_of(text)
        for without in (
            text.replace(self.P1_TARGET, ""),
            text.replace("first_response: 15m, update: 1h, resolution: 4h", "update: 1h"),
        ):
            (problem,) = problems(without)
            assert "escalation.start: a P1 ticket waits for a threshold that it may never reach" in problem


VIP = "{priority: P2, targets: vip, calendar: always, first_response: 30m, resolution: 8h}"


@pytest.mark.parametrize(
    ("vip", "refused"),
    [
        pytest.param("calendar: always, first_response: 1h, resolution: 8h", None, id="the same around the clock"),
        pytest.param("calendar: always, first_response: 1h, update: 1h, resolution: 7h", None, id="one promise more"),
        pytest.param("calendar: always, first_response: 61m, resolution: 8h", "first_response: 1h1m", id="a minute"),
        pytest.param("calendar: always, first_response: 1h, resolution: 2d", "resolution: 2d on always", id="days"),
        pytest.param("calendar: office-us, first_response: 1h, resolution: 8h", "office-us may be", id="other hours"),
        pytest.param("calendar: always, first_response: 1h", "promises no resolution", id="a promise less"),
        pytest.param(
            "calendar: {by: org.region, map: {us: office-us}, default: office-de}, first_response: 30m, resolution: 4h",
            None,
            id="the same choice of calendars",
        ),
        pytest.param(
            "calendar: {by: org.region, map: {us: office-de}, default: office-de}, first_response: 30m, resolution: 4h",
            "30m on office-de may be slower than 1h on office-us",
            id="another choice",
        ),
        pytest.param(
            "when: {all: [{field: type, op: is, value: x}]}, calendar: always, first_response: 2h, resolution: 8h",
            "first_response: 2h",
            id="for some of the same tickets",
        ),
    ],
)
def test_targets_by_name_are_faster_only(vip: str, refused: str | None) -> None:
    text = changed(VIP, f"{{priority: P2, targets: vip, {vip}}}")
    if refused is None:
        policy_of(text)
    else:
        assert any(refused in problem for problem in problems(text))


def test_what_stands_above_a_named_target_or_is_for_other_tickets_is_not_compared() -> None:
    gold = "{priority: P2, when: {all: [{field: org.tier, op: is, value: gold}]}, calendar: always, first_response: 5m}"
    policy_of(changed(VIP, f"{gold}\n    - {VIP}"))
    others = VIP.replace("vip,", "vip, when: {all: [{field: type, op: is, value: incident}]},")
    policy_of(changed(VIP, f"{others}\n    - {gold}"))
    (problem,) = problems(changed(VIP, f"{VIP}\n    - {gold}"))
    assert "sla.targets.1.first_response: 30m on always may be slower than 5m on always" in problem


def test_a_name_for_every_priority_is_compared_with_each() -> None:
    found = problems(changed(VIP, "{targets: vip, calendar: always, first_response: 5h, resolution: 8h}"))
    assert [problem.partition("same tickets have at ")[2][:13] for problem in found] == [
        "sla.targets.2",
        "sla.targets.3",
    ]


def test_everything_wrong_is_reported_at_once() -> None:
    text = changed("ask: confirm-security", "ask: nope").replace("country: US", "country: XX").replace(ROUTE, "")
    assert len(problems(text.replace("{group: specialists}", "{group: nobody}"))) == 5


def test_a_wrong_default_zone_is_told_once_also_where_calendars_lean_on_it() -> None:
    text = changed("{timezone: Europe/Berlin, locale", "{timezone: Nowhere, locale")
    (found,) = problems(text.replace("    timezone: America/New_York\n", ""))
    assert "defaults.timezone: 'Nowhere' is not a time zone of the IANA database (use a name such as " in found


def test_an_empty_policy_names_what_is_missing() -> None:
    missing = ["calendars", "escalation", "name", "priority", "sla", "version"]
    assert problems("{}") == [f"policy.yaml:1:1: {key}: is missing (add it)" for key in missing]


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, item in inner for deeper in _paths(item, (*path, key)))]


PATHS = _paths(POLICY.value)[1:]
junk = st.sampled_from([None, True, -1, 0, 5, 2.5, "", "P1", "75%", "x", "3d", [], {}, [[]], {"x": 1}])


def outcome(text: str) -> Policy | list[str]:
    try:
        return policy_of(text)
    except ConfigError as error:
        return [problem.message for problem in error.problems]


@given(st.sampled_from(PATHS), junk)
def test_any_damage_is_a_policy_or_problems_with_messages(path: tuple[str | int, ...], damage: object) -> None:
    value = plain(POLICY.value)
    at = value
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = damage
    found = outcome(json.dumps(value, ensure_ascii=False))
    assert isinstance(found, Policy) or (found and all(found))


def test_a_usual_input_that_no_site_binds_is_missing_and_no_mistake() -> None:
    """The starter must load for an installation with one helpdesk that knows no tags on people."""
    sites = {"jsm-eu": SITES["jsm-eu"]}
    assert "requester.tags" not in sites["jsm-eu"].fields.inputs
    policy = read_policy(parse(TEXT, file="policy.yaml"), today=TODAY, templates=TEMPLATES, sites=sites)
    assert "vip" in {trigger.name for trigger in policy.triggers}


@pytest.mark.parametrize("language", ["en_US.UTF-8", "de_DE.UTF-8", "C"])
def test_a_holidays_own_name_is_known_whatever_language_the_process_has(language: str) -> None:
    """A policy that a person has tried in a shell is the same to a service without one."""
    asked = """
from connector.policyfiles.calendars import public_holidays
print(min(public_holidays("DE", None, (2026,)).items())[1])
"""
    environment = {**os.environ, "LANG": language, "LANGUAGE": "", "LC_ALL": "", "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", asked]
    told = subprocess.run(
        command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == str((("Neujahr", "New Year's Day"),))
