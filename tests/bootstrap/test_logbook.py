"""``log``: idle polls stay out of sight, and what comes while somebody follows is told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.bootstrap import Connector
from connector.bootstrap.logbook import LogBook, LogQuestion
from connector.ports import Journal, JournalEvent, RunRow, RunSummary
from tests.bootstrap.conftest import Compose
from tests.helpdesks.stopped_clock import StoppedClock

SITE = "zendesk"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def ran(journal: Journal, number: int, *, kind: str = "run", ended: bool = True, **counts: int) -> None:
    at = NOW + timedelta(seconds=10 * number)
    row = RunRow(id=f"r{number:04d}", site=SITE, kind=kind, policy="p", started_at=at)
    journal.begin_run(row)
    if ended:
        summary = RunSummary(requests=2, **counts)
        journal.end_run(RunRow(**{**_values(row), "ended_at": at, "outcome": "ok", "summary": summary}))


def _values(row: RunRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in RunRow.__dataclass_fields__}


def opened(program: Connector, journal: Journal) -> None:
    journal.open_site(SITE, fingerprint=program.rules(SITE).fingerprint)


def test_idle_polls_are_shown_on_request_only(compose: Compose) -> None:
    program = compose()
    with program.journal() as journal:
        opened(program, journal)
        ran(journal, 0, written=1)
        for number in range(1, 30):
            ran(journal, number)
        ran(journal, 30, kind="sync")
        ran(journal, 31, held=1)
    assert [row["run"] for row in program.log(runs=True, limit=5)] == ["r0000", "r0030", "r0031"]
    assert [row["run"] for row in program.log(runs=True, limit=2)] == ["r0030", "r0031"]
    assert len(program.log(runs=True, quiet=True, limit=50)) == 32
    since = NOW + timedelta(seconds=305)
    assert [row["run"] for row in program.log(runs=True, since=since)] == ["r0031"]


def test_following_tells_each_line_once(compose: Compose) -> None:
    program = compose()
    with program.journal() as journal:
        opened(program, journal)
        line = JournalEvent(at=NOW, kind="write", site=SITE, ticket="7")
        journal.record(line)
        batches = LogBook(program, LogQuestion(site=SITE)).follow(StoppedClock(NOW))
        assert [row["what"] for row in next(batches)] == ["write"]
        assert next(batches) == []
        journal.record(line)
        journal.record(JournalEvent(at=NOW - timedelta(hours=1), kind="held", site=SITE, ticket="8"))
        journal.record(JournalEvent(at=NOW, kind="write", site="jsm-eu", ticket="9"))
        assert sorted(row["what"] for row in next(batches)) == ["held", "write"]
        assert next(batches) == []


def test_following_runs_tells_them_when_they_have_ended(compose: Compose) -> None:
    program = compose()
    with program.journal() as journal:
        opened(program, journal)
        ran(journal, 0, written=1)
        batches = LogBook(program, LogQuestion(runs=True)).follow(StoppedClock(NOW))
        assert [row["run"] for row in next(batches)] == ["r0000"]
        ran(journal, 1, ended=False)
        assert next(batches) == []
        ran(journal, 1, written=2)
        ran(journal, 2)
        assert [row["run"] for row in next(batches)] == ["r0001"]
        assert next(batches) == []
