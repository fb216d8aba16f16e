"""Clients that pull every ticket of one Zendesk site by the cursor export and read the same fields of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from scripts.benchmarks.rows import Row, epoch, told

SIDELOADS = "slas,metric_sets,users,organizations"
BEGIN = 1_000_000_000
PRIORITIES = {"urgent": 1, "high": 2, "normal": 3, "low": 4, None: 0}
IMPACT, URGENCY, CATEGORY = 27641, 27642, 27643
PATH = "/api/v2/incremental/tickets/cursor.json"

Site = dict[str, Any]
Work = Callable[[], dict[str, Any]]


def ours(site: Site) -> Work:
    """The connector's reader as a pass uses it: receive, decode, and put every ticket into our own terms."""
    from connector.domain.ticket import NativeStage, Ticket  # noqa: PLC0415 - each process pays for its own client
    from connector.helpdesks.zendesk.wire import Position  # noqa: PLC0415
    from scripts.benchmarks.parts import open_site  # noqa: PLC0415

    statuses = {"waiting_customer": "pending", "on_hold": "hold"}
    running = {NativeStage.RUNNING, NativeStage.BREACHED}

    def row(t: Ticket) -> Row:
        due = min((c.breach_at for c in t.native if c.breach_at and c.stage in running), default=None)
        facts = (t.facts.get("impact"), t.facts.get("urgency"), t.facts.get("category"))
        at = None if due is None else int(due.timestamp())
        return (
            t.ref.id,
            t.version,
            statuses.get(t.status, str(t.status)),
            int(t.priority or 0),
            len(t.labels),
            *facts,
            at,
        )

    opened = open_site("zendesk", site)
    opened.reader.check()

    def rows() -> Iterator[Row]:
        for page in opened.reader.changes(Position(BEGIN).text()):
            for observation in page.observations:
                yield row(observation.ticket)

    return lambda: told(rows())


def ours_received(site: Site) -> Work:
    """The connector's transport and the structs that it decodes into: what the other clients do, and no more."""
    import msgspec  # noqa: PLC0415

    from connector.helpdesks.zendesk import shapes, wire  # noqa: PLC0415
    from scripts.benchmarks.parts import zendesk_client  # noqa: PLC0415

    client, decode = zendesk_client(site), msgspec.json.Decoder(shapes.TicketPage).decode

    def row(t: shapes.Ticket) -> Row:
        custom = {field.id: field.value for field in t.custom_fields or ()}
        metrics = (t.slas.policy_metrics if isinstance(t.slas, shapes.Slas) else None) or ()
        due = min((m.breach_at for m in metrics if m.stage == "active" and m.breach_at), default=None)
        return (
            str(t.id), t.updated_at, t.status, PRIORITIES[t.priority], len(t.tags or ()),
            custom.get(IMPACT), custom.get(URGENCY), custom.get(CATEGORY), due and int(due.timestamp()),
        )  # fmt: skip

    def rows() -> Iterator[Row]:
        position = wire.Position(BEGIN)
        while True:
            page = decode(client.call(wire.export(position)).body)
            yield from map(row, page.tickets)
            if page.end_of_stream:
                return
            position = wire.Position(BEGIN, page.after_cursor or "")

    return lambda: told(rows())


def zenpy(site: Site) -> Work:
    """Zenpy as its documentation shows it: ``tickets.incremental`` and attributes."""
    import requests  # noqa: PLC0415
    from requests.adapters import HTTPAdapter  # noqa: PLC0415
    from zenpy import Zenpy  # noqa: PLC0415

    base, token = site["base_url"], grant(site)

    class Mapped(HTTPAdapter):
        """Sends what zenpy means for the vendor's host to the simulated one."""

        def send(self, request: requests.PreparedRequest, **given: Any) -> requests.Response:  # type: ignore[override]
            meant = str(request.url)
            request.url = base + meant.removeprefix("https://acme.zendesk.com")
            response = super().send(request, **given)
            request.url = response.url = meant
            return response

    session = requests.Session()
    session.mount("https://", Mapped())
    client = Zenpy(subdomain="acme", oauth_token=token, session=session)

    def row(t: Any) -> Row:
        custom = {field["id"]: field["value"] for field in t.custom_fields}
        due = min(
            (m["breach_at"] for m in t.slas["policy_metrics"] if m["stage"] == "active" and m["breach_at"]),
            default=None,
        )
        return (
            str(t.id), t.updated_at, t.status, PRIORITIES[t.priority], len(t.tags),
            custom.get(IMPACT), custom.get(URGENCY), custom.get(CATEGORY), due and epoch(due),
        )  # fmt: skip

    def rows() -> Iterator[Row]:
        found = client.tickets.incremental(paginate_by_time=False, start_time=BEGIN, include=SIDELOADS.split(","))
        return map(row, found)

    return lambda: told(rows())


def requests_json(site: Site) -> Work:
    """``requests`` and the standard library's ``json``: no objects, no dependency."""
    return _pages(site, lambda body: [_plain_row(t) for t in json.loads(body)["tickets"]])


def floor_json(site: Site) -> Work:
    """Receive every page and decode it, nothing else."""
    return _bodies(site, json.loads)


def floor_receive(site: Site) -> Work:
    """Receive every page, nothing else."""
    return _bodies(site, lambda _body: None)


def _plain_row(t: dict[str, Any]) -> Row:
    custom = {field["id"]: field["value"] for field in t["custom_fields"]}
    due = min(
        (m["breach_at"] for m in t["slas"]["policy_metrics"] if m["stage"] == "active" and m["breach_at"]), default=None
    )
    return (
        str(t["id"]), t["updated_at"], t["status"], PRIORITIES[t["priority"]], len(t["tags"]),
        custom.get(IMPACT), custom.get(URGENCY), custom.get(CATEGORY), due and epoch(due),
    )  # fmt: skip


def _pages(site: Site, rows_of: Callable[[bytes], list[Row]]) -> Work:
    """Page with ``requests``."""
    import requests  # noqa: PLC0415

    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {grant(site)}"

    def rows() -> Iterator[Row]:
        place: dict[str, Any] = {"start_time": BEGIN}
        while True:
            params = {**place, "per_page": 1000, "include": SIDELOADS}
            body = session.get(site["base_url"] + PATH, params=params, timeout=60).content
            yield from rows_of(body)
            place, ended = _next(body)
            if ended:
                return

    return lambda: told(rows())


def _bodies(site: Site, look: Callable[[bytes], Any]) -> Work:
    """Page with nothing but ``urllib3``; the rows are empty, only bytes count."""
    import urllib3  # noqa: PLC0415

    pool, token = urllib3.PoolManager(), grant(site)
    headers = {"Authorization": f"Bearer {token}"}

    def work() -> dict[str, Any]:
        size, place = 0, f"start_time={BEGIN}"
        while True:
            url = f"{site['base_url']}{PATH}?{place}&per_page=1000&include={SIDELOADS}"
            body = pool.request("GET", url, headers=headers).data
            size += len(body)
            look(body)
            following, ended = _next(body)
            if ended:
                return {"count": None, "sum": None, "bytes": size}
            place = f"cursor={following['cursor']}"

    return work


def _next(body: bytes) -> tuple[dict[str, Any], bool]:
    """Return where to go on and whether all was read, from the end of the page alone."""
    tail = body[-600:]
    cursor = tail.rpartition(b'"after_cursor":"')[2].partition(b'"')[0].decode()
    return {"cursor": cursor}, b'"end_of_stream":true' in tail


def grant(site: Site) -> str:
    """Fetch a token for the reader."""
    import requests  # noqa: PLC0415

    asked = {"grant_type": "client_credentials", "scope": "read", **site["reader"]}
    return str(requests.post(f"{site['base_url']}/oauth/tokens", json=asked, timeout=60).json()["access_token"])


CLIENTS: dict[str, Callable[[Site], Work]] = {
    "connector: received": ours_received,
    "connector: in our terms": ours,
    "zenpy": zenpy,
    "requests + json": requests_json,
    "floor: receive + json.loads": floor_json,
    "floor: receive only": floor_receive,
}
