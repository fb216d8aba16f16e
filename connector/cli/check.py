"""``check``: what is missing, what is too much, what the map names and the helpdesk does not have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from connector.cli.context import Options, examples, pass_options
from connector.cli.exits import Exit
from connector.cli.show import Output, emit_json, emit_lines, emit_table, put_fitted

if TYPE_CHECKING:
    from connector.bootstrap.checking import Checked

_CODES = (("missing", Exit.DENIED), ("broken", Exit.CONFIG), ("unknown", Exit.PARTIAL))


@click.command(
    short_help="Look for rights and bindings that are missing or too much.",
    epilog=examples("connector check", "connector check --site zendesk --all", "connector -o json check"),
)
@click.option("--site", "sites", multiple=True, metavar="SITE", help="Only this site (repeatable).")
@click.option("--all", "everything", is_flag=True, help="Show what is in order, too.")
@pass_options
def check(options: Options, *, sites: Sequence[str], everything: bool) -> int:
    """Ask every site, with both credentials, what they may, and whether what the map names is there. Only reads.

    \b
    missing  a right that is needed: writes or reads are refused (exit code 4)
    excess   a right that the connector never uses, or a secret that others may
             read: take it away
    broken   the map names a field, option, group or person that is not there,
             or the configuration a program or folder (78)
    unknown  it could not be looked at (3)
    """  # noqa: D301 - \b is click's
    program = options.load(need_secrets=True)
    found = program.check(program.select(sites))
    rows = [_row(each) for each in found]
    shown = [row for row in rows if everything or row["verdict"] != "ok"]
    if options.output is Output.JSON:
        emit_json("check", findings=rows)
    elif options.output is Output.NDJSON:
        emit_lines("check", rows)
    else:
        columns = ("site", "verdict", "what", "why", "remedy")
        if shown:
            emit_table(
                columns,
                [[row[c] for c in columns] for row in shown],
                prose=("what", "why", "remedy"),
                color=options.color,
            )
        put_fitted(f"{sum(row['verdict'] == 'ok' for row in rows)} in order, {_counts(rows)}")
    verdicts = {row["verdict"] for row in rows if row["site"] or row["verdict"] == "broken"}
    return next((code for verdict, code in _CODES if verdict in verdicts), Exit.OK)


def _row(each: Checked) -> dict[str, str]:
    finding = each.finding
    return {
        "site": each.site,
        "verdict": str(finding.verdict),
        "what": finding.what,
        "why": finding.why,
        "remedy": finding.remedy,
    }


def _counts(rows: Sequence[dict[str, str]]) -> str:
    kinds = ("missing", "excess", "broken", "unknown")
    return ", ".join(f"{sum(row['verdict'] == kind for row in rows)} {kind}" for kind in kinds)
