"""``status``, ``log`` and ``attention``: how things are, what was done, what waits for a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from connector.cli.context import Moment, Options, examples, pass_options
from connector.cli.show import Output, ago, emit_json, emit_lines, emit_table, length, put

if TYPE_CHECKING:
    from connector.bootstrap.status import SiteStatus


@click.command(short_help="Show how every site is.", epilog=examples("connector status", "connector -o json status"))
@pass_options
def status(options: Options) -> int:
    """Show every site: last good pass, open tickets, effects, what is paused, frozen, held or parked.

    While a daemon runs, also its next poll and what is left of the helpdesk's limits. `-o json` gives all of it, with
    effects per scope.
    """
    report = options.load().status()
    if options.output is not Output.TEXT:
        emit_json("status", **report.data)
        return 0
    since = f", in force for {length(report.now - report.policy_since)}" if report.policy_since else ", not yet applied"
    put(f"policy {report.policy}{since} · state {report.state} · {report.daemon}")
    rows = [_site_row(site, report.now) for site in report.sites]
    columns = ["site", "last good pass", "last run", "open", "effects", "next due in", "held", "parked", "stopped"]
    if report.running:
        columns += ["next poll in", "budget left"]
        rows = [(*row, *_daemon_row(site, report.now)) for row, site in zip(rows, report.sites, strict=True)]
    emit_table(columns, rows, color=options.color)
    return 0


def _site_row(site: SiteStatus, now: datetime) -> tuple[object, ...]:
    untold = f"{site.untold} notifications wait to be delivered" if site.untold else ""
    stopped = "; ".join(filter(None, [f"paused: {site.paused}" if site.paused else "", *site.frozen, untold]))
    scopes = [f"{scope}: {','.join(on) or 'shadow'}" for scope, on in site.scopes.items()]
    effects = "; ".join([",".join(site.effects) or "shadow", *scopes])
    due = "" if site.next_due_at is None else _until(site.next_due_at - now)
    good = ago(site.last_good_at, now)
    return site.name, good, site.last_outcome, site.open_tickets, effects, due, site.held, site.parked, stopped


def _until(span: timedelta) -> str:
    return length(span) if span > timedelta() else "now"


def _daemon_row(site: SiteStatus, now: datetime) -> tuple[object, ...]:
    """Return the next poll and the limit that is nearest to its end."""
    poll = "" if site.next_poll_at is None else length(max(site.next_poll_at - now, timedelta(0)))
    rooms = {name: (room["left"], room["limit"]) for name, room in site.budgets.items() if room["limit"]}
    least = min(rooms, key=lambda name: rooms[name][0] / rooms[name][1], default=None)
    return poll, "" if least is None else f"{least} {rooms[least][0]}/{rooms[least][1]}"


@click.command(
    short_help="Show what was done, with reasons.",
    epilog=examples(
        "connector log --ticket SUP-14",
        "connector log --runs --site jsm-eu --limit 20",
        "connector -o ndjson log --since 2026-11-23T00:00Z",
    ),
)
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
    parked      a write whose outcome nobody can prove; `parked` shows it and settles it
    frozen      a site or effect that a guard stopped
    approval    a step that a threshold asks for and somebody has to let through
    untold      a notification that the alarm command did not take for a day
    quarantined a ticket whose data cannot be read; the others go on
    """  # noqa: D301 - \b is click's
    items = options.load().attention()
    columns = ("kind", "site", "ticket", "since", "what", "consequence", "command")
    if options.output is Output.TEXT:
        if not items:
            put("nothing waits for a person")
            return 0
        emit_table(columns, [[item[c] for c in columns] for item in items], color=options.color)
    elif options.output is Output.NDJSON:
        emit_lines("attention", items)
    else:
        emit_json("attention", items=items)
    return 0
