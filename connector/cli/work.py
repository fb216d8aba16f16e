"""``sync`` and ``run``: one pass, and the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from connector.cli.context import ListenAddress, Options, PingAddress, examples, pass_options
from connector.cli.exits import Exit, exit_of_passes
from connector.cli.show import Output, emit_json, emit_table, say
from connector.errors import Busy

if TYPE_CHECKING:
    from connector.engine.passes import PassResult


@click.command(
    short_help="Pull, decide and write once.",
    epilog=examples("connector sync", "connector sync --skip-if-locked --ping-url https://hc.example/abc    # cron"),
)
@click.option("--select", "selected", multiple=True, metavar="SITE", help="Only this site (repeatable).")
@click.option("--skip-if-locked", is_flag=True, help="Exit 0 when another process holds the state.")
@click.option(
    "--ping-url", type=PingAddress(), metavar="URL", help="Ping this address after a good pass (a dead-man's switch)."
)
@pass_options
def sync(options: Options, *, selected: Sequence[str], skip_if_locked: bool, ping_url: str | None) -> int:
    """Pull, decide and write once; for cron and timers. In shadow it records what it would do and writes nothing."""
    try:
        with options.watching() as program:
            results = program.sync(program.select(selected), ping_url=ping_url)
    except Busy:
        if not skip_if_locked:
            raise
        say("another process holds the state; skipped")
        return Exit.OK
    _show(options, results)
    if program.stopping.is_set():
        say("interrupted: what was in hand is finished and stored; the next pass goes on")
        return Exit.INTERRUPTED
    return exit_of_passes(r.outcome for r in results)


@click.command(
    short_help="Stay, and keep every site in line.",
    epilog=examples("connector run", "connector -v run --ping-url https://hc.example/abc"),
)
@click.option(
    "--ping-url",
    type=PingAddress(),
    metavar="URL",
    help="Ping this address after every good pass (a dead-man's switch).",
)
@click.option(
    "--webhooks",
    type=ListenAddress(),
    metavar="HOST:PORT",
    help="Take webhooks at /webhooks/SITE as hints to look sooner; serve /healthz and /metrics.",
)
@pass_options
def run(options: Options, *, ping_url: str | None, webhooks: str | None) -> int:
    """Stay and keep every site in line: poll, wake for what is due, write. Ends cleanly on SIGTERM or Ctrl-C."""
    return int(options.load(need_secrets=True).run(ping_url=ping_url, webhooks=webhooks))


_COUNTS = ("read", "decided", "written", "held", "left", "failed", "parked", "would_do", "insufficient", "requests")


def _show(options: Options, results: Sequence[PassResult]) -> None:
    rows = [
        {"site": r.site, "outcome": str(r.outcome)}
        | {name: getattr(r.summary, name) for name in _COUNTS}
        | {"why": str(r.error or (r.applied.stopped if r.applied else ""))}
        for r in results
    ]
    if options.output is Output.TEXT:
        columns = ("site", "outcome", *_COUNTS, "why")
        emit_table(columns, [[row[c] for c in columns] for row in rows], prose=("why",), color=options.color)
    else:
        emit_json("sync", sites=rows)
