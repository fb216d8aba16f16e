"""What the program is made of: locked with hashes, without an index's address, and told completely by the bill."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from scripts.bill.__main__ import bill, locked, main, normal

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_with_hashes(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = locked(text)
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#", "-"))]
    assert len(lines) == len(pins) > 10
    assert all(hashes for _, hashes in pins.values())
    assert not re.search(r"://|--index|--trusted|--find-links", re.sub(r"#.*", "", text))


def test_what_is_installed_is_what_is_locked() -> None:
    pins = locked((ROOT / "requirements-dev.txt").read_text(encoding="utf-8"))
    differing = {}
    for name, (version, _) in pins.items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # for another system or Python
        if installed != version:
            differing[name] = (installed, version)
    assert differing == {}


def test_the_bill_names_exactly_what_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["sbom", str(tmp_path / "sbom.json")])
    assert main() == 0
    made = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert made == json.loads(json.dumps(bill(text)))
    told = {c["name"]: (c["version"], {p["value"] for p in c["properties"]}) for c in made["components"]}
    assert told == {name: (version, set(hashes)) for name, (version, hashes) in locked(text).items()}
    refs = {c["bom-ref"] for c in made["components"]}
    assert {need for each in made["dependencies"] for need in each["dependsOn"]} == refs


def test_every_direct_dependency_is_in_the_bill() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {normal(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]) for line in project["dependencies"]}
    names = {c["name"] for c in bill((ROOT / "requirements.txt").read_text(encoding="utf-8"))["components"]}
    assert wanted <= names
