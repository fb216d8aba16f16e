"""The connector's own parts, put together as the program does it, on a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.bootstrap.clock import FixedClock
from connector.domain.policy import Policy
from connector.helpdesks.transport import Basic, Client, ClientCredentials, Origin, Pin, PinnedAdapter, Surroundings
from connector.policyfiles import SiteMap, load_policy, load_site_map
from connector.ports import Clock, TicketReader, TicketWriter
from scripts.benchmarks.server import START

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
MAP = {"zendesk": MAPPINGS / "sites" / "zendesk.yaml", "jira": MAPPINGS / "sites" / "jsm-eu.yaml"}


@dataclass(frozen=True, slots=True)
class Opened:
    """The ports of one site."""

    reader: TicketReader
    writer: TicketWriter
    directory: Any


def standing() -> FixedClock:
    """Return the simulated sites' own moment; it stands still, so no budget refills and nothing waits."""
    return FixedClock(START)


def policy() -> Policy:
    """Return the policy that ships with the connector."""
    return load_policy(MAPPINGS / "policy.yaml", today=START.date())[0]


def site_map(kind: str) -> SiteMap:
    """Return the map that ships with the connector."""
    return load_site_map(MAP[kind])


def open_site(kind: str, told: dict[str, Any], *, clock: Clock | None = None) -> Opened:
    """Connect to a simulated site with the connector's own adapter, transport and all."""
    around = Surroundings(clock=clock or standing())
    return _zendesk(told, around) if kind == "zendesk" else _jira(told, around)


def _zendesk(told: dict[str, Any], around: Surroundings) -> Opened:
    from connector.helpdesks.zendesk import adapter  # noqa: PLC0415 - each process pays for one vendor

    url = told["base_url"]
    made = adapter.open_site(
        adapter.ZendeskOptions(
            site="zendesk",
            base_url=url,
            reader=_client(url, told["reader"], "read"),
            writer=_client(url, told["writer"], "read write"),
            fields=site_map("zendesk").fields,
        ),
        around,
    )
    return Opened(made.reader, made.writer, made.directory)


def zendesk_client(told: dict[str, Any]) -> Client:
    """Return the connector's own transport to a simulated Zendesk, with the reader's credential."""
    from connector.helpdesks.zendesk.limits import DIALECT  # noqa: PLC0415 - each process pays for one vendor

    url = told["base_url"]
    pin = Pin(Origin.parse(url))
    around = Surroundings(clock=standing())
    return Client(PinnedAdapter(pin, _client(url, told["reader"], "read"), DIALECT, around))


def _client(url: str, client: dict[str, str], scope: str) -> ClientCredentials:
    return ClientCredentials(
        token_url=f"{url}/oauth/tokens",
        scope=scope,
        client_id=client["client_id"],
        client_secret=client["client_secret"],
    )


def _jira(told: dict[str, Any], around: Surroundings) -> Opened:
    from connector.helpdesks.jira import assembly  # noqa: PLC0415 - as above

    basic = told["auth"]["basic"]
    made = assembly.open_site(
        assembly.JiraOptions(
            site="jira",
            api_base=told["base_url"],
            reader=Basic(basic["email"], basic["token"]),
            fields=site_map("jira").fields,
            projects=("SUP",),
        ),
        around,
    )
    return Opened(made.reader, made.writer, made.directory)
