"""Which language a requester reads, asked of their accounts: no search carries it.

Only where the site's map says ``locale: {requester: locale}``: it costs up to one request per page of issues, and
none for an account that was asked before. An account whose language is hidden has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connector.errors import Rejected
from connector.helpdesks.jira import pages, wire
from connector.helpdesks.jira.structs import UserPage
from connector.helpdesks.transport import Client

_MOST = 50_000


class Languages:
    """What is known of one site's requesters."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, str | None] = {}

    def of(self, accounts: Iterable[str]) -> Mapping[str, str | None]:
        """Return languages by account, those of ``accounts`` among them; what is hidden is ``None`` or missing."""
        self._learn(accounts)
        return self._known

    def _learn(self, accounts: Iterable[str]) -> None:
        if len(self._known) > _MOST:
            self._known.clear()
        unknown = sorted(set(accounts) - self._known.keys())
        for start in range(0, len(unknown), wire.MOST_USERS):
            chunk = unknown[start : start + wire.MOST_USERS]
            self._known |= dict.fromkeys(chunk) | self._asked(chunk)

    def _asked(self, accounts: list[str]) -> dict[str, str | None]:
        try:
            answer = self._client.call(wire.users(accounts))
        except Rejected:
            return {}
        page = pages.decoded(answer.body, UserPage, what="users")
        return {user.account_id: _tag(user.locale) for user in page.values if user.account_id}


def _tag(locale: str | None) -> str | None:
    """Return Jira's ``de_DE`` as a language tag."""
    return locale.replace("_", "-") if locale else None
