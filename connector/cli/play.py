"""``demo`` and ``sandbox``: everything on this machine, no account anywhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.context import Options, pass_options
from connector.cli.show import emit_table, say

if TYPE_CHECKING:
    from connector.cli.story import Story
    from connector.sandbox.client import SandboxClient


@click.command()
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

    Times are UTC. `>` marks what the connector wrote, `!` what it wants a person to hear; the rest is people's doing.
    """
    from connector.bootstrap.demo import DemoOptions, freeze_clock, play, prepare, sandbox  # noqa: PLC0415 - heavy
    from connector.cli.story import Story  # noqa: PLC0415

    given = DemoOptions(folder=folder, seed=seed, speed=_speed(speed) if serve else None)
    say("starting two simulated sites …")
    with sandbox(given) as client:
        path = prepare(given, client)
        story = Story(client, sys.stdout)
        if serve:
            _say_serving(client, path)

        code = play(path, client, lambda _program: story, stepped=not serve)
        story.catch_up()
        _final_table(options, client, story)
        ended = client.now()
    if not serve:
        freeze_clock(path)
        _three_commands(path, story, ended)
    return code


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: Sequence[str]) -> int:
    """Serve the simulated helpdesks alone; prints their addresses as one line of JSON."""
    from connector.sandbox.__main__ import main  # noqa: PLC0415 - heavy

    main(arguments)
    return 0


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
    say(f"control: {client.ready['control_url']}/_sandbox/view?site=zendesk")
    say(f"in another terminal: connector -c {path} status   (Ctrl-C ends the demo)")


def _final_table(options: Options, client: SandboxClient, story: Story) -> None:
    """Show every ticket that we wrote to or that a person holds."""
    rows = []
    for site in ("jsm-eu", "zendesk"):
        for row in client.view(site):
            key = str(row.get("ticket", row["id"]))
            writes = story.touched.get((site, key), story.touched.get((site, f"#{key}"), 0))
            if writes:
                level = row["fields"].get("level")
                shown = (row["priority"], row["fields"].get("path") or "", "" if level is None else int(float(level)))
                rows.append((site, key, str(row["subject"])[:48], row["status"], *shown, row["group"] or "", writes))
    print()
    columns = ("site", "ticket", "subject", "status", "priority", "path", "level", "group", "writes")
    emit_table(columns, rows, color=options.color)
    mails = sum(1 for fact in client.truth(kind="mail") if fact["via"] == "api" and fact["data"].get("public"))
    print(f"\n{story.writes} writes on {len(rows)} tickets, {mails} mails to customers, {story.alarms} alarms.")


def _three_commands(path: Path, story: Story, ended: datetime) -> None:
    at = f"{ended:%Y-%m-%dT%H:%MZ}"
    busiest = max(story.touched, key=lambda name: story.touched[name], default=("", "SUP-1"))[1]
    print("\nTry next:")
    print(f"  connector -c {path} explain '{busiest}' --at {at}")
    print(f"  connector -c {path} log --ticket '{busiest}'")
    print(f"  connector -c {path} policy test")
