"""How bytes get to a helpdesk and back; mounted under our own calls and under the vendors' clients alike.

For a vendor's adapter::

    around = Surroundings(clock=clock)
    adapter = PinnedAdapter(Pin(Origin.parse(base_url)), Bearer(token), DIALECT, around)
    answer = Client(adapter).call(Request("GET", "/rest/api/3/myself"))      # bytes; errors of connector.errors
    session = adapter.mount_on(requests.Session())                           # for the vendor's own client

``DIALECT`` names the vendor's endpoints (which are safe to repeat, under which limits) and reads its headers.
"""

from __future__ import annotations

from connector.helpdesks.transport.adapter import PinnedAdapter
from connector.helpdesks.transport.budgets import READ_SHARE, URGENT_SHARE, WRITE_SHARE, Endpoint, Limit
from connector.helpdesks.transport.client import Answer, Client, Request
from connector.helpdesks.transport.credentials import Basic, Bearer, ClientCredentials, Credentials, Rotating
from connector.helpdesks.transport.dialect import Dialect, Reading, reserving
from connector.helpdesks.transport.origin import Origin, Pin, is_loopback
from connector.helpdesks.transport.outcome import Outcome, Reply, classify, retry_after
from connector.helpdesks.transport.redaction import Redactor
from connector.helpdesks.transport.retry import PATIENCE, pause
from connector.helpdesks.transport.sizes import PageSize
from connector.helpdesks.transport.surroundings import Surroundings

__all__ = [
    "PATIENCE",
    "READ_SHARE",
    "URGENT_SHARE",
    "WRITE_SHARE",
    "Answer",
    "Basic",
    "Bearer",
    "Client",
    "ClientCredentials",
    "Credentials",
    "Dialect",
    "Endpoint",
    "Limit",
    "Origin",
    "Outcome",
    "PageSize",
    "Pin",
    "PinnedAdapter",
    "Reading",
    "Redactor",
    "Reply",
    "Request",
    "Rotating",
    "Surroundings",
    "classify",
    "is_loopback",
    "pause",
    "reserving",
    "retry_after",
]
