"""``status``: how every site is, from what is stored and from what the process that holds the state says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from connector.bootstrap.asides import in_short, quarantined
from connector.domain.site import SiteRules
from connector.engine.control import NobodyServes, call
from connector.engine.recall import frozen_by
from connector.engine.steering import FILE
from connector.errors import ConnectorError, NoState
from connector.ports import Delivery, OpStatus, Records, SiteState

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

LATELY = timedelta(hours=24)
"""How far back ``SiteStatus.ended`` counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteStatus:
    """One site in ``status``.

    Attributes:
        effects: What is on, as configured; ``scopes`` where a scope says otherwise.
        policy_since: When a run first applied the present policy here; ``None``: no run has yet.
        aside: An edit of the policy that is held, how many tickets have waited long for their history, scopes, fields
            and tickets that are set aside, and how long the helpdesk asked to be left alone.
        quarantined: Tickets that cannot be read, and those on which our own code fails; all others go on.
        unread: Open tickets whose history is still to be read back; nothing is written there before.
        ended: Tickets that ended under us in the last 24 hours: deleted, hidden, moved, or closed before a write.
        held: Writes that the latest run held back; ``untold`` are notifications that still wait to be delivered.
        next_poll_at: The daemon's next poll; ``failures`` are its polls that failed in a row.
        budgets: What is left of the helpdesk's limits for us, as the daemon knew after its last pass.
    """

    name: str
    last_good_at: datetime | None = None
    last_outcome: str = "never ran"
    open_tickets: int = 0
    effects: tuple[str, ...] = ()
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    policy_since: datetime | None = None
    next_due_at: datetime | None = None
    next_poll_at: datetime | None = None
    failures: int = 0
    budgets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    paused: str = ""
    frozen: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    unread: int = 0
    ended: int = 0
    held: int = 0
    parked: int = 0
    untold: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """The answer of ``status``.

    Attributes:
        trouble: Why nothing that is stored is in it, where there is a state that cannot be read.
    """

    now: datetime
    policy: str
    policy_hash: str
    state: str
    daemon: str
    running: bool
    sites: tuple[SiteStatus, ...]
    trouble: ConnectorError | None = None

    @property
    def data(self) -> dict[str, Any]:
        """Return the report for machines."""
        return {
            "now": self.now,
            "policy": self.policy,
            "policy_hash": self.policy_hash,
            "policy_since": self.policy_since,
            "state": self.state,
            "daemon": self.daemon,
            "running": self.running,
            "error": str(self.trouble or ""),
            "remedy": self.trouble.remedy if self.trouble else "",
            "sites": [asdict(s) for s in self.sites],
        }

    @property
    def policy_since(self) -> datetime | None:
        """Return when a run first applied the present policy on any site."""
        return min((s.policy_since for s in self.sites if s.policy_since), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What a daemon says of itself."""

    words: str
    running: bool = False
    sites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def status_report(program: Connector, *, now: datetime) -> StatusReport:
    """Return how every configured site is, in the order of the configuration."""
    policy, told = program.policies.current(), _told(program)
    state, trouble = program.settings.state, None
    try:
        records = program.records()
        stored = {s.site: s for s in records.sites()}
    except NoState:
        records, stored, state = None, {}, f"{state}, none yet"
    except ConnectorError as error:
        records, stored, state, trouble = None, {}, f"{state}, cannot be read", error
    sites = []
    for name in program.settings.site_names:
        known = _stored(records, stored.get(name), policy.hash, now=now) if records else {}
        if not program.places.is_paused and known.get("paused", "").startswith(FILE):
            known["paused"] = f"until its next pass: the {FILE} is gone"
        sites.append(
            SiteStatus(name=name, **_allowed(program.rules(name)), **known, **_daemons(told.sites.get(name, {})))
        )
    return StatusReport(
        now=now,
        policy=f"{policy.name} @{policy.short_hash}",
        policy_hash=policy.hash,
        state=state,
        daemon=told.words,
        running=told.running,
        sites=tuple(sites),
        trouble=trouble,
    )


def _told(program: Connector) -> _Told:
    told = _asked(program)
    if not program.places.is_paused:
        return told
    return replace(told, words=f"paused by the file {program.places.paused}; {told.words}")


def _asked(program: Connector) -> _Told:
    """Return what the daemon says, or that there is none, and who else is at work."""
    if not program.places.socket.exists():
        return _Told(words="no daemon")
    try:
        answer = call(program.places.socket, "status")
    except NobodyServes:
        return _Told(words="no daemon; a process was killed and left its socket")
    except ConnectorError as error:
        return _Told(words=f"the daemon does not answer: {error}")
    if work := answer.get("work"):
        return _Told(words=f"no daemon; {work} is under way, begun at {answer['since']}")
    return _Told(words=f"daemon running since {answer['since']}", running=True, sites=answer["sites"])


def _allowed(rules: SiteRules) -> dict[str, Any]:
    scopes = {scope: tuple(sorted(map(str, effects))) for scope, effects in sorted(rules.scopes.items())}
    return {"effects": tuple(sorted(map(str, rules.effects))), "scopes": scopes}


def _stored(records: Records, state: SiteState | None, policy_hash: str, *, now: datetime) -> dict[str, Any]:
    if state is None:
        return {}
    last = next(iter(records.runs(site=state.site, limit=1)), None)
    return {
        "last_good_at": state.last_good_at,
        "last_outcome": (last.outcome or "unfinished") if last else "never ran",
        "open_tickets": state.open_tickets,
        "policy_since": records.policy_since(state.site, policy_hash),
        "next_due_at": records.next_due(state.site),
        "paused": state.paused,
        "frozen": tuple(f"{effect} frozen: {why}" for effect, why in _frozen(state)),
        "aside": (
            *_held_edit(records, state.site, policy_hash),
            *_unread(records, state.site, now=now),
            *in_short(records.aside(site=state.site), now=now),
        ),
        "unread": state.recall.left,
        "ended": records.ended(state.site, since=now - LATELY),
        "held": sum(1 for _ in records.held(site=state.site, until=now)),
        "parked": len(records.ops(site=state.site, status=OpStatus.PARKED)),
        "quarantined": _quarantined(records, state.site),
        "untold": len(records.notifications(site=state.site, status=Delivery.WAITING)),
    }


def _held_edit(records: Records, site: str, policy_hash: str) -> tuple[str, ...]:
    """Return what a held edit of the policy means for the tickets that were there before it, and since when."""
    line = records.held_edit(site, policy_hash)
    if line is None:
        return ()
    return (
        f"the policy edit is held since {line.at:%Y-%m-%d %H:%M} UTC: {line.data.get('meanwhile', 'tickets wait')}",
    )


def _unread(records: Records, site: str, *, now: datetime) -> tuple[str, ...]:
    waiting = len(records.unread(site, now=now))
    return (f"{waiting} tickets wait for their history",) if waiting else ()


def _quarantined(records: Records, site: str) -> int:
    unread = {e.ticket for e in records.quarantined(site=site) if "of" not in e.data}
    return len(unread | quarantined(records.aside(site=site)))


def _frozen(state: SiteState) -> list[tuple[str, str]]:
    return sorted((str(effect), why) for effect, why in {**frozen_by(state.recall), **state.frozen}.items())


def _daemons(said: Mapping[str, Any]) -> dict[str, Any]:
    if not said:
        return {}
    at = said.get("next_poll_at")
    return {
        "next_poll_at": datetime.fromisoformat(at) if at else None,
        "failures": int(said.get("failures", 0)),
        "budgets": {name: {"left": left, "limit": limit} for name, (left, limit) in said.get("budgets", {}).items()},
    }
