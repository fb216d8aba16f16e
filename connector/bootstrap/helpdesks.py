"""Adapters for configured sites: the one place that knows every vendor."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
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
    Rotating,
    Surroundings,
)
from connector.ports import Directory, Fence, TicketReader, TicketWriter
from connector.ports.inspection import Inspector
from connector.settings import ApiToken, Credential, OAuthClient, Settings, SiteKind, SiteSettings
from connector.settings import Bearer as BearerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """What one vendor's package gives for one site."""

    reader: TicketReader
    writer: TicketWriter
    directory: Directory
    inspector: Inspector


def connect(settings: Settings, rules: SiteRules, names: FieldMap, around: Surroundings) -> Site:
    """Return the site of ``rules`` with its adapters; nothing is sent yet. ``around``: of the site's own thread."""
    site = settings.site(rules.name)
    fence = Fence(around.clock.elapsed)
    adapters = _adapters(settings, site, names, replace(around, may_begin=fence.may_begin))
    reading = SiteReading(
        rules=rules,
        reader=adapters.reader,
        directory=adapters.directory,
        people=bound_people(names),
        bindings=hashlib.sha256(repr(names).encode()).hexdigest(),
        poll_every=site.poll.every,
        sweep_every=site.poll.sweep_every,
    )
    return Site(reading=reading, writer=adapters.writer, fence=fence)


def inspector(settings: Settings, rules: SiteRules, names: FieldMap, around: Surroundings) -> Inspector:
    """Return who looks at the site of ``rules`` for ``check``."""
    return _adapters(settings, settings.site(rules.name), names, around).inspector


def _adapters(settings: Settings, site: SiteSettings, names: FieldMap, around: Surroundings) -> Adapters:
    ca_file = str(site.ca_file) if site.ca_file else None
    return _VENDORS[site.kind](settings, site, names, replace(around, ca_file=ca_file))


def bound_people(names: FieldMap) -> Mapping[str, str]:
    """Return vendor account id → bound name."""
    return {account: name for name, account in names.people.items()}


def _credentials(settings: Settings, site: SiteSettings, role: Literal["reader", "writer"]) -> Credentials:
    """Return what a reader or writer signs in with; the secret goes nowhere else, and may be changed while we run."""
    try:
        secret = settings.secret(site, role).get_secret_value()
    except KeyError as error:
        problem = Problem(file="secrets", key=f"sites.{site.name}.auth.{role}", message="the secret is not set")
        raise ConfigError((problem,)) from error
    credential = site.auth.reader if role == "reader" else site.auth.writer
    make = partial(_signing_in, credential, site)
    return Rotating(make, lambda: settings.read_secret_again(site, role), first=secret)


def _signing_in(credential: Credential, site: SiteSettings, secret: str) -> Credentials:
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


def _jira(settings: Settings, site: SiteSettings, names: FieldMap, around: Surroundings) -> Adapters:
    from connector.helpdesks.jira.assembly import JiraOptions, open_site  # noqa: PLC0415 - only its sites pay for it

    options = JiraOptions(
        site=site.name,
        api_base=site.api_url,
        reader=_credentials(settings, site, "reader"),
        writer=_credentials(settings, site, "writer") if site.auth.is_pair else None,
        fields=names,
        projects=site.projects,
        web_base=site.link_url,
        history_share=site.poll.history_share,
    )
    opened = open_site(options, around)
    return Adapters(reader=opened.reader, writer=opened.writer, directory=opened.directory, inspector=opened.inspector)


def _zendesk(settings: Settings, site: SiteSettings, names: FieldMap, around: Surroundings) -> Adapters:
    from connector.helpdesks.zendesk.adapter import ZendeskOptions, open_site  # noqa: PLC0415 - as above
    from connector.helpdesks.zendesk.sieve import Sieve  # noqa: PLC0415

    options = ZendeskOptions(
        site=site.name,
        base_url=site.api_url,
        sieve=Sieve(brands=frozenset(site.brands), groups=frozenset(site.groups)),
        views=site.views,
        by_search=site.poll.by == "search",
        reader=_credentials(settings, site, "reader"),
        writer=_credentials(settings, site, "writer") if site.auth.is_pair else None,
        fields=names,
        web_base=site.link_url,
        history_share=site.poll.history_share,
    )
    opened = open_site(options, around)
    return Adapters(reader=opened.reader, writer=opened.writer, directory=opened.directory, inspector=opened.inspector)


_VENDORS: Mapping[SiteKind, Callable[[Settings, SiteSettings, FieldMap, Surroundings], Adapters]] = {
    SiteKind.JIRA: _jira,
    SiteKind.ZENDESK: _zendesk,
}
