"""May our edits do without mails? Only administrators' may; for others the flag is refused or ignored."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from connector.errors import HelpdeskError
from connector.helpdesks.jira import pages, wire
from connector.helpdesks.transport import Client

KEPT_FOR = timedelta(hours=1)
"""How long what a project allows is taken as known: somebody may give us the right, or take it away."""


class _Right(msgspec.Struct, rename="camel"):
    have_permission: bool = False


class _Rights(msgspec.Struct):
    permissions: dict[str, _Right] = {}


class Mails:
    """What is known per project about suppressing the mails of edits."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, tuple[datetime, bool]] = {}

    def may_be_suppressed(self, project: str) -> bool:
        """Return whether edits in a project may ask for it; asked once an hour; not where that cannot be told."""
        if not project:
            return False
        known, now = self._known.get(project), self._client.adapter.server_now()
        if known is not None and now - known[0] < KEPT_FOR:
            return known[1]
        answer = self._ask(project)
        if answer is None:  # what was known goes on: an edit that mails everybody cannot be called back
            return known is not None and known[1]
        self._known[project] = (now, answer)
        return answer

    def cannot_be_suppressed(self, project: str) -> None:
        """Remember that the flag was refused."""
        self._known[project] = (self._client.adapter.server_now(), False)

    def _ask(self, project: str) -> bool | None:
        try:
            answer = self._client.call(wire.my_permissions(project))
            rights = pages.decoded(answer.body, _Rights, what="permissions").permissions
        except HelpdeskError:
            return None
        return any(right.have_permission for right in rights.values())
