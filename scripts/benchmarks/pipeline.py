"""The whole way of a ticket, pull to store, on the connector's own engine and SQLite journal, in shadow."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from connector.bootstrap.silent import Silent
from connector.domain.decide import decide
from connector.domain.policy import Policy
from connector.domain.site import SiteRules
from connector.domain.ticket import TicketRef
from connector.engine.gather import reach_all, situations
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.pull import pull
from connector.engine.reconcile import reconcile
from connector.helpdesks.zendesk.wire import Position
from connector.journal import open_journal
from connector.ports import Journal, Progress, TicketHistory
from connector.render import TextRenderer, load_templates
from scripts.benchmarks import zendesk
from scripts.benchmarks.parts import MAPPINGS, Opened, open_site, policy, site_map, standing
from scripts.benchmarks.server import START
from scripts.benchmarks.zendesk import BEGIN, Site, Work

SITE = "zendesk"
FINGERPRINT = "benchmark"
MOST = 1_000_000
CHUNK = 500


@dataclass(frozen=True, slots=True)
class OnePolicy:
    """A ``Policies`` that has one."""

    held: Policy = field(default_factory=policy)

    def current(self) -> Policy:
        """Return it."""
        return self.held

    def document(self, _digest: str) -> str | None:
        """Return nothing: none is kept here."""
        return None

    def kept(self, _document: str, *, today: date) -> Policy | None:
        """Return nothing: none is kept here."""
        del today
        return None


class Deaf:
    """An observer that does not listen."""

    def event(self, name: str, /, **values: object) -> None:
        """Take an event."""


class WithoutHistory:
    """A reader that reads no histories: their requests are counted apart, and they are bound by the vendor's limits."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def history_allowance(self) -> int:
        """Return that none may be read now."""
        return 0


@contextmanager
def state() -> Iterator[Journal]:
    """Open a new journal in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, open_journal(str(Path(folder) / "state.db")) as opened:
        yield opened


def reading(opened: Opened) -> SiteReading:
    """Return the reading half of the site, in shadow."""
    rules = SiteRules(name=SITE, fingerprint=FINGERPRINT, unwritable=site_map(SITE).unwritable)
    return SiteReading(rules=rules, reader=WithoutHistory(opened.reader), directory=opened.directory)


def surroundings(journal: Journal) -> Surroundings:
    """Return what a pass works in."""
    return Surroundings(
        journal=journal,
        policies=OnePolicy(),
        renderer=TextRenderer(load_templates(MAPPINGS / "templates", locales=set()), timezone="UTC", fallback=("en",)),
        notifier=Silent(),
        observer=Deaf(),
        clock=standing(),
    )


def rewind(journal: Journal) -> None:
    """Put the cursor before the first ticket, with the first load behind us and no sweep due.

    The site is recalled while it is still empty: otherwise every ticket would wait for its history.
    """
    journal.open_site(SITE, fingerprint=FINGERPRINT)
    journal.end_recall(SITE, policy_hash="", now=START)
    journal.advance(SITE, Progress(cursor=Position(BEGIN).text(), loaded=True, last_sweep_at=START))


@dataclass(slots=True)
class Bench:
    """A site, a journal and what belongs to them."""

    reading: SiteReading
    around: Surroundings

    def pass_(self) -> dict[str, Any]:
        """Run one pass over every ticket up to the plan."""
        rewind(self.around.journal)
        plan = reconcile(self.reading, self.around, run="bench")
        return {"count": plan.read, "decided": plan.decided, "would_do": plan.would_do}

    def pull(self) -> dict[str, Any]:
        """Pull and store every ticket, and decide nothing."""
        rewind(self.around.journal)
        found = self.around.journal.open_site(SITE, fingerprint=FINGERPRINT)
        pulled = pull(self.reading, self.around, found, now=START)
        return {"count": pulled.read, "decided": 0}

    def settle(self) -> None:
        """Take every history as read, with nothing in it, and decide what waited for one."""
        journal = self.around.journal
        refs = [TicketRef(SITE, id_) for id_ in journal.without_history(SITE, limit=MOST)]
        journal.store_history(tuple(TicketHistory(ref=ref, events=(), read_until=START) for ref in refs))
        self.pass_()

    def decide(self, ids: tuple[str, ...]) -> dict[str, Any]:
        """Decide stored tickets again; ``alone`` is the processor time of the decisions alone."""
        held = self.around.policies.current()
        reach = reach_all(self.reading, held, now=START)
        alone = 0.0
        for start in range(0, len(ids), CHUNK):
            found = list(situations(self.reading, self.around, ids[start : start + CHUNK], reach, now=START))
            began = time.process_time()
            for situation in found:
                decide(situation, held, START)
            alone += time.process_time() - began
        return {"count": len(ids), "alone": alone}


def _bench(site: Site) -> Bench:
    context = state()
    journal = context.__enter__()  # the process ends with it
    _KEPT.append(context)
    opened = open_site(SITE, site)
    opened.reader.check()
    return Bench(reading(opened), surroundings(journal))


_KEPT: list[Any] = []
"""What must live as long as the process."""


def first(site: Site) -> Work:
    """A first pass over every ticket: all are new, all are decided and stored."""
    return _bench(site).pass_


def second(site: Site) -> Work:
    """The same again with nothing changed and all histories in: nothing is left to decide."""
    bench = _bench(site)
    bench.pass_()
    bench.settle()
    return bench.pass_


def second_unread(site: Site) -> Work:
    """The same again while no history can be read: what waits for its own is left alone until that comes in."""
    bench = _bench(site)
    bench.pass_()
    return bench.pass_


def pull_only(site: Site) -> Work:
    """Pull, normalise and store; nothing is decided."""
    return _bench(site).pull


def decide_only(site: Site) -> Work:
    """Decide every open stored ticket again."""
    bench = _bench(site)
    bench.pull()
    ids = tuple(sorted(bench.around.journal.known_open(SITE)))
    return lambda: bench.decide(ids)


CLIENTS: dict[str, Callable[[Site], Work]] = {
    "connector: first pass": first,
    "connector: first pull, not decided": pull_only,
    "connector: second pass, nothing changed": second,
    "connector: second pass, no history in": second_unread,
    "connector: decide alone": decide_only,
    "floor: receive + json.loads": zendesk.floor_json,
}
