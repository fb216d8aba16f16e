"""Who we are to a helpdesk. No representation, log line or error of these shows a secret."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from connector.errors import ConnectorError, Denied

Fetch = Callable[[str, bytes], bytes]
"""(token URL, JSON body) → body of a 2xx answer; raises the transport's errors."""

_EARLY = timedelta(seconds=120)


class Credentials(Protocol):
    """Makes the ``Authorization`` header."""

    def authorization(self, now: datetime, fetch: Fetch, /) -> str:
        """Return the header's value at ``now``; a token is fetched when there is none that lasts."""

    def forget(self) -> bool:
        """After a 401: drop what was fetched. True when fetching anew may help, so one more try is worth it."""

    def secrets(self) -> tuple[str, ...]:
        """Return everything that must never be shown."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that the operator gave us (OAuth access token, personal access token)."""

    token: str = field(repr=False)

    def authorization(self, _now: datetime, _fetch: Fetch, /) -> str:
        """Return the header; nothing is fetched."""
        return f"Bearer {self.token}"

    def forget(self) -> bool:
        """Nothing to fetch anew."""
        return False

    def secrets(self) -> tuple[str, ...]:
        """Return the token."""
        return (self.token,)


@dataclass(frozen=True, slots=True)
class Basic:
    """User and secret (``mail@example.com`` and an API token; Zendesk: ``mail@example.com/token``)."""

    user: str
    secret: str = field(repr=False)

    def authorization(self, _now: datetime, _fetch: Fetch, /) -> str:
        """Return the header; nothing is fetched."""
        return f"Basic {base64.b64encode(self._pair().encode()).decode()}"

    def forget(self) -> bool:
        """Nothing to fetch anew."""
        return False

    def secrets(self) -> tuple[str, ...]:
        """Return the secret, alone and as the pair that is sent."""
        return (self.secret, self._pair())

    def _pair(self) -> str:
        return f"{self.user}:{self.secret}"


class Rotating:
    """Credentials whose secret may be changed under us: after a 401 it is read again, once, and no restart is needed.

    ``make`` builds credentials from a secret; ``read`` returns the present one, and what it raises means that there
    is none to be had.
    """

    def __init__(self, make: Callable[[str], Credentials], read: Callable[[], str], *, first: str) -> None:
        self._make = make
        self._read = read
        self._known = first
        self._inner = make(first)

    def __repr__(self) -> str:
        return f"Rotating({self._inner!r})"

    def authorization(self, now: datetime, fetch: Fetch, /) -> str:
        """Return the header with the secret last read."""
        return self._inner.authorization(now, fetch)

    def forget(self) -> bool:
        """Read the secret again; true when it is another, or when the credentials can help themselves."""
        try:
            fresh = self._read()
        except (ConnectorError, KeyError):
            fresh = self._known
        if fresh == self._known:
            return self._inner.forget()
        self._known, self._inner = fresh, self._make(fresh)
        return True

    def secrets(self) -> tuple[str, ...]:
        """Return what the credentials in use would not show."""
        return self._inner.secrets()


_TOKEN = re.compile(r"[!-~]+")
"""What goes into a header and nothing beside it."""

_LONGEST = timedelta(days=365)


def _length(seconds: float) -> timedelta:
    """Return how long a token lasts; what is longer than a year, or no length at all, breaks nothing."""
    return timedelta(seconds=min(max(seconds, 0.0), _LONGEST.total_seconds()))


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float | None = None


class _Grant(msgspec.Struct):
    scope: str = ""


def granted(body: bytes) -> frozenset[str]:
    """Return the scopes that a token endpoint's answer names; none where it names none."""
    try:
        return frozenset(msgspec.json.decode(body, type=_Grant).scope.split())
    except msgspec.MsgspecError:
        return frozenset()


class ClientCredentials:
    """OAuth 2 client credentials: fetched when needed, kept, fetched again two minutes before the end.

    Neither vendor gives a refresh token for this grant. ``lifetime`` is asked for where the vendor lets us, and taken
    for granted where an answer states none.
    """

    def __init__(
        self,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        scope: str = "",
        lifetime: timedelta | None = None,
    ) -> None:
        self.token_url = token_url
        self._id = client_id
        self._secret = client_secret
        self._scope = scope
        self._lifetime = lifetime
        self._token = ""
        self._until: datetime | None = None

    def __repr__(self) -> str:
        return f"ClientCredentials(client_id={self._id!r})"

    def authorization(self, now: datetime, fetch: Fetch, /) -> str:
        """Return the header, with a token that lasts beyond ``now``.

        Raises:
            Denied: The answer holds no token.
        """
        if not self._token or (self._until is not None and now >= self._until):
            self._take(fetch(self.token_url, msgspec.json.encode(self._request())), now)
        return f"Bearer {self._token}"

    def forget(self) -> bool:
        """Drop the token; the next request fetches another."""
        had, self._token = bool(self._token), ""
        return had

    def secrets(self) -> tuple[str, ...]:
        """Return the client's secret and the present token."""
        return tuple(filter(None, (self._secret, self._token)))

    def _request(self) -> dict[str, str | int]:
        wanted: dict[str, str | int] = {
            "grant_type": "client_credentials",
            "client_id": self._id,
            "client_secret": self._secret,
        }
        if self._scope:
            wanted["scope"] = self._scope
        if self._lifetime:
            wanted["expires_in"] = int(self._lifetime.total_seconds())
        return wanted

    def _take(self, body: bytes, now: datetime) -> None:
        try:
            answer = msgspec.json.decode(body, type=_Token)
        except msgspec.MsgspecError:
            answer = _Token(access_token="")
        if not _TOKEN.fullmatch(answer.access_token):
            raise Denied("the token endpoint's answer holds no token", remedy="check the OAuth client")
        lifetime = _length(answer.expires_in) if answer.expires_in else self._lifetime
        self._token = answer.access_token
        self._until = now + max(lifetime - _EARLY, lifetime / 2) if lifetime else None
