"""One Jira Cloud site, assembled: transport, reader, writer and directory."""

from __future__ import annotations

from dataclasses import dataclass

from jira import JIRA

from connector.domain.site import FieldMap
from connector.helpdesks.jira.adapter import JiraReader
from connector.helpdesks.jira.directory import JiraDirectory
from connector.helpdesks.jira.inspection import JiraInspector
from connector.helpdesks.jira.limits import DIALECT, HISTORY
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.writer import JiraWriter
from connector.helpdesks.transport import (
    READ_SHARE,
    Client,
    Credentials,
    Dialect,
    Origin,
    Pin,
    PinnedAdapter,
    Surroundings,
    reserving,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraOptions:
    """What one site needs.

    Attributes:
        site: Name in ``connector.yaml``.
        api_base: Where requests go: the site itself, or ``https://api.atlassian.com/ex/jira/{cloudId}`` for scoped
            tokens and service accounts.
        reader, writer: Credentials; ``writer`` is ``None`` where one account does both.
        projects: Keys of the projects to look after.
        web_base: Where people open issues; empty: ``api_base``.
        history_share: Part of the reads that histories may take.
    """

    site: str
    api_base: str
    reader: Credentials
    fields: FieldMap
    projects: tuple[str, ...]
    writer: Credentials | None = None
    web_base: str = ""
    history_share: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraSite:
    """The site's ports. They share connections and belong to one thread."""

    reader: JiraReader
    writer: JiraWriter
    directory: JiraDirectory
    inspector: JiraInspector


def open_site(options: JiraOptions, around: Surroundings) -> JiraSite:
    """Assemble a site; nothing is sent yet.

    Raises:
        ValueError: ``api_base`` cannot be one.
    """
    origin = Origin.parse(options.api_base)
    dialect = reserving(DIALECT, HISTORY.name, options.history_share * READ_SHARE)
    reading = PinnedAdapter(Pin(origin), options.reader, dialect, around)
    writing = Client(_writing(options, reading, dialect, around))
    web = (options.web_base or options.api_base).rstrip("/")
    shape = Shape(site=options.site, fields=options.fields, account="", web_url=web)
    asking = Client(reading)
    reader = JiraReader(asking, shape, options.projects, writer=writing)
    inspector = JiraInspector(
        reader=asking,
        writer=asking if options.writer is None else writing,
        names=options.fields,
        projects=options.projects,
    )
    return JiraSite(
        reader=reader,
        writer=JiraWriter(writing, reader, around.clock),
        directory=JiraDirectory(jira_client(reading, options.api_base), options.fields),
        inspector=inspector,
    )


def _writing(options: JiraOptions, reading: PinnedAdapter, dialect: Dialect, around: Surroundings) -> PinnedAdapter:
    """Return the writing transport; Jira's limits are the tenant's, so both draw on one budget."""
    if options.writer is None:
        return reading
    return PinnedAdapter(reading.pin, options.writer, dialect, around, beside=reading)


def jira_client(adapter: PinnedAdapter, server: str) -> JIRA:
    """Return the ``jira`` library's client on our transport, with its own retries and its start-up request off."""
    options = {"check_update": False, "rest_api_version": "3"}
    client = JIRA(server=server, get_server_info=False, max_retries=0, options=options)
    client.deploymentType = "Cloud"  # what the start-up request would have told: accounts go by id, not by name
    adapter.mount_on(client._session)  # noqa: SLF001 - the library has no public way to be given a transport
    return client
