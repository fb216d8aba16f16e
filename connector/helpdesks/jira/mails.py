"""May our edits do without mails? Only administrators' may; for others the flag is refused or ignored."""

from __future__ import annotations

import msgspec

from connector.errors import HelpdeskError
from connector.helpdesks.jira import pages, wire
from connector.helpdesks.transport import Client


class _Right(msgspec.Struct, rename="camel"):
    have_permission: bool = False


class _Rights(msgspec.Struct):
    permissions: dict[str, _Right] = {}


class Mails:
    """What is known per project about suppressing the mails of edits."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, bool] = {}

    def may_be_suppressed(self, project: str) -> bool:
        """Return whether edits in a project may ask for it; asked once, and not where that cannot be told."""
        if project and project not in self._known:
            answer = self._ask(project)
            if answer is None:
                return False
            self._known[project] = answer
        return self._known.get(project, False)

    def cannot_be_suppressed(self, project: str) -> None:
        """Remember that the flag was refused."""
        self._known[project] = False

    def _ask(self, project: str) -> bool | None:
        try:
            answer = self._client.call(wire.my_permissions(project))
            rights = pages.decoded(answer.body, _Rights, what="permissions").permissions
        except HelpdeskError:
            return None
        return any(right.have_permission for right in rights.values())
