"""Adapters for configured sites: the one place that knows every vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from connector.domain.site import FieldMap, SiteRules
from connector.engine.kit import SiteReading
from connector.engine.passes import Site
from connector.errors import ConfigError, Problem
from connector.helpdesks.transport import (
    Basic,
    Bearer,
    ClientCredentials,
    Credentials,
    Origin,
    Pin,
    PinnedAdapter,
    Surroundings,
)
from connector.ports import Clock, Directory, TicketReader, TicketWriter
from connector.settings import ApiToken, OAuthClient, Settings, SiteKind, SiteSettings
from connector.settings import Bearer as BearerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """What one vendor's package gives for one site."""

    reader: TicketReader
    writer: TicketWriter
    directory: Directory


def connect(settings: Settings, site: SiteSettings, rules: SiteRules, names: FieldMap, clock: Clock) -> Site:
    """Return a site with its adapters; nothing is sent yet."""
    adapters = _VENDORS[site.kind](settings, site, names, clock)
    reading = SiteReading(
        rules=rules,
        reader=adapters.reader,
        directory=adapters.directory,
        poll_every=site.poll.every,
        sweep_every=site.poll.sweep_every,
    )
    return Site(reading=reading, writer=adapters.writer)


def _credentials(settings: Settings, site: SiteSettings, role: Literal["reader", "writer"]) -> Credentials:
    """Return what a reader or writer signs in with; the secret goes nowhere else."""
    credential = site.auth.reader if role == "reader" else site.auth.writer
    try:
        secret = settings.secret(site, role).get_secret_value()
    except KeyError as error:
        problem = Problem(file="secrets", key=f"sites.{site.name}.auth.{role}", message="the secret is not set")
        raise ConfigError((problem,)) from error
    match credential:
        case ApiToken(email=email):
            user = f"{email}/token" if site.kind is SiteKind.ZENDESK else email
            return Basic(user, secret)
        case BearerSettings():
            return Bearer(secret)
        case OAuthClient(client_id=client_id, scope=scope, token_url=token_url):
            url = token_url or _token_url(site)
            return ClientCredentials(token_url=url, client_id=client_id, client_secret=secret, scope=scope)


def _token_url(site: SiteSettings) -> str:
    if site.kind is SiteKind.ZENDESK:
        return f"{site.api_url.rstrip('/')}/oauth/tokens"
    return "https://api.atlassian.com/oauth/token"


def _jira(settings: Settings, site: SiteSettings, names: FieldMap, clock: Clock) -> Adapters:
    from jira import JIRA  # noqa: PLC0415 - heavy; only sites of this kind pay for it

    from connector.helpdesks.jira.adapter import JiraReader  # noqa: PLC0415
    from connector.helpdesks.jira.directory import JiraDirectory  # noqa: PLC0415
    from connector.helpdesks.jira.normalise import Shape  # noqa: PLC0415
    from connector.helpdesks.jira.wire import DIALECT  # noqa: PLC0415
    from connector.helpdesks.jira.writer import JiraWriter  # noqa: PLC0415
    from connector.helpdesks.transport import Client  # noqa: PLC0415

    origin, around = Origin.parse(site.api_url), Surroundings(clock=clock)
    reading = PinnedAdapter(Pin(origin), _credentials(settings, site, "reader"), DIALECT, around)
    writing = (
        PinnedAdapter(Pin(origin), _credentials(settings, site, "writer"), DIALECT, around)
        if site.auth.is_pair
        else reading
    )
    shape = Shape(site=site.name, fields=names, account="", web_url=site.link_url.rstrip("/"))
    reader = JiraReader(Client(reading), shape, site.projects)
    client = JIRA(server=site.api_url, get_server_info=False, max_retries=0, options={"check_update": False})
    reading.mount_on(client._session)  # noqa: SLF001 - the library has no public way to give it a transport
    return Adapters(reader=reader, writer=JiraWriter(Client(writing), reader), directory=JiraDirectory(client, names))


def _zendesk(settings: Settings, site: SiteSettings, names: FieldMap, clock: Clock) -> Adapters:
    raise NotImplementedError


_VENDORS: Mapping[SiteKind, Callable[[Settings, SiteSettings, FieldMap, Clock], Adapters]] = {
    SiteKind.JIRA: _jira,
    SiteKind.ZENDESK: _zendesk,
}
