"""The policy file as people write it: one model per section, every key described (the schema is made from these)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from connector.documents import Duration, Names, Share, Strict, Text, as_written
from connector.domain.policy import AssignMode, StartWhen
from connector.policyfiles.kinds import DateText, OpenTime, Positive, PriorityName, StatusName
from connector.policyfiles.model_sla import SlaFile, WhenFile

_HOURS = r"^[0-9]{1,2}:[0-9]{2} ?- ?[0-9]{1,2}:[0-9]{2}$"
HoursText = Annotated[str, WithJsonSchema({"type": "string", "pattern": _HOURS, "examples": ["09:00-17:00"]})]
Stretches = Annotated[
    tuple[HoursText, ...],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
]


class DefaultsFile(Strict):
    """What applies where a ticket or a rule says nothing."""

    timezone: Text = Field(default="UTC", description="IANA zone in which times are told.")
    locale: Text = Field(default="en", description="Language of last resort.")
    calendar: Text = Field(default="always", description="Calendar of targets that name none.")


class HolidaysFile(Strict):
    """Public holidays of a country, with corrections."""

    country: Text = Field(description="Two-letter code: `DE`, `US`, `NL`, `JP` …")
    subdiv: Text | None = Field(default=None, description="State or region: `BY`, `CA` …")
    add: tuple[DateText, ...] = Field(default=(), description="Further closed dates.")
    remove: Names = Field(default=(), description="Holidays that are worked: by name or date.")


class CalendarFile(Strict):
    """When a team works."""

    timezone: Text | None = Field(default=None, description="IANA zone of the hours; without it the default one.")
    hours: Mapping[Text, Stretches] = Field(
        description="Open hours by day or range of days (`mon-fri`, `sat`); several stretches a day, also overnight."
    )
    holidays: HolidaysFile | None = Field(
        default=None, description="Public holidays, closed from midnight to midnight."
    )
    breaks: Mapping[DateText, Stretches] = Field(default_factory=dict, description="Closed stretches of single dates.")
    dates: Mapping[DateText, Stretches] = Field(
        default_factory=dict, description="Single dates with hours of their own instead of their weekday's."
    )


class MatrixFile(Strict):
    """Impact by urgency; both must be known."""

    impact: Names = Field(description="Values of the input `impact`, one per row.")
    urgency: Names = Field(description="Values of the input `urgency`, one per column.")
    cells: tuple[tuple[PriorityName, ...], ...] = Field(description="One row per impact, one priority per urgency.")


class FactorFile(Strict):
    """One weighted input of the score."""

    weight: float = Field(gt=0, description="How much it counts against the others.")
    values: Mapping[Text, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict, description="0 to 1 for each answer; without it a number counts as it stands."
    )


class ScoreFile(Strict):
    """The weighted form: 0 to 100 points."""

    factors: Mapping[Text, FactorFile] = Field(min_length=1, description="Inputs by name.")
    bounds: Mapping[PriorityName, Annotated[float, Field(gt=0, le=100)]] = Field(
        min_length=1, description="Least score for P1, P2 and P3."
    )
    min_known: Share = Field(default=0.6, description="Share of the weight that must be known.")
    hysteresis: float = Field(default=0, ge=0, lt=100, description="Points below a bound before a priority falls.")


class PriorityFile(Strict):
    """How impact and the like become a priority. Exactly one of `matrix` and `score`."""

    matrix: MatrixFile | None = Field(default=None, description="Two inputs in a table.")
    score: ScoreFile | None = Field(default=None, description="Any number of weighted inputs.")
    lower: bool = Field(default=False, description="May the connector lower a priority?")
    dwell: Duration = Field(default=as_written("30m"), description="How long a lower answer must stand first.")
    hold_cap: Positive | None = Field(default=None, description="A person's priority stands at most this long.")


class TriggerFile(Strict):
    """A hard rule: raises or speeds up, never lowers."""

    name: Text = Field(description="Shown in plans and used by `/esc dismiss`.")
    when: WhenFile = Field(description="When it applies.")
    unless: WhenFile | None = Field(default=None, description="What takes it back.")
    at_least: PriorityName | None = Field(default=None, description="Floor of the priority.")
    raise_by: int = Field(default=0, ge=0, le=3, description="Levels to raise the priority by.")
    cap: PriorityName | None = Field(default=None, description="Highest priority that `raise_by` reaches.")
    targets: Text | None = Field(default=None, description="Name of faster SLA targets.")
    path: Text | None = Field(default=None, description="Escalation path to take.")
    notify: Names = Field(default=(), description="Who hears of it.")
    ask: Text | None = Field(default=None, description="Internal note that asks an agent to confirm.")


class TargetFile(Strict):
    """What a level points at; exactly one of the three."""

    group: Text | None = Field(default=None, description="Group by its bound name.")
    user: Text | None = Field(default=None, description="Person by the bound name.")
    schedule: Text | None = Field(default=None, description="Schedule by its bound name.")


class LevelFile(Strict):
    """One step of a path."""

    level: int = Field(ge=1, le=9, description="1, 2, 3 … without gaps.")
    target: TargetFile = Field(description="Who takes over.")
    within: OpenTime | None = Field(default=None, description="Open time until the next level; without it no timer.")
    repeat: int = Field(default=0, ge=0, le=20, description="How often the level announces itself again.")
    assign: AssignMode | None = Field(
        default=None, description="`group`: the helpdesk picks the person; `person`: assign one. Users: `person`."
    )
    calendar: Text | None = Field(default=None, description="When the target can be reached; never moves the timer.")
    note: Text | None = Field(default=None, description="Internal note on entering the level.")
    labels: Names = Field(default=(), description="Labels to add on entering the level.")
    fallback: TargetFile | None = Field(default=None, description="Who is taken where the target cannot be reached.")


class RouteFile(Strict):
    """Which path a ticket takes."""

    path: Text = Field(description="Name of the path.")
    when: WhenFile | None = Field(default=None, description="For which tickets; the last route has none.")


class EscalationFile(Strict):
    """Who is called, in which order, how fast."""

    start: Mapping[Literal["P1", "P2", "P3", "P4", "else"], StartWhen] = Field(
        description="`at_once` or `threshold` for each priority."
    )
    min_step: Duration = Field(default=as_written("10m"), description="Least time between two levels.")
    hands_off: Duration = Field(
        default=as_written("15m"), description="Group and assignee rest after a person's change."
    )
    paths: Mapping[Text, tuple[LevelFile, ...]] = Field(min_length=1, description="Levels of each path.")
    routes: tuple[RouteFile, ...] = Field(description="First match wins.")


class UpdateFile(Strict):
    """Regular updates."""

    every: Positive = Field(description="Time between two updates.")
    note: Text = Field(description="Template of the update.")
    public: bool = Field(default=False, description="May the requester read it?")


class CadenceFile(Strict):
    """What is said regularly about tickets of one priority."""

    update: UpdateFile = Field(description="What is said, how often.")
    until: StatusName = Field(default=as_written("resolved"), description="Status that ends it.")


class QuietFile(Strict):
    """Limits on what is said on one ticket."""

    notes_per_day: int = Field(default=6, ge=1, le=100, description="Notes and comments in 24 hours.")
    min_interval: Duration = Field(default=as_written("0m"), description="Least time between two of them.")


class StormFile(Strict):
    """When many alike urgent tickets are taken for one case: the first of them speaks for all."""

    alike: Names = Field(
        default=("service", "category"),
        description="Inputs that they have in common, beside their form, their scope and the triggers in force; at "
        "least one must be known.",
    )
    count: int = Field(default=10, ge=0, le=1000, description="How many make a storm; 0: none ever do.")
    within: Positive = Field(
        default=as_written("15m"), description="In which time, and the longest gap between two of a storm."
    )
    lasts: Positive = Field(
        default=as_written("24h"), description="How long after its opening a ticket may be part of one."
    )


class PolicyFile(Strict):
    """One policy, shared by every site."""

    version: Literal[1] = Field(description="Version of this form.")
    name: Text = Field(description="Shown with the policy's hash.")
    defaults: DefaultsFile = Field(default=DefaultsFile(), description="What applies where nothing else is said.")
    calendars: Mapping[Text, CalendarFile] = Field(min_length=1, description="Business calendars by name.")
    priority: PriorityFile = Field(description="How a priority comes about.")
    triggers: tuple[TriggerFile, ...] = Field(default=(), description="Hard rules, in order of precedence.")
    sla: SlaFile = Field(description="What is promised, and what happens on the way.")
    escalation: EscalationFile = Field(description="Who is called.")
    communication: Mapping[PriorityName, CadenceFile] = Field(default_factory=dict, description="Regular updates.")
    quiet: QuietFile = Field(default=QuietFile(), description="Limits on what is said.")
    storm: StormFile = Field(default=StormFile(), description="When many alike tickets are one case.")
