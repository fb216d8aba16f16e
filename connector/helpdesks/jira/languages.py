"""Which language a requester reads, asked of their accounts: no search carries it.

Only where the site's map says ``locale: {requester: locale}``: it costs up to one request per page of issues, and
none for an account that was asked before. An account whose language is hidden has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from connector.errors import Rejected
from connector.helpdesks.jira import pages, wire
from connector.helpdesks.jira.structs import UserPage
from connector.helpdesks.transport import Client
from connector.ports import Observation

_MOST = 50_000


class Languages:
    """What is known of one site's requesters."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, str | None] = {}

    def told(self, observations: Iterable[Observation]) -> tuple[Observation, ...]:
        """Return the observations, each ticket with its requester's language."""
        seen = tuple(observations)
        self._learn({o.ticket.requester for o in seen if o.ticket.requester})
        return tuple(self._told(observation) for observation in seen)

    def _told(self, observation: Observation) -> Observation:
        locale = self._known.get(observation.ticket.requester or "")
        return replace(observation, ticket=replace(observation.ticket, locale=locale)) if locale else observation

    def _learn(self, accounts: set[str]) -> None:
        if len(self._known) > _MOST:
            self._known.clear()
        unknown = sorted(accounts - self._known.keys())
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
