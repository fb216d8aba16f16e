"""The schemas for editors are current, old enough for them, and the shipped files fit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from connector.documents import read
from connector.policyfiles.schema import newer_keywords, schema_text, schemas
from connector.render import VOCABULARY
from connector.settings import config_schema
from connector.starter import copy_starter, starter_folder
from tests.policyfiles.starter import ROOT

ALL = {**schemas(), "connector.schema.json": config_schema()}
FILES = [
    ("policy", "policy.yaml"),
    ("site", "sites/jsm-eu.yaml"),
    ("site", "sites/zendesk.yaml"),
    ("cases", "tests/ten-tickets.yaml"),
]


@pytest.mark.parametrize("name", sorted(ALL))
def test_current(name: str) -> None:
    assert (ROOT / "schema" / name).read_text(encoding="utf-8") == schema_text(ALL[name]), "run scripts/schemas"


@pytest.mark.parametrize("name", sorted(ALL))
def test_draft_7(name: str) -> None:
    Draft7Validator.check_schema(ALL[name])
    assert list(newer_keywords(ALL[name])) == []


@pytest.mark.parametrize(("kind", "file"), FILES)
def test_shipped_files_fit(kind: str, file: str) -> None:
    value = read(ROOT / file).value
    errors = [error.message for error in Draft7Validator(ALL[f"{kind}.schema.json"]).iter_errors(value)]
    assert errors == []


def test_every_key_is_described() -> None:
    lacking = [
        f"{title}.{key}"
        for schema in ALL.values()
        for title, node in schema["$defs"].items()
        for key, inner in node.get("properties", {}).items()
        if "description" not in inner and "$ref" not in inner
    ]
    assert lacking == []


def test_the_starter_can_be_copied_and_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("mine")
    written = copy_starter(tmp_path)
    assert (tmp_path / "policy.yaml").read_text() == "mine"
    assert tmp_path / "sites" / "zendesk.yaml" in written
    copied = json.loads((tmp_path / "schema" / "policy.schema.json").read_text(encoding="utf-8"))
    assert copied["title"] == "PolicyFile"
    assert len(written) == sum(path.is_file() for path in starter_folder().rglob("*")) - 1
    assert copy_starter(tmp_path) == ()


@pytest.mark.parametrize("name", ["policy", "site", "cases"])
def test_the_readme_explains_every_key(name: str) -> None:
    schema = ALL[f"{name}.schema.json"]
    words = set(re.findall(r"[a-z_]+", (ROOT / "README.md").read_text(encoding="utf-8")))
    nodes = [schema, *schema["$defs"].values()]
    assert {key for node in nodes for key in node.get("properties", {})} - words == set()


def test_the_readme_names_every_value_of_a_text() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in VOCABULARY if f"`{name}`" not in text] == []
