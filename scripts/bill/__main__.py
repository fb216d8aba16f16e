"""A bill of materials in CycloneDX 1.6 JSON, made from the lock file: the same lock file, the same bill."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import sys
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

from connector import __version__

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.txt"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # for names that are addresses


def locked(text: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return name → (version, SHA-256 of its files) of every requirement that a lock file pins."""
    starts = [match.start() for match in _PINNED.finditer(text)] + [len(text)]
    found = {}
    for begin, end in itertools.pairwise(starts):
        pinned = _PINNED.match(text[begin:end])
        assert pinned is not None
        found[normal(pinned[1])] = (pinned[2], tuple(_HASH.findall(text[begin:end])))
    return found


def normal(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def bill(text: str) -> dict[str, Any]:
    """Return the bill of a lock file's text."""
    pins = locked(text)
    components = [_component(name, version, hashes) for name, (version, hashes) in sorted(pins.items())]
    own = f"pkg:pypi/escalation-connector@{__version__}"
    needs = [{"ref": own, "dependsOn": sorted(c["bom-ref"] for c in components)}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, hashlib.sha256(text.encode()).hexdigest())}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "escalation-connector",
                "version": __version__,
                "purl": own,
                "licenses": [{"license": {"id": "GPL-3.0-or-later"}}],
            }
        },
        "components": components,
        "dependencies": needs + [{"ref": c["bom-ref"], "dependsOn": _needs(c, pins)} for c in components],
    }


def _component(name: str, version: str, hashes: tuple[str, ...]) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    made: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if licence := _licence(name):
        made["licenses"] = [{"license": {"name": licence}}]
    made["properties"] = [{"name": "locked:sha256", "value": digest} for digest in sorted(hashes)]
    return made


def _licence(name: str) -> str:
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    stated = next(filter(None, (told[name] for name in ("License-Expression", "License") if name in told)), "")
    kinds = [c.rpartition(" :: ")[2] for c in told.get_all("Classifier") or () if c.startswith("License ::")]
    first = stated.splitlines()[0].strip() if stated else ""
    return first if first and len(first) < 60 else "; ".join(kinds)


def _needs(component: dict[str, Any], pins: dict[str, tuple[str, tuple[str, ...]]]) -> list[str]:
    try:
        stated = metadata.requires(component["name"]) or []
    except metadata.PackageNotFoundError:
        return []
    names = {normal(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]) for line in stated if "extra ==" not in line}
    return sorted(f"pkg:pypi/{name}@{pins[name][0]}" for name in names & pins.keys())


def main() -> int:
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "sbom.json")
    made = bill(LOCK.read_text(encoding="utf-8"))
    place.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{place}: {len(made['components'])} components")
    return 0


if __name__ == "__main__":
    sys.exit(main())
