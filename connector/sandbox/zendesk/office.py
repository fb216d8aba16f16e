"""Everything that answers requests, and one request on its way through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.core.messages import BadBodyError, Request
from connector.sandbox.zendesk.accounts import User
from connector.sandbox.zendesk.desk import Desk, Hand
from connector.sandbox.zendesk.errors import ApiError, bad_request
from connector.sandbox.zendesk.export import Export
from connector.sandbox.zendesk.jobs import Jobs
from connector.sandbox.zendesk.search import Search
from connector.sandbox.zendesk.throttle import Throttle
from connector.sandbox.zendesk.tokens import Gate
from connector.sandbox.zendesk.update import Clerk


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The parts of one account that endpoints use."""

    desk: Desk
    clerk: Clerk
    gate: Gate
    throttle: Throttle
    export: Export
    search: Search
    jobs: Jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One admitted request.

    Attributes:
        ids: Ids in the path, in order.
        headers: Limit headers of the answer; an endpoint may add to them.
    """

    request: Request
    user: User
    ids: tuple[str, ...]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The first id in the path."""
        return int(self.ids[0])

    @property
    def origin(self) -> str:
        """Where links point to."""
        return self.request.origin

    @property
    def hand(self) -> Hand:
        """The caller as somebody who changes things."""
        return Hand(user=self.user, via="api", channel="api")

    def number(self, name: str, default: int) -> int:
        """A whole number from the query.

        Raises:
            ApiError: It is none.
        """
        text = self.request.param(name)
        if text is None:
            return default
        if not text.isdigit():
            raise bad_request("InvalidValue", f"{name} must be an integer")
        return int(text)

    def listed(self, name: str, most: int = 100) -> list[str]:
        """A comma separated list from the query.

        Raises:
            ApiError: More than ``most``.
        """
        words = [word.strip() for word in (self.request.param(name) or "").split(",") if word.strip()]
        if len(words) > most:
            text = f"Parameter {name} cannot specify more than {most} values"
            raise bad_request("TooManyValues", text, max_count=most)
        return words

    def ids_param(self) -> list[int]:
        """The ``ids`` of a many-endpoint.

        Raises:
            ApiError: Missing, too many, or not numbers.
        """
        words = self.listed("ids")
        if not words or not all(word.isdigit() for word in words):
            raise bad_request("InvalidValue", "ids must be a list of integers")
        return [int(word) for word in words]

    def body(self) -> Any:
        """The JSON body.

        Raises:
            ApiError: It is none.
        """
        try:
            return self.request.json()
        except BadBodyError as error:
            raise ApiError(422, {"error": "Unprocessable Entity", "message": "Server could not parse JSON"}) from error


Endpoint = Callable[[Office, Call], Any]
