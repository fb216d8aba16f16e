"""The smallest site: it keeps notes, so that the core can be tested without a vendor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.ledger import Act
from connector.sandbox.core.messages import Request, Response, json_response
from connector.sandbox.core.moments import ClockOptions, Mode
from connector.sandbox.core.roster import Roster
from connector.sandbox.core.site import NewTicket
from connector.sandbox.core.world import World

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class NoteSite:
    """POST stores the body as a note, GET lists the notes; people may create tickets and comment."""

    def __init__(self, world: World, _roster: Roster) -> None:
        self.world = world
        self.notes: list[str] = []
        self.dead: set[str] = set()

    @property
    def people(self) -> NoteSite:
        return self

    def create_ticket(self, ticket: NewTicket) -> str:
        self.notes.append(ticket.subject)
        act = Act(ticket=str(len(self.notes)), actor=ticket.requester, via="people")
        self.world.ledger.ticket(act, "created")
        return act.ticket

    def comment(self, ticket: str, actor: str, text: str, *, public: bool = True) -> str:
        if int(ticket) > len(self.notes):
            raise KeyError(ticket)
        act = Act(ticket=ticket, actor=actor, via="people")
        self.world.ledger.comment(act, comment_id="1", public=public, body=text)
        return "1"

    def merge(self, ticket: str, actor: str, into: str) -> None:
        self.world.ledger.ticket(Act(ticket=ticket, actor=actor, via="people"), "merged", into=into)

    def identify(self, request: Request) -> str:
        return request.credentials.secret if request.credentials else "anonymous"

    def handle(self, request: Request) -> Response:
        if self.identify(request) in self.dead:
            return self.refuse(401, "that token is dead")
        if request.path == "/break":
            raise RuntimeError("broken")
        if request.method == "POST":
            self.notes.append(request.body.decode())
            self.world.ledger.field(Act(ticket="1", actor="api", via="api"), "note", before=None, after=self.notes[-1])
        return json_response({"notes": self.notes, "at": self.world.now().isoformat()})

    def scope_of(self, request: Request) -> str | None:
        return request.param("scope")

    def refuse(self, status: int, message: str) -> Response:
        return json_response({"refused": message}, status=status)

    def revoke(self, request: Request) -> None:
        self.dead.add(self.identify(request))

    def describe(self) -> Mapping[str, Any]:
        return {"notes": len(self.notes)}

    def view(self) -> list[dict[str, Any]]:
        return [{"ticket": str(number + 1), "subject": note} for number, note in enumerate(self.notes)]


def note_sandbox(mode: Mode = "manual", *, seed: int = 1) -> Sandbox:
    """A sandbox with one such site, called ``notes``."""
    spec = SiteSpec(name="notes", kind="notes", build=NoteSite)  # type: ignore[arg-type]
    return Sandbox((spec,), ClockOptions(start=START, mode=mode), seed=seed)
