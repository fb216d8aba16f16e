"""Ground truth: everything that happened, in order, whoever did it.

Only the control API shows it; no vendor endpoint does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["ticket", "field", "comment", "mail", "request", "fault", "problem"]
Via = Literal["api", "people", "bot", "trigger", "system", "control"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact.

    Attributes:
        seq: Counts up over all sites.
        kind: ``ticket`` is a creation, deletion or merge; ``problem`` is a script's mistake.
        ticket: The vendor's id or key as people read it, such as ``SUP-12`` or ``12``.
        actor: Roster key of the person, or the identity that authenticated.
        via: How it came about; ``api`` is a vendor request.
        data: Details by kind: field ``name, before, after``; comment ``id, public, body``;
            mail ``to, why, public, body``; request ``method, path, query, status, identity, fault``.
    """

    seq: int
    at: datetime
    site: str
    kind: Kind
    ticket: str | None = None
    actor: str | None = None
    via: Via = "system"
    data: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values for the control API."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)} | {"at": self.at.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does something to a ticket, and how: the part that the facts of one action share."""

    ticket: str
    actor: str
    via: Via


class Ledger:
    """The facts of one site, sharing a sequence with the other sites.

    Attributes:
        recording: Whether facts are kept; a long history is replayed without, problems apart.
    """

    def __init__(self, site: str, *, now: Callable[[], datetime], entries: list[Entry]) -> None:
        self.site = site
        self.recording = True
        self._now = now
        self._entries = entries
        self._listeners: list[Callable[[Entry], None]] = []

    def listen(self, listener: Callable[[Entry], None]) -> None:
        """Call ``listener`` with every later fact of this site (rival bots watch this way)."""
        self._listeners.append(listener)

    def ticket(self, act: Act, event: str, **data: Any) -> None:
        """Record a creation, deletion, merge, link …: ``event`` says which."""
        self._add("ticket", act, {"event": event, **data})

    def field(self, act: Act, name: str, *, before: Any, after: Any) -> None:
        """Record a field's change; ``name`` is the neutral name where there is one."""
        self._add("field", act, {"name": name, "before": before, "after": after})

    def comment(self, act: Act, *, comment_id: str, public: bool, body: str) -> None:
        """Record a comment as stored."""
        self._add("comment", act, {"id": comment_id, "public": public, "body": body})

    def mail(self, act: Act, *, to: str, why: str, body: str = "") -> None:
        """Record a mail that left the helpdesk; ``to`` is an address."""
        self._add("mail", act, {"to": to, "why": why, "body": body})

    def request(self, identity: str, **data: Any) -> None:
        """Record one vendor request with the identity that it authenticated as."""
        self._append(kind="request", actor=identity, via="api", data=data)

    def fault(self, **data: Any) -> None:
        """Record that a fault was done to a request."""
        self._append(kind="fault", data=data)

    def problem(self, what: str, error: Exception) -> None:
        """Record a scripted action that failed."""
        self._append(kind="problem", data={"what": what, "error": f"{type(error).__name__}: {error}"})

    def entries(self, *, since: int = 0) -> Iterator[Entry]:
        """Facts of this site with ``seq`` greater than ``since``."""
        return (entry for entry in self._entries[since:] if entry.site == self.site)

    def _add(self, kind: Kind, act: Act, data: Mapping[str, Any]) -> None:
        self._append(kind=kind, ticket=act.ticket, actor=act.actor, via=act.via, data=data)

    def _append(self, **known: Any) -> None:
        if not (self.recording or self._listeners or known["kind"] == "problem"):
            return
        entry = Entry(seq=len(self._entries) + 1, at=self._now(), site=self.site, **known)
        if self.recording or entry.kind == "problem":
            self._entries.append(entry)
        for listener in self._listeners:
            listener(entry)
