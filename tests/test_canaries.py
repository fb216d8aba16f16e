"""Who looks for canaries finds them: a search that could not fail would prove nothing."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.canaries import BODY, MARK, SUBJECT, found_below, found_in, refuse
from tests.e2e.desk import ROOT, Ran

SECRET = f"{MARK}0a1b2c"
PLANTED = """
def test_planted(tmp_path, capsys):
    {act}
"""
ON_DISK = "(tmp_path / 'state.db').write_text('-'.join(('canary', '0a1b2c')))"
SAID = "import sys; print('-'.join(('canary', '0a1b2c')), file=sys.stderr)"


@pytest.mark.parametrize(
    "text", [SUBJECT, BODY, SECRET, f'{{"secret": "{SECRET}"}}', "Pieter Bakker", "yuki@sakura.example"]
)
def test_what_nobody_may_read_is_found_in_a_text(text: str) -> None:
    assert found_in(text)
    assert found_in(text.encode())


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "connector@example.com:"])
def test_a_secret_is_found_however_it_is_encoded(user: str) -> None:
    """A Basic header has it in base64, behind an address of any length."""
    assert found_in(base64.b64encode(f"{user}{SECRET}".encode()))
    assert found_in(f"{user}{SECRET}".encode().hex())


@pytest.mark.parametrize("text", ["", "a canary sings", "connector@example.com", "SUP-1 was escalated to level 2"])
def test_nothing_is_found_where_there_is_nothing(text: str) -> None:
    assert found_in(text) == []
    assert found_in(base64.b64encode(text.encode())) == []


def test_a_file_below_a_folder_is_named_and_what_holds_secrets_is_not(tmp_path: Path) -> None:
    backup = tmp_path / "desk" / "state.db.backups" / "copy.db"
    backup.parent.mkdir(parents=True)
    (tmp_path / "desk" / "secrets").mkdir()
    (tmp_path / "desk" / "secrets" / "zendesk").write_text(SECRET)
    assert found_below(tmp_path) == []
    for spare in (0, (1 << 24) - 3):  # the second lies across the edge of two pieces
        backup.write_bytes(b"\0" * spare + SECRET.encode())
        assert found_below(tmp_path) == [f"{backup}: {MARK}"]
        with pytest.raises(AssertionError, match=r"copy\.db"):
            refuse(tmp_path, [])
    backup.write_bytes(SECRET.encode("utf-16"))
    assert found_below(tmp_path) == [f"{backup}: {MARK}"]
    backup.unlink()
    refuse(tmp_path, [])
    with pytest.raises(AssertionError, match="said"):
        refuse(tmp_path, ["what a test said"])


def test_a_command_that_says_one_fails_where_it_is_run() -> None:
    Ran(0, "all is well", "")
    with pytest.raises(AssertionError):
        Ran(0, "", f"token {SECRET}")


@pytest.mark.parametrize(
    ("act", "workers"),
    [(ON_DISK, ""), (SAID, ""), pytest.param(ON_DISK, "2", marks=pytest.mark.full), ("pass", "")],
    ids=["on disk", "said", "on disk, by a worker", "nothing"],
)
def test_a_session_that_leaves_one_fails(tmp_path: Path, act: str, workers: str) -> None:
    """The real thing, in a process of its own, with our conftest and a folder that goes away again."""
    (tmp_path / "test_planted.py").write_text(PLANTED.format(act=act), encoding="utf-8")
    base = tmp_path / "base"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
    ]
    command += [f"--basetemp={base}", *(("-n", workers) if workers else ()), str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    shutil.rmtree(base)
    assert ran.returncode == (act != "pass"), ran.stdout
    assert ("canaries were found" in ran.stdout) is (act != "pass")
