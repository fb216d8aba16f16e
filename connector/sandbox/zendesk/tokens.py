"""Who a request comes from: OAuth client credentials, and API tokens while they last."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.sandbox.core.messages import CANARY, Credentials, Request
from connector.sandbox.core.strict import unknown_keys
from connector.sandbox.zendesk.accounts import Directory, User
from connector.sandbox.zendesk.errors import ApiError, bad_request, dead_token, forbidden, not_signed_in, stray
from connector.sandbox.zendesk.options import Options
from connector.sandbox.zendesk.wire import read_stamp

ASKED = frozenset({"grant_type", "client_id", "client_secret", "scope", "expires_in"})
LONGEST, SHORTEST = 172_800, 300
_RESOURCES = ("tickets", "users", "organizations", "triggers", "webhooks")
_OF_RESOURCES = {f"{resource}{access}" for resource in _RESOURCES for access in ("", ":read", ":write")}
KNOWN_SCOPES = frozenset({"read", "write", "impersonate", "auditlogs:read", *_OF_RESOURCES})
"""A resource's name alone lets a client read and write it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token that was handed out."""

    user_id: int
    scope: frozenset[str]
    expires_at: int


class Gate:
    """Clients, tokens and what each request may do."""

    def __init__(self, directory: Directory, options: Options, rng: random.Random) -> None:
        self._directory = directory
        self._options = options
        self._rng = rng
        self._tokens: dict[str, Token] = {}
        self.clients: dict[str, tuple[User, str]] = {
            "connector-reader": (directory.user("connector-reader"), self._secret("reader")),
            "connector-writer": (directory.user("connector-writer"), self._secret("writer")),
        }
        self.api_token = self._secret("api token")

    def grant(self, body: Any, now: int) -> Mapping[str, Any]:
        """Answer a client credentials request; there is no refresh token.

        Raises:
            ApiError: 400 for a request without sense, 401 for a client that is unknown.
        """
        if not isinstance(body, Mapping):
            raise bad_request("invalid_request", "a JSON object is needed")
        if strays := unknown_keys(body, ASKED):
            raise stray(strays)
        if body.get("grant_type") != "client_credentials":
            raise _oauth_error(400, "unsupported_grant_type", "The authorization grant type is not supported.")
        user, secret = self.clients.get(str(body.get("client_id")), (None, None))
        if user is None or body.get("client_secret") != secret:
            raise _oauth_error(401, "invalid_client", "Client authentication failed.")
        return self._hand_out(user, self._scope(body), self._lifetime(body), now)

    def _hand_out(self, user: User, scope: str, lifetime: int, now: int) -> Mapping[str, Any]:
        secret = self._secret(f"token {len(self._tokens)}")
        self._tokens[secret] = Token(user_id=user.id, scope=frozenset(scope.split()), expires_at=now + lifetime)
        return {"access_token": secret, "token_type": "bearer", "scope": scope, "expires_in": lifetime}

    def _scope(self, body: Mapping[str, Any]) -> str:
        scope = str(body.get("scope") or "read write")
        if set(scope.split()) - KNOWN_SCOPES:
            raise _oauth_error(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")
        return scope

    def _lifetime(self, body: Mapping[str, Any]) -> int:
        asked = body.get("expires_in", self._options.token_lifetime)
        if isinstance(asked, bool) or not isinstance(asked, int) or not SHORTEST <= asked <= LONGEST:
            raise _oauth_error(400, "invalid_request", f"expires_in must lie between {SHORTEST} and {LONGEST}.")
        return asked

    def issue(self, user_key: str, now: int, *, lifetime: int = LONGEST) -> str:
        """Hand a token to a user without asking, for tests and scripts."""
        answer = self._hand_out(self._directory.user(user_key), "read write", lifetime, now)
        return str(answer["access_token"])

    def revoke(self, secret: str) -> None:
        """Let a token die."""
        self._tokens.pop(secret, None)

    def who(self, request: Request, now: int) -> str:
        """Name who the credentials belong to: a user's key, ``anonymous`` or ``invalid``."""
        credentials = request.credentials
        if credentials is None:
            return "anonymous"
        try:
            return self._user_of(credentials, now)[0].key
        except ApiError:
            return "invalid"

    def scopes(self, request: Request) -> frozenset[str] | None:
        """The scopes of a request's bearer token; ``None`` for any other credentials."""
        given = request.credentials
        token = self._tokens.get(given.secret) if given is not None and given.scheme == "bearer" else None
        return token.scope if token is not None else None

    def admit(self, request: Request, now: int) -> User:
        """The user behind a request, checked against the token's scope.

        Raises:
            ApiError: 401, or 403 when the token's scope is too small.
        """
        credentials = request.credentials
        if credentials is None:
            raise not_signed_in()
        user, scope = self._user_of(credentials, now)
        need = "read" if request.method == "GET" else "write"
        if not any(word == need or word in _RESOURCES or word.endswith(f":{need}") for word in scope):
            raise forbidden("Missing the following required scopes: " + need)
        return user

    def _user_of(self, credentials: Credentials, now: int) -> tuple[User, frozenset[str]]:
        if credentials.scheme == "bearer":
            token = self._tokens.get(credentials.secret)
            if token is None or token.expires_at <= now:
                raise dead_token()
            return self._directory.users[token.user_id], token.scope
        return self._by_api_token(credentials, now), frozenset({"read", "write"})

    def _by_api_token(self, credentials: Credentials, now: int) -> User:
        email, _, kind = credentials.user.rpartition("/")
        known = (user for user in self._directory.users.values() if user.email == email and user.is_agent)
        user = next(known, None)
        ended = now >= read_stamp(self._options.basic_until)
        if kind != "token" or user is None or credentials.secret != self.api_token or ended:
            raise not_signed_in()
        return user

    def _secret(self, what: str) -> str:
        return CANARY + hashlib.sha256(f"{what}/{self._rng.getrandbits(64)}".encode()).hexdigest()


def _oauth_error(status: int, error: str, description: str) -> ApiError:
    return ApiError(status, {"error": error, "error_description": description})
