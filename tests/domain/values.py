"""Hypothesis strategies for arbitrary, well-formed values; no story behind them (see ``strategies`` for that)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TypeVar

from hypothesis import strategies as st

from connector.domain.change import Change, Comment, Field, FieldChange, Notice, Write
from connector.domain.events import Actor, EventKind, EventSource, Role, TicketEvent
from connector.domain.occasion import Occasion, Outcome, Record
from connector.domain.policy import AssignMode, Level, LevelTarget, Path, TargetKind
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.ticket import (
    Activity,
    ClockName,
    Link,
    LinkKind,
    NativeClock,
    NativeStage,
    Priority,
    Status,
    Text,
    Ticket,
    TicketRef,
)

E = TypeVar("E", bound=Enum)


def one_of(kind: type[E]) -> st.SearchStrategy[E]:
    return st.sampled_from(list(kind))


words = st.text(max_size=12)
maybe_words = st.none() | words
_first, _last = datetime(2024, 1, 1), datetime(2027, 12, 31)  # noqa: DTZ001 (Hypothesis adds the zone)
moments = st.datetimes(min_value=_first, max_value=_last, timezones=st.just(UTC))
maybe_moments = st.none() | moments
lengths = st.timedeltas(min_value=timedelta(days=-3), max_value=timedelta(days=30))
refs = st.builds(TicketRef, words, words)
actors = st.builds(Actor, words, one_of(Role))
priorities = one_of(Priority)
facts = st.dictionaries(
    words, words | st.floats(allow_nan=False) | st.booleans() | st.frozensets(words, max_size=3), max_size=4
)
riders = st.dictionaries(words, words, max_size=3)
occasions = st.builds(Occasion, words, st.lists(words, max_size=3).map(tuple))

natives = st.builds(
    NativeClock,
    clock=one_of(ClockName),
    name=words,
    stage=one_of(NativeStage),
    read_at=moments,
    started_at=maybe_moments,
    breach_at=maybe_moments,
    goal=st.none() | lengths,
    elapsed=st.none() | lengths,
    remaining=st.none() | lengths,
    within_hours=st.none() | st.booleans(),
)
activities = st.builds(
    Activity,
    public_replies=st.none() | st.integers(0, 9),
    last_comment_at=maybe_moments,
    requester_at=maybe_moments,
    agent_at=maybe_moments,
)
tickets = st.builds(
    Ticket,
    ref=refs,
    key=words,
    version=words,
    status=one_of(Status),
    opened_at=moments,
    updated_at=moments,
    priority=st.none() | priorities,
    group=maybe_words,
    assignee=maybe_words,
    labels=st.frozensets(words, max_size=3),
    level=st.none() | st.integers(0, 9),
    path=maybe_words,
    requester=maybe_words,
    locale=maybe_words,
    facts=facts,
    text=st.none() | st.builds(Text, subject=words, first_message=words),
    native=st.lists(natives, max_size=2).map(tuple),
    links=st.lists(st.builds(Link, kind=one_of(LinkKind), target=words, site=words), max_size=2).map(tuple),
    activity=st.none() | activities,
    scope=words,
    restricted=st.booleans(),
    url=words,
)
events = st.builds(
    TicketEvent,
    id=words,
    at=moments,
    kind=one_of(EventKind),
    actor=actors,
    before=maybe_words,
    after=maybe_words,
    name=words,
    public=st.none() | st.booleans(),
    reaction=st.booleans(),
    source=one_of(EventSource),
)
targets = st.builds(LevelTarget, one_of(TargetKind), words)
levels = st.builds(
    Level,
    level=st.integers(1, 6),
    target=targets,
    within=st.none() | lengths,
    repeat=st.integers(0, 5),
    assign=one_of(AssignMode),
    calendar=maybe_words,
    note=maybe_words,
    labels=st.frozensets(words, max_size=2),
    fallback=st.none() | targets,
)
paths = st.builds(Path, name=words, levels=st.lists(levels, max_size=4).map(tuple))
states = st.builds(
    EscalationState,
    path=st.none() | paths,
    path_reason=words,
    started_at=maybe_moments,
    level=st.integers(0, 6),
    entered_at=maybe_moments,
    timer_from=maybe_moments,
    stepped_at=maybe_moments,
    repeats=st.integers(0, 5),
    acknowledged_at=maybe_moments,
    acknowledged_by=maybe_words,
    priority=st.none() | priorities,
    priority_since=maybe_moments,
    candidate_priority=st.none() | priorities,
    candidate_since=maybe_moments,
    policy_hash=words,
    policy_since=maybe_moments,
    active_triggers=st.frozensets(words, max_size=3),
    decided_at=maybe_moments,
    stated_priority=st.none() | priorities,
    rose_at=maybe_moments,
    level_reason=words,
    skipped=st.lists(words, max_size=2).map(tuple),
    refreshed=st.booleans(),
)
field_changes = st.builds(
    FieldChange, field=one_of(Field), before=maybe_words, after=maybe_words, reason=words, occasion=occasions
)
notices = st.builds(
    Notice,
    occasion=occasions,
    audience=one_of(Effect),
    template=words,
    locale=words,
    values=riders,
    reason=words,
    covers=st.lists(occasions, max_size=2).map(tuple),
)
comments = st.builds(Comment, notice=notices, key=words, body=words)
changes = st.builds(
    Change,
    ref=refs,
    key=words,
    seen=words,
    fields=st.lists(field_changes, max_size=3).map(tuple),
    comments=st.lists(comments, max_size=2).map(tuple),
    severity=st.none() | priorities,
    deadline=maybe_moments,
    hard=st.booleans(),
    riders=riders,
)
writes = st.builds(
    Write,
    ref=refs,
    key=words,
    seen=words,
    fields=st.lists(field_changes, max_size=3).map(tuple),
    comment=st.none() | comments,
    riders=riders,
)
records = st.builds(Record, occasion=occasions, audience=one_of(Effect), outcome=one_of(Outcome), at=moments)
