"""A simulated site over real HTTP, on a clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connector.sandbox.assembly import Sandbox
from connector.sandbox.core.faults import Fault
from connector.sandbox.core.ledger import Entry
from connector.sandbox.core.roster import Group, Organization, Person, Roster

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
GROUPS = ("service-desk", "second-line", "specialists", "legal")
ROSTER = Roster(
    people=(
        Person(key="duty-manager", name="Dora", email="dora@desk.example", role="agent", groups=("second-line",)),
        Person(key="anna", name="Anna", email="anna@desk.example", role="agent", groups=("service-desk",)),
        Person(key="ben", name="Ben", email="ben@desk.example", role="agent", groups=("second-line",)),
        Person(key="carla", name="Carla", email="carla@acme.example", locale="de", organization="acme"),
        Person(key="vito", name="Vito", email="vito@acme.example", tags=("vip",), organization="acme"),
    ),
    organizations=(Organization(key="acme", name="Acme", tier="platinum", region="eu"),),
    groups=tuple(Group(key=key, name=key) for key in GROUPS),
)


class SandboxClock:
    """The connector's clock where the sandbox owns time: waiting moves it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._clock = sandbox.clock

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return (self._clock.now() - START).total_seconds()

    def elapsed(self) -> float:
        return (self._clock.now() - START).total_seconds()

    def wait(self, until: datetime | None) -> bool:
        if until is None:
            return False
        if until > self._clock.now():
            self._clock.set(until)
        return True

    def wake(self) -> None:
        """Nobody sleeps."""


class SandboxSite:
    """People, faults and ground truth of one simulated site."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.sandbox = sandbox
        self.name = name
        self.clock = SandboxClock(sandbox)
        self._exchange = sandbox.exchanges[name]

    @property
    def people(self) -> Any:
        return self.sandbox.site(self.name).people

    def strike(self, action: str, **conditions: Any) -> None:
        with self.sandbox.clock.lock:
            self._exchange.faults.add(Fault.from_json({"action": action, "times": 1, **conditions}))

    def mend(self, name: str) -> None:
        """End the faults of this name."""
        with self.sandbox.clock.lock:
            self._exchange.faults.clear(name)

    def truth(self, kind: str, ticket: str | None = None) -> list[Entry]:
        facts = [e for e in self.sandbox.facts if e.site == self.name and e.kind == kind]
        return [e for e in facts if ticket in {None, e.ticket}]

    def view(self, ticket: str) -> dict[str, Any]:
        rows = self.sandbox.site(self.name).view()
        return next(row for row in rows if str(row["id"]) == ticket)

    def later(self, length: timedelta) -> None:
        self.sandbox.clock.advance(length)
