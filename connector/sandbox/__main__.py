"""``python -m connector.sandbox``: serve simulated helpdesks; prints one JSON line when ready."""

from __future__ import annotations

import argparse
import errno
import json
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connector.sandbox.serve import SITES, ServeOptions, serve

LAST_PORT = 65_535


def parse(arguments: Sequence[str] | None = None) -> tuple[ServeOptions, bool]:
    """Read the command line: options, and whether to end with the parent."""
    given = _parser().parse_args(arguments)
    options = ServeOptions(
        scenario=given.scenario,
        seed=given.seed,
        sites=dict(given.site) or dict(SITES),
        mode=given.mode or ("running" if given.speed else "stepped"),
        speed=given.speed or 1.0,
        start=given.start,
        request_cost=timedelta(seconds=given.request_cost),
        site_options=given.options,
        ports={name: int(port) for name, port in given.port},
        compress=given.compress,
        incidents=given.incidents,
        recorded_priority=given.recorded_priority,
        limit=given.limit,
    )
    return options, given.with_parent


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="connector sandbox", description="Serve simulated helpdesks; print one JSON line when ready."
    )
    add = parser.add_argument
    add(
        "--scenario",
        default="demo",
        choices=("demo", "empty", "incidents"),
        help="the demo's working day (default), its people without tickets, or the incident log",
    )
    add("--seed", type=int, default=1, help="same seed, same story (default: 1)")
    add(
        "--site",
        type=_pair,
        action="append",
        default=[],
        metavar="NAME=KIND",
        help="a site and its kind, jira or zendesk (default: jsm-eu=jira and zendesk=zendesk); repeatable",
    )
    add("--mode", choices=("stepped", "running", "manual"), help="how time moves (default: stepped)")
    add("--speed", type=float, help="simulated seconds per real second (default: 1); implies running")
    add(
        "--start",
        type=datetime.fromisoformat,
        metavar="MOMENT",
        help="when the clock begins, with an offset; empty and incidents only",
    )
    add(
        "--request-cost",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="simulated time per request when stepped (default: 0)",
    )
    add(
        "--options",
        type=_switches,
        default={},
        metavar="JSON",
        help='switches by site, such as {"zendesk": {"hidden": 0}}',
    )
    add(
        "--port",
        type=_port,
        action="append",
        default=[],
        metavar="NAME=PORT",
        help="port of a site, control or clock (default: any free one); repeatable",
    )
    add("--compress", action="store_true", help="answer in gzip to clients that accept it")
    add(
        "--incidents", type=Path, metavar="FILE", help="the incident log (CSV, may be gzipped) for --scenario incidents"
    )
    add("--recorded-priority", action="store_true", help="incidents: people set the priority that the log has")
    add("--limit", type=int, metavar="N", help="only the first N incidents (default: all)")
    add("--with-parent", action="store_true", help="end when standard input ends")
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def _port(text: str) -> tuple[str, str]:
    name, port = _pair(text)
    if not port.isdecimal() or int(port) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"{port!r} is no port: a number up to {LAST_PORT}")
    return name, port


def _switches(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is no JSON object by site")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until told to stop; a mistake in the arguments is a sentence and exit code 2."""
    try:
        options, with_parent = parse(arguments)
        serve(options, with_parent=with_parent)
    except (OSError, ValueError) as error:
        remedy = "; name a free port with --port NAME=PORT, or none" if _is_taken(error) else ""
        print(f"sandbox: {error}{remedy}", file=sys.stderr)
        raise SystemExit(2) from error


def _is_taken(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EADDRINUSE


if __name__ == "__main__":
    main()
