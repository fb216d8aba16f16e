"""The two credentials of one site."""

from __future__ import annotations

from dataclasses import dataclass

from connector.helpdesks.transport import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Who reads and who writes; one and the same where a site has a single credential."""

    reader: Client
    writer: Client
