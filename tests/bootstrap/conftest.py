"""A program composed from files as an operator writes them; no helpdesk is ever asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connector.bootstrap import Connector
from connector.starter import starter_folder
from tests.languages import keep_languages

SECRETS = {"jsm_eu": "jira-canary-1", "zendesk_reader": "zd-canary-2", "zendesk_writer": "zd-canary-3"}

Compose = Callable[..., Connector]


class Heard:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def event(self, name: str, /, **values: Any) -> None:
        self.events.append((name, values))


@pytest.fixture
def compose(tmp_path: Path) -> Compose:
    shutil.copytree(starter_folder(), tmp_path / "mappings")
    keep_languages(tmp_path / "mappings", "en", "de", "nl")
    (tmp_path / "keys").mkdir(mode=0o700)
    for name, secret in SECRETS.items():
        (tmp_path / "keys" / name).write_text(secret)
        (tmp_path / "keys" / name).chmod(0o600)
    jira = {
        "name": "jsm-eu",
        "kind": "jira",
        "base_url": "https://acme.atlassian.net",
        "projects": ["SUP"],
        "map": "mappings/sites/jsm-eu.yaml",
        "auth": {"method": "token", "email": "desk@acme.example"},
    }
    zendesk = {
        "name": "zendesk",
        "kind": "zendesk",
        "base_url": "https://acme.zendesk.com",
        "map": "mappings/sites/zendesk.yaml",
        "auth": {
            "reader": {"method": "oauth", "client_id": "reader"},
            "writer": {"method": "oauth", "client_id": "writer"},
        },
    }

    def make(of_jira: dict[str, Any] | None = None, of_zendesk: dict[str, Any] | None = None, **top: Any) -> Connector:
        document = {"secrets_dir": "keys", **top, "sites": [jira | (of_jira or {}), zendesk | (of_zendesk or {})]}
        path = tmp_path / "connector.yaml"
        with path.open("w") as file:
            YAML(typ="safe").dump(document, file)
        return Connector.load(path, lambda _program: Heard())

    return make
