"""Canaries in every credential and ticket: not one of them leaves memory, whatever is run and wherever one looks."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import requests

from tests.e2e.desk import BODY, JIRA, SITES, SUBJECT, ZENDESK, Desk

REQUESTER = "pieter"


def secrets_of(desk: Desk) -> dict[str, str]:
    """The secrets as they lie in files, 0600, by name."""
    files = [path for path in desk.folder.rglob("*") if path.is_file() and path.stat().st_mode & 0o777 == 0o600]
    found = {path.name: path.read_text().strip() for path in files if path.parent.name.startswith("secret")}
    assert len(found) >= 3
    return found


def canaries(desk: Desk) -> Iterator[bytes]:
    for text in (SUBJECT, BODY, "canary-comment-8d4", "canary-note-1b7"):
        yield text.encode()
    for person in ("Pieter", f"{REQUESTER}@"):
        yield person.encode()
    for secret in secrets_of(desk).values():
        yield from (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"="), quote(secret, safe="").encode())


def kept(folder: Path) -> Iterator[Path]:
    """Every file that the connector wrote, those that hold secrets by their purpose apart."""
    for path in folder.rglob("*"):
        inputs = {"mappings", "secrets"} & {part for parent in path.parents for part in [parent.name]}
        if path.is_file() and not inputs and path.name != "connector.yaml":
            yield path


def _day_of_a_daemon(desk: Desk) -> list[str]:
    said: list[str] = []
    with desk.start("-v", "run", "--webhooks", "127.0.0.1:0") as daemon:
        port = daemon.await_event("listening")["port"]
        for path in ("metrics", "healthz", f"webhooks/{JIRA}"):
            said.append(requests.get(f"http://127.0.0.1:{port}/{path}", timeout=10).text)
        said.append(desk.run("-o", "json", "status").out)
        ended = daemon.end()
        said += [ended.out, ended.err]
    return said


def test_no_canary_is_found_anywhere(desk: Desk, *, full: bool) -> None:
    """Plan, sync, explain, log, a daemon with webhooks and metrics, at the loudest level; then every byte is read."""
    desk.effects("fields", "notes", "assign", "public")
    tickets = {site: desk.ticket(site) for site in SITES}
    for site, ticket in tickets.items():
        desk.client.people(site, "comment", ticket=ticket, actor=REQUESTER, text="canary-comment-8d4")
        desk.client.people(site, "comment", ticket=ticket, actor="anna", text="canary-note-1b7", public=False)
    desk.later(minutes=40)
    said: list[str] = []
    plan = str(desk.folder / "plan.json")
    for arguments in (
        ("-v", "check", "--all"),
        ("-v", "plan", "--out", plan),
        ("-v", "-o", "json", "plan"),
        ("-v", "sync"),
        ("-o", "json", "log"),
        ("-o", "json", "status"),
        *(("-o", "json", "explain", f"{site}:{ticket}") for site, ticket in tickets.items()),
    ):
        ran = desk.run(*arguments)
        said += [ran.out, ran.err]
    if full:
        said += _day_of_a_daemon(desk)
        assert 'connector_open_tickets{site="zendesk"} 1' in "".join(said)
    everything = {"what was said": "\n".join(said).encode()} | {str(p): p.read_bytes() for p in kept(desk.folder)}
    assert {"state.db", "plan.json"} <= {Path(name).name for name in everything}
    found = {(name, canary) for canary in canaries(desk) for name, content in everything.items() if canary in content}
    assert found == set()
    assert any(w["site"] == ZENDESK for w in desk.writes())
