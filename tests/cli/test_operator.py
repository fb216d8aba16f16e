"""Who gives a command: the audit names an account, whatever the machine knows of it."""

from __future__ import annotations

import getpass
import os

import pytest

from connector.cli.context import operator

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")
NOBODY_KNOWS = 1_987_654_321


def test_an_account_goes_by_its_name() -> None:
    assert operator() == getpass.getuser()


def test_an_account_without_a_name_goes_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is in a container that runs under a number of its own; the kill switch has to work there, too."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: NOBODY_KNOWS)
    assert operator() == f"uid {NOBODY_KNOWS}"
