"""A pass whose faults stay with its site: an error in our own code is told, and rests that site alone."""

from __future__ import annotations

from collections.abc import Callable

from connector.engine.kit import Surroundings
from connector.engine.passes import PassOutcome, PassResult, Site, run_pass
from connector.errors import ConnectorError, Unforeseen, what_failed, where_failed
from connector.ports import Alarm, AlarmKind, RunSummary


def run_contained(
    site: Site,
    around: Surroundings,
    *,
    kind: str,
    fetch: bool = True,
    may_write: Callable[[], bool] = lambda: True,
) -> PassResult:
    """Run one pass; an error that nobody foresaw becomes its result, as a helpdesk that cannot be read does.

    Raises:
        ConnectorError: The state cannot be used, and no site may go on as if it could; never ``Unforeseen``, which is
            what a state's database says to a row of ours that it does not take.
        MemoryError: The process is out of memory, which no other pass would mend.
    """
    try:
        return run_pass(site, around, kind=kind, fetch=fetch, may_write=may_write)
    except Unforeseen as error:
        return _crashed(site, around, error)
    except (ConnectorError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the other sites have nothing to do with it
        return _crashed(site, around, error)


def _crashed(site: Site, around: Surroundings, error: Exception) -> PassResult:
    """Tell of it, its place in the code included; its words may quote a ticket or a secret and are told nowhere."""
    why = what_failed(error)
    around.observer.event("pass_crashed", site=site.name, why=why, where=where_failed(error))
    around.notifier.alarm(
        Alarm.of_site(
            AlarmKind.FINDING,
            site.name,
            f"a fault of the connector itself ended a pass over {site.name} ({why}); it is tried again",
            remedy="please report it, with the line of the log that says `pass crashed`: it names the place",
            at=around.clock.now(),
        )
    )
    around.notifier.ping(ok=False)
    failed = RunSummary(failed=1)
    told = Unforeseen(f"a fault of the connector itself ({why})", remedy="see the line `pass crashed` in the log")
    run = next((row.id for row in around.journal.records().runs(site=site.name, limit=1)), "")
    return PassResult(site=site.name, run=run, outcome=PassOutcome.FAILED, summary=failed, error=told)
