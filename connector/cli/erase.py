"""``erase``: what the connector keeps about a ticket or a person goes."""

from __future__ import annotations

import click

from connector.cli.context import Options, Words, examples, operator, pass_options
from connector.cli.show import Output, emit_json, emit_table, put


@click.command(
    short_help="Erase what is kept about a ticket or a person.",
    epilog=examples("connector erase --ticket SUP-14", "connector erase --user zendesk:381"),
)
@click.option(
    "--ticket", type=Words(), metavar="TICKET", default="", help="A ticket that is closed or gone (SUP-14, site:id)."
)
@click.option(
    "--user",
    type=Words(),
    metavar="[SITE:]ACCOUNT",
    default="",
    help="A person by the helpdesk's own account id, or by the name in the site's map.",
)
@pass_options
def erase(options: Options, *, ticket: str, user: str) -> int:
    """Erase a ticket's rows, or a person wherever they are named, and overwrite what is freed on disk.

    Audit lines lose their content and keep their digests, so that their chain still holds; keys of what was written
    stay, so that nothing is said again. Backups keep what they hold until they end: they are listed, as far as they
    are beside the state or in the folder for backups. Take a person out of the site's map and the helpdesk first: what
    is read again is stored again.
    """
    if bool(ticket) == bool(user):
        raise click.UsageError("give either --ticket or --user")
    report = options.load().erase(ticket=ticket, user=user, actor=operator())
    rows = [
        {"site": site, "rows": done.rows, "audit_lines": done.lines, "keys_kept": done.kept}
        for site, done in report.done.items()
    ]
    copies = [{"file": copy.path, "made_at": copy.made_at, "ends_at": copy.ends_at} for copy in report.copies]
    if options.output is not Output.TEXT:
        emit_json("erase", erased=rows, copies=copies)
        return 0
    columns = ("site", "rows", "audit_lines", "keys_kept")
    emit_table(columns, [[row[c] for c in columns] for row in rows], color=options.color)
    for copy in copies:
        until = f"until {copy['ends_at']:%Y-%m-%d} unless" if copy["ends_at"] else "until"
        put(f"may still hold it: {copy['file']}, kept {until} you delete it")
    if user and not any(done.rows or done.lines for done in report.done.values()):
        put(f"nothing that is kept names {user}")
    return 0
