"""``demo`` and ``sandbox``: everything on this machine, no account anywhere."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.context import Options, examples, pass_options
from connector.cli.exits import Exit
from connector.cli.show import counted, emit_table, say
from connector.cli.telling import ticket_words
from connector.sandbox.scenarios.cast import ROSTER

if TYPE_CHECKING:
    from connector.cli.story import Story
    from connector.sandbox.client import SandboxClient

ARGPARSE_USAGE = 2
"""How argparse ends on a wrong option; here 2 means that changes are pending."""


@click.command(
    short_help="Play a working day on two simulated helpdesks.",
    epilog=examples("connector demo", "connector demo --seed 7", "connector demo --serve --speed 120x"),
)
@click.option("--seed", default=1, show_default=True, help="Same seed, same story.")
@click.option("--serve", is_flag=True, help="Keep everything running until Ctrl-C, at --speed.")
@click.option("--speed", default="60x", show_default=True, help="With --serve: simulated time per real time.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("connector-demo"),
    show_default=True,
    help="Where configuration and state go; made anew each time.",
)
@pass_options
def demo(options: Options, *, seed: int, serve: bool, speed: str, folder: Path) -> int:
    """Play a working day on two simulated helpdesks, and tell what happens.

    Times are UTC. `>` marks what the connector wrote, `=` what it left to people (once for each ticket and reason),
    `!` an alarm; the rest is people's doing.
    """
    from connector.bootstrap import demo as stage  # noqa: PLC0415 - heavy
    from connector.cli.story import Story  # noqa: PLC0415

    pace = _speed(speed)
    given = stage.DemoOptions(folder=folder, seed=seed, speed=pace if serve else None)
    say("starting two simulated sites …")
    with stage.sandbox(given) as client:
        path = stage.prepare(given, client)
        stage.tell_customers(path)
        story = Story(client, sys.stdout)
        if serve:
            _say_serving(client, path)

        code = stage.play(path, client, lambda _program: story, stepped=not serve)
        story.close()
        _final_table(options, client, story)
        ended = client.now()
    if not serve:
        stage.freeze_clock(path)
        _three_commands(path, story, ended)
    return code


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
    short_help="Serve the simulated helpdesks alone.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: Sequence[str]) -> int:
    """Serve the simulated helpdesks alone; prints their addresses as one line of JSON."""
    from connector.sandbox.__main__ import main  # noqa: PLC0415 - heavy

    try:
        main(arguments)
    except SystemExit as ended:  # its parser's way to end: help, or a mistake that it has explained
        return Exit.USAGE if ended.code else Exit.OK
    return Exit.OK


def _speed(text: str) -> float:
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 10_000:
        raise click.BadParameter(f"{text!r} is not a speed such as 60x", param_hint="--speed")
    return speed


def _say_serving(client: SandboxClient, path: Path) -> None:
    for name in ("jsm-eu", "zendesk"):
        say(f"{name}: {client.site(name)['base_url']}")
    say(f"as people see it: {client.ready['control_url']}/_sandbox/view?site=zendesk")
    say(f"in another terminal: {_program()} -c {shlex.quote(str(path))} status   (Ctrl-C ends the demo)")


def _final_table(options: Options, client: SandboxClient, story: Story) -> None:
    """Show every ticket that we wrote to."""
    rows = []
    for site in ("jsm-eu", "zendesk"):
        for row in client.view(site):
            key = ticket_words(str(row.get("ticket", row["id"])))
            if writes := story.touched.get((site, key), 0):
                level = row["fields"].get("level")
                shown = (row["priority"], row["fields"].get("path") or "", "" if level is None else int(float(level)))
                rows.append((site, key, str(row["subject"])[:48], row["status"], *shown, row["group"] or "", writes))
    print()
    columns = ("site", "ticket", "subject", "status", "priority", "path", "level", "group", "writes")
    emit_table(columns, rows, prose=("subject",), color=options.color)
    print(
        f"\n{counted(story.writes, 'write')} on {counted(len(rows), 'ticket')}, {counted(_mails(client), 'mail')} "
        f"to customers, {counted(story.left, 'thing')} left to people, {counted(story.alarms, 'alarm')}."
    )


def _mails(client: SandboxClient) -> int:
    """Count mails to customers that something of ours set off, from the sandbox's own ground truth."""
    customers = {person.email for person in ROSTER.people if person.role == "customer"}
    return sum(fact["via"] == "api" and fact["data"]["to"] in customers for fact in client.truth(kind="mail"))


def _three_commands(path: Path, story: Story, ended: datetime) -> None:
    start = f"  {_program()} -c {shlex.quote(str(path))}"
    at = f"{ended:%Y-%m-%dT%H:%MZ}"
    busiest = max(story.touched, key=lambda name: (story.touched[name], name), default=("", "SUP-1"))[1]
    print("\nTry next:")
    print(f"{start} explain {shlex.quote(busiest)} --at {at}")
    print(f"{start} log --ticket {shlex.quote(busiest)}")
    print(f"{start} policy test")


def _program() -> str:
    """Return how this program is called here: ``connector`` only where the shell would find it."""
    beside = Path(sys.executable).parent / "connector"
    if shutil.which("connector") or not beside.exists():
        return "connector"
    return shlex.quote(os.path.relpath(beside))
