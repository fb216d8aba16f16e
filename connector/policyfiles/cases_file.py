"""Policy cases as people write them: a ticket, what happens to it, and what is expected when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from connector.documents import Names, Strict, Text, read_duration
from connector.domain.site import Effect
from connector.domain.ticket import ClockName, LinkKind
from connector.policyfiles.kinds import PriorityName, StatusName
from connector.policyfiles.model_sla import Value

_AFTER = re.compile(r"\+\s*(\S.*)")

FIRST_YEAR, LAST_YEAR = 1970, 2199
"""The years in which a story may play; calendars reckon some way beyond, for deadlines."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a case: ``length`` after opening, or ``at`` itself."""

    at: datetime | None = None
    length: timedelta = timedelta()

    def since(self, opened_at: datetime) -> datetime:
        """Return the moment in UTC for a ticket that was opened then."""
        return (self.at or opened_at + self.length).astimezone(UTC)


def _read_moment(value: object) -> Moment:
    if isinstance(value, Moment):
        return value
    text = str(value).strip()
    if match := _AFTER.fullmatch(text):
        return Moment(length=read_duration(match[1]))
    return Moment(at=_read_at(text))


def _read_at(value: object) -> datetime:
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"{value!r} is no moment; write +2h30m or 2026-11-23 09:00+01:00") from None
    if at.utcoffset() is None:
        raise ValueError(f"{value!r} needs its zone, such as +01:00 at its end")
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"{value!r} is out of range; use a year from {FIRST_YEAR} to {LAST_YEAR}")
    return at


MomentText = Annotated[
    Moment, BeforeValidator(_read_moment), WithJsonSchema({"type": "string", "examples": ["+2h30m"]})
]
"""``+2h30m`` after opening, or a moment with its zone."""

AtText = Annotated[datetime, BeforeValidator(_read_at), WithJsonSchema({"type": "string"})]
_NEVER = Annotated[Moment | None, BeforeValidator(lambda v: None if v == "never" else _read_moment(v))]
MomentOrNever = Annotated[_NEVER, WithJsonSchema({"type": "string"})]


def _read_command(text: str) -> str:
    if not verb_of(text):
        raise ValueError(f"{text!r} commands nothing; write /esc ack")
    return text


def verb_of(command: str) -> str:
    """Return what a line such as ``/esc ack`` commands; nothing where it names nothing."""
    return next(iter(command.removeprefix("/esc").split()), "")


CommandText = Annotated[Text, AfterValidator(_read_command)]
"""A line such as ``/esc ack``."""


class TextFile(Strict):
    """What the requester wrote."""

    subject: str = Field(description="Subject line.")
    message: str = Field(default="", description="First message.")


class LinkFile(Strict):
    """A relation to another ticket."""

    kind: LinkKind = Field(description="merged_into, twin, work, works_for or problem.")
    target: Text = Field(description="Key of the other ticket.")


class TicketFile(Strict):
    """The ticket as it is opened."""

    opened: AtText = Field(description="When, with its zone.")
    key: Text = Field(default="CASE-1", description="What people call it.")
    status: StatusName = Field(default="new", description="Status at opening.", validate_default=True)
    priority: PriorityName | None = Field(default=None, description="Priority that the requester stated.")
    group: Text | None = Field(default=None, description="Group at opening.")
    assignee: Text | None = Field(default=None, description="Assignee at opening.")
    labels: Names = Field(default=(), description="Labels at opening.")
    locale: Text | None = Field(default=None, description="The requester's language.")
    facts: Mapping[Text, Value] = Field(default_factory=dict, description="Inputs by the policy's names.")
    text: TextFile | None = Field(default=None, description="Subject and first message.")
    links: tuple[LinkFile, ...] = Field(default=(), description="Other tickets that it hangs together with.")
    restricted: bool = Field(default=False, description="Hidden from most people.")


class EventFile(Strict):
    """One thing that somebody does; several keys are one update."""

    at: MomentText = Field(description="When.")
    by: Text = Field(description="`customer`, `automation`, or the name of an agent.")
    status: StatusName | None = Field(default=None, description="New status.")
    priority: PriorityName | None = Field(default=None, description="New priority.")
    group: Text | None = Field(default=None, description="New group.")
    assignee: Text | None = Field(default=None, description="New assignee.")
    add_labels: Names = Field(default=(), description="Labels to add.")
    remove_labels: Names = Field(default=(), description="Labels to take off.")
    facts: Mapping[Text, Value] = Field(default_factory=dict, description="Inputs that get a (new) value.")
    comment: Literal["public", "internal"] | None = Field(default=None, description="A comment for whom.")
    command: CommandText | None = Field(default=None, description="A line such as `/esc ack` in an internal note.")
    merged_into: Text | None = Field(default=None, description="The ticket that it is merged into.")
    link: LinkFile | None = Field(default=None, description="A relation that is added.")


class ClockFile(Strict):
    """What a clock says."""

    state: Literal["running", "paused", "met", "breached", "none"] = Field(description="What it is doing.")
    due: MomentText | None = Field(default=None, description="Its deadline.")
    calendar: Text | None = Field(default=None, description="Its calendar.")


ClockText = Annotated[
    ClockFile,
    BeforeValidator(lambda value: {"state": value} if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]}),
]


class StepFile(Strict):
    """What is expected at a moment; what is left out is not compared. Writes and notes count since the step before."""

    at: MomentText = Field(description="When.")
    priority: PriorityName | None = Field(default=None, description="Priority of the ticket.")
    path: Text | None = Field(default=None, description="Path that it is on; `none` before it starts.")
    level: int | None = Field(default=None, description="Level of the path; 0 before it starts.")
    group: Text | None = Field(default=None, description="Group of the ticket.")
    assignee: Text | None = Field(default=None, description="Assignee of the ticket.")
    clocks: Mapping[ClockName, ClockText] = Field(default_factory=dict, description="What clocks say.")
    written: Mapping[Text, Text] | None = Field(default=None, description="Fields that were written: value.")
    said: Names | None = Field(default=None, description="Templates of what was said, `public …` for customers.")
    triggers: Names | None = Field(default=None, description="Triggers that hit.")
    held: Names | None = Field(default=None, description="Fields that a person holds.")
    because: Names = Field(default=(), description="Words that the explanation must hold.")
    next: MomentOrNever = Field(default=Moment(length=timedelta(-1)), description="When we look again; `never`.")


class SiteFile(Strict):
    """The site that the ticket is on."""

    effects: tuple[Effect, ...] = Field(
        default=(Effect.FIELDS, Effect.NOTES, Effect.ASSIGN), description="Effects that are on."
    )
    locale: Text = Field(default="en", description="The site's language.")
    people: Mapping[Text, Names] = Field(default_factory=dict, description="Agents: the groups that they belong to.")
    unreachable: Mapping[Text, Text] = Field(
        default_factory=dict, description="Groups and people who cannot be reached: why."
    )


class CaseFile(Strict):
    """One story."""

    name: Text = Field(description="The story in a few words.")
    story: Annotated[str, Field(max_length=4000)] = Field(description="The story as a service manager tells it.")
    site: SiteFile = Field(default=SiteFile(), description="The site, where it matters.")
    ticket: TicketFile = Field(description="The ticket as it is opened.")
    events: tuple[EventFile, ...] = Field(default=(), description="What people do, in order.")
    expect: tuple[StepFile, ...] = Field(min_length=1, description="What is expected, in order.")


class CasesFile(Strict):
    """Cases for one policy."""

    version: Literal[1] = Field(description="Version of this form.")
    cases: tuple[CaseFile, ...] = Field(description="One story each.")
