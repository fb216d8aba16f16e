"""What must hold between several settings; pydantic has seen to each of them alone."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

from connector.documents import Document, KeyPath
from connector.errors import Problem
from connector.settings.auth import is_plainly_a_name
from connector.settings.model import own_names, secret_key
from connector.settings.parts import Parts
from connector.settings.scopes import SCOPE_KEYS
from connector.settings.site import SiteKind, SiteSettings
from connector.settings.sources import SecretsRead

SHORTEST_SECRET = 6
"""Characters; what is shorter is not masked, because it would mask ordinary words."""

_SECRET_WORDS = frozenset({"password", "sslpassword"})
_PASTED = (
    "write a name made of words here; if this is the secret itself, revoke it, and give the new one as "
    "CONNECTOR_SECRETS__NAME or a file in secrets_dir"
)
_DATABASES = ("sqlite", "postgresql", "postgresql+psycopg")
_ONLY = {
    SiteKind.JIRA: ("views", "brands", "groups"),
    SiteKind.ZENDESK: ("projects", "api_base"),
}


def findings(parts: Parts, document: Document) -> Iterator[Problem]:
    """Yield everything that is wrong between parts that are right by themselves."""
    if parts.is_siteless:
        yield document.problem(("sites",), "is empty", "list at least one site")
    yield from _state(parts.state, document)
    yield from _distinct(parts.sites, document)
    for index, site in parts.sites.items():
        yield from _kind(site, index, document)
        yield from _auth(site, index, document)
        yield from _authorities(site, index, document)


def missing_secrets(parts: Parts, secrets: SecretsRead, document: Document) -> Iterator[Problem]:
    """Yield what is wrong with every secret that is needed."""
    wanted: list[tuple[KeyPath, str]] = []
    for index, account in parts.accounts.items():
        named = {secret_key(account, role): role for role in ("writer", "reader")}
        wanted += [(("sites", index, "auth", role), name) for name, role in named.items()]
        wanted += [(("sites", index, "webhook_secrets"), name) for name in account.webhook_secrets]
    wanted += [(("web", "token"), parts.web.token)] if parts.web.token else []
    own = {name for account in parts.accounts.values() for name in own_names(account)}
    for path, name in wanted:
        if name not in secrets.unusable:  # what is wrong with these has been told
            is_plain = name in own or is_plainly_a_name(name)
            yield from _wrong_secret(secrets.found, document, path, name, is_plain=is_plain)


def _wrong_secret(
    found: Mapping[str, str], document: Document, path: KeyPath, name: str, *, is_plain: bool
) -> Iterator[Problem]:
    """Yield what is wrong with one secret; a very short one could not be masked in the log.

    A name that may be the secret itself, which somebody pasted there, is not repeated: not ``is_plain``.
    """
    told = f"the secret {name}" if is_plain else "the secret that this key names"
    if name not in found:
        remedy = f"set CONNECTOR_SECRETS__{name.upper()} or write the file {name} in secrets_dir"
        yield document.problem(path, f"{told} is not set", remedy if is_plain else _PASTED)
    elif len(found[name]) < SHORTEST_SECRET:
        message = f"{told} is shorter than {SHORTEST_SECRET} characters: it could not be masked in the log"
        yield document.problem(path, message, "give a longer one")


def _state(state: str | None, document: Document) -> Iterator[Problem]:
    if state is None:
        return
    try:
        parts = urlsplit(state)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in _DATABASES or "://" not in state:
        yield document.problem(
            ("state",), "is no database that can be used", "write sqlite:///path or postgresql://user@host/name"
        )
    elif parts.scheme == "sqlite" and (parts.netloc or parts.path in {"", "/", "/:memory:"}):
        message = "names no file: what is stored there would be forgotten with every run"
        yield document.problem(("state",), message, "write sqlite:///path, with three slashes")
    elif parts.password is not None or not _SECRET_WORDS.isdisjoint(parse_qs(parts.query)):
        remedy = "delete it here, change it, and give the new one as the secret `state`"
        yield document.problem(("state",), "a password never stands in this file", remedy)


def _distinct(sites: Mapping[int, SiteSettings], document: Document) -> Iterator[Problem]:
    names: dict[str, int] = {}
    places: dict[str, int] = {}
    for index, site in sites.items():
        first = names.setdefault(site.name, index)
        if first != index:
            yield document.problem(("sites", index, "name"), f"{site.name} is the name of two sites", "rename one")
        same = places.setdefault(site.fingerprint, index)
        if same != index:
            other = sites[same].name
            message = f"is the address of {other} as well: two sites would write to the same tickets"
            yield document.problem(("sites", index, "base_url"), message, "list all projects or brands under one site")


def _kind(site: SiteSettings, index: int, document: Document) -> Iterator[Problem]:
    for key in _ONLY[site.kind]:
        if getattr(site, key):
            yield document.problem(("sites", index, key), f"means nothing on a {site.kind} site", "remove it")
    for key in ("views", "brands", "groups"):
        for id_ in (i for i in getattr(site, key) if not i.isdecimal()):
            yield document.problem(("sites", index, key), f"{id_!r} is not an id", "write the number in its address")
    if site.kind is SiteKind.JIRA and not site.projects:
        yield document.problem(
            ("sites", index, "projects"), "is missing", "list the keys of the projects to look after"
        )
    if site.kind is SiteKind.JIRA:
        yield from _projects(site, index, document)


def _projects(site: SiteSettings, index: int, document: Document) -> Iterator[Problem]:
    """Yield a problem for every scope of a Jira site that is no project of it."""
    remedy = f"use {', '.join(site.projects)}" if site.projects else "list the project first"
    for key in SCOPE_KEYS:
        for scope in sorted(set(getattr(site, key)) - set(site.projects)):
            small: KeyPath = ("sites", index, key, scope.lower())
            path = small if document.holds(small) else ("sites", index, key, scope)
            yield document.problem(path, "is not one of this site's projects", remedy)


def _authorities(site: SiteSettings, index: int, document: Document) -> Iterator[Problem]:
    if site.ca_file is None:
        return
    try:
        ssl.create_default_context(cafile=str(site.ca_file))
    except (OSError, ssl.SSLError):
        remedy = "give a readable file with PEM certificates"
        yield document.problem(("sites", index, "ca_file"), "cannot be used", remedy)


def _auth(site: SiteSettings, index: int, document: Document) -> Iterator[Problem]:
    if site.kind is SiteKind.ZENDESK and not document.holds(("sites", index, "auth", "reader")):
        message = "needs a reader and a writer"
        yield document.problem(("sites", index, "auth"), message, "write auth: {reader: {…}, writer: {…}}")
