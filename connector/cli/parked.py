"""``parked``: writes whose outcome nobody could tell, and the three ways to settle one."""

from __future__ import annotations

import click

from connector.cli.context import Options, examples, operator, pass_options
from connector.cli.show import Output, emit_json, emit_lines, emit_table, put_fitted

_COLUMNS = ("key", "site", "ticket", "what", "since", "why", "text")
_SHOWN = 60


@click.group(
    short_help="Show and settle writes whose outcome nobody can prove.",
    invoke_without_command=True,
    epilog=examples("connector parked", "connector parked done 3f9c1a7b20de", "connector parked resend 3f9c1a7b20de"),
)
@click.pass_context
def parked(ctx: click.Context) -> int | None:
    """Show writes that may or may not stand in their tickets, with their texts. None is sent again by itself.

    Look at the ticket, then settle each by the beginning of its key: `done` (it is there), `resend` (it is not there
    and should be), `drop` (it is not wanted any more).
    """
    return _show(ctx.ensure_object(Options)) if ctx.invoked_subcommand is None else None


def _show(options: Options) -> int:
    items = options.load().parked()
    if options.output is Output.NDJSON:
        emit_lines("parked", items)
    elif options.output is Output.JSON:
        emit_json("parked", items=items)
    elif not items:
        print("nothing is parked")
    else:
        rows = [[_cut(str(item[c])) if c == "text" else item[c] for c in _COLUMNS] for item in items]
        emit_table(_COLUMNS, rows, prose=("what", "why", "text"), color=options.color)
    return 0


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


@parked.command(short_help="Send it once more: you looked, and it is not there.")
@click.argument("key")
@pass_options
def resend(options: Options, *, key: str) -> int:
    """Send the write with this KEY once more, word for word, unless the helpdesk shows it by then."""
    return _settle(options, "resend", key)


@parked.command(short_help="Mark it done: you found it in the ticket.")
@click.argument("key")
@pass_options
def done(options: Options, *, key: str) -> int:
    """Mark the write with this KEY as done: it stands in the ticket."""
    return _settle(options, "done", key)


@parked.command(short_help="Give it up: it is never sent.")
@click.argument("key")
@pass_options
def drop(options: Options, *, key: str) -> int:
    """Give the write with this KEY up; its text is deleted."""
    return _settle(options, "drop", key)


_SAID = {"resend": "is sent again with the next pass", "done": "is marked as done", "drop": "is given up"}


def _settle(options: Options, action: str, key: str) -> int:
    settled = options.load().settle_parked(action, key, actor=operator())
    if options.output is Output.TEXT:
        put_fitted(f"{settled['site']}:{settled['ticket']}: {settled['what']} {_SAID[action]}")
    else:
        emit_json("parked", **settled)
    return 0
