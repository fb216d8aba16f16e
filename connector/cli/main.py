"""The command group: global options, lazy loading of the commands, and one place where errors become exit codes."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import resource
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from connector import __version__
from connector.cli.context import Options
from connector.cli.exits import Exit, exit_of
from connector.cli.show import Output, say, say_error
from connector.errors import ConfigError, ConnectorError, what_failed, where_failed

click.UsageError.exit_code = Exit.USAGE

_OUTPUT = click.Choice([o.value for o in Output])
_CONFIG = click.Path(path_type=Path, dir_okay=False)

COMMANDS = {
    "plan": "connector.cli.plan:plan",
    "apply": "connector.cli.plan:apply",
    "check": "connector.cli.check:check",
    "sync": "connector.cli.work:sync",
    "run": "connector.cli.work:run",
    "explain": "connector.cli.explain:explain",
    "status": "connector.cli.look:status",
    "log": "connector.cli.look:log",
    "attention": "connector.cli.look:attention",
    "parked": "connector.cli.parked:parked",
    "pause": "connector.cli.steer:pause",
    "resume": "connector.cli.steer:resume",
    "erase": "connector.cli.erase:erase",
    "approve": "connector.cli.steer:approve",
    "release": "connector.cli.steer:release",
    "backup": "connector.cli.backup:backup",
    "restore": "connector.cli.backup:restore",
    "policy": "connector.cli.policy:policy",
    "sandbox": "connector.cli.play:sandbox",
    "demo": "connector.cli.play:demo",
}


def with_global_options(command: click.Command) -> click.Command:
    """Let ``-o`` and ``-c`` stand after the command as well, where people type them."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            with_global_options(inner)
    elif command.add_help_option and not any(p.name == "output" for p in command.params):
        command.params += [
            click.Option(["-o", "--output"], type=_OUTPUT, hidden=True, expose_value=False, callback=_override),
            click.Option(["-c", "--config"], type=_CONFIG, hidden=True, expose_value=False, callback=_override),
        ]
    return command


def _override(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None and (options := ctx.find_object(Options)) is not None:
        ctx.obj = replace(options, output=Output(value)) if param.name == "output" else replace(options, config=value)


class LazyGroup(click.Group):
    """Loads a command's module only when it is used: ``connector --help`` stays quick."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import one command."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above names commands only
        return with_global_options(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command; an unknown one names the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib  # noqa: PLC0415 - only on this way out

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else " See `connector --help`."
            raise click.UsageError(f"{error.format_message()}{hint}", ctx) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option(
    "-c",
    "--config",
    type=_CONFIG,
    envvar="CONNECTOR_CONFIG",
    default=Path("connector.yaml"),
    show_default=True,
    help="The configuration file.",
)
@click.option(
    "-o",
    "--output",
    type=_OUTPUT,
    default="text",
    help="Form of what is printed: for people, one JSON document, or one per line.",
)
@click.option("-q", "--quiet", is_flag=True, help="Log warnings and errors only, whatever the configuration says.")
@click.option("-v", "--verbose", is_flag=True, help="Log every step, whatever the configuration says.")
@click.option("--no-color", is_flag=True, help="No colours (NO_COLOR works too).")
@click.option("--no-input", is_flag=True, help="Never ask anything: no command ever does, so this changes nothing.")
@click.version_option(__version__, prog_name="connector")
@click.pass_context
def cli(ctx: click.Context, /, config: Path, output: str, **flags: bool) -> None:
    """Escalate Jira Service Management and Zendesk tickets by one policy.

    Start with `connector demo`. On your own sites: `plan` shows every change with its reason and writes nothing,
    `apply` and `sync` write, `run` stays, `explain TICKET` says why. Each command's `--help` has examples;
    `-o` and `-c` may also stand after the command.

    Results go to standard output, the log to standard error. Exit codes: 0 done, 1 failed, 2 changes pending (only
    with --detailed-exitcode), 3 partly done, 4 credentials or permissions, 5 held by a guard, 64 usage, 75 try later,
    78 a file has to be edited, 130 interrupted, 141 whoever read the output left.
    """
    verbosity = -1 if flags["quiet"] else 1 if flags["verbose"] else 0
    ctx.obj = Options(
        config=config,
        output=Output(output),
        verbosity=verbosity,
        color=not flags["no_color"] and "NO_COLOR" not in os.environ,
    )


def main() -> None:
    """Run the command line and end the process with its exit code.

    A character that the terminal's encoding does not have is shown as an escape. Should the process crash, its memory,
    with secrets and texts in it, goes into no file.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; no expected error shows a traceback."""
    try:
        result: Any = cli.main(arguments, prog_name="connector", standalone_mode=False)
        return int(result) if isinstance(result, int) else Exit.OK
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("interrupted")
        return Exit.INTERRUPTED
    except SystemExit:  # so click ends, with 1, where nobody reads our output any more (``| head``)
        _silence_stdout()  # what the command found is not known: it must not pass for good
        return Exit.UNREAD
    except ConnectorError as error:
        return _refuse(error)
    except OSError as error:
        return _tell_of_the_system(error)
    except Exception as error:  # noqa: BLE001 - the interpreter's traceback may quote a ticket or a secret
        return _tell_of_ourselves(error)


def _tell_of_ourselves(error: Exception) -> int:
    """Tell what failed and where, in no words that may quote anything; a missing library is told by who started us."""
    if isinstance(error, ModuleNotFoundError):
        raise error
    say(f"internal error: {what_failed(error)}\n  at {where_failed(error)}")
    return Exit.FAILED


def _tell_of_the_system(error: OSError) -> int:
    """Tell of a file or output that cannot be used; not in the words of a library, which may quote an address."""
    if type(error).__module__ != "builtins" or not error.strerror:
        return _tell_of_ourselves(error)
    named = next((str(name) for name in (error.filename, error.filename2) if name is not None), "")
    if not named:
        _silence_stdout()  # what is left in its buffer would fail once more when the process ends
    say(f"error: {named or 'the output'}: {error.strerror}\n  -> check the place, its permissions and its free space")
    return Exit.FAILED


def _silence_stdout() -> None:
    """Nobody reads us any more: let the interpreter's last flush go nowhere instead of failing."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _refuse(error: ConnectorError) -> int:
    """Print an expected error with its remedy and return its exit code."""
    if isinstance(error, ConfigError):
        for problem in error.problems:
            say(f"error: {problem}")
        say(f"{len(error.problems)} problem(s) found; nothing was done")
    else:
        say_error(error)
    return exit_of(error)
