"""``explain``: why a ticket is where it is, and what happens next."""

from __future__ import annotations

from datetime import datetime

import click

from connector.cli.context import Moment, Options, Words, examples, pass_options
from connector.cli.show import Output, emit_json, put_fitted


@click.command(
    short_help="Say why a ticket is where it is, and what comes next.",
    epilog=examples("connector explain SUP-14", "connector explain zendesk:123 --at 2026-11-23T09:30+01:00"),
)
@click.argument("ticket", type=Words())
@click.option("--at", type=Moment(), help="As things stood at this moment, or will if nobody does anything.")
@pass_options
def explain(options: Options, *, ticket: str, at: datetime | None) -> int:
    """Explain every decision about TICKET (`SUP-14`, `site:id` or an id): inputs, triggers, clocks, path, people."""
    program = options.load()
    report = program.explain(ticket, at=at)
    if options.output is Output.TEXT:
        for line in report.lines:
            put_fitted(line)
    else:
        emit_json("explain", **report.data)
    return 0
