"""``sandbox`` and ``demo``: they start, tell, and end; and the dead-man's switch."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from connector.bootstrap import Connector
from connector.errors import ConnectorError
from connector.settings import load_settings
from tests.e2e.desk import GIVE_UP_SECONDS, JIRA, ROOT, SITES, ZENDESK, Desk

PATIENCE = 300


@pytest.fixture
def switch() -> Iterator[tuple[str, list[str]]]:
    """A dead-man's switch on loopback: its address, and what reached it."""
    heard: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/alive", heard
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_a_good_pass_reaches_the_dead_man_s_switch(desk: Desk, switch: tuple[str, list[str]]) -> None:
    url, heard = switch
    for site in SITES:
        desk.client.faults(site, {"action": "status", "status": 503})
    assert desk.run("sync", "--ping-url", url).code == 1
    assert heard == []
    desk.client.clear_faults(SITES[0])
    desk.later(minutes=1)
    assert desk.run("sync", "--ping-url", url).code == 3
    assert heard == []  # one dead site does not hide behind the other
    for site in SITES:
        desk.client.clear_faults(site)
    desk.later(minutes=3)  # a site that was dead twice is left alone for a while
    assert desk.ok("sync", "--ping-url", url).code == 0
    assert heard == ["/alive"]


@pytest.mark.usefixtures("desk")
def test_ctrl_c_at_a_terminal_is_not_for_the_sandbox() -> None:
    """A terminal interrupts a whole process group; the demo's last table still needs the sandbox."""
    groups = set()
    for child in _children(os.getpid()):
        with contextlib.suppress(OSError):  # ended meanwhile
            groups.add(os.getpgid(child))
    assert groups
    assert os.getpgid(0) not in groups


def test_the_sandbox_alone() -> None:
    command = [sys.executable, "-m", "connector", "sandbox", "--scenario", "empty", "--seed", "3"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert set(ready["sites"]) == {JIRA, ZENDESK}


@pytest.mark.full
def test_the_demo_tells_the_same_story_twice(tmp_path: Path) -> None:
    told = []
    for number in (1, 2):
        folder = tmp_path / f"demo-{number}"
        command = [sys.executable, "-m", "connector", "demo", "--seed", "5", "--folder", str(folder)]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False, env=_environment()
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        told.append(done.stdout.replace(str(folder), "DEMO"))
        commands = re.findall(r"^  (\S*connector .+)$", done.stdout, re.MULTILINE)
        assert len(commands) == 3, done.stdout
        for printed in commands:
            _try(printed, tmp_path)
    assert told[0] == told[1]
    assert "writes on" in told[0]


@pytest.mark.full
def test_a_demo_that_serves_answers_until_ctrl_c_and_leaves_nothing_running(tmp_path: Path) -> None:
    started: set[int] = set()
    command = [sys.executable, "-m", "connector", "demo", "--serve", "--speed", "600x", "--folder", "demo"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a terminal interrupts a whole group: that of the demo, and not ours
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            lines = [process.stderr.readline().strip() for _ in range(5)]
            said = dict(line.split(": ", 1) for line in lines[1:])
            started |= _children(process.pid)
            assert started
            assert any(" > " in line for line in process.stdout)  # the connector has written something
            view = said["as people see it"]
            for url in (f"{said[JIRA]}/rest/api/3/serverInfo", f"{said[ZENDESK]}/api/v2/groups.json", view):
                assert requests.get(url, timeout=PATIENCE).status_code in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}
            told = _try(said["in another terminal"].partition("   (")[0], tmp_path)
            assert "daemon running" in told
            assert all(name in told for name in SITES)
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=GIVE_UP_SECONDS)  # also waits for whoever holds its streams
        finally:
            process.kill()  # for nothing once it has ended
            left = {pid for pid in started if Path(f"/proc/{pid}").exists()}
            for pid in left:
                os.kill(pid, signal.SIGKILL)
    assert (process.returncode, err) == (0, "")
    assert re.search(r"^site\s+ticket\s+subject\s", out, re.MULTILINE)
    assert re.search(r"^\d+ writes? on \d+ tickets?, ", out, re.MULTILINE)
    assert not left
    with pytest.raises(requests.ConnectionError):
        requests.get(view, timeout=PATIENCE)


def _try(command: str, folder: Path) -> str:
    """Run a command as the demo prints it, which has to succeed, and return what it shows."""
    done = subprocess.run(
        [sys.executable, "-m", "connector", *shlex.split(command)[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=_environment(),
    )
    assert done.returncode == 0, (command, done.stderr)
    assert done.stdout
    return done.stdout


def _children(parent: int) -> set[int]:
    """Return the processes that a process has started."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended meanwhile
            if int(path.read_text().rpartition(") ")[2].split()[1]) == parent:
                found.add(int(path.parent.name))
    return found


def test_the_demo_s_day_is_told_again_as_it_was(tmp_path: Path) -> None:
    """At any moment a ticket stands on the level that was written last, for a reason, and nobody is made up."""
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "connector", "demo", "--folder", str(folder)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False, env=_environment()
    )
    assert done.returncode == 0, done.stderr
    program = Connector(load_settings(folder / "connector.yaml"), lambda *_, **__: None)
    keys = sorted(set(re.findall(r"(?<= )(?:SUP-|#)\d+(?= )", done.stdout)))
    assert len(keys) > 15
    wrong = [told for key in keys for told in _told_wrong(program, key)]
    assert not wrong, "\n".join(wrong)


CLOCKS_LOST = "not known any more: what the helpdesk's own clocks said: deadlines are by our own measure"
STOOD_STILL = re.compile(r"not known any more: when the timer of level \d ends")
DAY = datetime(2026, 11, 23, 7, tzinfo=UTC)


def _told_wrong(program: Connector, key: str) -> Iterator[str]:
    for quarters in range(0, 45, 3):
        at = DAY + timedelta(minutes=15 * quarters)
        try:
            report = program.explain(key, at=at)
        except ConnectorError:  # it was not there yet, or is nothing of ours
            continue
        written = [n for row in report.data["done"] for n in re.findall(r"level \S+ -> (\d)", row["detail"])]
        levels = [n for line in report.lines for n in re.findall(r"^path \S+, level (\d)", line)]
        if levels != written[-1:]:
            yield f"{key} at {at:%H:%M}: level {levels}, written {written}"
        lost = [line for line in report.lines if "not known any more" in line and line != CLOCKS_LOST]
        if any(not STOOD_STILL.fullmatch(line) for line in lost) or (lost and at.hour >= 17):
            yield f"{key} at {at:%H:%M}: {lost}"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
