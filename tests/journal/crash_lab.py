"""Kills a process, for real, before and after every statement of a transaction; run by ``test_crash.py``.

``python -m tests.journal.crash_lab TEMPLATE FOLDER ACTION…`` copies the state TEMPLATE, prepares it for an ACTION, and
then for 1, 2, 3… runs ACTION in a process of its own on a fresh copy and ends that process by SIGKILL at the first,
second, third… boundary, until one runs to its end. Every copy stays in FOLDER/ACTION for the test to look at:
``before.db``, one ``killed-N.db`` per kill, ``after.db``.

``python -m tests.journal.crash_lab TEMPLATE FOLDER open STEP`` does so with the making of a new state, at every STEP-th
boundary.

``python -m tests.journal.crash_lab TEMPLATE FOLDER acknowledge`` stores pages and intents for ever, and says on
standard output what it was told is stored.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, event

from connector.domain.occasion import Outcome
from connector.domain.site import Effect
from connector.journal import open_journal
from connector.journal.sql import SqlJournal
from connector.ports import Candidate, OpStatus, Quarantined, TicketHistory
from tests.journal import samples
from tests.journal.samples import FINGERPRINT, MINUTE, NOW, SITE

_WRITE = samples.write(fields=[samples.field_change()], comment=samples.comment(covers=("threshold:2",)))


def _prepare(journal: SqlJournal) -> None:
    journal.open_site(SITE, fingerprint=FINGERPRINT)
    samples.store(journal, samples.ticket("1"), samples.ticket("2"), samples.ticket("3"), cursor="c0")
    journal.store_verdicts(SITE, [samples.verdict("1", records=(samples.record(audience=Effect.FIELDS),))], run="r0")
    journal.resume(SITE, allow=2, now=NOW, actor="anna")
    journal.arm(SITE, [(_WRITE, "d")], run="r1", now=NOW)


def _store_page(journal: SqlJournal) -> None:
    changed = samples.ticket("1", version="v2", updated_at=NOW)
    candidates = [
        Candidate(ticket=changed, events=(samples.event("a"), samples.event("b"))),
        Candidate(ticket=samples.ticket("4"), text_hits={"w": True}),
    ]
    bad = (Quarantined(id="9", why="no status", digest="d"),)
    journal.store_page(SITE, candidates, page=samples.page(cursor="c1", gone=("3",), bad=bad), now=NOW)


def _store_verdicts(journal: SqlJournal) -> None:
    said = (samples.record("x:2", outcome=Outcome.SUPERSEDED),)
    given = samples.verdict("1", records=said, clocks=(samples.reading(),), due=NOW + MINUTE)
    journal.store_verdicts(SITE, [given, samples.verdict("2")], run="r1")


def _store_history(journal: SqlJournal) -> None:
    from connector.domain.ticket import TicketRef  # noqa: PLC0415

    ref = TicketRef(SITE, "1")
    journal.store_history([TicketHistory(ref=ref, events=(samples.event("h1"),), read_until=NOW)])


def _arm(journal: SqlJournal) -> None:
    both = [(samples.write("2", "k2", comment=samples.comment()), "d2"), (samples.write("3", "k3"), "d3")]
    journal.arm(SITE, both, run="r1", now=NOW)


def _settle(journal: SqlJournal) -> None:
    (op,) = journal.sending(SITE)
    journal.settle(op, samples.receipt(), now=NOW)


def _park(journal: SqlJournal) -> None:
    (op,) = journal.sending(SITE)
    journal.fail(op, OpStatus.PARKED, "nobody knows", now=NOW)


def _switch(journal: SqlJournal) -> None:
    journal.switch_effects(SITE, {"": frozenset({Effect.FIELDS})}, now=NOW)


ACTIONS: dict[str, Callable[[SqlJournal], None]] = {
    "store_page": _store_page,
    "store_verdicts": _store_verdicts,
    "store_history": _store_history,
    "arm": _arm,
    "settle": _settle,
    "park": _park,
    "switch_effects": _switch,
}


def _kill_at(engine: Engine, boundary: int) -> None:
    """End this process at the given boundary: before and after every statement, and before the commit."""
    passed = itertools.count(1)

    def pass_boundary(*_: object) -> None:
        if next(passed) == boundary:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(engine, name, pass_boundary)


def _in_a_child(work: Callable[[], None]) -> bool:
    """Run ``work`` in a process of its own; return whether it ran to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the child must end here, whatever happens
            os._exit(70)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    if os.WEXITSTATUS(status) != 0:
        raise SystemExit("the action failed in the child")
    return True


def _act(path: Path, action: Callable[[SqlJournal], None], boundary: int) -> None:
    journal = open_journal(str(path), least_free=0)
    _kill_at(journal._thread._connection.engine, boundary)
    action(journal)
    journal.close()


def enumerate_kills(template: Path, folder: Path, action: Callable[[SqlJournal], None], step: int) -> None:
    """Kill an action at its first six boundaries, and then at every ``step``-th."""
    before = Path(shutil.copy(template, folder / "before.db"))
    with open_journal(str(before), least_free=0) as journal:
        _prepare(journal)
    for boundary in itertools.chain(range(1, 7), itertools.count(7, step)):
        path = Path(shutil.copy(before, folder / f"killed-{boundary}.db"))
        shutil.copy(f"{before}.witness", f"{path}.witness")
        if _in_a_child(lambda path=path, boundary=boundary: _act(path, action, boundary)):  # type: ignore[misc]
            path.rename(folder / "after.db")
            return


def enumerate_kills_of_opening(folder: Path, step: int) -> None:
    """Kill the making of a new state: a migration that is cut short starts anew. It is long: not at every boundary."""
    from connector.journal import opening  # noqa: PLC0415

    for boundary in itertools.count(1, step):
        path = folder / f"killed-{boundary}.db"

        def open_it(path: Path = path, boundary: int = boundary) -> None:
            made = opening.sqlite.writer_engine

            def watched(where: Path | None) -> Engine:
                engine = made(where)
                _kill_at(engine, boundary)
                return engine

            opening.sqlite.writer_engine = watched
            open_journal(str(path), least_free=0).close()

        if _in_a_child(open_it):
            path.rename(folder / "after.db")
            return


def acknowledge(template: Path, folder: Path) -> None:
    """Store pages and intents, one after another, and say so as soon as the journal says so."""
    path = shutil.copy(template, folder / "state.db")
    journal = open_journal(str(path), least_free=0)
    journal.open_site(SITE, fingerprint=FINGERPRINT)
    for number in itertools.count(1):
        samples.store(journal, samples.ticket(str(number)), cursor=f"c{number}")
        print("page", number, flush=True)  # noqa: T201
        (op,) = journal.arm(SITE, [(samples.write(str(number), f"k{number}"), "d")], run="r", now=NOW)
        print("armed", number, flush=True)  # noqa: T201
        if number % 2:
            journal.settle(op, samples.receipt(f"k{number}"), now=NOW)
            print("settled", number, flush=True)  # noqa: T201


def main(template: str, folder: str, action: str, *more: str) -> None:
    if action == "acknowledge":
        acknowledge(Path(template), Path(folder))
    elif action == "open":
        import alembic.command  # noqa: F401, PLC0415 - once, not in every child

        enumerate_kills_of_opening(Path(folder), int(*more))
    else:
        for name in more:
            own = Path(folder) / name
            own.mkdir()
            enumerate_kills(Path(template), own, ACTIONS[name], int(action))


if __name__ == "__main__":
    main(*sys.argv[1:])
