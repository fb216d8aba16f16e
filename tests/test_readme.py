"""The README says what is true: its reference, its commands and its exit codes are compared with the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector.cli.exits import Exit
from connector.cli.main import COMMANDS
from connector.settings import config_reference

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_configuration_reference_is_current() -> None:
    assert config_reference().strip() in README, "run scripts/readme"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_named(command: str) -> None:
    assert re.search(rf"`{command}\b", README)


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_is_named(code: Exit) -> None:
    assert f"| {int(code)} |" in README


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)|`((?:connector|scripts|mappings)/[\w./-]+)`", README))
def test_every_file_that_is_named_exists(link: tuple[str, str]) -> None:
    assert (ROOT / (link[0] or link[1])).exists()
