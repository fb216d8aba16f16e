"""``pause`` and ``resume``: the kill switch, per site, honoured before every write. ``approve``: a step may be made."""

from __future__ import annotations

import click

from connector.cli.context import Options, Words, examples, operator, pass_options
from connector.cli.show import Output, emit_json, put, put_fitted
from connector.errors import ConnectorError


@click.command(
    short_help="Stop every write to a site.",
    epilog=examples("connector pause jsm-eu --reason 'migration until noon'", "connector pause all"),
)
@click.argument("site")
@click.option(
    "--reason", type=Words(), default="paused by hand", show_default=True, help="Why; stands in status and the audit."
)
@pass_options
def pause(options: Options, *, site: str, reason: str) -> int:
    """Stop every write to SITE (`all`: every site) until `resume`. Reading and deciding go on."""
    program = options.load()
    names = program.select(() if site == "all" else (site,))
    program.pause(names, reason=reason, actor=operator())
    _say(options, "paused", names)
    return 0


@click.command(
    short_help="Let writes to a site go on.",
    epilog=examples("connector resume jsm-eu", "connector resume zendesk --allow 25    # 25 held writes per effect"),
)
@click.argument("site")
@click.option(
    "--allow", type=click.IntRange(min=0), default=0, metavar="N", help="Let N held writes per effect through."
)
@pass_options
def resume(options: Options, *, site: str, allow: int) -> int:
    """Clear SITE's pause and freezes (`all`: every site); `--allow N` lets N writes beyond the budget through.

    What was refused there is tried again.
    """
    program = options.load()
    names = program.select(() if site == "all" else (site,))
    program.resume(names, allow=allow, actor=operator())
    _say(options, "resumed", names)
    return 0


@click.command(
    short_help="Let an escalation through that needs approval.",
    epilog=examples("connector attention", "connector approve SUP-14"),
)
@click.argument("ticket", type=Words())
@pass_options
def approve(options: Options, *, ticket: str) -> int:
    """Let every step of TICKET's path through that a threshold asks for and that waits for approval."""
    count = options.load().approve(ticket, actor=operator())
    if not count:
        raise ConnectorError(f"no step of {ticket} waits for approval", remedy="connector attention")
    if options.output is Output.TEXT:
        put(f"approved: {count} of {ticket}")
    else:
        emit_json("approved", ticket=ticket, steps=count)
    return 0


@click.command(
    short_help="Let a ticket go on that the connector left alone.",
    epilog=examples("connector release SUP-14", "connector release zendesk:123"),
)
@click.argument("ticket", type=Words())
@pass_options
def release(options: Options, *, ticket: str) -> int:
    """Release TICKET, as an agent's `/esc release` would.

    Ends a hold by note or field, a person's priority, a field that another program owns, the loop breaker, a refusal
    that names no field, and a quarantine. A hold by label ends in the helpdesk, by taking the label off; a field or
    value that was refused by its name is tried again with `resume`.
    """
    from connector.bootstrap.releasing import release as release_ticket  # noqa: PLC0415 - heavy, and help lists this

    released = release_ticket(options.load(), ticket, actor=operator())
    if options.output is Output.TEXT:
        put(f"released: {released.key}")
        for held in released.still_held:
            put_fitted(f"still held: {held}")
    else:
        emit_json("released", ticket=released.key, still_held=list(released.still_held))
    return 0


def _say(options: Options, what: str, names: tuple[str, ...]) -> None:
    if options.output is Output.TEXT:
        put(f"{what}: {', '.join(names)}")
    else:
        emit_json(what, sites=list(names))
