"""``backup`` and ``restore``: a verified copy of the state, and putting one back."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.context import Options, examples, pass_options
from connector.cli.show import Output, emit_json, put_fitted


@click.command(
    short_help="Make a verified copy of the state.",
    epilog=examples("connector backup", "connector backup /var/backups/", "connector backup before-the-move.db"),
)
@click.argument("place", required=False, type=click.Path(path_type=Path))
@pass_options
def backup(options: Options, *, place: Path | None) -> int:
    """Copy the state to PLACE (a new file, or a folder), beside a running daemon or not, and check the copy.

    Without PLACE it goes where the regular backups are: `<state>.backups` beside the state.
    """
    made = options.load().backup(place)
    if options.output is Output.TEXT:
        print(f"backed up and checked: {made}")
    else:
        emit_json("backup", file=str(made))
    return 0


@click.command(
    short_help="Put a backup in the place of the state.",
    epilog=examples(
        "connector restore state.db.backups/state-20261123T081500Z.db",
        "connector restore --done-elsewhere    # after pg_restore, or a copy by hand",
    ),
)
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--done-elsewhere", is_flag=True, help="The state was restored by other means; only say so.")
@pass_options
def restore(options: Options, *, file: Path | None, done_elsewhere: bool) -> int:
    """Check FILE and put it in the place of the state, which is kept aside. Stop the daemon first.

    What was said since the backup was made stands in the helpdesks: comments wait until it is read back from there.
    """
    if (file is None) != done_elsewhere:
        raise click.UsageError("give the backup's FILE, or --done-elsewhere")
    aside = options.load().restore(file)
    if options.output is not Output.TEXT:
        emit_json("restore", file=str(file or ""), aside=str(aside or ""))
        return 0
    print(f"restored: {file}" if file else "noted: the state was restored")
    if aside is not None:
        print(f"the state that stood there is kept: {aside}")
    put_fitted("comments wait until what was said since then is read back; connector status shows how far it is")
    return 0
