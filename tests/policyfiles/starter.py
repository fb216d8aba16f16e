"""The starter files as tests use them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from connector.documents import Document, read
from connector.policyfiles import load_site_map
from connector.render import load_templates

ROOT = Path(__file__).parents[2] / "mappings"
TODAY = date(2026, 11, 22)
SITES = {name: load_site_map(ROOT / "sites" / f"{name}.yaml", name=name) for name in ("jsm-eu", "zendesk")}
TEMPLATES = load_templates(ROOT / "templates").names
POLICY: Document = read(ROOT / "policy.yaml", shown="policy.yaml")


def plain(value: Any) -> Any:
    """Return a copy that a test may change."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value
