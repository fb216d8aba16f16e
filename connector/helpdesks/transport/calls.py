"""One request on its way through the adapter."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from connector.helpdesks.transport.budgets import Endpoint


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as the caller built it and as it goes out, with how it is to be treated."""

    asked: requests.PreparedRequest
    request: requests.PreparedRequest
    endpoint: Endpoint
    ticket: str
    fresh: bool = False
    urgent: bool = False

    @property
    def what(self) -> str:
        """Return the request's name for messages, without any id."""
        return f"{self.request.method} {self.endpoint.name}"
