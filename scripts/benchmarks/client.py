"""One client in one process: ``python -m scripts.benchmarks.client SECTION NAME``; the site comes on standard input."""

from __future__ import annotations

import importlib
import json
import sys

from scripts.benchmarks.measure import measured


def main() -> None:
    """Connect, measure the pull alone, print what was found as one JSON line."""
    section, name = sys.argv[1:3]
    clients = importlib.import_module(f"scripts.benchmarks.{section}").CLIENTS
    work = clients[name](json.load(sys.stdin))
    print(json.dumps(measured(work)))


if __name__ == "__main__":
    main()
