"""``status``, ``log`` and ``attention``: how things are, what was done, what waits for a person."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from connector.cli.context import Moment, Options, pass_options
from connector.cli.show import Output, ago, emit_json, emit_lines, emit_table, length


@click.command(short_help="Show how every site is.")
@pass_options
def status(options: Options) -> int:
    """Show every site: last good pass, open tickets, effects, what is paused, frozen, held or parked."""
    report = options.load().status()
    if options.output is not Output.TEXT:
        emit_json("status", **report.data)
        return 0
    print(f"policy {report.policy} · state {report.state} · {report.daemon}")
    rows = []
    for site in report.sites:
        stopped = "; ".join(filter(None, [f"paused: {site.paused}" if site.paused else "", *site.frozen]))
        due = "" if site.next_due_at is None else _until(site.next_due_at - report.now)
        rows.append(
            (
                site.name,
                ago(site.last_good_at, report.now),
                site.last_outcome,
                site.open_tickets,
                ",".join(site.effects) or "shadow",
                due,
                site.parked,
                stopped,
            )
        )
    columns = ("site", "last good pass", "last run", "open", "effects", "next due in", "parked", "stopped")
    emit_table(columns, rows, color=options.color)
    return 0


def _until(span: timedelta) -> str:
    return length(span) if span > timedelta() else "now"


@click.command(short_help="Show what was done, or would have been in shadow.")
@click.option("--site", help="Only this site.")
@click.option("--ticket", help="Only this ticket.")
@click.option("--since", type=Moment(), help="Only from this moment on.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most this many lines.")
@click.option("--runs", is_flag=True, help="Show runs instead of single events.")
@pass_options
def log(
    options: Options, *, site: str | None, ticket: str | None, since: datetime | None, limit: int, runs: bool
) -> int:
    """Show what was done (`write`) or would have been (`would-do`), oldest first; `--runs` shows a line per run."""
    rows = options.load().log(site=site, ticket=ticket, since=since, limit=limit, runs=runs)
    columns = ("at", "site", "ticket", "what", "detail") if not runs else ("at", "site", "run", "outcome", "counts")
    if options.output is Output.NDJSON:
        emit_lines("log", rows)
    elif options.output is Output.JSON:
        emit_json("log", rows=rows)
    else:
        emit_table(columns, [[row[c] for c in columns] for row in rows], color=options.color)
    return 0


@click.command(short_help="Show everything that waits for a person.")
@pass_options
def attention(options: Options) -> int:
    """Show everything that waits for a person: what, since when, what follows, and the command that settles it.

    \b
    held        wanted, but over a budget or paused: nothing is lost, it waits for `resume`
    parked      a write whose outcome nobody can prove; it is not sent again
    frozen      a site or effect that a guard stopped
    quarantined a ticket whose data cannot be read; the others go on
    """  # noqa: D301 - \b is click's
    items = options.load().attention()
    columns = ("kind", "site", "ticket", "since", "what", "consequence", "command")
    if options.output is Output.TEXT:
        if not items:
            print("nothing waits for a person")
            return 0
        emit_table(columns, [[item[c] for c in columns] for item in items], color=options.color)
    elif options.output is Output.NDJSON:
        emit_lines("attention", items)
    else:
        emit_json("attention", items=items)
    return 0
