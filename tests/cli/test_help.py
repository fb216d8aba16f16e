"""Help that is whole: every command in one line, and examples that the command line itself accepts."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

import connector
from connector.cli.main import COMMANDS, cli, run

OURS = sorted(set(COMMANDS) - {"sandbox"})  # its arguments are those of a module


def test_the_list_of_commands_has_no_cut_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    listed = shown.partition("Commands:")[2].strip().splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert not [line for line in listed if not line.endswith(".") or line.endswith("...")]
    assert "Exit codes: 0 done" in " ".join(shown.split())


@pytest.mark.parametrize("name", OURS)
def test_every_option_is_explained(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    options = [each for one in (command, *inner) for each in one.params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.hidden and not (each.help or "").endswith(".")] == []


def test_every_option_of_the_sandbox_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sandbox", "--help"]) == 0
    shown = capsys.readouterr().out.partition("options:\n")[2]
    blocks = re.split(r"\n(?=  -)", shown.rstrip())
    assert len(blocks) > 12
    assert [block for block in blocks if not re.search(r"(?:\s{2,}|\n\s+)[a-z]", block[4:])] == []


def whole_commands() -> list[list[str]]:
    """Return every command and every command of a group, as they are typed."""
    found: list[list[str]] = [[]]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        found += [[name], *([name, inner] for inner in getattr(command, "commands", ()))]
    return found


@pytest.mark.parametrize("typed", whole_commands(), ids=" ".join)
def test_every_help_fits_a_terminal_of_80_columns(
    typed: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*typed, "--help"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) > 3
    assert [line for line in shown if len(line) > 80] == []


def test_nothing_is_ever_asked_and_scripts_may_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--no-input", "plan", "--help"]) == 0
    assert "Show what would be written now" in capsys.readouterr().out
    package = Path(connector.__file__).parent
    asking = re.compile(r"\b(?:input|prompt|confirm|getpass\.getpass)\(|prompt=|confirmation_option")
    assert [path for path in sorted(package.rglob("*.py")) if asking.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("name", OURS)
def test_examples_are_accepted(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.epilog or isinstance(command, click.Group)
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    shown = [one.epilog for one in (command, *inner) if one.epilog]
    examples = [line.strip() for epilog in shown for line in epilog.splitlines()[2:]]
    for one in (part for example in examples for part in re.split(r" && |    #.*", example) if part):
        words = shlex.split(one)
        at = next(n for n, word in enumerate(words) if word in COMMANDS)
        cli.make_context("connector", words[1 : at + 1])
        called = cli.get_command(click.Context(cli), words[at])
        assert called is not None
        given = [__file__ if words[at] in {"apply", "restore"} and "." in word else word for word in words[at + 1 :]]
        called.make_context(words[at], given)
