"""Clients that pull every issue of one Jira site by ``search/jql`` and read the same fields of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scripts.benchmarks.rows import Row, epoch, told

PATH = "/rest/api/3/search/jql"
JQL = 'project in ("SUP") AND updated >= 1000000000000 ORDER BY updated ASC, key ASC'
IMPACT, URGENCY, CATEGORY = "customfield_10101", "customfield_10102", "customfield_10103"

Site = dict[str, Any]
Work = Callable[[], dict[str, Any]]


def ours(site: Site) -> Work:
    """The connector's reader as a pass uses it: receive, decode, and put every issue into our own terms."""
    from connector.domain.ticket import NativeStage, Ticket  # noqa: PLC0415 - each process pays for its own client
    from scripts.benchmarks.parts import open_site  # noqa: PLC0415

    running = {NativeStage.RUNNING, NativeStage.BREACHED, NativeStage.PAUSED}

    def row(t: Ticket) -> Row:
        due = min((c.breach_at for c in t.native if c.breach_at and c.stage in running), default=None)
        facts = (t.facts.get("impact"), t.facts.get("urgency"), t.facts.get("category"))
        at = None if due is None else int(due.timestamp())
        return (t.ref.id, int(t.updated_at.timestamp()), int(t.priority or 0), len(t.labels), *facts, at)

    opened = open_site("jira", site)
    opened.reader.check()

    def rows() -> Iterator[Row]:
        for page in opened.reader.changes("1000000360000"):
            for observation in page.observations:
                if observation.ticket.is_open:
                    yield row(observation.ticket)

    return lambda: told(rows())


def ours_received(site: Site) -> Work:
    """The connector's transport and the structs that it decodes into: what the other clients do, and no more."""
    from connector.helpdesks.jira.search import Search  # noqa: PLC0415
    from connector.helpdesks.jira.structs import Issue  # noqa: PLC0415
    from connector.helpdesks.transport import Client  # noqa: PLC0415
    from scripts.benchmarks.parts import open_site  # noqa: PLC0415

    reader: Any = open_site("jira", site).reader
    reader.check()
    search, shape = Search(Client(reader.transport)), reader.shape

    def row(issue: Issue, fields: Any) -> Row:
        cycles = (value.ongoing_cycle for name in shape.slas if (value := getattr(fields, name)) is not None)
        due = min((c.breach_time.epoch_millis for c in cycles if c and c.breach_time), default=None)
        values = (getattr(fields, name) for name in (IMPACT, URGENCY, CATEGORY))
        facts = (None if value is None else value.value.casefold() for value in values)
        return (
            issue.id, epoch(fields.updated), int(fields.priority.id), len(fields.labels),
            *facts, due and due // 1000,
        )  # fmt: skip

    def rows() -> Iterator[Row]:
        for page in search.walk(JQL, shape.asked, read=shape.decode_page):
            for issue in page.issues:
                fields: Any = issue.fields
                if fields.status.status_category.key != "done":
                    yield row(issue, fields)

    return lambda: told(rows())


def library(site: Site) -> Work:
    """The jira library as its documentation shows it, with the connector's own list of fields."""
    return _library(site, asked(site))


def library_all(site: Site) -> Work:
    """The jira library without a list of fields."""
    return _library(site, None)


def _library(site: Site, fields: Sequence[str] | None) -> Work:
    from jira import JIRA  # noqa: PLC0415

    basic, slas = site["auth"]["basic"], sla_fields(site)
    client = JIRA(
        server=site["base_url"],
        basic_auth=(basic["email"], basic["token"]),
        options={"check_update": False},
    )

    def row(issue: Any) -> Row:
        fields = issue.fields
        cycles = (getattr(getattr(fields, name, None), "ongoingCycle", None) for name in slas)
        due = min((c.breachTime.epochMillis for c in cycles if c and hasattr(c, "breachTime")), default=None)
        return (
            issue.id, epoch(fields.updated), int(fields.priority.id), len(fields.labels),
            _value(fields, IMPACT), _value(fields, URGENCY), _value(fields, CATEGORY), due and due // 1000,
        )  # fmt: skip

    def rows() -> Iterator[Row]:
        asked_for = "*all" if fields is None else list(fields)
        for issue in client.enhanced_search_issues(JQL, maxResults=False, fields=asked_for):
            if issue.fields.status.statusCategory.key != "done":
                yield row(issue)

    return lambda: told(rows())


def _value(fields: Any, name: str) -> str | None:
    held = getattr(fields, name, None)
    return held.value.casefold() if held is not None else None


def requests_json(site: Site) -> Work:
    """``requests`` and the standard library's ``json``, with the same list of fields."""
    slas = sla_fields(site)
    return _pages(site, lambda body: [_plain_row(i, slas) for i in json.loads(body)["issues"] if _is_open(i)])


def _is_open(issue: dict[str, Any]) -> bool:
    return bool(issue["fields"]["status"]["statusCategory"]["key"] != "done")


def _plain_row(issue: dict[str, Any], slas: Sequence[str]) -> Row:
    fields = issue["fields"]
    cycles = ((fields.get(name) or {}).get("ongoingCycle") or {} for name in slas)
    due = min((c["breachTime"]["epochMillis"] for c in cycles if "breachTime" in c), default=None)
    facts = (v["value"].casefold() if (v := fields.get(name)) else None for name in (IMPACT, URGENCY, CATEGORY))
    return (
        issue["id"], epoch(fields["updated"]), int(fields["priority"]["id"]), len(fields["labels"]),
        *facts, due and due // 1000,
    )  # fmt: skip


def floor_json(site: Site) -> Work:
    """Receive every page and decode it, nothing else."""
    return _bodies(site, json.loads)


def floor_receive(site: Site) -> Work:
    """Receive every page, nothing else."""
    return _bodies(site, lambda _body: None)


def _pages(site: Site, rows_of: Callable[[bytes], list[Row]]) -> Work:
    """Page with ``requests``."""
    import requests  # noqa: PLC0415

    basic, fields = site["auth"]["basic"], asked(site)
    session = requests.Session()
    session.trust_env = False
    session.auth = (basic["email"], basic["token"])

    def rows() -> Iterator[Row]:
        token = None
        while True:
            body = session.post(site["base_url"] + PATH, json=_question(fields, token), timeout=60).content
            yield from rows_of(body)
            token = _token(body)
            if token is None:
                return

    return lambda: told(rows())


def _bodies(site: Site, look: Callable[[bytes], Any]) -> Work:
    """Page with nothing but ``urllib3``; the rows are empty, only bytes count."""
    import urllib3  # noqa: PLC0415

    basic, fields = site["auth"]["basic"], asked(site)
    pool = urllib3.PoolManager()
    headers = {
        **urllib3.make_headers(basic_auth=f"{basic['email']}:{basic['token']}"),
        "Content-Type": "application/json",
    }

    def work() -> dict[str, Any]:
        size, token = 0, None
        while True:
            question = json.dumps(_question(fields, token)).encode()
            body = pool.request("POST", site["base_url"] + PATH, body=question, headers=headers).data
            size += len(body)
            look(body)
            token = _token(body)
            if token is None:
                return {"count": None, "sum": None, "bytes": size}

    return work


def _question(fields: Sequence[str], token: str | None) -> dict[str, Any]:
    question = {"jql": JQL, "fields": list(fields), "maxResults": 100}
    return question if token is None else {**question, "nextPageToken": token}


def _token(body: bytes) -> str | None:
    """Return the next page's token from the end of the page alone."""
    tail = body[-300:].rpartition(b'"nextPageToken":')[2]
    return json.loads(tail.partition(b',"isLast"')[0]) if tail.startswith(b'"') else None


def asked(site: Site) -> tuple[str, ...]:
    """Return the fields that the connector asks for, which the others then ask for as well."""
    from connector.helpdesks.jira.structs import FIXED_FIELDS, PARTICIPANTS_TYPE  # noqa: PLC0415
    from scripts.benchmarks.parts import site_map  # noqa: PLC0415

    names = site_map("jira").fields
    own = (names.level, names.path, names.group_field)
    custom = {b.id for b in (*names.inputs.values(), *own) if b is not None and b.id.startswith("customfield_")}
    found = {f["id"] for f in site_fields(site) if f.get("schema", {}).get("custom") == PARTICIPANTS_TYPE}
    return (*FIXED_FIELDS, *sorted(custom | found), *sla_fields(site))


def sla_fields(site: Site) -> tuple[str, ...]:
    """Return the ids of the site's SLA fields."""
    found = site_fields(site)
    return tuple(f["id"] for f in found if f.get("schema", {}).get("type") == "sd-servicelevelagreement")


def site_fields(site: Site) -> list[dict[str, Any]]:
    """Ask for the site's fields."""
    import requests  # noqa: PLC0415

    basic = site["auth"]["basic"]
    answer = requests.get(f"{site['base_url']}/rest/api/3/field", auth=(basic["email"], basic["token"]), timeout=60)
    found: list[dict[str, Any]] = answer.json()
    return found


CLIENTS: dict[str, Callable[[Site], Work]] = {
    "connector: received": ours_received,
    "connector: in our terms": ours,
    "jira library": library,
    "jira library, all fields": library_all,
    "requests + json": requests_json,
    "floor: receive + json.loads": floor_json,
    "floor: receive only": floor_receive,
}
