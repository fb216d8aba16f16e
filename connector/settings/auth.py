"""Credentials: which account, by which method, and the *name* of its secret. The secret itself is never here."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from connector.documents import Strict, Text
from connector.settings.kinds import Day
from connector.settings.urls import BaseUrl

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WORD = r"(?:[a-z]{1,15}[0-9]{0,4}|[0-9]{1,4})"
_PLAIN = re.compile(rf"{_WORD}(?:_{_WORD})*")


def secret_name(text: str) -> str:
    """Return ``text`` as secrets are looked up: lower case, with underscores."""
    return text.strip().lower().replace("-", "_")


def is_plainly_a_name(name: str) -> bool:
    """Return whether a secret's ``name`` is made of short words, and so is surely not the secret itself, pasted."""
    return _PLAIN.fullmatch(name) is not None


def _read_name(value: Any) -> str:
    name = secret_name(value) if isinstance(value, str) else ""
    if not _NAME.fullmatch(name):
        raise ValueError("must be the name of a secret, not the secret itself: letters, digits and _, at most 40")
    return name


SecretName = Annotated[
    str, BeforeValidator(_read_name), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,39}$"})
]


class _Credential(Strict):
    secret: SecretName | None = Field(
        default=None,
        description="Name of the secret; without it `<site>`, or `<site>_reader` and `<site>_writer` for a pair.",
    )
    expires_on: Day | None = Field(
        default=None, description="Day on which the secret stops working; an alarm is raised from 14 days before."
    )


class OAuthClient(_Credential):
    """OAuth client credentials: the secret is the client secret; tokens are fetched and renewed."""

    method: Literal["oauth"] = Field(description="OAuth client credentials; the default choice.")
    client_id: Text = Field(description="Identifier of the OAuth client.")
    scope: str = Field(default="", description="Scopes to ask for; empty: what the client is allowed.")
    token_url: BaseUrl | None = Field(
        default=None,
        description="Where tokens are fetched; without it `/oauth/tokens` (Zendesk) or Atlassian's address (Jira).",
    )


class ApiToken(_Credential):
    """An account's address with an API token as the secret."""

    method: Literal["token"] = Field(description="An account's e-mail address with an API token.")
    email: Text = Field(description="Address of the account.")


class Bearer(_Credential):
    """A token that is sent as it is."""

    method: Literal["bearer"] = Field(description="A ready access token.")


Credential = Annotated[OAuthClient | ApiToken | Bearer, Field(discriminator="method")]


class Auth(Strict):
    """Who reads and who writes. On Jira one credential may stand for both."""

    reader: Credential = Field(description="Reads; on Zendesk an admin's client with the scope `read`.")
    writer: Credential = Field(description="Writes; an agent's role is enough.")

    @model_validator(mode="before")
    @classmethod
    def _one_for_both(cls, value: Any) -> Any:
        return {"reader": value, "writer": value} if isinstance(value, dict) and "method" in value else value

    @property
    def is_pair(self) -> bool:
        """True when reading and writing are separate accounts."""
        return self.reader != self.writer
