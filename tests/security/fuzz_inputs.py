"""Fuzz targets for what people write by hand and what helpdesks tell of the past: commands, files, histories."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from connector.documents import parse
from connector.domain.acts import hold_length
from connector.domain.change import Change
from connector.domain.events import EventKind, Role, TicketEvent
from connector.domain.serial import change_to_dict
from connector.domain.ticket import Status, Ticket, TicketRef
from connector.engine.planfile import check_plan_file, read_plan_file
from connector.errors import ConfigError, Malformed, Unavailable, UnsafePlan
from connector.helpdesks.commands import command_events
from connector.helpdesks.jira import pages as jira_pages
from connector.helpdesks.jira.changelog import history_events, needs_categories
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import ChangelogPage
from connector.helpdesks.zendesk import history, normalise, shapes
from connector.policyfiles import read_site_map
from connector.settings import read_settings
from tests.domain.desk import ANNA, CARLA, Desk
from tests.domain.values import changes
from tests.policyfiles.starter import ROOT, SITES
from tests.security.injections import BASES

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

texts = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(BASES) | st.text(max_size=6), max_size=4).map("".join))
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts


@dataclass(frozen=True, slots=True)
class Target:
    """``check`` takes one input; ``raises`` are the errors that are answers, not findings."""

    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]
    raises: tuple[type[BaseException], ...] = ()

    def __call__(self, given: Any) -> None:
        try:
            self.check(given)
        except self.raises:
            return


# ---- what people write


_WORDS = st.sampled_from(
    (
        *("/esc", "/ESC", "hold", "release", "ack", "dismiss", "security-words", "4h", "2 days", "99999w", "1d", "٣h"),
        *(" ", "\n", "> ", "\t", "\u2028", "\u00a0", "\\", "On Monday, Anna <a@b.example> wrote:", ".", ":", "d", "9"),
    )
)
comments = st.lists(_WORDS | texts, max_size=12).map("".join)


def _commands(given: tuple[str, bool, bool]) -> None:
    """A comment with ``/esc`` lines is read, obeyed or refused, and the ticket is decided all the same."""
    body, by_agent, allowed = given
    desk = Desk()
    desk.now += timedelta(minutes=1)
    actor = ANNA if by_agent else replace(CARLA, role=Role.COLLABORATOR)
    said = TicketEvent(id="c", at=desk.now, kind=EventKind.COMMENT, actor=actor, public=False)
    found = list(command_events(said, body, prefix="c", allowed=allowed))
    assert all(event.public is False and event.name and len(event.after or "") <= 500 for event in found)
    assert not any(event.actor.role is Role.AGENT for event in found if not (by_agent and allowed))
    assert list(command_events(replace(said, public=True), body, prefix="c", allowed=True)) == []
    desk.events += [said, *found]
    desk.look()


def _length(text: str) -> None:
    asked = hold_length(text)
    assert asked is None or timedelta(0) <= asked < timedelta.max


# ---- files that operators write


_PIECES = texts | st.sampled_from(
    ("\n", ": ", "- ", "[", "{", "null", "1e999", "\t", "&a ", "*a", "!!x ", "'", '"', "-", "0")
)


def _edited(documents: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A file of ours with something put in, cut out or said twice at any place."""
    return st.tuples(documents, st.integers(0, 100_000), st.integers(0, 40), _PIECES).map(lambda given: _edit(*given))


def _edit(document: str, at: int, cut: int, piece: str) -> str:
    at %= len(document) + 1
    return document[:at] + piece + document[at + cut :]


def _plan(made: list[Change]) -> str:
    rows = [{"site": "z", "fingerprint": "f", "changes": [change_to_dict(change) for change in made]}]
    plan = {"schema_version": 1, "created_at": NOW.isoformat(), "policy": "p" * 64, "sites": rows}
    return json.dumps(plan, ensure_ascii=False, sort_keys=True)


_MAPS = tuple((ROOT / "sites" / f"{name}.yaml").read_text(encoding="utf-8") for name in SITES)
_SETTINGS = """\
state: sqlite:///state.db
policy: mappings/policy.yaml
alarm_command: [page, someone]
stale_after: 15m
sites:
  - name: jsm-eu
    kind: jira
    base_url: https://acme.atlassian.net
    projects: [SUP]
    map: mappings/sites/jsm-eu.yaml
    auth: {method: token, email: connector@acme.example}
    budgets: {fields: {least: 10, share: 0.02, per: 10m}}
    poll: {every: 10s, history_share: 0.3}
  - name: zendesk
    kind: zendesk
    base_url: https://acme.zendesk.com
    map: mappings/sites/zendesk.yaml
    auth:
      reader: {method: oauth, client_id: r, scope: read}
      writer: {method: oauth, client_id: w, scope: read write}
    effects: [fields]
    enforce_from: 2026-11-22T09:00:00Z
backup: {every: 15m}
web: {token: ops}
"""
_SCRATCH = Path(tempfile.gettempdir()) / f"fuzz-plan-{id(Target)}.json"


def _settings(text: str) -> None:
    read_settings(parse(text, file="f"), base=Path("/nowhere"), need_secrets=False)


def _site_map(text: str) -> None:
    read_site_map(parse(text, file="f"))


def _plan_file(content: bytes) -> None:
    """A plan file is edited by anybody who may read it: it is refused, or it is a plan with a moment."""
    _SCRATCH.write_bytes(content)
    try:
        check_plan_file(read_plan_file(_SCRATCH), policy_hash="p" * 64, now=NOW)
    finally:
        _SCRATCH.unlink()


# ---- what happened, as the helpdesks tell it


def _jsons(*names: str) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, scalars))


_MOMENTS = st.one_of(scalars, st.just("2026-11-22T09:00:00Z"), st.just("2026-11-22T10:00:00.000+0100"), st.just(1.8e9))
_IDS = st.one_of(st.integers(-2, 9), scalars)
_CHANGED = ("status", "priority", "assignee", "labels", "customfield_10101", "customfield_10104")
_ITEM = st.fixed_dictionaries(
    {"fieldId": st.sampled_from(_CHANGED) | scalars},
    optional=dict.fromkeys(("field", "from", "fromString", "to", "toString"), scalars),
)
_AUTHOR = st.none() | _jsons("accountId", "accountType", "displayName")
_HISTORY = st.fixed_dictionaries(
    {"id": _IDS.map(str), "created": _MOMENTS},
    optional={"author": _AUTHOR, "items": st.none() | st.lists(_ITEM, max_size=3)},
)
_LOG = st.fixed_dictionaries({"issueId": st.just("1"), "changeHistories": st.lists(_HISTORY, max_size=3)})
changelogs = st.fixed_dictionaries({"issueChangeLogs": st.lists(_LOG, max_size=2)})

_PLACE = st.none() | st.fixed_dictionaries(
    {}, optional={"ticket_id": _IDS, "ticket_ids": st.none() | st.lists(_IDS), "id": _IDS}
)
_VIA = st.none() | st.fixed_dictionaries(
    {"channel": st.sampled_from(("web", "api", "rule")) | scalars},
    optional={"source": st.none() | st.fixed_dictionaries({}, optional={"from": _PLACE, "to": _PLACE, "rel": scalars})},
)
_FIELDS = ("status", "custom_status_id", "priority", "group_id", "assignee_id", "tags", "requester_id", "27641")
_EVENT = st.fixed_dictionaries(
    {"id": _IDS, "type": st.sampled_from(("Change", "Create", "Comment", "VoiceComment")) | texts},
    optional={
        "field_name": st.sampled_from(_FIELDS) | scalars,
        "value": scalars | st.lists(scalars, max_size=3),
        "previous_value": scalars | st.lists(scalars, max_size=3),
        "body": scalars | comments,
        "public": st.booleans() | scalars,
        "author_id": _IDS,
        "via": _VIA,
    },
)
_AUDIT = st.fixed_dictionaries(
    {"id": _IDS, "created_at": _MOMENTS},
    optional={
        "author_id": _IDS,
        "events": st.none() | st.lists(_EVENT, max_size=3),
        "metadata": st.none() | st.fixed_dictionaries({"custom": st.none() | _jsons("esc") | scalars}),
        "via": _VIA,
    },
)
audits = st.fixed_dictionaries({"audits": st.lists(_AUDIT, max_size=3)})

_JIRA = Shape(site="jsm-eu", fields=SITES["jsm-eu"].fields, account="us", web_url="https://acme.example")
_TICKET = Ticket(
    ref=TicketRef("jsm-eu", "1"),
    key="SUP-1",
    version="1",
    status=Status.OPEN,
    opened_at=NOW,
    updated_at=NOW,
    priority=None,
)


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _changelog(body: bytes) -> None:
    """A changelog gives events in their order, or is what one ticket is set aside for."""
    page = jira_pages.decoded(body, ChangelogPage, what="fuzz")
    for log in page.issue_change_logs:
        needs_categories(log.change_histories, _JIRA)
        _decided(history_events(_TICKET, log.change_histories, (), _JIRA))


def _audits(body: bytes) -> None:
    """Audits give events in their order, or are what one ticket is set aside for."""
    page = normalise.decoded(body, shapes.AuditPage, what="fuzz")
    history.authors(page.audits)
    _decided(history.events(page.audits, history.Witness(fields=SITES["zendesk"].fields, role_of=_role)))


def _role(account: int) -> Role:
    return (Role.AGENT, Role.CUSTOMER, Role.OURS)[account % 3]


def _decided(events: tuple[TicketEvent, ...]) -> None:
    assert list(events[1:]) == sorted(events[1:], key=lambda event: (event.at, event.id))
    desk = Desk(opened_at=NOW)
    desk.events = [*desk.events, *(event for event in events if event.at >= NOW)]
    desk.now += timedelta(hours=1)
    desk.look()


HISTORIES = (ValueError, TypeError, OverflowError)
"""What ``Histories`` takes for a history that cannot be read."""

INPUTS: Mapping[str, Target] = {
    "esc commands": Target(st.tuples(comments, st.booleans(), st.booleans()), _commands),
    "esc hold": Target(comments, _length),
    "site maps": Target(_edited(st.sampled_from(_MAPS)), _site_map, (ConfigError,)),
    "settings": Target(_edited(st.just(_SETTINGS)), _settings, (ConfigError,)),
    "plan files": Target(
        _edited(st.lists(changes, max_size=2).map(_plan)).map(lambda text: text.encode("utf-8", "surrogatepass")),
        _plan_file,
        (ConfigError, UnsafePlan),
    ),
    "jira changelog": Target(changelogs.map(_encoded), _changelog, (Unavailable, *HISTORIES)),
    "zendesk history": Target(audits.map(_encoded), _audits, (Malformed,)),
}
COSTLY_INPUTS = frozenset({"site maps", "settings"})
"""Files take milliseconds each."""
