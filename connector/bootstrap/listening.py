"""What a daemon listens on: the webhooks of its sites, health and metrics, composed from the configuration."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from connector.bootstrap.status import SiteStatus
from connector.errors import ConfigError, Problem
from connector.settings import Settings, SiteKind, SiteSettings
from connector.settings.urls import place_to_listen
from connector.web.hints import Hints
from connector.web.metrics import Sample, page
from connector.web.receiver import Door, Receiver
from connector.web.server import WebServer
from connector.web.signatures import Verify, from_jira, from_zendesk

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

_VERIFY: Mapping[SiteKind, Verify] = {SiteKind.JIRA: from_jira, SiteKind.ZENDESK: from_zendesk}


def listen(program: Connector, where: str, hints: Mapping[str, Hints], *, is_well: Callable[[], bool]) -> WebServer:
    """Return a server bound to ``HOST:PORT``; it does not serve yet.

    Raises:
        ValueError: ``where`` is no such address.
        ConfigError: It cannot be had, or is open to others without TLS and a token.
    """
    settings = program.settings
    host, port = place_to_listen(where)
    tls = _tls(settings)
    token = settings.secrets.get(settings.web.token) if settings.web.token else None
    if not _is_loopback(host) and (tls is None or token is None):
        remedy = "listen on 127.0.0.1 behind a proxy, or set web.tls_certificate, web.tls_key and web.token"
        raise _refused(f"{where} is open to other machines", remedy)
    receiver = Receiver(
        doors={s.name: _door(settings, s, hints[s.name]) for s in settings.sites if s.webhook_secrets},
        clock=program.make_clock("web", join=False),
        is_well=is_well,
        token=hashlib.sha256(token.get_secret_value().encode()).hexdigest() if token else "",
    )
    receiver.metrics = partial(_metrics, program, receiver)
    try:
        return WebServer((host, port), receiver, tls=tls)
    except OSError as error:
        raise _refused(f"{where} cannot be listened on: {error.strerror}", "choose another address") from error


def _door(settings: Settings, site: SiteSettings, hints: Hints) -> Door:
    return Door(verify=_VERIFY[site.kind], secrets=partial(_secrets, settings, site), hints=hints)


def _secrets(settings: Settings, site: SiteSettings) -> tuple[str, ...]:
    """Return the active secrets; those that were there at the start where they cannot be read now."""
    try:
        found = settings.all_secrets_again()
    except ConfigError:
        found = {}
    known = {**{name: secret.get_secret_value() for name, secret in settings.secrets.items()}, **found}
    return tuple(known[name] for name in site.webhook_secrets if name in known)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(settings: Settings) -> ssl.SSLContext | None:
    web = settings.web
    if web.tls_certificate is None or web.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(web.tls_certificate, web.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise _refused("web.tls_certificate and web.tls_key cannot be used", "give PEM files that fit") from error
    return context


def _refused(message: str, remedy: str) -> ConfigError:
    return ConfigError((Problem("--webhooks", message=message, remedy=remedy),))


def _metrics(program: Connector, receiver: Receiver) -> str:
    report = program.status()
    answers: list[Sample] = [({"status": str(s)}, float(n)) for s, n in sorted(receiver.counts.items())]
    gauges = [(name, "gauge", text, list(_samples(report.sites, of))) for name, text, of in _GAUGES]
    ages = [({"site": s.name}, (report.now - s.last_good_at).total_seconds()) for s in report.sites if s.last_good_at]
    budgets: list[Sample] = [
        ({"site": s.name, "limit": limit}, float(room["left"]))
        for s in report.sites
        for limit, room in sorted(s.budgets.items())
    ]
    return page(
        [
            ("last_good_pass_age_seconds", "gauge", "Time since the last good pass.", ages),
            *gauges,
            ("budget_left", "gauge", "Requests left of a limit for us.", budgets),
            ("webhooks_total", "counter", "Answers to webhooks by status.", answers),
        ]
    )


_GAUGES: tuple[tuple[str, str, Callable[[SiteStatus], float]], ...] = (
    ("open_tickets", "Open tickets known.", lambda s: s.open_tickets),
    ("held", "Writes that wait for a person.", lambda s: s.held),
    ("parked", "Writes whose outcome nobody can prove.", lambda s: s.parked),
    ("frozen", "Effects that a guard stopped.", lambda s: len(s.frozen)),
    ("paused", "1 while writes are paused.", lambda s: bool(s.paused)),
    ("failed_polls", "Polls that failed in a row.", lambda s: s.failures),
)


def _samples(sites: tuple[SiteStatus, ...], of: Callable[[SiteStatus], float]) -> Iterator[Sample]:
    for site in sites:
        yield {"site": site.name}, float(of(site))
