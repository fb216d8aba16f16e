"""Synthetic issues in bulk, for benchmarks: real key sets and sizes, no history."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connector.sandbox.jira import adf
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.fields import CUSTOM, Field
from connector.sandbox.jira.model import Issue
from connector.sandbox.jira.sla import Clock
from connector.sandbox.jira.state import State

SPAN = timedelta(days=30)
WORDS = "mail printer network login order export portal laptop invoice screen access update licence backup".split()  # noqa: SIM905
STATUSES = ("1", "10001", "3", "3", "10002", "10003", "5")
FIRST_FIELD = 11001


def load(state: State) -> None:
    """Put the synthetic issues that the site's options ask for into the site and its index.

    They were created evenly over thirty days before the site's start; text is drawn from a seed
    of its own, so that the same number of issues is the same issues everywhere.
    """
    count = state.options.load
    if not count:
        return
    rng = random.Random(f"load/{count}")
    fields = _more_fields(state)
    texts = tuple(" ".join(rng.choices(WORDS, k=12)) for _ in range(64))
    start = state.now() - SPAN
    for number in range(count):
        at = start + SPAN * number / count
        state.add_loaded(_issue(state, rng, at.replace(microsecond=0), _Material(texts=texts, fields=fields)))


class _Material:
    """What synthetic values are made of."""

    def __init__(self, *, texts: tuple[str, ...], fields: tuple[str, ...]) -> None:
        self.texts = texts
        self.fields = fields
        self.documents = tuple(adf.document(text) for text in texts)


def _more_fields(state: State) -> tuple[str, ...]:
    """Add fields as installations have them by the dozen: texts, numbers, options, users, nulls."""
    made = []
    for number in range(FIRST_FIELD, FIRST_FIELD + state.options.load_fields):
        field_id = f"customfield_{number}"
        schema = {"type": "string", "custom": CUSTOM + "textfield", "customId": number}
        state.catalog.add(
            Field(id=field_id, name=f"Field {number}", kind="raw", schema=schema, clauses=(f"cf[{number}]",))
        )
        made.append(field_id)
    return tuple(made)


def _issue(state: State, rng: random.Random, at: datetime, material: _Material) -> Issue:
    status, priority = rng.choice(STATUSES), rng.choice(("1", "2", "3", "3", "3", "4"))
    texts = material.texts
    number = next(state.numbers["issue"])
    values: dict[str, Any] = {
        "summary": rng.choice(texts)[:60],
        "description": rng.choice(material.documents),
        "status": status,
        "priority": priority,
        "reporter": state.people.connector.account_id,
        "creator": state.people.connector.account_id,
        "issuetype": "10010",
        "labels": (rng.choice(WORDS),),
        "statuscategorychangedate": at,
        setup.NEUTRAL["request_type"]: "incident",
        setup.NEUTRAL["impact"]: rng.choice(setup.IMPACTS),
        setup.NEUTRAL["urgency"]: rng.choice(setup.URGENCIES),
        **{name: _filler(rng, texts) for name in material.fields},
    }
    if status == "5":
        values |= {"resolution": "10000", "resolutiondate": at}
    issue = Issue(id=number, key=state.next_key("SUP"), project="SUP", created=at, updated=at, values=values)
    return replace(issue, clocks=_clocks(state, values, at))


def _filler(rng: random.Random, texts: tuple[str, ...]) -> Any:
    kind = rng.randrange(4)
    if kind == 0:
        return None
    if kind == 1:
        return rng.choice(texts)
    if kind == 2:
        return rng.randrange(100_000) / 4
    return {"self": "https://site.example/rest/api/3/customFieldOption/1", "value": rng.choice(WORDS), "id": "1"}


def _clocks(state: State, values: Mapping[str, Any], at: datetime) -> tuple[Clock, ...]:
    status = next(s for s in setup.STATUSES if s.id == values["status"])
    clocks = (Clock(metric=metric).start(values["priority"], at) for metric in state.catalog.metrics)
    if status.category == "done":
        return tuple(clock.stop(at) for clock in clocks)
    return tuple(clock.settle(status=status.name, priority=values["priority"], now=at) for clock in clocks)
