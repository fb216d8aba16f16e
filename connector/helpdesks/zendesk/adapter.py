"""One Zendesk site, assembled: transport, reader, writer and directory."""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.domain.site import FieldMap
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
from connector.helpdesks.zendesk.clients import Clients
from connector.helpdesks.zendesk.directory import ZendeskDirectory, zenpy_pin
from connector.helpdesks.zendesk.inspection import ZendeskInspector
from connector.helpdesks.zendesk.limits import DIALECT, HISTORY
from connector.helpdesks.zendesk.listed import Listed
from connector.helpdesks.zendesk.members import ViewMembers
from connector.helpdesks.zendesk.reader import ZendeskReader
from connector.helpdesks.zendesk.sieve import Sieve
from connector.helpdesks.zendesk.view import View
from connector.helpdesks.zendesk.writer import ZendeskWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class ZendeskOptions:
    """What one site needs.

    Attributes:
        site: Name in ``connector.yaml``.
        base_url: ``https://acme.zendesk.com``; plain http for loopback only.
        reader: An admin's credential with the scope ``read``; the export is admin only.
        writer: An agent's credential; ``None``: the reader's own, for a site with a single one.
        fields: The site's map.
        web_base: Where people open tickets; empty: ``base_url``.
        history_share: Part of the reads that histories may take.
        sieve: Brands and groups to look after.
        by_search: Read changes from the search index, which an agent's credential may.
        views: Ids of the views to look after; empty: tickets in any view, or none.
    """

    site: str
    base_url: str
    reader: Credentials
    fields: FieldMap
    writer: Credentials | None = None
    web_base: str = ""
    history_share: float = 0.3
    by_search: bool = False
    sieve: Sieve = field(default_factory=Sieve)
    views: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ZendeskSite:
    """The site's ports. They share connections and belong to one thread."""

    reader: ZendeskReader
    writer: ZendeskWriter
    directory: ZendeskDirectory
    inspector: ZendeskInspector


def open_site(options: ZendeskOptions, around: Surroundings) -> ZendeskSite:
    """Assemble a site; nothing is sent yet.

    Raises:
        ValueError: ``base_url`` cannot be one.
    """
    origin = Origin.parse(options.base_url)
    pin = zenpy_pin(Pin(origin))
    dialect = reserving(DIALECT, HISTORY.name, options.history_share * READ_SHARE)
    reading = PinnedAdapter(pin, options.reader, dialect, around)
    clients = Clients(reader=Client(reading), writer=_writer(options, reading, dialect, around))
    web_base = (options.web_base or str(origin)).rstrip("/")
    view = View(site=options.site, fields=options.fields, web_base=web_base, sieve=options.sieve)
    members, listed = ViewMembers(clients.reader, options.views), Listed()
    return ZendeskSite(
        reader=ZendeskReader(clients, view, members, listed, by_search=options.by_search),
        writer=ZendeskWriter(clients.writer, options.fields, around.clock, listed),
        directory=ZendeskDirectory(reading, options.fields),
        inspector=ZendeskInspector(
            reader=clients.reader,
            writer=clients.reader if options.writer is None else clients.writer,
            names=options.fields,
        ),
    )


def _writer(options: ZendeskOptions, reading: PinnedAdapter, dialect: Dialect, around: Surroundings) -> Client:
    """Return the writing client; Zendesk's limits are the account's, so both draw on one budget."""
    if options.writer is None:
        return Client(reading)
    return Client(PinnedAdapter(reading.pin, options.writer, dialect, around, beside=reading))
