"""What must hold between several settings; pydantic has seen to each of them alone."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from connector.documents import Document
from connector.errors import Problem
from connector.settings.model import Settings
from connector.settings.site import SiteKind, SiteSettings

_DATABASES = ("sqlite", "postgresql", "postgresql+psycopg")
_ONLY = {
    SiteKind.JIRA: ("views", "brands", "groups"),
    SiteKind.ZENDESK: ("projects", "api_base"),
}


def findings(settings: Settings, document: Document) -> Iterator[Problem]:
    """Yield everything that is wrong between settings that are right by themselves."""
    if not settings.sites:
        yield document.problem(("sites",), "is empty", "list at least one site")
    yield from _state(settings, document)
    yield from _distinct(settings, document)
    for index, site in enumerate(settings.sites):
        yield from _kind(site, index, document)
        yield from _auth(site, index, document)
        yield from _authorities(site, index, document)


def _state(settings: Settings, document: Document) -> Iterator[Problem]:
    parts = urlsplit(settings.state)
    if parts.scheme not in _DATABASES or "://" not in settings.state:
        yield document.problem(
            ("state",), "is no database that can be used", "write sqlite:///path or postgresql://user@host/name"
        )
    elif parts.password is not None:
        remedy = "delete it here, change it, and give the new one as the secret `state`"
        yield document.problem(("state",), "a password never stands in this file", remedy)


def _distinct(settings: Settings, document: Document) -> Iterator[Problem]:
    names: dict[str, int] = {}
    places: dict[str, int] = {}
    for index, site in enumerate(settings.sites):
        first = names.setdefault(site.name, index)
        if first != index:
            yield document.problem(("sites", index, "name"), f"{site.name} is the name of two sites", "rename one")
        same = places.setdefault(site.fingerprint, index)
        if same != index:
            other = settings.sites[same].name
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
        for scope in sorted({*site.scopes, *site.confidential} - set(site.projects)):
            remedy = f"use {', '.join(site.projects)}" if site.projects else "list the project first"
            yield document.problem(("sites", index, "scopes", scope), "is not one of this site's projects", remedy)


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
