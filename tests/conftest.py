"""Shared fixtures. Tests that need the reference data skip when it is absent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.canaries import found_in, refuse

SHARED = Path(__file__).resolve().parents[2] / "shared"

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("quick", max_examples=15, stateful_step_count=25, derandomize=True, **_COMMON)
settings.register_profile("full", max_examples=500, stateful_step_count=60, derandomize=True, **_COMMON)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the sizes that releases are judged by")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("full" if config.getoption("--full") else "quick")
    config.addinivalue_line("markers", "full: runs only with --full")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--full"):
        return
    skip = pytest.mark.skip(reason="runs only with --full")
    for item in items:
        if "full" in item.keywords:
            item.add_marker(skip)


_SAID: list[str] = []
"""Marks in what tests printed, one line for each test."""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Look through what a test said on its streams; pytest's own record of a log holds what our log masks."""
    said = ((name, found_in(text)) for name, text in report.sections if name.startswith("Captured std"))
    _SAID.extend(f"{report.nodeid}, {name}: {found}" for name, found in said if found)


@pytest.fixture(scope="session", autouse=True)
def no_canary_is_left(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail the session where a secret or a customer's word is in any file that it left, or in what it said.

    Each worker looks through its own folder. That is whole at the end because pytest keeps what tests wrote.
    """
    assert request.config.getini("tmp_path_retention_policy") == "all"
    yield
    refuse(tmp_path_factory.getbasetemp(), _SAID)


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """True in the run that releases are judged by; tests choose larger sizes then."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the reference data beside the project is absent")
    return SHARED


@pytest.fixture(scope="session")
def empty_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new state with its tables, to be copied: making one costs a hundred times more."""
    from connector.journal import open_journal  # noqa: PLC0415 - loads SQLAlchemy, which few tests need

    path = tmp_path_factory.mktemp("template") / "state.db"
    open_journal(str(path), least_free=0).close()
    return path
