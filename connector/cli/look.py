"""``status``, ``log`` and ``attention``: how things are, what was done, what waits for a person."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from connector.cli.context import Moment, Options, Words, examples, pass_options
from connector.cli.exits import Exit, exit_of
from connector.cli.show import (
    Output,
    ago,
    emit_json,
    emit_lines,
    emit_more,
    emit_table,
    in_force,
    length,
    put,
    put_fitted,
    say_error,
)

if TYPE_CHECKING:
    from connector.bootstrap.status import SiteStatus, StatusReport


@click.command(short_help="Show how every site is.", epilog=examples("connector status", "connector -o json status"))
@pass_options
def status(options: Options) -> int:
    """Show every site: last good pass, open tickets, effects, what is paused, frozen, held, parked or quarantined.

    While a daemon runs, also its next poll and what is left of the helpdesk's limits. `-o json` gives all of it, with
    effects per scope. Ends with 1 where there is a state that cannot be read.
    """
    report = options.load().status()
    if options.output is not Output.TEXT:
        emit_json("status", **report.data)
    else:
        _show_status(options, report)
    if report.trouble is None:
        return Exit.OK
    say_error(report.trouble)
    return exit_of(report.trouble)


def _show_status(options: Options, report: StatusReport) -> None:
    since = f", {in_force(report.policy_since, report.now)}"
    put_fitted(f"policy {report.policy}{since} · state {report.state} · {report.daemon}")
    rows = [_site_row(site, report.now) for site in report.sites]
    columns = ["site", "last good pass", "last run", "open", "effects", "next due in", "held", "parked", "stopped"]
    if report.running:
        columns += ["next poll in", "budget left"]
        rows = [(*row, *_daemon_row(site, report.now)) for row, site in zip(rows, report.sites, strict=True)]
    emit_table(columns, rows, prose=("effects", "stopped"), color=options.color)


def _site_row(site: SiteStatus, now: datetime) -> tuple[object, ...]:
    untold = f"{site.untold} notifications wait to be delivered" if site.untold else ""
    odd = f"quarantined: {site.quarantined}" if site.quarantined else ""
    ended = f"{site.ended} tickets deleted, moved or closed under us in 24 h" if site.ended else ""
    unread = f"reading back, {site.unread} tickets left" if site.unread else ""
    words = [f"paused: {site.paused}" if site.paused else "", unread, *site.frozen, *site.aside, odd, ended, untold]
    stopped = "; ".join(filter(None, words))
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
        "connector log --follow",
    ),
)
@click.option("--site", help="Only this site.")
@click.option("--ticket", type=Words(), help="Only this ticket.")
@click.option("--since", type=Moment(), help="Only from this moment on.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most this many lines.")
@click.option("--runs", is_flag=True, help="Show runs instead of single events.")
@click.option(
    "--quiet-runs", "quiet", is_flag=True, help="With --runs: also a daemon's polls that found nothing to do."
)
@click.option("--follow", "-f", is_flag=True, help="Go on with new lines as they come, until Ctrl-C.")
@pass_options
def log(options: Options, /, *, follow: bool, **asked: Any) -> int:
    """Show what was done (`write`) or would have been (`would-do`), oldest first; `--runs` shows a line per run.

    `--follow` goes on with what comes, one line each (`-o json`: one document each), beside a daemon or whatever else
    holds the state. Ctrl-C ends it; that is no failure.
    """
    program = options.load()
    columns = ("at", "site", "run", "outcome", "counts") if asked["runs"] else _LOG_COLUMNS
    if follow:
        return _follow(options, columns, program.follow(**asked))
    rows = program.log(**asked)
    if options.output is Output.NDJSON:
        emit_lines("log", rows)
    elif options.output is Output.JSON:
        emit_json("log", rows=rows)
    else:
        emit_table(
            columns, [[row[c] for c in columns] for row in rows], prose=("detail", "counts"), color=options.color
        )
    return 0


_LOG_COLUMNS = ("at", "site", "ticket", "what", "detail")


def _follow(options: Options, columns: Sequence[str], batches: Iterable[list[dict[str, Any]]]) -> int:
    with contextlib.suppress(KeyboardInterrupt):
        for rows in batches:
            if options.output is Output.TEXT:
                emit_more([[row[c] for c in columns] for row in rows])
            else:
                emit_lines("log", rows)
            sys.stdout.flush()
    return 0


@click.command(
    short_help="Show everything that waits for a person.",
    epilog=examples("connector attention", "connector -o json attention"),
)
@pass_options
def attention(options: Options) -> int:
    """Show everything that waits for a person: what, since when, what follows, and the command that settles it.

    \b
    held        over a budget or paused: nothing is lost, it waits for `resume`,
                or for the file PAUSED to be removed
    parked      a write whose outcome nobody can prove; `parked` settles it
    frozen      a site, scope or effect that a guard stopped
    set-aside   a field or ticket that the helpdesk refuses, or a rest that it
                asked for; all else goes on
    target      a group or person of the policy's paths that cannot be reached
    approval    a step that a threshold asks for and somebody has to let through
    unread      what may be a person's choice, or a comment that may be a
                command, whose history is long not read
    untold      a notification that the alarm command did not take for a day
    quarantined a ticket that cannot be read, or on which our own code failed
                three times; the others go on
    """  # noqa: D301 - \b is click's
    items = options.load().attention()
    columns = ("kind", "site", "ticket", "since", "what", "consequence", "command")
    if options.output is Output.TEXT:
        if not items:
            put("nothing waits for a person")
            return 0
        emit_table(
            columns,
            [[item[c] for c in columns] for item in items],
            prose=("what", "consequence", "command"),
            color=options.color,
        )
    elif options.output is Output.NDJSON:
        emit_lines("attention", items)
    else:
        emit_json("attention", items=items)
    return 0
